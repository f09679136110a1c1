//! No head costs an allocation once head and buffer are warm.

use bytes::BytesMut;
use gorge_http::{Chunk, Method, RequestHead, ResponseHead};
use gorge_http_parser::{
    BodyDecoder, HeadParser, Limits, Persist, WireFraming, encode_request, encode_response,
};
use gorge_test_util::AllocationCounter;

#[global_allocator]
static ALLOCATOR: AllocationCounter = AllocationCounter::new();

const REQUEST: &[u8] = b"POST /search?q=gorge HTTP/1.1\r\nHost: www.example.com\r\n\
    User-Agent: Mozilla/5.0 (X11; Linux x86_64)\r\nAccept: text/html,*/*;q=0.8\r\n\
    Accept-Language: en-US,en;q=0.5\r\nAccept-Encoding: gzip, deflate, br\r\nCookie: session=0123456789\r\n\
    Connection: keep-alive\r\nX-Unknown: value\r\nContent-Length: 5\r\n\r\nhello";
const RESPONSE: &[u8] = b"HTTP/1.1 200 OK\r\nServer: origin\r\nContent-Type: text/plain\r\nETag: \"a\"\r\n\
    Vary: Accept-Encoding\r\nX-Unknown: value\r\nTransfer-Encoding: chunked\r\n\r\n5;x\r\nhello\r\n0\r\n\r\n";

/// One direction of an exchange: read from `buf`, write to `out`.
struct Warm {
    limits: Limits,
    heads: HeadParser,
    request: RequestHead,
    response: ResponseHead,
    buf: BytesMut,
    out: BytesMut,
}

impl Warm {
    fn body(&mut self, framing: gorge_http_parser::Framing) {
        let mut body = BodyDecoder::new(framing, self.limits);
        let mut content = 0;
        while let Some(chunk) = body.decode(&mut self.buf).unwrap() {
            content += chunk.len();
            if chunk == Chunk::End {
                break;
            }
        }
        assert_eq!(content, 5);
    }

    /// Takes in bytes as a read would: into spare room, reclaimed once nothing holds the buffer.
    fn fill(&mut self, bytes: &[u8]) {
        if self.buf.capacity() < bytes.len() {
            assert!(self.buf.try_reclaim(4096), "something holds the buffer");
        }
        self.buf.extend_from_slice(bytes);
    }

    fn exchange(&mut self, split: usize) {
        self.fill(&REQUEST[..split]);
        let mut framing = self.heads.request(&mut self.buf, &self.limits, &mut self.request).unwrap();
        if framing.is_none() {
            self.fill(&REQUEST[split..]);
            framing = self.heads.request(&mut self.buf, &self.limits, &mut self.request).unwrap();
        }
        self.body(framing.expect("the head is whole").body);
        self.out.clear();
        encode_request(&self.request, None, WireFraming::Length(5), Persist::Default, &mut self.out);
        self.request.clear();

        self.fill(RESPONSE);
        let framing = self.heads.response(&mut self.buf, &self.limits, &Method::GET, &mut self.response);
        self.body(framing.unwrap().expect("the head is whole").body);
        encode_response(&self.response, WireFraming::Chunked, Persist::Default, &mut self.out);
        self.response.clear();
    }
}

#[test]
fn a_warm_exchange_allocates_nothing() {
    let mut warm = Warm {
        limits: Limits::default(),
        heads: HeadParser::new(),
        request: RequestHead::new(),
        response: ResponseHead::default(),
        buf: BytesMut::with_capacity(4096),
        out: BytesMut::with_capacity(4096),
    };
    // Whole heads, and some that come in two reads.
    let splits = [REQUEST.len(), 100, REQUEST.len() - 6];
    for split in splits {
        warm.exchange(split);
    }
    let rounds = || (0..100).for_each(|round| warm.exchange(splits[round % splits.len()]));
    assert_eq!(ALLOCATOR.of_thread(rounds).0, 0);
}
