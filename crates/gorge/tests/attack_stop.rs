//! Clients that go on asking while the proxy is told to stop.

mod common;

use std::net::TcpStream;
use std::thread;

use common::{Setup, ok, proxy_with};
use gorge_test_util::{Origin, RawClient};

/// Asks until an answer says that it is the last. No answer may be missing before that.
fn ask_until_told(client: &mut RawClient) -> usize {
    for asked in 1.. {
        assert!(client.send(common::GET), "closed without a word before request {asked}");
        let answer = client.try_response();
        let answer = answer.unwrap_or_else(|| panic!("closed without a word at request {asked}"));
        assert_eq!(answer.text(), "hi");
        if answer.fields.get("connection") == Some("close") {
            return asked;
        }
    }
    unreachable!("it ends with the proxy")
}

#[test]
fn a_client_that_goes_on_asking_is_told_before_its_connection_closes() {
    let origin = Origin::answering(ok("hi"));
    for workers in [1, 2, 1, 2, 1, 2, 1, 2] {
        let proxy = proxy_with(&[origin.addr()], Setup { workers, ..Setup::default() });
        let addr = proxy.addr();
        let clients: Vec<_> = (0..8).map(|_| proxy.client()).collect();
        let clients: Vec<_> = clients
            .into_iter()
            .map(|mut client| thread::spawn(move || ask_until_told(&mut client)))
            .collect();
        proxy.wait_for("all clients to be asking", |proxy| proxy.stats().exchanges > 100);
        assert_eq!(proxy.stop().cut, 0);
        assert!(TcpStream::connect(addr).is_err());
        for client in clients {
            client.join().unwrap();
        }
    }
}
