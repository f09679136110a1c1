//! Sessions are gone on with where that is safe, at servers that others wrote, and nowhere else.

mod peers;

use std::net::SocketAddr;

use bytes::BytesMut;
use gorge_async_io::StreamExt;
use gorge_error::Kind;
use gorge_test_util::{Authority, Nginx, PythonTlsOrigin, SServer, ServerTls, TlsSeen, TlsVersion};
use gorge_tls::{Connector, Endpoint, TlsStream, Version};
use peers::{body, connect, endpoint, options, refused, trusting};
use tokio::net::TcpStream;

const NAME: &str = "app.example";
const BOTH: [TlsVersion; 2] = [TlsVersion::V12, TlsVersion::V13];

fn resumed(stream: &TlsStream<TcpStream>) -> bool {
    stream.tls_digest().resumed.unwrap()
}

/// A connection that was used and ended as one should.
async fn visit(to: SocketAddr, endpoint: &Endpoint) -> (bool, String) {
    let mut stream = connect(to, endpoint).await.unwrap();
    let answer = body(&mut stream, "/").await;
    stream.shutdown().await.unwrap();
    (resumed(&stream), answer)
}

/// A connection that is dropped as soon as the beginning of an answer is there.
async fn visit_and_drop(to: SocketAddr, endpoint: &Endpoint) -> bool {
    let mut stream = connect(to, endpoint).await.unwrap();
    stream.write_all(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n").await.unwrap();
    let mut answer = BytesMut::with_capacity(1024);
    stream.read(&mut answer).await.unwrap();
    resumed(&stream)
}

#[tokio::test]
async fn at_nginx() {
    let root = Authority::new("root");
    for version in BOTH {
        let tls = ServerTls::new(&root.leaf(&[NAME]).make()).versions(version, version);
        let server = Nginx::start_tls(&tls, "return 200 \"$ssl_protocol $ssl_session_reused\";");
        let endpoint = endpoint(NAME, trusting(&root));
        let number = if version == TlsVersion::V12 { "1.2" } else { "1.3" };
        assert_eq!(visit(server.addr(), &endpoint).await, (false, format!("TLSv{number} .")));
        for _ in 0..3 {
            assert_eq!(visit(server.addr(), &endpoint).await, (true, format!("TLSv{number} r")));
            assert!(visit_and_drop(server.addr(), &endpoint).await, "{version:?}");
        }
    }
}

#[tokio::test]
async fn at_nginx_with_sessions_that_the_server_keeps() {
    let root = Authority::new("root");
    let tls = ServerTls::new(&root.leaf(&[NAME]).make()).versions(TlsVersion::V12, TlsVersion::V12);
    let kept = "ssl_session_tickets off; ssl_session_cache shared:all:1m; return 200 $ssl_session_reused;";
    let server = Nginx::start_tls(&tls, kept);
    let endpoint = endpoint(NAME, trusting(&root));
    assert!(!visit_and_drop(server.addr(), &endpoint).await);
    for _ in 0..3 {
        assert!(visit_and_drop(server.addr(), &endpoint).await);
        assert_eq!(visit(server.addr(), &endpoint).await, (true, "r".to_owned()));
    }
}

#[tokio::test]
async fn at_python() {
    let root = Authority::new("root");
    for version in BOTH {
        let tls = ServerTls::new(&root.leaf(&[NAME]).rsa().make()).versions(version, version);
        let server = PythonTlsOrigin::start(&tls);
        let endpoint = endpoint(NAME, trusting(&root));
        assert!(!visit_and_drop(server.addr(), &endpoint).await);
        for _ in 0..3 {
            let (resumed, answer) = visit(server.addr(), &endpoint).await;
            assert!(resumed && TlsSeen::parse(&answer).resumed, "{version:?} {answer}");
        }
    }
}

#[tokio::test]
async fn at_s_server() {
    let root = Authority::new("root");
    for version in BOTH {
        let tls = ServerTls::new(&root.leaf(&[NAME]).make()).versions(version, version);
        let server = SServer::start(&tls, &[]);
        let endpoint = endpoint(NAME, trusting(&root));
        let (resumed, answer) = visit(server.addr(), &endpoint).await;
        assert!(!resumed && answer.contains("New, TLSv"), "{answer}");
        for _ in 0..3 {
            let (resumed, answer) = visit(server.addr(), &endpoint).await;
            assert!(resumed && answer.contains("Reused, TLSv"), "{version:?} {answer}");
        }
    }
}

#[tokio::test]
async fn at_our_own_side() {
    let root = Authority::new("root");
    let certificate = peers::certificate(&root.leaf(&[NAME]).make());
    let acceptor = gorge_tls::Acceptor::new(
        gorge_tls::ServerOptions::default(),
        gorge_tls::Certificates::new().with(certificate),
    );
    let acceptor = acceptor.unwrap();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    for version in [Version::Tls12, Version::Tls13] {
        let endpoint = endpoint(NAME, options(&root, |options| options.max_version = version));
        for visit in 0..3 {
            let served = async {
                let mut stream = acceptor.accept(listener.accept().await.unwrap().0).await.unwrap();
                stream.write_all(b"hello").await.unwrap();
                stream
            };
            let visited = async {
                let mut stream = connect(listener.local_addr().unwrap(), &endpoint).await.unwrap();
                stream.read(&mut BytesMut::with_capacity(64)).await.unwrap();
                stream
            };
            let (client, server) = tokio::join!(visited, served);
            assert_eq!(resumed(&client), visit > 0, "{version:?} {visit}");
            assert_eq!(server.tls_digest().resumed, Some(visit > 0));
        }
    }
}

#[tokio::test]
async fn one_of_tls_1_3_is_used_once_and_one_of_tls_1_2_again_and_again() {
    let root = Authority::new("root");
    for version in BOTH {
        let tls = ServerTls::new(&root.leaf(&[NAME]).make()).versions(version, version);
        let server = Nginx::start_tls(&tls, "return 200 x;");
        let endpoint = endpoint(NAME, trusting(&root));
        visit(server.addr(), &endpoint).await;
        // nginx gives two tickets of TLS 1.3; nothing more is read here.
        let mut open = Vec::new();
        for _ in 0..3 {
            open.push(connect(server.addr(), &endpoint).await.unwrap());
        }
        let resumed: Vec<_> = open.iter().map(resumed).collect();
        assert_eq!(resumed, [true, true, version == TlsVersion::V12]);
    }
}

#[tokio::test]
async fn the_newest_eight_are_kept() {
    let root = Authority::new("root");
    let tls = ServerTls::new(&root.leaf(&[NAME]).make()).versions(TlsVersion::V13, TlsVersion::V13);
    let server = Nginx::start_tls(&tls, "return 200 x;");
    let endpoint = endpoint(NAME, trusting(&root));
    let mut open = Vec::new();
    for _ in 0..6 {
        open.push(connect(server.addr(), &endpoint).await.unwrap());
    }
    for stream in &mut open {
        body(stream, "/").await;
    }
    open.clear();
    for _ in 0..9 {
        open.push(connect(server.addr(), &endpoint).await.unwrap());
    }
    let count = open.iter().filter(|stream| resumed(stream)).count();
    assert_eq!(count, 8);
}

#[tokio::test]
async fn none_goes_from_one_name_to_another() {
    let root = Authority::new("root");
    let server = Nginx::start_tls(&ServerTls::new(&root.leaf(&[NAME, "b.example"]).make()), "return 200 x;");
    let connector = Connector::new(trusting(&root)).unwrap();
    let (one, other) = (connector.to(NAME), connector.to("b.example"));
    visit(server.addr(), &one).await;
    assert!(!visit(server.addr(), &other).await.0);
    assert!(visit(server.addr(), &one.clone()).await.0);
}

#[tokio::test]
async fn none_outlives_a_change_of_what_is_verified() {
    let (root, other) = (Authority::new("root"), Authority::new("other"));
    let server = Nginx::start_tls(&ServerTls::new(&other.leaf(&["b.example"]).make()), "return 200 x;");
    let nothing = endpoint(NAME, options(&root, |options| options.verify = false));
    visit(server.addr(), &nothing).await;
    assert!(visit(server.addr(), &nothing).await.0);
    let all = endpoint(NAME, trusting(&root));
    assert_eq!(refused(connect(server.addr(), &all).await).kind(), Kind::CertificateInvalid);
    let name_too = endpoint(NAME, trusting(&other));
    assert_eq!(refused(connect(server.addr(), &name_too).await).kind(), Kind::CertificateMismatched);
}

#[tokio::test]
async fn a_server_that_forgot_them_is_asked_anew() {
    let root = Authority::new("root");
    for version in BOTH {
        let tls = ServerTls::new(&root.leaf(&[NAME]).make()).versions(version, version);
        let endpoint = endpoint(NAME, trusting(&root));
        for _ in 0..2 {
            // With keys of its own for tickets each time.
            let server = Nginx::start_tls(&tls, "return 200 $ssl_session_reused;");
            assert_eq!(visit(server.addr(), &endpoint).await, (false, ".".to_owned()));
            assert_eq!(visit(server.addr(), &endpoint).await, (true, "r".to_owned()));
        }
    }
}

#[tokio::test]
async fn a_handshake_that_fails_forgets_them() {
    let root = Authority::new("root");
    let tls = ServerTls::new(&root.leaf(&[NAME]).make());
    let server = Nginx::start_tls(&tls, "return 200 $ssl_session_reused;");
    let endpoint = endpoint(NAME, trusting(&root));
    visit(server.addr(), &endpoint).await;
    // A server may stumble over what is in a session; the next attempt goes without.
    refused(connect(peers::says(b""), &endpoint).await);
    assert!(!visit(server.addr(), &endpoint).await.0);
    assert!(visit(server.addr(), &endpoint).await.0);
}
