//! One row per reject reason, and more for the classic attacks: what is refused, why, and where.

use bytes::BytesMut;
use gorge_http::{Chunk, Method, RequestHead, ResponseHead};
use gorge_http_parser::{BodyDecoder, Framing, HeadParser, Limits, Reason, Reject};

/// Small limits, so that going over them fits in a row.
const LIMITS: Limits =
    Limits { head: 200, fields: 4, uri: 20, chunk_line: 12, chunk_extensions: 16, trailers: 40, body: 1000 };

fn request(bytes: &[u8]) -> Result<bool, Reject> {
    let mut head = RequestHead::new();
    Ok(HeadParser::new().request(&mut BytesMut::from(bytes), &LIMITS, &mut head)?.is_some())
}

fn response(bytes: &[u8]) -> Result<bool, Reject> {
    let mut head = ResponseHead::default();
    let mut buf = BytesMut::from(bytes);
    Ok(HeadParser::new().response(&mut buf, &LIMITS, &Method::GET, &mut head)?.is_some())
}

fn chunked(bytes: &[u8]) -> Result<bool, Reject> {
    let mut decoder = BodyDecoder::new(Framing::Chunked, LIMITS);
    let mut buf = BytesMut::from(bytes);
    while let Some(chunk) = decoder.decode(&mut buf)? {
        if chunk == Chunk::End {
            return Ok(true);
        }
    }
    Ok(false)
}

