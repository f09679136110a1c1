//! Answers without a body end with their head, whatever their fields say (RFC 9112 6.3).

mod common;

use common::proxy_to;
use gorge_test_util::Origin;

/// Asks twice on one connection: the second answer shows that the first ended where it should.
fn twice(method: &str, answer: &str) -> gorge_test_util::Response {
    let origin = Origin::answering(answer);
    let proxy = proxy_to(&[origin.addr()]);
    let mut client = proxy.client();
    let request = format!("{method} / HTTP/1.1\r\nHost: a\r\n\r\n");
    client.send(&request);
    let first = client.response_to(method);
    client.send(&request);
    assert_eq!(client.response_to(method), first);
    assert_eq!(origin.connections(), 1);
    first
}

#[test]
fn head_keeps_the_length_of_the_body_it_does_not_have() {
    let answer = twice(
        "HEAD",
        "HTTP/1.1 200 OK\r\nContent-Length: 12345\r\nDate: Sun, 06 Nov 1994 08:49:37 GMT\r\n\r\n",
    );
    assert_eq!(answer.fields.all("content-length"), ["12345"]);
    assert!(!answer.fields.has("transfer-encoding"));
}

#[test]
fn head_of_a_chunked_resource_has_no_body() {
    let answer = twice(
        "HEAD",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nDate: Sun, 06 Nov 1994 08:49:37 GMT\r\n\r\n",
    );
    assert!(!answer.fields.has("content-length"), "{answer:?}");
}

#[test]
fn a_204_has_neither_body_nor_length() {
    let answer = twice("GET", "HTTP/1.1 204 No Content\r\nDate: Sun, 06 Nov 1994 08:49:37 GMT\r\n\r\n");
    assert_eq!(answer.status, 204);
    assert!(!answer.fields.has("content-length") && !answer.fields.has("transfer-encoding"), "{answer:?}");
}

#[test]
fn a_304_keeps_its_fields() {
    let answer = twice(
        "GET",
        "HTTP/1.1 304 Not Modified\r\nETag: \"a\"\r\nContent-Length: 77\r\nDate: Sun, 06 Nov 1994 08:49:37 GMT\r\n\r\n",
    );
    assert_eq!((answer.status, answer.fields.get("etag")), (304, Some("\"a\"")));
    assert_eq!(answer.fields.all("content-length"), ["77"]);
}

#[test]
fn an_empty_200_is_announced_as_empty() {
    let answer =
        twice("GET", "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nDate: Sun, 06 Nov 1994 08:49:37 GMT\r\n\r\n");
    assert_eq!(answer.fields.all("content-length"), ["0"]);
}

#[test]
fn an_answer_without_a_date_gets_one_and_another_keeps_its_own() {
    let answer =
        twice("GET", "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nDate: Sun, 06 Nov 1994 08:49:37 GMT\r\n\r\n");
    assert_eq!(answer.fields.all("date"), ["Sun, 06 Nov 1994 08:49:37 GMT"]);
    let origin = Origin::answering("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
    let answer = proxy_to(&[origin.addr()]).ask(common::GET);
    assert!(answer.fields.get("date").is_some_and(|date| date.ends_with(" GMT")), "{answer:?}");
}

#[test]
fn the_reason_phrase_passes() {
    assert_eq!(
        twice(
            "GET",
            "HTTP/1.1 200 Just Fine\r\nContent-Length: 0\r\nDate: Sun, 06 Nov 1994 08:49:37 GMT\r\n\r\n"
        )
        .reason,
        "Just Fine"
    );
}
