//! Which lines say the same, and how many of them were kept back.

use std::time::{Duration, Instant};

use gorge_digest::PeerAddr;
use gorge_error::Kind;
use gorge_filter::RouteId;
use gorge_protocols::Address;
use parking_lot::Mutex;

use super::Level;

/// Lines of one sort that a worker writes in a second; the rest are counted.
pub(super) const WRITTEN: u32 = 10;

/// Sorts that a worker tells apart at a time; those beyond are one sort together.
const SORTS: usize = 64;

/// How long a count waits for somebody who asks for it. The sink asks once a second, if it is of the
/// kind that does.
const PATIENCE: Duration = Duration::from_secs(2);

/// What makes two lines say the same.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Sort {
    Failure {
        level: Level,
        kind: Kind,
        /// That of the answer; none if another attempt followed.
        status: Option<u16>,
        upstream: Option<PeerAddr>,
        route: Option<RouteId>,
    },
    Refusal {
        level: Level,
        reason: &'static str,
        listener: Option<Address>,
    },
    /// Whatever was too much for the table.
    Other,
}

/// How many lines of a sort were kept back.
pub(super) struct Kept {
    pub(super) sort: Sort,
    pub(super) lines: u64,
}

/// What becomes of a line.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Fate {
    /// It is kept back and counted.
    Kept,
    /// As `Kept`, and it is high time to tell of it: nobody asked for so long.
    KeptTooLong,
    /// It is written.
    Written,
}

/// One worker's table. Bounded; nothing is allocated once it is made.
pub(super) struct Repeats(Mutex<Table>);

struct Table {
    rows: Vec<Row>,
    /// When the first of the lines was kept back that nobody told of.
    waiting: Option<Instant>,
}

struct Row {
    kept: Kept,
    /// When the first line of the current second came.
    since: Instant,
    written: u32,
}

impl Repeats {
    pub(super) fn new() -> Self {
        // One more, for all others.
        Self(Mutex::new(Table { rows: Vec::with_capacity(SORTS + 1), waiting: None }))
    }

    /// What becomes of a line of this sort.
    pub(super) fn judge(&self, sort: &Sort, now: Instant) -> Fate {
        let mut table = self.0.lock();
        let row = table.row(sort, now);
        if !row.is_current(now) {
            row.since = now;
            row.written = 0;
        }
        if row.written < WRITTEN {
            row.written += 1;
            return Fate::Written;
        }
        row.kept.lines += 1;
        let waiting = *table.waiting.get_or_insert(now);
        if now.saturating_duration_since(waiting) < PATIENCE { Fate::Kept } else { Fate::KeptTooLong }
    }

    /// Hands over what was kept back, added to `sum`. Returns whether more may come soon.
    pub(super) fn take(&self, sum: &mut Vec<Kept>, now: Instant) -> bool {
        let mut table = self.0.lock();
        table.waiting = None;
        for row in table.rows.iter_mut().filter(|row| row.kept.lines > 0) {
            let lines = std::mem::take(&mut row.kept.lines);
            match sum.iter_mut().find(|kept| kept.sort == row.kept.sort) {
                Some(kept) => kept.lines += lines,
                None => sum.push(Kept { sort: row.kept.sort.clone(), lines }),
            }
        }
        table.rows.iter().any(|row| row.is_current(now))
    }
}

impl Table {
    fn row(&mut self, sort: &Sort, now: Instant) -> &mut Row {
        let at = self.rows.iter().position(|row| row.kept.sort == *sort);
        let at = at.or_else(|| self.add(sort, now)).unwrap_or_else(|| {
            let other = self.rows.iter().position(|row| row.kept.sort == Sort::Other);
            other.unwrap_or_else(|| self.push(Sort::Other, now))
        });
        &mut self.rows[at]
    }

    /// Adds a sort, if there is room, or a row whose second is over and told.
    fn add(&mut self, sort: &Sort, now: Instant) -> Option<usize> {
        if self.rows.len() < SORTS {
            return Some(self.push(sort.clone(), now));
        }
        let at = self.rows.iter().position(|row| row.kept.lines == 0 && !row.is_current(now))?;
        self.rows[at] = Row::new(sort.clone(), now);
        Some(at)
    }

    fn push(&mut self, sort: Sort, now: Instant) -> usize {
        self.rows.push(Row::new(sort, now));
        self.rows.len() - 1
    }
}

impl Row {
    fn new(sort: Sort, now: Instant) -> Self {
        Self { kept: Kept { sort, lines: 0 }, since: now, written: 0 }
    }

    fn is_current(&self, now: Instant) -> bool {
        now.saturating_duration_since(self.since) < Duration::from_secs(1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sort(route: u32) -> Sort {
        Sort::Failure {
            level: Level::Warn,
            kind: Kind::ConnectRefused,
            status: Some(502),
            upstream: None,
            route: Some(RouteId(route)),
        }
    }

    fn kept(repeats: &Repeats, now: Instant) -> Vec<(Sort, u64)> {
        let mut sum = Vec::new();
        repeats.take(&mut sum, now);
        sum.into_iter().map(|kept| (kept.sort, kept.lines)).collect()
    }

    #[test]
    fn the_first_of_a_second_are_written_and_the_rest_counted() {
        let (repeats, start) = (Repeats::new(), Instant::now());
        for second in 0..3 {
            let now = start + Duration::from_secs(second);
            for n in 0..100 {
                let fate = repeats.judge(&sort(0), now + Duration::from_millis(n));
                assert_eq!(fate, if n < 10 { Fate::Written } else { Fate::Kept }, "{second} {n}");
            }
            assert_eq!(repeats.judge(&sort(1), now), Fate::Written);
            assert_eq!(kept(&repeats, now), [(sort(0), 90)]);
            assert_eq!(kept(&repeats, now), []);
        }
    }

    #[test]
    fn counts_that_nobody_asks_for_become_urgent() {
        let (repeats, start) = (Repeats::new(), Instant::now());
        let at = |tenths: u64| start + Duration::from_millis(tenths * 100);
        let fates: Vec<_> = (0..40).map(|n| repeats.judge(&sort(0), at(n / 2))).collect();
        assert!(!fates.contains(&Fate::KeptTooLong), "{fates:?}");
        for _ in 0..WRITTEN {
            repeats.judge(&sort(0), at(26));
        }
        assert_eq!(repeats.judge(&sort(0), at(26)), Fate::KeptTooLong);
        kept(&repeats, at(26));
        assert_eq!(repeats.judge(&sort(0), at(26)), Fate::Kept);
    }

    #[test]
    fn the_table_is_bounded_and_loses_no_count() {
        let (repeats, start) = (Repeats::new(), Instant::now());
        let memory = repeats.0.lock().rows.capacity();
        for round in 0..20 {
            for route in 0..1000 {
                repeats.judge(&sort(route), start + Duration::from_millis(round));
            }
        }
        let kept = kept(&repeats, start);
        assert_eq!(repeats.0.lock().rows.capacity(), memory);
        let lines: u64 = kept.iter().map(|(_, lines)| lines).sum();
        assert_eq!(lines, 20 * 1000 - 65 * u64::from(WRITTEN));
        assert_eq!(kept.iter().filter(|(sort, _)| *sort == Sort::Other).count(), 1);
        // A second later the rows are free for others.
        let later = start + Duration::from_secs(2);
        assert_eq!(repeats.judge(&sort(5000), later), Fate::Written);
        assert!(repeats.0.lock().rows.iter().any(|row| row.kept.sort == sort(5000)));
    }
}
