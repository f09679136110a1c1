//! How many are kept, and for how long.

use std::time::{Duration, Instant};

use crate::{Entry, Reason};

/// Limits of a [`Pool`](crate::Pool), or of one of its keys: see [`put_with`](crate::Pool::put_with).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Options {
    /// Idle connections kept per key and worker; the one idle for longest leaves first. Default 128;
    /// 0 keeps none.
    pub max_idle: usize,
    /// Idle connections per key and worker that stay although their idle time has passed, the newest
    /// ones. Default 0.
    pub min_idle: usize,
    /// How long a connection may be idle. Default 60 s.
    pub idle: Duration,
    /// How old a connection may become before it is used again no more. Default: any age.
    pub max_age: Option<Duration>,
    /// How many times a connection may be used. Default: any number.
    pub max_uses: Option<u32>,
}

impl Default for Options {
    fn default() -> Self {
        Self { max_idle: 128, min_idle: 0, idle: Duration::from_secs(60), max_age: None, max_uses: None }
    }
}

impl Options {
    /// Why a connection may not be used again at `now`, however short it was idle.
    #[inline]
    pub(crate) fn forbid<C>(&self, entry: &Entry<C>, now: Instant) -> Option<Reason> {
        if entry.expires.is_some_and(|expires| expires <= now) {
            Some(Reason::KeepAlive)
        } else if self.max_age.is_some_and(|limit| passed(entry.created, limit, now)) {
            Some(Reason::Age)
        } else if self.max_uses.is_some_and(|limit| entry.uses >= limit) {
            Some(Reason::Spent)
        } else {
            None
        }
    }
}

/// Whether `limit` is over that began at `since`.
#[inline]
pub(crate) fn passed(since: Instant, limit: Duration, now: Instant) -> bool {
    now.saturating_duration_since(since) >= limit
}
