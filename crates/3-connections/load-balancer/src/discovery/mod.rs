//! Names into peers, again and again.

mod entry;
mod event;
mod join;
mod places;
mod resolve;

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use gorge_protocols::{Address, Family, Resolver};
use gorge_timeout::{clock, sleep_until};
use gorge_upstream::{Peer, PeerBuilder};
use parking_lot::Mutex;

use self::entry::{Entry, Named, What};
pub use self::event::DiscoveryEvent;
use self::join::join_all;
use self::places::Place;
use self::resolve::{Known, resolve};
use crate::LoadBalancer;

/// Names are not asked for more often than this, however short their time to live is.
const LEAST_PAUSE: Duration = Duration::from_secs(1);

/// When there is nothing to ask for.
const IDLE_PAUSE: Duration = Duration::from_secs(3600);

/// Finds the peers of a [`LoadBalancer`]: given ones, the addresses of names, the hosts of services
/// (SRV records, RFC 2782). It asks anew when the time to live of an answer is over, and replaces the
/// set when something has changed; peers that stay keep their identity, counters and state.
///
/// Once a name has brought peers, an answer without addresses and a failing name server change
/// nothing: the last good peers stay.
///
/// The set of the balancer is its own: what others put there is lost with the next change.
pub struct Discovery {
    entries: Vec<Entry>,
    resolver: Resolver,
    family: Family,
    tell: Box<dyn Fn(&DiscoveryEvent<'_>) + Send + Sync>,
    /// What is known of each entry; `None` before the first refresh.
    known: Mutex<Option<Vec<Known>>>,
}

impl Default for Discovery {
    fn default() -> Self {
        Self::new()
    }
}

impl Discovery {
    /// One that finds nothing yet.
    #[must_use]
    pub fn new() -> Self {
        Self {
            entries: Vec::new(),
            resolver: Resolver::shared(),
            family: Family::Ipv4,
            tell: Box::new(|_| {}),
            known: Mutex::new(None),
        }
    }

    /// A peer that is always there.
    #[must_use]
    pub fn fixed(mut self, peer: Peer) -> Self {
        self.entries.push(Entry::Fixed(peer));
        self
    }

    /// A peer for each address of `host`. `make` says what such a peer is like.
    #[must_use]
    pub fn name(
        mut self,
        host: impl Into<Arc<str>>,
        port: u16,
        make: impl Fn(Address) -> PeerBuilder + Send + Sync + 'static,
    ) -> Self {
        self.entries.push(Entry::Named(Named::new(What::Host(host.into(), port), make)));
        self
    }

    /// A peer for each address of each host of a service, as in `_http._tcp.example.com`. `make` says
    /// what such a peer is like; weight and rank come from the name server: the hosts with the lowest
    /// priority are peers, all others [backups](Peer::is_backup). The addresses of one host share its
    /// weight; a weight of 0 counts as 1.
    #[must_use]
    pub fn service(
        mut self,
        name: impl Into<Arc<str>>,
        make: impl Fn(Address) -> PeerBuilder + Send + Sync + 'static,
    ) -> Self {
        self.entries.push(Entry::Named(Named::new(What::Service(name.into()), make)));
        self
    }

    /// Whom to ask. Default: [`Resolver::shared`].
    #[must_use]
    pub fn resolver(mut self, resolver: Resolver) -> Self {
        self.resolver = resolver;
        self
    }

    /// Which addresses become peers. Default [`Family::Ipv4`]: those of IPv6 only if there is none.
    #[must_use]
    pub fn family(mut self, family: Family) -> Self {
        self.family = family;
        self
    }

    /// Whom to tell what changed and what failed, for a log. Default: nobody.
    #[must_use]
    pub fn on_event(mut self, tell: impl Fn(&DiscoveryEvent<'_>) + Send + Sync + 'static) -> Self {
        self.tell = Box::new(tell);
        self
    }

    /// Whether there is no name in it, so that one refresh is enough.
    #[must_use]
    pub fn is_static(&self) -> bool {
        self.named().next().is_none()
    }

    /// Asks for all names, at the same time, and gives the balancer what was found if that is
    /// anything new. Returns when to ask again.
    ///
    /// # Panics
    /// Outside a tokio runtime.
    pub async fn refresh(&self, balancer: &LoadBalancer) -> Instant {
        let before = self.known.lock().clone();
        let blank = vec![Known::default(); self.named().count()];
        let known = before.as_deref().unwrap_or(&blank);
        let asked = self
            .named()
            .zip(known)
            .map(|(named, known)| resolve(&named.what, known, &self.resolver, self.family));
        let (now_known, due): (Vec<_>, Vec<_>) = join_all(asked).await.into_iter().unzip();
        let moved = |(old, new): (&Known, &Known)| old.places != new.places;
        if before.is_none() || known.iter().zip(&now_known).any(moved) {
            balancer.set_peers(self.peers(&now_known));
        }
        for ((named, old), new) in self.named().zip(known).zip(&now_known) {
            event::tell(named.what.shown(), old, new, &*self.tell);
        }
        *self.known.lock() = Some(now_known);
        let now = clock::now();
        due.into_iter().min().map_or(now + IDLE_PAUSE, |due| due.max(now + LEAST_PAUSE))
    }

    /// Refreshes the balancer whenever it is time to, until the future is dropped. Without a name it
    /// ends after the first time.
    ///
    /// # Panics
    /// Outside a tokio runtime.
    pub async fn run(self, balancer: Arc<LoadBalancer>) {
        loop {
            let due = self.refresh(&balancer).await;
            if self.is_static() {
                return;
            }
            sleep_until(due).await;
        }
    }

    fn named(&self) -> impl Iterator<Item = &Named> + Clone {
        self.entries.iter().filter_map(|entry| match entry {
            Entry::Fixed(_) => None,
            Entry::Named(named) => Some(named),
        })
    }

    /// All peers, in the order of the entries.
    fn peers(&self, known: &[Known]) -> Vec<Peer> {
        let mut known = known.iter();
        let mut peers = Vec::new();
        for entry in &self.entries {
            match entry {
                Entry::Fixed(peer) => peers.push(peer.clone()),
                Entry::Named(named) => {
                    let places = known.next().map_or(&[][..], |known| &known.places);
                    peers.extend(places.iter().map(|place| named.peer(place)));
                }
            }
        }
        peers
    }
}

impl fmt::Debug for Discovery {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Discovery")
            .field("entries", &self.entries)
            .field("family", &self.family)
            .finish_non_exhaustive()
    }
}
