//! The example `simple_reverse_proxy` brings a request to its origin and the answer back.

mod common;

use gorge_test_util::{Origin, RawClient};

#[test]
fn a_request_goes_through() {
    let origin = Origin::answering("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello");
    let mut program = common::start("simple_reverse_proxy", &[origin.addr()]);

    let mut client = RawClient::connect(program.addr());
    client.send("GET /path?query HTTP/1.1\r\nHost: example.org\r\n\r\n");
    let response = client.response();
    assert_eq!((response.status, response.text().as_str()), (200, "hello"));

    let request = origin.only_request();
    assert_eq!(request.target, "/path?query");
    assert_eq!(request.fields.get("host"), Some("example.org"));
    assert_eq!(request.fields.get("x-forwarded-for"), Some("127.0.0.1"));

    program.terminate();
    assert!(program.wait().success());
}
