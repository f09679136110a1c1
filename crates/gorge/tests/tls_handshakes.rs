//! Handshakes that do not come to their end, and what happens to the server meanwhile.
#![cfg(feature = "openssl")]

mod common;

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use common::tls::{AUTHORITY, Ends, Relay, acceptor, certificate, connector, endpoint, roots, serve};
use common::{GET, Setup, ok};
use gorge::prelude::*;
use gorge::protocols::{AcceptPolicy, Connections, IpNet, ProxyProtocol};
use gorge::server::{Config, HandshakeFailed, Listen, Running, Server};
use gorge::tls::{ClientAuth, Connector, ServerOptions};
use gorge_test_util::{LIMIT, LeafBuilder, Origin, RawClient};

/// What a TLS client sends first, cut behind so many bytes.
fn hello(length: usize) -> Vec<u8> {
    let (record, body) = ([22, 3, 1, 0x40, 0], [1, 0, 0x3f, 0xfc, 3, 3]);
    let mut bytes = [&record[..], &body].concat();
    bytes.resize(length, 0);
    bytes
}

/// The reasons and texts of what a server refused.
#[derive(Clone, Default)]
struct Told(Arc<Mutex<Vec<Line>>>);

/// The reason, the text, and whether it is ordinary.
type Line = (&'static str, String, bool);

impl Told {
    fn hook(&self) -> impl FnOnce(&mut Server) {
        let told = self.clone();
        move |server| {
            server.on_refusal(move |refusal| {
                assert!(refusal.listener.is_some() && refusal.peer.ip().is_some());
                let line = (refusal.reason(), refusal.to_string(), refusal.is_ordinary());
                told.0.lock().unwrap().push(line);
            });
        }
    }

    fn all(&self) -> Vec<Line> {
        self.0.lock().unwrap().clone()
    }
}

/// A proxy over TLS before an origin that says `hi`.
struct Story {
    _origin: Origin,
    running: Running,
    addr: SocketAddr,
    proxy: Proxy,
    told: Told,
}

fn story(options: ServerOptions, change: impl FnOnce(&mut Listen, &mut Config)) -> Story {
    let origin = Origin::answering(ok("hi"));
    let to = Peer::new(Address::from(origin.addr()));
    let proxy = Setup::default().builder().upstream(to).build().unwrap();
    let told = Told::default();
    let (running, addr) = serve(proxy.clone(), acceptor(options), change, told.hook());
    Story { _origin: origin, running, addr, proxy, told }
}

impl Story {
    fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(self.addr).unwrap();
        stream.set_read_timeout(Some(LIMIT)).unwrap();
        stream
    }

    /// The answer to an honest client, on a connection of its own.
    fn ask(&self) -> Vec<u8> {
        let relay = Relay::to_tls(self.addr, endpoint("a.example"), Ends::Said);
        let mut client = relay.client();
        client.send("GET / HTTP/1.1\r\nHost: a.example\r\nConnection: close\r\n\r\n");
        let body = client.response().body;
        client.finish();
        body
    }

    /// Blocks until one handshake has failed for this reason, and was told of.
    fn wait_failed(&self, reason: HandshakeFailed) {
        let word = format!("tls_{}", reason.name());
        self.wait_for(&word, |story| story.told.all().iter().any(|(told, ..)| *told == word));
        assert_eq!(self.running.stats().handshakes_failed[reason.index()], 1, "{word}");
    }

    fn wait_for(&self, what: &str, happened: impl Fn(&Self) -> bool) {
        let deadline = Instant::now() + LIMIT;
        while !happened(self) {
            assert!(Instant::now() < deadline, "waited {LIMIT:?} for {what}");
            std::thread::yield_now();
        }
    }

    fn connections(&self) -> &Connections {
        self.running.connections()
    }
}

/// Reads to the end, or to the reset that says the same.
fn is_closed(mut stream: TcpStream) -> bool {
    !matches!(stream.read_to_end(&mut Vec::new()), Err(error) if error.kind() == std::io::ErrorKind::WouldBlock)
}

