//! Connecting to names and to several addresses: the first that takes a connection wins.

use std::net::{SocketAddr, TcpListener};
use std::thread;
use std::time::{Duration, Instant};

use gorge_async_io::Stream;
use gorge_error::{Error, Fault, Kind, Result, Retryable};
use gorge_protocols::{
    Address, ConnectOptions, Family, Resolver, ResolverOptions, Transport, connect, connect_any,
};
use gorge_test_util::{DeafPort, Gate, NameKind, NameQuery, NameReply, NameServer};

fn run<T>(test: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(test)
}

/// Longer than any test: what does not wait for it shows that it need not.
const NEVER: Duration = Duration::from_secs(3600);

/// Names are asked for at this server; a next address is tried only when one has failed.
fn options(server: &NameServer) -> ConnectOptions {
    let names =
        ResolverOptions { servers: Some(vec![server.addr()]), hosts_file: false, ..Default::default() };
    ConnectOptions { resolver: Some(Resolver::new(names)), attempt_delay: NEVER, ..Default::default() }
}

fn patient() -> ConnectOptions {
    ConnectOptions { attempt_delay: NEVER, ..Default::default() }
}

fn answering(ips: &'static [&'static str]) -> NameServer {
    NameServer::start(move |_| NameReply::ips(60, ips))
}

/// Listeners on one port of these loopback addresses, and the port.
fn listen(ips: &[&str]) -> (Vec<TcpListener>, u16) {
    for _ in 0..100 {
        let first = TcpListener::bind((ips[0], 0)).unwrap();
        let port = first.local_addr().unwrap().port();
        let others = ips[1..].iter().map(|ip| TcpListener::bind((*ip, port)));
        if let Ok(all) = std::iter::once(Ok(first)).chain(others).collect::<std::io::Result<_>>() {
            return (all, port);
        }
    }
    panic!("no port is free on {ips:?}");
}

fn named(port: u16) -> Address {
    Address::host("a.example", port).unwrap()
}

fn peer(connected: Result<Transport>) -> String {
    let peer = connected.unwrap().socket_digest().peer.unwrap();
    peer.ip().unwrap().to_string()
}

fn addresses(ips: &[&str], port: u16) -> Vec<SocketAddr> {
    ips.iter().map(|ip| SocketAddr::new(ip.parse().unwrap(), port)).collect()
}

/// An error that another attempt may follow.
fn failed(connected: Result<Transport>, kind: Kind) -> String {
    let error: Error = connected.unwrap_err();
    assert_eq!(
        (error.kind(), error.fault(), error.retry()),
        (kind, Fault::Upstream, Retryable::Yes),
        "{error:#}"
    );
    format!("{error:#}")
}

#[test]
fn the_next_address_follows_at_once_when_one_has_failed() {
    let (_listening, port) = listen(&["127.0.0.3"]);
    let server = answering(&["127.0.0.1", "127.0.0.2", "127.0.0.3"]);
    assert_eq!(peer(run(connect(&named(port), &options(&server)))), "127.0.0.3");
}

#[test]
fn the_next_address_is_tried_beside_one_that_says_nothing() {
    let deaf = DeafPort::new();
    let port = deaf.addr().port();
    let _listening = TcpListener::bind(("127.0.0.2", port)).unwrap();
    let hasty = ConnectOptions { attempt_delay: Duration::from_millis(20), ..patient() };
    let began = Instant::now();
    assert_eq!(peer(run(connect_any(&addresses(&["127.0.0.1", "127.0.0.2"], port), &hasty))), "127.0.0.2");
    assert!(began.elapsed() >= Duration::from_millis(20));
}

#[test]
fn ipv6_is_first_and_ipv4_makes_up_for_it() {
    let server = answering(&["127.0.0.1", "::1"]);
    let (both, port) = listen(&["127.0.0.1", "::1"]);
    assert_eq!(peer(run(connect(&named(port), &options(&server)))), "::1");
    let ipv4 = ConnectOptions { family: Family::Ipv4, ..options(&server) };
    assert_eq!(peer(run(connect(&named(port), &ipv4))), "127.0.0.1");
    let [four, six] = <[_; 2]>::try_from(both).unwrap();
    drop(six);
    assert_eq!(peer(run(connect(&named(port), &options(&server)))), "127.0.0.1");
    drop(four);
}

#[test]
fn families_take_turns_and_the_error_says_what_each_address_said() {
    let (free, port) = listen(&["127.0.0.1", "127.0.0.2", "::1"]);
    drop(free);
    let text = failed(
        run(connect_any(&addresses(&["127.0.0.1", "127.0.0.2", "::1"], port), &patient())),
        Kind::ConnectRefused,
    );
    let places =
        ["127.0.0.1", "[::1]", "127.0.0.2"].map(|ip| text.find(&format!("{ip}:{port}: Connection refused")));
    assert!(places.iter().all(Option::is_some) && places.is_sorted(), "{text}");
}

