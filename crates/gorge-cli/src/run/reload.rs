//! What is in force, and how another configuration takes its place.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use gorge::error::{Error, Kind, Result};
use gorge::proxy::Level;
use gorge::server::{Admin, Changes, Running};
use parking_lot::Mutex;

use super::bind::{ADMIN, PROXY, admin_listen};
use super::names::Names;
use super::staples::Staples;
use super::watch::Watch;
use crate::build::logs::{Log, Writers};
use crate::build::{Around, Generation, Tickets};
use crate::certificates;
use crate::config::{self, Checked, Config, Environment, Report, Style};
use crate::stamp::Stamp;

/// What a reload that failed has to say first.
const STAYS: &str = "not reloaded, the configuration stays";

/// Mistakes of one file that are told one by one.
const TOLD: usize = 20;

/// What is in force.
pub(super) struct State {
    path: Option<PathBuf>,
    workers: usize,
    writers: Arc<Writers>,
    tickets: Tickets,
    admin: Admin,
    /// Held for a moment only, so that nobody has to wait for a reload who only asks.
    now: Mutex<Arc<Generation>>,
    /// Held by the reload that runs.
    names: Mutex<Names>,
    staples: Mutex<Staples>,
}

impl State {
    pub(super) fn new(
        path: Option<PathBuf>,
        workers: usize,
        writers: Arc<Writers>,
        tickets: Tickets,
        admin: Admin,
        generation: Generation,
    ) -> Self {
        let now = Mutex::new(Arc::new(generation));
        Self {
            path,
            workers,
            writers,
            tickets,
            admin,
            now,
            names: Mutex::default(),
            staples: Mutex::default(),
        }
    }

    /// The configuration in force, and what serves it.
    fn now(&self) -> Arc<Generation> {
        self.now.lock().clone()
    }

    /// The error log in force.
    pub(super) fn log(&self) -> Log {
        self.now.lock().logs.error.clone()
    }

    /// Whether there is a file to read again.
    pub(super) fn has_file(&self) -> bool {
        self.path.is_some()
    }

    /// Whether a change of the file is to be followed.
    pub(super) fn watches(&self) -> bool {
        self.now.lock().config.server.watch
    }

    /// The files that the configuration in force names, as it has them.
    pub(super) fn files(&self) -> Vec<(PathBuf, Option<Stamp>)> {
        self.now.lock().files.clone()
    }

    /// Finds the peers that are given by name, and what is to be shown along with certificates.
    pub(super) fn start_names(&self, running: &Running) {
        let now = self.now();
        *self.names.lock() = Names::start(now.discoveries(), running.workers());
        *self.staples.lock() = Staples::start(&now.shown, &now.logs.error, running.workers());
    }

    /// What there is to say of the certificates in force.
    pub(super) fn tell_of_certificates(&self, all: bool) {
        let now = self.now();
        for shown in &now.shown {
            certificates::tell(shown, &now.logs.error, all);
        }
    }

    /// Follows the file from the version on that was `seen`.
    pub(super) fn watch(self: &Arc<Self>, seen: Option<Watch>) {
        if let Some(watch) = seen
            && let Err(error) = watch.start(Arc::downgrade(self))
        {
            self.log().note(Level::Warn, format_args!("the file cannot be watched: {error}"));
        }
    }

    /// Opens the log files anew.
    pub(super) fn reopen(&self) {
        let log = self.log();
        let refused = self.writers.reopen();
        for error in &refused {
            log.note(Level::Error, format_args!("{error:#}"));
        }
        if refused.is_empty() {
            log.note(Level::Info, "the log files are opened anew");
        }
    }

    /// Says that the end has begun.
    pub(super) fn tell_of_stop(&self, delay: Duration) {
        let now = self.now();
        let grace = now.config.server.grace;
        let text = match delay {
            Duration::ZERO => format!("stopping; what is open then is cut off after {grace:?}"),
            _ => format!(
                "stopping; accepting goes on for {delay:?}, what is open then is cut off after {grace:?}"
            ),
        };
        now.logs.error.note(Level::Info, text);
    }

    /// Asks this process for a reload, as anybody else would.
    pub(super) fn ask_for_reload(&self) {
        // SAFETY: sends a signal to this process, which has a handler for it since before it served.
        unsafe { libc::kill(libc::getpid(), libc::SIGHUP) };
    }

