//! What is said to whoever started the program.

use std::fmt::Display;
use std::io::Write;
use std::process::ExitCode;

/// Writes a line to standard error. Nobody may be listening there, which is no reason to end.
pub(crate) fn say(line: impl Display) {
    let _ = writeln!(std::io::stderr().lock(), "{line}");
}

/// Shows help, version or what is wrong with the command line: 0 for what was asked for, else 2.
pub(crate) fn show(answer: &clap::Error) -> ExitCode {
    let _ = answer.print();
    if answer.use_stderr() { ExitCode::from(2) } else { ExitCode::SUCCESS }
}

/// Writes a line of what was asked for to standard output.
pub(crate) fn print(line: impl Display) {
    let _ = writeln!(std::io::stdout().lock(), "{line}");
}
