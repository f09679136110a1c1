//! The four forms of a request target (RFC 9112 3.2).

mod common;

use common::{ok, proxy_to};
use gorge_test_util::Origin;

fn line_and_host_at_origin(line: &str, host: &str) -> (String, String) {
    let origin = Origin::answering(ok("hi"));
    assert_eq!(
        proxy_to(&[origin.addr()]).ask(format!("{line} HTTP/1.1\r\nHost: {host}\r\n\r\n")).status,
        200
    );
    let request = origin.only_request();
    assert_eq!(request.version, "HTTP/1.1");
    (format!("{} {}", request.method, request.target), request.fields.all("host").join("|"))
}

#[test]
fn the_origin_form_passes_byte_for_byte() {
    let line = "GET /a//b/%7euser/x;y=1?q=%20&&r=http://u@h/%2F'\"{}|";
    assert_eq!(line_and_host_at_origin(line, "example.org:8080"), (line.into(), "example.org:8080".into()));
}

#[test]
fn the_absolute_form_becomes_the_origin_form_and_its_authority_the_host() {
    let seen = line_and_host_at_origin("GET http://shop.example:81/cart?id=1", "evil.example");
    assert_eq!(seen, ("GET /cart?id=1".into(), "shop.example:81".into()));
}

#[test]
fn an_absolute_target_without_a_path_asks_for_the_root() {
    assert_eq!(line_and_host_at_origin("GET http://a.example", "a.example").0, "GET /");
    assert_eq!(line_and_host_at_origin("GET http://a.example?q", "a.example").0, "GET /?q");
}

#[test]
fn the_asterisk_form_passes() {
    assert_eq!(line_and_host_at_origin("OPTIONS *", "a").0, "OPTIONS *");
}

#[test]
fn options_for_an_absolute_target_without_a_path_becomes_the_asterisk() {
    assert_eq!(line_and_host_at_origin("OPTIONS http://a.example:8001", "a.example").0, "OPTIONS *");
}

#[test]
fn connect_is_refused_and_opens_nothing() {
    let origin = Origin::answering(ok("hi"));
    let proxy = proxy_to(&[origin.addr()]);
    let mut client = proxy.client();
    client.send(format!(
        "CONNECT {} HTTP/1.1\r\nHost: a\r\n\r\nGET /inside HTTP/1.1\r\nHost: a\r\n\r\n",
        origin.addr()
    ));
    let answer = client.response();
    assert_eq!(answer.status, 405);
    assert!(answer.fields.get("proxy-status").unwrap().contains("error=http_request_denied"), "{answer:?}");
    // A client may have sent bytes for a tunnel already; they are no requests (RFC 9931).
    assert!(client.is_closed());
    assert_eq!(origin.received(), "");
}

#[test]
fn trace_is_refused() {
    let origin = Origin::answering(ok("hi"));
    let answer = proxy_to(&[origin.addr()]).ask("TRACE / HTTP/1.1\r\nHost: a\r\nCookie: secret\r\n\r\n");
    assert_eq!(answer.status, 405);
    assert!(!answer.text().contains("secret"));
    assert_eq!(origin.received(), "");
}
