//! Who is let in: accept policies and PROXY headers.

mod common;

use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::Arc;
use std::time::Duration;

use common::{Named, any, is_closed, tcp, until, whole_answer};
use gorge_protocols::{AcceptPolicy, Address, HeaderRefused, IpNet, Networks, PerAddress, ProxyProtocol};
use gorge_server::{Listen, Running, Server, Service};

fn networks(network: &str) -> Networks {
    vec![network.parse::<IpNet>().unwrap()].into()
}

fn start(change: impl FnOnce(&mut Listen)) -> (Running, Address) {
    let mut listen = Listen::new(any(), Named("web"));
    change(&mut listen);
    let mut server = Server::new(common::config(1));
    let address = server.add(Service::new("web").listen(listen)).unwrap().swap_remove(0);
    (server.launch().unwrap(), address)
}

fn refused(running: &Running, reason: &str) -> u64 {
    running.stats().refused().find(|(name, _)| *name == reason).unwrap().1
}

fn connect(address: &Address) -> TcpStream {
    TcpStream::connect(tcp(address)).unwrap()
}

/// The peer as the handler saw it, behind this header.
fn peer_behind(address: &Address, header: &str) -> std::io::Result<String> {
    let mut client = connect(address);
    client.write_all(header.as_bytes())?;
    Ok(whole_answer(&mut client)?.split(' ').nth(1).unwrap().to_owned())
}

#[test]
fn a_refused_peer_is_closed_at_once_and_counted() {
    let (running, address) = start(|listen| {
        listen.accept = Some(AcceptPolicy { deny: networks("127.0.0.1/32"), ..Default::default() })
    });
    for _ in 0..3 {
        assert!(is_closed(&mut connect(&address)));
    }
    assert_eq!((refused(&running, "denied"), running.connections().open()), (3, 0));

    // A change of the policy holds from the next connection on.
    let listen = Listen::new(address.clone(), Named("web"));
    running.set_listeners("web", vec![listen]).unwrap();
    assert!(whole_answer(&mut connect(&address)).unwrap().starts_with("web 127.0.0.1:"));
    assert_eq!(refused(&running, "denied"), 3);
    running.stop();
}

#[test]
fn code_of_ones_own_may_judge_and_unix_sockets_are_judged_by_it() {
    let folder = common::Folder::new();
    let path = folder.at("s");
    let mut listen = Listen::new(Address::Unix(path.as_path().into()), Named("web"));
    listen.accept = Some(AcceptPolicy { own: Some(Arc::new(|_| false)), ..Default::default() });
    let mut server = Server::new(common::config(3));
    server.add(Service::new("web").listen(listen)).unwrap();
    let running = server.launch().unwrap();
    for _ in 0..3 {
        assert!(is_closed(&mut std::os::unix::net::UnixStream::connect(&path).unwrap()));
    }
    assert_eq!(refused(&running, "denied"), 3);
    running.stop();
}

#[test]
fn a_proxy_header_says_who_the_client_is() {
    let (running, address) = start(|listen| listen.proxy_protocol = Some(ProxyProtocol::default()));
    let peer = peer_behind(&address, "PROXY TCP4 192.0.2.7 198.51.100.1 40000 80\r\n").unwrap();
    assert_eq!(peer, "192.0.2.7:40000");
    let peer = peer_behind(&address, "PROXY UNKNOWN\r\n").unwrap();
    assert!(peer.starts_with("127.0.0.1:"), "{peer}");
    running.stop();
}

#[test]
fn a_connection_without_a_good_header_is_closed_and_counted() {
    let (running, address) = start(|listen| {
        listen.proxy_protocol =
            Some(ProxyProtocol { timeout: Duration::from_millis(20), ..Default::default() });
    });
    let closed = |bytes: &[u8]| {
        let mut client = connect(&address);
        client.write_all(bytes).unwrap();
        let mut answer = Vec::new();
        // A reset says the same as an end.
        let _ = client.read_to_end(&mut answer);
        assert!(answer.is_empty(), "{}", answer.escape_ascii());
    };
    closed(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_eq!(refused(&running, "missing"), 1);
    closed(b"PROXY TCP4 nonsense\r\n");
    assert_eq!(refused(&running, "malformed"), 1);
    closed(b"PROXY TCP4 ");
    assert_eq!(refused(&running, "timed_out"), 1);
    let mut gone = connect(&address);
    gone.shutdown(std::net::Shutdown::Write).unwrap();
    assert!(is_closed(&mut gone));
    assert_eq!(refused(&running, "closed"), 1);
    assert_eq!(running.stats().headers_refused.iter().sum::<u64>(), 4);
    assert_eq!(running.stats().refused().count(), 2 + HeaderRefused::COUNT);
    until("all let go", || running.connections().open() == 0);
    running.stop();
}

#[test]
fn strangers_may_not_send_a_header() {
    let (running, address) = start(|listen| {
        listen.proxy_protocol =
            Some(ProxyProtocol { trusted: networks("192.0.2.0/24"), ..Default::default() });
    });
    assert!(is_closed(&mut connect(&address)));
    assert_eq!(refused(&running, "untrusted"), 1);
    running.stop();
}

#[test]
fn behind_a_proxy_the_policy_judges_the_client() {
    let (running, address) = start(|listen| {
        listen.proxy_protocol = Some(ProxyProtocol::default());
        listen.accept = Some(AcceptPolicy {
            allow: networks("192.0.2.0/24"),
            per_address: Some(PerAddress::new(1, Networks::default())),
            ..Default::default()
        });
    });
    let header = |ip: &str| format!("PROXY TCP4 {ip} 198.51.100.1 40000 80\r\n");
    assert!(peer_behind(&address, &header("203.0.113.9")).is_err());
    assert_eq!(refused(&running, "denied"), 1);

    let mut first = connect(&address);
    first.write_all(header("192.0.2.7").as_bytes()).unwrap();
    assert!(whole_answer(&mut first).unwrap().starts_with("web 192.0.2.7:"));
    assert!(peer_behind(&address, &header("192.0.2.7")).is_err());
    assert_eq!(refused(&running, "too_many"), 1);
    assert_eq!(peer_behind(&address, &header("192.0.2.8")).unwrap(), "192.0.2.8:40000");
    // Its place is free again once the first has gone.
    drop(first);
    until("room", || peer_behind(&address, &header("192.0.2.7")).is_ok());
    running.stop();
}

#[test]
fn a_header_may_be_late_for_the_stop() {
    let (running, address) = start(|listen| listen.proxy_protocol = Some(ProxyProtocol::default()));
    let mut client = connect(&address);
    until("accepted", || running.stats().accepted == 1);
    running.stopper().request();
    until("the close", || TcpStream::connect(tcp(&address)).is_err());
    client.write_all(b"PROXY UNKNOWN\r\n").unwrap();
    assert!(whole_answer(&mut client).unwrap().starts_with("web"));
    assert_eq!(running.wait().cut, 0);
}
