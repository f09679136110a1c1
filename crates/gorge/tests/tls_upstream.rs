//! Upstreams over TLS: which connections serve whom, and what is made of each failure.
#![cfg(feature = "openssl")]

mod common;

use std::net::{SocketAddr, TcpListener};
use std::time::Duration;

use common::tls::{AUTHORITY, Ends, NAMES, Relay, TlsOrigin, certificate, connector, endpoint, peer};
use common::{GET, RunningProxy, Setup, ok};
use gorge::prelude::*;
use gorge::protocols::ConnectOptions;
use gorge::tls::{Acceptor, Certificates, ServerOptions};
use gorge::upstream::PeerBuilder;
use gorge_test_util::{Leaf, LeafBuilder, Origin};

const POST: &str = "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nbody";

fn before(peers: impl IntoIterator<Item = Peer>, workers: usize) -> RunningProxy {
    let setup = Setup { workers, ..Setup::default() };
    common::run(setup.builder().upstream(LoadBalancer::round_robin(peers)).build().unwrap(), &setup)
}

/// An origin that shows this certificate.
fn showing(leaf: &Leaf) -> (Origin, Relay) {
    let origin = Origin::answering(ok("hi"));
    let shown = Certificates::new().with_names(vec![certificate(leaf)], NAMES);
    let acceptor = Acceptor::new(ServerOptions::default(), shown).unwrap();
    let relay = Relay::from_tls(origin.addr(), acceptor, Ends::Said);
    (origin, relay)
}

#[test]
fn an_idle_connection_of_one_worker_serves_the_others() {
    let origin = TlsOrigin::answering(ok("hi"));
    let proxy = before([peer(origin.addr()).build()], 4);
    for _ in 0..40 {
        assert_eq!(proxy.ask(GET).text(), "hi");
        proxy.wait_for("an idle connection", |proxy| proxy.idle_upstream() == 1);
    }
    assert_eq!(origin.origin.connections(), 1);
    assert!(proxy.stats().moved > 0);
}

