//! The side that asks.

use std::fmt;
use std::io::{self, Read, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::Duration;

use gorge_error::{Error, Kind, OrErr, Result};

use super::{ANSWER, OK};

/// How long the server may take to read a line.
const WRITE: Duration = Duration::from_secs(10);

/// What can be asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Verb {
    /// Reload, and say what came of it.
    Reload,
    /// Say how the server is, as `/readyz` does.
    Status,
    /// Stop, and say how it ended, just before the process does.
    Stop,
}

impl Verb {
    pub(super) fn word(self) -> &'static str {
        match self {
            Verb::Reload => "reload",
            Verb::Status => "status",
            Verb::Stop => "stop",
        }
    }

    pub(super) fn read(line: &str) -> Option<Verb> {
        [Verb::Reload, Verb::Status, Verb::Stop].into_iter().find(|verb| verb.word() == line)
    }
}

impl fmt::Display for Verb {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

/// What the server said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// Whether it was done.
    pub ok: bool,
    /// What came of it, or why it was not done.
    pub text: String,
}

/// Asks the server whose control socket is at `path`, and waits for the outcome: as long as a reload
/// takes, or the stop with its grace.
///
/// # Errors
/// [`Kind::ConnectRefused`] if nobody is there, [`Kind::AccessDenied`] if the socket is not ours to
/// use, [`Kind::ReadFailed`] and [`Kind::WriteFailed`] if the server ended without an answer.
pub fn ask(path: impl AsRef<Path>, verb: Verb) -> Result<Answer> {
    let path = path.as_ref();
    let mut stream = UnixStream::connect(path).map_err(|error| {
        let kind = match error.kind() {
            io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused => Kind::ConnectRefused,
            io::ErrorKind::PermissionDenied => Kind::AccessDenied,
            _ => Kind::ConnectFailed,
        };
        Error::because(kind, format!("reach the control socket {}", path.display()), error)
    })?;
    let sent = stream.set_write_timeout(Some(WRITE)).and_then(|()| writeln!(stream, "{verb}"));
    sent.or_err_with(Kind::WriteFailed, || format!("ask for {verb}"))?;
    let mut text = String::new();
    let read = stream.take(ANSWER).read_to_string(&mut text);
    read.or_err_with(Kind::ReadFailed, || format!("learn the outcome of {verb}"))?;
    match text.split_once('\n') {
        Some((first, rest)) => Ok(Answer { ok: first == OK, text: rest.trim_end().to_owned() }),
        None => {
            let context = format!("the process ended or refused before the outcome of {verb} was known");
            Err(Error::explain(Kind::ReadFailed, context))
        }
    }
}
