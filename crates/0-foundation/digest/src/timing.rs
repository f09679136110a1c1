//! When the steps of a connection and of an exchange happened.

use std::time::{Duration, Instant};

/// When the steps of a connection and of an exchange happened; a step that did not happen is `None`.
///
/// A stream fills in [`established`](TimingDigest::established) only, an exchange the rest. Of several attempts the last
/// one counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct TimingDigest {
    /// The connection stood: accepted, or connected with all that belongs to it (TLS).
    pub established: Option<Instant>,
    /// The first byte of the request was there.
    pub start: Option<Instant>,
    /// The request head was read.
    pub head_read: Option<Instant>,
    /// A peer was selected.
    pub peer_selected: Option<Instant>,
    /// The connection to the peer was there, new or from the pool.
    pub connected: Option<Instant>,
    /// The TLS handshake with the peer was done.
    pub tls_done: Option<Instant>,
    /// The request was sent to its last byte.
    pub request_sent: Option<Instant>,
    /// The first byte of the response was there.
    pub first_byte: Option<Instant>,
    /// The exchange was over.
    pub end: Option<Instant>,
}

impl TimingDigest {
    /// Of a connection that stands since `established`.
    pub const fn of_connection(established: Instant) -> Self {
        TimingDigest { established: Some(established), ..TimingDigest::UNKNOWN }
    }

    /// Of an exchange that begins at `start`.
    pub const fn of_exchange(start: Instant) -> Self {
        TimingDigest { start: Some(start), ..TimingDigest::UNKNOWN }
    }

    const UNKNOWN: TimingDigest = TimingDigest {
        established: None,
        start: None,
        head_read: None,
        peer_selected: None,
        connected: None,
        tls_done: None,
        request_sent: None,
        first_byte: None,
        end: None,
    };

    /// How long the connection stands at `now`; zero if `now` is earlier.
    pub fn age(&self, now: Instant) -> Option<Duration> {
        between(self.established, Some(now))
    }

    /// How long the whole exchange took, as the client's side saw it.
    pub fn duration(&self) -> Option<Duration> {
        between(self.start, self.end)
    }

    /// How long it took to be connected to the selected peer, TLS included.
    pub fn connecting(&self) -> Option<Duration> {
        between(self.peer_selected, self.tls_done.max(self.connected))
    }

    /// How long the upstream took from the connection's being there to the first byte of its answer.
    pub fn waiting(&self) -> Option<Duration> {
        between(self.tls_done.max(self.connected), self.first_byte)
    }

    /// How long the upstream side took, from the selection of the peer to the end of the exchange.
    pub fn upstream(&self) -> Option<Duration> {
        between(self.peer_selected, self.end)
    }
}

/// Unknown if either end is.
fn between(from: Option<Instant>, to: Option<Instant>) -> Option<Duration> {
    Some(to?.saturating_duration_since(from?))
}
