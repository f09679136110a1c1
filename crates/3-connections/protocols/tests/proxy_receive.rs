//! Taking a PROXY header off a connection of each kind.

use std::io::{self, IoSlice};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::BytesMut;
use gorge_async_io::{Stream, StreamExt};
use gorge_protocols::proxy_protocol::{Command, Reject, Tlv, TlvKind, Version, encode_v2};
use gorge_protocols::{
    Accepted, Address, BoundListener, ConnectOptions, Connections, HeaderRefused, ListenOptions, Listener,
    Networks, PeerAddr, ProxyProtocol, ReceivedHeader, Transport, connect, virtual_pair,
};
use gorge_runtime::Shutdown;
use gorge_test_util::TempFolder;
use tokio::net::{TcpListener, TcpStream};

const V1: &[u8] = b"PROXY TCP4 192.0.2.7 198.51.100.1 40000 443\r\n";
const NEXT: &[u8] = b"\x16\x03\x01 what comes next\r\n";

fn run<T>(test: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(test)
}

fn end(text: &str) -> PeerAddr {
    PeerAddr::Ip(text.parse().unwrap())
}

/// A header with TLVs of `filler` bytes.
fn v2(filler: usize) -> BytesMut {
    let mut out = BytesMut::new();
    let value = vec![b'x'; filler];
    let tlvs = [
        Tlv { kind: TlvKind::AUTHORITY, value: b"shop.example" },
        Tlv { kind: TlvKind::UNIQUE_ID, value: b"id" },
        Tlv { kind: TlvKind::NOOP, value: &value },
        Tlv { kind: TlvKind::CRC32C, value: b"" },
    ];
    encode_v2(Some(&end("192.0.2.7:40000")), Some(&end("198.51.100.1:443")), &tlvs, &mut out).unwrap();
    out
}

/// Client and server end of each kind.
async fn pairs() -> Vec<(&'static str, Transport, Transport)> {
    let mut pairs = Vec::new();
    let tcp = Listener::bind(&"127.0.0.1:0".parse().unwrap(), &ListenOptions::default()).unwrap();
    let (client, server) = through(tcp).await;
    assert!(matches!(server, Transport::Accepted(_)));
    pairs.push(("accepted", client, server));

    let folder = TempFolder::new();
    let path = Address::Unix(folder.path().join("socket").into());
    let (client, server) = through(Listener::bind(&path, &ListenOptions::default()).unwrap()).await;
    assert!(matches!(server, Transport::Unix(_)));
    pairs.push(("unix", client, server));

    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let client = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
    pairs.push(("tcp", client.into(), listener.accept().await.unwrap().0.into()));

    let (client, server) = virtual_pair();
    pairs.push(("virtual", client.into(), server.into()));
    let (client, server) = virtual_pair();
    pairs.push(("boxed", client.into(), Transport::Boxed(Box::new(server))));
    pairs
}

async fn through(bound: BoundListener) -> (Transport, Transport) {
    let address = bound.address().clone();
    let mut acceptor = bound.for_workers(1).unwrap().remove(0).start().unwrap();
    let client = connect(&address, &ConnectOptions::default()).await.unwrap();
    (client, acceptor.accept().await.unwrap().0)
}

async fn receive(server: &mut Transport) -> Result<ReceivedHeader, HeaderRefused> {
    ProxyProtocol::default().receive(server, &end("127.0.0.1:1")).await
}

/// Reads what is there to its end.
async fn rest(mut server: Transport) -> Vec<u8> {
    let mut buf = BytesMut::with_capacity(1 << 16);
    while server.read(&mut buf).await.unwrap() > 0 {}
    buf.to_vec()
}

#[test]
fn what_follows_a_header_is_left_to_its_first_byte() {
    run(async {
        for header in [V1.to_vec(), b"PROXY UNKNOWN\r\n".to_vec(), v2(0).to_vec(), v2(500).to_vec()] {
            for (kind, mut client, mut server) in pairs().await {
                client.write_all(&[&header[..], NEXT].concat()).await.unwrap();
                receive(&mut server).await.unwrap();
                drop(client);
                assert_eq!(rest(server).await, NEXT, "{kind}, {}", header.escape_ascii());
            }
        }
    });
}

