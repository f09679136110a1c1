//! The logs that a configuration asks for. Files stay open across reloads.

use std::fmt::Display;
use std::sync::Arc;

use gorge::error::{Kind, OrErr, Result};
use gorge::proxy::log::Refused;
use gorge::proxy::{AccessLog, ErrorLog, Level};
use gorge::server::{LogWriter, Refusal, Rotation};
use parking_lot::Mutex;

use crate::config::ServerTable;
use crate::config::value::{ErrorFormat, LogTarget};

/// The error log, for failures of exchanges and for what else happens. Clones are the same log.
#[derive(Clone)]
pub(crate) struct Log(pub(crate) Option<ErrorLog<LogWriter>>);

impl Log {
    /// Writes what is no failure of an exchange.
    pub(crate) fn note(&self, level: Level, text: impl Display) {
        if let Some(log) = &self.0 {
            log.note(level, text);
        }
    }

    /// Writes that a connection was closed before there was an exchange on it.
    pub(crate) fn refused(&self, refusal: &Refusal<'_>) {
        if let Some(log) = &self.0 {
            let refused = Refused {
                reason: refusal.reason(),
                listener: refusal.listener,
                client: refusal.peer,
                text: refusal,
            };
            log.refused(level_of(refusal), &refused);
        }
    }
}

/// How much a connection that was refused is a matter for whoever reads the log: strangers cause most of them,
/// and scanners and the checks of balancers, which just leave, come all day.
fn level_of(refusal: &Refusal<'_>) -> Level {
    if refusal.is_own_fault() {
        Level::Error
    } else if refusal.is_ordinary() {
        Level::Debug
    } else {
        Level::Info
    }
}

/// Both logs of one configuration.
pub(crate) struct Logs {
    pub(crate) access: Option<(gorge::proxy::Format, LogWriter)>,
    pub(crate) error: Log,
}

impl Place {
    fn of_access(server: &ServerTable) -> Self {
        let log = &server.access_log;
        Self::new(&log.to, log.rotate.0, log.keep)
    }

    fn of_error(server: &ServerTable) -> Self {
        let log = &server.error_log;
        Self::new(&log.to, log.rotate.0, log.keep)
    }

    fn new(to: &LogTarget, size: u64, keep: u32) -> Self {
        let rotation = if size == 0 { Rotation::NEVER } else { Rotation { size, keep } };
        Self { to: to.clone(), rotation }
    }
}

impl Logs {
    /// The access log as an observer.
    pub(crate) fn access(&self, routes: &Arc<[Box<str>]>) -> Option<AccessLog<LogWriter>> {
        let (format, writer) = self.access.as_ref()?;
        Some(AccessLog::new(format.clone(), writer.clone()).routes(routes.clone()))
    }

    /// From now on the error log says what goes wrong with the access log, unless they are one.
    pub(crate) fn tell_troubles(&self, server: &ServerTable) {
        if let Some((_, writer)) = &self.access
            && server.access_log.to != server.error_log.to
        {
            let log = self.error.clone();
            writer.report_to(move |trouble| log.note(Level::Error, trouble));
        }
    }
}

/// What is open: one writer for each place, however often a configuration is read.
#[derive(Default)]
pub(crate) struct Writers(Mutex<Vec<(Place, LogWriter)>>);

#[derive(Clone, PartialEq)]
struct Place {
    to: LogTarget,
    rotation: Rotation,
}

impl Writers {
    /// The logs that `server` asks for, for routes of these names.
    ///
    /// # Errors
    /// A file cannot be opened.
    pub(crate) fn open(&self, server: &ServerTable, routes: &Arc<[Box<str>]>) -> Result<Logs> {
        let access = self.writer(Place::of_access(server))?;
        let error = self.writer(Place::of_error(server))?;
        let error = error.map(|writer| {
            let log = match server.error_log.format {
                ErrorFormat::Json => ErrorLog::json(server.log_level, writer),
                ErrorFormat::Text => ErrorLog::new(server.log_level, writer),
            };
            log.routes(routes.clone())
        });
        Ok(Logs {
            access: access.map(|writer| (server.access_log.format.clone(), writer)),
            error: Log(error),
        })
    }

    fn writer(&self, place: Place) -> Result<Option<LogWriter>> {
        let mut open = self.0.lock();
        if let Some((_, writer)) = open.iter().find(|(other, _)| *other == place) {
            return Ok(Some(writer.clone()));
        }
        let started = |writer: std::io::Result<LogWriter>| writer.or_err(Kind::Internal, "start a log");
        let writer = match &place.to {
            LogTarget::Off => return Ok(None),
            LogTarget::Stderr => started(LogWriter::stderr())?,
            LogTarget::Stdout => started(LogWriter::stdout())?,
            LogTarget::File(path) => LogWriter::file(path, place.rotation)?,
        };
        open.push((place, writer.clone()));
        Ok(Some(writer))
    }

    /// Lets go of those that the configuration in force does not use any more. They close when the last
    /// exchange that writes to them has ended.
    pub(crate) fn keep_only(&self, server: &ServerTable) {
        let used = [Place::of_access(server), Place::of_error(server)];
        self.0.lock().retain(|(place, _)| used.contains(place));
    }

    /// Opens all files anew. Returns what went wrong.
    pub(crate) fn reopen(&self) -> Vec<gorge::error::Error> {
        let open: Vec<_> = self.0.lock().iter().map(|(_, writer)| writer.clone()).collect();
        open.iter().filter_map(|writer| writer.reopen().err()).collect()
    }

    /// All that is open.
    pub(crate) fn all(&self) -> Vec<LogWriter> {
        self.0.lock().iter().map(|(_, writer)| writer.clone()).collect()
    }
}