    /// Reads the file again and puts what it says into force. Told in the error log, whoever asked.
    pub(super) fn reload(&self, running: &Running) -> Result<String> {
        let began = Instant::now();
        let path = self.path.as_deref().unwrap_or_else(|| Path::new(""));
        let checked = config::read(path, &Environment::process()).map_err(|report| {
            self.tell_mistakes(&report);
            Error::explain(Kind::Configuration, report.render(Style::PLAIN))
        })?;
        match self.replace(running, checked) {
            Ok(text) => {
                let took = began.elapsed().as_millis();
                self.log().note(Level::Info, format_args!("reloaded in {took} ms: {text}"));
                Ok(text)
            }
            Err(error) => {
                // What was opened for nothing.
                self.writers.keep_only(&self.now().config.server);
                self.log().note(Level::Error, format_args!("{STAYS}: {error:#}"));
                Err(error)
            }
        }
    }

    /// A line for each mistake, up to a number of them.
    fn tell_mistakes(&self, report: &Report) {
        let log = self.log();
        let errors = report.diagnostics.iter().filter(|diagnostic| diagnostic.is_error());
        for mistake in errors.take(TOLD) {
            let place = mistake.labels.first().and_then(|label| report.source.line_and_column(label.span));
            let place = place.map_or_else(String::new, |(line, column)| {
                format!("{}:{line}:{column}: ", report.source.name())
            });
            log.note(Level::Error, format_args!("{STAYS}: {place}{}", mistake.message));
        }
        if let Some(more) = report.errors().checked_sub(TOLD).filter(|more| *more > 0) {
            log.note(Level::Error, format_args!("{STAYS}: {more} more mistakes; `gorge check` shows all"));
        }
    }

    fn replace(&self, running: &Running, checked: Checked) -> Result<String> {
        let mut names = self.names.lock();
        let now = self.now();
        let around = Around {
            workers: self.workers,
            writers: &self.writers,
            before: Some(&now),
            guest: None,
            tickets: &self.tickets,
        };
        let mut next = Generation::build(checked.config, &around)?;
        let found = Names::start(next.discoveries(), running.workers());
        let changes = self.listen(running, &now, &next)?;
        next.commit(Some(&now))?;
        let server = &next.config.server;
        running.set_grace(server.grace);
        running.set_drain_delay(server.drain_delay);
        running.set_max_connections(server.max_connections)?;
        self.writers.keep_only(server);
        let mut text = summary(&next.config, &changes);
        for left in left(&now.config, &next.config) {
            text.push_str(&format!("; {left} stays as it is until the next start"));
        }
        for warning in &checked.warnings {
            text.push('\n');
            text.push_str(warning.render(&checked.source, Style::PLAIN).trim_end());
        }
        next.forget_routes();
        let next = Arc::new(next);
        *self.now.lock() = next.clone();
        // Those of the last configuration end here.
        *names = found;
        *self.staples.lock() = Staples::start(&next.shown, &next.logs.error, running.workers());
        Ok(text)
    }

    /// Listens on what the next configuration says; after an error nothing has changed.
    fn listen(&self, running: &Running, before: &Generation, next: &Generation) -> Result<Changes> {
        let changes = running.set_listeners(PROXY, next.listens())?;
        let at = |generation: &Generation| generation.config.server.admin.clone();
        if at(before) != at(next) {
            let listens = at(next).iter().map(|address| admin_listen(&address.0, &self.admin)).collect();
            if let Err(error) = running.set_listeners(ADMIN, listens) {
                running.set_listeners(PROXY, before.listens())?;
                return Err(error);
            }
        }
        Ok(changes)
    }
}

fn summary(config: &Config, changes: &Changes) -> String {
    let count = |n: usize, what: &str| format!("{n} {what}{}", if n == 1 { "" } else { "s" });
    let mut text = format!(
        "{}, {}, {}",
        count(config.route.len(), "route"),
        count(config.upstream.entries.len(), "upstream"),
        count(config.listen.len(), "listener")
    );
    for (sign, addresses) in [('+', &changes.added), ('-', &changes.removed)] {
        for address in addresses {
            text.push_str(&format!(" {sign}{address}"));
        }
    }
    for left in &changes.left {
        text.push_str(&format!("; {left}"));
    }
    text
}

/// What was changed in the file and cannot be while the process runs.
fn left(before: &Config, next: &Config) -> Vec<&'static str> {
    let (old, new) = (&before.server, &next.server);
    let mut left = Vec::new();
    if old.workers != new.workers {
        left.push("workers");
    }
    if old.work_stealing != new.work_stealing {
        left.push("work_stealing");
    }
    if old.pid_file != new.pid_file {
        left.push("pid_file");
    }
    if old.open_files != new.open_files {
        left.push("open_files");
    }
    left
}
