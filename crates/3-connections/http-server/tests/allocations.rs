//! An exchange on a warm connection costs no allocation.

use std::future::poll_fn;
use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use gorge_async_io::StreamExt;
use gorge_filter::{Announce, BodyLength, BodySink, BodySource, ServerStream};
use gorge_http::{Chunk, Known, RequestHead, ResponseHead, Status};
use gorge_http_server::{Connection, Settings};
use gorge_protocols::{VirtualStream, virtual_pair};
use gorge_test_util::AllocationCounter;

#[global_allocator]
static ALLOCATOR: AllocationCounter = AllocationCounter::new();

const GET: &str = "GET /path HTTP/1.1\r\nHost: example.org\r\nUser-Agent: test\r\nAccept: */*\r\n\r\n";
const POST: &str = "POST /path HTTP/1.1\r\nHost: example.org\r\nTransfer-Encoding: chunked\r\n\r\n\
                    5\r\nhello\r\n5\r\nworld\r\n0\r\n\r\n";

struct Served {
    conn: Connection<VirtualStream>,
    request: RequestHead,
    response: ResponseHead,
    body: Bytes,
}

impl Served {
    async fn exchange(&mut self, length: BodyLength) {
        let conn = &mut self.conn;
        poll_fn(|cx| conn.poll_idle(cx)).await;
        poll_fn(|cx| conn.poll_head(cx, &mut self.request)).await.unwrap().unwrap();
        while !poll_fn(|cx| conn.poll_chunk(cx)).await.unwrap().is_end() {}
        self.response.headers.append(Known::ContentType, "text/plain").unwrap();
        conn.send_head(&mut self.response, Announce::body(length)).unwrap();
        conn.send_chunk(Chunk::Data(self.body.clone())).unwrap();
        conn.send_chunk(Chunk::End).unwrap();
        poll_fn(|cx| conn.poll_flush(cx)).await.unwrap();
        self.request.clear();
        self.response.clear();
        assert!(poll_fn(|cx| conn.poll_finish(cx)).await);
    }
}

#[tokio::test]
async fn a_warm_exchange_allocates_nothing() {
    for (request, size) in [(GET, 100), (POST, 100), (GET, 50_000), (POST, 50_000)] {
        for length in [BodyLength::Known(size as u64), BodyLength::Unknown] {
            let (mut client, far) = virtual_pair();
            let settings = Arc::new(Settings { requests: 0, ..Settings::default() });
            let mut served = Served {
                conn: Connection::new(far, settings),
                request: RequestHead::new(),
                response: ResponseHead::new(Status::OK),
                body: vec![b'x'; size].into(),
            };
            let mut answer = BytesMut::with_capacity(100_000);
            let mut counted = 0;
            for round in 0..100 {
                let before = ALLOCATOR.count_of_thread();
                client.write_all(request.as_bytes()).await.unwrap();
                served.exchange(length).await;
                let got = client.read(&mut answer).await.unwrap();
                assert!(got > size);
                answer.clear();
                if round >= 50 {
                    counted += ALLOCATOR.count_of_thread() - before;
                }
            }
            assert_eq!(counted, 0, "{request:?}, {length:?}");
        }
    }
}