#[test]
fn each_reason_is_counted_and_told() {
    let mut options = ServerOptions::default();
    options.handshake_timeout = Duration::from_millis(50);
    let story = story(options, |_, _| {});
    assert_eq!(story.ask(), b"hi");

    let silent = story.connect();
    assert!(is_closed(silent));
    story.wait_failed(HandshakeFailed::TimedOut);

    let gone = story.connect();
    gone.shutdown(Shutdown::Write).unwrap();
    assert!(is_closed(gone));
    story.wait_failed(HandshakeFailed::Closed);

    let mut nonsense = story.connect();
    nonsense.write_all(&[0x16, 3, 1, 0, 4, 9, 9, 9, 9]).unwrap();
    assert!(is_closed(nonsense));
    story.wait_failed(HandshakeFailed::Failed);

    let stats = story.running.stats();
    assert_eq!(stats.handshakes, 1);
    let outcomes: Vec<_> = stats.handshake_outcomes().filter(|(_, count)| *count > 0).collect();
    assert_eq!(outcomes, [("ok", 1), ("closed", 1), ("failed", 1), ("timed_out", 1)]);
    let told = story.told.all();
    let reasons: Vec<_> = told.iter().map(|(reason, _, ordinary)| (*reason, *ordinary)).collect();
    assert_eq!(reasons, [("tls_timed_out", false), ("tls_closed", true), ("tls_failed", false)]);
    assert!(told[0].1.contains("longer than 50ms"), "{told:?}");
    assert_eq!(story.proxy.stats().connections, 1, "none of them came to the proxy");
}

#[test]
fn a_client_that_speaks_in_the_clear_is_answered_and_told_of() {
    let story = story(ServerOptions::default(), |_, _| {});
    let mut plain = RawClient::connect(story.addr);
    plain.send(GET);
    let answer = plain.response();
    assert!(answer.status == 400 && answer.text().contains("https://"), "{answer:?}");
    drop(plain);
    story.wait_failed(HandshakeFailed::PlainHttp);
    assert_eq!(story.ask(), b"hi");
}

#[test]
fn a_client_without_a_good_certificate_is_told_of() {
    let mut options = ServerOptions::default();
    options.client_auth = ClientAuth::Required(roots());
    let story = story(options, |_, _| {});
    let ask = |connector: Connector| {
        let relay = Relay::to_tls(story.addr, connector.to("a.example"), Ends::Said);
        let mut client = relay.client();
        client.send("GET / HTTP/1.1\r\nHost: a.example\r\n\r\n");
        client.try_response().map(|response| response.body)
    };
    let shows =
        |leaf: LeafBuilder| connector(|options| options.certificate = Some(certificate(&leaf.make())));
    assert_eq!(ask(shows(AUTHORITY.client("alice"))).as_deref(), Some(&b"hi"[..]));
    assert_eq!(ask(connector(|_| {})), None);
    story.wait_failed(HandshakeFailed::CertificateMissing);
    assert_eq!(ask(shows(AUTHORITY.client("alice").expired())), None);
    story.wait_failed(HandshakeFailed::CertificateRefused);
    let told = story.told.all();
    assert!(told.iter().all(|(_, text, ordinary)| text.contains("a.example") && !ordinary), "{told:?}");
    assert_eq!(story.running.stats().handshakes, 1);
}

#[test]
fn those_who_are_refused_before_tls_are_told_of_too() {
    let story = story(ServerOptions::default(), |listen, _| {
        let network: IpNet = "127.0.0.0/8".parse().unwrap();
        listen.accept = Some(AcceptPolicy { deny: vec![network].into(), ..AcceptPolicy::default() });
    });
    assert!(is_closed(story.connect()));
    let told = story.told.all();
    assert_eq!(told, [("denied", "the address is not allowed to connect".to_owned(), false)]);
    assert_eq!(story.running.stats().handshakes_failed, [0; HandshakeFailed::COUNT]);
}

#[test]
fn a_proxy_header_comes_before_tls() {
    let story = story(ServerOptions::default(), |listen, _| {
        listen.proxy_protocol = Some(ProxyProtocol::default());
    });
    let mut without = story.connect();
    without.write_all(&hello(100)).unwrap();
    assert!(is_closed(without));
    assert_eq!(story.told.all()[0].0, "proxy_header_missing");
}

#[test]
fn half_open_handshakes_keep_no_honest_client_out() {
    const PLACES: usize = 8;
    let story = story(ServerOptions::default(), |_, config| config.max_connections = PLACES);
    // Some say nothing, some part of a hello, some all of it and no more.
    let mut open = Vec::new();
    for number in 0..200 {
        let mut stream = story.connect();
        // One that had to go already cannot be written to.
        let _ = stream.write_all(&hello([0, 1, 5, 200, 16_389][number % 5]));
        open.push(stream);
        if number % 50 == 49 {
            assert_eq!(story.ask(), b"hi", "behind {number} of them");
        }
        // Those that were asked to go take a moment; so many are accepted before others get their turn.
        assert!(story.connections().open() <= PLACES + 16);
    }
    let stats = story.running.stats();
    assert!(stats.shed > 100, "{stats:?}");
    assert!(stats.handshakes_failed[HandshakeFailed::LetGo.index()] > 50, "{stats:?}");
    assert!(story.told.all().iter().any(|(reason, text, _)| {
        *reason == "tls_let_go" && text == "it gave its place to another while all were taken"
    }));
}

