//! The small client, against servers of this workspace and against raw answers.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use gorge_error::Kind;
use gorge_filter::Response;
use gorge_http::{Method, RequestHead, Status, Uri};
use gorge_http_client::{Client, ClientOptions};
use gorge_http_server::{Settings, serve};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// A server that echoes, and how many connections it has accepted.
async fn echo(settings: Settings) -> (SocketAddr, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let accepted = Arc::new(AtomicUsize::new(0));
    let count = accepted.clone();
    let settings = Arc::new(settings);
    tokio::spawn(async move {
        while let Ok((socket, _)) = listener.accept().await {
            count.fetch_add(1, Ordering::Relaxed);
            tokio::spawn(serve(socket, settings.clone(), async |head, body| {
                let body = body.collect(1 << 24).await?;
                let text = [head.method.as_str().as_bytes(), head.uri.as_str().as_bytes(), &body].join(&b' ');
                Ok(Response::text(Status::OK, text))
            }));
        }
    });
    (address, accepted)
}

/// A server that gives each connection to `script`.
async fn raw<F: Future<Output = ()> + Send>(
    script: impl Fn(TcpStream, usize) -> F + Send + 'static,
) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        for number in 0.. {
            let (socket, _) = listener.accept().await.unwrap();
            script(socket, number).await;
        }
    });
    format!("http://{address}/")
}

async fn read_request(socket: &mut TcpStream) {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(socket.read_u8().await.unwrap());
    }
}

#[tokio::test]
async fn gets_and_posts_share_a_connection() {
    let (address, accepted) = echo(Settings::default()).await;
    let client = Client::default();
    let answer = client.get(&format!("http://{address}/a?b")).await.unwrap();
    assert_eq!(answer.body, "GET /a?b ");
    assert_eq!(answer.head.headers.get_str("Content-Type"), Some("text/plain; charset=utf-8"));
    let answer = client.post(&format!("http://{address}"), "body").await.unwrap();
    assert_eq!(answer.body, "POST / body");
    assert_eq!(accepted.load(Ordering::Relaxed), 1);
    // Another spelling of the host is another key.
    let answer = client.get(&format!("http://LOCALHOST:{}/", address.port())).await.unwrap();
    assert_eq!(answer.body, "GET / ");
    assert_eq!(accepted.load(Ordering::Relaxed), 2);
}

#[tokio::test]
async fn a_large_upload_and_its_answer_go_both_ways() {
    let (address, _) = echo(Settings::default()).await;
    let body = vec![b'x'; 5 << 20];
    let answer = Client::default().post(&format!("http://{address}/"), body).await.unwrap();
    assert_eq!(answer.body.len(), "POST / ".len() + (5 << 20));
}

#[tokio::test]
async fn a_connection_that_says_close_is_not_kept() {
    let (address, accepted) = echo(Settings { requests: 1, ..Settings::default() }).await;
    let client = Client::default();
    for _ in 0..3 {
        client.get(&format!("http://{address}/")).await.unwrap();
    }
    assert_eq!(accepted.load(Ordering::Relaxed), 3);
}

#[tokio::test]
async fn a_kept_connection_that_fails_is_replaced_for_idempotent_methods_only() {
    // The first connection dies at its second request.
    let script = |mut socket: TcpStream, number| async move {
        read_request(&mut socket).await;
        socket.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n").await.unwrap();
        if number == 0 {
            read_request(&mut socket).await;
        }
    };
    for (method, works) in [(Method::GET, true), (Method::POST, false)] {
        let url = raw(script).await;
        let client = Client::default();
        client.get(&url).await.unwrap();
        let uri = Uri::parse(&method, url.clone().into()).unwrap();
        let head = RequestHead { method, uri, ..RequestHead::new() };
        let answer = client.request(&head, "").await;
        assert_eq!(answer.is_ok(), works, "{answer:?}");
    }
}

#[tokio::test]
async fn interim_heads_are_passed_over_and_trailers_kept() {
    let url = raw(|mut socket, _| async move {
        read_request(&mut socket).await;
        let answer = "HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 200 Fine\r\nTransfer-Encoding: chunked\r\n\r\n\
                      5\r\nhello\r\n0\r\nX-Sum: 1\r\n\r\n";
        socket.write_all(answer.as_bytes()).await.unwrap();
    })
    .await;
    let answer = Client::default().get(&url).await.unwrap();
    assert_eq!((&answer.body[..], answer.head.reason()), (&b"hello"[..], &b"Fine"[..]));
    assert_eq!(answer.trailers.unwrap().get_str("X-Sum"), Some("1"));
}

#[tokio::test]
async fn an_answer_over_the_limit_is_an_error() {
    for head in ["Content-Length: 11", "Transfer-Encoding: chunked"] {
        let url = raw(move |mut socket, _| async move {
            read_request(&mut socket).await;
            let answer = format!("HTTP/1.1 200 OK\r\n{head}\r\n\r\nb\r\n01234567890\r\n0\r\n\r\n");
            socket.write_all(answer.as_bytes()).await.unwrap();
        })
        .await;
        let client = Client::new(ClientOptions { body: 10, ..ClientOptions::default() });
        assert_eq!(client.get(&url).await.unwrap_err().kind(), Kind::BodyTooLarge);
    }
}

#[tokio::test]
async fn silence_is_timed_out() {
    let url = raw(|mut socket, number| async move {
        read_request(&mut socket).await;
        if number == 1 {
            socket.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n").await.unwrap();
        }
        // Held open until the client has had enough.
        let _ = socket.read_u8().await;
    })
    .await;
    let short = Duration::from_millis(50);
    let client =
        Client::new(ClientOptions { first_byte: short, idle_body: short, ..ClientOptions::default() });
    assert_eq!(client.get(&url).await.unwrap_err().kind(), Kind::FirstByteTimedOut);
    let client = Client::new(ClientOptions { idle_body: short, ..ClientOptions::default() });
    assert_eq!(client.get(&url).await.unwrap_err().kind(), Kind::IdleTimedOut);
}

#[tokio::test]
async fn what_it_does_not_speak_is_said_clearly() {
    let client = Client::default();
    let table = [
        #[cfg(not(feature = "openssl"))]
        ("https://127.0.0.1/", Kind::Configuration, "the feature openssl"),
        ("/relative", Kind::Configuration, "absolute http:// or https:// URL"),
        ("http://user@127.0.0.1/", Kind::Configuration, "is no URL"),
        ("ftp://127.0.0.1/", Kind::Configuration, "is no URL"),
    ];
    for (url, kind, says) in table {
        let error = client.get(url).await.unwrap_err();
        assert_eq!(error.kind(), kind, "{url}");
        assert!(error.to_string().contains(says), "{error}");
    }
    let free = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let error = client.get(&format!("http://{free}/")).await.unwrap_err();
    assert_eq!(error.kind(), Kind::ConnectRefused);
}

#[test]
fn it_can_be_shared_and_its_futures_spawned() {
    const fn is_sync<T: Send + Sync + 'static>(_: &T) {}
    fn is_send<T: Send>(_: &T) {}
    let client = Client::default();
    is_sync(&client);
    is_send(&client.get("http://127.0.0.1/"));
}
