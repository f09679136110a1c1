//! One line per failure, with all that is known of it.

use std::io::Write;
use std::str::FromStr;

use gorge_error::{Error, Fault, Kind};
use gorge_filter::{Event, Exchange, Observer, Outcome};
use gorge_http::Known;

use super::{LineSink, escape, stamp};

/// How grave a line is, and from which gravity on lines are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// Everything.
    Debug,
    /// What clients did wrong, and attempts that were repeated.
    #[default]
    Info,
    /// What upstreams did wrong.
    Warn,
    /// What went wrong here.
    Error,
}

impl Level {
    fn name(self) -> &'static str {
        match self {
            Self::Debug => "debug",
            Self::Info => "info",
            Self::Warn => "warn",
            Self::Error => "error",
        }
    }

    fn of(error: &Error) -> Self {
        match error.fault() {
            Fault::Downstream => Self::Info,
            Fault::Upstream => Self::Warn,
            Fault::Internal | Fault::Unset => Self::Error,
        }
    }
}

impl FromStr for Level {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self, Error> {
        [Self::Debug, Self::Info, Self::Warn, Self::Error]
            .into_iter()
            .find(|level| level.name() == name)
            .ok_or_else(|| {
                let context = format!("{name:?} is no log level: use debug, info, warn or error");
                Error::explain(Kind::Configuration, context).into_internal()
            })
    }
}

/// Writes a line for each exchange that went wrong and for each attempt that was repeated: what,
/// where, whose fault, and the whole chain of causes.
#[derive(Debug)]
pub struct ErrorLog<S> {
    level: Level,
    sink: S,
}

impl<S: LineSink> ErrorLog<S> {
    /// Lines from this level on, into this sink.
    pub fn new(level: Level, sink: S) -> Self {
        Self { level, sink }
    }
}

impl<C: 'static, S: LineSink> Observer<C> for ErrorLog<S> {
    #[inline]
    fn event(&self, x: &Exchange<C>, event: &Event<'_>) {
        let (error, level, end) = match event {
            Event::Done(end @ Outcome { error: Some(error), .. }) => (error, Level::of(error), Some(*end)),
            Event::Retried(error) => (*error, Level::Info, None),
            _ => return,
        };
        if level >= self.level {
            self.sink.line(&mut |out| line(out, x, error, level, end));
        }
    }
}

/// `2026-.. warn 502 connect_refused client=.. request="GET /" host=".." upstream=.. attempt=1: why`.
fn line<C>(out: &mut Vec<u8>, x: &Exchange<C>, error: &Error, level: Level, end: Option<&Outcome>) {
    stamp::rfc3339(out);
    // Writing to a Vec cannot fail, here and below.
    let _ = match end {
        Some(end) => write!(out, " {} {} {}", level.name(), end.status.as_u16(), error.kind().name()),
        None => write!(out, " {} retry {}", level.name(), error.kind().name()),
    };
    if let Some(client) = x.client() {
        let _ = write!(out, " client={client}");
    }
    if x.facts.timing.head_read.is_some() {
        out.extend_from_slice(b" request=\"");
        escape::text(out, x.req.method.as_str().as_bytes());
        out.push(b' ');
        escape::text(out, x.req.uri.as_str().as_bytes());
        out.extend_from_slice(b"\" host=\"");
        escape::text(out, x.req.headers.get(Known::Host).unwrap_or(b""));
        out.push(b'"');
    }
    if let Some(peer) = x.peer() {
        let _ = write!(out, " upstream={peer} attempt={}", x.attempts().count());
    }
    // The alternate form is the whole chain on one line, control characters escaped.
    let _ = write!(out, ": {error:#}");
}

#[cfg(test)]
mod tests {
    use gorge_http::Status;

    use super::*;

    #[test]
    fn a_line_says_what_where_and_why() {
        let x = Exchange::<()>::new();
        let error = Error::explain(Kind::ConnectRefused, "connect to 127.0.0.1:9").into_upstream();
        let end = Outcome { status: Status::BAD_GATEWAY, error: None, complete: true };
        let mut out = Vec::new();
        line(&mut out, &x, &error, Level::of(&error), Some(&end));
        let line = String::from_utf8(out).unwrap();
        assert!(line.contains(" warn 502 connect_refused"), "{line}");
        assert!(line.contains("connect to 127.0.0.1:9"), "{line}");
    }

    #[test]
    fn levels_are_ordered_and_named() {
        assert!(Level::Error > Level::Warn && Level::Info > Level::Debug);
        assert_eq!("warn".parse::<Level>().unwrap(), Level::Warn);
        assert!(
            "warning".parse::<Level>().unwrap_err().to_string().contains("use debug, info, warn or error")
        );
    }
}