#[test]
fn connections_that_owe_a_proxy_header_give_way_too() {
    const PLACES: usize = 4;
    let story = story(ServerOptions::default(), |listen, config| {
        listen.proxy_protocol = Some(ProxyProtocol::default());
        config.max_connections = PLACES;
    });
    let _open: Vec<_> = (0..20).map(|_| story.connect()).collect();
    let endpoint = endpoint("a.example");
    let told = std::thread::scope(|scope| {
        let asking = scope.spawn(|| {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async {
                let stream = tokio::net::TcpStream::connect(story.addr).await.unwrap();
                let header = b"PROXY TCP4 192.0.2.7 10.0.0.9 1111 80\r\n";
                endpoint.connect(stream, header).await.map(|_| ())
            })
        });
        asking.join().unwrap()
    });
    told.unwrap();
    assert!(story.running.stats().shed >= 16, "{:?}", story.running.stats());
}

/// A client whose first flight arrives in two pieces, with what `between` does in the middle; then it asks.
fn interrupted(story: &Story, between: impl FnOnce() + Send + 'static) -> gorge_test_util::Response {
    // The way in which the client goes holds back what is behind the first byte.
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let (way, to) = (listener.local_addr().unwrap(), story.addr);
    let counted = story.running.stats().accepted;
    let stats = story.running.connections().clone();
    let waiting = std::thread::spawn(move || {
        let (mut near, _) = listener.accept().unwrap();
        let mut far = TcpStream::connect(to).unwrap();
        let mut first = [0; 1];
        near.read_exact(&mut first).unwrap();
        far.write_all(&first).unwrap();
        let deadline = Instant::now() + LIMIT;
        while stats.open() == 0 {
            assert!(Instant::now() < deadline);
            std::thread::yield_now();
        }
        between();
        let (mut back, mut out) = (far.try_clone().unwrap(), near.try_clone().unwrap());
        let copying = std::thread::spawn(move || drop(std::io::copy(&mut back, &mut out)));
        let _ = std::io::copy(&mut near, &mut far);
        let _ = far.shutdown(Shutdown::Write);
        copying.join().unwrap();
    });
    let relay = Relay::to_tls(way, endpoint("a.example"), Ends::Said);
    let mut client = relay.client();
    client.send(GET);
    let response = client.response();
    client.finish();
    drop(client);
    waiting.join().unwrap();
    assert_eq!(story.running.stats().accepted, counted + 1);
    response
}

#[test]
fn a_handshake_under_way_survives_a_change_of_listeners() {
    let story = Arc::new(story(ServerOptions::default(), |_, _| {}));
    let changed = story.clone();
    let response = interrupted(&story, move || {
        let mut listen = Listen::new(Address::from(changed.addr), changed.proxy.clone());
        listen.tls = Some(acceptor(ServerOptions::default()));
        changed.running.set_listeners("tls", vec![listen]).unwrap();
    });
    assert_eq!(response.body, b"hi");
    assert_eq!(story.ask(), b"hi");
}

#[test]
fn a_handshake_under_way_survives_the_end_of_its_listener() {
    let story = Arc::new(story(ServerOptions::default(), |_, _| {}));
    let changed = story.clone();
    let response = interrupted(&story, move || {
        changed.running.set_listeners("tls", Vec::new()).unwrap();
    });
    assert_eq!((&response.body[..], response.fields.get("connection")), (&b"hi"[..], Some("close")));
}

#[test]
fn a_stop_lets_a_handshake_finish_and_answers_the_first_request() {
    let story = Arc::new(story(ServerOptions::default(), |_, config| config.grace = LIMIT));
    let stopped = story.clone();
    let response = interrupted(&story, move || stopped.running.stopper().request());
    assert_eq!((&response.body[..], response.fields.get("connection")), (&b"hi"[..], Some("close")));
}

#[test]
fn a_stop_waits_for_no_handshake_longer_than_its_grace() {
    let story = story(ServerOptions::default(), |_, config| config.grace = Duration::from_millis(50));
    let silent = story.connect();
    story.wait_for("the connection", |story| story.connections().open() == 1);
    let Story { running, .. } = story;
    assert_eq!(running.stop().cut, 1);
    assert!(is_closed(silent));
}
