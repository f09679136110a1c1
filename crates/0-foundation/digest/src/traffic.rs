//! How much went through a stream, and how long that had to wait.

use std::time::Duration;

/// What went through a stream in both directions.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct TrafficDigest {
    /// From the other side to us.
    pub read: Flow,
    /// From us to the other side.
    pub written: Flow,
}

/// What went through a stream in one direction. Counters stop at their maximum.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Flow {
    /// Bytes that went through.
    pub bytes: u64,
    /// Time spent waiting for the other side: for its data when reading, for its buffers when writing. `None` if nobody
    /// measures it.
    pub pending: Option<Duration>,
}

impl Flow {
    /// Counts bytes that went through.
    pub fn add(&mut self, bytes: usize) {
        self.bytes = self.bytes.saturating_add(bytes as u64);
    }

    /// Counts time spent waiting.
    pub fn wait(&mut self, time: Duration) {
        self.pending = Some(self.pending.unwrap_or_default().saturating_add(time));
    }
}
