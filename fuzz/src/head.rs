//! Targets for HTTP/1 heads.

use bytes::BytesMut;
use gorge_http::{Headers, Method, RequestHead, ResponseHead};
use gorge_http_parser::{
    Framing, HeadParser, Limits, Persist, Reason, Reject, RequestFraming, ResponseFraming, WireFraming,
    encode_request, encode_response,
};

/// Small enough that inputs of a fuzzer reach them.
const LIMITS: Limits = Limits { head: 1024, fields: 12, uri: 64, body: 1 << 40, ..Limits::new() };

/// What came of a head: itself, its framing and the bytes behind it; or that more are needed.
type Parsed<H, F> = Result<Option<(H, F, Vec<u8>)>, Reject>;

/// Judges the parsing of `data` as a request head.
///
/// # Panics
/// If a promise of the parser is broken.
pub fn request_head(data: &[u8]) {
    let whole = parse_request(data, data.len());
    assert_eq!(whole, parse_request(data, 1), "in single bytes");
    assert_eq!(whole, parse_request(data, usize::from(data.first().copied().unwrap_or(3) % 61) + 2));
    let Some((head, framing, rest)) = accepted(whole) else { return };
    let raw = judge_raw(data, &rest, 2);
    assert!(!matches!(framing.body, Framing::UntilClose | Framing::Tunnel));
    assert!(count(raw, "host") <= 1 && count(raw, "content-length") <= 1);
    assert!(count(raw, "content-length") + count(raw, "transfer-encoding") <= 1);

    let mut out = BytesMut::new();
    encode_request(&head, None, wire(framing.body), Persist::Default, &mut out);
    // The limits of a head that was accepted may not fit the one that a proxy writes.
    let again = parse(&out, out.len(), RequestHead::new(), |parser, buf, head| {
        parser.request(buf, &Limits::default(), head)
    });
    // An HTTP/1.0 request may lack Host; written as 1.1 it has an empty one, which is refused.
    if head.headers.contains("host") {
        let (read, framing_again, rest) = accepted(again).expect("what is written can be read");
        assert!(rest.is_empty() && framing_again.body == framing.body);
        assert_eq!(read.method, head.method);
        assert_eq!(sent_on(&read.headers), sent_on(&head.headers));
    }
}

/// Judges the parsing of `data` as a response head.
///
/// # Panics
/// If a promise of the parser is broken.
pub fn response_head(data: &[u8]) {
    for method in [Method::GET, Method::HEAD, Method::CONNECT] {
        let whole = parse_response(data, data.len(), &method);
        assert_eq!(whole, parse_response(data, 1, &method), "in single bytes");
        let piece = usize::from(data.last().copied().unwrap_or(3) % 61) + 2;
        assert_eq!(whole, parse_response(data, piece, &method));
        let Some((head, framing, rest)) = accepted(whole) else { continue };
        let raw = judge_raw(data, &rest, 0);
        assert!(count(raw, "content-length") <= 1 || framing.body == Framing::Tunnel);
        assert!(framing.clean || !framing.keep_alive);

        let mut out = BytesMut::new();
        encode_response(&head, wire(framing.body), Persist::Default, &mut out);
        let again = parse(&out, out.len(), ResponseHead::default(), |parser, buf, head| {
            parser.response(buf, &Limits::default(), &method, head)
        });
        let (read, _, rest) = accepted(again).expect("what is written can be read");
        assert!(rest.is_empty());
        assert_eq!((read.status, read.reason()), (head.status, head.reason()));
        assert_eq!(sent_on(&read.headers), sent_on(&head.headers));
    }
}

fn parse_request(data: &[u8], piece: usize) -> Parsed<RequestHead, RequestFraming> {
    parse(data, piece, RequestHead::new(), |parser, buf, head| parser.request(buf, &LIMITS, head))
}

fn parse_response(data: &[u8], piece: usize, method: &Method) -> Parsed<ResponseHead, ResponseFraming> {
    parse(data, piece, ResponseHead::default(), |parser, buf, head| {
        parser.response(buf, &LIMITS, method, head)
    })
}

/// Feeds `data` in pieces of that size until a head is complete or refused.
fn parse<H, F>(
    data: &[u8],
    piece: usize,
    mut head: H,
    mut read: impl FnMut(&mut HeadParser, &mut BytesMut, &mut H) -> Result<Option<F>, Reject>,
) -> Parsed<H, F> {
    let (mut parser, mut buf) = (HeadParser::new(), BytesMut::new());
    let mut fed = 0;
    for part in data.chunks(piece.max(1)) {
        buf.extend_from_slice(part);
        fed += part.len();
        if let Some(framing) = read(&mut parser, &mut buf, &mut head)? {
            let rest = [&buf[..], &data[fed..]].concat();
            return Ok(Some((head, framing, rest)));
        }
    }
    Ok(None)
}

fn accepted<H, F>(parsed: Parsed<H, F>) -> Option<(H, F, Vec<u8>)> {
    match parsed {
        Ok(accepted) => accepted,
        Err(reject) => {
            assert_ne!(reject.reason, Reason::HeadInvalid, "refused without a reason");
            None
        }
    }
}

/// A second judgement of an accepted head, on its bytes alone. Gives its lines without those that
/// may be empty before it.
fn judge_raw<'a>(data: &'a [u8], rest: &[u8], leading: usize) -> &'a [u8] {
    let raw = &data[..data.len() - rest.len()];
    assert!(data.ends_with(rest) && raw.len() <= LIMITS.head);
    let raw = match raw.strip_prefix(b"\r\n") {
        Some(behind) if leading > 0 => behind,
        _ => raw,
    };
    let text = raw.strip_suffix(b"\r\n\r\n").expect("a head ends in an empty line");
    assert!(!text.windows(4).any(|window| window == b"\r\n\r\n"));
    for (at, &byte) in text.iter().enumerate() {
        match byte {
            b'\r' => assert_eq!(text.get(at + 1), Some(&b'\n')),
            b'\n' => {
                assert!(at > 0 && text[at - 1] == b'\r');
                assert!(!matches!(text.get(at + 1), Some(b' ' | b'\t' | b':')));
            }
            _ => assert!(byte == b'\t' || byte >= b' ' && byte != 0x7f),
        }
    }
    text
}

/// How many field lines have that name.
fn count(text: &[u8], name: &str) -> usize {
    text.split(|&byte| byte == b'\n')
        .skip(1)
        .filter(|line| {
            let colon = line.iter().position(|&byte| byte == b':').expect("a field has a colon");
            line[..colon].eq_ignore_ascii_case(name.as_bytes())
        })
        .count()
}

fn wire(framing: Framing) -> WireFraming {
    match framing {
        Framing::Length(length) => WireFraming::Length(length),
        Framing::Chunked => WireFraming::Chunked,
        Framing::None | Framing::UntilClose | Framing::Tunnel => WireFraming::None,
    }
}

/// Name and value of what is sent on, in order, Host apart from the others: it moves to the front.
fn sent_on(headers: &Headers) -> Vec<(String, Vec<u8>)> {
    const OWN: [&str; 5] = ["connection", "keep-alive", "transfer-encoding", "content-length", "upgrade"];
    let mut fields: Vec<_> = headers
        .iter()
        .map(|field| (field.name.to_ascii_lowercase(), field.value.to_vec()))
        .filter(|(name, _)| !OWN.contains(&name.as_str()))
        .collect();
    fields.sort_by_key(|(name, _)| name != "host");
    fields
}
