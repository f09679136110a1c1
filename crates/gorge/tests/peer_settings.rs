//! What a peer says of itself: the host it is asked for, and how many idle connections are kept.

mod common;

use std::time::Duration;

use common::{GET, Setup, ok, run};
use gorge::pool::Options;
use gorge::prelude::*;
use gorge_test_util::Origin;

#[test]
fn a_peer_is_asked_for_the_host_it_is_given() {
    let origin = Origin::answering(ok("hi"));
    let peer = Peer::builder(Address::from(origin.addr())).host("app.internal:81").unwrap().build();
    let setup = Setup::default();
    let proxy = run(setup.builder().upstream(peer).build().unwrap(), &setup);
    assert_eq!(proxy.ask(GET).status, 200);
    let request = origin.only_request();
    assert_eq!(request.fields.all("Host"), ["app.internal:81"]);
    assert_eq!(request.fields.get("X-Forwarded-Host"), Some("example.org"));
    assert!(Peer::builder(Address::from(origin.addr())).host("a b").is_err());
}

#[test]
fn each_peer_keeps_as_many_connections_as_it_says() {
    let (kept, closed) = (Origin::answering(ok("hi")), Origin::answering(ok("hi")));
    let none = Options { max_idle: 0, ..Options::default() };
    let once = Options { max_uses: Some(2), idle: Duration::from_secs(9), ..Options::default() };
    let peers = [
        Peer::builder(Address::from(closed.addr())).pool(none).build(),
        Peer::builder(Address::from(kept.addr())).pool(once).build(),
    ];
    let setup = Setup::default();
    let proxy = run(setup.builder().upstream(LoadBalancer::round_robin(peers)).build().unwrap(), &setup);
    let mut client = proxy.client();
    for _ in 0..8 {
        client.send(GET);
        assert_eq!(client.response().status, 200);
    }
    assert_eq!((closed.connections(), kept.connections()), (4, 2));
}
