//! However the bytes are cut into reads, the same messages come out, or the same refusal.

use bytes::BytesMut;
use gorge_http::{Chunk, Method, RequestHead, ResponseHead};
use gorge_http_parser::{BodyDecoder, Framing, HeadParser, Limits, Reason, Reject};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;

const LIMITS: Limits = Limits {
    head: 400,
    fields: 8,
    uri: 60,
    chunk_line: 40,
    chunk_extensions: 60,
    trailers: 100,
    body: 1 << 40,
};

/// What a connection brought, written down.
#[derive(Debug, Default, PartialEq)]
struct Story {
    events: Vec<String>,
    reject: Option<Reject>,
    /// Bytes that belong to no complete event.
    rest: Vec<u8>,
}

/// A reader of one side of a connection.
enum Side {
    Requests(RequestHead),
    Responses(ResponseHead),
}

struct Reader {
    side: Side,
    heads: HeadParser,
    body: Option<BodyDecoder>,
    data: Vec<u8>,
    buf: BytesMut,
    story: Story,
}

impl Reader {
    fn new(side: Side) -> Self {
        Reader {
            side,
            heads: HeadParser::new(),
            body: None,
            data: Vec::new(),
            buf: BytesMut::new(),
            story: Story::default(),
        }
    }

    /// Takes in one read.
    fn feed(&mut self, bytes: &[u8]) {
        if self.story.reject.is_some() {
            return;
        }
        self.buf.extend_from_slice(bytes);
        loop {
            match self.step() {
                Ok(true) => {}
                Ok(false) => return,
                Err(reject) => {
                    self.story.reject = Some(reject);
                    return;
                }
            }
        }
    }

    fn step(&mut self) -> Result<bool, Reject> {
        if let Some(body) = &mut self.body {
            let Some(chunk) = body.decode(&mut self.buf)? else { return Ok(false) };
            match chunk {
                Chunk::Data(data) => {
                    assert!(!data.is_empty());
                    self.data.extend_from_slice(&data);
                }
                Chunk::Trailers(fields) => self.story.events.push(format!("trailers {fields:?}")),
                Chunk::End => {
                    let data = std::mem::take(&mut self.data);
                    self.story.events.push(format!("end of {data:?}"));
                    assert_eq!(body.decode(&mut self.buf), Ok(None));
                    self.body = None;
                }
            }
            return Ok(true);
        }
        let framing = match &mut self.side {
            Side::Requests(head) => {
                let framing = self.heads.request(&mut self.buf, &LIMITS, head)?;
                framing.map(|framing| {
                    self.story.events.push(format!("{head:?} {framing:?}"));
                    framing.body
                })
            }
            Side::Responses(head) => {
                let framing = self.heads.response(&mut self.buf, &LIMITS, &Method::GET, head)?;
                framing.map(|framing| {
                    self.story.events.push(format!("{head:?} {framing:?}"));
                    framing.body
                })
            }
        };
        self.body = framing.map(|framing| BodyDecoder::new(framing, LIMITS));
        Ok(framing.is_some())
    }

    fn finish(mut self) -> Story {
        if self.story.reject.is_none() {
            self.story.rest = [&self.data[..], &self.buf[..]].concat();
        }
        let reason = self.story.reject.map(|reject| reject.reason);
        assert_ne!(reason, Some(Reason::HeadInvalid), "the scanner passed what the fast way did not");
        self.story
    }
}

fn whole(side: Side, bytes: &[u8]) -> Story {
    let mut reader = Reader::new(side);
    reader.feed(bytes);
    reader.finish()
}

fn split(side: Side, bytes: &[u8], cuts: &[usize]) -> Story {
    let mut reader = Reader::new(side);
    let mut from = 0;
    for cut in cuts.iter().cycle().take_while(|_| !cuts.is_empty()) {
        if from >= bytes.len() {
            break;
        }
        let to = (from + cut).min(bytes.len());
        reader.feed(&bytes[from..to]);
        from = to;
    }
    reader.feed(&bytes[from..]);
    reader.finish()
}

