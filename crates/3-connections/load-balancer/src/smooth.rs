//! Smooth weighted turns: each peer comes up as often as its weight says, spread as evenly as that
//! allows. The one piece that round robin and least connections share. Sans-IO.
//!
//! In each turn every peer gains its weight, and the one that has gained most pays the weights of
//! all. That takes a pass over the peers per turn; but the turns repeat after as many as the weights
//! sum up to, so that they are worked out beforehand where that cycle is short. A peer that is
//! closed is then left out of the cycle, which keeps the shares of the others exact.

use std::sync::LazyLock;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use gorge_runtime::PerWorker;
use parking_lot::Mutex;

/// A cycle this short is always worked out beforehand, ...
const SHORT: u128 = 1024;

/// ... a longer one up to so many turns per peer, ...
const TURNS_PER_PEER: u128 = 16;

/// ... and never if it took more than so many steps, some milliseconds.
const STEPS: u128 = 1 << 22;

/// Workers to make state for; a balancer is often made before they are. Those of higher numbers
/// share it, which is safe and only costs time.
static WORKERS: LazyLock<usize> =
    LazyLock::new(|| thread::available_parallelism().map_or(1, usize::from).clamp(1, 64));

/// Whose turn it is, for each worker by itself.
pub(crate) struct Smooth(Turns);

enum Turns {
    /// All turns of a cycle, and how many each worker has used.
    Cycle { cycle: Box<[u32]>, used: PerWorker<AtomicUsize>, peers: usize },
    /// What each worker's peers have gained so far; empty before its first turn.
    Running { weights: Box<[u64]>, gained: PerWorker<Mutex<Vec<i128>>> },
}

impl Smooth {
    /// Turns for peers of these weights. A weight of 0 gets none.
    pub(crate) fn new(weights: &[u64]) -> Self {
        Self(match cycle(weights) {
            // Each worker begins elsewhere, lest all of them start with the same peer.
            Some(cycle) => {
                let start = |worker| AtomicUsize::new(worker * cycle.len() / *WORKERS);
                let used = PerWorker::new(*WORKERS, start);
                Turns::Cycle { cycle, used, peers: weights.len() }
            }
            None => Turns::Running { weights: weights.into(), gained: nothing_gained() },
        })
    }

    /// The peer whose turn it is on this worker, among the open ones.
    pub(crate) fn next(&self, worker: usize, open: impl Fn(usize) -> bool) -> Option<usize> {
        match &self.0 {
            Turns::Cycle { cycle, used, peers } => next_of(cycle, used.get(worker), *peers, open),
            Turns::Running { weights, gained } => {
                let mut gained = gained.get(worker).lock();
                gained.resize(weights.len(), 0);
                step(weights, &mut gained, open)
            }
        }
    }
}

fn nothing_gained() -> PerWorker<Mutex<Vec<i128>>> {
    PerWorker::new(*WORKERS, |_| Mutex::default())
}

/// Uses up turns until one is an open peer's.
fn next_of(cycle: &[u32], used: &AtomicUsize, peers: usize, open: impl Fn(usize) -> bool) -> Option<usize> {
    // Atomic only because threads outside of workers share a place.
    let start = used.fetch_add(1, Ordering::Relaxed);
    for skipped in 0..cycle.len() {
        let peer = cycle[start.wrapping_add(skipped) % cycle.len()] as usize;
        if open(peer) {
            if skipped > 0 {
                used.fetch_add(skipped, Ordering::Relaxed);
            }
            return Some(peer);
        }
        // Maybe there is none: find out without walking a long cycle to its end.
        if skipped == peers && !(0..peers).any(&open) {
            return None;
        }
    }
    None
}

/// One turn: the open peers gain their weights, the one that has most pays what all gained. Of
/// equals the first one wins.
fn step(weights: &[u64], gained: &mut [i128], open: impl Fn(usize) -> bool) -> Option<usize> {
    let (mut best, mut total) = (None, 0);
    for (i, weight) in weights.iter().enumerate().filter(|(i, weight)| **weight > 0 && open(*i)) {
        gained[i] += i128::from(*weight);
        total += i128::from(*weight);
        if best.is_none_or(|best: usize| gained[i] > gained[best]) {
            best = Some(i);
        }
    }
    gained[best?] -= total;
    best
}

/// All turns up to where they repeat; `None` if there are too many, or none at all.
fn cycle(weights: &[u64]) -> Option<Box<[u32]>> {
    let divisor = weights.iter().fold(0, |a, b| gcd(a, *b)).max(1);
    let weights: Vec<u64> = weights.iter().map(|weight| weight / divisor).collect();
    let length: u128 = weights.iter().map(|weight| u128::from(*weight)).sum();
    let peers = weights.len() as u128;
    if length == 0 || length > SHORT.max(TURNS_PER_PEER * peers) || length * peers > STEPS {
        return None;
    }
    let mut gained = vec![0; weights.len()];
    // Each step finds a peer, for all are open and a weight is above 0; indices fit, there are
    // fewer peers than steps.
    (0..length).map(|_| step(&weights, &mut gained, |_| true).map(|peer| peer as u32)).collect()
}