#[test]
fn a_header_may_come_in_single_bytes() {
    run(async {
        for header in [V1.to_vec(), v2(0).to_vec(), v2(300).to_vec()] {
            for (kind, mut client, mut server) in pairs().await {
                let bytes = [&header[..], NEXT].concat();
                let send = async {
                    for byte in bytes {
                        client.write_all(&[byte]).await.unwrap();
                        tokio::task::yield_now().await;
                    }
                    drop(client);
                };
                let (received, ()) = tokio::join!(receive(&mut server), send);
                assert_eq!(received.unwrap().source, Some(end("192.0.2.7:40000")), "{kind}");
                assert_eq!(rest(server).await, NEXT, "{kind}");
            }
        }
    });
}

#[test]
fn the_header_is_kept_with_its_tlvs() {
    run(async {
        let (mut client, server) = virtual_pair();
        client.write_all(&v2(7)).await.unwrap();
        let received = receive(&mut server.into()).await.unwrap();
        assert_eq!((received.version, received.command), (Version::V2, Command::Proxy));
        assert_eq!(received.tlvs().authority(), Some("shop.example"));
        let digest = received.digest();
        assert_eq!(digest.protocol, gorge_digest::ProxyProtocol::V2);
        assert_eq!(digest.source, Some("192.0.2.7:40000".parse().unwrap()));
        assert_eq!(digest.destination, Some("198.51.100.1:443".parse().unwrap()));
        assert_eq!(digest.authority.as_deref(), Some("shop.example"));
        assert_eq!(digest.unique_id.as_deref(), Some(&b"id"[..]));
    });
}

#[test]
fn what_is_no_header_is_refused_at_once() {
    run(async {
        for (bytes, reject) in [
            (&b"G"[..], Reject::Missing),
            (b"GET / HTTP/1.1\r\n\r\n", Reject::Missing),
            (b"\x16\x03\x01\x02\0", Reject::Missing),
            (b"PROXY TCP4 1.2.3.4 1.2.3.4 1 02\r\n", Reject::Port),
            (b"\r\n\r\n\0\r\nQUIT\n\x31", Reject::Version),
        ] {
            for (kind, mut client, mut server) in pairs().await {
                client.write_all(bytes).await.unwrap();
                let refused = receive(&mut server).await.unwrap_err();
                assert_eq!(refused, HeaderRefused::Malformed(reject), "{kind}, {}", bytes.escape_ascii());
            }
        }
    });
}

#[test]
fn the_end_before_the_headers_end_is_told() {
    run(async {
        for begun in [&b""[..], b"PRO", b"PROXY TCP4 192.0.2.7", &v2(0)[..20]] {
            for (kind, mut client, mut server) in pairs().await {
                client.write_all(begun).await.unwrap();
                client.shutdown().await.unwrap();
                assert_eq!(receive(&mut server).await, Err(HeaderRefused::Closed), "{kind}");
            }
        }
    });
}

#[test]
fn a_slow_header_is_given_up() {
    run(async {
        let protocol = ProxyProtocol { timeout: Duration::from_millis(30), ..ProxyProtocol::default() };
        for begun in [&b""[..], b"PROXY", &v2(0)[..30]] {
            for (kind, mut client, mut server) in pairs().await {
                client.write_all(begun).await.unwrap();
                let refused = protocol.receive(&mut server, &end("127.0.0.1:1")).await;
                assert_eq!(refused, Err(HeaderRefused::TimedOut), "{kind}");
            }
        }
    });
    assert_eq!(ProxyProtocol::default().timeout, Duration::from_secs(10));
}

#[test]
fn a_header_has_a_longest_length() {
    run(async {
        let header = v2(4096);
        let (mut client, server) = virtual_pair();
        // Its length alone says it.
        client.write_all(&header[..16]).await.unwrap();
        let mut server = server.into();
        assert_eq!(receive(&mut server).await, Err(HeaderRefused::TooLong));

        let (mut client, server) = virtual_pair();
        client.write_all(&header).await.unwrap();
        let protocol = ProxyProtocol { max_len: header.len(), ..ProxyProtocol::default() };
        assert!(protocol.receive(&mut server.into(), &end("127.0.0.1:1")).await.is_ok());
    });
}

