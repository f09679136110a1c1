//! `gorge-http-parser` beside httparse alone, and httparse into an `http::HeaderMap` as hyper does it.

use bytes::{Bytes, BytesMut};
use criterion::Criterion;
use gorge_benches::{OURS, Operation};
use gorge_http::{Chunk, Method, RequestHead, ResponseHead, Status};
use gorge_http_parser::{BodyDecoder, Framing, HeadParser, Limits};
use http::header::{HeaderMap, HeaderName, HeaderValue};

use crate::Cycle;

/// What the requests have.
pub(crate) const FIELDS: usize = 9;
const LARGE_CHUNK: usize = 16 * 1024;

/// What a browser sends, in some variants.
pub(crate) fn requests() -> Vec<String> {
    (0..16)
        .map(|number| {
            format!(
                "GET /articles/{number:02} HTTP/1.1\r\nHost: www.example.com\r\n\
                 User-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0\r\n\
                 Accept: text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8\r\n\
                 Accept-Language: en-US,en;q=0.5\r\nAccept-Encoding: gzip, deflate, br, zstd\r\n\
                 Referer: https://www.example.com/articles/\r\nCookie: session={number:032x}; theme=dark\r\n\
                 Connection: keep-alive\r\nUpgrade-Insecure-Requests: 1\r\n\r\n"
            )
        })
        .collect()
}

fn responses() -> Vec<String> {
    (0..16)
        .map(|number| {
            format!(
                "HTTP/1.1 200 OK\r\nServer: origin/1.0\r\nDate: Tue, 24 Nov 2026 22:{number:02}:07 GMT\r\n\
                 Content-Type: text/html; charset=utf-8\r\nContent-Length: 10{number:02}\r\n\
                 ETag: \"{number:016x}\"\r\nCache-Control: max-age=60\r\nVary: Accept-Encoding\r\n\
                 X-Request-Id: {number:032x}\r\n\r\n"
            )
        })
        .collect()
}

pub(crate) fn bench(criterion: &mut Criterion) {
    request(criterion);
    split_request(criterion);
    response(criterion);
    chunked(criterion);
}

/// A buffer that is filled anew, in place once nothing holds what was in it.
fn fill(buffer: &mut BytesMut, bytes: &str) {
    buffer.clear();
    if buffer.capacity() < bytes.len() && !buffer.try_reclaim(4096) {
        buffer.reserve(4096);
    }
    buffer.extend_from_slice(bytes.as_bytes());
}

fn request(criterion: &mut Criterion) {
    let mut inputs = Cycle::new(requests());
    let mut buffer = BytesMut::with_capacity(4096);
    let (mut parser, limits, mut head) = (HeadParser::new(), Limits::default(), RequestHead::new());
    let mut operation = Operation::new(criterion, "http-parser", "request of 9 fields");
    operation.row(OURS, || {
        head.clear();
        fill(&mut buffer, inputs.next());
        parser.request(&mut buffer, &limits, &mut head).is_ok_and(|framing| framing.is_some())
    });
    let mut plain = Vec::with_capacity(4096);
    operation.row("httparse alone", || {
        plain.clear();
        plain.extend_from_slice(inputs.next().as_bytes());
        let mut fields = [httparse::EMPTY_HEADER; 64];
        httparse::Request::new(&mut fields).parse(&plain).is_ok_and(|status| status.is_complete())
    });
    operation.row("httparse + http", || {
        fill(&mut buffer, inputs.next());
        into_map(&mut buffer, |bytes, fields| httparse::Request::new(fields).parse(bytes))
    });
}

fn split_request(criterion: &mut Criterion) {
    let mut inputs = Cycle::new(requests());
    let mut buffer = BytesMut::with_capacity(4096);
    let (mut parser, limits, mut head) = (HeadParser::new(), Limits::default(), RequestHead::new());
    let mut operation = Operation::new(criterion, "http-parser", "request of 9 fields in 4 reads");
    operation.row(OURS, || {
        head.clear();
        let text = inputs.next();
        fill(&mut buffer, "");
        let mut whole = false;
        for part in text.as_bytes().chunks(text.len().div_ceil(4)) {
            buffer.extend_from_slice(part);
            whole = parser.request(&mut buffer, &limits, &mut head).is_ok_and(|framing| framing.is_some());
        }
        whole
    });
    let mut plain = Vec::with_capacity(4096);
    operation.row("httparse alone", || {
        plain.clear();
        let text = inputs.next();
        let mut whole = false;
        for part in text.as_bytes().chunks(text.len().div_ceil(4)) {
            plain.extend_from_slice(part);
            let mut fields = [httparse::EMPTY_HEADER; 64];
            whole =
                httparse::Request::new(&mut fields).parse(&plain).is_ok_and(|status| status.is_complete());
        }
        whole
    });
}

