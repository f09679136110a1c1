//! The connection as a proxy drives it.

use std::future::poll_fn;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use bytes::BytesMut;
use gorge_async_io::StreamExt;
use gorge_error::{Error, Fault, Kind, Result};
use gorge_filter::{Announce, BodyLength, BodySink, BodySource, ClientStream, Progress};
use gorge_http::{Chunk, Method, RequestHead, ResponseHead, Status, Version};
use gorge_http_client::{Connection, Surprise};
use gorge_http_parser::Limits;
use gorge_protocols::{Transport, VirtualStream, virtual_pair};

const OK: &str = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
const UPGRADE: Announce<'_> = Announce { length: BodyLength::Empty, upgrade: Some(b"x"), host: None };

/// A connection and the server's end of it.
struct Pair {
    conn: Connection<VirtualStream>,
    server: VirtualStream,
    head: ResponseHead,
}

impl Pair {
    fn new() -> Self {
        let (near, far) = virtual_pair();
        let conn = Connection::new(near, Arc::new(Limits::default()));
        Self { conn, server: far, head: ResponseHead::new(Status::OK) }
    }

    async fn ask(&mut self, method: Method, announce: Announce<'_>) {
        let mut head = RequestHead { method, ..RequestHead::new() };
        head.headers.append("Host", "h").unwrap();
        self.conn.send_head(&head, announce).unwrap();
        if announce.length == BodyLength::Empty {
            self.conn.send_chunk(Chunk::End).unwrap();
        }
        poll_fn(|cx| self.conn.poll_flush(cx)).await.unwrap();
    }

    async fn get(&mut self) {
        self.ask(Method::GET, Announce::body(BodyLength::Empty)).await;
    }

    async fn answer(&mut self, bytes: impl AsRef<[u8]>) {
        self.server.write_all(bytes.as_ref()).await.unwrap();
    }

    async fn head(&mut self) -> Result<BodyLength> {
        poll_fn(|cx| self.conn.poll_head(cx, &mut self.head)).await
    }

    async fn chunk(&mut self) -> Result<Chunk> {
        poll_fn(|cx| self.conn.poll_chunk(cx)).await
    }

    async fn body(&mut self) -> Result<String> {
        let mut whole = Vec::new();
        loop {
            match self.chunk().await? {
                Chunk::Data(data) => whole.extend_from_slice(&data),
                Chunk::Trailers(_) => {}
                Chunk::End => return Ok(String::from_utf8(whole).unwrap()),
            }
        }
    }

    /// What the server has received.
    async fn received(&mut self) -> String {
        let mut buf = BytesMut::with_capacity(100_000);
        self.server.read(&mut buf).await.unwrap();
        String::from_utf8(buf.to_vec()).unwrap()
    }
}

/// Sends a GET that gets `answer`, and then perhaps the end; gives the body, and whether the
/// connection can be used again.
async fn exchange(method: Method, answer: &str, close: bool) -> (Result<String>, bool) {
    let mut pair = Pair::new();
    pair.ask(method, Announce::body(BodyLength::Empty)).await;
    // Of a large answer not all fits into the socket.
    let answer = answer.to_owned();
    let mut server = std::mem::replace(&mut pair.server, virtual_pair().0);
    let sender = tokio::spawn(async move {
        server.write_all(answer.as_bytes()).await.unwrap();
        if close {
            server.shutdown().await.unwrap();
        }
        server
    });
    let body = async {
        while {
            pair.head().await?;
            pair.head.status.is_informational()
        } {}
        pair.body().await
    };
    let body = body.await;
    sender.abort();
    (body, pair.conn.is_reusable())
}

#[test]
fn an_idle_connection_is_small() {
    assert!(size_of::<Connection<Transport>>() <= 512, "{}", size_of::<Connection<Transport>>());
    const fn is_send<T: Send>() {}
    is_send::<Connection<Transport>>();
}