/// Mostly right pieces of a head, so that the wrong ones are reached in all states.
fn head(starts: &'static [&'static str]) -> impl Strategy<Value = String> {
    let start = prop_oneof![20 => select(&starts[..2]), 5 => select(starts)];
    let field = prop_oneof![
        40 => select(GOOD_FIELDS),
        3 => select(FRAMING_FIELDS),
        1 => select(BAD_FIELDS),
    ];
    let framing = prop_oneof![
        4 => Just(""),
        3 => Just("Transfer-Encoding: chunked\r\n"),
        3 => Just("Content-Length: 5\r\n"),
    ];
    let host = prop_oneof![20 => Just("Host: a\r\n"), 1 => Just("")];
    let end = prop_oneof![40 => Just("\r\n"), 1 => Just("\n"), 1 => Just("\rx")];
    (start, host, vec(field, 0..5), framing, end).prop_map(|(start, host, fields, framing, end)| {
        [start, host, &fields.concat(), framing, end].concat()
    })
}

const REQUEST_STARTS: &[&str] = &[
    "GET / HTTP/1.1\r\n",
    "POST http://b:80/x?y HTTP/1.1\r\n",
    "\r\nGET / HTTP/1.1\r\n",
    "\r\n\r\nGET / HTTP/1.1\r\n",
    "\nGET / HTTP/1.1\r\n",
    "GET / HTTP/1.0\r\n",
    "OPTIONS * HTTP/1.1\r\n",
    "CONNECT a:443 HTTP/1.1\r\n",
    "M-SEARCH /0123456789012345678901234567890123456789012345678901234567 HTTP/1.1\r\n",
    "GET /01234567890123456789012345678901234567890123456789012345678901234567890 HTTP/1.1\r\n",
    "GET / HTTP/1.1\n",
    "GET / HTTP/2.0\r\n",
    "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "GET /\r\n",
    "GET  / HTTP/1.1\r\n",
    "GET /é HTTP/1.1\r\n",
    "GET nowhere HTTP/1.1\r\n",
    "G\0T / HTTP/1.1\r\n",
];

const RESPONSE_STARTS: &[&str] = &[
    "HTTP/1.1 200 OK\r\n",
    "HTTP/1.1 404 Is \u{e9}lsewhere\r\n",
    "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n",
    "HTTP/1.1 200\r\n",
    "HTTP/1.1 204 \r\n",
    "HTTP/1.1 304 Not Modified\r\n",
    "HTTP/1.0 200 OK\r\n",
    "HTTP/1.1 101 Switching Protocols\r\n",
    "HTTP/1.1 20 OK\r\n",
    "HTTP/1.1 099 OK\r\n",
    "HTTP/1.1 200 OK\n",
    "HTTP/1.1 200 O\rK\r\n",
    "HTTP/3.0 200 OK\r\n",
    "\r\nHTTP/1.1 200 OK\r\n",
];

const GOOD_FIELDS: &[&str] = &[
    "A: b\r\n",
    "A:\r\n",
    "A: \t \r\n",
    "Cookie:a=b; c=d \t\r\n",
    "X-Long-Name-Of-A-Field: with a value that is so long that several vectors fit into it, \u{e9}\r\n",
    "Connection: close\r\n",
    "Connection: keep-alive, Upgrade\r\n",
    "Keep-Alive: timeout=5, max=9\r\n",
    "Upgrade: websocket\r\n",
    "Expect: 100-continue\r\n",
];

const FRAMING_FIELDS: &[&str] = &[
    "Content-Length: 3\r\n",
    "Content-Length: 4, 4\r\n",
    "Content-Length: +4\r\n",
    "Transfer-Encoding: chunked\r\n",
    "Transfer-Encoding: gzip, chunked\r\n",
    "Host: b\r\n",
    "Host: b/c\r\n",
];

const BAD_FIELDS: &[&str] = &[
    "A : b\r\n",
    " A: b\r\n",
    ": b\r\n",
    "A\r\n",
    "A: b\n",
    "A: b \t\n",
    "A:\n",
    "A: b\rc\r\n",
    "A: b\0\r\n",
    "A: b\x7f\r\n",
    "A(: b\r\n",
    "\r\n",
    "\n",
    "\r",
];

