//! Expect: 100-continue is between client and origin (RFC 9110 10.1.1).

mod common;

use common::{ok, proxy_to};
use gorge_test_util::{Gate, Origin};

const EXPECTING: &str = "POST /up HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 4\r\n\r\n";

#[test]
fn the_expectation_and_the_100_pass_before_the_body() {
    let origin = Origin::start(|connection| {
        let mut request = connection.head();
        assert_eq!(request.fields.get("expect"), Some("100-continue"));
        connection.send("HTTP/1.1 100 Continue\r\n\r\n");
        connection.body_of(&mut request);
        connection.send(ok("done"));
    });
    let proxy = proxy_to(&[origin.addr()]);
    let mut client = proxy.client();
    client.send(EXPECTING);
    assert_eq!(client.response().status, 100);
    client.send("body");
    assert_eq!(client.response().text(), "done");
    assert_eq!(origin.only_request().text(), "body");
}

#[test]
fn a_final_answer_in_place_of_the_100_comes_at_once() {
    let origin = Origin::start(|connection| {
        connection.head();
        connection.send("HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\nConnection: close\r\n\r\nno");
        connection.rest();
    });
    let proxy = proxy_to(&[origin.addr()]);
    let mut client = proxy.client();
    client.send(EXPECTING);
    let answer = client.response();
    assert_eq!((answer.status, answer.text().as_str()), (403, "no"));
    // Whether the client still sends its body cannot be known, so nothing more is read here.
    assert_eq!(answer.fields.get("connection"), Some("close"));
    assert!(client.is_closed());
}

#[test]
fn a_client_that_does_not_wait_is_served() {
    let origin = Origin::answering(ok("done"));
    let proxy = proxy_to(&[origin.addr()]);
    let mut client = proxy.client();
    client.send(format!("{EXPECTING}body"));
    assert_eq!(client.response().text(), "done");
    assert_eq!(origin.only_request().text(), "body");
}

#[test]
fn a_body_that_starts_before_the_100_is_not_held_back() {
    let seen = Gate::new("the origin has read the body");
    let origin = Origin::start({
        let seen = seen.clone();
        move |connection| {
            connection.request();
            seen.open();
            connection.send("HTTP/1.1 100 Continue\r\n\r\n");
            connection.send(ok("done"));
        }
    });
    let proxy = proxy_to(&[origin.addr()]);
    let mut client = proxy.client();
    client.send(format!("{EXPECTING}body"));
    seen.wait();
    let first = client.response();
    let last = if first.status == 100 { client.response() } else { first };
    assert_eq!(last.text(), "done");
}

#[test]
fn an_unknown_expectation_is_refused_here() {
    let origin = Origin::answering(ok("hi"));
    let proxy = proxy_to(&[origin.addr()]);
    let answer = proxy.ask("GET / HTTP/1.1\r\nHost: a\r\nExpect: the-unexpected\r\n\r\n");
    assert_eq!(answer.status, 417);
    assert!(answer.fields.get("proxy-status").unwrap().contains("error="), "{answer:?}");
    assert_eq!(origin.received(), "");
}

#[test]
fn an_http_1_0_client_gets_no_100() {
    let origin = Origin::start(|connection| {
        connection.request();
        connection.send("HTTP/1.1 100 Continue\r\n\r\n");
        connection.send(ok("done"));
    });
    let proxy = proxy_to(&[origin.addr()]);
    let request = "POST / HTTP/1.0\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 4\r\n\r\nbody";
    let answer = proxy.ask(request);
    assert_eq!((answer.status, answer.text().as_str()), (200, "done"));
}

#[test]
fn a_connection_whose_body_was_never_sent_is_not_reused() {
    let origin = Origin::start(|connection| {
        let request = connection.head();
        connection.send(ok(&request.method));
        connection.rest();
    });
    let proxy = proxy_to(&[origin.addr()]);
    let mut client = proxy.client();
    client.send(EXPECTING);
    assert_eq!(client.response().text(), "POST");
    assert_eq!(proxy.ask(common::GET).text(), "GET");
    assert_eq!(origin.connections(), 2);
    assert!(!origin.received_on(0).contains("GET"));
}
