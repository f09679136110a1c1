//! The two logs of `gorge proxy`: exchanges on standard output, what went wrong on standard error.

use std::io;

use gorge::proxy::{ErrorLog, Format, Level};
use gorge::server::LogWriter;

use crate::build::logs::{Log, Logs};
use crate::failure::Failure;
use crate::process;

/// Open logs. [`close`](Standard::close) them, or the last lines may be lost.
pub(crate) struct Standard {
    pub(crate) logs: Logs,
    writers: Vec<LogWriter>,
}

impl Standard {
    /// Opens them; without a format there is no access log.
    pub(crate) fn open(level: Level, access: Option<Format>) -> Result<Self, Failure> {
        let refused =
            |error: io::Error| Failure::configuration(format!("the logs cannot be written: {error}"));
        let error = LogWriter::stderr().map_err(refused)?;
        let mut writers = vec![error.clone()];
        let access = match access {
            None => None,
            Some(format) => {
                let out = LogWriter::stdout().map_err(refused)?;
                writers.push(out.clone());
                Some((format, out))
            }
        };
        let error = Log(Some(ErrorLog::new(level, error)));
        Ok(Self { logs: Logs { access, error }, writers })
    }

    /// Writes what is still to be written.
    pub(crate) fn close(self) {
        process::flush(self.writers);
    }
}
