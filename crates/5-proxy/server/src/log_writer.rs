//! Where log lines are written: gathered by the workers, written by one thread.

use std::fs::File;
use std::io::{self, Write};
use std::os::fd::AsFd;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use gorge_proxy::LineSink;
use gorge_runtime::PerWorker;
use parking_lot::{Condvar, Mutex};

/// How long lines may gather before they are written.
const FLUSH: Duration = Duration::from_millis(10);

/// Bytes that may wait per worker; lines beyond are dropped and counted, for a log that cannot be
/// written must not stop the traffic or eat the memory.
const WAITING: usize = 4 * 1024 * 1024;

/// Memory a buffer keeps when it is empty.
const KEPT: usize = 256 * 1024;

/// Gathers the lines of all workers and writes them from a thread of its own, every 10 ms while
/// there are any: no exchange waits for a disk, and the line costs it no system call.
///
/// Clones write to the same place. Lines of one worker keep their order.
#[derive(Clone)]
pub struct LogWriter {
    shared: Arc<Shared>,
    thread: Arc<Thread>,
}

struct Shared {
    gathered: PerWorker<Mutex<Vec<u8>>>,
    /// Lines are waiting, the thread knows.
    waiting: AtomicBool,
    stopping: AtomicBool,
    dropped: AtomicU64,
    rounds: Mutex<Rounds>,
    round_done: Condvar,
}

/// How often the thread was asked to write, and how often it has.
#[derive(Default)]
struct Rounds {
    asked: u64,
    done: u64,
}

/// Ends the thread with the last clone.
struct Thread {
    shared: Arc<Shared>,
    handle: Mutex<Option<JoinHandle<()>>>,
    unparker: thread::Thread,
}

impl LogWriter {
    /// Writes to standard output.
    ///
    /// # Errors
    /// The descriptor could not be duplicated, or no thread could be started.
    pub fn stdout() -> io::Result<Self> {
        Self::new(File::from(io::stdout().as_fd().try_clone_to_owned()?))
    }

    /// Writes to standard error.
    ///
    /// # Errors
    /// As for [`stdout`](Self::stdout).
    pub fn stderr() -> io::Result<Self> {
        Self::new(File::from(io::stderr().as_fd().try_clone_to_owned()?))
    }

    /// Writes to `out`.
    ///
    /// # Errors
    /// No thread could be started.
    pub fn new(out: impl Write + Send + 'static) -> io::Result<Self> {
        let workers = thread::available_parallelism().map_or(1, std::num::NonZero::get);
        let shared = Arc::new(Shared {
            gathered: PerWorker::new(workers, |_| Mutex::default()),
            waiting: AtomicBool::new(false),
            stopping: AtomicBool::new(false),
            dropped: AtomicU64::new(0),
            rounds: Mutex::default(),
            round_done: Condvar::new(),
        });
        let handle = {
            let shared = shared.clone();
            thread::Builder::new().name("gorge-log".into()).spawn(move || shared.run(out))?
        };
        let unparker = handle.thread().clone();
        let thread = Arc::new(Thread { shared: shared.clone(), handle: Mutex::new(Some(handle)), unparker });
        Ok(Self { shared, thread })
    }

    /// Waits until all lines that were given before are written, or dropped because they cannot be.
    pub fn flush(&self) {
        let mut rounds = self.shared.rounds.lock();
        rounds.asked += 1;
        let mine = rounds.asked;
        self.shared.waiting.store(true, Ordering::Release);
        self.thread.unparker.unpark();
        while rounds.done < mine {
            self.shared.round_done.wait(&mut rounds);
        }
    }

    /// Lines that were lost: they came faster than they could be written, or writing failed.
    #[must_use]
    pub fn dropped(&self) -> u64 {
        self.shared.dropped.load(Ordering::Relaxed)
    }
}

impl LineSink for LogWriter {
    fn line(&self, write: &mut dyn FnMut(&mut Vec<u8>)) {
        {
            let mut gathered = self.shared.gathered.local().lock();
            if gathered.len() >= WAITING {
                self.shared.dropped.fetch_add(1, Ordering::Relaxed);
                return;
            }
            write(&mut gathered);
            gathered.push(b'\n');
        }
        if !self.shared.waiting.load(Ordering::Relaxed) && !self.shared.waiting.swap(true, Ordering::AcqRel) {
            self.thread.unparker.unpark();
        }
    }
}

