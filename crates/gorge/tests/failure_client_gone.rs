//! A client that leaves ends the work at the origin, and nobody else's.

mod common;

use common::{ok, proxy_to};
use gorge_test_util::{Gate, Origin};

#[test]
fn an_upload_that_breaks_off_is_never_completed_at_the_origin() {
    let origin = Origin::answering(ok("hi"));
    let proxy = proxy_to(&[origin.addr()]);
    for (framing, part) in [("Content-Length: 10", "half-"), ("Transfer-Encoding: chunked", "5\r\nhalf-\r\n")]
    {
        origin.forget();
        let mut client = proxy.client();
        client.send(format!("POST /up HTTP/1.1\r\nHost: a\r\n{framing}\r\n\r\n{part}"));
        origin.wait_for_text("half-");
        client.reset();
        origin.wait_for_requests(1);
        let request = origin.only_request();
        assert_eq!((request.text().as_str(), request.complete), ("half-", false));
    }
    assert_eq!(proxy.ask(common::GET).text(), "hi");
}

#[test]
fn an_upload_that_is_only_half_closed_is_broken_too() {
    let origin = Origin::answering(ok("hi"));
    let proxy = proxy_to(&[origin.addr()]);
    let mut client = proxy.client();
    client.send("POST /up HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nhalf-");
    origin.wait_for_text("half-");
    client.finish();
    origin.wait_for_requests(1);
    assert!(!origin.only_request().complete);
    // 499 is for the log; on the wire there is an error or nothing.
    assert!(client.try_response().is_none_or(|answer| answer.status >= 400));
}

#[test]
fn a_download_ends_at_the_origin_when_the_client_resets() {
    let ended = Gate::new("the origin has noticed");
    let origin = Origin::start({
        let ended = ended.clone();
        move |connection| {
            connection.request();
            connection.send("HTTP/1.1 200 OK\r\n\r\n");
            while connection.send([b'x'; 10_000]) {}
            ended.open();
        }
    });
    let proxy = proxy_to(&[origin.addr()]);
    let mut client = proxy.client();
    client.send(common::GET);
    assert_eq!(client.head().status, 200);
    client.reset();
    ended.wait();
}

#[test]
fn a_client_that_leaves_while_it_waits_frees_the_origin() {
    let asked = Gate::new("the origin has the request");
    let ended = Gate::new("the origin has noticed");
    let origin = Origin::start({
        let (asked, ended) = (asked.clone(), ended.clone());
        move |connection| {
            connection.request();
            asked.open();
            // The request will never be answered; what ends this is the proxy.
            assert_eq!(connection.rest(), b"");
            ended.open();
        }
    });
    let proxy = proxy_to(&[origin.addr()]);
    let mut client = proxy.client();
    client.send(common::GET);
    asked.wait();
    client.reset();
    ended.wait();
}

#[test]
fn a_client_that_leaves_in_the_middle_of_a_head_reaches_no_origin() {
    let origin = Origin::answering(ok("hi"));
    let proxy = proxy_to(&[origin.addr()]);
    let mut client = proxy.client();
    client.send("GET /half HTTP/1.1\r\nHost:");
    client.finish();
    assert!(client.try_response().is_none_or(|answer| answer.status >= 400));
    assert_eq!(proxy.ask(common::GET).text(), "hi");
    assert!(!origin.received().contains("half"));
}
