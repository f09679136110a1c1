//! Telling when lines begin to be lost, and when that is over.

use std::fmt::Display;
use std::time::{Duration, Instant};

/// So long no line must have been lost for the trouble to be over.
const QUIET: Duration = Duration::from_secs(1);

/// The loss of lines, as one spell with a beginning and an end.
#[derive(Default)]
pub(super) struct Trouble {
    lines: u64,
    last: Option<Instant>,
}

impl Trouble {
    /// Lines were lost. Returns what to tell if that is new.
    pub(super) fn lost(&mut self, lines: u64, why: &dyn Display, now: Instant) -> Option<String> {
        self.lines += lines;
        let is_new = self.last.replace(now).is_none();
        is_new.then(|| format!("{why}; lines are lost until it works again"))
    }

    /// Lines were written. Returns what to tell if the trouble is over with that.
    pub(super) fn written(&mut self, now: Instant) -> Option<String> {
        let last = self.last?;
        if now.saturating_duration_since(last) < QUIET {
            return None;
        }
        let lines = std::mem::take(self).lines;
        Some(format!("it works again; {lines} lines were lost"))
    }

    pub(super) fn is_on(&self) -> bool {
        self.last.is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_spell_is_told_at_its_beginning_and_at_its_end() {
        let (mut trouble, start) = (Trouble::default(), Instant::now());
        let at = |millis| start + Duration::from_millis(millis);
        assert_eq!(trouble.written(at(0)), None);
        let told = trouble.lost(3, &"disk full", at(10));
        assert_eq!(told.as_deref(), Some("disk full; lines are lost until it works again"));
        assert_eq!(trouble.written(at(500)), None);
        assert_eq!(trouble.lost(4, &"disk full", at(600)), None);
        assert!(trouble.is_on());
        assert_eq!(trouble.written(at(1599)), None);
        assert_eq!(trouble.written(at(1600)).as_deref(), Some("it works again; 7 lines were lost"));
        assert!(!trouble.is_on());
        assert!(trouble.lost(1, &"disk full", at(1700)).is_some());
    }
}
