//! When another attempt is made, row by row of SPEC 10.

mod common;

use common::{Setup, ok, proxy_to, proxy_with};
use gorge_test_util::{DeafPort, Gate, Origin, RefusedPort};
use std::time::Duration;

const POST: &str = "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nbody";
const EMPTY_POST: &str = "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n";
const PUT: &str = "PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nbody";

/// Reads a request and closes without a word.
fn mute() -> Origin {
    Origin::start(|connection| {
        connection.next_request();
    })
}

fn unavailable() -> Origin {
    Origin::answering("HTTP/1.1 503 Service Unavailable\r\nContent-Length: 4\r\n\r\nbusy")
}

/// Answers the first request and closes at the second one.
fn fickle() -> Origin {
    Origin::start(|connection| {
        connection.request();
        connection.send(ok("first"));
        connection.next_request();
    })
}

#[test]
fn a_refused_connection_moves_any_method_to_another_peer() {
    let (refused, origin) = (RefusedPort::new(), Origin::answering(ok("hi")));
    let proxy = proxy_to(&[refused.addr(), origin.addr()]);
    for request in [common::GET, POST, common::GET, POST] {
        assert_eq!(proxy.ask(request).text(), "hi");
    }
    assert_eq!(origin.requests().iter().filter(|request| request.text() == "body").count(), 2);
}

#[test]
fn a_connect_that_times_out_moves_any_method_to_another_peer() {
    let (deaf, origin) = (DeafPort::new(), Origin::answering(ok("hi")));
    let setup = Setup { connect: Some(Duration::from_millis(50)), ..Setup::default() };
    let proxy = proxy_with(&[deaf.addr(), origin.addr()], setup);
    for _ in 0..2 {
        assert_eq!(proxy.ask(POST).text(), "hi");
    }
}

#[test]
fn a_reused_connection_that_closes_is_followed_by_another_for_an_idempotent_method() {
    let origin = fickle();
    let proxy = proxy_to(&[origin.addr()]);
    assert_eq!(proxy.ask(common::GET).text(), "first");
    assert_eq!(proxy.ask(PUT).text(), "first");
    assert_eq!(origin.connections(), 2);
    // The body was there for the second attempt too.
    let bodies: Vec<_> = origin.requests().iter().map(|request| request.text()).collect();
    assert_eq!(bodies, ["", "body", "body"]);
}

#[test]
fn a_post_on_a_reused_connection_that_closes_is_not_sent_twice() {
    let origin = fickle();
    let proxy = proxy_to(&[origin.addr()]);
    assert_eq!(proxy.ask(common::GET).text(), "first");
    assert_eq!(proxy.ask(POST).status, 502);
    assert_eq!(origin.received().matches("POST").count(), 1);
}

#[test]
fn a_connection_closed_while_idle_is_not_used() {
    let origin = Origin::answering_once(ok("once"));
    let proxy = proxy_to(&[origin.addr()]);
    for count in 1..=3 {
        // Not idempotent: were it sent on the closed connection, it would be lost.
        assert_eq!(proxy.ask(POST).text(), "once");
        origin.wait_for_ends(count);
    }
}

#[test]
fn a_fresh_connection_that_closes_is_tried_three_times_in_all_for_an_idempotent_method() {
    let origin = mute();
    let answer = proxy_to(&[origin.addr()]).ask(PUT);
    assert_eq!(answer.status, 502);
    assert!(answer.fields.get("proxy-status").unwrap().contains("error="), "{answer:?}");
    assert_eq!(origin.connections(), 3);
}

#[test]
fn a_fresh_connection_that_closes_moves_an_idempotent_method_to_another_peer() {
    let (mute, origin) = (mute(), Origin::answering(ok("hi")));
    let proxy = proxy_to(&[mute.addr(), origin.addr()]);
    for _ in 0..4 {
        assert_eq!(proxy.ask(PUT).text(), "hi");
    }
    assert!(mute.connections() > 0);
}

#[test]
fn a_post_on_a_fresh_connection_that_closes_is_not_sent_twice() {
    let origin = mute();
    assert_eq!(proxy_to(&[origin.addr()]).ask(POST).status, 502);
    assert_eq!(origin.connections(), 1);
}

#[test]
fn a_silent_peer_is_left_for_another_by_idempotent_methods() {
    let (silent, origin) = (Origin::silent(), Origin::answering(ok("hi")));
    let setup = Setup { first_byte: Some(Duration::from_millis(50)), ..Setup::default() };
    let proxy = proxy_with(&[silent.addr(), origin.addr()], setup);
    for _ in 0..2 {
        assert_eq!(proxy.ask(common::GET).text(), "hi");
    }
    assert!(silent.connections() > 0);
}

