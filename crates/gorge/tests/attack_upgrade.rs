//! An upgrade must not become a way around the proxy: no tunnel of further requests is offered to an
//! origin.

mod common;

use common::{ok, proxy_to};
use gorge_test_util::{Gate, Origin, Request};

/// What an origin sees of a request with these Upgrade fields, and the answer to it.
fn offered(fields: &str) -> Request {
    let origin = Origin::answering(ok("plain"));
    let proxy = proxy_to(&[origin.addr()]);
    let request =
        format!("GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade, HTTP2-Settings\r\n{fields}\r\n\r\n");
    assert_eq!(proxy.ask(request).text(), "plain");
    origin.only_request()
}

#[test]
fn http_2_in_clear_is_not_offered_to_an_origin() {
    for fields in [
        "Upgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__",
        "Upgrade: H2C",
        "Upgrade: h2c, HTTP/2.0",
        "Upgrade: ",
    ] {
        let request = offered(fields);
        assert!(!request.fields.has("upgrade") && !request.fields.has("connection"), "{request:?}");
        assert!(!request.fields.has("http2-settings"), "{request:?}");
    }
}

#[test]
fn what_is_offered_beside_it_still_is() {
    for fields in ["Upgrade: h2c, websocket, echo/1", "Upgrade: websocket\r\nUpgrade: h2c\r\nUpgrade: echo/1"]
    {
        assert_eq!(offered(fields).fields.all("upgrade"), ["websocket, echo/1"]);
    }
}

#[test]
fn an_origin_that_agrees_to_it_unasked_gets_no_tunnel() {
    let origin = Origin::start(|connection| {
        connection.request();
        connection.send("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n");
        connection.rest();
    });
    let proxy = proxy_to(&[origin.addr()]);
    let mut client = proxy.client();
    client.send("GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n");
    assert_eq!(client.response().status, 502);
    client.send("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
    assert_eq!(client.response().status, 505);
    origin.wait_for_ends(1);
    assert!(!origin.received().contains("PRI"), "{}", origin.received());
}

const UPGRADE: &str = "GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: echo/1\r\n\r\n";
const SWITCHING: &str = "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: echo/1\r\n\r\n";

#[test]
fn a_tunnel_that_breaks_at_the_origin_does_not_end_well_for_the_client() {
    let origin = Origin::start(|connection| {
        connection.request();
        connection.send(format!("{SWITCHING}half"));
        connection.exactly(3);
        connection.reset();
    });
    let proxy = proxy_to(&[origin.addr()]);
    let mut client = proxy.client();
    client.send(UPGRADE);
    assert_eq!(client.response().status, 101);
    assert_eq!(client.exactly(4), b"half");
    client.send("now");
    assert!(client.is_closed() && client.was_reset());
}

#[test]
fn a_tunnel_that_breaks_at_the_client_does_not_end_well_for_the_origin() {
    let reset = Gate::new("the origin saw a reset");
    let origin = Origin::start({
        let reset = reset.clone();
        move |connection| {
            connection.request();
            connection.send(SWITCHING);
            assert_eq!(connection.rest(), b"half");
            assert!(connection.was_reset());
            reset.open();
        }
    });
    let proxy = proxy_to(&[origin.addr()]);
    let mut client = proxy.client();
    client.send(UPGRADE);
    assert_eq!(client.response().status, 101);
    client.send("half");
    origin.wait_for_text("half");
    client.reset();
    reset.wait();
}

#[test]
fn an_origin_cannot_switch_to_what_the_client_did_not_offer() {
    let origin = Origin::start(|connection| {
        connection.request();
        connection.send("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n");
        connection.rest();
    });
    let proxy = proxy_to(&[origin.addr()]);
    assert_eq!(proxy.ask(UPGRADE).status, 502);
}
