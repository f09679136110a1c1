//! How many are kept, and for how long.

use std::time::Duration;

/// Limits of a [`Pool`](crate::Pool), the same for each of its keys.
#[derive(Clone, Debug, PartialEq, Eq)]
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
