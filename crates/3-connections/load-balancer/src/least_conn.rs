//! Fewest running attempts for the weight.

use gorge_runtime::worker_id;
use gorge_upstream::Peer;

use crate::smooth::Smooth;
use crate::{Algorithm, Candidates, Selector};

/// The peer with the fewest running attempts in proportion to its weight; of equals the one whose
/// turn it is by smooth weighted round robin.
///
/// The attempts of all workers count. They are read without a lock, one pass over the peers at
/// most; a peer with nothing to do ends the search.
#[derive(Clone, Copy, Debug, Default)]
pub struct LeastConn;

struct Prepared(Smooth);

impl Algorithm for LeastConn {
    fn name(&self) -> &'static str {
        "least_conn"
    }

    fn prepare(&self, peers: &[Peer]) -> Box<dyn Selector> {
        let weights: Vec<_> = peers.iter().map(Peer::weight).collect();
        Box::new(Prepared(Smooth::new(&weights)))
    }
}

impl Selector for Prepared {
    fn select(&self, candidates: &Candidates<'_>) -> Option<usize> {
        let peers = candidates.peers();
        let first = self.0.next(worker_id(), |i| candidates.is_open(i))?;
        let mut best = (first, Load::of(&peers[first]));
        // From the one whose turn it is and around, so that it wins among equals.
        for i in (first + 1..peers.len()).chain(0..first) {
            if best.1.active == 0 {
                break;
            }
            let load = Load::of(&peers[i]);
            if load.is_below(best.1) && candidates.is_open(i) {
                best = (i, load);
            }
        }
        Some(best.0)
    }
}

/// Running attempts per weight, as a fraction.
#[derive(Clone, Copy)]
struct Load {
    active: u64,
    weight: u64,
}

impl Load {
    fn of(peer: &Peer) -> Self {
        Self { active: peer.stats().active(), weight: peer.weight() }
    }

    /// Compared by cross multiplication: exact, and no division.
    fn is_below(self, other: Self) -> bool {
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
