//! What an origin learns of the client, and from whom the proxy believes it.

mod common;

use common::{Setup, ok, proxy_with};
use gorge_test_util::{Origin, Request};

/// A client that claims to speak for another.
const CLAIM: &str = "GET / HTTP/1.1\r\nHost: example.org\r\nX-Forwarded-For: 192.0.2.6\r\n\
     X-Forwarded-Proto: https\r\nX-Forwarded-Host: shop.example\r\nX-Real-IP: 192.0.2.6\r\n\
     Forwarded: for=192.0.2.6;proto=https\r\n\r\n";

fn seen_by_origin(setup: Setup, request: &str) -> Request {
    let origin = Origin::answering(ok("hi"));
    assert_eq!(proxy_with(&[origin.addr()], setup).ask(request).status, 200);
    origin.only_request()
}

#[test]
fn the_origin_learns_client_scheme_and_host() {
    let request = seen_by_origin(Setup::default(), common::GET);
    assert_eq!(request.fields.all("x-forwarded-for"), ["127.0.0.1"]);
    assert_eq!(request.fields.all("x-forwarded-proto"), ["http"]);
    assert_eq!(request.fields.all("x-forwarded-host"), ["example.org"]);
    assert_eq!(request.fields.all("x-real-ip"), ["127.0.0.1"]);
}

#[test]
fn a_stranger_is_not_believed() {
    let request = seen_by_origin(Setup::default(), CLAIM);
    assert_eq!(request.fields.all("x-forwarded-for"), ["127.0.0.1"]);
    assert_eq!(request.fields.all("x-forwarded-proto"), ["http"]);
    assert_eq!(request.fields.all("x-forwarded-host"), ["example.org"]);
    assert_eq!(request.fields.all("x-real-ip"), ["127.0.0.1"]);
    assert!(!request.fields.all("forwarded").join(",").contains("192.0.2.6"));
}

#[test]
fn a_trusted_proxy_is_believed_and_added_to() {
    let request = seen_by_origin(Setup { trusted: vec!["127.0.0.0/8"], ..Setup::default() }, CLAIM);
    assert_eq!(request.fields.all("x-forwarded-for").join(", "), "192.0.2.6, 127.0.0.1");
    assert_eq!(request.fields.all("x-forwarded-proto"), ["https"]);
    assert_eq!(request.fields.all("x-forwarded-host"), ["shop.example"]);
    assert_eq!(request.fields.all("x-real-ip"), ["192.0.2.6"]);
}

#[test]
fn other_networks_stay_strangers() {
    let request =
        seen_by_origin(Setup { trusted: vec!["192.0.2.0/24", "::1/128"], ..Setup::default() }, CLAIM);
    assert_eq!(request.fields.all("x-forwarded-for"), ["127.0.0.1"]);
}

#[test]
fn spellings_that_an_origin_may_confuse_are_dropped() {
    let request = seen_by_origin(
        Setup::default(),
        "GET / HTTP/1.1\r\nHost: example.org\r\nX_Forwarded_For: 192.0.2.6\r\nx-forwarded_proto: https\r\n\
         X_Real_IP: 192.0.2.6\r\nX_Other: kept\r\n\r\n",
    );
    assert!(
        !request.fields.names().iter().any(|name| name.contains('_') && *name != "X_Other"),
        "{request:?}"
    );
    assert_eq!(request.fields.get("x_other"), Some("kept"));
}

#[test]
fn forwarded_is_written_when_chosen() {
    let request = seen_by_origin(Setup { forwarded: true, ..Setup::default() }, CLAIM);
    assert_eq!(elements(&request), [["for=127.0.0.1", "host=example.org", "proto=http"]]);

    let trusted = Setup { forwarded: true, trusted: vec!["127.0.0.1/32"], ..Setup::default() };
    let elements = elements(&seen_by_origin(trusted, CLAIM));
    assert_eq!(elements[0], ["for=192.0.2.6", "proto=https"]);
    assert_eq!(elements[1..], [["for=127.0.0.1", "host=example.org", "proto=http"]]);
}

/// The elements of `Forwarded`, each as its pairs in alphabetical order and without quotes (RFC 7239 4).
fn elements(request: &Request) -> Vec<Vec<String>> {
    let pairs = |element: &str| {
        let mut pairs: Vec<_> = element.split(';').map(|pair| pair.trim().replace('"', "")).collect();
        pairs.sort();
        pairs
    };
    request.fields.all("forwarded").join(",").split(',').map(pairs).collect()
}