#[test]
fn strangers_are_not_heard() {
    let trusted: Networks = vec!["10.0.0.0/8".parse().unwrap()].into();
    let protocol = ProxyProtocol { trusted, ..ProxyProtocol::default() };
    run(async {
        for (peer, heard) in [
            (end("10.1.2.3:1"), true),
            (end("[::ffff:10.1.2.3]:1"), true),
            (PeerAddr::Unix(None), true),
            (end("192.0.2.1:1"), false),
            (end("127.0.0.1:1"), false),
        ] {
            let (mut client, server) = virtual_pair();
            client.write_all(V1).await.unwrap();
            let received = protocol.receive(&mut server.into(), &peer).await;
            assert_eq!(received.err(), (!heard).then_some(HeaderRefused::Untrusted), "{peer}");
        }
    });
}

#[test]
fn an_aborted_connection_fails() {
    run(async {
        let (mut client, server) = virtual_pair();
        client.abort();
        drop(client);
        let refused = receive(&mut server.into()).await.unwrap_err();
        assert_eq!(refused, HeaderRefused::Failed(io::ErrorKind::ConnectionReset));
    });
}

#[test]
fn every_outcome_has_its_place() {
    let all = [
        HeaderRefused::Closed,
        HeaderRefused::Failed(io::ErrorKind::Other),
        HeaderRefused::Malformed(Reject::Port),
        HeaderRefused::Malformed(Reject::Missing),
        HeaderRefused::TimedOut,
        HeaderRefused::TooLong,
        HeaderRefused::Untrusted,
    ];
    let names: Vec<_> = all.iter().map(|refused| refused.name()).collect();
    assert_eq!(names, HeaderRefused::NAMES);
    assert_eq!(all.map(HeaderRefused::index), [0, 1, 2, 3, 4, 5, 6]);
}

fn accepted(stream: impl Into<Transport>) -> Accepted {
    let connections = Connections::new(1, 1);
    Accepted {
        transport: stream.into(),
        peer: end("127.0.0.1:1"),
        local: None,
        proxy: None,
        tls: None,
        shutdown: Shutdown::never(),
        permit: connections.permit(),
    }
}

#[test]
fn the_handler_sees_whom_the_header_names() {
    run(async {
        for (header, peer, local) in [
            (V1, "192.0.2.7:40000", Some("198.51.100.1:443")),
            (b"PROXY UNKNOWN\r\n", "127.0.0.1:1", None),
            (b"\r\n\r\n\0\r\nQUIT\n\x20\0\0\0", "127.0.0.1:1", None),
        ] {
            let (mut client, server) = virtual_pair();
            client.write_all(header).await.unwrap();
            let mut server = Transport::from(server);
            let received = receive(&mut server).await.unwrap();
            let seen = accepted(server).behind(received.clone());
            assert_eq!((seen.peer, seen.local), (end(peer), local.map(end)));
            assert_eq!(seen.proxy.as_deref(), Some(&received));
        }
    });
}

/// A stream of the user's own whose descriptor carries other bytes than it gives, as one with TLS.
struct Wrapped {
    plain: gorge_protocols::VirtualStream,
    below: TcpStream,
}

impl Stream for Wrapped {
    fn poll_readable(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.plain.poll_readable(cx)
    }

    fn poll_read(&mut self, cx: &mut Context<'_>, buf: &mut BytesMut) -> Poll<io::Result<usize>> {
        self.plain.poll_read(cx, buf)
    }

    fn poll_write(&mut self, cx: &mut Context<'_>, bufs: &[IoSlice<'_>]) -> Poll<io::Result<usize>> {
        self.plain.poll_write(cx, bufs)
    }

    fn poll_writable(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.plain.poll_writable(cx)
    }

    fn poll_shutdown(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.plain.poll_shutdown(cx)
    }

    fn abort(&mut self) {
        self.plain.abort();
    }

    fn is_closed(&mut self) -> bool {
        self.plain.is_closed()
    }

    fn raw_fd(&self) -> Option<std::os::fd::RawFd> {
        self.below.raw_fd()
    }
}

#[test]
fn the_descriptor_below_a_boxed_stream_is_left_alone() {
    run(async {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let mut cipher = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        let below = listener.accept().await.unwrap().0;
        cipher.write_all(b"what looks like no header\n").await.unwrap();
        below.readable().await.unwrap();
        let (mut client, plain) = virtual_pair();
        client.write_all(V1).await.unwrap();
        let mut server = Transport::Boxed(Box::new(Wrapped { plain, below }));
        assert!(receive(&mut server).await.is_ok());
    });
}
