//! `https://` of the small client.
#![cfg(feature = "openssl")]

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use gorge_error::Kind;
use gorge_filter::Response;
use gorge_http::Status;
use gorge_http_client::{Client, ClientOptions};
use gorge_http_server::{Settings, serve};
use gorge_protocols::ConnectOptions;
use gorge_test_util::Authority;
use gorge_tls::{Acceptor, Certificate, Certificates, Connector, Roots, ServerOptions};
use tokio::net::TcpListener;

/// A server over TLS for `localhost` and `127.0.0.1`, and how many connections it has accepted.
async fn server(authority: &Authority) -> (SocketAddr, Arc<AtomicUsize>) {
    let leaf = authority.leaf(&["localhost", "127.0.0.1"]).make();
    let shown = Certificate::from_pem(leaf.cert_pem().as_bytes(), leaf.key_pem().as_bytes()).unwrap();
    let acceptor = Acceptor::new(ServerOptions::default(), Certificates::new().with(shown)).unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let accepted = Arc::new(AtomicUsize::new(0));
    let count = accepted.clone();
    tokio::spawn(async move {
        while let Ok((socket, _)) = listener.accept().await {
            count.fetch_add(1, Ordering::Relaxed);
            let acceptor = acceptor.clone();
            tokio::spawn(async move {
                let stream = acceptor.accept(socket).await?;
                serve(stream, Settings::default().into(), async |head, _| {
                    Response::text(Status::OK, head.uri.as_str().to_owned())
                })
                .await
            });
        }
    });
    (address, accepted)
}

fn client(authority: &Authority) -> Client {
    let mut tls = gorge_tls::ClientOptions::default();
    tls.roots = Roots::from_pem(authority.pem().as_bytes()).unwrap();
    Client::new(ClientOptions { tls: Some(Connector::new(tls).unwrap()), ..ClientOptions::default() })
}

#[tokio::test]
async fn requests_to_one_host_share_a_connection() {
    let authority = Authority::new("root");
    let ((address, accepted), client) = (server(&authority).await, client(&authority));
    for _ in 0..3 {
        let answer = client.get(&format!("https://{address}/a")).await.unwrap();
        assert_eq!((answer.head.status, &answer.body[..]), (Status::OK, &b"/a"[..]));
    }
    assert_eq!(accepted.load(Ordering::Relaxed), 1);
    // Another name is another key: its certificate was never looked at.
    let answer = client.get(&format!("https://LOCALHOST:{}/b", address.port())).await.unwrap();
    assert_eq!(&answer.body[..], b"/b");
    assert_eq!(accepted.load(Ordering::Relaxed), 2);
}

#[tokio::test]
async fn a_connection_of_one_scheme_is_not_used_for_the_other() {
    let authority = Authority::new("root");
    let ((address, accepted), client) = (server(&authority).await, client(&authority));
    client.get(&format!("https://{address}/")).await.unwrap();
    // In the clear the same port is another connection, which this server does not understand.
    let _ = client.get(&format!("http://{address}/")).await;
    assert_eq!(accepted.load(Ordering::Relaxed), 2);
}

#[tokio::test]
async fn certificates_are_verified_unless_told_otherwise() {
    let authority = Authority::new("root");
    let (address, _) = server(&authority).await;
    let url = format!("https://{address}/");
    let error = client(&Authority::new("another")).get(&url).await.unwrap_err();
    assert_eq!(error.kind(), Kind::CertificateInvalid, "{error:#}");
    assert_eq!(error.fault(), gorge_error::Fault::Upstream);
}

#[tokio::test]
async fn a_server_that_says_nothing_is_given_up_and_never_may_be_said() {
    let deaf = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("https://{}/", deaf.local_addr().unwrap());
    let authority = Authority::new("root");
    let with = |timeout| {
        let mut tls = gorge_tls::ClientOptions::default();
        tls.roots = Roots::from_pem(authority.pem().as_bytes()).unwrap();
        let connect = ConnectOptions { timeout, ..ConnectOptions::default() };
        Client::new(ClientOptions {
            connect,
            tls: Some(Connector::new(tls).unwrap()),
            ..ClientOptions::default()
        })
    };
    let error = with(Duration::from_millis(20)).get(&url).await.unwrap_err();
    assert_eq!(error.kind(), Kind::TlsTimedOut);
    assert!(error.to_string().contains("took longer than 40ms"), "{error}");
    let (address, _) = server(&authority).await;
    with(Duration::MAX).get(&format!("https://{address}/")).await.unwrap();
}
