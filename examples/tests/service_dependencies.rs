//! The example `service_dependencies` is ready once its origin is.

mod common;

use std::net::SocketAddr;

use gorge_test_util::{Origin, RawClient, RefusedPort};

const GET: &str = "GET / HTTP/1.1\r\nHost: example.org\r\n\r\n";

fn any() -> SocketAddr {
    "127.0.0.1:0".parse().unwrap()
}

fn readiness(program: &gorge_test_util::Program) -> (u16, String) {
    let line = program.out().wait_for("admin on ");
    let admin = line.trim().trim_start_matches("admin on ").parse().unwrap();
    let mut client = RawClient::connect(admin);
    client.send("GET /readyz HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
    let answer = client.response();
    (answer.status, answer.text())
}

#[test]
fn the_proxy_accepts_once_the_origin_does() {
    let origin = Origin::answering("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello");
    let mut program = common::start("service_dependencies", &[origin.addr(), any()]);
    let mut client = RawClient::connect(program.addr());
    client.send(GET);
    assert_eq!(client.response().text(), "hello");
    assert_eq!(readiness(&program).0, 200);
    program.terminate();
    assert!(program.wait().success());
}

#[test]
fn without_an_origin_it_is_not_ready_and_can_be_stopped() {
    let nobody = RefusedPort::new();
    let mut program = common::start("service_dependencies", &[nobody.addr(), any()]);
    program.out().wait_for("origin failed: ");
    let (status, reasons) = readiness(&program);
    assert_eq!(status, 503);
    assert!(
        reasons.contains("web waits for origin") && reasons.contains("\"state\":\"bootstrap\""),
        "{reasons}"
    );
    program.terminate();
    assert!(program.wait().success());
}
