//! What filters, logs and upstreams learn of TLS.
#![cfg(feature = "openssl")]

mod common;

use std::sync::{Arc, Mutex};
use std::time::Duration;

use common::tls::{AUTHORITY, Ends, Relay, TlsOrigin, certificate, connector, peer, roots};
use common::{GET, Setup, ok};
use gorge::digest::{PeerCertificate, TlsDigest};
use gorge::error::Kind;
use gorge::prelude::*;
use gorge::protocols::{Accepted, Handler};
use gorge::proxy::filters::{Redirect, RequestHeaderEdit, SecurityHeaders};
use gorge::proxy::log::{AccessLog, LineSink};
use gorge::server::{Listen, Running, Server, Service};
use gorge::tls::{ClientAuth, ServerOptions};
use gorge_test_util::{Origin, RawClient};

#[test]
fn the_certificate_of_a_client_reaches_the_upstream_and_binds_its_requests_to_one_host() {
    let origin = Origin::answering(ok("hi"));
    let edit = RequestHeaderEdit::new().set("X-Client", "$tls_client_subject $tls_client_verified").unwrap();
    let to = Peer::new(Address::from(origin.addr()));
    let proxy = Setup::default().builder().filter(edit).upstream(to).build().unwrap();
    let mut options = ServerOptions::default();
    options.client_auth = ClientAuth::Optional(roots());
    let proxy = common::tls::proxy(proxy, options);
    let alice = AUTHORITY.client("alice").organisation("Example").make();
    let shows = connector(|options| options.certificate = Some(certificate(&alice)));
    for (connector, told) in [(shows, "CN=alice,O=Example ok"), (connector(|_| {}), " none")] {
        origin.forget();
        let relay = Relay::to_tls(proxy.addr, connector.to("a.example"), Ends::Said);
        let mut client = relay.client();
        client.send("GET / HTTP/1.1\r\nHost: b.example\r\n\r\n");
        assert_eq!(client.response().status, 421);
        client.send("GET / HTTP/1.1\r\nHost: a.example\r\n\r\n");
        assert_eq!(client.response().status, 200);
        assert_eq!(origin.only_request().fields.get("x-client"), Some(told.trim()));
    }
}

/// Lines of a log.
#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl LineSink for Lines {
    fn line(&self, write: &mut dyn FnMut(&mut Vec<u8>)) {
        let mut lines = self.0.lock().unwrap();
        write(&mut lines);
        lines.push(b'\n');
    }
}

impl Lines {
    fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }
}

/// A proxy in the clear that is told this of the TLS of its clients.
struct Claims(Proxy, Arc<TlsDigest>);

impl Handler for Claims {
    fn serve(&self, connection: Accepted) {
        self.0.serve(Accepted { tls: Some(self.1.clone()), ..connection });
    }
}

fn claims(proxy: Proxy, tls: TlsDigest) -> (Running, RawClient) {
    let mut server = Server::new(gorge::server::Config::default());
    let listen = Listen::new("127.0.0.1:0".parse().unwrap(), Claims(proxy, Arc::new(tls)));
    let bound = server.add(Service::new("tls").listen(listen)).unwrap().swap_remove(0);
    let running = server.launch().unwrap();
    (running, RawClient::connect(bound.to_string().parse().unwrap()))
}

#[test]
fn the_scheme_is_https_for_upstreams_and_browsers() {
    let origin = Origin::answering(ok("hi"));
    let setup = Setup { forwarded: true, ..Setup::default() };
    let proxy = setup
        .builder()
        .filter(SecurityHeaders::new().hsts(Some(Duration::from_secs(7))))
        .upstream(Peer::new(Address::from(origin.addr())))
        .build()
        .unwrap();
    let proxy = common::tls::proxy(proxy, ServerOptions::default());
    let relay = proxy.relay(Ends::Said);
    let mut client = relay.client();
    client.send(GET);
    assert_eq!(client.response().fields.get("strict-transport-security"), Some("max-age=7"));
    let asked = origin.only_request();
    assert_eq!(asked.fields.get("x-forwarded-proto"), Some("https"));
    let forwarded = asked.fields.get("forwarded").unwrap();
    assert!(forwarded.contains(";proto=https"), "{forwarded}");
}

#[test]
fn redirects_know_the_scheme() {
    let origin = Origin::answering(ok("hi"));
    let setup = Setup::default();
    let redirect = Redirect::new(Status::FOUND, "$scheme://www.$host$uri").unwrap();
    let proxy = setup.builder().filter(redirect).upstream(Peer::new(Address::from(origin.addr()))).build();
    let proxy = common::tls::proxy(proxy.unwrap(), ServerOptions::default());
    let relay = proxy.relay(Ends::Said);
    let mut client = relay.client();
    client.send("GET /x HTTP/1.1\r\nHost: a.example\r\n\r\n");
    assert_eq!(client.response().fields.get("location"), Some("https://www.a.example/x"));
}

/// Keeps when the steps of connecting were.
#[derive(Clone, Default)]
struct Steps(Arc<Mutex<Vec<gorge::digest::TimingDigest>>>);

impl Observer for Steps {
    fn event(&self, x: &Exchange, event: &Event<'_>) {
        if let Event::Done(_) = event {
            self.0.lock().unwrap().push(x.facts.timing);
        }
    }
}