#[rustfmt::skip]
const REQUESTS: &[(&str, Reason, usize)] = &[
    ("GET / HTTP/1.1\rX: y\r\nHost: a\r\n\r\n", Reason::BareCr, 14),
    ("GET / HTTP/1.1\r\nHost: a\rb\r\n\r\n", Reason::BareCr, 23),
    ("GET / HTTP/1.1\r\nHost: a\r\n\rX: y\r\n\r\n", Reason::BareCr, 25),
    ("\rGET / HTTP/1.1\r\nHost: a\r\n\r\n", Reason::BareCr, 0),
    ("GET / HTTP/1.1\nHost: a\r\n\r\n", Reason::BareLf, 14),
    ("GET / HTTP/1.1\r\nHost: a\n\r\n", Reason::BareLf, 23),
    ("GET / HTTP/1.1\r\nHost: a\r\n\n", Reason::BareLf, 25),
    ("GET / HTTP/1.1\r\nHost: a \n\r\n", Reason::BareLf, 24),
    ("\nGET / HTTP/1.1\r\nHost: a\r\n\r\n", Reason::BareLf, 0),
    ("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1001\r\n\r\n", Reason::BodyTooLarge, 42),
    ("GET / HTTP/1.1\r\nHost\r\n\r\n", Reason::ColonMissing, 20),
    ("CONNECT a:1 HTTP/1.1\r\nHost: a:1\r\nContent-Length: 5\r\n\r\n", Reason::ConnectContent, 54),
    ("GET / HTTP/1.1\r\nHost: a\r\nContent-Length:\r\n\r\n", Reason::ContentLengthEmpty, 40),
    ("GET / HTTP/1.1\r\nHost: a\r\nContent-Length: \t\r\n\r\n", Reason::ContentLengthEmpty, 42),
    ("GET / HTTP/1.1\r\nHost: a\r\nContent-Length: +6\r\n\r\n", Reason::ContentLengthInvalid, 41),
    ("GET / HTTP/1.1\r\nHost: a\r\nContent-Length: -6\r\n\r\n", Reason::ContentLengthInvalid, 41),
    ("GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 0x6\r\n\r\n", Reason::ContentLengthInvalid, 41),
    ("GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 1_0\r\n\r\n", Reason::ContentLengthInvalid, 41),
    ("GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 1 0\r\n\r\n", Reason::ContentLengthInvalid, 41),
    ("GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 6.0\r\n\r\n", Reason::ContentLengthInvalid, 41),
    ("GET / HTTP/1.1\r\nHost: a\r\nContent-Length: \u{0666}\r\n\r\n", Reason::ContentLengthInvalid, 41),
    ("GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 5, 5\r\n\r\n", Reason::ContentLengthListed, 41),
    ("GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 5,\r\n\r\n", Reason::ContentLengthListed, 41),
    ("GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 18446744073709551616\r\n\r\n", Reason::ContentLengthOverflow, 41),
    ("GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\ncontent-length: 5\r\n\r\n", Reason::ContentLengthRepeated, 60),
    ("GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n", Reason::ContentLengthWithTransferEncoding, 63),
    ("GET / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nContent-Length: 0\r\n\r\n", Reason::ContentLengthWithTransferEncoding, 44),
    ("GET / HTTP/1.1\r\nHost: a\0\r\n\r\n", Reason::ControlByte, 23),
    ("GET / HTTP/1.1\r\nHost: a\x7f\r\n\r\n", Reason::ControlByte, 23),
    ("GET / HTTP/1.1\r\nHo\0st: a\r\n\r\n", Reason::ControlByte, 18),
    ("GET /\0 HTTP/1.1\r\nHost: a\r\n\r\n", Reason::ControlByte, 5),
    ("\x16\x03\x01\x02", Reason::ControlByte, 0),
    ("GET / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: \x0bchunked\r\n\r\n", Reason::ControlByte, 44),
    ("GET / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\x0c\r\n\r\n", Reason::ControlByte, 51),
    ("GET / HTTP/1.1\r\n: a\r\n\r\n", Reason::FieldNameEmpty, 16),
    ("GET / HTTP/1.1\r\nHo(st: a\r\n\r\n", Reason::FieldNameInvalid, 18),
    ("GET / HTTP/1.1\r\n\u{e9}: a\r\n\r\n", Reason::FieldNameInvalid, 16),
    ("GET / HTTP/1.1\r\nHost:\r\n\r\n", Reason::HostInvalid, 21),
    ("GET / HTTP/1.1\r\nHost: a/b\r\n\r\n", Reason::HostInvalid, 22),
    ("GET / HTTP/1.1\r\nHost: u@a\r\n\r\n", Reason::HostInvalid, 22),
    ("GET / HTTP/1.1\r\nHost: a, b\r\n\r\n", Reason::HostInvalid, 22),
    ("GET / HTTP/1.1\r\nHost: a:x\r\n\r\n", Reason::HostInvalid, 22),
    ("GET / HTTP/1.1\r\n\r\n", Reason::HostMissing, 18),
    ("GET http://a/ HTTP/1.1\r\n\r\n", Reason::HostMissing, 26),
    ("GET / HTTP/1.1\r\nHost: a\r\nHOST: a\r\n\r\n", Reason::HostRepeated, 31),
    ("GET / HTTP/1.0\r\nHost: a\r\nHost: b\r\n\r\n", Reason::HostRepeated, 31),
    ("\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n", Reason::LeadingEmptyLine, 2),
    ("G@T / HTTP/1.1\r\nHost: a\r\n\r\n", Reason::MethodInvalid, 1),
    (" GET / HTTP/1.1\r\nHost: a\r\n\r\n", Reason::MethodInvalid, 0),
    ("GET / HTTP/1.1\r\nHost: a\r\n b\r\n\r\n", Reason::ObsFold, 25),
    ("GET / HTTP/1.1\r\n\tHost: a\r\n\r\n", Reason::ObsFold, 16),
    ("GET\r\nHost: a\r\n\r\n", Reason::RequestLineInvalid, 3),
    ("GET / HTTP/1.1\r\nHost : a\r\n\r\n", Reason::SpaceBeforeColon, 20),
    ("GET / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding\t: chunked\r\n\r\n", Reason::SpaceBeforeColon, 42),
    ("GET  / HTTP/1.1\r\nHost: a\r\n\r\n", Reason::TargetInvalid, 4),
    ("GET a HTTP/1.1\r\nHost: a\r\n\r\n", Reason::TargetInvalid, 4),
    ("GET * HTTP/1.1\r\nHost: a\r\n\r\n", Reason::TargetInvalid, 4),
    ("GET /# HTTP/1.1\r\nHost: a\r\n\r\n", Reason::TargetInvalid, 4),
    ("GET /\u{e9} HTTP/1.1\r\nHost: a\r\n\r\n", Reason::TargetInvalid, 5),
    ("GET http://u@a/ HTTP/1.1\r\nHost: a\r\n\r\n", Reason::TargetInvalid, 4),
    ("GET ftp://a/ HTTP/1.1\r\nHost: a\r\n\r\n", Reason::TargetInvalid, 4),
    ("CONNECT / HTTP/1.1\r\nHost: a\r\n\r\n", Reason::TargetInvalid, 8),
    ("GET / HTTP/1.1\r\nA:\r\nB:\r\nC:\r\nD:\r\nE:\r\n\r\n", Reason::TooManyFields, 32),
    ("GET / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked\r\n\r\n", Reason::TransferCodingUnsupported, 44),
    ("GET / HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n", Reason::TransferEncodingInHttp10, 44),
    ("GET / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: xchunked\r\n\r\n", Reason::TransferEncodingInvalid, 44),
    ("GET / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked, identity\r\n\r\n", Reason::TransferEncodingInvalid, 44),
    ("GET / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: identity\r\n\r\n", Reason::TransferEncodingInvalid, 44),
    ("GET / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked, chunked\r\n\r\n", Reason::TransferEncodingInvalid, 44),
    ("GET / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: xchunked, chunked\r\n\r\n", Reason::TransferEncodingInvalid, 44),
    ("GET / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: , chunked\r\n\r\n", Reason::TransferEncodingInvalid, 44),
    ("GET / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chun\tked\r\n\r\n", Reason::TransferEncodingInvalid, 44),
    ("GET / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: \"chunked\"\r\n\r\n", Reason::TransferEncodingInvalid, 44),
    ("GET / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding:\r\n\r\n", Reason::TransferEncodingInvalid, 43),
    ("GET / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n", Reason::TransferEncodingRepeated, 72),
    ("GET /01234567890123456789 HTTP/1.1\r\n", Reason::UriTooLong, 24),
    ("GET /\r\n", Reason::VersionInvalid, 5),
    ("GET / HTTP/1\r\nHost: a\r\n\r\n", Reason::VersionInvalid, 12),
    ("GET / http/1.1\r\nHost: a\r\n\r\n", Reason::VersionInvalid, 6),
    ("GET / HTTP/1.1 \r\nHost: a\r\n\r\n", Reason::VersionInvalid, 14),
    ("GET / HTTP/1.10\r\nHost: a\r\n\r\n", Reason::VersionInvalid, 14),
    ("GET / a HTTP/1.1\r\nHost: a\r\n\r\n", Reason::VersionInvalid, 6),
    ("GET / HTTP/1.2\r\nHost: a\r\n\r\n", Reason::VersionUnsupported, 11),
    ("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", Reason::VersionUnsupported, 11),
];

