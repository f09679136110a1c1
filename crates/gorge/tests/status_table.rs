//! Every status of SPEC 10 that this path can cause: on the wire, with its reason, and counted.

mod common;

use common::{RunningProxy, Setup, ok, proxy_to, proxy_with};
use gorge_test_util::{DeafPort, Gate, Origin, RawClient, RefusedPort, Response};
use std::time::Duration;

const SHORT: Duration = Duration::from_millis(50);
const POST: &str = "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nbody";

/// Checks status, reason and form of an answer the proxy made, and that its kind was counted once.
fn made_here(proxy: &RunningProxy, answer: &Response, status: u16, reason: &str, kind: &str) {
    assert_eq!(answer.status, status, "{answer:?}");
    let proxy_status = answer.fields.get("proxy-status").unwrap_or_default();
    assert!(proxy_status.starts_with(&format!("gorge; error={reason}; details=\"")), "{answer:?}");
    assert!(answer.fields.has("date"), "{answer:?}");
    assert!(answer.complete && answer.body.is_empty(), "{answer:?}");
    assert_eq!(proxy.errors(kind), 1, "{kind}");
}

/// One request to a proxy before an origin that works.
fn refused(request: &str, status: u16, reason: &str, kind: &str) {
    let origin = Origin::answering(ok("hi"));
    let proxy = proxy_to(&[origin.addr()]);
    let answer = proxy.ask(request);
    made_here(&proxy, &answer, status, reason, kind);
    assert_eq!(origin.received(), "");
}

#[test]
fn status_400_for_a_bad_head() {
    refused("GET / HTTP/1.1\r\nHost : a\r\n\r\n", 400, "http_request_error", "head_invalid");
}

#[test]
fn status_400_for_a_length_in_doubt() {
    let request = "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1, 1\r\n\r\nx";
    refused(request, 400, "http_request_error", "head_invalid");
}

#[test]
fn status_400_for_a_broken_body() {
    let request = "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nx\r\n";
    let origin = Origin::silent();
    let proxy = proxy_to(&[origin.addr()]);
    let answer = proxy.ask(request);
    made_here(&proxy, &answer, 400, "http_request_error", "framing_invalid");
}

#[test]
fn status_405_for_connect() {
    refused("CONNECT a:443 HTTP/1.1\r\nHost: a\r\n\r\n", 405, "http_request_denied", "method_not_allowed");
}

