//! How TLS connections end: with a word (close_notify) or without one, and what that means where.
#![cfg(feature = "openssl")]

mod common;

use common::tls::{Ends, Relay, TlsOrigin, TlsProxy, peer, proxy};
use common::{GET, Setup, ok, proxy_to};
use gorge::error::Kind;
use gorge::pool::Reason;
use gorge::prelude::*;
use gorge::tls::ServerOptions;
use gorge_test_util::{Gate, Origin, RawClient};
use std::net::SocketAddr;
use std::time::Duration;

/// A proxy over TLS before an origin in the clear.
fn before(origin: SocketAddr, setup: &Setup) -> TlsProxy {
    let peer = Peer::new(Address::from(origin));
    proxy(setup.builder().upstream(peer).build().unwrap(), ServerOptions::default())
}

/// A proxy in the clear before an origin over TLS that ends in this way.
fn behind(origin: Origin, ends: Ends) -> (common::RunningProxy, TlsOrigin) {
    let origin = TlsOrigin::of(origin, ServerOptions::default(), ends);
    let setup = Setup::default();
    let proxy = setup.builder().upstream(peer(origin.addr()).build()).build().unwrap();
    (common::run(proxy, &setup), origin)
}

#[test]
fn exchanges_follow_each_other_on_one_connection() {
    let origin = Origin::answering(ok("hi"));
    let proxy = before(origin.addr(), &Setup::default());
    let relay = proxy.relay(Ends::Said);
    let mut client = relay.client();
    for _ in 0..3 {
        client.send(GET);
        assert_eq!(client.response().body, b"hi");
    }
    client.finish();
    assert!(client.is_closed());
    assert_eq!(relay.end(0), Ok(()), "the proxy says its end too");
    assert_eq!(proxy.proxy.stats().connections, 1);
}

#[test]
fn a_client_that_leaves_between_two_requests_without_a_word_does_nothing_wrong() {
    let origin = Origin::answering(ok("hi"));
    let proxy = before(origin.addr(), &Setup::default());
    let relay = proxy.relay(Ends::Cut);
    let mut silent = relay.client();
    silent.finish();
    assert!(silent.is_closed());
    let mut client = relay.client();
    client.send(GET);
    assert_eq!(client.response().status, 200);
    client.finish();
    proxy.wait_for("both to be closed", |proxy| {
        let stats = proxy.proxy.stats();
        (stats.connections, stats.open) == (2, 0)
    });
    let stats = proxy.proxy.stats();
    assert_eq!(stats.exchanges, 1);
    assert!(Kind::ALL.into_iter().all(|kind| stats.errors(kind) == 0));
}

#[test]
fn a_client_that_leaves_inside_a_request_without_a_word_has_broken_off() {
    for (part, kind) in [
        ("GET / HTTP/1.1\r\nHost:", Kind::ClosedEarly),
        ("POST / HTTP/1.1\r\nHost: a.example\r\nContent-Length: 9\r\n\r\nhalf", Kind::ClosedEarly),
        (
            "POST / HTTP/1.1\r\nHost: a.example\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf",
            Kind::ClosedEarly,
        ),
    ] {
        let origin = Origin::answering(ok("hi"));
        let proxy = before(origin.addr(), &Setup::default());
        let relay = proxy.relay(Ends::Cut);
        let mut client = relay.client();
        client.send(part);
        client.finish();
        proxy.wait_for("the end of the exchange", |proxy| proxy.proxy.stats().exchanges == 1);
        assert_eq!(proxy.errors(kind), 1, "{part}");
        assert!(origin.requests().iter().all(|request| !request.complete), "{part}");
    }
}

#[test]
fn a_client_that_leaves_while_it_waits_is_noticed() {
    for ends in [Ends::Cut, Ends::Said] {
        let origin = Origin::silent();
        let proxy = before(origin.addr(), &Setup::default());
        let relay = proxy.relay(ends);
        let mut client = relay.client();
        client.send(GET);
        origin.wait_for_text("GET /");
        client.finish();
        origin.wait_for_ends(1);
        proxy.wait_for("the end of the exchange", |proxy| proxy.proxy.stats().exchanges == 1);
        assert_eq!(proxy.errors(Kind::ClosedEarly), 1, "{ends:?}");
    }
}

