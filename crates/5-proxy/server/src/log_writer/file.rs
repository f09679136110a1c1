//! A log file: opened to append, put aside when it is full, opened anew when asked to.

use std::ffi::OsString;
use std::fs::{self, File, Metadata, OpenOptions};
use std::io;
use std::os::unix::fs::{FileTypeExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

/// When a log file is put aside, and how many of those are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rotation {
    /// Bytes that a file may have. It never has more, unless a single line does. With 0 it is never put
    /// aside. Default 100 MiB.
    pub size: u64,
    /// Files kept beside the current one: `access.log.1`, the youngest, to `access.log.10`. With 0 the
    /// full file is deleted. Default 10.
    pub keep: u32,
}

impl Rotation {
    /// The file grows; somebody else puts it aside, and then has it [reopened](super::LogWriter::reopen).
    pub const NEVER: Rotation = Rotation { size: 0, keep: 0 };
}

impl Default for Rotation {
    fn default() -> Self {
        Rotation { size: 100 * 1024 * 1024, keep: 10 }
    }
}

/// An open log file, or what else has a path: a device, a named pipe.
pub(super) struct LogFile {
    path: PathBuf,
    rotation: Rotation,
    file: File,
    /// Where the file really lies, for a link leads there. `None`: not a regular file, never rotated.
    real: Option<PathBuf>,
    /// The length that is not to be passed; more than the size once a rotation failed.
    limit: u64,
}

impl LogFile {
    pub(super) fn open(path: PathBuf, rotation: Rotation) -> io::Result<Self> {
        let (file, real) = open(&path)?;
        Ok(LogFile { path, rotation, file, real, limit: rotation.size })
    }

    pub(super) fn file(&mut self) -> &mut File {
        &mut self.file
    }

    /// Opens what is at the path now. If that fails, the old file stays.
    pub(super) fn reopen(&mut self) -> io::Result<()> {
        let (file, real) = open(&self.path)?;
        (self.file, self.real, self.limit) = (file, real, self.rotation.size);
        Ok(())
    }

    /// How many of the next lines can be written, in bytes, before the file is full. If none can, it is
    /// put aside. `Err`: that failed, and they all go into this file for now.
    pub(super) fn room(&mut self, lines: &[u8]) -> io::Result<usize> {
        if self.real.is_none() || self.rotation.size == 0 {
            return Ok(lines.len());
        }
        // Asked each time: others may write to the file or cut it.
        let mut length = self.file.metadata()?.len();
        loop {
            let room = usize::try_from(self.limit.saturating_sub(length)).unwrap_or(usize::MAX);
            if lines.len() <= room {
                return Ok(lines.len());
            }
            if let Some(last) = lines[..room].iter().rposition(|&b| b == b'\n') {
                return Ok(last + 1);
            }
            if length == 0 {
                let first = lines.iter().position(|&b| b == b'\n');
                return Ok(first.map_or(lines.len(), |end| end + 1));
            }
            if let Err(error) = self.rotate() {
                // Tried again when as much has come again.
                self.limit = length.saturating_add(self.rotation.size);
                return Err(error);
            }
            length = self.file.metadata()?.len();
        }
    }

    /// Puts the file aside and opens a new one.
    fn rotate(&mut self) -> io::Result<()> {
        if let Some(real) = &self.real
            && same(&fs::metadata(real), &self.file.metadata())
        {
            put_aside(real, self.rotation.keep)?;
        }
        // Else somebody has put it aside already.
        self.reopen()
    }
}

/// Opens to append and says where the file really lies if it is a regular one.
fn open(path: &Path) -> io::Result<(File, Option<PathBuf>)> {
    // Without waiting: a named pipe that nobody reads is not to hold up a start.
    let flags = libc::O_NONBLOCK | libc::O_NOCTTY;
    let mut options = OpenOptions::new();
    let opened = options.append(true).create(true).mode(0o640).custom_flags(flags).open(path);
    let file = match opened {
        // Nobody reads the pipe so far. As its own reader it can be opened, and whoever comes gets what
        // it holds.
        Err(error) if error.raw_os_error() == Some(libc::ENXIO) && is_pipe(path) => {
            OpenOptions::new().read(true).write(true).custom_flags(flags).open(path)?
        }
        opened => opened?,
    };
    let real = if file.metadata()?.is_file() { Some(fs::canonicalize(path)?) } else { None };
    Ok((file, real))
}

fn is_pipe(path: &Path) -> bool {
    fs::metadata(path).is_ok_and(|metadata| metadata.file_type().is_fifo())
}

fn same(a: &io::Result<Metadata>, b: &io::Result<Metadata>) -> bool {
    matches!((a, b), (Ok(a), Ok(b)) if (a.dev(), a.ino()) == (b.dev(), b.ino()))
}

/// Renames `path` to `path.1`, what was there before to `path.2`, and so on.
fn put_aside(path: &Path, keep: u32) -> io::Result<()> {
    if keep == 0 {
        return fs::remove_file(path);
    }
    // Up to the first number that is free; the last one kept is overwritten.
    let free = (1..keep).find(|&number| !numbered(path, number).exists()).unwrap_or(keep);
    for number in (1..free).rev() {
        fs::rename(numbered(path, number), numbered(path, number + 1))?;
    }
    fs::rename(path, numbered(path, 1))
}

fn numbered(path: &Path, number: u32) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(format!(".{number}"));
    name.into()
}
