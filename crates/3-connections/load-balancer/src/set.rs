//! One set of peers with the algorithm prepared for it. Never changed, only replaced.

use std::collections::{HashMap, HashSet};

use gorge_filter::Exchange;
use gorge_upstream::{Peer, ReuseKey};

use crate::{Algorithm, Candidates, Selector};

/// Peers as they were given, and those of them that can ever be chosen.
pub(crate) struct Set {
    all: Vec<Peer>,
    primary: Tier,
    backup: Tier,
}

/// Peers of equal rank.
struct Tier {
    peers: Vec<Peer>,
    selector: Box<dyn Selector>,
}

type Accept<'a> = Option<&'a dyn Fn(&Peer) -> bool>;

impl Set {
    pub(crate) fn new(all: Vec<Peer>, algorithm: &dyn Algorithm) -> Self {
        let tier = |backup| {
            let is_in = |peer: &&Peer| peer.is_backup() == backup && peer.weight() > 0;
            let peers: Vec<_> = all.iter().filter(is_in).cloned().collect();
            Tier { selector: algorithm.prepare(&peers), peers }
        };
        Self { primary: tier(false), backup: tier(true), all }
    }

    pub(crate) fn peers(&self) -> &[Peer] {
        &self.all
    }

    /// Those not yet tried before those that were, and within that peers before backups.
    pub(crate) fn select<C>(&self, x: &Exchange<C>, accept: Accept<'_>) -> Option<Peer> {
        let tiers = [&self.primary, &self.backup];
        let pick = |untried| tiers.iter().find_map(|tier| tier.select(&tier.candidates(x, accept, untried)));
        let none_tried = x.attempts().count() == 0;
        pick(!none_tried).or_else(|| if none_tried { None } else { pick(false) })
    }

    /// Whether some peer is open that was not tried.
    pub(crate) fn has_untried<C>(&self, x: &Exchange<C>) -> bool {
        [&self.primary, &self.backup].iter().any(|tier| {
            let candidates = tier.candidates(x, None, true);
            (0..tier.peers.len()).any(|i| candidates.is_open(i))
        })
    }

    /// These peers instead, where each one that is here already keeps its identity, counters and
    /// state: it is the same handle, or agrees in all that decides who is at the other end.
    #[expect(
        clippy::mutable_key_type,
        reason = "a key has a resolver in it, which counts by what it is, not by what it holds"
    )]
    pub(crate) fn carry_over(&self, peers: Vec<Peer>) -> Vec<Peer> {
        let handed_in: HashSet<_> = peers.iter().map(Peer::id).collect();
        let mut staying: HashMap<&ReuseKey, Vec<&Peer>> = HashMap::new();
        // Last to first, so that `pop` pairs peers of equal keys in their order.
        for peer in self.all.iter().rev().filter(|peer| !handed_in.contains(&peer.id())) {
            staying.entry(peer.reuse_key()).or_default().push(peer);
        }
        let known: HashSet<_> = self.all.iter().map(Peer::id).collect();
        let mut carry = |peer: Peer| match staying.get_mut(peer.reuse_key()) {
            Some(earlier) if !known.contains(&peer.id()) => match earlier.pop() {
                Some(earlier) => peer.continuing(earlier),
                None => peer,
            },
            _ => peer,
        };
        peers.into_iter().map(&mut carry).collect()
    }
}

impl Tier {
    fn candidates<'a, C>(&'a self, x: &'a Exchange<C>, accept: Accept<'a>, untried: bool) -> Candidates<'a> {
        Candidates {
            peers: &self.peers,
            tried: untried.then(|| x.attempts()),
            accept,
            request: &x.req,
            client: x.client(),
        }
    }

    fn select(&self, candidates: &Candidates<'_>) -> Option<Peer> {
        if self.peers.is_empty() {
            return None;
        }
        // An algorithm of a user's own may answer with what it was not offered: read that as none.
        let chosen = self.selector.select(candidates)?;
        self.peers.get(chosen).cloned()
    }
}