#[test]
fn status_405_names_the_methods_that_are_allowed() {
    let origin = Origin::answering(ok("hi"));
    let answer = proxy_to(&[origin.addr()]).ask("TRACE / HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_eq!(answer.status, 405);
    assert!(
        answer.fields.get("allow").is_some_and(|allow| allow.contains("GET") && !allow.contains("TRACE"))
    );
}

#[test]
fn status_408_for_a_slow_head() {
    let origin = Origin::answering(ok("hi"));
    let proxy = proxy_with(&[origin.addr()], Setup { head: Some(SHORT), ..Setup::default() });
    let mut client = proxy.client();
    client.send("GET / HTTP/1.1\r\nHost:");
    let answer = client.response();
    made_here(&proxy, &answer, 408, "http_request_error", "head_timed_out");
    assert_eq!(answer.fields.get("connection"), Some("close"));
    assert!(client.is_closed());
    assert_eq!(origin.received(), "");
}

#[test]
fn status_408_for_a_slow_body() {
    let origin = Origin::answering(ok("hi"));
    let proxy = proxy_with(&[origin.addr()], Setup { idle_body: Some(SHORT), ..Setup::default() });
    let mut client = proxy.client();
    client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nhalf");
    let answer = client.response();
    made_here(&proxy, &answer, 408, "http_request_error", "read_timed_out");
    assert_eq!(answer.fields.get("connection"), Some("close"));
    assert!(client.is_closed());
    assert!(origin.requests().iter().all(|request| !request.complete));
}

#[test]
fn a_connection_that_says_nothing_is_closed_without_a_word() {
    let proxy = proxy_with(&[], Setup { head: Some(SHORT), ..Setup::default() });
    let mut client = proxy.client();
    assert!(client.is_closed());
    assert_eq!(proxy.stats().exchanges, 0);
}

#[test]
fn an_idle_connection_is_closed_without_a_word() {
    let origin = Origin::answering(ok("hi"));
    let proxy = proxy_with(&[origin.addr()], Setup { keep_alive: Some(SHORT), ..Setup::default() });
    let mut client = proxy.client();
    client.send(common::GET);
    assert_eq!(client.response().status, 200);
    assert!(client.is_closed());
    assert!(!client.was_reset());
}

#[test]
fn status_413_for_a_body_over_the_limit() {
    let origin = Origin::answering(ok("hi"));
    let proxy = proxy_with(&[origin.addr()], Setup { body: Some(3), ..Setup::default() });
    let answer = proxy.ask(POST);
    made_here(&proxy, &answer, 413, "http_request_error", "body_too_large");
    assert_eq!(answer.fields.get("connection"), Some("close"));
    assert_eq!(origin.received(), "");
}

#[test]
fn status_413_for_chunks_over_the_limit() {
    let origin = Origin::silent();
    let proxy = proxy_with(&[origin.addr()], Setup { body: Some(3), ..Setup::default() });
    let answer =
        proxy.ask("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nbody\r\n0\r\n\r\n");
    made_here(&proxy, &answer, 413, "http_request_error", "body_too_large");
}

#[test]
fn status_414_for_a_long_target() {
    let request = format!("GET /{} HTTP/1.1\r\nHost: a\r\n\r\n", "x".repeat(17_000));
    refused(&request, 414, "http_request_error", "uri_too_long");
}

#[test]
fn status_417_for_an_unknown_expectation() {
    let request = "GET / HTTP/1.1\r\nHost: a\r\nExpect: x\r\n\r\n";
    refused(request, 417, "http_request_error", "expectation_unknown");
}

#[test]
fn status_431_for_too_many_fields() {
    let request = format!("GET / HTTP/1.1\r\nHost: a\r\n{}\r\n", "A: b\r\n".repeat(128));
    refused(&request, 431, "http_request_error", "head_too_large");
}

#[test]
fn status_501_for_a_transfer_coding() {
    let request = "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n";
    refused(request, 501, "http_request_error", "not_implemented");
}

#[test]
fn status_502_when_nobody_listens() {
    let refused = RefusedPort::new();
    let proxy = proxy_with(&[refused.addr()], Setup { attempts: Some(1), ..Setup::default() });
    let answer = proxy.ask(common::GET);
    made_here(&proxy, &answer, 502, "connection_refused", "connect_refused");
}

#[test]
fn status_502_for_an_answer_that_never_came() {
    let origin = Origin::start(|connection| {
        connection.request();
    });
    let proxy = proxy_to(&[origin.addr()]);
    let answer = proxy.ask(POST);
    made_here(&proxy, &answer, 502, "http_response_incomplete", "closed_early");
}

#[test]
fn status_502_for_a_broken_answer() {
    let origin = Origin::answering("HTTP/1.1 200 OK\r\nA : b\r\nContent-Length: 0\r\n\r\n");
    let proxy = proxy_to(&[origin.addr()]);
    let answer = proxy.ask(POST);
    made_here(&proxy, &answer, 502, "http_protocol_error", "head_invalid");
}

#[test]
fn status_502_for_a_large_head_of_an_answer() {
    let origin = Origin::answering(format!("HTTP/1.1 200 OK\r\nA: {}\r\n\r\n", "x".repeat(70_000)));
    let proxy = proxy_to(&[origin.addr()]);
    let answer = proxy.ask(POST);
    made_here(&proxy, &answer, 502, "http_response_header_section_size", "head_too_large");
}

#[test]
fn status_503_when_there_is_no_peer() {
    let proxy = proxy_to(&[]);
    let answer = proxy.ask(common::GET);
    made_here(&proxy, &answer, 503, "destination_unavailable", "no_peer");
}

#[test]
fn status_504_when_a_connect_takes_too_long() {
    let deaf = DeafPort::new();
    let setup = Setup { connect: Some(SHORT), attempts: Some(1), ..Setup::default() };
    let proxy = proxy_with(&[deaf.addr()], setup);
    let answer = proxy.ask(common::GET);
    made_here(&proxy, &answer, 504, "connection_timeout", "connect_timed_out");
}

#[test]
fn status_504_when_the_first_byte_takes_too_long() {
    let silent = Origin::silent();
    let proxy = proxy_with(&[silent.addr()], Setup { first_byte: Some(SHORT), ..Setup::default() });
    let answer = proxy.ask(common::GET);
    made_here(&proxy, &answer, 504, "http_response_timeout", "first_byte_timed_out");
}

#[test]
fn status_504_when_the_head_of_an_answer_stands_still() {
    let origin = Origin::start(|connection| {
        connection.request();
        connection.send("HTTP/1.1 200 OK\r\nContent-Le");
        connection.rest();
    });
    let proxy = proxy_with(&[origin.addr()], Setup { first_byte: Some(SHORT), ..Setup::default() });
    assert_eq!(proxy.ask(POST).status, 504);
}

#[test]
fn status_504_when_an_exchange_takes_too_long_in_all() {
    let silent = Origin::silent();
    let proxy = proxy_with(&[silent.addr()], Setup { total: Some(SHORT), ..Setup::default() });
    assert_eq!(proxy.ask(POST).status, 504);
}

#[test]
fn a_body_that_stands_still_breaks_off() {
    let origin = Origin::start(|connection| {
        connection.request();
        connection.send("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf");
        connection.rest();
    });
    let proxy = proxy_with(&[origin.addr()], Setup { idle_body: Some(SHORT), ..Setup::default() });
    let answer = proxy.ask(common::GET);
    assert_eq!((answer.status, answer.text().as_str(), answer.complete), (200, "half", false));
    assert_eq!(proxy.errors("idle_timed_out"), 1);
}

#[test]
fn a_reader_that_stands_still_is_cut_off() {
    let ended = Gate::new("the origin was let go");
    let origin = Origin::start({
        let ended = ended.clone();
        move |connection| {
            connection.request();
            connection.send("HTTP/1.1 200 OK\r\n\r\n");
            while connection.send([b'x'; 10_000]) {}
            ended.open();
        }
    });
    let proxy = proxy_with(&[origin.addr()], Setup { write: Some(SHORT), ..Setup::default() });
    let mut client = RawClient::connect_narrow(proxy.addr());
    client.send(common::GET);
    ended.wait();
    proxy.wait_for("the count", |proxy| proxy.errors("write_timed_out") == 1);
}

#[test]
fn status_505_for_another_version() {
    refused("GET / HTTP/2.0\r\nHost: a\r\n\r\n", 505, "http_request_error", "version_unsupported");
}

#[test]
fn status_508_for_a_loop() {
    let via = ["1.1 gorge"; 6].join(", ");
    refused(&format!("GET / HTTP/1.1\r\nHost: a\r\nVia: {via}\r\n\r\n"), 508, "proxy_loop_detected", "loop");
}

#[test]
fn an_error_answer_to_head_has_no_body() {
    let refused = RefusedPort::new();
    let proxy = proxy_with(&[refused.addr()], Setup { attempts: Some(1), ..Setup::default() });
    let mut client = proxy.client();
    client.send("HEAD / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
    assert_eq!(client.response_to("HEAD").status, 502);
    assert!(client.is_closed());
}

#[test]
fn an_error_keeps_the_connection_of_a_request_that_was_read() {
    let refused = RefusedPort::new();
    let proxy = proxy_with(&[refused.addr()], Setup { attempts: Some(1), ..Setup::default() });
    let mut client = proxy.client();
    for _ in 0..2 {
        client.send(common::GET);
        let answer = client.response();
        assert_eq!((answer.status, answer.fields.get("connection")), (502, None));
    }
}

#[test]
fn an_error_closes_the_connection_of_a_request_that_was_not_read() {
    let refused = RefusedPort::new();
    let proxy = proxy_with(&[refused.addr()], Setup { attempts: Some(1), ..Setup::default() });
    let mut client = proxy.client();
    client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 99\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n");
    let answer = client.response();
    assert_eq!((answer.status, answer.fields.get("connection")), (502, Some("close")));
    assert!(client.is_closed());
}