#[rustfmt::skip]
const RESPONSES: &[(&str, Reason, usize)] = &[
    ("HTTP/1.1 200 OK\nA: b\r\n\r\n", Reason::BareLf, 15),
    ("HTTP/1.1 200\nA: b\r\n\r\n", Reason::BareLf, 12),
    ("HTTP/1.1 200 O\rK\r\n\r\n", Reason::BareCr, 14),
    ("HTTP/1.1 200 O\0K\r\n\r\n", Reason::ControlByte, 14),
    ("HTTP/1.1 200 OK\r\nA: b\r\n c\r\n\r\n", Reason::ObsFold, 23),
    ("HTTP/1.1 200 OK\r\nA : b\r\n\r\n", Reason::SpaceBeforeColon, 18),
    ("\r\nHTTP/1.1 200 OK\r\n\r\n", Reason::LeadingEmptyLine, 0),
    ("HTTP/1.1 099 OK\r\n\r\n", Reason::StatusInvalid, 9),
    ("HTTP/1.1 20 OK\r\n\r\n", Reason::StatusInvalid, 11),
    ("HTTP/1.1 2000 OK\r\n\r\n", Reason::StatusInvalid, 12),
    ("HTTP/1.1  200 OK\r\n\r\n", Reason::StatusInvalid, 9),
    ("HTTP/2.0 200 OK\r\n\r\n", Reason::VersionUnsupported, 5),
    ("ICY 200 OK\r\n\r\n", Reason::VersionInvalid, 0),
    ("HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 5\r\n\r\n", Reason::ContentLengthRepeated, 52),
    ("HTTP/1.1 200 OK\r\nContent-Length: 5, 5\r\n\r\n", Reason::ContentLengthListed, 33),
    ("HTTP/1.1 200 OK\r\nContent-Length: x\r\nTransfer-Encoding: chunked\r\n\r\n", Reason::ContentLengthInvalid, 33),
    ("HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n", Reason::TransferEncodingInvalid, 36),
    ("HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n", Reason::TransferCodingUnsupported, 36),
    ("HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", Reason::TransferEncodingInHttp10, 36),
];

