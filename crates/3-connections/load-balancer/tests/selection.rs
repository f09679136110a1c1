//! Whom a balancer picks, and whom it does not.

use std::collections::BTreeMap;
use std::sync::Arc;

use gorge_error::Kind;
use gorge_filter::{Attempt, Exchange, Progress, Retry};
use gorge_http::Status;
use gorge_load_balancer::{Algorithm, Candidates, LoadBalancer, Selector};
use gorge_protocols::Address;
use gorge_upstream::{Peer, PeerBuilder, State, Upstream};

fn builder(port: u16) -> PeerBuilder {
    Peer::builder(format!("127.0.0.1:{port}").parse::<Address>().unwrap())
}

fn peers(weights: &[u64]) -> Vec<Peer> {
    (1..).zip(weights).map(|(port, weight)| builder(port).weight(*weight).build()).collect()
}

/// Peers are numbered by their port.
fn number(peer: &Peer) -> u16 {
    match peer.address() {
        Address::Ip(address) => address.port(),
        other => panic!("{other}"),
    }
}

fn choose(balancer: &LoadBalancer, x: &Exchange) -> u16 {
    number(&balancer.choose(x).unwrap())
}

fn counts(balancer: &LoadBalancer, n: usize) -> BTreeMap<u16, usize> {
    let x = Exchange::new();
    let mut counts = BTreeMap::new();
    for _ in 0..n {
        *counts.entry(choose(balancer, &x)).or_default() += 1;
    }
    counts
}

fn tried(x: &mut Exchange, peer: &Peer) {
    let address = peer.digest_address().clone();
    let attempt =
        Attempt { peer: peer.id(), address, reused: false, progress: Progress::Nothing, failure: None };
    x.facts.attempts.push(attempt);
    x.facts.attempts.set_replayable(true);
}

fn both(peers: &[Peer]) -> [LoadBalancer; 2] {
    [LoadBalancer::round_robin(peers.to_vec()), LoadBalancer::least_conn(peers.to_vec())]
}

#[test]
fn balancers_are_upstreams_for_any_context() {
    fn upstream<C: Send + 'static>(_: &impl Upstream<C>) {}
    let balancer = Arc::new(LoadBalancer::round_robin(peers(&[1])));
    upstream::<()>(&balancer);
    upstream::<String>(&balancer);
}

#[test]
fn round_robin_spreads_five_one_one_smoothly() {
    let balancer = LoadBalancer::round_robin(peers(&[5, 1, 1]));
    let x = Exchange::new();
    let picked: Vec<_> = (0..14).map(|_| choose(&balancer, &x)).collect();
    assert_eq!(picked, [1, 1, 2, 1, 3, 1, 1, 1, 1, 2, 1, 3, 1, 1]);
}

#[test]
fn least_conn_prefers_the_least_loaded_for_its_weight() {
    let peers = peers(&[1, 1, 4]);
    let balancer = LoadBalancer::least_conn(peers.clone());
    let x = Exchange::new();
    let running: Vec<_> = (0..12).map(|_| balancer.choose(&x).unwrap().begin()).collect();
    let active: Vec<_> = peers.iter().map(|peer| peer.stats().active()).collect();
    assert_eq!(active, [2, 2, 8]);
    drop(running);
    let _busy = [peers[0].clone().begin(), peers[2].clone().begin()];
    for _ in 0..5 {
        assert_eq!(choose(&balancer, &x), 2);
    }
}

#[test]
fn least_conn_without_load_gives_turns_by_weight() {
    assert_eq!(
        counts(&LoadBalancer::least_conn(peers(&[3, 1, 2])), 60),
        BTreeMap::from([(1, 30), (2, 10), (3, 20)])
    );
}

#[test]
fn peers_tried_come_last() {
    let peers = peers(&[5, 1, 1]);
    for balancer in both(&peers) {
        let mut x = Exchange::new();
        let mut seen = vec![];
        for _ in 0..3 {
            let peer = balancer.choose(&x).unwrap();
            seen.push(number(&peer));
            tried(&mut x, &peer);
        }
        seen.sort_unstable();
        assert_eq!(seen, [1, 2, 3], "{balancer:?}");
        assert!(balancer.choose(&x).is_ok(), "all were tried, so any will do");
    }
}

#[test]
fn disabled_drained_and_weightless_peers_are_left_out() {
    let peers = peers(&[1, 1, 1, 0]);
    peers[0].set_state(State::Draining);
    peers[2].set_state(State::Disabled);
    for balancer in both(&peers) {
        assert_eq!(counts(&balancer, 10), BTreeMap::from([(2, 10)]));
    }
    peers[0].set_state(State::Enabled);
    for balancer in both(&peers) {
        assert_eq!(counts(&balancer, 10), BTreeMap::from([(1, 5), (2, 5)]));
    }
}

#[test]
fn full_peers_are_left_out_until_an_attempt_ends() {
    let peers = [builder(1).max_connections(1).build(), builder(2).max_connections(2).build()];
    for balancer in both(&peers) {
        let x = Exchange::<()>::new();
        let running: Vec<_> = (0..3).map(|_| balancer.choose(&x).unwrap().begin()).collect();
        assert_eq!((peers[0].stats().active(), peers[1].stats().active()), (1, 2));
        assert_eq!(balancer.choose(&x).unwrap_err().kind(), Kind::NoPeer);
        drop(running);
        assert!(balancer.choose(&x).is_ok());
    }
}

