//! The error log: what went wrong, and the program's own words.

use std::fmt;
use std::sync::{Arc, OnceLock, Weak};
use std::time::Instant;

use gorge_digest::PeerAddr;
use gorge_error::Error;
use gorge_filter::{Event, Exchange, Observer, Outcome};
use gorge_protocols::Address;
use gorge_runtime::PerWorker;

use super::line::{self, Failure, Form};
use super::repeats::{Fate, Repeats, Sort};
use super::{HeldBack, Level, LineSink};

/// Writes a line for each exchange that went wrong and for each attempt that was repeated: what,
/// where, whose fault, and the whole chain of causes.
///
/// Lines that say the same, that is level, reason, status, route and upstream, are summed up: each
/// worker writes the first ten of a second, the rest are counted and told in one line about once a
/// second. What else happens in a program goes into the same log with [`note`](Self::note).
///
/// Clones are the same log.
pub struct ErrorLog<S: LineSink>(Arc<Log<S>>);

/// A connection that was closed before there was an exchange on it.
#[derive(Clone, Copy)]
pub struct Refused<'a> {
    /// Why, in a word, as `denied`.
    pub reason: &'static str,
    /// Which address it came to.
    pub listener: Option<&'a Address>,
    /// The other end.
    pub client: &'a PeerAddr,
    /// Why, in a sentence.
    pub text: &'a dyn fmt::Display,
}

struct Log<S: LineSink> {
    level: Level,
    form: Form,
    sink: S,
    routes: OnceLock<Arc<[Box<str>]>>,
    repeats: PerWorker<Repeats>,
}

impl<S: LineSink> ErrorLog<S> {
    /// Lines of text from this level on, into this sink.
    pub fn new(level: Level, sink: S) -> Self {
        Self::in_form(Form::Text, level, sink)
    }

    /// JSON objects from this level on, one per line, into this sink.
    pub fn json(level: Level, sink: S) -> Self {
        Self::in_form(Form::Json, level, sink)
    }

    fn in_form(form: Form, level: Level, sink: S) -> Self {
        let workers = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        let repeats = PerWorker::new(workers, |_| Repeats::new());
        let log = Arc::new(Log { level, form, sink, routes: OnceLock::new(), repeats });
        let held_back: Weak<Log<S>> = Arc::downgrade(&log);
        log.sink.acquaint(held_back);
        Self(log)
    }

    /// What the routes are called, in the order of their numbers. Default: by these numbers. Counts
    /// once; later names are not taken.
    #[must_use]
    pub fn routes(self, names: impl Into<Arc<[Box<str>]>>) -> Self {
        let _ = self.0.routes.set(names.into());
        self
    }

    /// From which level on lines are written.
    #[must_use]
    pub fn level(&self) -> Level {
        self.0.level
    }

    /// Writes that a connection was closed before there was an exchange on it, and why. Strangers decide how
    /// often that happens: lines of the same level, reason and listener are summed up like those of
    /// failures.
    pub fn refused(&self, level: Level, refused: &Refused<'_>) {
        let log = &*self.0;
        if level < log.level {
            return;
        }
        let sort = Sort::Refusal { level, reason: refused.reason, listener: refused.listener.cloned() };
        match log.repeats.local().judge(&sort, Instant::now()) {
            Fate::Kept => {}
            Fate::KeptTooLong => _ = log.release(),
            Fate::Written => log.sink.line(&mut |out| line::refused(log.form, out, level, refused)),
        }
    }

    /// Writes what is no failure of an exchange: a start, a reload and what became of it, a name that
    /// cannot be resolved. Never summed up. Text of several lines becomes one, the line ends escaped.
    ///
    /// ```
    /// use gorge_proxy::log::{ErrorLog, Level, LineSink};
    /// # struct Nowhere;
    /// # impl LineSink for Nowhere { fn line(&self, _: &mut dyn FnMut(&mut Vec<u8>)) {} }
    /// # let sink = Nowhere;
    /// let log = ErrorLog::new(Level::Info, sink);
    /// let routes = 12;
    /// log.note(Level::Info, format_args!("reloaded: {routes} routes"));
    /// ```
    pub fn note(&self, level: Level, text: impl fmt::Display) {
        let log = &*self.0;
        if level >= log.level {
            log.sink.line(&mut |out| line::note(log.form, out, level, &text));
        }
    }
}

impl<C: 'static, S: LineSink> Observer<C> for ErrorLog<S> {
    #[inline]
    fn event(&self, x: &Exchange<C>, event: &Event<'_>) {
        match event {
            Event::Done(end @ Outcome { error: Some(error), .. }) => {
                self.0.failed(x, error, Level::of(error), Some(end));
            }
            Event::Retried(error) => self.0.failed(x, error, Level::Info, None),
            _ => {}
        }
    }
}

impl<S: LineSink> Log<S> {
    fn failed<C>(&self, x: &Exchange<C>, error: &Error, level: Level, end: Option<&Outcome>) {
        if level < self.level {
            return;
        }
        let sort = Sort::Failure {
            level,
            kind: error.kind(),
            status: end.map(|end| end.status.as_u16()),
            upstream: x.peer().cloned(),
            route: x.facts.route,
        };
        match self.repeats.local().judge(&sort, Instant::now()) {
            Fate::Kept => {}
            Fate::KeptTooLong => _ = self.release(),
            Fate::Written => {
                let failure = Failure { x, error, level, end, routes: self.routes() };
                self.sink.line(&mut |out| line::failure(self.form, out, &failure));
            }
        }
    }