#[tokio::test]
async fn only_an_exact_end_leaves_the_connection_reusable() {
    let table = [
        (OK, true),
        ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\nT: t\r\n\r\n", true),
        ("HTTP/1.1 204 No Content\r\n\r\n", true),
        ("HTTP/1.1 304 Not Modified\r\nContent-Length: 9\r\n\r\n", true),
        ("HTTP/1.1 103 Early\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", true),
        ("HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 2\r\n\r\nok", true),
        ("HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok", false),
        ("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok", false),
        ("HTTP/1.1 200 OK\r\nKeep-Alive: timeout=5, max=0\r\nContent-Length: 2\r\n\r\nok", false),
        // Surplus, and lengths at odds with each other or the status.
        ("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nokHTTP", false),
        ("HTTP/1.1 204 No Content\r\n\r\nok", false),
        ("HTTP/1.1 204 No Content\r\nContent-Length: 2\r\n\r\n", false),
        (
            "HTTP/1.1 103 Early\r\nContent-Length: 2\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok",
            false,
        ),
        (
            "HTTP/1.1 200 OK\r\nContent-Length: 9\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n",
            false,
        ),
    ];
    for (answer, reusable) in table {
        let (body, reused) = exchange(Method::GET, answer, false).await;
        assert!(body.is_ok(), "{answer}: {body:?}");
        assert_eq!(reused, reusable, "{answer}");
    }
    let (body, reused) = exchange(Method::GET, "HTTP/1.1 200 OK\r\n\r\nok", true).await;
    assert_eq!((body.unwrap().as_str(), reused), ("ok", false));
    let (body, reused) = exchange(Method::HEAD, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n", false).await;
    assert_eq!((body.unwrap().as_str(), reused), ("", true));
}

#[tokio::test]
async fn broken_answers_are_upstream_errors_and_end_the_connection() {
    let early = "HTTP/1.1 103 Early\r\n\r\n".repeat(33);
    let large = format!("HTTP/1.1 200 OK\r\nX: {}\r\n\r\n", "x".repeat(70_000));
    let table = [
        ("", Kind::ClosedEarly),
        ("HTTP/1.1 200 OK\r\nContent-Le", Kind::ClosedEarly),
        ("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nok", Kind::ClosedEarly),
        ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n", Kind::ClosedEarly),
        ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nx\r\n", Kind::FramingInvalid),
        ("HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 2\r\n\r\nok", Kind::HeadInvalid),
        ("HTTP/1.1 200 OK\nContent-Length: 2\n\nok", Kind::HeadInvalid),
        ("SSH-2.0\r\n", Kind::HeadInvalid),
        ("HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n", Kind::HeadInvalid),
        (&early, Kind::HeadInvalid),
        (&large, Kind::HeadTooLarge),
    ];
    for (answer, kind) in table {
        let (body, reusable) = exchange(Method::GET, answer, true).await;
        let error = body.unwrap_err();
        assert_eq!((error.kind(), error.fault(), reusable), (kind, Fault::Upstream, false), "{answer}");
        assert!(matches!(error.status(), 502), "{answer}");
    }
}

#[tokio::test]
async fn bodies_over_the_limit_are_named_so() {
    for answer in [
        "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\n",
    ] {
        let (near, server) = virtual_pair();
        let limits = Limits { body: 2, ..Limits::default() };
        let conn = Connection::new(near, Arc::new(limits));
        let mut pair = Pair { conn, server, head: ResponseHead::new(Status::OK) };
        pair.get().await;
        pair.answer(answer).await;
        let error: Error = match pair.head().await {
            Ok(_) => pair.body().await.unwrap_err(),
            Err(error) => error,
        };
        assert_eq!(error.kind(), Kind::BodyTooLarge);
    }
}

#[tokio::test]
async fn exchanges_follow_each_other_and_leave_nothing_behind() {
    let mut pair = Pair::new();
    for uses in 1..=3 {
        pair.get().await;
        assert_eq!(pair.received().await, "GET / HTTP/1.1\r\nHost: h\r\n\r\n");
        pair.answer("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\nKeep-Alive: timeout=7\r\n\r\nok").await;
        assert_eq!(pair.head().await.unwrap(), BodyLength::Empty);
        assert_eq!(pair.head().await.unwrap(), BodyLength::Known(2));
        assert_eq!(pair.body().await.unwrap(), "ok");
        assert!(pair.conn.is_reusable());
        assert_eq!((pair.conn.uses(), pair.conn.keep_alive()), (uses, Some(Duration::from_secs(7))));
        pair.conn.rest();
    }
}

#[tokio::test]
async fn an_answer_is_delivered_while_the_upload_runs() {
    let mut pair = Pair::new();
    pair.ask(Method::POST, Announce::body(BodyLength::Unknown)).await;
    pair.conn.send_chunk(Chunk::Data("part".into())).unwrap();
    poll_fn(|cx| pair.conn.poll_flush(cx)).await.unwrap();
    assert!(pair.received().await.ends_with("Transfer-Encoding: chunked\r\n\r\n4\r\npart\r\n"));
    pair.answer(OK).await;
    assert_eq!(pair.head().await.unwrap(), BodyLength::Known(2));
    assert_eq!(pair.body().await.unwrap(), "ok");
    assert!(!pair.conn.is_reusable(), "the upload is not done");
    pair.conn.send_chunk(Chunk::End).unwrap();
    assert!(!pair.conn.is_reusable(), "it is not sent");
    poll_fn(|cx| pair.conn.poll_flush(cx)).await.unwrap();
    assert!(pair.conn.is_reusable());
    assert_eq!(pair.received().await, "0\r\n\r\n");
}

#[tokio::test]
async fn a_101_that_was_asked_for_opens_a_tunnel_with_the_bytes_behind_it() {
    let mut pair = Pair::new();
    pair.ask(Method::GET, UPGRADE).await;
    assert!(pair.received().await.contains("Connection: upgrade\r\nUpgrade: x\r\n"));
    pair.answer("HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\nearly").await;
    assert_eq!(pair.head().await.unwrap(), BodyLength::Tunnel);
    assert_eq!(pair.chunk().await.unwrap(), Chunk::Data("early".into()));
    pair.conn.send_chunk(Chunk::Data("up".into())).unwrap();
    pair.conn.send_chunk(Chunk::End).unwrap();
    poll_fn(|cx| pair.conn.poll_flush(cx)).await.unwrap();
    assert_eq!(pair.received().await, "up");
    assert_eq!(pair.received().await, "", "our half has ended");
    pair.answer("late").await;
    assert_eq!(pair.chunk().await.unwrap(), Chunk::Data("late".into()));
    pair.server.shutdown().await.unwrap();
    assert_eq!(pair.chunk().await.unwrap(), Chunk::End);
    assert!(!pair.conn.is_reusable());
}

#[tokio::test]
async fn a_101_must_be_asked_for_name_its_protocol_and_come_behind_the_request() {
    let whole = "HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n";
    let table = [
        ("HTTP/1.1 101 Switching Protocols\r\n\r\n", UPGRADE),
        ("HTTP/1.0 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n", UPGRADE),
        (whole, Announce::body(BodyLength::Empty)),
        (whole, Announce { length: BodyLength::Known(1), upgrade: Some(b"x"), host: None }),
    ];
    for (answer, announce) in table {
        let mut pair = Pair::new();
        pair.ask(Method::GET, announce).await;
        pair.answer(answer).await;
        assert_eq!(pair.head().await.unwrap_err().kind(), Kind::HeadInvalid, "{answer}");
        assert!(!pair.conn.is_reusable());
    }
}

#[tokio::test]
async fn progress_tells_how_far_an_attempt_got() {
    let mut pair = Pair::new();
    for _ in 0..2 {
        let mut head = RequestHead::new();
        head.headers.append("Host", "h").unwrap();
        pair.conn.send_head(&head, Announce::body(BodyLength::Empty)).unwrap();
        pair.conn.send_chunk(Chunk::End).unwrap();
        assert_eq!(pair.conn.progress(), Progress::Nothing);
        poll_fn(|cx| pair.conn.poll_flush(cx)).await.unwrap();
        assert_eq!(pair.conn.progress(), Progress::Sent);
        pair.answer(OK).await;
        pair.head().await.unwrap();
        assert_eq!(pair.conn.progress(), Progress::Answered);
        pair.body().await.unwrap();
    }
}

#[tokio::test]
async fn a_connection_at_rest_tells_of_surprises() {
    let mut cx = Context::from_waker(Waker::noop());
    for (sent, surprise) in [("408", Surprise::Data), ("", Surprise::Ended)] {
        let mut pair = Pair::new();
        assert!(pair.conn.poll_surprise(&mut cx).is_pending());
        pair.answer(sent).await;
        pair.server.shutdown().await.unwrap();
        assert_eq!(pair.conn.poll_surprise(&mut cx), Poll::Ready(surprise));
    }
    let mut pair = Pair::new();
    gorge_async_io::Stream::abort(&mut pair.server);
    drop(pair.server);
    assert_eq!(pair.conn.poll_surprise(&mut cx), Poll::Ready(Surprise::Failed));
}

#[tokio::test]
async fn a_reset_attempt_is_reset_for_its_server_too() {
    let mut pair = Pair::new();
    pair.get().await;
    pair.conn.reset();
    assert!(!pair.conn.is_reusable());
    drop(pair.conn);
    let read = pair.server.read(&mut BytesMut::with_capacity(10)).await;
    assert_eq!(read.unwrap_err().kind(), std::io::ErrorKind::ConnectionReset);
}

#[tokio::test]
async fn duplicate_fields_survive_and_te_is_named_in_connection() {
    let mut pair = Pair::new();
    let mut head = RequestHead::new();
    for (name, value) in [("Host", "h"), ("A", "1"), ("TE", "trailers"), ("a", "2"), ("A", "1")] {
        head.headers.append(name, value).unwrap();
    }
    pair.conn.send_head(&head, Announce::body(BodyLength::Empty)).unwrap();
    pair.conn.send_chunk(Chunk::End).unwrap();
    poll_fn(|cx| pair.conn.poll_flush(cx)).await.unwrap();
    let sent = "GET / HTTP/1.1\r\nHost: h\r\nA: 1\r\nTE: trailers\r\na: 2\r\nA: 1\r\nConnection: TE\r\n\r\n";
    assert_eq!(pair.received().await, sent);

    pair.answer("HTTP/1.0 200 OK\r\nSet-Cookie: a\r\nset-cookie: b\r\nContent-Length: 0\r\n\r\n").await;
    pair.head().await.unwrap();
    assert_eq!(pair.head.version, Version::Http10);
    let cookies: Vec<_> = pair.head.headers.get_all("Set-Cookie").collect();
    assert_eq!(cookies, [b"a", b"b"]);
}
