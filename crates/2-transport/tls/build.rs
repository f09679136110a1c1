//! Finds out which library `openssl` runs on, and says what is missing when that cannot work.

/// A patch counts only in the root of a workspace, so whoever builds with `quiche` elsewhere needs it too.
const MISSING_PATCH: &str = "gorge with the feature `quiche` needs its own bssl-sys in place of the registry's \
     empty one. Add to the Cargo.toml at the root of your workspace:\n\n\
     [patch.crates-io]\n\
     bssl-sys = { git = \"https://github.com/gorge-proxy/gorge\" }\n";

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    println!("cargo:rustc-check-cfg=cfg(boringssl)");
    // openssl-sys tells, as it is a direct dependency.
    if std::env::var_os("DEP_OPENSSL_BORINGSSL").is_none() {
        return;
    }
    if std::env::var_os("DEP_OPENSSL_CONF").is_none() {
        println!("{MISSING_PATCH}");
        eprintln!("{MISSING_PATCH}");
        std::process::exit(1);
    }
    println!("cargo:rustc-cfg=boringssl");
}