#[test]
fn the_proxy_says_the_end_of_each_connection() {
    let origin = Origin::answering(ok("hi"));
    let short = Some(Duration::from_millis(50));
    let proxy = before(origin.addr(), &Setup { keep_alive: short, head: short, ..Setup::default() });
    let relay = proxy.relay(Ends::Said);
    let told = |request: &str, number| {
        let mut client = relay.client();
        client.send(request);
        assert_eq!(client.response().body, b"hi", "{request}");
        assert!(client.is_closed());
        client.finish();
        assert_eq!(relay.end(number), Ok(()), "{request}");
    };
    told("GET / HTTP/1.1\r\nHost: a.example\r\nConnection: close\r\n\r\n", 0);
    told("GET / HTTP/1.0\r\nHost: a.example\r\n\r\n", 1);
    told(GET, 2);
    let mut silent = relay.client();
    assert!(silent.is_closed());
    silent.finish();
    assert_eq!(relay.end(3), Ok(()), "one that said nothing");
}

/// Sends this, and ends it once somebody has seen it: what nobody has seen yet can still be taken back.
fn in_two_steps(first: &'static str, last: &'static str, seen: &Gate) -> Origin {
    let seen = seen.clone();
    Origin::start(move |connection| {
        connection.request();
        connection.send(first);
        seen.wait();
        connection.send(last);
        connection.close();
    })
}

#[test]
fn a_body_that_only_the_end_ends_is_whole_only_with_a_word() {
    // To a client of HTTP/1.0 a chunked response goes on until the close.
    let chunked = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n";
    for (last, whole) in [("0\r\n\r\n", true), ("", false)] {
        let seen = Gate::new("the first bytes to arrive");
        let origin = in_two_steps(chunked, last, &seen);
        let proxy = before(origin.addr(), &Setup::default());
        let relay = proxy.relay(Ends::Said);
        let mut client = relay.client();
        client.send("GET / HTTP/1.0\r\nHost: a.example\r\n\r\n");
        assert_eq!(client.head().status, 200);
        assert_eq!(client.exactly(3), b"abc");
        seen.open();
        client.rest();
        client.finish();
        assert_eq!(relay.end(0).is_ok(), whole, "{:?}", relay.end(0));
    }
}

#[test]
fn a_response_of_an_upstream_that_only_the_end_ends_is_an_error_if_it_is_cut() {
    for ends in [Ends::Said, Ends::Cut] {
        let seen = Gate::new("the first bytes to arrive");
        let (proxy, _origin) = behind(in_two_steps("HTTP/1.1 200 OK\r\n\r\nabc", "", &seen), ends);
        let mut client = proxy.client();
        client.send(GET);
        assert_eq!(client.head().status, 200);
        assert_eq!(client.exactly(8), b"3\r\nabc\r\n");
        seen.open();
        let last: &[u8] = if ends == Ends::Said { b"0\r\n\r\n" } else { b"" };
        assert_eq!(client.exactly(5), last, "{ends:?}");
        proxy.wait_for("the end of the exchange", |proxy| proxy.stats().exchanges == 1);
        assert_eq!(proxy.errors("closed_early"), u64::from(ends == Ends::Cut), "{ends:?}");
    }
}

#[test]
fn an_upstream_that_is_cut_before_its_answer_gets_502() {
    let gone = Origin::start(|connection| {
        connection.request();
        connection.close();
    });
    let (proxy, _origin) = behind(gone, Ends::Cut);
    let answer = proxy.ask("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n");
    assert_eq!(answer.status, 502);
    assert_eq!(proxy.errors("closed_early"), 1);
}

#[test]
fn an_idle_connection_that_its_upstream_closes_goes_from_the_pool_in_either_way() {
    for ends in [Ends::Said, Ends::Cut] {
        let once = Origin::answering_once(ok("hi"));
        let (proxy, origin) = behind(once, ends);
        for _ in 0..3 {
            assert_eq!(proxy.ask(GET).body, b"hi");
            proxy.wait_for("the pool to hear of it", |proxy| proxy.idle_upstream() == 0);
        }
        assert_eq!(origin.origin.connections(), 3, "{ends:?}");
        // The end may come before somebody watches.
        let ended = |proxy: &common::RunningProxy| {
            let stats = proxy.proxy().pool_stats();
            stats.closed(Reason::Ended) + stats.closed(Reason::Refused)
        };
        proxy.wait_for("all to be counted", |proxy| ended(proxy) == 3);
        assert!(Kind::ALL.into_iter().all(|kind| proxy.stats().errors(kind) == 0), "{ends:?}");
    }
}

