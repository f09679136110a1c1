//! Trailers pass behind chunked bodies, without the fields that have no business there (RFC 9110 6.5).

mod common;

use common::{ok, proxy_to};
use gorge_test_util::Origin;

#[test]
fn request_trailers_reach_the_origin() {
    let origin = Origin::answering(ok("hi"));
    let proxy = proxy_to(&[origin.addr()]);
    proxy.ask(
        "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nbody\r\n0\r\nX-Sum: 1\r\nX-Sum: 2\r\n\r\n",
    );
    let request = origin.only_request();
    assert_eq!((request.text().as_str(), request.complete), ("body", true));
    assert_eq!(request.trailers.all("x-sum"), ["1", "2"]);
}

#[test]
fn response_trailers_reach_the_client() {
    let origin = Origin::answering(
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nbody\r\n0\r\nServer-Timing: db;dur=53\r\n\r\n",
    );
    let proxy = proxy_to(&[origin.addr()]);
    let mut client = proxy.client();
    for _ in 0..2 {
        client.send("GET / HTTP/1.1\r\nHost: a\r\nTE: trailers\r\nConnection: TE\r\n\r\n");
        let answer = client.response();
        assert_eq!((answer.text().as_str(), answer.complete), ("body", true));
        assert_eq!(answer.trailers.get("server-timing"), Some("db;dur=53"));
    }
    assert_eq!(origin.connections(), 1);
}

#[test]
fn fields_of_framing_routing_and_authentication_are_dropped_from_trailers() {
    let forbidden =
        "Content-Length: 9\r\nTransfer-Encoding: chunked\r\nHost: evil\r\nAuthorization: a\r\nX-Ok: b\r\n";
    let origin = Origin::answering(format!(
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n{forbidden}\r\n"
    ));
    let proxy = proxy_to(&[origin.addr()]);
    let answer = proxy.ask(format!(
        "POST / HTTP/1.1\r\nHost: a\r\nTE: trailers\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n{forbidden}\r\n"
    ));
    assert_eq!(answer.trailers.names(), ["X-Ok"]);
    assert_eq!(origin.only_request().trailers.names(), ["X-Ok"]);
}

#[test]
fn an_http_1_0_client_gets_the_body_without_them() {
    let origin = Origin::answering(
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nbody\r\n0\r\nX-Sum: 1\r\n\r\n",
    );
    let answer = proxy_to(&[origin.addr()]).ask("GET / HTTP/1.0\r\nHost: a\r\n\r\n");
    assert_eq!((answer.text().as_str(), answer.complete), ("body", true));
    assert!(!answer.fields.has("transfer-encoding"));
}
