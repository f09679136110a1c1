//! The definition of a correct head, byte by byte.
//!
//! [`Scanner`] reads a head from left to right, can stop after any byte and go
//! on when more have come, and refuses at the first byte that no correct head
//! can have there. So what it says does not depend on how the bytes arrived,
//! and a head that comes in single bytes costs no more than its length.
//!
//! It stores nothing of the head: heads that arrive whole never meet it (see
//! `head.rs`), it serves the others, and finds the exact reason when the fast
//! way failed.

use crate::class::{self, TARGET, TOKEN, VALUE};
use crate::{Limits, Reason, Reject};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// Before the first byte of a request line, where an empty line is named as such.
    RequestStart,
    Method,
    Target,
    /// Within `HTTP/x.y`; holds how many bytes of it were seen.
    Version(u8),
    /// Before the first byte of a status line.
    StatusStart,
    StatusVersion(u8),
    /// Within the status; holds how many digits were seen.
    Status(u8),
    AfterStatus,
    ReasonPhrase,
    LineStart,
    Name,
    Value,
    /// After the CR of a line that is not empty.
    LineLf,
    /// After the CR of the empty line.
    EndLf,
}

/// Where the reading of a head (or of the fields of a trailer section) stands.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Scanner {
    state: State,
    /// How much of the window was read.
    position: usize,
    /// Where the request target began.
    target: usize,
    /// Field lines begun.
    fields: usize,
    /// The two digits of the version.
    version: [u8; 2],
}

impl Scanner {
    pub(crate) const fn request() -> Self {
        Scanner::at(State::RequestStart)
    }

    pub(crate) const fn response() -> Self {
        Scanner::at(State::StatusStart)
    }

    /// For field lines and an empty line without a start line: trailers.
    pub(crate) const fn fields() -> Self {
        Scanner::at(State::LineStart)
    }

    const fn at(state: State) -> Self {
        Scanner { state, position: 0, target: 0, fields: 0, version: [b'1'; 2] }
    }

    /// Reads what `window` has beyond the bytes read so far; `window` begins with
    /// the head each time. Gives the length of the head once its empty line is read.
    pub(crate) fn feed(&mut self, window: &[u8], limits: &Limits) -> Result<Option<usize>, Reject> {
        while self.position < window.len() {
            self.position += self.run(&window[self.position..], limits);
            let Some(&byte) = window.get(self.position) else { break };
            self.state = self
                .step(byte, limits)
                .map_err(|(reason, back)| Reject::new(reason, self.position - back))?;
            self.position += 1;
            if byte == b'\n' && self.state == State::EndLf {
                return Ok(Some(self.position));
            }
        }
        Ok(None)
    }

    /// Skips over the bytes that change no state: the long runs of a head.
    fn run(&self, rest: &[u8], limits: &Limits) -> usize {
        match self.state {
            State::Target => {
                let room = self.target.saturating_add(limits.uri).saturating_sub(self.position);
                class::run(&rest[..rest.len().min(room)], TARGET)
            }
            State::Name => class::run(rest, TOKEN),
            State::Value | State::ReasonPhrase => class::run(rest, VALUE),
            _ => 0,
        }
    }

