//! The example `proxy_protocol` passes on who the client is.

mod common;

use gorge_test_util::{Nginx, RawClient};

#[test]
fn nginx_is_told_the_client_that_the_header_names() {
    let nginx = Nginx::start_with("proxy_protocol", "location / { return 200 \"$proxy_protocol_addr\"; }");
    let program = common::start("proxy_protocol", &[nginx.addr()]);
    let mut client = RawClient::connect(program.addr());
    client.send("PROXY TCP4 192.0.2.7 198.51.100.1 4711 80\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_eq!(client.response().text(), "192.0.2.7");

    // Without a header there is no answer.
    let mut client = RawClient::connect(program.addr());
    client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    assert!(client.is_closed());
}
