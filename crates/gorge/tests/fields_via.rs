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
    let via = ["1.1 gorge-two"; 9].join(", ");
    assert!(
        via_at_origin(&format!("GET / HTTP/1.1\r\nHost: a\r\nVia: {via}\r\n\r\n")).ends_with(", 1.1 gorge")
    );
}

#[test]
fn cdn_loop_counts_as_via_does() {
    let origin = Origin::answering(ok("hi"));
    let proxy = proxy_to(&[origin.addr()]);
    let times = |count| {
        format!("GET / HTTP/1.1\r\nHost: a\r\nCDN-Loop: {}\r\n\r\n", vec!["gorge; v=1"; count].join(", "))
    };
    assert_eq!(proxy.ask(times(5)).status, 200);
    assert_eq!(proxy.ask(times(6)).status, 508);
}

#[test]
fn max_forwards_counts_down_for_options_and_is_nobodys_business_otherwise() {
    let origin = Origin::answering(ok("hi"));
    let proxy = proxy_to(&[origin.addr()]);
    let ask = |method: &str, left: &str| {
        origin.forget();
        let answer = proxy.ask(format!("{method} / HTTP/1.1\r\nHost: a\r\nMax-Forwards: {left}\r\n\r\n"));
        let seen = origin.requests().first().map(|request| request.fields.all("max-forwards").join("|"));
        (answer.status, seen)
    };
    assert_eq!(ask("OPTIONS", "5"), (200, Some("4".into())));
    assert_eq!(ask("GET", "0"), (200, Some("0".into())));
    // The last recipient answers for itself (RFC 9110 7.6.2).
    assert_eq!(ask("OPTIONS", "0").1, None);
}
