//! Reloads when the configuration file changes, or a certificate that it names.

use std::collections::HashMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Weak;
use std::thread;
use std::time::Duration;

use super::reload::State;
use crate::stamp::Stamp;

/// How often the file is looked at. Asking costs one system call, and works for files that are
/// replaced, linked, or mounted from elsewhere.
const PERIOD: Duration = Duration::from_millis(500);

/// The configuration and the files that it names, each with the version that is in force.
pub(crate) struct Watch {
    path: PathBuf,
    seen: Seen,
    named: HashMap<PathBuf, Seen>,
}

impl Watch {
    /// The file as it is now. To be asked for before it is read, so that no change is missed.
    pub(super) fn new(path: &Path) -> Self {
        let now = Stamp::of(path);
        Self { path: path.to_owned(), seen: Seen::new(now), named: HashMap::new() }
    }

    /// Looks at the files for as long as there is a state, and asks for a reload when one has changed
    /// and the configuration in force wants that.
    pub(super) fn start(mut self, state: Weak<State>) -> io::Result<()> {
        thread::Builder::new().name("gorge-watch".into()).spawn(move || {
            loop {
                // A thread of its own, with nothing else to do.
                thread::sleep(PERIOD);
                let Some(state) = state.upgrade() else { return };
                let another = self.seen.is_another(Stamp::of(&self.path));
                if (self.is_another_named(state.files()) || another) && state.watches() {
                    state.ask_for_reload();
                }
            }
        })?;
        Ok(())
    }

    /// Looks at the files that the configuration in force names, each with the version that it has of them.
    fn is_another_named(&mut self, files: Vec<(PathBuf, Option<Stamp>)>) -> bool {
        self.named.retain(|path, _| files.iter().any(|(named, _)| named == path));
        let mut another = false;
        for (path, in_force) in files {
            let now = Stamp::of(&path);
            let seen = self.named.entry(path).or_insert_with(|| Seen::new(in_force));
            another |= seen.is_another(now);
        }
        another
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
    fn new(now: Option<Stamp>) -> Self {
        Self { heeded: now, last: now }
    }

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
        let stamp = |size| Some(Stamp::sized(size));
        let mut seen = Seen::new(stamp(1));
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