fn gcd(mut a: u64, mut b: u64) -> u64 {
    while b != 0 {
        (a, b) = (b, a % b);
    }
    a
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn turns(weights: &[u64], n: usize) -> Vec<usize> {
        let smooth = Smooth::new(weights);
        (0..n).map(|_| smooth.next(0, |_| true).unwrap()).collect()
    }

    fn running(weights: &[u64]) -> Smooth {
        Smooth(Turns::Running { weights: weights.into(), gained: nothing_gained() })
    }

    fn counts(turns: impl IntoIterator<Item = usize>, peers: usize) -> Vec<u64> {
        let mut counts = vec![0; peers];
        turns.into_iter().for_each(|peer| counts[peer] += 1);
        counts
    }

    #[test]
    fn five_one_one_is_spread_smoothly() {
        let names: String = turns(&[5, 1, 1], 7).into_iter().map(|i| ['a', 'b', 'c'][i]).collect();
        assert_eq!(names, "aabacaa");
    }

    #[test]
    fn equal_weights_take_turns() {
        assert_eq!(turns(&[3, 3, 3], 6), [0, 1, 2, 0, 1, 2]);
    }

    #[test]
    fn a_closed_peer_leaves_the_shares_of_the_others_exact() {
        let smooth = Smooth::new(&[5, 1, 1]);
        let turns: Vec<_> = (0..60).map(|_| smooth.next(0, |i| i != 1).unwrap()).collect();
        assert_eq!(counts(turns, 3), [50, 0, 10]);
        let even = Smooth::new(&[1, 1, 1, 1]);
        let turns: Vec<_> = (0..6).map(|_| even.next(0, |i| i != 1).unwrap()).collect();
        assert_eq!(turns, [0, 2, 3, 0, 2, 3]);
    }

    #[test]
    fn none_is_found_where_none_is_open() {
        for weights in [&[][..], &[0], &[0, 0], &[1], &[1000, 24], &[u64::MAX, 1]] {
            assert_eq!(Smooth::new(weights).next(0, |_| false), None, "{weights:?}");
        }
        assert_eq!(Smooth::new(&[0, 0]).next(0, |_| true), None);
    }

    #[test]
    fn huge_weights_neither_overflow_nor_take_memory() {
        let smooth = Smooth::new(&[u64::MAX, u64::MAX - 1, 1]);
        assert!(matches!(smooth.0, Turns::Running { .. }));
        let turns = (0..1000).map(|_| smooth.next(0, |_| true).unwrap());
        assert_eq!(counts(turns, 3), [500, 500, 0]);
        assert_eq!(turns_len(&[u64::MAX, u64::MAX]), 2);
    }

    fn turns_len(weights: &[u64]) -> usize {
        cycle(weights).unwrap().len()
    }

    #[test]
    fn workers_begin_at_different_places_and_do_not_disturb_each_other() {
        let smooth = Smooth::new(&[1, 1, 1]);
        assert_eq!(smooth.next(0, |_| true), Some(0));
        for worker in 0..200 {
            assert!(smooth.next(worker, |_| true).is_some());
        }
    }

    proptest! {
        #[test]
        fn a_cycle_gives_each_peer_exactly_its_weight(weights in prop::collection::vec(0..40_u64, 1..20)) {
            let total: u64 = weights.iter().sum();
            prop_assume!(total > 0);
            prop_assert_eq!(&counts(turns(&weights, total as usize), weights.len()), &weights);
        }

        #[test]
        fn no_peer_is_ever_more_than_a_turn_ahead_of_its_share(weights in prop::collection::vec(1..40_u64, 1..10)) {
            let total: u64 = weights.iter().sum();
            let mut seen = vec![0; weights.len()];
            for (n, peer) in turns(&weights, total as usize).into_iter().enumerate() {
                seen[peer] += 1;
                let due = (n as u64 + 1) as f64 * weights[peer] as f64 / total as f64;
                prop_assert!(f64::from(seen[peer]) < due + 1.0, "peer {} at turn {}", peer, n);
            }
        }

        #[test]
        fn worked_out_beforehand_or_not_the_turns_are_the_same(weights in prop::collection::vec(1..40_u64, 1..10)) {
            let (cycle, running) = (Smooth::new(&weights), running(&weights));
            for _ in 0..500 {
                prop_assert_eq!(cycle.next(0, |_| true), running.next(0, |_| true));
            }
        }

        #[test]
        fn shares_stay_exact_with_any_peers_closed(weights in prop::collection::vec(1..20_u64, 2..10), closed in any::<u16>()) {
            let open = |i: usize| closed >> i & 1 == 0;
            let expected: Vec<_> = weights.iter().enumerate().map(|(i, w)| if open(i) { *w } else { 0 }).collect();
            let total: u64 = expected.iter().sum();
            prop_assume!(total > 0);
            let divisor = weights.iter().fold(0, |a, b| gcd(a, *b));
            let smooth = Smooth::new(&weights);
            let turns = (0..total / divisor).map(|_| smooth.next(0, open).unwrap());
            let expected: Vec<_> = expected.iter().map(|w| w / divisor).collect();
            prop_assert_eq!(counts(turns, weights.len()), expected);
        }
    }
}
