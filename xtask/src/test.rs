//! `cargo xtask test`: the one test command. It runs every step even when one fails, and names those that failed.

use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::shell::{Arguments, cargo, execute};
use crate::tls_modes::{self, Library};
use crate::workspace::{self, Package};
use crate::{docs, levels, missing_patch, needs, test_matrix, tidy};

type Step = (&'static str, fn() -> Result<()>);

/// In this order: what is quick and fails often comes first.
const STEPS: &[Step] = &[
    ("format", format),
    ("levels", || levels::check(true).map(|verdict| println!("{verdict}"))),
    ("tidy", || tidy::check().map(|verdict| println!("{verdict}"))),
    ("TLS libraries by feature", tls_modes::one_library_in_graph),
    ("clippy", clippy),
    ("tests", tests),
    ("TLS and QUIC in one program", tls_and_quic),
    ("the missing patch", missing_patch::check),
    ("fuzz corpora", fuzz_corpora),
    ("docs", rustdoc),
    ("reference pages", || docs::check().map(|verdict| println!("{verdict}"))),
    ("loom", loom),
    ("each crate alone", test_matrix::quick),
    ("TLS on the system's OpenSSL", || tls_modes::tests(Library::OpenSsl)),
    ("sets of the umbrella", test_matrix::umbrella),
];

pub(crate) fn run(mut arguments: Arguments) -> Result<String> {
    let only = arguments.word();
    arguments.finish()?;
    needs::bring_all(&[needs::FOR_BUILD, needs::FOR_FULL, needs::FOR_TESTS]);
    match only.as_deref() {
        Some("tls") => tls(),
        Some("quiche") => quiche(),
        Some(name) => one_crate(name),
        None => every_step(),
    }
}

/// What speaks TLS, on the system's OpenSSL.
fn tls() -> Result<String> {
    tls_modes::one_library_in_graph()?;
    tls_modes::tests(Library::OpenSsl)?;
    Ok("what speaks TLS passes on the system's OpenSSL".to_owned())
}

/// The same on BoringSSL, and what only concerns that.
fn quiche() -> Result<String> {
    tls_modes::one_library_in_graph()?;
    tls_modes::tests(Library::BoringSsl)?;
    tls_and_quic()?;
    missing_patch::check()?;
    Ok("what speaks TLS passes on BoringSSL, beside QUIC too".to_owned())
}

fn every_step() -> Result<String> {
    let mut failed = Vec::new();
    for (name, step) in STEPS {
        println!("== {name}");
        if let Err(error) = step() {
            println!("== {name}: FAILED: {error:#}");
            failed.push(*name);
        }
    }
    if !failed.is_empty() {
        bail!("{} of {} steps: {}", failed.len(), STEPS.len(), failed.join(", "));
    }
    Ok(format!("all {} steps pass", STEPS.len()))
}

/// The same for one crate, named with or without its prefix.
fn one_crate(name: &str) -> Result<String> {
    let packages = workspace::packages()?;
    let package =
        packages.iter().find(|package| package.name == name || package.short_name() == name).with_context(
            || format!("there is no crate `{name}`; `cargo xtask levels` draws those that exist"),
        )?;
    execute(&mut cargo(["fmt", "--check", "--package", &package.name]))?;
    execute(&mut cargo([
        "clippy",
        "--package",
        &package.name,
        "--all-targets",
        "--all-features",
        "--",
        "-D",
        "warnings",
    ]))?;
    execute(&mut cargo(["test", "--package", &package.name, "--all-features"]))?;
    if has_loom_tests(package) {
        execute(&mut loom_of(package))?;
    }
    Ok(format!("{} passes", package.name))
}

fn format() -> Result<()> {
    execute(&mut cargo(["fmt", "--all", "--check"]))
}

fn clippy() -> Result<()> {
    execute(&mut with_full("clippy", &["--all-targets"], &["--", "-D", "warnings"])?)?;
    execute(&mut cargo(["clippy", "--package", "bssl-sys", "--all-targets", "--", "-D", "warnings"]))
}

/// Unit, integration and doc tests. Not `--all-targets`, which builds the examples as tests, where their
/// tests want the programs.
fn tests() -> Result<()> {
    execute(&mut with_full("test", &["--no-fail-fast"], &[])?)?;
    tls_modes::one_library_in_program(Library::BoringSsl)
}

/// Handshakes of both in one process; not a default member, for it builds quiche.
fn tls_and_quic() -> Result<()> {
    execute(&mut cargo(["test", "--package", "bssl-sys"]))
}

/// The corpora of the fuzz targets, run as ordinary tests of the package `gorge-fuzz`.
fn fuzz_corpora() -> Result<()> {
    execute(&mut cargo(["test", "--package", "gorge-fuzz"]))
}

fn rustdoc() -> Result<()> {
    execute(with_full("doc", &["--no-deps", "--lib"], &[])?.env("RUSTDOCFLAGS", "-D warnings"))
}

/// Every interleaving of what workers share, in each crate that has such tests.
fn loom() -> Result<()> {
    for package in workspace::crates()?.iter().filter(|package| has_loom_tests(package)) {
        execute(&mut loom_of(package))?;
    }
    Ok(())
}

/// They stand in `tests/loom_*.rs` of the crate.
fn has_loom_tests(package: &Package) -> bool {
    workspace::rust_files(&package.folder.join("tests"))
        .iter()
        .any(|file| file.file_name().is_some_and(|name| name.to_string_lossy().starts_with("loom_")))
}

/// Optimised, for loom tries thousands of orders; with assertions all the same. The flag rebuilds every dependency, so
/// it has a target folder of its own.
fn loom_of(package: &Package) -> Command {
    let mut command = cargo(["test", "--release", "--package", &package.name, "--test", "loom_*"]);
    command
        .env("RUSTFLAGS", "--cfg loom")
        .env("CARGO_TARGET_DIR", "target/loom")
        .env("CARGO_PROFILE_RELEASE_LTO", "off")
        .env("CARGO_PROFILE_RELEASE_DEBUG_ASSERTIONS", "true");
    command
}

/// `cargo VERB` over the default members with the `full` features of those that have them.
fn with_full(verb: &str, options: &[&str], rest: &[&str]) -> Result<Command> {
    let full: Vec<String> = workspace::packages()?
        .iter()
        .filter(|package| package.features.contains_key("full"))
        .map(|package| format!("{}/full", package.name))
        .collect();
    let mut command = cargo([verb]);
    command.args(options);
    if !full.is_empty() {
        command.args(["--features", &full.join(",")]);
    }
    command.args(rest);
    Ok(command)
}
