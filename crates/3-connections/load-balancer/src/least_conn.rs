//! Fewest running attempts for the weight.

use std::sync::Arc;

use gorge_runtime::worker_id;
use gorge_upstream::{Peer, PeerStats};

use crate::smooth::Smooth;
use crate::{Algorithm, Candidates, Selector};

/// The peer with the fewest running attempts in proportion to its weight; of equals the one whose
/// turn it is by smooth weighted round robin.
///
/// The attempts of all workers count. They are read without a lock, one pass over the peers at
/// most; a peer with nothing to do ends the search.
#[derive(Clone, Copy, Debug, Default)]
pub struct LeastConn;

struct Prepared {
    turns: Smooth,
    /// What is compared of each peer, side by side, so that a pass over many touches little else.
    compared: Box<[Compared]>,
}

struct Compared {
    weight: u64,
    stats: Arc<PeerStats>,
}

impl Algorithm for LeastConn {
    fn name(&self) -> &'static str {
        "least_conn"
    }

    fn prepare(&self, peers: &[Peer]) -> Box<dyn Selector> {
        let weights: Vec<_> = peers.iter().map(Peer::weight).collect();
        let compared =
            peers.iter().map(|peer| Compared { weight: peer.weight(), stats: peer.shared_stats() });
        Box::new(Prepared { turns: Smooth::new(&weights), compared: compared.collect() })
    }
}

impl Selector for Prepared {
    fn select(&self, candidates: &Candidates<'_>) -> Option<usize> {
        let first = self.turns.next(worker_id(), |i| candidates.is_open(i))?;
        let mut best = (first, self.compared[first].load());
        // From the one whose turn it is and around, so that it wins among equals.
        for range in [first + 1..self.compared.len(), 0..first] {
            for (i, compared) in range.clone().zip(&self.compared[range]) {
                if best.1.active == 0 {
                    return Some(best.0);
                }
                let load = compared.load();
                if load.is_below(best.1) && candidates.is_open(i) {
                    best = (i, load);
                }
            }
        }
        Some(best.0)
    }
}

impl Compared {
    fn load(&self) -> Load {
        Load { active: self.stats.active(), weight: self.weight }
    }
}

/// Running attempts per weight, as a fraction.
#[derive(Clone, Copy)]
struct Load {
    active: u64,
    weight: u64,
}

impl Load {
    /// Compared by cross multiplication: exact, and no division.
    fn is_below(self, other: Self) -> bool {
        if self.weight == other.weight {
            return self.active < other.active;
        }
        u128::from(self.active) * u128::from(other.weight)
            < u128::from(other.active) * u128::from(self.weight)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn loads_compare_as_fractions() {
        let load = |active, weight| Load { active, weight };
        assert!(load(2, 3).is_below(load(1, 1)));
        assert!(!load(3, 3).is_below(load(1, 1)));
        assert!(load(0, 1).is_below(load(1, u64::MAX)));
        assert!(load(u64::MAX - 1, u64::MAX).is_below(load(u64::MAX, u64::MAX)));
    }
}
