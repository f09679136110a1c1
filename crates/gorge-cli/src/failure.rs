//! What ends the program otherwise than well: an exit code, and a message that says what to do.

use std::fmt;
use std::process::ExitCode;

use gorge::error::Error;

/// Why the program ends, as it is told on standard error.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Failure {
    code: u8,
    message: String,
}

impl Failure {
    /// The environment asks for what cannot be, or the system refuses what is needed.
    pub(crate) fn configuration(message: impl Into<String>) -> Self {
        Self { code: 1, message: message.into() }
    }

    /// The command line asks for what cannot be.
    pub(crate) fn usage(message: impl Into<String>) -> Self {
        Self { code: 2, message: message.into() }
    }

    /// The address to listen on is not to be had.
    pub(crate) fn bind(message: impl Into<String>) -> Self {
        Self { code: 4, message: message.into() }
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
        write!(f, "error: {}", self.message)
    }
}
