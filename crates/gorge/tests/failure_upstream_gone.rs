//! An origin that leaves in the middle of an answer: the client sees a broken body, never a complete one.

mod common;

use common::{ok, proxy_to};
use gorge_test_util::{Connection, Gate, Origin};

/// Sends the head and half a body; once that has been seen, `end` ends the connection.
fn half(head: &'static str, end: fn(&mut Connection), seen: &Gate) -> Origin {
    let seen = seen.clone();
    Origin::start(move |connection| {
        connection.request();
        connection.send(head);
        connection.send("4\r\nhalf\r\n");
        seen.wait();
        end(connection);
    })
}

#[test]
fn a_body_of_known_length_stays_short() {
    for end in [Connection::close, Connection::reset] {
        let seen = Gate::new("the client has seen half the body");
        let origin = half("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n", end, &seen);
        let proxy = proxy_to(&[origin.addr()]);
        let mut client = proxy.client();
        client.send(common::GET);
        assert_eq!(client.head().fields.get("content-length"), Some("100"));
        assert_eq!(client.exactly(9), b"4\r\nhalf\r\n");
        seen.open();
        assert_eq!(client.rest(), b"");
    }
}

#[test]
fn a_chunked_body_gets_no_last_chunk() {
    for end in [Connection::close, Connection::reset] {
        let seen = Gate::new("the client has seen half the body");
        let origin = half("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", end, &seen);
        let proxy = proxy_to(&[origin.addr()]);
        let mut client = proxy.client();
        client.send(common::GET);
        assert!(client.head().fields.has("transfer-encoding"));
        assert_eq!(client.exactly(9), b"4\r\nhalf\r\n");
        seen.open();
        assert_eq!(client.rest(), b"");
    }
}

#[test]
fn an_http_1_0_client_sees_a_reset_in_place_of_an_end() {
    let seen = Gate::new("the client has seen half the body");
    let origin = half("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", Connection::close, &seen);
    let proxy = proxy_to(&[origin.addr()]);
    let mut client = proxy.client();
    client.send("GET / HTTP/1.0\r\n\r\n");
    assert_eq!(client.head().status, 200);
    assert_eq!(client.exactly(4), b"half");
    seen.open();
    client.rest();
    assert!(client.was_reset());
}

#[test]
fn no_further_request_is_read_behind_a_broken_body() {
    let seen = Gate::new("the client has seen half the body");
    let origin = half("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", Connection::close, &seen);
    let proxy = proxy_to(&[origin.addr()]);
    let mut client = proxy.client();
    client.send(format!("{}GET /next HTTP/1.1\r\nHost: a\r\n\r\n", common::GET));
    assert_eq!(client.head().status, 200);
    seen.open();
    assert!(!client.rest().windows(8).any(|bytes| bytes == b"HTTP/1.1"));
    assert!(!origin.received().contains("/next"));
}

#[test]
fn an_origin_that_leaves_before_its_answer_is_a_502() {
    for end in [Connection::close, Connection::reset] {
        let origin = Origin::start(move |connection| {
            connection.request();
            end(connection);
        });
        let proxy = proxy_to(&[origin.addr()]);
        let answer = proxy.ask("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nhi");
        assert_eq!(answer.status, 502);
        assert!(answer.fields.get("proxy-status").unwrap().contains("error="), "{answer:?}");
        assert_eq!(origin.connections(), 1);
    }
}

#[test]
fn a_502_keeps_the_connection_of_a_client_whose_request_was_read() {
    let origin = Origin::start(|connection| {
        let request = connection.request();
        if request.method != "POST" {
            connection.send(ok("hi"));
        }
    });
    let proxy = proxy_to(&[origin.addr()]);
    let mut client = proxy.client();
    client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nhi");
    let answer = client.response();
    assert_eq!(answer.status, 502);
    if answer.fields.get("connection") != Some("close") {
        client.send(common::GET);
        assert_eq!(client.response().text(), "hi");
    }
}
