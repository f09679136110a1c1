//! The two logs: exchanges on standard output, what went wrong on standard error.

use std::io;
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use gorge::proxy::{AccessLog, Builder, Chain, ErrorLog, Format, Level, Proxy};
use gorge::server::LogWriter;
use gorge::upstream::Upstream;

use crate::args::{self, LogLevel};
use crate::failure::Failure;
use crate::terminal::say;

/// How long the end waits for a reader who is slow to take the last lines.
const PATIENCE: Duration = Duration::from_secs(3);

/// Open logs. [`close`](Logs::close) them, or the last lines may be lost.
pub(crate) struct Logs {
    access: Option<(Format, LogWriter)>,
    level: Level,
    error: LogWriter,
}

impl Logs {
    pub(crate) fn open(level: LogLevel, access: args::AccessLog) -> Result<Self, Failure> {
        let refused =
            |error: io::Error| Failure::configuration(format!("the logs cannot be written: {error}"));
        let format = match access {
            args::AccessLog::Combined => Some(Format::Combined),
            args::AccessLog::Common => Some(Format::Common),
            args::AccessLog::Json => Some(Format::Json),
            args::AccessLog::Off => None,
        };
        let access = format.map(|format| Ok((format, LogWriter::stdout()?)));
        Ok(Self {
            access: access.transpose().map_err(refused)?,
            level: match level {
                LogLevel::Debug => Level::Debug,
                LogLevel::Info => Level::Info,
                LogLevel::Warn => Level::Warn,
                LogLevel::Error => Level::Error,
            },
            error: LogWriter::stderr().map_err(refused)?,
        })
    }

    /// Completes a proxy that writes these logs.
    pub(crate) fn build<D, U>(&self, builder: Builder<(), D, (), U>) -> Result<Proxy, Failure>
    where
        D: Chain<()>,
        U: Upstream,
    {
        let builder = builder.observe(ErrorLog::new(self.level, self.error.clone()));
        let built = match &self.access {
            Some((format, out)) => builder.observe(AccessLog::new(format.clone(), out.clone())).build(),
            None => builder.build(),
        };
        built.map_err(|error| Failure::refused(&error))
    }

    /// Writes what is still to be written. A reader who takes nothing does not keep the process.
    pub(crate) fn close(self) {
        let (done, is_done) = mpsc::channel();
        let writers: Vec<_> = self.access.into_iter().map(|(_, out)| out).chain([self.error]).collect();
        let flush = move || {
            writers.iter().for_each(LogWriter::flush);
            // Nobody listens any more once the patience has run out.
            let _ = done.send(writers.iter().map(LogWriter::dropped).sum::<u64>());
        };
        let flushing = thread::Builder::new().spawn(flush);
        match flushing.map(|_| is_done.recv_timeout(PATIENCE)) {
            Ok(Ok(0)) => {}
            Ok(Ok(lost)) => say(format_args!("warning: {lost} lines of the logs could not be written")),
            _ => say("warning: the last lines of the logs could not be written"),
        }
    }
}
