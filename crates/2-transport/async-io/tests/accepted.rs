//! A connection just accepted meets the reactor only when it has to wait.

use std::io::{IoSlice, Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};

use bytes::BytesMut;
use gorge_async_io::{AcceptedTcp, Stream, StreamExt};
use socket2::Socket;

/// Both ends of a connection over loopback; the accepted one does not block.
fn pair() -> (TcpStream, AcceptedTcp) {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let client = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    let (server, _) = listener.accept().unwrap();
    server.set_nonblocking(true).unwrap();
    (client, AcceptedTcp::new(Socket::from(server)))
}

fn run<F: Future>(future: F) -> F::Output {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(future)
}

#[test]
fn what_is_there_is_read_and_answered_without_the_reactor() {
    // No runtime at all: whoever asked for one would panic.
    let (mut client, mut server) = pair();
    client.write_all(b"ask").unwrap();
    let mut cx = std::task::Context::from_waker(std::task::Waker::noop());
    let mut buf = BytesMut::with_capacity(64);
    // Loopback delivers before `write` returns.
    assert!(server.poll_readable(&mut cx).is_ready());
    assert!(matches!(server.poll_read(&mut cx, &mut buf), std::task::Poll::Ready(Ok(3))));
    let answer = [IoSlice::new(b"ans"), IoSlice::new(b"wer")];
    assert!(matches!(server.poll_write(&mut cx, &answer), std::task::Poll::Ready(Ok(6))));
    assert!(matches!(server.poll_shutdown(&mut cx), std::task::Poll::Ready(Ok(()))));
    assert!(!server.is_watched());
    let mut answer = String::new();
    client.read_to_string(&mut answer).unwrap();
    assert_eq!(answer, "answer");
}

#[test]
fn waiting_registers_it_and_loses_nothing() {
    run(async {
        let (mut client, mut server) = pair();
        let mut buf = BytesMut::with_capacity(64);
        let reader = tokio::spawn(async move {
            while server.read(&mut buf).await.unwrap() > 0 {}
            (buf, server.is_watched())
        });
        tokio::task::yield_now().await;
        client.write_all(b"late ").unwrap();
        tokio::task::yield_now().await;
        client.write_all(b"but whole").unwrap();
        drop(client);
        let (buf, watched) = reader.await.unwrap();
        assert_eq!(&buf[..], b"late but whole");
        assert!(watched);
    });
}

#[test]
fn a_write_that_does_not_fit_waits_for_room() {
    run(async {
        let (mut client, mut server) = pair();
        // More than the buffers of both ends ever hold.
        let sent = vec![7; 64 << 20];
        let expected = sent.len();
        let writer = tokio::spawn(async move { server.write_all(&sent).await.map(|()| server.is_watched()) });
        // Nobody reads yet, so the writer has to wait.
        tokio::task::yield_now().await;
        let read = tokio::task::spawn_blocking(move || {
            let mut all = Vec::new();
            client.read_to_end(&mut all).map(|_| all.len())
        });
        assert!(writer.await.unwrap().unwrap());
        assert_eq!(read.await.unwrap().unwrap(), expected);
    });
}

#[test]
fn it_is_quiet_or_not_before_and_after_it_is_registered() {
    run(async {
        let (mut client, mut server) = pair();
        assert!(!server.is_closed());
        client.write_all(b"x").unwrap();
        assert!(server.is_closed());
        let mut buf = BytesMut::with_capacity(64);
        server.read(&mut buf).await.unwrap();
        let mut cx = std::task::Context::from_waker(std::task::Waker::noop());
        assert!(server.poll_readable(&mut cx).is_pending());
        assert!(server.is_watched() && !server.is_closed());
        let mut server = server.unregistered().unwrap();
        assert!(!server.is_watched() && !server.is_closed());
        client.write_all(b"y").unwrap();
        server.read(&mut buf).await.unwrap();
        assert_eq!(&buf[..], b"xy");
        assert!(server.socket_digest().peer.is_some() && server.raw_fd().is_some());
    });
}

#[test]
fn an_abort_resets_the_peer() {
    let (mut client, mut server) = pair();
    server.abort();
    drop(server);
    let error = client.read(&mut [0]).unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::ConnectionReset);
}
