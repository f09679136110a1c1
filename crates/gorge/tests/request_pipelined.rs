//! Requests sent without waiting are answered in order (RFC 9112 9.3.2).

mod common;

use common::{Setup, ok, proxy_to, proxy_with};
use gorge_test_util::Origin;

#[test]
fn pipelined_requests_are_answered_in_order() {
    let origin = Origin::start(|connection| {
        while let Some(request) = connection.next_request() {
            connection.send(ok(&format!("{}{}", request.target, request.text())));
        }
    });
    let proxy = proxy_to(&[origin.addr()]);
    let mut client = proxy.client();
    client.send(
        "GET /1 HTTP/1.1\r\nHost: a\r\n\r\nPOST /2 HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\n-sizeHEAD /3 HTTP/1.1\r\n\
         Host: a\r\n\r\nPUT /4 HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n6\r\n-chunk\r\n0\r\n\r\n\
         GET /5 HTTP/1.1\r\nHost: a\r\n\r\n",
    );
    assert_eq!(client.response().text(), "/1");
    assert_eq!(client.response().text(), "/2-size");
    assert_eq!(client.response_to("HEAD").fields.get("content-length"), Some("2"));
    assert_eq!(client.response().text(), "/4-chunk");
    assert_eq!(client.response().text(), "/5");
}

#[test]
fn a_hundred_pipelined_requests_use_one_connection_of_the_origin() {
    let origin = Origin::start(|connection| {
        while let Some(request) = connection.next_request() {
            connection.send(ok(&request.target));
        }
    });
    let proxy = proxy_to(&[origin.addr()]);
    let mut client = proxy.client();
    let requests: String = (0..100).map(|i| format!("GET /{i} HTTP/1.1\r\nHost: a\r\n\r\n")).collect();
    client.send(requests);
    for i in 0..100 {
        assert_eq!(client.response().text(), format!("/{i}"));
    }
    assert_eq!(origin.connections(), 1);
}

#[test]
fn an_error_discards_what_is_pipelined_behind_it() {
    let origin = Origin::answering(ok("hi"));
    let proxy = proxy_to(&[origin.addr()]);
    let mut client = proxy.client();
    client.send(format!(
        "{}GET / HTTP/1.1\r\nNo-Host: a\r\n\r\nGET /after HTTP/1.1\r\nHost: a\r\n\r\n",
        common::GET
    ));
    assert_eq!(client.response().status, 200);
    assert_eq!(client.response().status, 400);
    assert!(client.is_closed());
    assert!(!origin.received().contains("/after"));
}

#[test]
fn the_last_request_that_a_connection_may_carry_announces_the_close() {
    let origin = Origin::answering(ok("hi"));
    let proxy = proxy_with(&[origin.addr()], Setup { requests: Some(3), ..Setup::default() });
    let mut client = proxy.client();
    client.send(common::GET.repeat(4));
    let closes: Vec<_> = (0..3).map(|_| client.response().fields.has("connection")).collect();
    assert_eq!(closes, [false, false, true]);
    assert!(client.is_closed());
    assert_eq!(origin.requests().len(), 3);
}
