//! Smooth weighted round robin.

use gorge_runtime::worker_id;
use gorge_upstream::Peer;

use crate::smooth::Smooth;
use crate::{Algorithm, Candidates, Selector};

/// Each peer in its turn, as often as its weight says and spread evenly: weights 5, 1 and 1 give
/// a a b a c a a.
///
/// Each worker keeps turns of its own, so that none waits for another. A selection costs the same
/// for any number of peers, unless the weights are large for it and have no common divisor: then it
/// takes a pass over all.
#[derive(Clone, Copy, Debug, Default)]
pub struct RoundRobin;

struct Prepared(Smooth);

impl Algorithm for RoundRobin {
    fn name(&self) -> &'static str {
        "round_robin"
    }

    fn prepare(&self, peers: &[Peer]) -> Box<dyn Selector> {
        let weights: Vec<_> = peers.iter().map(Peer::weight).collect();
        Box::new(Prepared(Smooth::new(&weights)))
    }
}

impl Selector for Prepared {
    fn select(&self, candidates: &Candidates<'_>) -> Option<usize> {
        self.0.next(worker_id(), |i| candidates.is_open(i))
    }
}
