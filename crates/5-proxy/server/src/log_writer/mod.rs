//! Where log lines are written: gathered by the workers, written by one thread.

mod file;
mod output;
mod thread;
mod trouble;

use std::fs::File;
use std::io::{self, Write};
use std::os::fd::AsFd;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Weak};
use std::thread::{Builder, JoinHandle, Thread};

use gorge_error::{Error, Kind, OrErr, Result};
use gorge_proxy::LineSink;
use gorge_proxy::log::HeldBack;
use gorge_runtime::PerWorker;
use parking_lot::{Condvar, Mutex};

use file::LogFile;
pub use file::Rotation;
use output::Output;
use thread::{Rounds, Shared};

/// Bytes that may wait per worker; lines beyond are dropped and counted, for a log that cannot be
/// written must not stop the traffic or eat the memory.
const WAITING: usize = 4 * 1024 * 1024;

/// Gathers the lines of all workers and writes them from a thread of its own, every 10 ms while
/// there are any: no exchange waits for a disk, and the line costs it no system call.
///
/// Clones write to the same place, for any number of logs. Lines are written whole, those of one
/// worker in their order. What cannot be written is lost and [counted](Self::dropped), and it is
/// [told](Self::report_to) when that begins and when it is over. A line of which half could be
/// written before the disk was full stays as that half, on a line of its own.
#[derive(Clone)]
pub struct LogWriter {
    shared: Arc<Shared>,
    writing: Arc<Writing>,
}

/// Ends the thread with the last clone.
struct Writing {
    shared: Arc<Shared>,
    handle: Mutex<Option<JoinHandle<()>>>,
    thread: Thread,
}

impl LogWriter {
    /// Writes to standard output.
    ///
    /// # Errors
    /// The descriptor could not be duplicated, or no thread could be started.
    pub fn stdout() -> io::Result<Self> {
        let out = File::from(io::stdout().as_fd().try_clone_to_owned()?);
        Self::start("standard output".into(), Output::stream(out))
    }

    /// Writes to standard error.
    ///
    /// # Errors
    /// As for [`stdout`](Self::stdout).
    pub fn stderr() -> io::Result<Self> {
        let out = File::from(io::stderr().as_fd().try_clone_to_owned()?);
        Self::start("standard error".into(), Output::stream(out))
    }

    /// Writes to `out`.
    ///
    /// # Errors
    /// No thread could be started.
    pub fn new(out: impl Write + Send + 'static) -> io::Result<Self> {
        Self::start("stream".into(), Output::stream(out))
    }

    /// Appends to the file at `path`, which is made with mode 0640 if it is not there. A regular file
    /// is put aside when it has its size, see [`Rotation`]; a link is followed, and the file it leads to
    /// put aside beside itself. A device or a named pipe can be given too; a pipe that nobody reads
    /// loses lines and holds up nothing. `/dev/stdout` and `/dev/stderr` are what this process has as
    /// such, whatever that is.
    ///
    /// # Errors
    /// [`Kind::File`] with the path: the folder is missing, permissions are, or it is no file at all.
    /// [`Kind::Internal`]: no thread could be started.
    pub fn file(path: impl Into<PathBuf>, rotation: Rotation) -> Result<Self> {
        let path = path.into();
        let standard = match path.to_str() {
            Some("/dev/stdout") => Some(Self::stdout()),
            Some("/dev/stderr") => Some(Self::stderr()),
            _ => None,
        };
        if let Some(writer) = standard {
            return writer.map_err(|error| refused(&path, error));
        }
        let name = path.display().to_string();
        let file = LogFile::open(path.clone(), rotation).map_err(|error| refused(&path, error))?;
        Self::start(name, Output::file(file)).or_err(Kind::Internal, "start the thread of a log")
    }

    fn start(name: String, output: Output) -> io::Result<Self> {
        let workers = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        let shared = Arc::new(Shared {
            name,
            gathered: PerWorker::new(workers, |_| Mutex::default()),
            waiting: AtomicBool::new(false),
            stopping: AtomicBool::new(false),
            overflown: AtomicU64::new(0),
            unwritten: AtomicU64::new(0),
            rounds: Mutex::new(Rounds::default()),
            round_done: Condvar::new(),
            logs: Mutex::default(),
            reporter: Mutex::new(Arc::new(|text| {
                // If standard error takes nothing, there is nobody else to tell.
                let _ = writeln!(io::stderr(), "gorge: {text}");
            })),
        });
        let handle = {
            let shared = shared.clone();
            Builder::new().name("gorge-log".into()).spawn(move || shared.run(output))?
        };
        let thread = handle.thread().clone();
        let writing = Arc::new(Writing { shared: shared.clone(), handle: Mutex::new(Some(handle)), thread });
        Ok(Self { shared, writing })
    }

