//! PROXY headers of others, and others that read ours.

use std::thread;

use bytes::BytesMut;
use gorge_async_io::StreamExt;
use gorge_protocols::proxy_protocol::{Tlv, TlvKind, encode_v1, encode_v2};
use gorge_protocols::{
    Address, ConnectOptions, ListenOptions, Listener, PeerAddr, ProxyProtocol, ReceivedHeader, Transport,
    connect,
};
use gorge_test_util::{Nginx, TempFolder, curl};

fn run<T>(test: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(test)
}

async fn read_all(stream: &mut Transport) -> String {
    let mut buf = BytesMut::with_capacity(1 << 16);
    while stream.read(&mut buf).await.unwrap() > 0 {}
    String::from_utf8(buf.to_vec()).unwrap()
}

/// Answers one request behind a header.
async fn answer(mut server: Transport, peer: PeerAddr) -> (ReceivedHeader, PeerAddr) {
    let header = ProxyProtocol::default().receive(&mut server, &peer).await.unwrap();
    let mut buf = BytesMut::with_capacity(4096);
    while !buf.ends_with(b"\r\n\r\n") {
        assert!(server.read(&mut buf).await.unwrap() > 0);
    }
    assert!(buf.starts_with(b"GET /path HTTP/1.1\r\n"), "{}", buf.escape_ascii());
    server.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok").await.unwrap();
    (header, peer)
}

#[test]
fn curl_is_understood() {
    run(async {
        let bound = Listener::bind(&"127.0.0.1:0".parse().unwrap(), &ListenOptions::default()).unwrap();
        let url = format!("http://{}/path", bound.address());
        let local = PeerAddr::from(bound.address());
        let mut acceptor = bound.for_workers(1).unwrap().remove(0).start().unwrap();
        let client = thread::spawn(move || curl(&["--haproxy-protocol", &url]));
        let (server, peer) = acceptor.accept().await.unwrap();
        let (header, peer) = answer(server, peer).await;
        assert_eq!(client.join().unwrap().succeeded(), "ok");
        assert_eq!((header.source, header.destination), (Some(peer), Some(local)));
    });
}

/// What nginx, listening for headers, says of one.
async fn nginx_says(path: &std::path::Path, header: &[u8]) -> String {
    let mut client = connect(&Address::Unix(path.into()), &ConnectOptions::default()).await.unwrap();
    client.write_all(header).await.unwrap();
    client.write_all(b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n").await.unwrap();
    let text = read_all(&mut client).await;
    text.split_once("\r\n\r\n").map(|(_, body)| body.to_owned()).unwrap_or(text)
}

#[test]
fn nginx_understands_what_is_written() {
    let folder = TempFolder::new();
    let path = folder.path().join("proxied");
    let nginx = Nginx::start(&format!(
        "listen unix:{} proxy_protocol; default_type text/plain;
         return 200 \"$proxy_protocol_addr $proxy_protocol_port $proxy_protocol_server_addr $proxy_protocol_server_port\";",
        path.display()
    ));
    // Once it answers anywhere, it listens everywhere.
    curl(&[&format!("http://{}/", nginx.addr())]).succeeded();
    let end = |text: &str| PeerAddr::Ip(text.parse().unwrap());
    run(async {
        for (source, destination, said) in [
            ("192.0.2.7:40000", "198.51.100.1:443", "192.0.2.7 40000 198.51.100.1 443"),
            ("[2001:db8::7]:1", "[2001:db8::1]:65535", "2001:db8::7 1 2001:db8::1 65535"),
        ] {
            let (source, destination) = (end(source), end(destination));
            let mut out = BytesMut::new();
            encode_v1(Some(&source), Some(&destination), &mut out);
            assert_eq!(nginx_says(&path, &out).await, said);
            for tlvs in [
                &[][..],
                &[
                    Tlv { kind: TlvKind::AUTHORITY, value: b"a.example" },
                    Tlv { kind: TlvKind::CRC32C, value: b"" },
                ],
            ] {
                out.clear();
                encode_v2(Some(&source), Some(&destination), tlvs, &mut out).unwrap();
                assert_eq!(nginx_says(&path, &out).await, said);
            }
        }
        let mut out = BytesMut::new();
        encode_v1(None, None, &mut out);
        assert_eq!(nginx_says(&path, &out).await, "   ");
        out.clear();
        encode_v2(None, None, &[], &mut out).unwrap();
        assert_eq!(nginx_says(&path, &out).await, "   ");
    });
}
