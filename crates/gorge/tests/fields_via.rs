//! Via names the proxy and its protocol, and stops a request that goes round in circles (RFC 9110 7.6.3).

mod common;

use common::{ok, proxy_to};
use gorge_test_util::Origin;

fn via_at_origin(request: &str) -> String {
    let origin = Origin::answering(ok("hi"));
    assert_eq!(proxy_to(&[origin.addr()]).ask(request).status, 200);
    origin.only_request().fields.all("via").join(", ")
}

#[test]
fn a_request_gets_the_proxys_name() {
    assert_eq!(via_at_origin(common::GET), "1.1 gorge");
}

#[test]
fn the_version_is_that_of_the_request_received() {
    assert_eq!(via_at_origin("GET / HTTP/1.0\r\nHost: a\r\n\r\n"), "1.0 gorge");
}

#[test]
fn earlier_proxies_keep_their_places() {
    let request = "GET / HTTP/1.1\r\nHost: a\r\nVia: 1.0 fred, 1.1 p.example (odd)\r\n\r\n";
    assert_eq!(via_at_origin(request), "1.0 fred, 1.1 p.example (odd), 1.1 gorge");
}

#[test]
fn a_request_that_came_through_five_times_still_passes_and_then_no_more() {
    let origin = Origin::answering(ok("hi"));
    let proxy = proxy_to(&[origin.addr()]);
    let times =
        |count| format!("GET / HTTP/1.1\r\nHost: a\r\nVia: {}\r\n\r\n", vec!["1.1 gorge"; count].join(", "));
    assert_eq!(proxy.ask(times(5)).status, 200);
    origin.forget();
    let answer = proxy.ask(times(6));
    assert_eq!(answer.status, 508);
    assert!(answer.fields.get("proxy-status").unwrap().contains("error=proxy_loop_detected"), "{answer:?}");
    assert_eq!(origin.received(), "");
}

#[test]
fn another_proxy_whose_name_begins_alike_is_no_loop() {
    let via = vec!["1.1 gorge-two"; 9].join(", ");
    assert!(
        via_at_origin(&format!("GET / HTTP/1.1\r\nHost: a\r\nVia: {via}\r\n\r\n")).ends_with(", 1.1 gorge")
    );
}
