//! Filters that keep requests out: each refusal has its status, its fields, its reason and its counter.

mod common;

use std::time::Duration;

use common::{GET, RunningProxy, Setup, balancer, ok, run};
use gorge::prelude::*;
use gorge::protocols::{Identity, IpNet, Networks};
use gorge::proxy::filters::{AccessList, BasicAuth, BearerAuth, Maintenance, MethodGuard, NoUpgrade};
use gorge_test_util::Origin;

fn proxy(filter: impl Filter, origin: &Origin) -> RunningProxy {
    proxy_with(filter, origin, Setup::default())
}

/// The same behind a proxy on this machine that is trusted.
fn behind_another(filter: impl Filter, origin: &Origin) -> RunningProxy {
    proxy_with(filter, origin, Setup { trusted: vec!["127.0.0.0/8"], ..Setup::default() })
}

fn proxy_with(filter: impl Filter, origin: &Origin, setup: Setup) -> RunningProxy {
    run(setup.builder().filter(filter).upstream(balancer(&[origin.addr()], &setup)).build().unwrap(), &setup)
}

fn networks(list: &[&str]) -> Networks {
    list.iter().map(|net| net.parse::<IpNet>().unwrap()).collect()
}

#[test]
fn addresses_are_let_in_or_kept_out() {
    let list = AccessList::new;
    let loopback = || networks(&["127.0.0.0/8"]);
    for (filter, forwarded, passes) in [
        (list(), "", true),
        (list().allow(loopback()), "", true),
        (list().allow(networks(&["10.0.0.0/8"])), "", false),
        (list().deny(networks(&["10.0.0.0/8"])), "", true),
        (list().deny(loopback()), "", false),
        (list().allow(loopback()).deny(networks(&["127.0.0.1/32"])), "", false),
        // Without trust, what a client says of itself counts for nothing.
        (list().allow(networks(&["10.0.0.0/8"])), "10.0.0.1", false),
        (list().deny(networks(&["10.0.0.0/8"])), "10.0.0.1", true),
        (list().allow(networks(&["10.0.0.0/8"])).trust(loopback()), "10.0.0.1", true),
        (list().allow(networks(&["10.0.0.0/8"])).trust(loopback()), "10.0.0.1, 192.0.2.1", false),
        (list().deny(networks(&["192.0.2.1/32"])).trust(loopback()), "10.0.0.1, 192.0.2.1", false),
        (list().deny(networks(&["10.0.0.0/8"])).trust(loopback()), "garbage", false),
    ] {
        let origin = Origin::answering(ok("hi"));
        let proxy = behind_another(filter.clone(), &origin);
        let forwarded =
            if forwarded.is_empty() { String::new() } else { format!("X-Forwarded-For: {forwarded}\r\n") };
        let answer = proxy.ask(format!("GET / HTTP/1.1\r\nHost: a\r\n{forwarded}\r\n"));
        assert_eq!(answer.status, if passes { 200 } else { 403 }, "{filter:?} {forwarded}");
        assert_eq!(proxy.errors("access_denied"), u64::from(!passes));
        assert_eq!(origin.requests().len(), usize::from(passes));
        assert_eq!(answer.fields.has("Proxy-Status"), !passes);
    }
}

// alice:secret, and others.
const RIGHT: &str = "Basic YWxpY2U6c2VjcmV0";