#[rustfmt::skip]
const BODIES: &[(&str, Reason, usize)] = &[
    ("3\rabc\r\n0\r\n\r\n", Reason::BareCr, 1),
    ("3\r\nabc\rX", Reason::BareCr, 6),
    ("3\nabc\r\n0\r\n\r\n", Reason::BareLf, 1),
    ("3;a\nabc\r\n0\r\n\r\n", Reason::BareLf, 3),
    ("3\r\nabc\n0\r\n\r\n", Reason::BareLf, 6),
    ("0\r\n\n", Reason::BareLf, 3),
    ("3E9\r\n", Reason::BodyTooLarge, 4),
    ("3\r\nabcd\r\n0\r\n\r\n", Reason::ChunkEndInvalid, 6),
    ("3;a\x01\r\nabc", Reason::ChunkExtensionInvalid, 3),
    ("3;a\0\r\nabc", Reason::ChunkExtensionInvalid, 3),
    ("1;2345678\r\na\r\n1;2345678\r\na\r\n0;\r\n\r\n", Reason::ChunkExtensionsTooLong, 29),
    ("1;23456789abc\r\na\r\n0\r\n\r\n", Reason::ChunkLineTooLong, 12),
    ("+3\r\nabc", Reason::ChunkSizeInvalid, 0),
    ("-3\r\nabc", Reason::ChunkSizeInvalid, 0),
    ("0x3\r\nabc", Reason::ChunkSizeInvalid, 1),
    ("3_0\r\nabc", Reason::ChunkSizeInvalid, 1),
    (" 3\r\nabc", Reason::ChunkSizeInvalid, 0),
    ("3 \r\nabc", Reason::ChunkSizeInvalid, 1),
    ("3 ;a\r\nabc", Reason::ChunkSizeInvalid, 1),
    ("\r\n", Reason::ChunkSizeInvalid, 0),
    (";a\r\n", Reason::ChunkSizeInvalid, 0),
    ("g\r\n", Reason::ChunkSizeInvalid, 0),
    ("3\0\r\nabc", Reason::ChunkSizeInvalid, 1),
    ("0\r\nA : b\r\n\r\n", Reason::SpaceBeforeColon, 4),
    ("0\r\nA: b\r\n c\r\n\r\n", Reason::ObsFold, 9),
    ("0\r\nA: b\n\r\n", Reason::BareLf, 7),
    ("0\r\nA:\r\nB:\r\nC:\r\nD:\r\nE:\r\n\r\n", Reason::TooManyFields, 19),
    ("0\r\nA: 0123456789012345678901234567890123456\r\n\r\n", Reason::TrailersTooLarge, 43),
];

