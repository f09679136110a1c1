//! CORS as the Fetch standard has it.

mod common;

use std::time::Duration;

use common::{RunningProxy, Setup, balancer, ok, run};
use gorge::prelude::*;
use gorge::proxy::filters::{BasicAuth, Cors};
use gorge_test_util::{Origin, Response};

fn proxy(filter: impl Filter, origin: &Origin) -> RunningProxy {
    let setup = Setup::default();
    run(setup.builder().filter(filter).upstream(balancer(&[origin.addr()], &setup)).build().unwrap(), &setup)
}

fn named() -> Cors {
    Cors::origins(["https://shop.example", "https://*.example.org"])
        .and_then(|cors| cors.methods(["GET", "PUT"]))
        .and_then(|cors| cors.headers(["Content-Type", "X-A"]))
        .and_then(|cors| cors.expose(["X-Total"]))
        .and_then(Cors::credentials)
        .unwrap()
        .max_age(Duration::from_secs(600))
}

/// The CORS fields of an answer, in this order: origin, credentials, methods, headers, max-age, expose.
fn fields(answer: &Response) -> [Option<&str>; 6] {
    ["Allow-Origin", "Allow-Credentials", "Allow-Methods", "Allow-Headers", "Max-Age", "Expose-Headers"].map(
        |name| {
            let all = answer.fields.all(&format!("Access-Control-{name}"));
            assert!(all.len() <= 1, "{name} {all:?}");
            all.first().copied()
        },
    )
}

#[test]
fn a_preflight_is_answered_here() {
    let origin = Origin::answering(ok("hi"));
    let proxy = proxy(named(), &origin);
    let ask = |from: &str| {
        proxy.ask(format!(
            "OPTIONS /x HTTP/1.1\r\nHost: a\r\nOrigin: {from}\r\nAccess-Control-Request-Method: PUT\r\n\
             Access-Control-Request-Headers: content-type\r\n\r\n"
        ))
    };
    for from in ["https://shop.example", "https://a.b.example.org"] {
        let answer = ask(from);
        assert_eq!(answer.status, 204);
        let (methods, headers) = (Some("GET, PUT"), Some("Content-Type, X-A"));
        assert_eq!(
            fields(&answer),
            [Some(from), Some("true"), methods, headers, Some("600"), Some("X-Total")]
        );
        assert_eq!(answer.fields.all("Vary"), ["Origin"]);
    }
    for from in ["https://evil.example", "null", "https://example.org"] {
        let answer = ask(from);
        assert_eq!(answer.status, 204);
        assert_eq!(fields(&answer), [None; 6], "{from}");
        assert_eq!(answer.fields.all("Vary"), ["Origin"]);
    }
    assert_eq!(origin.requests().len(), 0);
}

#[test]
fn other_requests_go_on_and_their_answers_may_be_read() {
    let origin = Origin::answering(
        "HTTP/1.1 200 OK\r\nAccess-Control-Allow-Origin: *\r\nAccess-Control-Allow-Credentials: true\r\n\
         Vary: Accept\r\nContent-Length: 2\r\n\r\nhi",
    );
    let proxy = proxy(named(), &origin);
    for (request, allowed) in [
        ("GET / HTTP/1.1\r\nHost: a\r\nOrigin: https://shop.example\r\n\r\n", Some("https://shop.example")),
        ("GET / HTTP/1.1\r\nHost: a\r\nOrigin: https://evil.example\r\n\r\n", None),
        ("GET / HTTP/1.1\r\nHost: a\r\nOrigin: null\r\n\r\n", None),
        ("GET / HTTP/1.1\r\nHost: a\r\n\r\n", None),
        // No preflight, but what an API may answer itself.
        (
            "OPTIONS / HTTP/1.1\r\nHost: a\r\nOrigin: https://x.example.org\r\n\r\n",
            Some("https://x.example.org"),
        ),
        ("OPTIONS / HTTP/1.1\r\nHost: a\r\nAccess-Control-Request-Method: PUT\r\n\r\n", None),
    ] {
        let answer = proxy.ask(request);
        assert_eq!((answer.status, answer.text().as_str()), (200, "hi"), "{request}");
        let and = |value| allowed.and(Some(value));
        assert_eq!(fields(&answer), [allowed, and("true"), None, None, None, and("X-Total")], "{request}");
        assert_eq!(answer.fields.all("Vary"), ["Accept", "Origin"], "{request}");
    }
}

#[test]
fn vary_is_not_said_twice() {
    for vary in ["Accept, ORIGIN", "*"] {
        let origin =
            Origin::answering(format!("HTTP/1.1 200 OK\r\nVary: {vary}\r\nContent-Length: 0\r\n\r\n"));
        assert_eq!(proxy(named(), &origin).ask(common::GET).fields.all("Vary"), [vary]);
    }
}

#[test]
fn any_origin_is_told_to_all_and_needs_no_vary() {
    let origin = Origin::answering(ok("hi"));
    let proxy = proxy(Cors::origins(["*"]).unwrap(), &origin);
    for origin in ["", "Origin: null\r\n", "Origin: https://evil.example\r\n"] {
        let answer = proxy.ask(format!("GET / HTTP/1.1\r\nHost: a\r\n{origin}\r\n"));
        assert_eq!(fields(&answer), [Some("*"), None, None, None, None, None]);
        assert!(!answer.fields.has("Vary"));
    }
    let preflight =
        "OPTIONS / HTTP/1.1\r\nHost: a\r\nOrigin: null\r\nAccess-Control-Request-Method: POST\r\n\r\n";
    let answer = proxy.ask(preflight);
    assert_eq!(answer.status, 204);
    assert_eq!(fields(&answer), [Some("*"), None, Some("GET, HEAD, POST"), None, None, None]);
}

#[test]
fn a_page_may_read_errors_and_a_preflight_needs_no_password() {
    let origin = Origin::answering(ok("hi"));
    let setup = Setup::default();
    let auth = BasicAuth::new("shop", [("alice", "secret")]).unwrap();
    let builder = setup.builder().filter(named()).filter(auth);
    let proxy = run(builder.upstream(balancer(&[origin.addr()], &setup)).build().unwrap(), &setup);
    let from = "Origin: https://shop.example\r\n";
    let refused = proxy.ask(format!("GET / HTTP/1.1\r\nHost: a\r\n{from}\r\n"));
    assert_eq!((refused.status, fields(&refused)[0]), (401, Some("https://shop.example")));
    let preflight =
        format!("OPTIONS / HTTP/1.1\r\nHost: a\r\n{from}Access-Control-Request-Method: PUT\r\n\r\n");
    assert_eq!(proxy.ask(preflight).status, 204);
}
