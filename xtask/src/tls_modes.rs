//! TLS on either library: its tests on one of them, and proof that a program has one alone.

use std::path::Path;

use anyhow::{Result, ensure};

use crate::shell::{capture, cargo, display, execute, program};
use crate::workspace::{self, Package};

/// The library that a program speaks TLS with.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Library {
    /// The system's OpenSSL: the default.
    OpenSsl,
    /// The BoringSSL that quiche brings: feature `quiche`.
    BoringSsl,
}

impl Library {
    fn feature(self) -> &'static str {
        match self {
            Self::OpenSsl => "openssl",
            Self::BoringSsl => "quiche",
        }
    }
}

/// All tests of `gorge-tls`, and of the other crates those that speak TLS: `tests/tls*.rs`.
pub(crate) fn tests(library: Library) -> Result<()> {
    let mut alone = cargo(["test", "--package", "gorge-tls"]);
    if library == Library::BoringSsl {
        alone.args(["--features", "quiche"]);
    }
    execute(&mut alone)?;
    let feature = library.feature();
    let speakers: Vec<Package> = workspace::crates()?
        .into_iter()
        .filter(|package| package.name != "gorge-tls" && package.features.contains_key(feature))
        .filter(speaks_tls)
        .collect();
    // The command line too: it has the program built, which is looked into next.
    let mut command = cargo(["test", "--no-fail-fast", "--package", "gorge-cli", "--test", "command_line"]);
    let mut features = vec![format!("gorge-cli/{feature}")];
    for package in &speakers {
        command.args(["--package", &package.name]);
        features.push(format!("{}/{feature}", package.name));
    }
    if !speakers.is_empty() {
        command.args(["--test", "tls*"]);
    }
    execute(command.args(["--features", &features.join(",")]))?;
    one_library_in_program(library)
}

fn speaks_tls(package: &Package) -> bool {
    workspace::rust_files(&package.folder.join("tests"))
        .iter()
        .any(|file| file.file_name().is_some_and(|name| name.to_string_lossy().starts_with("tls")))
}

/// The crates that are a TLS library or bring one.
const CRATES: &[&str] = &[
    "aws-lc-rs",
    "aws-lc-sys",
    "boring-sys",
    "native-tls",
    "openssl-src",
    "openssl-sys",
    "quiche",
    "rustls",
    "wolfssl-sys",
];

/// Features of the program, and which of [`CRATES`] they bring.
const BROUGHT: &[(&[&str], &[&str])] = &[
    (&["--no-default-features"], &[]),
    (&[], &["openssl-sys"]),
    (&["--features", "vendored-openssl"], &["openssl-src", "openssl-sys"]),
    // Here openssl-sys is but the names; boring-sys is what they stand for.
    (&["--features", "full"], &["boring-sys", "openssl-sys"]),
];

/// Reads from the graph of dependencies that each set of features brings one library, or none.
pub(crate) fn one_library_in_graph() -> Result<()> {
    for (features, expected) in BROUGHT {
        let mut tree = cargo(["tree", "--package", "gorge-cli", "--edges", "normal,build"]);
        tree.args(["--prefix", "none", "--format", "{p}"]).args(*features);
        println!("$ {}", display(&tree));
        let tree = capture(&mut tree)?;
        let names = || tree.lines().filter_map(|line| line.split(' ').next());
        let mut found: Vec<&str> = names().filter(|name| CRATES.contains(name)).collect();
        found.sort_unstable();
        found.dedup();
        ensure!(found == *expected, "it brings {found:?}, and should bring {expected:?}");
    }
    println!("no feature brings a second TLS library, and without features there is none");
    Ok(())
}

/// Reads from the program that was built last that it has this library and not the other.
pub(crate) fn one_library_in_program(library: Library) -> Result<()> {
    let path = workspace::target_folder()?.join("debug/gorge");
    let loaded = shared_libraries(&path)?;
    let symbols = capture(program("nm", [] as [&str; 0]).arg(&path))?;
    let defined = defined(&symbols, "SSL_CTX_new");
    let (loads, expected) = match library {
        Library::OpenSsl => (true, 0),
        Library::BoringSsl => (false, 1),
    };
    for name in ["libssl.so", "libcrypto.so"] {
        let found = loaded.iter().any(|loaded| loaded.starts_with(name));
        ensure!(found == loads, "{}: of the system it loads {loaded:?}", path.display());
    }
    ensure!(defined == expected, "{}: SSL_CTX_new is in it {defined} times", path.display());
    println!("{}: loads {}; SSL_CTX_new is in it {defined} times", path.display(), loaded.join(", "));
    Ok(())
}

/// What the loader is to bring, from the dynamic section: `libssl.so.3`.
fn shared_libraries(path: &Path) -> Result<Vec<String>> {
    let dynamic = capture(program("readelf", ["--dynamic", "--wide"]).arg(path))?;
    let needed = dynamic.lines().filter(|line| line.contains("(NEEDED)"));
    Ok(needed.filter_map(|line| Some(line.split_once('[')?.1.split(']').next()?.to_owned())).collect())
}

/// How often nm lists a function as part of the program, not as one that is to be found elsewhere.
fn defined(symbols: &str, name: &str) -> usize {
    let of = |line: &str| {
        let mut parts = line.rsplit(' ');
        parts.next() == Some(name) && parts.next().is_some_and(|kind| kind.eq_ignore_ascii_case("t"))
    };
    symbols.lines().filter(|line| of(line)).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_looked_for_elsewhere_is_not_part_of_the_program() {
        let symbols = "0000000000a1 T SSL_CTX_new\n                 U SSL_CTX_free@OPENSSL_3.0.0\n\
                       0000000000b2 t SSL_CTX_new_ex\n";
        assert_eq!(defined(symbols, "SSL_CTX_new"), 1);
        assert_eq!(defined(symbols, "SSL_CTX_free"), 0);
    }
}
