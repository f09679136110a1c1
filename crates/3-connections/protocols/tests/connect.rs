//! Connecting, and moving connections between workers.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::mpsc;
use std::time::Duration;

use bytes::BytesMut;
use gorge_async_io::{Stream, StreamExt};
use gorge_error::{Fault, Kind, Retryable};
use gorge_protocols::{Address, ConnectOptions, Transport, connect, virtual_pair};
use gorge_runtime::{Config, Runtime};
use socket2::{Domain, Socket, Type};
use tokio::net::TcpListener;

fn run<T>(test: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(test)
}

/// A bound socket; nobody listens unless `backlog` is given.
fn socket(backlog: Option<i32>) -> (Socket, Address) {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
    socket.bind(&SocketAddr::from((Ipv4Addr::LOCALHOST, 0)).into()).unwrap();
    if let Some(backlog) = backlog {
        socket.listen(backlog).unwrap();
    }
    let address = Address::Ip(socket.local_addr().unwrap().as_socket().unwrap());
    (socket, address)
}

#[test]
fn a_refused_connection_is_the_upstreams_fault_and_may_be_retried() {
    run(async {
        let (_bound, address) = socket(None);
        let err = connect(&address, &ConnectOptions::default()).await.unwrap_err();
        assert_eq!((err.kind(), err.fault()), (Kind::ConnectRefused, Fault::Upstream));
        assert_eq!(err.retry(), Retryable::Yes);
        assert!(format!("{err:#}").contains(&address.to_string()), "{err:#}");
    });
}

#[test]
fn a_connection_that_does_not_come_up_times_out() {
    run(async {
        // A full queue drops what arrives, as a dead host would.
        let (_full, address) = socket(Some(0));
        let options = ConnectOptions { timeout: Duration::from_millis(50), ..ConnectOptions::default() };
        let mut queued = Vec::new();
        let err = loop {
            match connect(&address, &options).await {
                Ok(stream) => queued.push(stream),
                Err(err) => break err,
            }
            assert!(queued.len() < 10, "the queue does not fill");
        };
        assert_eq!((err.kind(), err.fault()), (Kind::ConnectTimedOut, Fault::Upstream));
        assert!(err.is_timeout() && err.retry() == Retryable::Yes);
    });
}

#[test]
fn a_missing_unix_socket_is_an_upstream_error() {
    run(async {
        let address = "unix:/nonexistent/gorge.sock".parse().unwrap();
        let err = connect(&address, &ConnectOptions::default()).await.unwrap_err();
        assert_eq!((err.kind(), err.fault()), (Kind::ConnectFailed, Fault::Upstream));
    });
}

#[test]
fn the_source_address_can_be_chosen() {
    run(async {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = Address::Ip(listener.local_addr().unwrap());
        let source = "127.0.0.9:0".parse().unwrap();
        let options = ConnectOptions { source: Some(source), ..ConnectOptions::default() };
        let _client = connect(&address, &options).await.unwrap();
        assert_eq!(listener.accept().await.unwrap().1.ip(), source.ip());
        let elsewhere = ConnectOptions { source: Some("192.0.2.1:0".parse().unwrap()), ..options };
        assert_eq!(connect(&address, &elsewhere).await.unwrap_err().kind(), Kind::BindFailed);
    });
}

#[cfg(target_os = "linux")]
#[test]
fn the_interface_can_be_chosen() {
    run(async {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = Address::Ip(listener.local_addr().unwrap());
        let through =
            |name: &str| ConnectOptions { interface: Some(name.to_owned()), ..ConnectOptions::default() };
        connect(&address, &through("lo")).await.unwrap();
        connect(&address, &through("no-such-if")).await.unwrap_err();
    });
}

/// Makes a pair on one worker, moves an end to the other, and uses it there.
fn crosses(pair: impl Future<Output = (Transport, Transport)> + Send + 'static) {
    let runtime = Runtime::new(Config { workers: 2, ..Config::default() }).unwrap();
    let (tx, rx) = mpsc::channel();
    let handle = runtime.handle().clone();
    runtime.handle().spawn_on(0, async move {
        let (mut here, there) = pair.await;
        let moved = handle.spawn_on(1, async move {
            let mut there = there.rebind().unwrap();
            let mut buf = BytesMut::with_capacity(16);
            there.read(&mut buf).await.unwrap();
            there.write_all(&buf).await.unwrap();
        });
        here.write_all(b"over there").await.unwrap();
        let mut buf = BytesMut::with_capacity(16);
        here.read(&mut buf).await.unwrap();
        moved.await.unwrap();
        tx.send(buf.to_vec()).unwrap();
    });
    assert_eq!(rx.recv_timeout(Duration::from_secs(60)).unwrap(), b"over there");
    // The other worker's reactor still serves what is registered there.
    assert_eq!(runtime.drain(Duration::from_secs(60)).cut, 0);
}

#[test]
fn a_tcp_connection_moves_to_another_worker() {
    crosses(async {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = Address::Ip(listener.local_addr().unwrap());
        let client = connect(&address, &ConnectOptions::default()).await.unwrap();
        (client, listener.accept().await.unwrap().0.into())
    });
}

#[test]
fn a_unix_connection_moves_to_another_worker() {
    crosses(async {
        let (a, b) = tokio::net::UnixStream::pair().unwrap();
        (a.into(), b.into())
    });
}

#[test]
fn a_virtual_connection_moves_to_another_worker() {
    crosses(async {
        let (a, b) = virtual_pair();
        (a.into(), b.into())
    });
}

#[test]
fn a_boxed_stream_does_not_move() {
    run(async {
        let (a, _b) = virtual_pair();
        let boxed: Box<dyn Stream> = Box::new(a);
        let err = Transport::from(boxed).rebind().unwrap_err();
        assert_eq!(err.kind(), std::io::ErrorKind::Unsupported);
    });
}
