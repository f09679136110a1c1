//! What the verbs need from the system, and how it is brought: one list for `test`, `bench-proxy` and `doctor`.

use std::path::PathBuf;

use anyhow::Result;

use crate::shell::{self, capture, execute, find_program};
use crate::wheels;

/// Something that a verb needs, and the Debian package that brings it.
pub(crate) struct Need {
    pub what: What,
    pub package: &'static str,
    pub what_for: &'static str,
}

/// What is looked for.
#[derive(Clone, Copy)]
pub(crate) enum What {
    /// A program on the search path.
    Program(&'static str),
    /// A library with its headers, by the name that pkg-config knows it by.
    Library(&'static str),
    /// The library that bindgen reads C headers with.
    Libclang,
}

/// What a plain `cargo build` and `cargo test` need beside Rust.
pub(crate) const FOR_BUILD: &[Need] = &[
    program("cc", "gcc", "linking, and C code of dependencies"),
    program("pkg-config", "pkg-config", "finding OpenSSL"),
    library("openssl", "libssl-dev", "TLS; the feature `vendored-openssl` builds it from source instead"),
];

/// What a build with every feature needs beside Rust: BoringSSL is built from source.
pub(crate) const FOR_FULL: &[Need] = &[
    program("cc", "gcc", "linking, and C code of dependencies"),
    program("c++", "g++", "BoringSSL (feature `quiche`)"),
    program("make", "make", "BoringSSL (feature `quiche`)"),
    program("cmake", "cmake", "BoringSSL (feature `quiche`)"),
    Need {
        what: What::Libclang,
        package: "libclang-dev",
        what_for: "bindings to BoringSSL (feature `quiche`)",
    },
    program("git", "git", "BoringSSL (feature `quiche`): its build asks for it"),
];

/// What the tests use: foreign clients and origins, and what looks into programs.
pub(crate) const FOR_TESTS: &[Need] = &[
    program("curl", "curl", "tests with a foreign client"),
    program("python3", "python3", "tests with a foreign client and origin"),
    program("nginx", "nginx-light", "tests with a foreign origin"),
    program("openssl", "openssl", "tests with a foreign TLS client and server"),
    program("testssl", "testssl.sh", "tests with a scanner of TLS servers"),
    program("nm", "binutils", "counting the TLS libraries of the program"),
];

/// What `test-matrix` needs beside the tests: OpenSSL is built from source.
pub(crate) const FOR_VENDORED: &[Need] = &[
    program("perl", "perl", "OpenSSL from source (feature `vendored-openssl`)"),
    program("make", "make", "OpenSSL from source (feature `vendored-openssl`)"),
];

/// What the comparison with other proxies uses beside them.
pub(crate) const FOR_BENCH_PROXY: &[Need] = &[
    program("nginx", "nginx-light", "origin and contestant of bench-proxy"),
    program("haproxy", "haproxy", "contestant of bench-proxy"),
    program("wrk", "wrk", "load of bench-proxy"),
    program("curl", "curl", "large transfers of bench-proxy"),
    program("strace", "strace", "counting system calls (bench-proxy --count)"),
    program("openssl", "openssl", "the certificates of bench-proxy --tls"),
    program("pkg-config", "pkg-config", "building the load of bench-proxy --tls"),
    library("openssl", "libssl-dev", "building the load of bench-proxy --tls"),
    program("taskset", "util-linux", "one core for the proxy of bench-proxy"),
];

/// What the peers' crates need to build.
pub(crate) const FOR_PEERS: &[Need] =
    &[program("cmake", "cmake", "building the crate `pingora` for bench and bench-proxy")];

const fn program(name: &'static str, package: &'static str, what_for: &'static str) -> Need {
    Need { what: What::Program(name), package, what_for }
}

const fn library(name: &'static str, package: &'static str, what_for: &'static str) -> Need {
    Need { what: What::Library(name), package, what_for }
}

impl Need {
    /// What it is called.
    pub(crate) fn name(&self) -> &'static str {
        match self.what {
            What::Program(name) => name,
            What::Library(_) => self.package,
            What::Libclang => "libclang",
        }
    }

    /// Where it stands; none if it is missing.
    pub(crate) fn find(&self) -> Option<String> {
        match self.what {
            What::Program(name) => find_program(name).map(|path| path.display().to_string()),
            What::Library(name) => find_library(name),
            What::Libclang => find_libclang().map(|path| path.display().to_string()),
        }
    }
}

/// As the crate openssl-sys looks for it.
fn find_library(name: &str) -> Option<String> {
    if let Some(folder) = std::env::var_os(format!("{}_DIR", name.to_uppercase())) {
        return Some(folder.to_string_lossy().into_owned());
    }
    let version = capture(&mut shell::program("pkg-config", ["--modversion", name])).ok()?;
    Some(format!("{name} {}", version.trim()))
}

/// About as the crate clang-sys looks for it.
pub(crate) fn find_libclang() -> Option<PathBuf> {
    if let Some(path) = std::env::var_os("LIBCLANG_PATH") {
        return Some(path.into());
    }
    let mut folders = vec![PathBuf::from("/usr/local/lib")];
    for parent in ["/usr/lib", "/usr/lib64"] {
        folders.push(parent.into());
        let below = std::fs::read_dir(parent).into_iter().flatten().flatten();
        folders.extend(below.flat_map(|entry| [entry.path(), entry.path().join("lib")]));
    }
    folders.into_iter().find_map(|folder| {
        let entries = std::fs::read_dir(folder).ok()?;
        entries.flatten().map(|entry| entry.path()).find(|path| {
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            name.starts_with("libclang.so") || (name.starts_with("libclang-") && name.contains(".so"))
        })
    })
}

/// The needs of these groups that this machine does not meet.
pub(crate) fn missing(groups: &[&'static [Need]]) -> Vec<&'static Need> {
    groups.iter().copied().flatten().filter(|need| need.find().is_none()).collect()
}

/// The command that installs them.
pub(crate) fn install_command(needs: &[&Need]) -> String {
    format!("apt-get install -y --no-install-recommends {}", packages(needs).join(" "))
}

fn packages(needs: &[&Need]) -> Vec<&'static str> {
    let mut packages: Vec<_> = needs.iter().map(|need| need.package).collect();
    packages.sort_unstable();
    packages.dedup();
    packages
}

/// Installs what is missing when that is possible without asking anyone; otherwise says what to type.
///
/// It never fails by itself: what is still missing shows in the step that needs it.
pub(crate) fn bring(needs: &'static [Need]) {
    bring_all(&[needs]);
}

/// The same for several groups at once.
pub(crate) fn bring_all(groups: &[&'static [Need]]) {
    wheels::use_those_here();
    let lacking = missing(groups);
    if lacking.is_empty() {
        return;
    }
    // SAFETY: geteuid has no preconditions and cannot fail.
    let root = unsafe { libc::geteuid() } == 0;
    if root
        && find_program("apt-get").is_some()
        && let Err(error) = install(&lacking)
    {
        println!("could not install: {error:#}");
    }
    let lacking = missing(groups);
    if let Err(error) = wheels::bring(&lacking) {
        println!("could not bring what PyPI has: {error:#}");
    }
    let lacking = missing(groups);
    if !lacking.is_empty() {
        println!("missing here: run `{}` as root", install_command(&lacking));
    }
}

fn install(missing: &[&Need]) -> Result<()> {
    execute(apt().args(["update", "-q"]))?;
    execute(apt().args(["install", "-y", "-q", "--no-install-recommends"]).args(packages(missing)))
}

fn apt() -> std::process::Command {
    let mut command = shell::program("apt-get", [] as [&str; 0]);
    // Run level 1 keeps Debian's packages from starting a server on port 80 as they are installed.
    command.env("DEBIAN_FRONTEND", "noninteractive").env("RUNLEVEL", "1");
    command
}
