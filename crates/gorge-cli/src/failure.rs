//! What ends the program otherwise than well: an exit code, and a message that says what to do.

use std::fmt;
use std::process::ExitCode;

use gorge::error::Error;

/// Why the program ends, as it is told on standard error.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Failure {
    code: u8,
    message: String,
    /// It says itself that it is about errors.
    whole: bool,
}

impl Failure {
    /// The environment asks for what cannot be, or the system refuses what is needed.
    pub(crate) fn configuration(message: impl Into<String>) -> Self {
        Self::new(1, message)
    }

    /// The command line asks for what cannot be.
    pub(crate) fn usage(message: impl Into<String>) -> Self {
        Self::new(2, message)
    }

    /// A report that is complete in itself.
    pub(crate) fn report(text: impl Into<String>) -> Self {
        Self { code: 1, message: text.into(), whole: true }
    }

    /// Nobody is there to be asked.
    pub(crate) fn not_running(message: impl Into<String>) -> Self {
        Self::new(3, message)
    }

    fn new(code: u8, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), whole: false }
    }

    /// The address to listen on is not to be had.
    pub(crate) fn bind(message: impl Into<String>) -> Self {
        Self::new(4, message)
    }

    /// What the library refused to build or start.
    pub(crate) fn refused(error: &Error) -> Self {
        Self::configuration(format!("{error:#}"))
    }

    pub(crate) fn exit_code(&self) -> ExitCode {
        ExitCode::from(self.code)
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.whole {
            true => f.write_str(self.message.trim_end()),
            false => write!(f, "error: {}", self.message),
        }
    }
}
