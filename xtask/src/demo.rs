//! `cargo xtask demo`: builds the program with every feature and runs its demo.

use anyhow::Result;

use crate::needs;
use crate::shell::{self, Arguments, attend, cargo, execute};

const PROGRAM: [&str; 5] = ["--release", "--package", "gorge-cli", "--features", "full"];

pub(crate) fn run(arguments: Arguments) -> Result<String> {
    arguments.finish()?;
    needs::bring(needs::FOR_FULL);
    execute(cargo(["build"]).args(PROGRAM))?;
    shell::outlive_interrupts();
    attend(cargo(["run"]).args(PROGRAM).args(["--", "demo"]))?;
    Ok("the demo ended".to_owned())
}
