//! What somebody sees who builds with `quiche` in a workspace of their own, with and without the patch.

use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, ensure};

use crate::shell::{cargo, display, execute};
use crate::workspace;

/// What cargo says without it. The name of a feature that the registry's crate lacks is the way to say it before
/// anything is built: a build script of ours comes too late, for that crate is made to fail at once.
const SENTENCE: &str = "package `gorge-tls` depends on `bssl-sys` with feature \
                        `patched-in-the-root-Cargo.toml-as-the-README-of-gorge-shows` \
                        but `bssl-sys` does not have that feature.";

/// What the README shows.
const LINES: &str = "[patch.crates-io]\nbssl-sys = { git = \"https://github.com/gorge-proxy/gorge\" }\n";

/// The same profile as here, so that BoringSSL is not built anew.
const PROFILE: &str = "[profile.dev]\ndebug = \"line-tables-only\"\n\n\
                       [profile.dev.package.boring-sys]\nopt-level = 3\n";

/// Checks a tiny crate outside of the workspace that depends on `gorge-tls` with `quiche`.
pub(crate) fn check() -> Result<()> {
    let folder = workspace::target_folder()?.join("missing-patch");
    let transport = workspace::root().join("crates/2-transport");
    write(&folder, &transport, "")?;
    let mut command = check_of(&folder)?;
    println!("$ {}", display(&command));
    let output = command.output().context("cannot start cargo")?;
    let told = String::from_utf8_lossy(&output.stderr);
    ensure!(!output.status.success(), "without the patch it builds");
    let times = told.matches(SENTENCE).count();
    ensure!(times == 1, "without the patch `{SENTENCE}` is said {times} times, not once:\n{told}");
    let readme = std::fs::read_to_string(workspace::root().join("README.md"))?;
    ensure!(readme.contains(LINES), "README.md does not show\n{LINES}");

    let patch = format!("[patch.crates-io]\nbssl-sys = {{ path = {:?} }}\n", transport.join("bssl-sys"));
    write(&folder, &transport, &patch)?;
    execute(&mut check_of(&folder)?)?;
    println!("without the patch cargo says what is missing, with it all is well");
    Ok(())
}

fn check_of(folder: &Path) -> Result<Command> {
    let mut command = cargo(["check", "--manifest-path"]);
    command.arg(folder.join("Cargo.toml")).env("CARGO_TARGET_DIR", workspace::target_folder()?);
    Ok(command)
}

fn write(folder: &Path, transport: &Path, patch: &str) -> Result<()> {
    let manifest = format!(
        "[package]\nname = \"elsewhere\"\nversion = \"0.0.0\"\nedition = \"2024\"\n\n[workspace]\n\n\
         [dependencies]\ngorge-tls = {{ path = {:?}, features = [\"quiche\"] }}\n\n{PROFILE}\n{patch}",
        transport.join("tls")
    );
    std::fs::create_dir_all(folder.join("src"))?;
    std::fs::write(folder.join("src/lib.rs"), "//! Nothing.\n")?;
    // The versions of here, so that what is built is built already.
    std::fs::copy(workspace::root().join("Cargo.lock"), folder.join("Cargo.lock"))?;
    std::fs::write(folder.join("Cargo.toml"), manifest).context("cannot write a crate to check")?;
    Ok(())
}