#[test]
fn large_bodies_pass_both_ways_to_their_last_byte() {
    let body: Vec<u8> = (0..5_000_000_u32).map(|n| (n % 251) as u8).collect();
    let echo = Origin::start(|connection| {
        let request = connection.request();
        connection.send(format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", request.body.len()));
        connection.send(&request.body);
    });
    let origin = TlsOrigin::of(echo, ServerOptions::default(), Ends::Said);
    let setup = Setup::default();
    let proxy = setup.builder().upstream(peer(origin.addr()).build()).build().unwrap();
    let proxy = common::tls::proxy(proxy, ServerOptions::default());
    let relay = proxy.relay(Ends::Said);
    let mut client = relay.client();
    client.send(format!("POST / HTTP/1.1\r\nHost: a.example\r\nContent-Length: {}\r\n\r\n", body.len()));
    let sent = body.clone();
    let sender = std::thread::spawn(move || {
        client.send(sent);
        client
    });
    let mut client = sender.join().unwrap();
    let response = client.response();
    assert!(response.complete && response.body == body);
}

/// A tunnel through `proxy` to an origin that answers each line and, after the end of the other side, says
/// `bye`.
fn upgrade(client: &mut RawClient) {
    client.send("GET / HTTP/1.1\r\nHost: a.example\r\nConnection: upgrade\r\nUpgrade: talk\r\n\r\n");
    assert_eq!(client.head().status, 101);
}

fn talker() -> Origin {
    Origin::start(|connection| {
        connection.head();
        connection.send("HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: talk\r\n\r\n");
        let heard = connection.rest();
        if !connection.was_reset() {
            connection.send(format!("{} bytes, bye", heard.len()));
        }
        connection.close();
    })
}

#[test]
fn half_of_a_tunnel_ends_and_the_other_half_goes_on() {
    let origin = TlsOrigin::of(talker(), ServerOptions::default(), Ends::Said);
    let setup = Setup::default();
    let proxy = setup.builder().upstream(peer(origin.addr()).build()).build().unwrap();
    let proxy = common::tls::proxy(proxy, ServerOptions::default());
    let relay = proxy.relay(Ends::Said);
    let mut client = relay.client();
    upgrade(&mut client);
    client.send(vec![b'x'; 300_000]);
    client.finish();
    assert_eq!(client.rest(), b"300000 bytes, bye");
    assert_eq!(relay.end(0), Ok(()));
    proxy.wait_for("the end of the exchange", |proxy| proxy.proxy.stats().exchanges == 1);
    assert!(Kind::ALL.into_iter().all(|kind| proxy.errors(kind) == 0));
}

#[test]
fn a_tunnel_that_is_cut_has_no_clean_end_on_its_other_side() {
    // By the client: the origin must not take what came for all.
    let origin = talker();
    let proxy = before(origin.addr(), &Setup::default());
    let relay = proxy.relay(Ends::Cut);
    let mut client = relay.client();
    upgrade(&mut client);
    client.send("half");
    origin.wait_for_text("half");
    client.finish();
    proxy.wait_for("the end of the exchange", |proxy| proxy.proxy.stats().exchanges == 1);
    assert_eq!(proxy.errors(Kind::ClosedEarly), 1);
    // By the origin: nor must the client.
    let (proxy, _origin) = behind(talker(), Ends::Cut);
    let mut client = proxy.client();
    upgrade(&mut client);
    client.send("all");
    client.finish();
    client.rest();
    assert!(client.was_reset());
    assert_eq!(proxy.errors("closed_early"), 1);
}

#[test]
fn tunnels_by_connect_lead_through_tls() {
    let origin = Origin::answering(ok("inside"));
    let clear = proxy_to(&[origin.addr()]);
    let tunnels = gorge::proxy::Tunnels::new(gorge::protocols::ConnectPolicy {
        ports: vec![clear.addr().port()],
        private: true,
        ..gorge::protocols::ConnectPolicy::on()
    });
    let setup = Setup::default();
    let never = Peer::new(Address::from(origin.addr()));
    let proxy = setup.builder().tunnels(tunnels).upstream(never).build().unwrap();
    let proxy = common::tls::proxy(proxy, ServerOptions::default());
    let relay: Relay = proxy.relay(Ends::Said);
    let mut client = relay.client();
    client.send(format!("CONNECT {0} HTTP/1.1\r\nHost: {0}\r\n\r\n", clear.addr()));
    assert_eq!(client.head().status, 200);
    client.send(GET);
    assert_eq!(client.response().body, b"inside");
}
