//! What the verbs need from the system, and how it is brought: one list for `test`, `bench-proxy` and `doctor`.

use anyhow::Result;

use crate::shell::{execute, find_program, program};

/// A program of the system and the Debian package that holds it.
pub(crate) struct Need {
    pub program: &'static str,
    pub package: &'static str,
    pub what_for: &'static str,
}

/// What a build of the program with every feature needs beside Rust.
pub(crate) const FOR_BUILD: &[Need] =
    &[Need { program: "cc", package: "gcc", what_for: "linking, and C code of dependencies" }];

/// What the tests use: foreign clients and origins.
pub(crate) const FOR_TESTS: &[Need] = &[
    Need { program: "cc", package: "gcc", what_for: "linking, and C code of dependencies" },
    Need { program: "curl", package: "curl", what_for: "tests with a foreign client" },
    Need { program: "python3", package: "python3", what_for: "tests with a foreign client and origin" },
    Need { program: "nginx", package: "nginx-light", what_for: "tests with a foreign origin" },
    Need { program: "openssl", package: "openssl", what_for: "tests with a foreign TLS client and server" },
];

/// What the comparison with other proxies uses beside them.
pub(crate) const FOR_BENCH_PROXY: &[Need] = &[
    Need { program: "nginx", package: "nginx-light", what_for: "origin and contestant of bench-proxy" },
    Need { program: "haproxy", package: "haproxy", what_for: "contestant of bench-proxy" },
    Need { program: "wrk", package: "wrk", what_for: "load of bench-proxy" },
    Need { program: "curl", package: "curl", what_for: "large transfers of bench-proxy" },
    Need { program: "strace", package: "strace", what_for: "counting system calls (bench-proxy --count)" },
    Need { program: "taskset", package: "util-linux", what_for: "one core for the proxy of bench-proxy" },
];

/// What the peers' crates need to build.
pub(crate) const FOR_PEERS: &[Need] = &[Need {
    program: "cmake",
    package: "cmake",
    what_for: "building the crate `pingora` for bench and bench-proxy",
}];

/// The needs that this machine does not meet.
pub(crate) fn missing(needs: &'static [Need]) -> Vec<&'static Need> {
    needs.iter().filter(|need| find_program(need.program).is_none()).collect()
}

/// The command that installs them.
pub(crate) fn install_command(needs: &[&Need]) -> String {
    let mut packages: Vec<_> = needs.iter().map(|need| need.package).collect();
    packages.dedup();
    format!("apt-get install -y --no-install-recommends {}", packages.join(" "))
}

/// Installs what is missing when that is possible without asking anyone; otherwise says what to type.
///
/// It never fails by itself: what is still missing shows in the step that needs it.
pub(crate) fn bring(needs: &'static [Need]) {
    let missing = missing(needs);
    if missing.is_empty() {
        return;
    }
    // SAFETY: geteuid has no preconditions and cannot fail.
    let root = unsafe { libc::geteuid() } == 0;
    if !root || find_program("apt-get").is_none() {
        println!("missing here: run `{}` as root", install_command(&missing));
        return;
    }
    if let Err(error) = install(&missing) {
        println!("could not install: {error:#}");
    }
}

fn install(missing: &[&Need]) -> Result<()> {
    execute(apt().args(["update", "-q"]))?;
    execute(
        apt()
            .args(["install", "-y", "-q", "--no-install-recommends"])
            .args(missing.iter().map(|need| need.package)),
    )
}

fn apt() -> std::process::Command {
    let mut command = program("apt-get", [] as [&str; 0]);
    // Run level 1 keeps Debian's packages from starting a server on port 80 as they are installed.
    command.env("DEBIAN_FRONTEND", "noninteractive").env("RUNLEVEL", "1");
    command
}