fn response(criterion: &mut Criterion) {
    let mut inputs = Cycle::new(responses());
    let mut buffer = BytesMut::with_capacity(4096);
    let (mut parser, limits, mut head) =
        (HeadParser::new(), Limits::default(), ResponseHead::new(Status::OK));
    let mut operation = Operation::new(criterion, "http-parser", "response of 8 fields");
    operation.row(OURS, || {
        head.clear();
        fill(&mut buffer, inputs.next());
        parser.response(&mut buffer, &limits, &Method::GET, &mut head).is_ok_and(|framing| framing.is_some())
    });
    let mut plain = Vec::with_capacity(4096);
    operation.row("httparse alone", || {
        plain.clear();
        plain.extend_from_slice(inputs.next().as_bytes());
        let mut fields = [httparse::EMPTY_HEADER; 64];
        httparse::Response::new(&mut fields).parse(&plain).is_ok_and(|status| status.is_complete())
    });
    operation.row("httparse + http", || {
        fill(&mut buffer, inputs.next());
        into_map(&mut buffer, |bytes, fields| httparse::Response::new(fields).parse(bytes))
    });
}

type Parse = for<'h, 'b> fn(&'b [u8], &'h mut [httparse::Header<'b>]) -> httparse::Result<usize>;

/// httparse's fields as slices of the received bytes in a map: what hyper's HTTP/1 reader does.
fn into_map(buffer: &mut BytesMut, parse: Parse) -> HeaderMap {
    let mut ranges = [(0, 0, 0, 0); 64];
    let mut count = 0;
    let mut fields = [httparse::EMPTY_HEADER; 64];
    let base = buffer.as_ptr() as usize;
    let parsed = parse(buffer, &mut fields);
    for field in fields.iter().take_while(|field| !field.name.is_empty()) {
        let (name, value) = (field.name.as_ptr() as usize - base, field.value.as_ptr() as usize - base);
        ranges[count] = (name, name + field.name.len(), value, value + field.value.len());
        count += 1;
    }
    let length = match parsed {
        Ok(httparse::Status::Complete(length)) => length,
        _ => 0,
    };
    let head: Bytes = buffer.split_to(length).freeze();
    let mut map = HeaderMap::with_capacity(count);
    for (name, name_end, value, value_end) in &ranges[..count] {
        // The bench's own fields are legal.
        let name = HeaderName::from_bytes(&head[*name..*name_end]).expect("a legal name");
        let value = HeaderValue::from_maybe_shared(head.slice(*value..*value_end)).expect("a legal value");
        map.append(name, value);
    }
    map
}

fn chunked(criterion: &mut Criterion) {
    let mut wire = b"4000\r\n".to_vec();
    wire.resize(wire.len() + LARGE_CHUNK, b'x');
    wire.extend_from_slice(b"\r\n");
    let mut decoder = BodyDecoder::new(Framing::Chunked, Limits::default());
    let mut buffer = BytesMut::with_capacity(2 * LARGE_CHUNK);
    let mut copy = Vec::with_capacity(2 * LARGE_CHUNK);
    Operation::new(criterion, "http-parser", "a chunk of 16 KiB, copied in and decoded")
        .row(OURS, || {
            if buffer.capacity() < wire.len() && !buffer.try_reclaim(2 * LARGE_CHUNK) {
                buffer.reserve(2 * LARGE_CHUNK);
            }
            buffer.extend_from_slice(&wire);
            let mut content = 0;
            while let Ok(Some(Chunk::Data(data))) = decoder.decode(&mut buffer) {
                content += data.len();
            }
            content
        })
        .row("memcpy", || {
            copy.clear();
            copy.extend_from_slice(&wire);
            copy.len()
        });
}
