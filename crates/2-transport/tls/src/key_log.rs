//! The secrets of sessions in a file, for whoever looks at the traffic with Wireshark.

use std::fmt;
use std::fs::{File, OpenOptions};
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use gorge_error::{Error, Kind, Result};
use openssl::ssl::SslContextBuilder;

/// A file to which the secrets of sessions are added, in the format of `SSLKEYLOGFILE` (RFC 9850): whoever can
/// read it can read the traffic. A clone writes to the same file.
#[derive(Clone)]
pub struct KeyLog(Arc<Inner>);

struct Inner {
    file: File,
    path: PathBuf,
    failed: AtomicU64,
}

impl KeyLog {
    /// Opens the file, or makes it, readable for its owner alone. What is in it stays.
    ///
    /// # Errors
    /// [`Kind::File`]: it cannot be opened.
    pub fn open(path: &Path) -> Result<Self> {
        let file = OpenOptions::new().append(true).create(true).mode(0o600).open(path).map_err(|error| {
            Error::because(Kind::File, format!("open the key log {}", path.display()), error).into_internal()
        })?;
        Ok(Self(Arc::new(Inner { file, path: path.into(), failed: AtomicU64::new(0) })))
    }

    /// How many lines could not be written. Connections go on without.
    #[must_use]
    pub fn failed(&self) -> u64 {
        self.0.failed.load(Ordering::Relaxed)
    }

    /// Lets the connections of a context write their secrets.
    pub(crate) fn install(&self, context: &mut SslContextBuilder) {
        let log = self.clone();
        context.set_keylog_callback(move |_, line| log.add(line));
    }

    /// One write for each line, so that lines of several processes do not mix.
    fn add(&self, line: &str) {
        let line = format!("{line}\n");
        if !matches!((&self.0.file).write(line.as_bytes()), Ok(written) if written == line.len()) {
            self.0.failed.fetch_add(1, Ordering::Relaxed);
        }
    }
}

impl PartialEq for KeyLog {
    /// Whether it is the same file, by its path.
    fn eq(&self, other: &Self) -> bool {
        self.0.path == other.0.path
    }
}

impl Eq for KeyLog {}

impl fmt::Debug for KeyLog {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("KeyLog").field(&self.0.path).finish()
    }
}
