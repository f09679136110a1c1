//! What the kernel measured on a TCP connection.

use std::time::Duration;

/// What the kernel measured on a TCP connection (`TCP_INFO`), at the time it was asked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct TcpInfo {
    /// Smoothed round-trip time.
    pub rtt: Option<Duration>,
    /// Mean deviation of the round-trip time.
    pub rtt_variance: Option<Duration>,
    /// The smallest round-trip time seen lately.
    pub min_rtt: Option<Duration>,
    /// Congestion window, in segments.
    pub congestion_window: Option<u32>,
    /// Size of a sent segment in bytes.
    pub send_mss: Option<u32>,
    /// Segments sent again since the connection stands.
    pub retransmits: Option<u32>,
    /// Rate at which data was lately delivered, in bytes per second.
    pub delivery_rate: Option<u64>,
}
