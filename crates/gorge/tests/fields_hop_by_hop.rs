//! Fields that are for one connection end with it, in both directions (RFC 9110 7.6.1).

mod common;

use common::{ok, proxy_to};
use gorge_test_util::Origin;

#[test]
fn the_connection_fields_of_a_request_do_not_reach_the_origin() {
    let origin = Origin::answering(ok("hi"));
    let proxy = proxy_to(&[origin.addr()]);
    proxy.ask(
        "GET / HTTP/1.1\r\nHost: example.org\r\nConnection: keep-alive, X-Private\r\nX-Private: 1\r\n\
         Keep-Alive: timeout=5\r\nProxy-Connection: keep-alive\r\nProxy-Authorization: Basic c2VjcmV0\r\n\
         TE: trailers, deflate\r\nTrailer: X-T\r\nUpgrade: websocket\r\nX-Kept: 2\r\n\r\n",
    );
    let request = origin.only_request();
    for name in ["X-Private", "Keep-Alive", "Proxy-Connection", "Proxy-Authorization", "Trailer", "Upgrade"] {
        assert!(!request.fields.has(name), "{name}: {request:?}");
    }
    assert!(!request.fields.all("te").join(",").contains("deflate"));
    assert!(!request.fields.all("connection").join(",").to_lowercase().contains("x-private"));
    assert_eq!(request.fields.get("x-kept"), Some("2"));
    assert_eq!(request.fields.get("host"), Some("example.org"));
}

#[test]
fn the_connection_fields_of_a_response_do_not_reach_the_client() {
    let origin = Origin::answering(
        "HTTP/1.1 200 OK\r\nConnection: X-Private\r\nX-Private: 1\r\nKeep-Alive: timeout=5\r\n\
         Proxy-Connection: keep-alive\r\nProxy-Authenticate: Basic\r\nTrailer: X-T\r\nUpgrade: h2c\r\n\
         X-Kept: 2\r\nContent-Length: 2\r\n\r\nhi",
    );
    let answer = proxy_to(&[origin.addr()]).ask(common::GET);
    for name in ["X-Private", "Keep-Alive", "Proxy-Connection", "Proxy-Authenticate", "Trailer", "Upgrade"] {
        assert!(!answer.fields.has(name), "{name}: {answer:?}");
    }
    assert_eq!(answer.fields.get("x-kept"), Some("2"));
    assert_eq!(answer.text(), "hi");
}

#[test]
fn a_close_of_the_client_does_not_reach_the_origin() {
    let origin = Origin::answering(ok("hi"));
    let proxy = proxy_to(&[origin.addr()]);
    for _ in 0..2 {
        let mut client = proxy.client();
        client.send("GET / HTTP/1.1\r\nHost: example.org\r\nConnection: close\r\n\r\n");
        let answer = client.response();
        assert_eq!(answer.fields.get("connection"), Some("close"));
        assert!(client.is_closed());
    }
    assert!(!origin.received().to_lowercase().contains("connection:"), "{}", origin.received());
    assert_eq!(origin.connections(), 1);
}

#[test]
fn a_close_of_the_origin_does_not_reach_the_client() {
    let origin =
        Origin::answering_once("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nhi");
    let proxy = proxy_to(&[origin.addr()]);
    let mut client = proxy.client();
    for _ in 0..2 {
        client.send(common::GET);
        let answer = client.response();
        assert_eq!((answer.text().as_str(), answer.fields.get("connection")), ("hi", None));
    }
    assert_eq!(origin.connections(), 2);
}

#[test]
fn connection_cannot_remove_host_framing_or_what_the_proxy_sets() {
    let origin = Origin::answering(ok("hi"));
    let proxy = proxy_to(&[origin.addr()]);
    proxy.ask(
        "POST / HTTP/1.1\r\nHost: example.org\r\nContent-Length: 2\r\n\
         Connection: Host, Content-Length, Transfer-Encoding, X-Forwarded-For, X-Real-IP, Via\r\n\r\nhi",
    );
    let request = origin.only_request();
    assert_eq!((request.text().as_str(), request.fields.get("host")), ("hi", Some("example.org")));
    for name in ["X-Forwarded-For", "X-Real-IP", "Via"] {
        assert!(request.fields.has(name), "{name}: {request:?}");
    }
}

#[test]
fn end_to_end_fields_keep_order_case_and_duplicates_both_ways() {
    let origin = Origin::answering(
        "HTTP/1.1 200 OK\r\nSet-Cookie: a=1\r\nx-ODD: q\r\nSet-Cookie: b=2\r\nContent-Length: 0\r\n\r\n",
    );
    let proxy = proxy_to(&[origin.addr()]);
    let answer =
        proxy.ask("GET / HTTP/1.1\r\nhOST: a\r\nCookie: x\r\nb-ODD: 1\r\nCookie: y\r\nX: \x7e~!\r\n\r\n");
    assert_eq!(answer.fields.all("set-cookie"), ["a=1", "b=2"]);
    assert!(answer.fields.names().contains(&"x-ODD"));
    let request = origin.only_request();
    assert_eq!(request.fields.all("cookie"), ["x", "y"]);
    assert!(request.fields.names().contains(&"b-ODD"));
    assert_eq!(request.fields.get("x"), Some("~~!"));
}
