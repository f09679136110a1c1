//! Binding and accepting on real sockets.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use gorge_async_io::{Stream, StreamExt};
use gorge_digest::PeerAddr;
use gorge_error::Kind;
use gorge_protocols::{
    Acceptor, Address, BoundListener, ConnectOptions, Keepalive, ListenOptions, Listener, SocketOptions,
    Transport, connect,
};
use socket2::{Domain, SockRef, Socket, Type};

const LOOPBACK: Address = Address::Ip(SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 0));

fn run<T>(test: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(test)
}

fn once() -> ListenOptions {
    ListenOptions { bind_tries: 1, ..ListenOptions::default() }
}

fn only(bound: BoundListener) -> Acceptor {
    bound.for_workers(1).unwrap().remove(0).start().unwrap()
}

fn ip(address: &Address) -> SocketAddr {
    match address {
        Address::Ip(addr) => *addr,
        other => panic!("{other} is no IP address"),
    }
}

async fn open(address: &Address) -> Transport {
    connect(address, &ConnectOptions::default()).await.unwrap()
}

/// A path in a folder of its own, removed with it.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let name = format!("gorge-listen-{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        let path = std::env::temp_dir().join(name);
        std::fs::create_dir(&path).unwrap();
        Folder(path)
    }

    fn socket(&self) -> Address {
        Address::Unix(self.0.join("s").into())
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

#[test]
fn accepted_connections_inherit_the_options_of_the_listener() {
    run(async {
        let keepalive =
            Keepalive { idle: Duration::from_secs(61), interval: Duration::from_secs(11), probes: 4 };
        let socket = SocketOptions {
            keepalive: Some(keepalive),
            user_timeout: Some(Duration::from_secs(7)),
            dscp: Some(10),
            ..SocketOptions::default()
        };
        let bound = Listener::bind(&LOOPBACK, &ListenOptions { socket, ..once() }).unwrap();
        let address = bound.address().clone();
        let mut acceptor = only(bound);
        let _client = open(&address).await;
        let accepted = tcp(acceptor.accept().await.unwrap().0);
        let accepted = SockRef::from(&accepted);
        assert!(accepted.tcp_nodelay().unwrap());
        assert!(accepted.keepalive().unwrap());
        assert_eq!(accepted.tcp_keepalive_time().unwrap(), keepalive.idle);
        assert_eq!(accepted.tcp_keepalive_interval().unwrap(), keepalive.interval);
        assert_eq!(accepted.tcp_keepalive_retries().unwrap(), keepalive.probes);
        #[cfg(target_os = "linux")]
        assert_eq!(accepted.tcp_user_timeout().unwrap(), Some(Duration::from_secs(7)));
        assert_eq!(accepted.tos_v4().unwrap(), 10 << 2);
    });
}

fn tcp(transport: Transport) -> tokio::net::TcpStream {
    match transport {
        Transport::Accepted(stream) => stream.into_tokio().unwrap(),
        Transport::Tcp(stream) => stream,
        other => panic!("{other:?} is not TCP"),
    }
}

#[test]
fn defaults_set_nodelay_and_keepalive_on_both_ends() {
    run(async {
        let bound = Listener::bind(&LOOPBACK, &once()).unwrap();
        let address = bound.address().clone();
        let mut acceptor = only(bound);
        let client = open(&address).await;
        let (server, _) = acceptor.accept().await.unwrap();
        for end in [client, server] {
            let stream = tcp(end);
            let socket = SockRef::from(&stream);
            assert!(socket.tcp_nodelay().unwrap());
            assert_eq!(socket.tcp_keepalive_time().unwrap(), Duration::from_secs(60));
            assert_eq!(socket.tcp_keepalive_interval().unwrap(), Duration::from_secs(10));
            assert_eq!(socket.tcp_keepalive_retries().unwrap(), 3);
        }
    });
}

#[test]
fn a_taken_address_is_refused_even_if_the_taker_shares_it() {
    for reuse_port in [false, true] {
        let taker = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
        taker.set_reuse_address(true).unwrap();
        taker.set_reuse_port(reuse_port).unwrap();
        taker.bind(&SocketAddr::from((Ipv4Addr::LOCALHOST, 0)).into()).unwrap();
        taker.listen(1).unwrap();
        let address = Address::Ip(taker.local_addr().unwrap().as_socket().unwrap());
        let err = Listener::bind(&address, &once()).unwrap_err();
        assert_eq!(err.kind(), Kind::BindFailed);
        let text = format!("{err:#}");
        assert!(text.contains(&address.to_string()) && text.contains("in use"), "{text}");
        let any = Address::Ip(SocketAddr::from((Ipv4Addr::UNSPECIFIED, ip(&address).port())));
        assert_eq!(Listener::bind(&any, &once()).unwrap_err().kind(), Kind::BindFailed);
    }
}

#[test]
fn two_listeners_of_one_process_do_not_share_an_address() {
    let first = Listener::bind(&LOOPBACK, &once()).unwrap();
    let err = Listener::bind(first.address(), &once()).unwrap_err();
    assert_eq!(err.kind(), Kind::BindFailed);
    let address = first.address().clone();
    drop(first.for_workers(3).unwrap());
    Listener::bind(&address, &once()).unwrap();
}

#[test]
fn binding_is_tried_again_while_the_address_is_in_use() {
    let taker = Listener::bind(&LOOPBACK, &once()).unwrap();
    let address = taker.address().clone();
    let options = ListenOptions { bind_tries: 100_000, bind_pause: Duration::from_millis(1), ..once() };
    let waiting = std::thread::spawn(move || Listener::bind(&address, &options));
    drop(taker);
    waiting.join().unwrap().unwrap();
}

#[test]
fn an_address_of_another_host_is_refused_at_once() {
    let address = "192.0.2.1:80".parse().unwrap();
    let options = ListenOptions { bind_tries: 2, bind_pause: Duration::from_secs(3600), ..once() };
    assert_eq!(Listener::bind(&address, &options).unwrap_err().kind(), Kind::BindFailed);
}

#[test]
fn every_worker_has_a_socket_and_all_are_served() {
    run(async {
        let bound = Listener::bind(&LOOPBACK, &once()).unwrap();
        let address = bound.address().clone();
        let mut acceptors: Vec<_> =
            bound.for_workers(2).unwrap().into_iter().map(|listener| listener.start().unwrap()).collect();
        assert!(acceptors.iter().all(|acceptor| !acceptor.is_shared()));
        // The kernel spreads by port: after some connections each socket has seen one.
        let mut seen = [0, 0];
        while seen.contains(&0) {
            let _client = open(&address).await;
            for (acceptor, seen) in acceptors.iter_mut().zip(&mut seen) {
                while acceptor.accept_queued().unwrap().is_some() {
                    *seen += 1;
                }
            }
            assert!(seen[0] + seen[1] < 1000, "one socket gets nothing: {seen:?}");
        }
    });
}

#[test]
fn without_reuse_port_there_is_one_shared_socket() {
    run(async {
        let bound = Listener::bind(&LOOPBACK, &ListenOptions { reuse_port: false, ..once() }).unwrap();
        let address = bound.address().clone();
        let mut listeners = bound.for_workers(4).unwrap();
        assert_eq!(listeners.len(), 1);
        let mut acceptor = listeners.remove(0).start().unwrap();
        assert!(acceptor.is_shared());
        let _client = open(&address).await;
        acceptor.accept().await.unwrap();
    });
}

#[test]
fn what_is_queued_can_be_accepted_to_the_last() {
    run(async {
        let bound = Listener::bind(&LOOPBACK, &once()).unwrap();
        let address = bound.address().clone();
        let mut acceptor = only(bound);
        let mut clients = Vec::new();
        for _ in 0..20 {
            clients.push(open(&address).await);
        }
        let mut accepted = Vec::new();
        while let Some(connection) = acceptor.accept_queued().unwrap() {
            accepted.push(connection);
        }
        drop(acceptor);
        assert_eq!(accepted.len(), 20);
        for (server, peer) in &mut accepted {
            assert!(matches!(peer, PeerAddr::Ip(addr) if addr.ip().is_loopback()));
            server.write_all(b"!").await.unwrap();
        }
        for client in &mut clients {
            let mut buf = bytes::BytesMut::with_capacity(8);
            assert_eq!(client.read(&mut buf).await.unwrap(), 1);
        }
    });
}

#[cfg(target_os = "linux")]
#[test]
fn a_queue_that_takes_no_more_keeps_what_it_has() {
    run(async {
        let bound = Listener::bind(&LOOPBACK, &once()).unwrap();
        let address = bound.address().clone();
        let mut acceptor = only(bound);
        let mut queued = open(&address).await;
        queued.write_all(b"early").await.unwrap();
        acceptor.refuse_new();
        let hasty = ConnectOptions { timeout: Duration::from_millis(20), ..ConnectOptions::default() };
        assert_eq!(connect(&address, &hasty).await.unwrap_err().kind(), Kind::ConnectTimedOut);
        let (mut server, _) = acceptor.accept_queued().unwrap().unwrap();
        assert!(acceptor.accept_queued().unwrap().is_none());
        drop(acceptor);
        // The one that was in lives on without the socket, in both directions.
        let mut buf = bytes::BytesMut::with_capacity(8);
        server.read(&mut buf).await.unwrap();
        queued.write_all(b" late").await.unwrap();
        while buf.len() < 10 {
            buf.reserve(8);
            server.read(&mut buf).await.unwrap();
        }
        assert_eq!(&buf[..], b"early late");
        server.write_all(b"!").await.unwrap();
        assert_eq!(queued.read(&mut buf).await.unwrap(), 1);
        assert_eq!(connect(&address, &hasty).await.unwrap_err().kind(), Kind::ConnectRefused);
    });
}

#[test]
fn a_unix_queue_that_takes_no_more_has_no_file() {
    run(async {
        let folder = Folder::new();
        let mut acceptor = only(Listener::bind(&folder.socket(), &once()).unwrap());
        let _queued = open(&folder.socket()).await;
        acceptor.refuse_new();
        assert!(!folder.0.join("s").exists());
        assert!(connect(&folder.socket(), &ConnectOptions::default()).await.is_err());
        assert!(acceptor.accept_queued().unwrap().is_some() && acceptor.accept_queued().unwrap().is_none());
    });
}

#[test]
fn the_local_address_is_known_unless_it_is_a_wildcard() {
    run(async {
        let bound = Listener::bind(&LOOPBACK, &once()).unwrap();
        let address = bound.address().clone();
        assert_ne!(ip(&address).port(), 0);
        assert_eq!(only(bound).local(), Some(&PeerAddr::Ip(ip(&address))));

        let bound = Listener::bind(&"0.0.0.0:0".parse().unwrap(), &once()).unwrap();
        let there = Address::Ip(SocketAddr::from((Ipv4Addr::LOCALHOST, ip(bound.address()).port())));
        let mut acceptor = only(bound);
        assert_eq!(acceptor.local(), None);
        let _client = open(&there).await;
        let (server, _) = acceptor.accept().await.unwrap();
        assert_eq!(server.socket_digest().local, Some(PeerAddr::Ip(ip(&there))));
    });
}

#[test]
fn ipv6_only_leaves_the_ipv4_address_free() {
    let any6 = "[::]:0".parse().unwrap();
    let Ok(bound) = Listener::bind(&any6, &ListenOptions { ipv6_only: true, ..once() }) else {
        return; // a host without IPv6
    };
    let any4 = Address::Ip(SocketAddr::from((Ipv4Addr::UNSPECIFIED, ip(bound.address()).port())));
    Listener::bind(&any4, &once()).unwrap();
    let both = Listener::bind(&any6, &once()).unwrap();
    let any4 = Address::Ip(SocketAddr::from((Ipv4Addr::UNSPECIFIED, ip(both.address()).port())));
    assert_eq!(Listener::bind(&any4, &once()).unwrap_err().kind(), Kind::BindFailed);
}

#[test]
fn a_unix_socket_is_bound_with_its_permissions_and_removed_at_the_end() {
    run(async {
        let folder = Folder::new();
        let address = folder.socket();
        let path = folder.0.join("s");
        let bound = Listener::bind(&address, &ListenOptions { mode: 0o606, ..once() }).unwrap();
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o606);
        let mut acceptor = only(bound);
        let mut client = open(&address).await;
        let (mut server, peer) = acceptor.accept().await.unwrap();
        assert_eq!((peer, acceptor.is_shared()), (PeerAddr::Unix(None), true));
        client.write_all(b"hi").await.unwrap();
        let mut buf = bytes::BytesMut::with_capacity(8);
        server.read(&mut buf).await.unwrap();
        assert_eq!(&buf[..], b"hi");
        drop(acceptor);
        assert!(!path.exists());
    });
}