#[test]
fn a_name_and_a_password_are_asked_for() {
    let auth = || BasicAuth::new("the \"shop\"", [("alice", "secret"), ("bob", "x")]).unwrap();
    for (shown, passes) in [
        (RIGHT, true),
        ("basic YWxpY2U6c2VjcmV0", true),
        ("", false),
        ("Basic", false),
        ("Basic ", false),
        ("Basic !!!!", false),
        // alice:secre, alice:secrets, alic:secret, bob:secret, alice without a colon, nothing:nothing
        ("Basic YWxpY2U6c2VjcmU=", false),
        ("Basic YWxpY2U6c2VjcmV0cw==", false),
        ("Basic YWxpYzpzZWNyZXQ=", false),
        ("Basic Ym9iOnNlY3JldA==", false),
        ("Basic YWxpY2U=", false),
        ("Basic Og==", false),
        ("Bearer YWxpY2U6c2VjcmV0", false),
        ("Basic YWxpY2U6c2VjcmV0\r\nAuthorization: Basic YWxpY2U6c2VjcmV0", false),
    ] {
        let origin = Origin::answering(ok("hi"));
        let proxy = proxy(auth(), &origin);
        let answer = proxy.ask(format!("GET / HTTP/1.1\r\nHost: a\r\nAuthorization: {shown}\r\n\r\n"));
        if passes {
            assert_eq!(answer.status, 200, "{shown}");
            assert!(!origin.only_request().fields.has("Authorization"));
            assert!(!answer.fields.has("WWW-Authenticate"));
        } else {
            assert_eq!(answer.status, 401, "{shown}");
            assert_eq!(
                answer.fields.all("WWW-Authenticate"),
                [r#"Basic realm="the \"shop\"", charset="UTF-8""#]
            );
            assert_eq!((origin.requests().len(), proxy.errors("authentication_missing")), (0, 1));
        }
    }
}

#[test]
fn credentials_go_upstream_if_they_are_kept() {
    let origin = Origin::answering(ok("hi"));
    let auth = BasicAuth::new("shop", [("alice", "secret")]).unwrap().keep();
    proxy(auth, &origin).ask(format!("GET / HTTP/1.1\r\nHost: a\r\nAuthorization: {RIGHT}\r\n\r\n"));
    assert_eq!(origin.only_request().fields.all("Authorization"), [RIGHT]);
}

#[test]
fn an_upstreams_own_401_keeps_its_own_challenge() {
    let origin = Origin::answering(
        "HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: Digest realm=x\r\nContent-Length: 0\r\n\r\n",
    );
    let auth = BasicAuth::new("shop", [("alice", "secret")]).unwrap();
    let answer =
        proxy(auth, &origin).ask(format!("GET / HTTP/1.1\r\nHost: a\r\nAuthorization: {RIGHT}\r\n\r\n"));
    assert_eq!((answer.status, answer.fields.all("WWW-Authenticate")), (401, vec!["Digest realm=x"]));
}

/// Tells the client who it is taken for.
struct WhoAmI;

impl Filter for WhoAmI {
    async fn on_response(&self, x: &mut Exchange, head: &mut ResponseHead) -> Result<()> {
        let name = x.get::<Identity>().and_then(|identity| identity.name().cloned());
        head.headers.append("X-You-Are", name.as_deref().unwrap_or("nobody")).unwrap();
        Ok(())
    }
}

#[test]
fn two_of_them_ask_each_for_itself_and_filters_learn_who_it_is() {
    let origin = Origin::answering(ok("hi"));
    let setup = Setup::default();
    let builder = setup
        .builder()
        .filter(BasicAuth::new("outer", [("alice", "secret")]).unwrap().keep())
        .filter(WhoAmI)
        .filter(BasicAuth::new("inner", [("bob", "x")]).unwrap());
    let proxy = run(builder.upstream(balancer(&[origin.addr()], &setup)).build().unwrap(), &setup);
    for (shown, realm, name) in [("", "outer", None), (RIGHT, "inner", Some("alice"))] {
        let answer = proxy.ask(format!("GET / HTTP/1.1\r\nHost: a\r\nAuthorization: {shown}\r\n\r\n"));
        let challenges = answer.fields.all("WWW-Authenticate");
        assert_eq!(challenges, [format!("Basic realm=\"{realm}\", charset=\"UTF-8\"")]);
        assert_eq!(answer.fields.get("X-You-Are"), name);
    }
}

#[test]
fn a_token_is_asked_for() {
    let origin = Origin::answering(ok("hi"));
    // The SHA-256 of "token".
    let hash = "{SHA256}3c469e9d6c5875d37a43f353d4f88e61fcf812c66eee3457465a40b0da4153e0";
    let proxy = proxy(BearerAuth::new("api", ["plain", hash]).unwrap(), &origin);
    for (shown, status) in
        [("Bearer plain", 200), ("bearer token", 200), ("Bearer plai", 401), ("Basic plain", 401), ("", 401)]
    {
        let answer = proxy.ask(format!("GET / HTTP/1.1\r\nHost: a\r\nAuthorization: {shown}\r\n\r\n"));
        assert_eq!(answer.status, status, "{shown}");
        let challenge = answer.fields.get("WWW-Authenticate");
        assert_eq!(challenge, (status == 401).then_some("Bearer realm=\"api\""));
    }
}

#[test]
fn other_methods_get_405_and_the_list() {
    let origin = Origin::answering("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
    let proxy =
        proxy(MethodGuard::new([Method::GET, Method::from_bytes(b"PURGE").unwrap()]).unwrap(), &origin);
    for (method, passes) in
        [("GET", true), ("HEAD", true), ("PURGE", true), ("POST", false), ("get", false), ("DELETE", false)]
    {
        let mut client = proxy.client();
        client.send(format!("{method} / HTTP/1.1\r\nHost: a\r\n\r\n"));
        let answer = client.response_to(method);
        assert_eq!(answer.status, if passes { 200 } else { 405 }, "{method}");
        let allow = answer.fields.all("Allow");
        assert_eq!(allow, if passes { vec![] } else { vec!["GET, HEAD, PURGE"] }, "{method}");
    }
    assert_eq!((origin.requests().len(), proxy.errors("method_not_allowed")), (3, 3));
}

#[test]
fn a_closed_site_says_when_to_come_back() {
    let origin = Origin::answering(ok("hi"));
    let closed = || Maintenance::new().retry_after(Duration::from_secs(600)).text("back at noon");
    let shut = proxy(closed().pass(networks(&["10.0.0.0/8"])), &origin);
    let answer = shut.ask(GET);
    assert_eq!((answer.status, answer.fields.get("Retry-After")), (503, Some("600")));
    assert!(answer.fields.get("Proxy-Status").unwrap().contains("back at noon"));
    assert_eq!((origin.requests().len(), shut.errors("maintenance")), (0, 1));

    let open = proxy(closed().pass(networks(&["127.0.0.0/8"])), &origin).ask(GET);
    assert_eq!((open.status, open.fields.get("Retry-After")), (200, None));

    let loopback = networks(&["127.0.0.0/8"]);
    let behind = behind_another(closed().pass(networks(&["10.0.0.0/8"])).trust(loopback), &origin);
    for (forwarded, status) in [("10.0.0.1", 200), ("10.0.0.1, 192.0.2.1", 503)] {
        let answer = behind.ask(format!("GET / HTTP/1.1\r\nHost: a\r\nX-Forwarded-For: {forwarded}\r\n\r\n"));
        assert_eq!(answer.status, status, "{forwarded}");
    }
}

#[test]
fn a_wish_for_another_protocol_is_not_passed_on() {
    let origin = Origin::answering(ok("hi"));
    let proxy = proxy(NoUpgrade, &origin);
    let answer = proxy.ask("GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n");
    assert_eq!(answer.status, 200);
    let seen = origin.only_request().fields;
    assert!(!seen.has("Upgrade"), "{seen:?}");
}