#[test]
fn backups_stand_in_when_no_other_peer_is_left() {
    let peers = [builder(1).build(), builder(2).backup(true).build(), builder(3).backup(true).build()];
    for balancer in both(&peers) {
        assert_eq!(counts(&balancer, 4), BTreeMap::from([(1, 4)]));
        let mut x = Exchange::new();
        tried(&mut x, &peers[0]);
        assert!([2, 3].contains(&choose(&balancer, &x)), "an untried backup goes before a tried peer");
        tried(&mut x, &peers[1]);
        tried(&mut x, &peers[2]);
        assert_eq!(choose(&balancer, &x), 1);
        peers[0].set_state(State::Disabled);
        assert_eq!(counts(&balancer, 4), BTreeMap::from([(2, 2), (3, 2)]));
        peers[0].set_state(State::Enabled);
    }
}

#[test]
fn the_caller_may_refuse_peers() {
    for balancer in both(&peers(&[5, 1, 1])) {
        let x = Exchange::<()>::new();
        for _ in 0..10 {
            assert_eq!(number(&balancer.choose_where(&x, |peer| number(peer) == 3).unwrap()), 3);
        }
        assert_eq!(balancer.choose_where(&x, |_| false).unwrap_err().status(), 503);
    }
}

#[test]
fn nobody_to_ask_is_503() {
    for balancer in [LoadBalancer::round_robin([]), LoadBalancer::least_conn(peers(&[0, 0]))] {
        let error = balancer.choose(&Exchange::<()>::new()).unwrap_err();
        assert_eq!((error.kind(), error.status()), (Kind::NoPeer, 503));
    }
}

#[test]
fn retries_go_elsewhere_while_there_is_somewhere_to_go() {
    let peers = peers(&[1, 1]);
    let balancer = LoadBalancer::round_robin(peers.clone());
    let mut x = Exchange::<()>::new();
    tried(&mut x, &peers[0]);
    assert_eq!(balancer.on_status(&x, Status::BAD_GATEWAY), Retry::Elsewhere);
    assert_eq!(
        balancer.on_failure(&x, &Kind::ConnectRefused.into()),
        Retry::Again(std::time::Duration::ZERO)
    );
    tried(&mut x, &peers[1]);
    assert_eq!(balancer.on_status(&x, Status::BAD_GATEWAY), Retry::GiveUp);
    assert!(matches!(balancer.on_failure(&x, &Kind::ConnectRefused.into()), Retry::Again(_)));
}

#[test]
fn a_new_set_keeps_the_state_of_peers_that_stay() {
    let old = peers(&[1, 1, 1]);
    let balancer = LoadBalancer::round_robin(old.clone());
    let running = old[0].clone().begin();
    old[1].set_state(State::Draining);
    let new =
        [builder(2).weight(7).build(), builder(1).weight(5).build(), builder(9).build(), old[2].clone()];
    balancer.set_peers(new.clone());
    let now = balancer.peers();
    assert_eq!((now[0].id(), now[0].weight(), now[0].state()), (old[1].id(), 7, State::Draining));
    assert_eq!((now[1].id(), now[1].weight(), now[1].stats().active()), (old[0].id(), 5, 1));
    assert_eq!(now[2].id(), new[2].id());
    assert_eq!(now[3].id(), old[2].id());
    drop(running);
    assert_eq!(now[1].stats().active(), 0, "an attempt begun before ends after");
    assert_eq!(counts(&balancer, 7), BTreeMap::from([(1, 5), (3, 1), (9, 1)]));
    balancer.set_peers([]);
    assert!(balancer.choose(&Exchange::<()>::new()).is_err());
}

#[test]
fn twins_at_one_address_are_paired_in_order() {
    let old = [builder(1).build(), builder(1).build()];
    let balancer = LoadBalancer::round_robin(old.clone());
    balancer.set_peers([builder(1).build(), builder(1).build(), builder(1).build()]);
    let now = balancer.peers();
    assert_eq!((now[0].id(), now[1].id()), (old[0].id(), old[1].id()));
    assert!(now[2].id() != old[0].id() && now[2].id() != old[1].id());
}

#[test]
fn a_set_may_be_replaced_while_others_select() {
    let balancer = LoadBalancer::least_conn(peers(&[1, 2, 3]));
    std::thread::scope(|scope| {
        let select = || {
            let x = Exchange::<()>::new();
            for _ in 0..2000 {
                drop(balancer.choose(&x).unwrap().begin());
            }
        };
        scope.spawn(select);
        scope.spawn(select);
        for n in 1..50 {
            balancer.set_peers(peers(&vec![1; n % 5 + 1]));
        }
    });
    assert!(balancer.peers().iter().all(|peer| peer.stats().active() == 0));
}

#[test]
fn an_algorithm_of_ones_own_reads_the_request() {
    /// By the length of the path, whatever that is good for.
    struct PathLength;
    struct Prepared;
    impl Algorithm for PathLength {
        fn name(&self) -> &'static str {
            "path_length"
        }
        fn prepare(&self, _: &[Peer]) -> Box<dyn Selector> {
            Box::new(Prepared)
        }
    }
    impl Selector for Prepared {
        fn select(&self, candidates: &Candidates<'_>) -> Option<usize> {
            // Out of range for long paths, which must not hurt.
            Some(candidates.request().uri.path().len())
        }
    }
    let balancer = LoadBalancer::new(PathLength, peers(&[1, 1, 1]));
    let mut x = Exchange::<()>::new();
    x.req.uri = gorge_http::Uri::parse(&gorge_http::Method::GET, "/".into()).unwrap();
    assert_eq!(choose(&balancer, &x), 2);
    x.req.uri = gorge_http::Uri::parse(&gorge_http::Method::GET, "/far/too/long".into()).unwrap();
    assert!(balancer.choose(&x).is_err());
}
