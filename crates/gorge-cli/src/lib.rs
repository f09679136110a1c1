#![doc = include_str!("../README.md")]

mod address;
mod args;
pub mod config;
mod demo;
mod environment;
mod failure;
mod logs;
mod proxy;
mod serve;
mod settings;
mod terminal;
mod version;

use std::process::ExitCode;

use clap::Parser;

use crate::args::{Arguments, Verb};

/// The program: reads the command line of this process, does what it says, and returns the exit code.
#[must_use]
pub fn run() -> ExitCode {
    let done = match Arguments::try_parse().map(|arguments| arguments.verb) {
        Ok(Verb::Demo(arguments)) => demo::run(&arguments),
        Ok(Verb::Proxy(arguments)) => proxy::run(&arguments),
        Err(wrong) => return terminal::show(&wrong),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            terminal::say(&failure);
            failure.exit_code()
        }
    }
}
