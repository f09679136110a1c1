//! A slow reader stops the reads of the other side, so that no body gathers inside the proxy.

mod common;

use common::{Setup, proxy_to, proxy_with};
use gorge_test_util::{Gate, Origin, RawClient};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

/// More than any buffer between the two ends may hold.
const MUCH: usize = 64 << 20;
static BLOCK: [u8; 1 << 16] = [b'x'; 1 << 16];
const QUIET: Duration = Duration::from_millis(300);

#[test]
fn a_client_that_does_not_read_stops_the_origin() {
    let sent = Arc::new(AtomicUsize::new(0));
    let stalled = Gate::new("the origin could send no more");
    let origin = Origin::start({
        let (sent, stalled) = (sent.clone(), stalled.clone());
        move |connection| {
            connection.request();
            connection.send("HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n");
            sent.store(connection.send_until_stalled(BLOCK, MUCH / BLOCK.len(), QUIET), Ordering::SeqCst);
            stalled.open();
        }
    });
    let proxy = proxy_to(&[origin.addr()]);
    let mut client = RawClient::connect_narrow(proxy.addr());
    client.send("GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
    stalled.wait();
    let sent = sent.load(Ordering::SeqCst);
    assert!(sent < MUCH, "the proxy swallowed all of it");
    // Not a byte was lost on the way.
    assert_eq!(client.response().body.len(), sent);
}

#[test]
fn an_origin_that_does_not_read_stops_the_client() {
    let stalled = Gate::new("the client could send no more");
    let origin = Origin::start({
        let stalled = stalled.clone();
        move |connection| {
            connection.head();
            stalled.wait();
            let length = connection.exactly(MUCH).len();
            connection.send(common::ok(&length.to_string()));
        }
    });
    let proxy = proxy_to(&[origin.addr()]);
    let mut client = proxy.client();
    client.send(format!("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: {MUCH}\r\n\r\n"));
    let sent = client.send_until_stalled(BLOCK, MUCH / BLOCK.len(), QUIET);
    assert!(sent < MUCH, "the proxy swallowed all of it");
    stalled.open();
    client.send(vec![b'x'; MUCH - sent]);
    assert_eq!(client.response().text(), MUCH.to_string());
}

#[test]
fn others_are_served_while_one_stalls() {
    let stalled = Gate::new("the origin could send no more");
    let origin = Origin::start({
        let stalled = stalled.clone();
        move |connection| {
            while let Some(request) = connection.next_request() {
                if request.target == "/endless" {
                    connection.send("HTTP/1.1 200 OK\r\n\r\n");
                    connection.send_until_stalled(BLOCK, MUCH / BLOCK.len(), QUIET);
                    stalled.open();
                    return;
                }
                connection.send(common::ok("served"));
            }
        }
    });
    let proxy = proxy_to(&[origin.addr()]);
    let mut slow = RawClient::connect_narrow(proxy.addr());
    slow.send("GET /endless HTTP/1.1\r\nHost: a\r\n\r\n");
    stalled.wait();
    assert_eq!(proxy.ask(common::GET).text(), "served");
}

#[test]
fn a_client_that_pipelines_without_reading_is_stopped_and_loses_no_answer() {
    let origin = Origin::answering(common::ok(&"x".repeat(20_000)));
    let proxy = proxy_with(&[origin.addr()], Setup { requests: Some(0), ..Setup::default() });
    let request = format!("GET / HTTP/1.1\r\nHost: a\r\nX: {}\r\n\r\n", "x".repeat(10_000));
    let mut client = proxy.client();
    // As many requests as it takes until nobody takes more of them.
    let most = MUCH / request.len();
    let sent = client.send_until_stalled(&request, most, QUIET);
    assert!(sent < most * request.len(), "the proxy swallowed all of it");
    for _ in 0..sent / request.len() {
        assert_eq!(client.response().body.len(), 20_000);
    }
}
