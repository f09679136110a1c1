//! A client of a connection in memory, for the tests of this crate.

#![allow(dead_code, reason = "each test file uses its part")]

use std::future::poll_fn;
use std::sync::Arc;

use bytes::BytesMut;
use gorge_async_io::StreamExt;
use gorge_error::Result;
use gorge_filter::{BodySink, BodySource, ServerStream};
use gorge_http::{Chunk, RequestHead, ResponseHead};
use gorge_http_parser::RequestFraming;
use gorge_http_server::{Connection, IntoResponse, RequestBody, Settings, serve};
use gorge_protocols::{VirtualStream, virtual_pair};
use tokio::task::JoinHandle;

/// A client with raw bytes, and the server's end of its connection.
pub(crate) struct Client {
    pub(crate) stream: VirtualStream,
    received: BytesMut,
}

impl Client {
    pub(crate) fn new(stream: VirtualStream) -> Self {
        Self { stream, received: BytesMut::new() }
    }

    pub(crate) async fn send(&mut self, bytes: impl AsRef<[u8]>) {
        self.stream.write_all(bytes.as_ref()).await.unwrap();
    }

    /// What comes up to and with `end`.
    pub(crate) async fn until(&mut self, end: &str) -> String {
        loop {
            let text = String::from_utf8_lossy(&self.received).into_owned();
            if let Some(at) = text.find(end) {
                return String::from_utf8(self.received.split_to(at + end.len()).to_vec()).unwrap();
            }
            assert!(self.read().await, "ended without {end:?}: {text:?}");
        }
    }

    /// All that comes until the server ends the connection.
    pub(crate) async fn rest(&mut self) -> String {
        while self.read().await {}
        String::from_utf8(self.received.split().to_vec()).unwrap()
    }

    async fn read(&mut self) -> bool {
        self.received.reserve(16 * 1024);
        self.stream.read(&mut self.received).await.unwrap() > 0
    }
}

/// Serves one connection with `handler`.
pub(crate) fn start<H, R>(settings: Settings, handler: H) -> (Client, JoinHandle<Result<()>>)
where
    H: AsyncFn(&RequestHead, &mut RequestBody<'_>) -> R + 'static,
    R: IntoResponse + 'static,
{
    let (near, far) = virtual_pair();
    // On the thread of the test, so that handlers need not be Send.
    (Client::new(near), tokio::task::spawn_local(serve(far, Arc::new(settings), handler)))
}

/// What a server with `handler` answers to `input`, to the end of the connection.
pub(crate) async fn answer_to<H, R>(input: impl AsRef<[u8]>, handler: H) -> String
where
    H: AsyncFn(&RequestHead, &mut RequestBody<'_>) -> R + 'static,
    R: IntoResponse + 'static,
{
    let (mut client, server) = start(Settings::default(), handler);
    client.send(input).await;
    let answer = client.rest().await;
    let _ = server.await.unwrap();
    answer
}

/// Runs a test with local tasks and a clock that jumps to the next deadline.
pub(crate) fn run(test: impl Future<Output = ()>) {
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build().unwrap();
    runtime.block_on(tokio::task::LocalSet::new().run_until(test));
}

/// A connection driven by hand, and its client.
pub(crate) fn connection(settings: Settings) -> (Client, Connection<VirtualStream>) {
    let (near, far) = virtual_pair();
    (Client::new(near), Connection::new(far, Arc::new(settings)))
}

pub(crate) async fn read_head(
    conn: &mut Connection<VirtualStream>,
    head: &mut RequestHead,
) -> Result<Option<RequestFraming>> {
    poll_fn(|cx| conn.poll_head(cx, head)).await
}

pub(crate) async fn chunk(conn: &mut Connection<VirtualStream>) -> Result<Chunk> {
    poll_fn(|cx| conn.poll_chunk(cx)).await
}

pub(crate) async fn finish(conn: &mut Connection<VirtualStream>) -> bool {
    poll_fn(|cx| conn.poll_finish(cx)).await
}

/// Sends a whole response.
pub(crate) async fn respond(
    conn: &mut Connection<VirtualStream>,
    mut head: ResponseHead,
    announce: gorge_filter::Announce<'_>,
    body: &'static str,
) -> Result<()> {
    conn.send_head(&mut head, announce)?;
    if !body.is_empty() {
        conn.send_chunk(Chunk::Data(body.into()))?;
    }
    conn.send_chunk(Chunk::End)?;
    poll_fn(|cx| conn.poll_flush(cx)).await
}
