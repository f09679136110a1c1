//! The example `background_service` proxies, and reports beside it.

mod common;

use gorge_test_util::{Origin, RawClient};

#[test]
fn it_reports_what_was_accepted() {
    let origin = Origin::answering("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello");
    let mut program = common::start("background_service", &[origin.addr()]);
    let mut client = RawClient::connect(program.addr());
    client.send("GET / HTTP/1.1\r\nHost: example.org\r\n\r\n");
    assert_eq!(client.response().text(), "hello");
    program.out().wait_for("connections so far: 1");
    program.terminate();
    assert!(program.wait().success());
}
