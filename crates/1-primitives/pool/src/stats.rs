//! What a pool has counted.

/// Why a connection was closed.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Reason {
    /// It was older than [`max_age`](crate::Options::max_age).
    Age,
    /// Data nobody had asked for arrived while it was idle.
    Data,
    /// The pool, or all of its key, was emptied.
    Drained,
    /// The other side closed it while it was idle.
    Ended,
    /// More than [`max_idle`](crate::Options::max_idle) were idle.
    Evicted,
    /// An error occurred on it.
    Failed,
    /// It was idle for longer than [`idle`](crate::Options::idle).
    Idle,
    /// The time for which the other side had promised to keep it open passed.
    KeepAlive,
    /// Whoever watches it did not want it.
    Refused,
    /// It was used [`max_uses`](crate::Options::max_uses) times.
    Spent,
    /// Its last use left it in a state in which it cannot be used again.
    Unusable,
}

impl Reason {
    /// Number of reasons.
    pub const COUNT: usize = 11;

    /// All of them, in the order of [`index`](Self::index).
    pub const ALL: [Self; Self::COUNT] = [
        Self::Age,
        Self::Data,
        Self::Drained,
        Self::Ended,
        Self::Evicted,
        Self::Failed,
        Self::Idle,
        Self::KeepAlive,
        Self::Refused,
        Self::Spent,
        Self::Unusable,
    ];

    /// Its place in [`ALL`](Self::ALL), for arrays of counters.
    pub fn index(self) -> usize {
        self as usize
    }

    /// Its name in logs and metrics, in `snake_case`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Age => "age",
            Self::Data => "data",
            Self::Drained => "drained",
            Self::Ended => "ended",
            Self::Evicted => "evicted",
            Self::Failed => "failed",
            Self::Idle => "idle",
            Self::KeepAlive => "keep_alive",
            Self::Refused => "refused",
            Self::Spent => "spent",
            Self::Unusable => "unusable",
        }
    }
}

/// Counters of a pool since it was made, all workers together.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Stats {
    /// Connections told by [`created`](crate::Pool::created).
    pub created: u64,
    /// Connections handed out by [`get`](crate::Pool::get).
    pub reused: u64,
    /// Those of `reused` that came from another worker than the one that asked.
    pub borrowed: u64,
    /// Calls of [`get`](crate::Pool::get) that found nothing.
    pub missed: u64,
    /// Idle now.
    pub idle: usize,
    /// In use now. Exact if every connection is told by [`created`](crate::Pool::created) and comes back
    /// by [`put`](crate::Pool::put) or [`discard`](crate::Pool::discard).
    pub active: u64,
    pub(crate) closed: [u64; Reason::COUNT],
}

impl Stats {
    /// Connections closed for `reason`.
    pub fn closed(&self, reason: Reason) -> u64 {
        self.closed[reason.index()]
    }

    /// Connections closed for whatever reason.
    pub fn closed_total(&self) -> u64 {
        self.closed.iter().sum()
    }

    /// The part of all [`get`](crate::Pool::get) calls that found a connection, from 0 to 1; `None`
    /// before the first call.
    pub fn reuse_ratio(&self) -> Option<f64> {
        let asked = self.reused + self.missed;
        (asked > 0).then(|| self.reused as f64 / asked as f64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reasons_are_counted_each_in_its_place() {
        for (index, reason) in Reason::ALL.into_iter().enumerate() {
            assert_eq!(reason.index(), index);
            assert!(Reason::ALL[..index].iter().all(|other| other.name() != reason.name()));
        }
    }
}
