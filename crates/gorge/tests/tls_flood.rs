//! What two thousand handshakes cost that do not come to their end. A process of its own: its memory is looked at.
#![cfg(all(feature = "openssl", target_os = "linux"))]

mod common;

use std::io::Write;
use std::net::TcpStream;
use std::time::{Duration, Instant};

use common::tls::{Ends, Relay, acceptor, endpoint, serve};
use common::{GET, Setup, ok};
use gorge::prelude::*;
use gorge::server::HandshakeFailed;
use gorge::tls::ServerOptions;
use gorge_test_util::{LIMIT, Origin};

const CLIENTS: u64 = 2000;

/// The beginning of a record that says it has 16 KiB, all of them one hello.
const HELLO: [u8; 11] = [22, 3, 1, 0x40, 0, 1, 0, 0x3f, 0xfc, 3, 3];

/// Memory of this process, in bytes.
fn resident() -> usize {
    let statm = std::fs::read_to_string("/proc/self/statm").unwrap();
    statm.split(' ').nth(1).unwrap().parse::<usize>().unwrap() * 4096
}

#[test]
fn half_open_handshakes_cost_little_and_are_given_up() {
    gorge::server::raise_open_files(8192).unwrap();
    let origin = Origin::answering(ok("hi"));
    let to = Peer::new(Address::from(origin.addr()));
    let proxy = Setup::default().builder().upstream(to).build().unwrap();
    let mut options = ServerOptions::default();
    options.handshake_timeout = Duration::from_secs(4);
    let (running, addr) = serve(proxy, acceptor(options), |_, _| {}, |_| {});
    let relay = Relay::to_tls(addr, endpoint("a.example"), Ends::Said);
    let mut honest = relay.client();
    let mut ask = || {
        honest.send(GET);
        assert_eq!(honest.response().body, b"hi");
    };
    ask();
    let before = resident();
    let open: Vec<_> = (0..CLIENTS)
        .map(|number| {
            let mut stream = TcpStream::connect(addr).unwrap();
            // Some say nothing, some a little, some nearly all.
            let mut hello = HELLO.to_vec();
            hello.resize([0, 5, 11, 200, 16_000][number as usize % 5], 0);
            stream.write_all(&hello).unwrap();
            stream
        })
        .collect();
    ask();
    let deadline = Instant::now() + LIMIT;
    while running.stats().accepted <= CLIENTS {
        assert!(Instant::now() < deadline);
        std::thread::yield_now();
    }
    ask();
    let each = resident().saturating_sub(before) / open.len();
    assert!(each < 64 * 1024, "{each} bytes each");
    while running.connections().open() > 1 {
        assert!(Instant::now() < deadline, "{:?}", running.stats());
        std::thread::yield_now();
    }
    assert_eq!(running.stats().handshakes_failed[HandshakeFailed::TimedOut.index()], CLIENTS);
    ask();
}