    /// The state after `byte`; or the reason why it may not stand here, and how
    /// many bytes before it the fault lies.
    fn step(&mut self, byte: u8, limits: &Limits) -> Result<State, (Reason, usize)> {
        match self.state {
            State::RequestStart => match byte {
                b'\r' => Err((Reason::LeadingEmptyLine, 0)),
                _ if class::is(byte, TOKEN) => Ok(State::Method),
                _ => Err((fault(byte, Reason::MethodInvalid), 0)),
            },
            State::Method => match byte {
                b' ' => {
                    self.target = self.position + 1;
                    Ok(State::Target)
                }
                b'\r' => Err((Reason::RequestLineInvalid, 0)),
                _ if class::is(byte, TOKEN) => Ok(State::Method),
                _ => Err((fault(byte, Reason::MethodInvalid), 0)),
            },
            State::Target => self.after_target(byte, limits),
            State::Version(seen) => self.version(seen, byte),
            State::StatusStart => match byte {
                b'\r' => Err((Reason::LeadingEmptyLine, 0)),
                _ => self.version_byte(0, byte).map(|()| State::StatusVersion(1)),
            },
            State::StatusVersion(8) => match byte {
                b' ' if self.version_is_known() => Ok(State::Status(0)),
                b' ' => Err((Reason::VersionUnsupported, 3)),
                _ => Err((fault(byte, Reason::VersionInvalid), 0)),
            },
            State::StatusVersion(seen) => {
                self.version_byte(seen, byte).map(|()| State::StatusVersion(seen + 1))
            }
            State::Status(seen) => match byte {
                b'0' if seen == 0 => Err((Reason::StatusInvalid, 0)),
                b'0'..=b'9' if seen == 2 => Ok(State::AfterStatus),
                b'0'..=b'9' => Ok(State::Status(seen + 1)),
                _ => Err((fault(byte, Reason::StatusInvalid), 0)),
            },
            State::AfterStatus => match byte {
                b' ' => Ok(State::ReasonPhrase),
                // The space belongs there even without a phrase, but leaving it out
                // moves no boundary, and real servers do.
                b'\r' => Ok(State::LineLf),
                _ => Err((fault(byte, Reason::StatusInvalid), 0)),
            },
            State::ReasonPhrase | State::Value => match byte {
                b'\r' => Ok(State::LineLf),
                _ => Err((fault(byte, Reason::ControlByte), 0)),
            },
            State::LineStart => self.line_start(byte, limits),
            State::Name => match byte {
                b':' => Ok(State::Value),
                b' ' | b'\t' => Err((Reason::SpaceBeforeColon, 0)),
                b'\r' => Err((Reason::ColonMissing, 0)),
                _ => Err((fault(byte, Reason::FieldNameInvalid), 0)),
            },
            State::LineLf | State::EndLf if byte != b'\n' => Err((Reason::BareCr, 1)),
            State::LineLf => Ok(State::LineStart),
            State::EndLf => Ok(State::EndLf),
        }
    }

    fn after_target(&self, byte: u8, limits: &Limits) -> Result<State, (Reason, usize)> {
        match byte {
            _ if class::is(byte, TARGET) && self.position - self.target >= limits.uri => {
                Err((Reason::UriTooLong, 0))
            }
            b' ' if self.position > self.target => Ok(State::Version(0)),
            b'\r' if self.position > self.target => Err((Reason::VersionInvalid, 0)),
            _ => Err((fault(byte, Reason::TargetInvalid), 0)),
        }
    }

    fn version(&mut self, seen: u8, byte: u8) -> Result<State, (Reason, usize)> {
        match (seen, byte) {
            (8, b'\r') if self.version_is_known() => Ok(State::LineLf),
            (8, b'\r') => Err((Reason::VersionUnsupported, 3)),
            (8, _) => Err((fault(byte, Reason::VersionInvalid), 0)),
            _ => self.version_byte(seen, byte).map(|()| State::Version(seen + 1)),
        }
    }

    fn version_byte(&mut self, seen: u8, byte: u8) -> Result<(), (Reason, usize)> {
        const SHAPE: &[u8; 8] = b"HTTP/1.1";
        let fits = match seen {
            5 | 7 => {
                self.version[usize::from(seen == 7)] = byte;
                byte.is_ascii_digit()
            }
            _ => SHAPE.get(usize::from(seen)) == Some(&byte),
        };
        if fits { Ok(()) } else { Err((fault(byte, Reason::VersionInvalid), 0)) }
    }

    fn version_is_known(&self) -> bool {
        matches!(self.version, [b'1', b'0' | b'1'])
    }

    fn line_start(&mut self, byte: u8, limits: &Limits) -> Result<State, (Reason, usize)> {
        match byte {
            b'\r' => Ok(State::EndLf),
            b' ' | b'\t' => Err((Reason::ObsFold, 0)),
            b':' => Err((Reason::FieldNameEmpty, 0)),
            _ if !class::is(byte, TOKEN) => Err((fault(byte, Reason::FieldNameInvalid), 0)),
            _ if self.fields >= limits.fields => Err((Reason::TooManyFields, 0)),
            _ => {
                self.fields += 1;
                Ok(State::Name)
            }
        }
    }
}

/// Names what kind of illegal byte it is; `otherwise` if none in particular.
fn fault(byte: u8, otherwise: Reason) -> Reason {
    match byte {
        b'\n' => Reason::BareLf,
        b'\r' | b'\t' => otherwise,
        0..0x20 | 0x7f => Reason::ControlByte,
        _ => otherwise,
    }
}
