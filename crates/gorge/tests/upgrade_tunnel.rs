//! A tunnel begins at the 101 and at nothing before it (RFC 9110 7.8).

mod common;

use common::{Setup, ok, proxy_to, proxy_with};
use gorge_test_util::{Connection, Gate, Origin};
use std::time::Duration;

const UPGRADE: &str =
    "GET /chat HTTP/1.1\r\nHost: a\r\nConnection: keep-alive, Upgrade\r\nUpgrade: echo/1\r\n\r\n";
const SWITCHING: &str = "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: echo/1\r\n\r\n";

/// Agrees and then sends back what comes, to the end.
fn echo(connection: &mut Connection) {
    connection.request();
    connection.send(SWITCHING);
    loop {
        let bytes = connection.some();
        if bytes.is_empty() {
            return;
        }
        connection.send(bytes);
    }
}

#[test]
fn bytes_pass_both_ways_behind_the_101() {
    let origin = Origin::start(echo);
    let proxy = proxy_to(&[origin.addr()]);
    let mut client = proxy.client();
    client.send(UPGRADE);
    let answer = client.response();
    assert_eq!((answer.status, answer.fields.get("upgrade")), (101, Some("echo/1")));
    assert!(answer.fields.get("connection").unwrap().eq_ignore_ascii_case("upgrade"));
    for message in ["one", "\0\r\n\r\nGET / HTTP/1.1\r\n\r\n", "three"] {
        client.send(message);
        assert_eq!(client.exactly(message.len()), message.as_bytes());
    }
    let request = origin.only_request();
    assert_eq!(request.fields.get("upgrade"), Some("echo/1"));
    assert!(request.fields.all("connection").join(",").to_lowercase().contains("upgrade"), "{request:?}");
}

#[test]
fn bytes_that_come_with_the_101_are_not_lost() {
    let origin = Origin::start(|connection| {
        connection.request();
        connection.send(format!("{SWITCHING}welcome"));
        connection.rest();
    });
    let proxy = proxy_to(&[origin.addr()]);
    let mut client = proxy.client();
    client.send(UPGRADE);
    assert_eq!(client.response().status, 101);
    assert_eq!(client.exactly(7), b"welcome");
}

#[test]
fn each_half_of_a_tunnel_ends_for_itself() {
    let origin = Origin::start(|connection| {
        connection.request();
        connection.send(SWITCHING);
        let all = connection.rest();
        connection.send(format!("got {}", all.len()));
    });
    let proxy = proxy_to(&[origin.addr()]);
    let mut client = proxy.client();
    client.send(UPGRADE);
    assert_eq!(client.response().status, 101);
    client.send(vec![b'x'; 300_000]);
    client.finish();
    assert_eq!(client.rest(), b"got 300000");
}

#[test]
fn the_end_of_the_origin_ends_the_tunnel() {
    let origin = Origin::start(|connection| {
        connection.request();
        connection.send(SWITCHING);
    });
    let proxy = proxy_to(&[origin.addr()]);
    let mut client = proxy.client();
    client.send(UPGRADE);
    assert_eq!(client.response().status, 101);
    assert!(client.is_closed());
}

#[test]
fn nothing_is_tunnelled_before_the_101() {
    let decided = Gate::new("the client has sent bytes for a tunnel");
    let origin = Origin::start({
        let decided = decided.clone();
        move |connection| {
            connection.request();
            decided.wait();
            connection.send(ok("no upgrade"));
            connection.rest();
        }
    });
    let proxy = proxy_to(&[origin.addr()]);
    let mut client = proxy.client();
    client.send(format!("{UPGRADE}\u{1}tunnelled\r\n\r\n"));
    decided.open();
    assert_eq!(client.response().text(), "no upgrade");
    // What was meant for the tunnel is no request either.
    let answer = client.try_response();
    assert!(answer.is_none_or(|answer| answer.status == 400));
    assert!(client.is_closed());
    assert!(!origin.received().contains("tunnelled"));
}

#[test]
fn requests_pipelined_behind_a_declined_upgrade_are_requests() {
    let origin = Origin::start(|connection| {
        while let Some(request) = connection.next_request() {
            connection.send(ok(&request.target));
        }
    });
    let proxy = proxy_to(&[origin.addr()]);
    let mut client = proxy.client();
    client.send(format!("{UPGRADE}GET /next HTTP/1.1\r\nHost: a\r\n\r\n"));
    assert_eq!(client.response().text(), "/chat");
    assert_eq!(client.response().text(), "/next");
    // As a request of its own: with what the proxy adds to each.
    assert_eq!(origin.requests()[1].fields.get("via"), Some("1.1 gorge"));
}

#[test]
fn an_http_1_0_client_cannot_upgrade() {
    let origin = Origin::answering(ok("hi"));
    let proxy = proxy_to(&[origin.addr()]);
    let answer = proxy.ask("GET / HTTP/1.0\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: echo/1\r\n\r\n");
    assert_eq!(answer.status, 200);
    assert!(!origin.only_request().fields.has("upgrade"));
}

#[test]
fn upgrade_without_connection_is_dropped() {
    let origin = Origin::answering(ok("hi"));
    let proxy = proxy_to(&[origin.addr()]);
    assert_eq!(proxy.ask("GET / HTTP/1.1\r\nHost: a\r\nUpgrade: echo/1\r\n\r\n").status, 200);
    assert!(!origin.only_request().fields.has("upgrade"));
}

#[test]
fn a_101_nobody_asked_for_is_a_bad_answer() {
    let origin = Origin::start(echo);
    let proxy = proxy_to(&[origin.addr()]);
    let answer = proxy.ask(common::GET);
    assert_eq!(answer.status, 502);
}

#[test]
fn a_tunnel_in_which_nothing_passes_is_closed_on_both_sides() {
    let origin = Origin::start(echo);
    let proxy =
        proxy_with(&[origin.addr()], Setup { tunnel: Some(Duration::from_millis(50)), ..Setup::default() });
    let mut client = proxy.client();
    client.send(UPGRADE);
    assert_eq!(client.response().status, 101);
    assert!(client.is_closed());
    origin.wait_for_ends(1);
}

#[test]
fn a_body_of_the_request_goes_before_the_tunnel() {
    let origin = Origin::start(echo);
    let proxy = proxy_to(&[origin.addr()]);
    for framed in
        ["Content-Length: 4\r\n\r\nbody", "Transfer-Encoding: chunked\r\n\r\n4\r\nbody\r\n0\r\n\r\n"]
    {
        origin.forget();
        let mut client = proxy.client();
        let head = "POST /chat HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: echo/1\r\n";
        client.send(format!("{head}{framed}"));
        assert_eq!(client.response().status, 101);
        client.send("tunnelled");
        assert_eq!(client.exactly(9), b"tunnelled");
        assert_eq!(origin.only_request().text(), "body");
    }
}

#[test]
fn a_101_before_the_request_is_whole_never_mixes_body_and_tunnel() {
    let origin = Origin::start(|connection| {
        connection.head();
        connection.send(SWITCHING);
        connection.rest();
    });
    let proxy = proxy_to(&[origin.addr()]);
    let mut client = proxy.client();
    client.send(
        "POST /chat HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: echo/1\r\nTransfer-Encoding: chunked\r\n\r\n",
    );
    // An origin that does not wait for the request has broken the rules; what follows is no tunnel.
    assert_eq!(client.response().status, 502);
    client.send("4\r\nbody\r\n0\r\n\r\n");
    assert!(client.is_closed());
    assert!(!origin.received().contains("0\r\n\r\n"));
}
