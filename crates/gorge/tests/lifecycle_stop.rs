//! A graceful stop finishes what has begun and begins nothing new.

mod common;

use common::{ok, proxy_to};
use gorge_test_util::{Gate, Origin};
use std::net::TcpStream;
use std::thread;

#[test]
fn an_exchange_in_flight_is_finished_and_its_connection_closed() {
    let (asked, stopping) = (Gate::new("the origin was asked"), Gate::new("the proxy no longer listens"));
    let origin = Origin::start({
        let (asked, stopping) = (asked.clone(), stopping.clone());
        move |connection| {
            connection.request();
            asked.open();
            stopping.wait();
            connection.send(ok("finished"));
            connection.rest();
        }
    });
    let proxy = proxy_to(&[origin.addr()]);
    let addr = proxy.addr();
    let mut client = proxy.client();
    client.send(common::GET);
    asked.wait();
    let stopped = thread::spawn(move || proxy.stop());
    // Ends when the listening socket is closed; until then each connection is accepted and let go.
    while TcpStream::connect(addr).is_ok() {
        thread::yield_now();
    }
    stopping.open();
    let answer = client.response();
    assert_eq!((answer.text().as_str(), answer.fields.get("connection")), ("finished", Some("close")));
    assert!(client.is_closed());
    assert_eq!(stopped.join().unwrap().cut, 0);
}

#[test]
fn idle_connections_are_closed_on_both_sides() {
    let origin = Origin::answering(ok("hi"));
    let proxy = proxy_to(&[origin.addr()]);
    let (mut used, mut fresh) = (proxy.client(), proxy.client());
    used.send(common::GET);
    assert_eq!(used.response().text(), "hi");
    let stopped = thread::spawn(move || proxy.stop());
    assert!(used.is_closed());
    assert!(fresh.is_closed());
    assert_eq!(stopped.join().unwrap().cut, 0);
    origin.wait_for_ends(1);
}

#[test]
fn a_request_that_was_sent_before_the_stop_is_answered() {
    let origin = Origin::answering(ok("hi"));
    for _ in 0..20 {
        let proxy = proxy_to(&[origin.addr()]);
        let mut clients: Vec<_> = (0..5).map(|_| proxy.client()).collect();
        for client in &mut clients {
            client.send(common::GET);
        }
        let stopped = thread::spawn(move || proxy.stop());
        for client in &mut clients {
            assert_eq!(client.response().text(), "hi");
        }
        assert_eq!(stopped.join().unwrap().cut, 0);
    }
}
