//! The file that names the process, locked as long as it lives.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Read, Seek, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use gorge_error::{Error, Kind, OrErr, Result};

/// Tries to get the lock. One who only asks who runs holds it for a moment.
const TRIES: u32 = 20;
const PAUSE: Duration = Duration::from_millis(5);

/// A PID file that is held. The lock (`flock`) tells a process that runs from one that has died, which
/// the mere file does not; it goes with the process, however that ends. Dropping this removes the
/// file.
#[derive(Debug)]
pub struct PidFile {
    file: File,
    path: PathBuf,
}

impl PidFile {
    /// Writes the id of this process to `path`, and holds it. A file that a dead process left behind
    /// is taken over.
    ///
    /// # Errors
    /// [`Kind::Configuration`] if another process holds it, with that one's id; [`Kind::File`] if it
    /// cannot be written.
    pub fn create(path: impl Into<PathBuf>) -> Result<PidFile> {
        let path = path.into();
        for _ in 0..TRIES {
            match lock(&path).or_err_with(Kind::File, || format!("lock {}", path.display()))? {
                Some(file) => return write(file, path),
                None => thread::sleep(PAUSE),
            }
        }
        let holder = holder(&path).map_or_else(String::new, |pid| format!(" with pid {pid}"));
        let text = format!("already running{holder}: {} is locked", path.display());
        Err(Error::explain(Kind::Configuration, text))
    }

    /// The id of the process that holds `path`; `None` if there is no file, or nobody holds it.
    ///
    /// # Errors
    /// [`Kind::File`] if it cannot be read, or is held and names nobody.
    pub fn read(path: impl AsRef<Path>) -> Result<Option<u32>> {
        let path = path.as_ref();
        let what = || format!("read {}", path.display());
        for _ in 0..TRIES {
            let file = match File::open(path) {
                Ok(file) => file,
                Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
                Err(error) => return Err(error).or_err_with(Kind::File, what),
            };
            match file.try_lock_shared() {
                // Closing the file lets go of the lock.
                Ok(()) => return Ok(None),
                Err(TryLockError::Error(error)) => return Err(error).or_err_with(Kind::File, what),
                Err(TryLockError::WouldBlock) => {}
            }
            if let Some(pid) = holder(path) {
                return Ok(Some(pid));
            }
            // Locked, and its id is about to be written.
            thread::sleep(PAUSE);
        }
        Err(Error::explain(Kind::File, format!("{} is locked and holds no pid", path.display())))
    }
}

/// The file at `path`, locked; `None` if somebody else has the lock, or has just removed the file.
fn lock(path: &Path) -> io::Result<Option<File>> {
    let mut options = OpenOptions::new();
    let file = options.read(true).write(true).create(true).truncate(false).mode(0o644).open(path)?;
    match file.try_lock() {
        Ok(()) => Ok(same(&file, path).then_some(file)),
        Err(TryLockError::WouldBlock) => Ok(None),
        Err(TryLockError::Error(error)) => Err(error),
    }
}

/// Whether `file` is still what stands at `path`.
fn same(file: &File, path: &Path) -> bool {
    match (file.metadata(), fs::metadata(path)) {
        (Ok(ours), Ok(there)) => (ours.dev(), ours.ino()) == (there.dev(), there.ino()),
        _ => false,
    }
}

fn write(mut file: File, path: PathBuf) -> Result<PidFile> {
    let pid = std::process::id();
    let written = file.set_len(0).and_then(|()| file.rewind()).and_then(|()| writeln!(file, "{pid}"));
    written.or_err_with(Kind::File, || format!("write {}", path.display()))?;
    Ok(PidFile { file, path })
}

fn holder(path: &Path) -> Option<u32> {
    // A number and a line feed; more than that is no PID file.
    let mut text = String::new();
    File::open(path).ok()?.take(32).read_to_string(&mut text).ok()?;
    text.trim().parse().ok()
}

impl Drop for PidFile {
    fn drop(&mut self) {
        if same(&self.file, &self.path) {
            // Left behind it does no harm: nobody holds its lock.
            let _ = fs::remove_file(&self.path);
        }
    }
}