fn body() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        30 => select(&["3\r\nabc\r\n", "00A;x=\"y\"\r\n0123456789\r\n", "1;\r\na\r\n"][..]),
        1 => select(&["3 \r\n", "3\nabc\r\n", "3\r\nabcd\r\n", "0x3\r\n", "3;\x01\r\n", "\r\n", "3\r\nabc\rx",
            "1;0123456789012345678901234567890123456789\r\n", "11111111111111111\r\n", "FFFFFFFFFF\r\n"][..]),
    ];
    let end = prop_oneof![
        10 => Just("0\r\n\r\n"),
        2 => Just("0;a\r\nA: b\r\nHost: no\r\nB:\r\n\r\n"),
        1 => Just("0\r\nA : b\r\n\r\n"),
        1 => Just(""),
    ];
    prop_oneof![
        2 => Just(String::new()),
        3 => Just("hello".to_owned()),
        4 => (vec(piece, 0..4), end).prop_map(|(pieces, end)| pieces.concat() + end),
    ]
}

fn messages(starts: &'static [&'static str]) -> impl Strategy<Value = Vec<u8>> {
    let message = (head(starts), body()).prop_map(|(head, body)| head + &body);
    let junk = prop_oneof![6 => Just(vec![]), 1 => vec(any::<u8>(), 1..4)];
    (vec(message, 1..4), junk, any::<proptest::sample::Index>()).prop_map(|(messages, junk, at)| {
        let mut bytes = messages.concat().into_bytes();
        let at = at.index(bytes.len() + 1);
        bytes.splice(at..at, junk);
        bytes
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1500))]

    #[test]
    fn requests_do_not_depend_on_reads(bytes in messages(REQUEST_STARTS), cuts in vec(1_usize..40, 0..6)) {
        let side = || Side::Requests(RequestHead::new());
        let expected = whole(side(), &bytes);
        prop_assert_eq!(&split(side(), &bytes, &cuts), &expected);
        prop_assert_eq!(&split(side(), &bytes, &[1]), &expected);
    }

    #[test]
    fn responses_do_not_depend_on_reads(bytes in messages(RESPONSE_STARTS), cuts in vec(1_usize..40, 0..6)) {
        let side = || Side::Responses(ResponseHead::default());
        let expected = whole(side(), &bytes);
        prop_assert_eq!(&split(side(), &bytes, &cuts), &expected);
        prop_assert_eq!(&split(side(), &bytes, &[1]), &expected);
    }

    #[test]
    fn a_length_gives_what_it_announces_and_no_more(length in 0_u64..50, bytes in vec(any::<u8>(), 0..100), cut in 1_usize..30) {
        let mut decoder = BodyDecoder::new(Framing::Length(length), LIMITS);
        let (mut buf, mut data, mut ended) = (BytesMut::new(), Vec::new(), false);
        for read in bytes.chunks(cut) {
            buf.extend_from_slice(read);
            while let Some(chunk) = decoder.decode(&mut buf).unwrap() {
                match chunk {
                    Chunk::Data(part) => data.extend_from_slice(&part),
                    Chunk::End => ended = true,
                    Chunk::Trailers(_) => unreachable!("no trailers behind a length"),
                }
            }
            prop_assert_eq!(decoder.remaining(), Some(length - data.len() as u64));
        }
        let end = bytes.len().min(length as usize);
        prop_assert_eq!(&data[..], &bytes[..end]);
        prop_assert_eq!(&buf[..], &bytes[end..]);
        prop_assert_eq!(decoder.eof().is_ok(), bytes.len() as u64 >= length);
        prop_assert!(!ended || decoder.is_finished());
    }
}

#[test]
fn a_large_head_in_single_bytes_takes_linear_time() {
    // Were each read to begin anew, this would take 2 x 10^9 steps.
    let limits = Limits::default();
    let fields = format!("X-Field: {}\r\n", "v".repeat(489)).repeat(120);
    let head = format!("GET /{} HTTP/1.1\r\nHost: a\r\n{fields}\r\n", "p".repeat(4000));
    let mut parser = HeadParser::new();
    let (mut buf, mut parsed) = (BytesMut::with_capacity(64 * 1024), RequestHead::new());
    for (at, byte) in head.bytes().enumerate() {
        buf.extend_from_slice(&[byte]);
        let done = parser.request(&mut buf, &limits, &mut parsed).unwrap().is_some();
        assert_eq!(done, at + 1 == head.len());
    }
    assert_eq!(parsed.headers.len(), 121);
}