#[test]
fn a_large_body_passes_over_a_connection_that_has_moved() {
    let body: Vec<u8> = (0..1_000_000_u32).map(|n| (n % 251) as u8).collect();
    let expected = body.clone();
    let origin = Origin::start(move |connection| {
        while connection.next_request().is_some() {
            connection.send(format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", body.len()));
            connection.send(&body);
        }
    });
    let origin = TlsOrigin::of(origin, ServerOptions::default(), Ends::Said);
    let proxy = before([peer(origin.addr()).build()], 4);
    while proxy.stats().moved < 3 {
        let answer = proxy.ask(GET);
        assert!(answer.complete && answer.body == expected);
        proxy.wait_for("an idle connection", |proxy| proxy.idle_upstream() == 1);
    }
    assert_eq!(origin.origin.connections(), 1);
}

#[test]
fn peers_that_differ_in_tls_share_no_connection() {
    let origin = TlsOrigin::answering(ok("hi"));
    let strict = endpoint("a.example");
    let lax = connector(|options| options.verify_host = false).to("a.example");
    let address = Address::from(origin.addr());
    let peers = [
        Peer::builder(address.clone()).tls(strict.clone()).build(),
        Peer::builder(address.clone()).tls(lax).build(),
        Peer::builder(address.clone()).tls(endpoint("b.example")).build(),
        Peer::builder(address).tls(strict).build(),
    ];
    let proxy = before(peers, 1);
    for _ in 0..8 {
        assert_eq!(proxy.ask(GET).status, 200);
    }
    assert_eq!(origin.origin.connections(), 3, "the first and the last are the same");
}

#[test]
fn a_second_connection_goes_on_with_the_session_of_the_first() {
    let origin = Origin::answering_once(ok("hi"));
    let origin = TlsOrigin::of(origin, ServerOptions::default(), Ends::Said);
    let resumed = std::sync::Arc::new(std::sync::Mutex::new(Vec::new()));
    struct Resumed(std::sync::Arc<std::sync::Mutex<Vec<Option<bool>>>>);
    impl Observer for Resumed {
        fn event(&self, x: &Exchange, event: &Event<'_>) {
            if let Event::Connected = event {
                let resumed = x.facts.upstream_tls.as_ref().and_then(|tls| tls.resumed);
                self.0.lock().unwrap().push(resumed);
            }
        }
    }
    let setup = Setup::default();
    let builder = setup.builder().observe(Resumed(resumed.clone()));
    let proxy = builder.upstream(peer(origin.addr()).build()).build().unwrap();
    let proxy = common::run(proxy, &setup);
    for _ in 0..2 {
        assert_eq!(proxy.ask(GET).status, 200);
        proxy.wait_for("the pool to be empty", |proxy| proxy.idle_upstream() == 0);
    }
    assert_eq!(*resumed.lock().unwrap(), [Some(false), Some(true)]);
}

/// What a peer that nobody can have TLS with gets its client.
fn refused(peer: Peer, status: u16, error: &str, kind: &str) {
    let setup = Setup::default();
    let once = RetryPolicy { attempts: 1, ..RetryPolicy::default() };
    let to = LoadBalancer::round_robin([peer]).retry(once);
    let proxy = common::run(setup.builder().upstream(to).build().unwrap(), &setup);
    // POST too: nothing of it was sent.
    for (number, request) in [GET, POST].into_iter().enumerate() {
        let answer = proxy.ask(request);
        assert_eq!(answer.status, status, "{answer:?}");
        let said = answer.fields.get("proxy-status").unwrap();
        assert!(said.starts_with(&format!("gorge; error={error}; details=\"{kind}")), "{said}");
        assert_eq!(proxy.errors(kind), number as u64 + 1, "{said}");
    }
}

#[test]
fn each_fault_of_a_certificate_gets_502_with_its_reason() {
    let leaf = || AUTHORITY.leaf(&NAMES);
    let faults: [(LeafBuilder, &str); 4] = [
        (leaf().expired(), "certificate_expired"),
        (leaf().not_yet_valid(), "certificate_expired"),
        (leaf().self_signed(), "certificate_invalid"),
        (AUTHORITY.leaf(&["other.example"]), "certificate_mismatched"),
    ];
    for (leaf, kind) in faults {
        let (origin, relay) = showing(&leaf.make());
        refused(peer(relay.addr()).build(), 502, "tls_certificate_error", kind);
        assert_eq!(origin.received(), "");
    }
}

#[test]
fn status_502_for_an_upstream_that_speaks_no_tls() {
    let origin = Origin::start(|connection| {
        connection.some();
        connection.send("HTTP/1.1 400 Bad Request\r\n\r\n");
    });
    refused(peer(origin.addr()).build(), 502, "tls_protocol_error", "plain_http");
    let gone = Origin::start(|connection| connection.close());
    let proxy = before([peer(gone.addr()).build()], 1);
    assert_eq!(proxy.ask(POST).status, 502);
}

/// A peer at this address, of which a connect may take so long, and with TLS twice as long.
fn impatient(addr: SocketAddr, timeout: Duration) -> PeerBuilder {
    peer(addr).connect_options(ConnectOptions { timeout, ..ConnectOptions::default() })
}

#[test]
fn status_504_for_an_upstream_that_accepts_and_never_answers() {
    let deaf = TcpListener::bind("127.0.0.1:0").unwrap();
    let peer = impatient(deaf.local_addr().unwrap(), Duration::from_millis(20)).build();
    refused(peer, 504, "connection_timeout", "tls_timed_out");
}

#[test]
fn a_failed_handshake_moves_any_method_to_another_peer() {
    let (_bad, bad) = showing(&AUTHORITY.leaf(&NAMES).expired().make());
    let deaf = TcpListener::bind("127.0.0.1:0").unwrap();
    let good = TlsOrigin::answering(ok("hi"));
    let peers = [
        peer(bad.addr()).build(),
        impatient(deaf.local_addr().unwrap(), Duration::from_millis(20)).build(),
        peer(good.addr()).build(),
    ];
    let proxy = before(peers, 1);
    for request in [GET, POST, GET, POST] {
        assert_eq!(proxy.ask(request).text(), "hi");
    }
    assert_eq!(good.origin.requests().iter().filter(|request| request.text() == "body").count(), 2);
    assert!(proxy.errors("certificate_expired") > 0 && proxy.errors("tls_timed_out") > 0);
}

#[test]
fn the_time_of_an_exchange_bounds_a_handshake_too() {
    let deaf = TcpListener::bind("127.0.0.1:0").unwrap();
    let setup = Setup { total: Some(Duration::from_millis(50)), ..Setup::default() };
    let to = peer(deaf.local_addr().unwrap()).build();
    let proxy = common::run(setup.builder().upstream(to).build().unwrap(), &setup);
    assert_eq!(proxy.ask(GET).status, 504);
}
