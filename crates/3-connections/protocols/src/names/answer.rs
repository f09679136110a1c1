//! What is asked, and what comes back.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Instant;

/// Which of a name's addresses are wanted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Family {
    /// All.
    #[default]
    Both,
    /// IPv4; IPv6 only if the name has no IPv4 address.
    Ipv4,
    /// IPv6; IPv4 only if the name has no IPv6 address.
    Ipv6,
}

/// The addresses of a name. There is at least one.
#[derive(Clone, Debug)]
pub struct Answer {
    /// The addresses in the order of the name server, those of IPv6 first if both were wanted.
    pub ips: Arc<[IpAddr]>,
    /// When to ask again: the answer's time to live is over then, or the next try is due.
    pub expires: Instant,
    /// How often it was given out before. Whoever starts at a different address each time spreads
    /// over them: `ips[turn % ips.len()]`.
    pub turn: usize,
    /// Why this is an older answer whose time is over, if it is one.
    pub stale: Option<Arc<str>>,
}

/// The hosts of a service (SRV records, RFC 2782). There is at least one.
#[derive(Clone, Debug)]
pub struct Services {
    /// In the order of the name server.
    pub services: Arc<[Service]>,
    /// When to ask again: the answer's time to live is over then, or the next try is due.
    pub expires: Instant,
    /// Why this is an older answer whose time is over, if it is one.
    pub stale: Option<Arc<str>>,
}

/// One host of a service.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Service {
    /// Those with the lowest number are asked first; others only when none of those can be.
    pub priority: u16,
    /// The share beside others of the same priority; 0 means hardly any.
    pub weight: u16,
    /// The port of the service there.
    pub port: u16,
    /// The name of the host, in lower case and without the final dot.
    pub host: Arc<str>,
}

/// What one lookup is about.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Question {
    pub(crate) name: Arc<str>,
    pub(crate) records: RecordKind,
}

/// Kinds of records.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum RecordKind {
    A,
    Aaaa,
    Srv,
}

impl RecordKind {
    pub(crate) fn name(self) -> &'static str {
        match self {
            RecordKind::A => "IPv4 address",
            RecordKind::Aaaa => "IPv6 address",
            RecordKind::Srv => "SRV record",
        }
    }
}

/// What was found.
#[derive(Clone, Debug)]
pub(crate) enum Records {
    Ips(Arc<[IpAddr]>),
    Services(Arc<[Service]>),
}