impl Shared {
    fn run(&self, mut out: impl Write) {
        let mut spare = Vec::new();
        loop {
            while !self.waiting.load(Ordering::Acquire) && !self.stopping.load(Ordering::Acquire) {
                thread::park();
            }
            let asked = self.rounds.lock().asked;
            if asked == self.rounds.lock().done && !self.stopping.load(Ordering::Acquire) {
                // Nobody waits for these lines: let others join them.
                thread::park_timeout(FLUSH);
            }
            let asked = self.rounds.lock().asked;
            let last = self.stopping.load(Ordering::Acquire);
            self.waiting.store(false, Ordering::Release);
            for gathered in self.gathered.iter() {
                std::mem::swap(&mut *gathered.lock(), &mut spare);
                self.write(&mut out, &mut spare);
            }
            self.rounds.lock().done = asked;
            self.round_done.notify_all();
            if last {
                return;
            }
        }
    }

    fn write(&self, out: &mut impl Write, lines: &mut Vec<u8>) {
        if !lines.is_empty() && out.write_all(lines).and_then(|()| out.flush()).is_err() {
            let count = lines.iter().filter(|&&b| b == b'\n').count();
            self.dropped.fetch_add(count as u64, Ordering::Relaxed);
        }
        lines.clear();
        lines.shrink_to(KEPT);
    }
}

impl Drop for Thread {
    fn drop(&mut self) {
        self.shared.stopping.store(true, Ordering::Release);
        self.unparker.unpark();
        if let Some(handle) = self.handle.lock().take() {
            // It never panics; if it did, there is nothing left to write with.
            let _ = handle.join();
        }
    }
}

impl std::fmt::Debug for LogWriter {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("LogWriter").field("dropped", &self.dropped()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Clone, Default)]
    struct Paper(Arc<Mutex<Vec<u8>>>);

    impl Write for Paper {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().extend_from_slice(bytes);
            Ok(bytes.len())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn put(log: &LogWriter, text: &str) {
        log.line(&mut |out| out.extend_from_slice(text.as_bytes()));
    }

    #[test]
    fn a_flush_waits_for_every_line_before_it() {
        let paper = Paper::default();
        let log = LogWriter::new(paper.clone()).unwrap();
        for i in 0..1000 {
            put(&log, &i.to_string());
        }
        log.flush();
        let text = String::from_utf8(paper.0.lock().clone()).unwrap();
        assert!(text.lines().map(|line| line.parse::<u32>().unwrap()).eq(0..1000));
    }

    #[test]
    fn the_last_clone_writes_the_rest() {
        let paper = Paper::default();
        let log = LogWriter::new(paper.clone()).unwrap();
        put(&log.clone(), "last words");
        drop(log);
        assert_eq!(&paper.0.lock()[..], b"last words\n");
    }

    #[test]
    fn a_full_disk_loses_lines_and_counts_them() {
        struct Full;
        impl Write for Full {
            fn write(&mut self, _: &[u8]) -> io::Result<usize> {
                Err(io::ErrorKind::StorageFull.into())
            }
            fn flush(&mut self) -> io::Result<()> {
                Ok(())
            }
        }
        let log = LogWriter::new(Full).unwrap();
        put(&log, "one");
        put(&log, "two");
        log.flush();
        assert_eq!(log.dropped(), 2);
    }

    #[test]
    fn what_cannot_be_written_in_time_is_bounded() {
        struct Stuck(Arc<Mutex<()>>);
        impl Write for Stuck {
            fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
                drop(self.0.lock());
                Ok(bytes.len())
            }
            fn flush(&mut self) -> io::Result<()> {
                Ok(())
            }
        }
        let gate = Arc::new(Mutex::new(()));
        let log = LogWriter::new(Stuck(gate.clone())).unwrap();
        let closed = gate.lock();
        let line = "x".repeat(64 * 1024);
        for _ in 0..200 {
            put(&log, &line);
        }
        assert!(log.dropped() > 0);
        drop(closed);
    }
}
