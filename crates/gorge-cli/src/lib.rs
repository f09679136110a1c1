#![doc = include_str!("../README.md")]

mod address;
mod args;
mod build;
#[cfg_attr(not(feature = "openssl"), path = "no_certificates.rs")]
mod certificates;
mod check;
pub mod config;
mod control;
mod demo;
mod environment;
mod failure;
mod guest;
mod logs;
mod manual;
mod process;
mod proxy;
mod run;
mod serve;
mod settings;
mod stamp;
mod target;
mod terminal;
#[cfg(feature = "openssl")]
mod tls;
mod version;

use std::process::ExitCode;

use clap::Parser;

use crate::args::{Arguments, Verb};

/// The program: reads the command line of this process, does what it says, and returns the exit code.
#[must_use]
pub fn run() -> ExitCode {
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(wrong) => return terminal::show(&wrong),
    };
    let done = arguments.verb().and_then(|verb| match verb {
        Verb::Demo(arguments) => demo::run(&arguments),
        Verb::Proxy(arguments) => proxy::run(&arguments),
        Verb::Run(arguments) => run::run(&arguments),
        Verb::Check(arguments) => check::run(&arguments),
        Verb::Reload(arguments) => control::ask(control::Verb::Reload, &arguments),
        Verb::Stop(arguments) => control::ask(control::Verb::Stop, &arguments),
        Verb::Completions(arguments) => manual::completions(&arguments),
        Verb::Man => manual::page(),
    });
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            terminal::say(&failure);
            failure.exit_code()
        }
    }
}
