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
const PERIOD: Duration = Duration::from_millis(500);

/// What changes when a file does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
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

/// A file, and the version of it that is in force.
pub(crate) struct Watch {
    path: PathBuf,
    seen: Seen,
}

impl Watch {
    /// The file as it is now. To be asked for before it is read, so that no change is missed.
    pub(super) fn new(path: &Path) -> Self {
        let now = Stamp::of(path);
        Self { path: path.to_owned(), seen: Seen { heeded: now, last: now } }
    }

    /// Looks at the file for as long as there is a state, and asks for a reload when it has changed
    /// and the configuration in force wants that.
    pub(super) fn start(mut self, state: Weak<State>) -> io::Result<()> {
        thread::Builder::new().name("gorge-watch".into()).spawn(move || {
            loop {
                // A thread of its own, with nothing else to do.
                thread::sleep(PERIOD);
                let Some(state) = state.upgrade() else { return };
                if self.seen.is_another(Stamp::of(&self.path)) && state.watches() {
                    state.ask_for_reload();
                }
            }
        })?;
        Ok(())
    }
}

/// What was seen of a file.
#[derive(Clone, Copy)]
struct Seen {
    /// The version that was heeded.
    heeded: Option<Stamp>,
    /// The one at the last look.
    last: Option<Stamp>,
}

impl Seen {
    /// Whether this is another version, and whole: one that is still being written has changed since
    /// the last look.
    fn is_another(&mut self, now: Option<Stamp>) -> bool {
        let holds_still = now == self.last;
        self.last = now;
        let another = now.is_some() && holds_still && now != self.heeded;
        if another {
            self.heeded = now;
        }
        another
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_heeded_once_it_holds_still() {
        let stamp = |size| Some(Stamp { device: 1, inode: 1, size, modified: (0, 0) });
        let mut seen = Seen { heeded: stamp(1), last: stamp(1) };
        let looks = [
            (stamp(1), false),
            (stamp(0), false),
            (stamp(3), false),
            (stamp(5), false),
            (stamp(5), true),
            (stamp(5), false),
            (None, false),
            (None, false),
            (stamp(5), false),
            (stamp(5), false),
            (stamp(6), false),
            (stamp(6), true),
        ];
        for (number, (now, heeded)) in looks.into_iter().enumerate() {
            assert_eq!(seen.is_another(now), heeded, "look {number}");
        }
    }
}
