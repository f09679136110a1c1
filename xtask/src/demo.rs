//! `cargo xtask demo`: builds the program with every feature and runs its demo.

use anyhow::Result;

use crate::needs;
use crate::shell::{self, Arguments, cargo, execute};

const PROGRAM: &[&str] = &["--release", "--package", "gorge-cli", "--features", "full"];

pub(crate) fn run(arguments: Arguments) -> Result<String> {
    arguments.finish()?;
    needs::bring(needs::FOR_BUILD);
    run_verb("build", &[])?;
    shell::outlive_interrupts();
    run_verb("run", &["--", "demo"])?;
    Ok("the demo ended".to_owned())
}

fn run_verb(verb: &str, rest: &[&str]) -> Result<()> {
    execute(&mut cargo([&[verb], PROGRAM, rest].concat()))
}
