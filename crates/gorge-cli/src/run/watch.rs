//! Reloads when the configuration file changes.

use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Weak;
use std::thread;
use std::time::Duration;

use super::reload::State;

/// How often the file is looked at. Asking costs one system call, and works for files that are
/// replaced, linked, or mounted from elsewhere.
const PERIOD: Duration = Duration::from_secs(1);

/// What changes when a file does.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Stamp {
    device: u64,
    inode: u64,
    size: u64,
    modified: (i64, i64),
}

impl Stamp {
    /// `None` while the file is away, as in the middle of being replaced.
    fn of(path: &Path) -> Option<Self> {
        let data = fs::metadata(path).ok()?;
        let modified = (data.mtime(), data.mtime_nsec());
        Some(Self { device: data.dev(), inode: data.ino(), size: data.size(), modified })
    }
}

/// Looks at the file for as long as there is a state, and asks for a reload when it has changed and
/// the configuration in force wants that.
pub(super) fn start(path: PathBuf, state: Weak<State>) -> io::Result<()> {
    let mut seen = Stamp::of(&path);
    thread::Builder::new().name("gorge-watch".into()).spawn(move || {
        loop {
            // A thread of its own, with nothing else to do.
            thread::sleep(PERIOD);
            let Some(state) = state.upgrade() else { return };
            let now = Stamp::of(&path);
            if now.is_none() || now == seen {
                continue;
            }
            seen = now;
            if state.watches() {
                state.ask_for_reload();
            }
        }
    })?;
    Ok(())
}