#[test]
fn a_unix_socket_left_by_the_dead_is_replaced() {
    let folder = Folder::new();
    drop(std::os::unix::net::UnixListener::bind(folder.0.join("s")).unwrap());
    assert!(folder.0.join("s").exists());
    run(async {
        let mut acceptor = only(Listener::bind(&folder.socket(), &once()).unwrap());
        let _client = open(&folder.socket()).await;
        acceptor.accept().await.unwrap();
    });
}

#[test]
fn a_unix_socket_that_is_served_is_refused() {
    let folder = Folder::new();
    let _alive = std::os::unix::net::UnixListener::bind(folder.0.join("s")).unwrap();
    let err = Listener::bind(&folder.socket(), &once()).unwrap_err();
    assert_eq!(err.kind(), Kind::BindFailed);
    assert!(format!("{err:#}").contains("another process listens"), "{err:#}");
    std::os::unix::net::UnixStream::connect(folder.0.join("s")).unwrap();
}

#[test]
fn a_file_that_is_no_socket_is_left_alone() {
    let folder = Folder::new();
    std::fs::write(folder.0.join("s"), "precious").unwrap();
    let err = Listener::bind(&folder.socket(), &once()).unwrap_err();
    assert!(format!("{err:#}").contains("not a socket"), "{err:#}");
    assert_eq!(std::fs::read(folder.0.join("s")).unwrap(), b"precious");
}

