#![doc = include_str!("../README.md")]

mod address;
mod args;
mod build;
mod check;
pub mod config;
mod control;
mod demo;
mod environment;
mod failure;
mod logs;
mod proxy;
mod run;
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
        Ok(Verb::Run(arguments)) => run::run(&arguments),
        Ok(Verb::Check(arguments)) => check::run(&arguments),
        Ok(Verb::Reload(arguments)) => control::ask(control::Verb::Reload, &arguments),
        Ok(Verb::Stop(arguments)) => control::ask(control::Verb::Stop, &arguments),
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
