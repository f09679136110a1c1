//! How names are looked up and how long the answers are kept.

use std::net::SocketAddr;
use std::time::Duration;

/// How a [`Resolver`](crate::Resolver) asks and remembers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ResolverOptions {
    /// The name servers to ask. Default `None`: those of the system's `/etc/resolv.conf`, which is
    /// read anew when it has changed.
    pub servers: Option<Vec<SocketAddr>>,
    /// Look into the system's hosts file first; default on. It is read anew when it has changed.
    pub hosts_file: bool,
    /// Add the system's search domains to names with a dot too, by its `ndots`; default off, so that
    /// a name with a dot means itself. They are added to names without a dot always, and never if
    /// `servers` are given.
    pub search_names_with_dots: bool,
    /// Time for one try; default 2 s. A lookup ends after `timeout` times `attempts`.
    pub timeout: Duration,
    /// Tries of one lookup; default 2. At least one is made.
    pub attempts: usize,
    /// Answers live at least this long; default 1 s. Failures are remembered for it.
    pub min_ttl: Duration,
    /// Answers live no longer than this; default 1 h.
    pub max_ttl: Duration,
    /// How long an answer without a time to live, one of the hosts file, lives; default 5 min.
    pub unknown_ttl: Duration,
    /// How long it is remembered that there is nothing, and the pause before another try where an
    /// older answer serves in place of one that failed; default 30 s.
    pub negative: Duration,
    /// How long after its end an answer may serve in place of one that failed; default 24 h
    /// (RFC 8767 5 advises one to three days). Zero: not at all.
    pub max_stale: Duration,
    /// Answers remembered, one for each name and kind of record; default 1024. The one that was not
    /// used for longest goes. As many lookups may run at a time.
    pub capacity: usize,
}

impl Default for ResolverOptions {
    fn default() -> Self {
        ResolverOptions {
            servers: None,
            hosts_file: true,
            search_names_with_dots: false,
            timeout: Duration::from_secs(2),
            attempts: 2,
            min_ttl: Duration::from_secs(1),
            max_ttl: Duration::from_secs(3600),
            unknown_ttl: Duration::from_secs(300),
            negative: Duration::from_secs(30),
            max_stale: Duration::from_secs(86_400),
            capacity: 1024,
        }
    }
}

/// What a [`Resolver`](crate::Resolver) has counted since it was made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ResolverStats {
    /// Questions answered from memory, among them that there is nothing.
    pub hits: u64,
    /// Questions that had to wait for a lookup.
    pub misses: u64,
    /// Lookups made.
    pub lookups: u64,
    /// Lookups that nobody answered, or not with an answer.
    pub failures: u64,
    /// Times an answer was given out though its time was over, because asking again failed.
    pub stale: u64,
    /// Answers remembered now.
    pub entries: usize,
}
