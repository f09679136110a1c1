//! HTTP/1.0 on either side (RFC 9112 9.3, RFC 9110 2.5).

mod common;

use common::{ok, proxy_to};
use gorge_test_util::Origin;

#[test]
fn an_http_1_0_client_gets_a_body_that_ends_with_the_connection() {
    let origin =
        Origin::answering("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nbody\r\n0\r\n\r\n");
    let proxy = proxy_to(&[origin.addr()]);
    let mut client = proxy.client();
    client.send("GET / HTTP/1.0\r\nHost: a\r\nConnection: keep-alive\r\n\r\n");
    let answer = client.response();
    assert_eq!((answer.text().as_str(), answer.complete), ("body", true));
    assert!(!answer.fields.has("transfer-encoding") && !answer.fields.has("content-length"), "{answer:?}");
    assert!(client.is_closed());
    assert_eq!(origin.only_request().version, "HTTP/1.1");
}

#[test]
fn an_http_1_0_client_is_kept_only_when_it_asks() {
    let origin = Origin::answering(ok("hi"));
    let proxy = proxy_to(&[origin.addr()]);
    let mut client = proxy.client();
    for _ in 0..2 {
        client.send("GET / HTTP/1.0\r\nHost: a\r\nConnection: keep-alive\r\n\r\n");
        let answer = client.response();
        assert_eq!((answer.text().as_str(), answer.fields.get("connection")), ("hi", Some("keep-alive")));
    }
    client.send("GET / HTTP/1.0\r\nHost: a\r\n\r\n");
    assert_eq!(client.response().fields.get("connection"), Some("close"));
    assert!(client.is_closed());
}

#[test]
fn an_http_1_0_request_without_host_is_served() {
    let origin = Origin::answering(ok("hi"));
    let proxy = proxy_to(&[origin.addr()]);
    assert_eq!(proxy.ask("GET /old HTTP/1.0\r\n\r\n").status, 200);
    let request = origin.only_request();
    assert_eq!(
        (request.target.as_str(), request.fields.all("host").len()),
        ("/old", 1),
        "HTTP/1.1 needs a Host"
    );
}

#[test]
fn the_body_of_an_http_1_0_origin_ends_with_its_connection() {
    let origin = Origin::answering_once("HTTP/1.0 200 OK\r\nContent-Type: text/plain\r\n\r\nold body");
    let proxy = proxy_to(&[origin.addr()]);
    let mut client = proxy.client();
    for _ in 0..2 {
        client.send(common::GET);
        let answer = client.response();
        assert_eq!((answer.version.as_str(), answer.text().as_str()), ("HTTP/1.1", "old body"));
        assert!(answer.complete);
    }
    assert_eq!(origin.connections(), 2);
}

#[test]
fn an_http_1_0_origin_is_kept_only_when_it_says_so() {
    for (line, connections) in [("Connection: keep-alive\r\n", 1), ("", 2)] {
        let origin = Origin::answering(format!("HTTP/1.0 200 OK\r\n{line}Content-Length: 2\r\n\r\nhi"));
        let proxy = proxy_to(&[origin.addr()]);
        for _ in 0..2 {
            assert_eq!(proxy.ask(common::GET).text(), "hi");
        }
        assert_eq!(origin.connections(), connections, "{line:?}");
    }
}
