//! A selection allocates nothing.

use std::pin::pin;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use gorge_filter::{Attempt, Exchange, Progress};
use gorge_load_balancer::LoadBalancer;
use gorge_protocols::Address;
use gorge_test_util::AllocationCounter;
use gorge_upstream::{Peer, Upstream, Verdict};

#[global_allocator]
static ALLOCATOR: AllocationCounter = AllocationCounter::new();

fn peers(weights: impl IntoIterator<Item = u64>) -> Vec<Peer> {
    let build = |(i, weight)| {
        let address = format!("127.0.0.1:{}", 1000 + i).parse::<Address>().unwrap();
        Peer::builder(address).weight(weight).max_connections(50).build()
    };
    weights.into_iter().enumerate().map(build).collect()
}

/// One exchange of two attempts, as a driver makes them.
fn exchange(balancer: &LoadBalancer, x: &mut Exchange) {
    x.clear();
    Upstream::retries(balancer, x).begin_exchange();
    for verdict in [Verdict::Failure, Verdict::Success] {
        let mut cx = Context::from_waker(Waker::noop());
        let Poll::Ready(Ok(peer)) = pin!(balancer.select(x)).poll(&mut cx) else { panic!("no peer") };
        let address = peer.digest_address().clone();
        let attempt =
            Attempt { peer: peer.id(), address, reused: false, progress: Progress::Nothing, failure: None };
        x.facts.attempts.push(attempt);
        x.facts.attempts.set_replayable(true);
        let running = peer.begin();
        assert!(balancer.has_another(x));
        running.end(verdict, Duration::from_millis(1));
    }
}

#[test]
fn a_selection_allocates_nothing() {
    let balancers = [
        LoadBalancer::round_robin(peers([5, 1, 1])),
        LoadBalancer::round_robin(peers([u64::MAX, 1, u64::MAX - 1])),
        LoadBalancer::round_robin(peers(vec![1; 1000])),
        LoadBalancer::least_conn(peers([5, 1, 1])),
        LoadBalancer::least_conn(peers(vec![1; 1000])),
    ];
    let mut x = Exchange::new();
    for balancer in &balancers {
        exchange(balancer, &mut x);
        let rounds = || (0..100).for_each(|_| exchange(balancer, &mut x));
        assert_eq!(ALLOCATOR.of_thread(rounds).0, 0, "{balancer:?}");
    }
}