#[test]
fn the_time_limit_holds_for_all_addresses_together() {
    let deaf = DeafPort::new();
    let limit = Duration::from_millis(60);
    let hasty = ConnectOptions { timeout: limit, attempt_delay: Duration::from_millis(10), ..patient() };
    let began = Instant::now();
    let same = [deaf.addr(); 4];
    let text = failed(run(connect_any(&same, &hasty)), Kind::ConnectTimedOut);
    assert!(began.elapsed() >= limit);
    assert!(
        text.contains(&format!("{}: no answer", deaf.addr())) && text.contains("longer than 60ms"),
        "{text}"
    );
}

#[test]
fn a_name_that_is_not_known_in_time_is_not_found() {
    let server = NameServer::start(|_| NameReply::silence());
    let hasty = ConnectOptions { timeout: Duration::from_millis(50), ..options(&server) };
    let text = failed(run(connect(&named(80), &hasty)), Kind::NameNotFound);
    assert!(text.contains("a.example:80") && text.contains("longer than 50ms"), "{text}");
}

#[test]
fn a_name_that_does_not_exist_is_not_found() {
    let server = NameServer::start(|_| NameReply::no_such_name());
    let text = failed(run(connect(&named(80), &options(&server))), Kind::NameNotFound);
    assert!(text.contains("connect to a.example:80") && text.contains("does not exist"), "{text}");
}

#[test]
fn ipv4_waits_a_little_for_an_answer_about_ipv6_and_no_more() {
    let (_listening, port) = listen(&["127.0.0.1"]);
    let server = NameServer::start(|query| match query.kind {
        NameKind::Aaaa => NameReply::silence(),
        _ => NameReply::ips(60, &["127.0.0.1"]),
    });
    let began = Instant::now();
    assert_eq!(peer(run(connect(&named(port), &options(&server)))), "127.0.0.1");
    assert!(began.elapsed() >= Duration::from_millis(50));
}

/// A server that answers for `late` only once the gate is open.
fn late_for(late: NameKind) -> (NameServer, Gate) {
    let gate = Gate::new("the other family was tried");
    let server = NameServer::start({
        let gate = gate.clone();
        move |query: &NameQuery| {
            if query.kind == late {
                gate.wait();
            }
            NameReply::ips(60, &["127.0.0.1", "::1"])
        }
    });
    (server, gate)
}

#[test]
fn addresses_that_become_known_late_are_tried_too() {
    for (late, listening) in [(NameKind::A, "127.0.0.1"), (NameKind::Aaaa, "::1")] {
        let (_listening, port) = listen(&[listening]);
        let (server, gate) = late_for(late);
        thread::scope(|scope| {
            let connected = scope.spawn(|| peer(run(connect(&named(port), &options(&server)))));
            server.wait_until_asked("a.example", late, 1);
            gate.open();
            assert_eq!(connected.join().unwrap(), listening);
        });
    }
}

#[test]
fn the_addresses_of_a_family_take_turns() {
    let (_listening, port) = listen(&["127.0.0.1", "127.0.0.2"]);
    let server = answering(&["127.0.0.1", "127.0.0.2"]);
    let options = options(&server);
    let peers: Vec<_> = (0..4).map(|_| peer(run(connect(&named(port), &options)))).collect();
    assert_eq!(peers, ["127.0.0.1", "127.0.0.2", "127.0.0.1", "127.0.0.2"]);
}

#[test]
fn a_source_address_leaves_the_addresses_of_its_family() {
    let (_listening, port) = listen(&["127.0.0.1", "::1"]);
    let server = answering(&["127.0.0.1", "::1"]);
    let from = ConnectOptions { source: Some("127.0.0.9:0".parse().unwrap()), ..options(&server) };
    assert_eq!(peer(run(connect(&named(port), &from))), "127.0.0.1");
    let text = failed(run(connect_any(&addresses(&["::1"], port), &from)), Kind::NameNotFound);
    assert!(text.contains("none to try"), "{text}");
    failed(run(connect_any(&[], &patient())), Kind::NameNotFound);
}

#[test]
fn this_machine_needs_no_name_server() {
    let (_listening, port) = listen(&["127.0.0.1"]);
    let none = ResolverOptions { servers: Some(Vec::new()), ..Default::default() };
    let options = ConnectOptions { resolver: Some(Resolver::new(none)), ..patient() };
    assert_eq!(peer(run(connect(&Address::host("localhost", port).unwrap(), &options))), "127.0.0.1");
}
