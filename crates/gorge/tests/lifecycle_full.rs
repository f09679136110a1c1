//! With all places taken, connections that only wait make room for new ones, the oldest first.

mod common;

use std::net::SocketAddr;

use common::{GET, Setup, balancer, ok};
use gorge::prelude::*;
use gorge::protocols::ListenOptions;
use gorge::runtime;
use gorge::server::{Config, Running};
use gorge_test_util::{Gate, Origin, RawClient};

fn at_most(max_connections: usize, origin: SocketAddr) -> (Running, SocketAddr) {
    let setup = Setup::default();
    let proxy = setup.builder().upstream(balancer(&[origin], &setup)).build().unwrap();
    let runtime = runtime::Config { workers: 1, ..runtime::Config::default() };
    let mut server = Server::new(Config { runtime, max_connections, ..Config::default() });
    let any: Address = "127.0.0.1:0".parse().unwrap();
    let bound = server.listen(&any, &ListenOptions::default()).unwrap();
    (server.start(proxy).unwrap(), bound.to_string().parse().unwrap())
}

fn asked(addr: SocketAddr) -> RawClient {
    let mut client = RawClient::connect(addr);
    client.send(GET);
    assert_eq!(client.response().status, 200);
    client
}

#[test]
fn the_connection_that_waits_for_longest_makes_room() {
    let origin = Origin::answering(ok("hi"));
    let (running, addr) = at_most(3, origin.addr());
    let mut silent = RawClient::connect(addr);
    let mut oldest = asked(addr);
    let mut used = asked(addr);
    // All places are taken: that of the one that has not said a word goes first.
    let mut first = asked(addr);
    assert!(silent.is_closed());
    used.send(GET);
    assert_eq!(used.response().status, 200);
    let mut second = asked(addr);
    assert!(oldest.is_closed());
    for client in [&mut used, &mut first, &mut second] {
        client.send(GET);
        assert_eq!(client.response().status, 200);
    }
    assert_eq!(running.stats().shed, 2);
}

#[test]
fn connections_with_an_exchange_are_left_alone() {
    let gate = Gate::new("answers");
    let origin = {
        let gate = gate.clone();
        Origin::start(move |connection| {
            while connection.next_request().is_some() {
                gate.wait();
                connection.send(ok("hi"));
            }
        })
    };
    let (running, addr) = at_most(2, origin.addr());
    let mut busy = [RawClient::connect(addr), RawClient::connect(addr)];
    busy.iter_mut().for_each(|client| _ = client.send(GET));
    origin.wait_for_requests(2);
    let mut late = RawClient::connect(addr);
    late.send(GET);
    gate.open();
    for client in &mut busy {
        assert_eq!(client.response().status, 200);
    }
    assert_eq!(late.response().status, 200);
    assert!(running.stats().full > 0);
}
