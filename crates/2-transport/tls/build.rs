//! Finds out which library `openssl` runs on.

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rustc-check-cfg=cfg(boringssl)");
    // openssl-sys tells, as it is a direct dependency.
    if std::env::var_os("DEP_OPENSSL_BORINGSSL").is_some() {
        println!("cargo::rustc-cfg=boringssl");
    }
}