    fn routes(&self) -> &[Box<str>] {
        self.routes.get().map_or(&[], |names| names)
    }
}

impl<S: LineSink> HeldBack for Log<S> {
    /// What the workers kept back, added up. The second need not be over: who asks, asks once a
    /// second, and what comes later is told by the next sum.
    fn release(&self) -> bool {
        let (mut sum, mut more, now) = (Vec::new(), false, Instant::now());
        for repeats in self.repeats.iter() {
            more |= repeats.take(&mut sum, now);
        }
        for kept in &sum {
            self.sink.line(&mut |out| line::sum(self.form, out, kept, self.routes()));
        }
        more
    }
}

/// What is still kept back is told before the log is gone.
impl<S: LineSink> Drop for Log<S> {
    fn drop(&mut self) {
        self.release();
    }
}

impl<S: LineSink> Clone for ErrorLog<S> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<S: LineSink> fmt::Debug for ErrorLog<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ErrorLog").field("level", &self.level()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use gorge_error::Kind;
    use gorge_http::Status;
    use parking_lot::Mutex;

    use super::*;

    /// A sink that asks when the test says so.
    #[derive(Clone, Default)]
    struct Lines(Arc<Mutex<Vec<u8>>>, Arc<Mutex<Option<Weak<dyn HeldBack>>>>);

    impl LineSink for Lines {
        fn line(&self, write: &mut dyn FnMut(&mut Vec<u8>)) {
            let mut text = self.0.lock();
            write(&mut text);
            text.push(b'\n');
        }

        fn acquaint(&self, log: Weak<dyn HeldBack>) {
            *self.1.lock() = Some(log);
        }
    }

    impl Lines {
        fn take(&self) -> String {
            String::from_utf8(std::mem::take(&mut *self.0.lock())).unwrap()
        }

        fn ask(&self) -> bool {
            let log = self.1.lock().clone().unwrap();
            log.upgrade().unwrap().release()
        }
    }

    fn fail(log: &ErrorLog<Lines>, kind: Kind, times: usize) {
        let x = Exchange::<()>::new();
        for _ in 0..times {
            let error = Some(Error::new(kind).into_upstream());
            let end = Outcome { status: Status::BAD_GATEWAY, error, complete: true };
            log.event(&x, &Event::Done(&end));
        }
    }

    #[test]
    fn repeated_lines_are_summed_up_without_another_failure() {
        let lines = Lines::default();
        let log = ErrorLog::new(Level::Info, lines.clone());
        fail(&log, Kind::ConnectRefused, 100);
        fail(&log, Kind::NoRoute, 1);
        assert_eq!(lines.take().lines().count(), 11);
        assert!(lines.ask(), "more of the same may come within the second");
        let told = lines.take();
        assert!(
            told.ends_with(" warn 502 connect_refused: 90 more like this in the last second\n"),
            "{told}"
        );
        assert_eq!(told.lines().count(), 1);
        lines.ask();
        assert_eq!(lines.take(), "");
    }

    #[test]
    fn refused_connections_are_summed_up_by_reason_and_listener() {
        let lines = Lines::default();
        let log = ErrorLog::new(Level::Info, lines.clone());
        let (listener, other) = ("192.0.2.1:443".parse().unwrap(), "192.0.2.1:8443".parse().unwrap());
        let client = PeerAddr::Ip("192.0.2.7:80".parse().unwrap());
        let refuse = |reason, listener, times| {
            for _ in 0..times {
                let refused = Refused { reason, listener: Some(listener), client: &client, text: &"no\nway" };
                log.refused(Level::Info, &refused);
            }
        };
        refuse("tls_failed", &listener, 100);
        refuse("tls_failed", &other, 10);
        refuse("denied", &listener, 10);
        let told = lines.take();
        assert_eq!(told.lines().count(), 30, "{told}");
        let first = " info refused tls_failed listener=192.0.2.1:443 client=192.0.2.7:80: no\\nway\n";
        assert!(told[24..].starts_with(first), "{told}");
        lines.ask();
        let sum = " info refused tls_failed listener=192.0.2.1:443: 90 more like this in the last second\n";
        assert_eq!(lines.take()[24..], *sum);
        log.refused(Level::Debug, &Refused { reason: "denied", listener: None, client: &client, text: &"" });
        assert_eq!(lines.take(), "");
    }

    #[test]
    fn the_end_of_a_log_tells_the_rest() {
        let lines = Lines::default();
        let log = ErrorLog::new(Level::Info, lines.clone());
        fail(&log.clone(), Kind::ConnectRefused, 11);
        drop(log);
        assert!(lines.take().ends_with(": 1 more like this in the last second\n"));
    }

    #[test]
    fn lines_below_the_level_are_not_written() {
        let lines = Lines::default();
        let log = ErrorLog::new(Level::Error, lines.clone());
        fail(&log, Kind::ConnectRefused, 20);
        log.note(Level::Warn, "not this");
        log.note(Level::Error, "but this");
        assert!(lines.take().ends_with(" error but this\n"));
        drop(log);
        assert_eq!(lines.take(), "");
    }
}
