//! A stream whose end is an error unless it was said, as with TLS.

use std::future::poll_fn;
use std::io::{self, IoSlice};
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::BytesMut;
use gorge_async_io::{Stream, StreamExt};
use gorge_error::{Error, Kind};
use gorge_filter::{Announce, BodyLength, BodySink, BodySource, ServerStream};
use gorge_http::{Chunk, RequestHead, ResponseHead, Status};
use gorge_http_server::{Connection, Settings};
use gorge_protocols::{VirtualStream, virtual_pair};

/// Reads an error where the stream below has ended, and counts the ends that were said.
struct Cut {
    stream: VirtualStream,
    said: usize,
}

impl Stream for Cut {
    fn poll_readable(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.stream.poll_readable(cx)
    }

    fn poll_read(&mut self, cx: &mut Context<'_>, buf: &mut BytesMut) -> Poll<io::Result<usize>> {
        match self.stream.poll_read(cx, buf) {
            Poll::Ready(Ok(0)) => Poll::Ready(Err(io::ErrorKind::UnexpectedEof.into())),
            read => read,
        }
    }

    fn poll_write(&mut self, cx: &mut Context<'_>, bufs: &[IoSlice<'_>]) -> Poll<io::Result<usize>> {
        self.stream.poll_write(cx, bufs)
    }

    fn poll_writable(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.stream.poll_writable(cx)
    }

    fn poll_shutdown(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.said += 1;
        self.stream.poll_shutdown(cx)
    }

    fn abort(&mut self) {
        self.stream.abort();
    }

    fn is_closed(&mut self) -> bool {
        self.stream.is_closed()
    }

    fn needs_shutdown(&self) -> bool {
        self.said == 0
    }
}

/// A connection on which this came, and then its cut end; and its client, which still reads.
async fn cut_behind(bytes: &str) -> (Connection<Cut>, VirtualStream) {
    let (mut client, stream) = virtual_pair();
    client.write_all(bytes.as_bytes()).await.unwrap();
    poll_fn(|cx| client.poll_shutdown(cx)).await.unwrap();
    (Connection::new(Cut { stream, said: 0 }, Arc::new(Settings::default())), client)
}

fn is_closed_early(error: &Error, context: &str) {
    assert_eq!(error.kind(), Kind::ClosedEarly);
    assert!(error.to_string().contains(context), "{error}");
}

#[tokio::test]
async fn between_two_requests_it_is_an_end() {
    let mut head = RequestHead::new();
    let (mut conn, _client) = cut_behind("").await;
    assert_eq!(poll_fn(|cx| conn.poll_head(cx, &mut head)).await.unwrap(), None);
}

#[tokio::test]
async fn inside_of_a_request_it_is_an_error() {
    let mut head = RequestHead::new();
    let (mut conn, _client) = cut_behind("GET / HTTP/1.1\r\nHo").await;
    let error = poll_fn(|cx| conn.poll_head(cx, &mut head)).await.unwrap_err();
    is_closed_early(&error, "inside a request head");
    let (mut conn, _client) = cut_behind("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nhalf").await;
    poll_fn(|cx| conn.poll_head(cx, &mut head)).await.unwrap();
    assert_eq!(poll_fn(|cx| conn.poll_chunk(cx)).await.unwrap(), Chunk::Data("half".into()));
    is_closed_early(&poll_fn(|cx| conn.poll_chunk(cx)).await.unwrap_err(), "inside a request body");
}

#[tokio::test]
async fn a_client_that_waits_for_its_answer_is_gone() {
    let mut head = RequestHead::new();
    let (mut conn, _client) = cut_behind("GET / HTTP/1.1\r\nHost: a\r\n\r\n").await;
    poll_fn(|cx| conn.poll_head(cx, &mut head)).await.unwrap();
    is_closed_early(&poll_fn(|cx| conn.poll_gone(cx)).await, "before it was answered");
}

#[tokio::test]
async fn the_end_is_said_once_and_not_of_an_answer_that_was_broken_off() {
    let (mut conn, _client) = cut_behind("").await;
    conn.end();
    conn.end();
    assert_eq!(conn.stream().said, 1);

    let mut head = RequestHead::new();
    let (mut conn, _client) = cut_behind("GET / HTTP/1.0\r\n\r\n").await;
    poll_fn(|cx| conn.poll_head(cx, &mut head)).await.unwrap();
    let mut answer = ResponseHead::new(Status::OK);
    conn.send_head(&mut answer, Announce::body(BodyLength::Unknown)).unwrap();
    conn.send_chunk(Chunk::Data("half".into())).unwrap();
    poll_fn(|cx| conn.poll_flush(cx)).await.unwrap();
    conn.end();
    assert_eq!(conn.stream().said, 0, "the answer is not whole");
    conn.reset();
    conn.end();
    assert_eq!(conn.stream().said, 0);
}