#[test]
fn a_post_to_a_silent_peer_ends_with_504() {
    let silent = Origin::silent();
    let setup = Setup { first_byte: Some(Duration::from_millis(50)), ..Setup::default() };
    assert_eq!(proxy_with(&[silent.addr()], setup).ask(POST).status, 504);
    assert_eq!(silent.connections(), 1);
}

#[test]
fn a_retry_status_moves_an_idempotent_method_to_a_peer_not_yet_tried() {
    let (unavailable, origin) = (unavailable(), Origin::answering(ok("hi")));
    let proxy = proxy_to(&[unavailable.addr(), origin.addr()]);
    for _ in 0..4 {
        assert_eq!(proxy.ask(common::GET).text(), "hi");
    }
    assert!(unavailable.connections() > 0);
}

#[test]
fn a_retry_status_goes_through_when_no_peer_is_left() {
    let (first, second) = (unavailable(), unavailable());
    let answer = proxy_to(&[first.addr(), second.addr()]).ask(common::GET);
    assert_eq!((answer.status, answer.text().as_str()), (503, "busy"));
    assert_eq!((first.requests().len(), second.requests().len()), (1, 1));
}

#[test]
fn a_retry_status_goes_through_for_a_post() {
    let (first, second) = (unavailable(), unavailable());
    assert_eq!(proxy_to(&[first.addr(), second.addr()]).ask(POST).status, 503);
    assert_eq!(first.requests().len() + second.requests().len(), 1);
}

#[test]
fn a_broken_answer_is_not_asked_for_again() {
    let broken = || Origin::answering("HTTP/1.1 200 OK\r\nContent-Length: +5\r\n\r\nhello");
    let (first, second) = (broken(), broken());
    assert_eq!(proxy_to(&[first.addr(), second.addr()]).ask(common::GET).status, 502);
    assert_eq!(first.requests().len() + second.requests().len(), 1);
}

#[test]
fn nothing_is_repeated_once_the_client_has_seen_a_byte() {
    let seen = Gate::new("the client has seen the head");
    let half = || {
        let seen = seen.clone();
        Origin::start(move |connection| {
            connection.request();
            connection.send("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf");
            seen.wait();
        })
    };
    let (first, second) = (half(), half());
    let proxy = proxy_to(&[first.addr(), second.addr()]);
    let mut client = proxy.client();
    client.send(common::GET);
    assert_eq!(client.head().status, 200);
    seen.open();
    assert_eq!(client.rest(), b"half");
    assert_eq!(first.requests().len() + second.requests().len(), 1);
}

#[test]
fn an_interim_answer_is_no_byte_of_the_response() {
    let hint = Origin::start(|connection| {
        connection.request();
        connection.send("HTTP/1.1 103 Early Hints\r\nLink: <a>\r\n\r\n");
        connection.finish();
        connection.rest();
    });
    let origin = Origin::answering(ok("hi"));
    let proxy = proxy_to(&[hint.addr(), origin.addr()]);
    for _ in 0..2 {
        let mut client = proxy.client();
        client.send(common::GET);
        let answer = client.response();
        let last = if answer.status == 103 { client.response() } else { answer };
        assert_eq!(last.text(), "hi");
    }
}

#[test]
fn a_421_is_asked_again_once_on_a_new_connection() {
    let origin = Origin::start(|connection| {
        connection.request();
        if connection.number() == 0 {
            connection.send("HTTP/1.1 421 Misdirected Request\r\nContent-Length: 0\r\n\r\n");
            connection.rest();
        } else {
            connection.send(ok("here"));
        }
    });
    assert_eq!(proxy_to(&[origin.addr()]).ask(EMPTY_POST).text(), "here");

    let always = Origin::answering("HTTP/1.1 421 Misdirected Request\r\nContent-Length: 0\r\n\r\n");
    assert_eq!(proxy_to(&[always.addr()]).ask(EMPTY_POST).status, 421);
    assert_eq!((always.requests().len(), always.connections()), (2, 2));
}

#[test]
fn a_body_beyond_the_replay_buffer_is_not_sent_twice() {
    let origin = mute();
    let body = "x".repeat(64 * 1024 + 1);
    let request = format!("PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: {}\r\n\r\n{body}", body.len());
    assert_eq!(proxy_to(&[origin.addr()]).ask(request).status, 502);
    assert_eq!(origin.connections(), 1);
}

#[test]
fn a_body_of_the_replay_buffers_size_is_sent_twice() {
    let (mute, origin) = (mute(), Origin::answering(ok("hi")));
    let proxy = proxy_to(&[mute.addr(), origin.addr()]);
    let body = "x".repeat(64 * 1024);
    for _ in 0..2 {
        let request = format!("PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: {}\r\n\r\n{body}", body.len());
        assert_eq!(proxy.ask(request).text(), "hi");
    }
    assert!(origin.requests().iter().all(|request| request.text() == body));
}
