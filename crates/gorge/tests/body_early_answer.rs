//! An answer may come before the request has been sent to its end (RFC 9112 9.5).

mod common;

use std::time::Duration;

use common::{Setup, ok, proxy_to, proxy_with};
use gorge_test_util::{Gate, Origin};

/// In the part of the upload that comes after the answer: must never be taken for a request.
const SMUGGLED: &str = "GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n";

/// Answers 413 when it has read the head, and reads on only for the sake of recording.
fn hasty() -> Origin {
    Origin::start(|connection| {
        while let Some(request) = connection.next_head() {
            if request.method == "GET" {
                connection.send(ok("next"));
                continue;
            }
            connection.send("HTTP/1.1 413 Content Too Large\r\nContent-Length: 5\r\n\r\nlarge");
            connection.rest();
        }
    })
}

#[test]
fn the_answer_does_not_wait_for_the_upload() {
    let origin = hasty();
    let proxy = proxy_to(&[origin.addr()]);
    let mut client = proxy.client();
    client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\nbeginning");
    let answer = client.response();
    assert_eq!((answer.status, answer.text().as_str(), answer.complete), (413, "large", true));
}

#[test]
fn a_short_rest_of_the_upload_is_no_request() {
    let origin = hasty();
    let proxy = proxy_to(&[origin.addr()]);
    let mut client = proxy.client();
    client.send(format!("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: {}\r\n\r\n", SMUGGLED.len()));
    assert_eq!(client.response().status, 413);
    client.send(SMUGGLED);
    client.send("GET /next HTTP/1.1\r\nHost: a\r\n\r\n");
    // The rest was drained and the connection kept, or it was closed; nothing in between.
    if let Some(answer) = client.try_response() {
        assert_eq!((answer.status, answer.text().as_str()), (200, "next"));
    }
    assert!(origin.requests().iter().all(|request| request.target != "/smuggled"));
}

#[test]
fn a_long_rest_of_the_upload_closes_the_connection() {
    let origin = hasty();
    let proxy = proxy_to(&[origin.addr()]);
    let mut client = proxy.client();
    client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100000000\r\n\r\n");
    assert_eq!(client.response().status, 413);
    // Far beyond what may be drained; the proxy may stop reading in the middle of it.
    client.send(SMUGGLED.repeat(10_000));
    assert!(client.is_closed());
    let requests = origin.requests();
    assert!(requests.iter().all(|request| request.target != "/smuggled"), "{requests:?}");
}

#[test]
fn an_origin_that_answers_and_closes_is_heard_although_the_upload_breaks() {
    let origin = Origin::start(|connection| {
        connection.head();
        connection.send("HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\nConnection: close\r\n\r\nno");
        connection.finish();
        connection.rest();
    });
    let proxy = proxy_to(&[origin.addr()]);
    let mut client = proxy.client();
    client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\n");
    let answer = client.response();
    assert_eq!((answer.status, answer.text().as_str()), (403, "no"));
}

#[test]
fn both_directions_flow_at_once() {
    let echoed = Gate::new("the client has read the first echo");
    let origin = Origin::start({
        let echoed = echoed.clone();
        move |connection| {
            connection.head();
            connection.send("HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\n");
            let first = connection.exactly(3);
            connection.send(first);
            echoed.wait();
            let second = connection.exactly(3);
            connection.send(second);
            connection.rest();
        }
    });
    let proxy = proxy_to(&[origin.addr()]);
    let mut client = proxy.client();
    client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 6\r\n\r\n");
    assert_eq!(client.head().status, 200);
    client.send("one");
    assert_eq!(client.exactly(3), b"one");
    echoed.open();
    client.send("two");
    assert_eq!(client.exactly(3), b"two");
}

#[test]
fn an_answer_that_waits_for_a_slow_upload_is_not_late() {
    let origin = Origin::start(|connection| {
        connection.head();
        connection.send("HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\n");
        connection.exactly(10);
        connection.send("thanks");
        connection.rest();
    });
    let idle_body = Duration::from_millis(250);
    let proxy = proxy_with(&[origin.addr()], Setup { idle_body: Some(idle_body), ..Setup::default() });
    let mut client = proxy.client();
    client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\n");
    for _ in 0..10 {
        // A slow client is one that lets time pass.
        std::thread::sleep(idle_body / 5);
        client.send("x");
    }
    assert_eq!(client.response().text(), "thanks");
}
