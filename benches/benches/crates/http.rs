//! `gorge-http` beside the crate `http`.

use bytes::Bytes;
use criterion::Criterion;
use gorge_benches::{OURS, Operation};
use gorge_http::{Headers, Known, Method, RequestHead, Uri};
use http::header::{self, HeaderMap, HeaderName, HeaderValue};

use crate::Cycle;
use crate::http_parser::{FIELDS, requests};

pub(crate) fn bench(criterion: &mut Criterion) {
    build(criterion);
    append(criterion);
    look_up(criterion);
}

/// A received head, and where its fields are in it, as a parser has found them.
struct Received {
    bytes: Bytes,
    fields: Vec<(usize, usize, usize)>,
}

fn received() -> Vec<Received> {
    requests()
        .into_iter()
        .map(|text| {
            let mut at = text.find("\r\n").map_or(0, |end| end + 2);
            let mut fields = Vec::new();
            while !text[at..].starts_with("\r\n") {
                let line = text[at..].find("\r\n").unwrap_or_default();
                let colon = text[at..].find(": ").unwrap_or_default();
                fields.push((at, at + colon, at + line));
                at += line + 2;
            }
            assert_eq!(fields.len(), FIELDS);
            Received { bytes: text.into(), fields }
        })
        .collect()
}

fn build(criterion: &mut Criterion) {
    let mut inputs = Cycle::new(received());
    let mut others = Cycle::new(received());
    let mut head = RequestHead::new();
    Operation::new(criterion, "http", "request head of 9 fields from a parser's ranges")
        .row(OURS, || {
            let input = inputs.next();
            head.clear();
            head.method = Method::GET;
            let target = input.bytes.slice(4..input.bytes.len().min(17));
            head.uri = Uri::parse(&head.method, target).unwrap_or_default();
            head.headers.begin(input.bytes.clone());
            for &(start, colon, end) in &input.fields {
                let known = Known::classify(&input.bytes[start..colon]);
                head.headers.push_received(known, start..colon, colon + 2..end);
            }
            head.headers.len()
        })
        .row("http", || {
            let input = others.next();
            let mut request = http::Request::new(());
            *request.uri_mut() = http::Uri::from_maybe_shared(input.bytes.slice(4..17)).unwrap_or_default();
            request.headers_mut().reserve(FIELDS);
            for &(start, colon, end) in &input.fields {
                // The bench's own fields are legal.
                let name = HeaderName::from_bytes(&input.bytes[start..colon]).expect("a legal name");
                let value =
                    HeaderValue::from_maybe_shared(input.bytes.slice(colon + 2..end)).expect("a legal value");
                request.headers_mut().append(name, value);
            }
            request
        });
}

fn append(criterion: &mut Criterion) {
    let mut values = Cycle::new(["one", "another", "a value of some length", "4"]);
    let mut others = Cycle::new(["one", "another", "a value of some length", "4"]);
    let mut fields = Headers::with_capacity(8, 256);
    let mut map = HeaderMap::with_capacity(8);
    Operation::new(criterion, "http", "append 3 fields to an empty list")
        .row(OURS, || {
            fields.clear();
            for name in [Known::Host, Known::Via] {
                // The bench's own fields are legal.
                fields.append(name, values.next()).expect("a legal field");
            }
            fields.append("x-request-id", values.next()).expect("a legal field");
            fields.len()
        })
        .row("http", || {
            map.clear();
            for name in [header::HOST, header::VIA] {
                map.append(name, HeaderValue::from_str(others.next()).expect("a legal value"));
            }
            let name = HeaderName::from_bytes(b"x-request-id").expect("a legal name");
            map.append(name, HeaderValue::from_str(others.next()).expect("a legal value"));
            map.len()
        });
}

fn look_up(criterion: &mut Criterion) {
    let text = &requests()[0];
    let mut fields = Headers::new();
    let mut map = HeaderMap::new();
    for line in text.lines().skip(1).take_while(|line| !line.is_empty()) {
        let (name, value) = line.split_once(": ").unwrap_or_default();
        // The bench's own fields are legal.
        fields.append(name, value).expect("a legal field");
        map.append(
            HeaderName::from_bytes(name.as_bytes()).expect("a legal name"),
            HeaderValue::from_str(value).expect("a legal value"),
        );
    }
    let mut known = Cycle::new([Known::Host, Known::Cookie, Known::ContentLength, Known::AcceptEncoding]);
    let mut names =
        Cycle::new([header::HOST, header::COOKIE, header::CONTENT_LENGTH, header::ACCEPT_ENCODING]);
    Operation::new(criterion, "http", "look up a well-known field")
        .row(OURS, || fields.get(*known.next()).map(<[u8]>::len))
        .row("http", || map.get(names.next()).map(HeaderValue::len));
}