    /// Sets who is told of trouble with the log itself: that lines are lost and why, that this is over
    /// and how many were, that a file cannot be rotated. Called by the writing thread. Default: one
    /// line on standard error. Another log is a good place, but not one on this very writer, which
    /// would then never end.
    pub fn report_to(&self, reporter: impl Fn(&str) + Send + Sync + 'static) {
        *self.shared.reporter.lock() = Arc::new(reporter);
    }

    /// Waits until all lines that were given before are written, or dropped because they cannot be.
    /// What logs hold back is told first. Blocks the calling thread.
    pub fn flush(&self) {
        self.round(false);
    }

    /// Writes what there is to the old file, then opens the path anew: for after somebody has renamed
    /// the file. Of standard output and streams there is nothing to be opened. Blocks the calling
    /// thread until it is done.
    ///
    /// # Errors
    /// [`Kind::File`]: it cannot be opened. The old file is still written to.
    pub fn reopen(&self) -> Result<()> {
        match self.round(true) {
            None => Ok(()),
            Some(why) => {
                let context = format!("reopen the log {}: {why}", self.shared.name);
                Err(Error::explain(Kind::File, context).into_internal())
            }
        }
    }

    /// Has the thread do a round and waits for it. Returns why the file could not be reopened.
    fn round(&self, reopen: bool) -> Option<String> {
        let mut rounds = self.shared.rounds.lock();
        rounds.asked += 1;
        rounds.reopen |= reopen;
        let mine = rounds.asked;
        self.shared.waiting.store(true, Ordering::Release);
        self.writing.thread.unpark();
        while rounds.done < mine {
            self.shared.round_done.wait(&mut rounds);
        }
        if reopen { rounds.refused.clone() } else { None }
    }

    /// Lines that were lost: they came faster than they could be written, or writing failed.
    #[must_use]
    pub fn dropped(&self) -> u64 {
        self.shared.overflown.load(Ordering::Relaxed) + self.shared.unwritten.load(Ordering::Relaxed)
    }
}

/// Says what is wrong with a path in words that help.
fn refused(path: &Path, error: io::Error) -> Error {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty() && !folder.exists());
    let context = match folder {
        Some(folder) => format!("open the log {}: there is no folder {}", path.display(), folder.display()),
        None => format!("open the log {}", path.display()),
    };
    Error::because(Kind::File, context, error).into_internal()
}

impl LineSink for LogWriter {
    fn line(&self, write: &mut dyn FnMut(&mut Vec<u8>)) {
        {
            let mut gathered = self.shared.gathered.local().lock();
            if gathered.len() >= WAITING {
                self.shared.overflown.fetch_add(1, Ordering::Relaxed);
                return;
            }
            write(&mut gathered);
            gathered.push(b'\n');
        }
        if !self.shared.waiting.load(Ordering::Relaxed) && !self.shared.waiting.swap(true, Ordering::AcqRel) {
            self.writing.thread.unpark();
        }
    }

    fn acquaint(&self, log: Weak<dyn HeldBack>) {
        let mut logs = self.shared.logs.lock();
        logs.retain(|log| log.strong_count() > 0);
        logs.push(log);
    }
}

impl Drop for Writing {
    fn drop(&mut self) {
        self.shared.stopping.store(true, Ordering::Release);
        self.thread.unpark();
        // The last clone may go with a log that was just asked for what it holds back: then this is
        // the thread itself, and it ends without being waited for.
        if self.thread.id() != std::thread::current().id()
            && let Some(handle) = self.handle.lock().take()
        {
            // It never panics; if it did, there is nothing left to write with.
            let _ = handle.join();
        }
    }
}

impl std::fmt::Debug for LogWriter {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("LogWriter")
            .field("name", &self.shared.name)
            .field("dropped", &self.dropped())
            .finish_non_exhaustive()
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
