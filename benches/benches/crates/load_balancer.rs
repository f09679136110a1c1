//! `gorge-load-balancer` beside `pingora-load-balancing`, and a plain scan of counters.

use std::net::SocketAddr;
use std::sync::Arc;

use criterion::Criterion;
use gorge_benches::{OURS, Operation, Workers};
use gorge_filter::Exchange;
use gorge_load_balancer::LoadBalancer;
use gorge_upstream::Peer;
use pingora_load_balancing::LoadBalancer as Theirs;
use pingora_load_balancing::selection::RoundRobin;

pub(crate) fn bench(criterion: &mut Criterion) {
    for count in [10, 1000] {
        alone(criterion, count);
        for workers in [2, 8] {
            together(criterion, count, workers);
        }
    }
}

fn addresses(count: u16) -> impl Iterator<Item = SocketAddr> {
    (1..=count).map(|number| ([10, 0, (number >> 8) as u8, number as u8], 80).into())
}

fn peers(count: u16) -> Vec<Peer> {
    addresses(count).map(Peer::from).collect()
}

fn theirs(count: u16) -> Theirs<RoundRobin> {
    // The addresses are literal, so nothing is resolved.
    Theirs::try_from_iter(addresses(count)).expect("literal addresses")
}

fn alone(criterion: &mut Criterion, count: u16) {
    let exchange = Exchange::<()>::new();
    let (ours, theirs) = (LoadBalancer::round_robin(peers(count)), theirs(count));
    Operation::new(criterion, "load-balancer", &format!("round robin over {count} peers"))
        .row(OURS, || ours.choose(&exchange).is_ok())
        .row("pingora-load-balancing", || theirs.select(b"", 256).is_some());

    let peers = peers(count);
    let ours = LoadBalancer::least_conn(peers.clone());
    Operation::new(criterion, "load-balancer", &format!("least connections over {count} peers"))
        .row(OURS, || ours.choose(&exchange).is_ok())
        .row("scan of counters", || peers.iter().min_by_key(|peer| peer.stats().active()).cloned());
}

fn together(criterion: &mut Criterion, count: u16, workers: usize) {
    let name = format!("round robin over {count} peers, {workers} workers");
    let (ours, theirs) = (Arc::new(LoadBalancer::round_robin(peers(count))), Arc::new(theirs(count)));
    let workers = Workers::new(workers);
    Operation::new(criterion, "load-balancer", &name)
        .parallel(OURS, &workers, move |_| {
            let (ours, exchange) = (ours.clone(), Exchange::<()>::new());
            move || _ = std::hint::black_box(ours.choose(&exchange).is_ok())
        })
        .parallel("pingora-load-balancing", &workers, move |_| {
            let theirs = theirs.clone();
            move || _ = std::hint::black_box(theirs.select(b"", 256).is_some())
        });
}
