//! Error pages on the wire.

use bytes::BytesMut;
use gorge_async_io::StreamExt;
use gorge_digest::PeerAddr;
use gorge_error::{Error, Kind, Result};
use gorge_filter::{Exchange, Filter, Flow, Hooks};
use gorge_protocols::{Accepted, Connections, Handler, virtual_pair};
use gorge_proxy::{ByAccept, Proxy};
use gorge_runtime::Shutdown;
use gorge_upstream::Peer;

/// Has trouble that knows too much.
struct Broken;

impl Filter for Broken {
    const HOOKS: Hooks = Hooks::REQUEST;

    async fn on_request(&self, _: &mut Exchange) -> Result<Flow> {
        Err(Error::explain(Kind::NoPeer, "none of 10.1.2.3:9001 and 10.1.2.4:9001 works").into_upstream())
    }
}

async fn answer(method: &str, fields: &str) -> String {
    let proxy = Proxy::builder()
        .filter(Broken)
        .upstream("127.0.0.1:1".parse::<Peer>().unwrap())
        .error_pages(ByAccept::new())
        .build()
        .unwrap();
    let (mut client, server) = virtual_pair();
    proxy.serve(Accepted {
        transport: server.into(),
        peer: PeerAddr::Unix(None),
        local: None,
        proxy: None,
        tls: None,
        shutdown: Shutdown::never(),
        permit: Connections::new(1, 1).permit(),
    });
    let request = format!("{method} / HTTP/1.1\r\nHost: a\r\n{fields}Connection: close\r\n\r\n");
    client.write_all(request.as_bytes()).await.unwrap();
    let mut answer = BytesMut::with_capacity(1 << 16);
    while client.read(&mut answer).await.unwrap() > 0 {}
    String::from_utf8(answer.to_vec()).unwrap()
}

#[tokio::test]
async fn a_page_has_the_form_the_client_asks_for() {
    let page = r#"{"status":503,"error":"Service Unavailable","reason":"no_peer","request_id":"ab-1"}"#;
    let fields = "Accept: application/json\r\nX-Request-Id: ab-1\r\n";
    let answer = answer("GET", fields).await;
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    assert_eq!(body, format!("{page}\n"));
    for line in [
        "HTTP/1.1 503 Service Unavailable",
        "Content-Type: application/json",
        "Content-Length: 84",
        "Cache-Control: private, no-store",
        "Vary: Accept",
        "X-Request-Id: ab-1",
        "Proxy-Status: gorge; error=destination_unavailable; details=\"no_peer\"",
    ] {
        assert!(head.lines().any(|found| found == line), "{line}: {head}");
    }
    assert!(!answer.contains("10.1.2."), "{answer}");
}

#[tokio::test]
async fn head_gets_the_head_alone() {
    let answer = answer("HEAD", "Accept: text/html\r\n").await;
    assert!(answer.starts_with("HTTP/1.1 503 ") && answer.ends_with("\r\n\r\n"), "{answer}");
    assert!(answer.contains("Content-Type: text/html; charset=utf-8\r\n"), "{answer}");
}
