//! `gorge check`: what is wrong with a configuration, and what would become of a request.

mod explain;
mod memory;
mod system;

use crate::args::CheckArguments;
use crate::certificates;
use crate::config::Style;
use crate::failure::Failure;
use crate::run::read;
use crate::terminal::{print, say};

/// Checks, and explains what was asked for.
pub(crate) fn run(arguments: &CheckArguments) -> Result<(), Failure> {
    let path = arguments.file.path();
    let checked = read(&path)?;
    if arguments.explain.is_some() {
        return explain::run(arguments, &checked.config);
    }
    let style = Style::of_stderr();
    let found = system::look(&checked.config);
    for diagnostic in &found {
        say(diagnostic.render(&checked.source, style).trim_end());
    }
    let errors = found.iter().filter(|diagnostic| diagnostic.is_error()).count();
    if errors > 0 {
        let plural = if errors == 1 { "" } else { "s" };
        return Err(Failure::report(format!("{}: {errors} error{plural}", path.display())));
    }
    let certificates = certificates::of(&checked.config);
    if !certificates.is_empty() {
        print(certificates.trim_end());
    }
    print(memory::of(&checked.config));
    print(format_args!("{}: no mistakes", path.display()));
    Ok(())
}