#[test]
fn each_broken_request_head_has_its_reason_and_place() {
    for &(bytes, reason, offset) in REQUESTS {
        assert_eq!(request(bytes.as_bytes()), Err(Reject::new(reason, offset)), "{bytes:?}");
    }
    let mut long = b"GET / HTTP/1.1\r\nA: ".to_vec();
    long.resize(201, b'x');
    assert_eq!(request(&long), Err(Reject::new(Reason::HeadTooLarge, 200)));
    assert_eq!(request(&long[..200]), Err(Reject::new(Reason::HeadTooLarge, 200)));
    assert_eq!(request(&long[..199]), Ok(false));
}

#[test]
fn each_broken_response_head_has_its_reason_and_place() {
    for &(bytes, reason, offset) in RESPONSES {
        assert_eq!(response(bytes.as_bytes()), Err(Reject::new(reason, offset)), "{bytes:?}");
    }
}

#[test]
fn each_broken_chunked_body_has_its_reason_and_place() {
    for &(bytes, reason, offset) in BODIES {
        assert_eq!(chunked(bytes.as_bytes()), Err(Reject::new(reason, offset)), "{bytes:?}");
    }
    let wide = Limits { chunk_line: 100, ..LIMITS };
    let mut decoder = BodyDecoder::new(Framing::Chunked, wide);
    let overflow = decoder.decode(&mut BytesMut::from("00000000000000001"));
    assert_eq!(overflow, Err(Reject::new(Reason::ChunkSizeOverflow, 16)));
    let mut cut = BodyDecoder::new(Framing::Length(3), LIMITS);
    cut.decode(&mut BytesMut::from("ab")).unwrap();
    assert_eq!(cut.eof(), Err(Reject::new(Reason::Truncated, 2)));
}

#[test]
fn every_reason_has_a_row() {
    let elsewhere = [
        // By code in the tests above.
        Reason::HeadTooLarge,
        Reason::ChunkSizeOverflow,
        Reason::Truncated,
        // Only if the scanner were laxer than the fast way; `splits.rs` looks for such a head.
        Reason::HeadInvalid,
    ];
    let rows = [REQUESTS, RESPONSES, BODIES].concat();
    for reason in Reason::ALL {
        let has_row = rows.iter().any(|row| row.1 == *reason);
        assert!(has_row != elsewhere.contains(reason), "{reason:?}");
    }
}

#[test]
fn statuses_are_those_of_the_table_of_answers() {
    for reason in Reason::ALL {
        let expected = match reason {
            Reason::BodyTooLarge => 413,
            Reason::UriTooLong => 414,
            Reason::HeadTooLarge | Reason::TooManyFields => 431,
            Reason::TransferCodingUnsupported => 501,
            Reason::VersionUnsupported => 505,
            _ => 400,
        };
        assert_eq!(reason.status(), expected, "{reason:?}");
    }
}

#[test]
fn limits_are_reached_before_they_are_passed() {
    assert_eq!(request(b"GET /0123456789012345678 HTTP/1.1\r\nHost: a\r\nB:\r\nC:\r\nD:\r\n\r\n"), Ok(true));
    let mut full = b"GET / HTTP/1.1\r\nHost: a\r\nA: ".to_vec();
    full.resize(196, b'x');
    full.extend_from_slice(b"\r\n\r\n");
    assert_eq!(request(&full), Ok(true));
    assert_eq!(chunked(b"1;2345678\r\na\r\n1;2345678\r\na\r\n0\r\n\r\n"), Ok(true));
    assert_eq!(chunked(b"0\r\nA: 012345678901234567890123456789012\r\n\r\n"), Ok(true));
    assert_eq!(chunked(b"3E8\r\n"), Ok(false));
}
