//! Each request has an id that upstream, client and log agree on.

mod common;

use common::{GET, RunningProxy, Setup, balancer, ok, run};
use gorge::protocols::{IpNet, Networks};
use gorge::proxy::filters::RequestId;
use gorge_test_util::Origin;

fn proxy(filter: RequestId, origin: &Origin) -> RunningProxy {
    let setup = Setup::default();
    run(setup.builder().filter(filter).upstream(balancer(&[origin.addr()], &setup)).build().unwrap(), &setup)
}

fn loopback() -> Networks {
    ["127.0.0.0/8".parse::<IpNet>().unwrap()].into_iter().collect()
}

fn is_new(id: &str) -> bool {
    id.len() == 32 && id.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b))
}

/// The ids that the upstream saw, and the one that the client was told.
fn ids(filter: RequestId, fields: &str) -> (Vec<String>, Option<String>) {
    let origin = Origin::answering(ok("hi"));
    let proxy = proxy(filter, &origin);
    let answer = proxy.ask(format!("GET / HTTP/1.1\r\nHost: a\r\n{fields}\r\n"));
    let seen = origin.only_request();
    let ids = seen.fields.all("X-Request-Id").into_iter().map(str::to_owned).collect();
    assert!(!seen.fields.names().iter().any(|name| name.contains('_')), "{:?}", seen.fields.names());
    (ids, answer.fields.get("X-Request-Id").map(str::to_owned))
}

#[test]
fn a_strangers_id_is_replaced() {
    for fields in ["", "X-Request-Id: mine\r\n", "X-Request-Id: a\r\nX-Request-Id: b\r\nX_Request_Id: c\r\n"]
    {
        let (seen, told) = ids(RequestId::new(), fields);
        assert!(matches!(&seen[..], [id] if is_new(id)), "{fields:?}: {seen:?}");
        assert_eq!(told, None);
    }
}

#[test]
fn a_trusted_proxys_id_is_kept_if_it_is_sane() {
    let longest = "x".repeat(128);
    for (sent, kept) in [
        ("mine-1", true),
        (longest.as_str(), true),
        (&format!("{longest}x"), false),
        ("a b", false),
        ("", false),
        ("caf\u{e9}", false),
        ("a\r\nX-Request-Id: b", false),
    ] {
        let (seen, _) = ids(RequestId::new().trust(loopback()), &format!("X-Request-Id: {sent}\r\n"));
        assert_eq!(seen.len(), 1);
        assert_eq!(seen[0] == sent, kept, "{sent}: {seen:?}");
        assert!(kept || is_new(&seen[0]), "{sent}: {seen:?}");
    }
}

#[test]
fn with_echo_the_client_is_told() {
    let (seen, told) = ids(RequestId::new().echo(), "");
    assert_eq!(told.as_deref(), Some(seen[0].as_str()));
}

#[test]
fn with_echo_what_the_upstream_says_is_replaced_and_else_it_stays() {
    let answer = "HTTP/1.1 200 OK\r\nX-Request-Id: theirs\r\nContent-Length: 0\r\n\r\n";
    for (filter, stays) in [(RequestId::new(), true), (RequestId::new().echo(), false)] {
        let origin = Origin::answering(answer);
        let told = proxy(filter, &origin).ask(GET);
        let told = told.fields.all("X-Request-Id");
        assert_eq!(told.len(), 1);
        assert_eq!(told[0] == "theirs", stays, "{told:?}");
    }
}

#[test]
fn an_answer_of_the_proxys_own_has_it_without_echo() {
    // Closes each connection at once: 502.
    let origin = Origin::start(|connection| connection.close());
    let answer = proxy(RequestId::new(), &origin).ask(GET);
    assert_eq!(answer.status, 502);
    assert!(is_new(answer.fields.get("X-Request-Id").unwrap()));
}

#[test]
fn each_exchange_of_a_connection_has_its_own() {
    let origin = Origin::answering(ok("hi"));
    let proxy = proxy(RequestId::new().echo(), &origin);
    let mut client = proxy.client();
    let mut id = || {
        client.send(GET);
        client.response().fields.get("X-Request-Id").unwrap().to_owned()
    };
    assert_ne!(id(), id());
}
