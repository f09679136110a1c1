//! What peers are found from.

use std::fmt;
use std::sync::Arc;

use gorge_protocols::Address;
use gorge_upstream::{Peer, PeerBuilder};

use super::Place;

pub(super) enum Entry {
    Fixed(Peer),
    Named(Named),
}

/// A name, and what its peers are like.
pub(super) struct Named {
    pub(super) what: What,
    make: Box<dyn Fn(Address) -> PeerBuilder + Send + Sync>,
}

pub(super) enum What {
    Host(Arc<str>, u16),
    Service(Arc<str>),
}

impl Named {
    pub(super) fn new(what: What, make: impl Fn(Address) -> PeerBuilder + Send + Sync + 'static) -> Self {
        Self { what, make: Box::new(make) }
    }

    pub(super) fn peer(&self, place: &Place) -> Peer {
        let mut builder = (self.make)(Address::Ip(place.address));
        if let Some(weight) = place.weight {
            builder = builder.weight(weight);
        }
        if place.backup {
            builder = builder.backup(true);
        }
        builder.build()
    }
}

impl What {
    /// The name.
    pub(super) fn shown(&self) -> &str {
        match self {
            What::Host(name, _) | What::Service(name) => name,
        }
    }
}

impl fmt::Debug for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Entry::Fixed(peer) => peer.fmt(f),
            Entry::Named(named) => f.write_str(named.what.shown()),
        }
    }
}