#[test]
fn logs_tell_of_both_sides() {
    let (lines, steps) = (Lines::default(), Steps::default());
    let format = "$scheme $tls_version $tls_sni $tls_alpn $tls_resumed $tls_client_verified \
                  $tls_client_subject $upstream_tls_version $upstream_tls_resumed";
    let log = AccessLog::new(format.parse().unwrap(), lines.clone());
    let (origin, clear) = (TlsOrigin::answering(ok("hi")), Origin::answering(ok("hi")));
    let peers = [peer(origin.addr()).build(), Peer::new(Address::from(clear.addr()))];
    let setup = Setup::default();
    let builder = setup.builder().observe(log).observe(steps.clone());
    let proxy = builder.upstream(LoadBalancer::round_robin(peers)).build().unwrap();
    let proxy = common::tls::proxy(proxy, ServerOptions::default());
    let relay = proxy.relay(Ends::Said);
    let mut client = relay.client();
    for _ in 0..3 {
        client.send(GET);
        assert_eq!(client.response().status, 200);
    }
    proxy.wait_for("the exchanges to end", |proxy| proxy.proxy.stats().exchanges == 3);
    let client = "https TLSv1.3 a.example http/1.1 false none -";
    let (over_tls, in_clear) = (format!("{client} TLSv1.3 false\n"), format!("{client} - -\n"));
    assert_eq!(lines.text(), [&*over_tls, &in_clear, &over_tls].concat());
    let steps = steps.0.lock().unwrap();
    let [new, clear, kept] = &steps[..] else { panic!("{steps:?}") };
    assert!(
        new.connected.unwrap() <= new.tls_done.unwrap() && new.tls_done.unwrap() <= new.first_byte.unwrap()
    );
    assert_eq!(clear.tls_done, None, "not those of an earlier exchange");
    assert_eq!((kept.tls_done, kept.connected.is_some()), (None, true), "one of the pool");
}

#[test]
fn an_upstream_is_told_who_the_client_is() {
    let edit = RequestHeaderEdit::new()
        .set("X-Client-Subject", "$tls_client_subject")
        .and_then(|edit| edit.set("X-Client-Serial", "$tls_client_serial"))
        .and_then(|edit| edit.set("X-Client-Sha256", "$tls_client_sha256"))
        .and_then(|edit| edit.set("X-Client-Verified", "$tls_client_verified"))
        .unwrap();
    let shown = PeerCertificate {
        // Whoever makes certificates must not make fields with them.
        subject: Some("CN=alice\r\nX-Admin: yes".into()),
        serial: Some("01af".into()),
        sha256: Some([0xab; 32]),
        ..PeerCertificate::default()
    };
    let told = |tls: TlsDigest| {
        let origin = Origin::answering(ok("hi"));
        let to = Peer::new(Address::from(origin.addr()));
        let proxy = Setup::default().builder().filter(edit.clone()).upstream(to).build().unwrap();
        let (_running, mut client) = claims(proxy, tls);
        client.send("GET / HTTP/1.1\r\nHost: a\r\nX-Client-Subject: CN=root\r\n\r\n");
        assert_eq!(client.response().status, 200);
        let asked = origin.only_request();
        assert_eq!(asked.fields.get("x-admin"), None);
        ["subject", "serial", "sha256", "verified"]
            .map(|name| asked.fields.all(&format!("x-client-{name}")).join("&"))
    };
    let with = TlsDigest { peer_certificate: Some(shown), ..TlsDigest::default() };
    let expected =
        [r"CN=alice\0d\0aX-Admin: yes".to_owned(), "01af".to_owned(), "ab".repeat(32), "ok".to_owned()];
    assert_eq!(told(with.clone()), expected);
    assert_eq!(told(TlsDigest { peer_fault: Some("expired"), ..with })[3], "expired");
    assert_eq!(told(TlsDigest::default()), ["", "", "", "none"], "what the client sent is gone");
}

#[test]
fn status_421_for_another_host_than_the_one_a_certificate_was_shown_for() {
    let origin = Origin::answering(ok("hi"));
    let to = Peer::new(Address::from(origin.addr()));
    let proxy = Setup::default().builder().upstream(to).build().unwrap();
    let asked = TlsDigest { sni: Some("a.example".into()), certificate_asked: true, ..TlsDigest::default() };
    let (_running, mut client) = claims(proxy.clone(), asked.clone());
    let mut ask = |target: &str, host: &str| {
        client.send(format!("GET {target} HTTP/1.1\r\nHost: {host}\r\n\r\n"));
        client.response()
    };
    assert_eq!(ask("/", "A.example:8443").status, 200);
    let answer = ask("/", "b.example");
    assert_eq!(answer.status, 421);
    let said = answer.fields.get("proxy-status").unwrap();
    assert!(said.starts_with("gorge; error=http_request_denied; details=\"misdirected"), "{said}");
    // Where the target has a host, that one counts (RFC 9112 3.2.2).
    assert_eq!(ask("http://b.example/", "a.example").status, 421);
    assert_eq!(ask("http://a.example/", "a.example").status, 200, "the connection goes on");
    assert_eq!(proxy.stats().errors(Kind::Misdirected), 2);
    assert_eq!(origin.requests().len(), 2);
    // Where nobody is asked for a certificate a connection may carry requests for all hosts.
    let (_running, mut client) = claims(proxy, TlsDigest { certificate_asked: false, ..asked });
    client.send("GET / HTTP/1.1\r\nHost: b.example\r\n\r\n");
    assert_eq!(client.response().status, 200);
}