#[test]
fn the_socket_of_a_successor_is_not_removed() {
    let folder = Folder::new();
    let path = folder.0.join("s");
    let old = Listener::bind(&folder.socket(), &once()).unwrap();
    std::fs::remove_file(&path).unwrap();
    let _new = Listener::bind(&folder.socket(), &once()).unwrap();
    drop(old);
    assert!(path.exists());
}

#[cfg(target_os = "linux")]
#[test]
fn abstract_names_work_and_have_no_file() {
    run(async {
        let address: Address = format!("unix:@gorge-listen-{}", std::process::id()).parse().unwrap();
        let bound = Listener::bind(&address, &once()).unwrap();
        assert_eq!(Listener::bind(&address, &once()).unwrap_err().kind(), Kind::BindFailed);
        let mut acceptor = only(bound);
        assert_eq!(acceptor.local().unwrap().to_string(), address.to_string());
        let _client = open(&address).await;
        acceptor.accept().await.unwrap();
    });
}

#[test]
fn a_dropped_accept_loses_no_connection() {
    run(async {
        let bound = Listener::bind(&LOOPBACK, &once()).unwrap();
        let address = bound.address().clone();
        let mut acceptor = only(bound);
        tokio::select! {
            biased;
            accepted = acceptor.accept() => panic!("nobody has connected: {accepted:?}"),
            () = std::future::ready(()) => {}
        }
        let _client = open(&address).await;
        acceptor.accept().await.unwrap();
    });
}

#[test]
fn only_exhaustion_asks_for_a_pause() {
    assert!(gorge_protocols::is_exhausted(&io::Error::from_raw_os_error(libc::EMFILE)));
    assert!(!gorge_protocols::is_exhausted(&io::Error::from_raw_os_error(libc::ECONNABORTED)));
}
