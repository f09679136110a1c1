#![doc = include_str!("../README.md")]

mod address;
#[cfg(not(feature = "count-allocations"))]
mod allocator;
mod args;
#[cfg(feature = "count-allocations")]
mod count_allocations;
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

fn main() -> ExitCode {
    #[cfg(feature = "count-allocations")]
    let _report = count_allocations::report();
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
