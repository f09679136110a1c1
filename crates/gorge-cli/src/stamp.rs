//! Versions of files.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

/// What changes when a file does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Stamp {
    device: u64,
    inode: u64,
    size: u64,
    modified: (i64, i64),
}

impl Stamp {
    /// `None` while the file is away, as in the middle of being replaced.
    pub(crate) fn of(path: &Path) -> Option<Self> {
        let data = fs::metadata(path).ok()?;
        let modified = (data.mtime(), data.mtime_nsec());
        Some(Self { device: data.dev(), inode: data.ino(), size: data.size(), modified })
    }

    /// Of a file of this size.
    #[cfg(test)]
    pub(crate) fn sized(size: u64) -> Self {
        Self { device: 1, inode: 1, size, modified: (0, 0) }
    }
}
