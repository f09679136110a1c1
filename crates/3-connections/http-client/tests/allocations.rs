//! An exchange on a warm connection costs no allocation.

use std::future::poll_fn;
use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use gorge_async_io::StreamExt;
use gorge_filter::{Announce, BodyLength, BodySink, BodySource, ClientStream};
use gorge_http::{Chunk, Known, RequestHead, ResponseHead, Status};
use gorge_http_client::Connection;
use gorge_http_parser::Limits;
use gorge_protocols::{VirtualStream, virtual_pair};
use gorge_test_util::AllocationCounter;

#[global_allocator]
static ALLOCATOR: AllocationCounter = AllocationCounter::new();

const SIZED: &str =
    "HTTP/1.1 200 OK\r\nServer: origin\r\nContent-Type: text/plain\r\nContent-Length: 10\r\n\r\nhelloworld";
const CHUNKED: &str = "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nServer: origin\r\nTransfer-Encoding: chunked\r\n\r\n\
                       5\r\nhello\r\n5\r\nworld\r\n0\r\n\r\n";

struct Asked {
    conn: Connection<VirtualStream>,
    request: RequestHead,
    response: ResponseHead,
    body: Bytes,
}

impl Asked {
    fn send(&mut self, length: BodyLength) {
        self.conn.send_head(&self.request, Announce::body(length)).unwrap();
        self.conn.send_chunk(Chunk::Data(self.body.clone())).unwrap();
        self.conn.send_chunk(Chunk::End).unwrap();
    }

    async fn receive(&mut self) {
        let conn = &mut self.conn;
        while {
            poll_fn(|cx| conn.poll_head(cx, &mut self.response)).await.unwrap();
            self.response.status.is_informational()
        } {}
        while !poll_fn(|cx| conn.poll_chunk(cx)).await.unwrap().is_end() {}
        self.response.clear();
        assert!(conn.is_reusable());
        conn.rest();
    }
}

#[tokio::test]
async fn a_warm_exchange_allocates_nothing() {
    for (answer, size) in [(SIZED, 0), (CHUNKED, 0), (SIZED, 50_000), (CHUNKED, 50_000)] {
        for length in [BodyLength::Known(size as u64), BodyLength::Unknown] {
            let (near, mut server) = virtual_pair();
            let mut request = RequestHead::new();
            request.headers.append(Known::Host, "example.org").unwrap();
            let mut asked = Asked {
                conn: Connection::new(near, Arc::new(Limits::default())),
                request,
                response: ResponseHead::new(Status::OK),
                body: vec![b'x'; size].into(),
            };
            let mut received = BytesMut::with_capacity(100_000);
            let mut counted = 0;
            for round in 0..100 {
                let before = ALLOCATOR.count_of_thread();
                asked.send(length);
                poll_fn(|cx| asked.conn.poll_flush(cx)).await.unwrap();
                assert!(server.read(&mut received).await.unwrap() > size);
                received.clear();
                server.write_all(answer.as_bytes()).await.unwrap();
                asked.receive().await;
                if round >= 50 {
                    counted += ALLOCATOR.count_of_thread() - before;
                }
            }
            assert_eq!(counted, 0, "{answer:?}, {length:?}");
        }
    }
}
