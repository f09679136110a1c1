//! The connection as a proxy drives it.

mod common;

use std::future::poll_fn;
use std::task::{Context, Poll, Waker};

use common::{chunk, connection, finish, read_head, respond, run};
use gorge_error::Kind;
use gorge_filter::{Announce, BodyLength, BodySink, BodySource, ServerStream};
use gorge_http::{Chunk, RequestHead, ResponseHead, Status};
use gorge_http_server::{Connection, Settings};
use gorge_protocols::Transport;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

const UPGRADE: &str = "GET /up HTTP/1.1\r\nHost: h\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n";
const SWITCH: Announce<'_> = Announce { length: BodyLength::Tunnel, upgrade: Some(b"x"), host: None };

fn head(status: u16) -> ResponseHead {
    ResponseHead::new(Status::new(status).unwrap())
}

fn noop<T>(poll: impl FnOnce(&mut Context<'_>) -> Poll<T>) -> Poll<T> {
    poll(&mut Context::from_waker(Waker::noop()))
}

#[test]
fn a_waiting_connection_is_small() {
    assert!(size_of::<Connection<Transport>>() <= 512, "{}", size_of::<Connection<Transport>>());
    const fn is_send<T: Send>() {}
    is_send::<Connection<Transport>>();
}

#[test]
fn a_tunnel_begins_at_the_101_and_takes_what_came_behind_the_request() {
    run(async {
        let (mut client, mut conn) = connection(Settings::default());
        client.send(format!("{UPGRADE}early")).await;
        let mut request = RequestHead::new();
        assert!(read_head(&mut conn, &mut request).await.unwrap().unwrap().upgrade);
        assert_eq!(chunk(&mut conn).await.unwrap(), Chunk::End);
        conn.send_head(&mut head(101), SWITCH).unwrap();
        conn.send_chunk(Chunk::Data("down".into())).unwrap();
        poll_fn(|cx| conn.poll_flush(cx)).await.unwrap();
        let answer = client.until("\r\n\r\ndown").await;
        assert!(answer.contains("Connection: upgrade\r\nUpgrade: x\r\n"), "{answer}");
        assert_eq!(chunk(&mut conn).await.unwrap(), Chunk::Data("early".into()));

        // The server's half ends first; the other goes on.
        conn.send_chunk(Chunk::End).unwrap();
        poll_fn(|cx| conn.poll_flush(cx)).await.unwrap();
        assert_eq!(client.rest().await, "");
        client.send("late").await;
        assert_eq!(chunk(&mut conn).await.unwrap(), Chunk::Data("late".into()));
        drop(client);
        assert_eq!(chunk(&mut conn).await.unwrap(), Chunk::End);
        assert!(!finish(&mut conn).await);
    });
}

#[test]
fn bytes_behind_a_declined_upgrade_are_the_next_request() {
    run(async {
        let (mut client, mut conn) = connection(Settings::default());
        client.send(format!("{UPGRADE}GET /next HTTP/1.1\r\nHost: h\r\n\r\n")).await;
        let mut request = RequestHead::new();
        read_head(&mut conn, &mut request).await.unwrap().unwrap();
        respond(&mut conn, head(200), Announce::body(BodyLength::Known(2)), "no").await.unwrap();
        request.clear();
        assert!(finish(&mut conn).await);
        read_head(&mut conn, &mut request).await.unwrap().unwrap();
        assert_eq!(request.uri.path(), "/next");
    });
}

#[test]
fn a_101_that_was_not_asked_for_is_refused() {
    let post = "POST / HTTP/1.1\r\nHost: h\r\nConnection: upgrade\r\nUpgrade: x\r\nContent-Length: 1\r\n\r\n";
    let table = [
        "GET / HTTP/1.1\r\nHost: h\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: h\r\nUpgrade: x\r\n\r\n",
        "GET / HTTP/1.0\r\nHost: h\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n",
        // Its body is not read yet.
        post,
    ];
    for request in table {
        run(async {
            let (mut client, mut conn) = connection(Settings::default());
            client.send(request).await;
            read_head(&mut conn, &mut RequestHead::new()).await.unwrap().unwrap();
            assert_eq!(conn.send_head(&mut head(101), SWITCH).unwrap_err().kind(), Kind::Internal);
            // Another answer can still be given.
            respond(&mut conn, head(502), Announce::body(BodyLength::Empty), "").await.unwrap();
            assert!(client.until("\r\n\r\n").await.starts_with("HTTP/1.1 502 "));
        });
    }
}

#[test]
fn interim_heads_pass_but_not_to_10_nor_by_choice() {
    for (version, interim, passes) in [("1.1", true, true), ("1.1", false, false), ("1.0", true, false)] {
        run(async {
            let (mut client, mut conn) = connection(Settings { interim, ..Settings::default() });
            client.send(format!("GET / HTTP/{version}\r\nHost: h\r\n\r\n")).await;
            read_head(&mut conn, &mut RequestHead::new()).await.unwrap().unwrap();
            conn.send_interim(&head(103)).unwrap();
            respond(&mut conn, head(200), Announce::body(BodyLength::Empty), "").await.unwrap();
            // Too late for one now.
            conn.send_interim(&head(103)).unwrap();
            let _ = finish(&mut conn).await;
            drop(conn);
            let answer = client.rest().await;
            assert_eq!(
                answer.matches("HTTP/1.1 103 Early Hints\r\n\r\n").count(),
                usize::from(passes),
                "{answer}"
            );
        });
    }
}

#[test]
fn interim_heads_do_not_gather_for_a_client_that_does_not_read() {
    run(async {
        let (mut client, mut conn) = connection(Settings::default());
        client.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n").await;
        read_head(&mut conn, &mut RequestHead::new()).await.unwrap().unwrap();
        let mut early = head(103);
        early.headers.append("Link", "x".repeat(10_000)).unwrap();
        for _ in 0..100 {
            conn.send_interim(&early).unwrap();
        }
        respond(&mut conn, head(200), Announce::body(BodyLength::Empty), "").await.unwrap();
        let answer = client.until("HTTP/1.1 200 OK\r\n").await;
        assert!(answer.len() < 50_000, "{}", answer.len());
    });
}

#[test]
fn a_client_that_closes_is_gone_unless_that_is_allowed() {
    for abort_when_gone in [true, false] {
        run(async {
            let (mut client, mut conn) = connection(Settings { abort_when_gone, ..Settings::default() });
            client.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n").await;
            read_head(&mut conn, &mut RequestHead::new()).await.unwrap().unwrap();
            assert!(noop(|cx| conn.poll_gone(cx)).is_pending());
            gorge_async_io::StreamExt::shutdown(&mut client.stream).await.unwrap();
            assert_eq!(noop(|cx| conn.poll_gone(cx)).is_ready(), abort_when_gone);
            respond(&mut conn, head(200), Announce::body(BodyLength::Empty), "").await.unwrap();
            finish(&mut conn).await;
            drop(conn);
            assert!(client.rest().await.starts_with("HTTP/1.1 200 OK\r\n"));
        });
    }
}

#[test]
fn an_answer_before_a_head_was_read_closes() {
    run(async {
        let (mut client, mut conn) = connection(Settings::default());
        client.send("GET / HT").await;
        let mut request = RequestHead::new();
        assert!(noop(|cx| conn.poll_head(cx, &mut request)).is_pending());
        respond(&mut conn, head(408), Announce::body(BodyLength::Empty), "").await.unwrap();
        assert!(client.until("\r\n\r\n").await.contains("Connection: close\r\n"));
        drop(client);
        assert!(!finish(&mut conn).await);
    });
}

#[test]
fn a_second_final_head_and_a_body_of_another_length_are_refused() {
    run(async {
        let (mut client, mut conn) = connection(Settings::default());
        client.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n").await;
        read_head(&mut conn, &mut RequestHead::new()).await.unwrap().unwrap();
        conn.send_head(&mut head(200), Announce::body(BodyLength::Known(3))).unwrap();
        assert!(conn.send_head(&mut head(200), Announce::body(BodyLength::Empty)).is_err());
        assert!(conn.send_chunk(Chunk::Data("four".into())).is_err());
        conn.send_chunk(Chunk::Data("ab".into())).unwrap();
        assert!(conn.send_chunk(Chunk::End).is_err());
        conn.reset();
        assert!(!finish(&mut conn).await);
        drop(conn);
        // What could be sent was, and the end is visibly missing.
        assert!(client.rest().await.ends_with("Content-Length: 3\r\n\r\nab"));
    });
}

#[test]
fn an_unsent_head_can_be_taken_back_and_a_begun_one_not() {
    run(async {
        let (mut client, mut conn) = connection(Settings::default());
        client.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n").await;
        read_head(&mut conn, &mut RequestHead::new()).await.unwrap().unwrap();
        assert!(!conn.take_back());
        conn.send_head(&mut head(200), Announce::body(BodyLength::Unknown)).unwrap();
        conn.send_chunk(Chunk::Data("x".into())).unwrap();
        assert!(conn.take_back());
        respond(&mut conn, head(502), Announce::body(BodyLength::Empty), "").await.unwrap();
        assert!(!conn.take_back());
        assert!(finish(&mut conn).await);
        assert!(client.until("\r\n\r\n").await.starts_with("HTTP/1.1 502 "));
    });
}

#[test]
fn a_close_delimited_answer_that_breaks_off_is_reset() {
    run(async {
        let (mut client, mut conn) = connection(Settings::default());
        client.send("GET / HTTP/1.0\r\n\r\n").await;
        read_head(&mut conn, &mut RequestHead::new()).await.unwrap().unwrap();
        conn.send_head(&mut head(200), Announce::body(BodyLength::Unknown)).unwrap();
        conn.send_chunk(Chunk::Data("half".into())).unwrap();
        conn.reset();
        assert!(!finish(&mut conn).await);
        drop(conn);
        let mut buf = bytes::BytesMut::with_capacity(100);
        let read = gorge_async_io::StreamExt::read(&mut client.stream, &mut buf).await;
        assert_eq!(read.unwrap_err().kind(), std::io::ErrorKind::ConnectionReset);
    });
}

#[test]
fn an_end_between_requests_is_none_and_one_inside_a_request_an_error() {
    for (sent, kind) in [("", None), ("\r\n", None), ("GET /", Some(Kind::ClosedEarly))] {
        run(async {
            let (mut client, mut conn) = connection(Settings::default());
            client.send(sent).await;
            drop(client);
            poll_fn(|cx| conn.poll_idle(cx)).await;
            let read = read_head(&mut conn, &mut RequestHead::new()).await;
            assert_eq!(read.as_ref().err().map(|error| error.kind()), kind, "{sent:?}");
        });
    }
    run(async {
        let (mut client, mut conn) = connection(Settings::default());
        client.send("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nhe").await;
        drop(client);
        read_head(&mut conn, &mut RequestHead::new()).await.unwrap().unwrap();
        assert_eq!(chunk(&mut conn).await.unwrap(), Chunk::Data("he".into()));
        assert_eq!(chunk(&mut conn).await.unwrap_err().kind(), Kind::ClosedEarly);
    });
}

#[test]
fn what_is_not_polled_is_not_read() {
    run(async {
        let (mut client, mut conn) = connection(Settings::default());
        client.send("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 300000\r\n\r\n").await;
        read_head(&mut conn, &mut RequestHead::new()).await.unwrap().unwrap();
        let upload = async {
            client.send("x".repeat(300_000)).await;
        };
        // The client can send what the socket holds and no more.
        assert!(tokio::time::timeout(std::time::Duration::from_secs(5), upload).await.is_err());
        assert!(noop(|cx| conn.poll_chunk(cx)).is_ready());
    });
}

/// On a real socket a drop with unread bytes is a reset, and a reset loses answers.
#[tokio::test]
async fn a_refused_upload_reads_its_answer() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut client = tokio::net::TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
    let (server, _) = listener.accept().await.unwrap();
    let limits = gorge_http_parser::Limits { body: 1000, ..Default::default() };
    let settings = std::sync::Arc::new(Settings { limits, ..Settings::default() });
    let server = tokio::spawn(gorge_http_server::serve(server, settings, async |_, _| {
        gorge_filter::Response::empty(Status::OK)
    }));
    let size = 4 << 20;
    client
        .write_all(format!("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: {size}\r\n\r\n").as_bytes())
        .await
        .unwrap();
    // Sent whole before the answer is looked at, as simple clients do.
    client.write_all(&vec![b'x'; size]).await.unwrap();
    client.shutdown().await.unwrap();
    let mut answer = String::new();
    client.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 413 ") && answer.contains("Connection: close\r\n"), "{answer}");
    assert_eq!(server.await.unwrap().unwrap_err().kind(), Kind::BodyTooLarge);
}
