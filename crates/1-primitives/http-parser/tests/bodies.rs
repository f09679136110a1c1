//! Bodies, in and out.

use bytes::BytesMut;
use gorge_http::{Chunk, Headers};
use gorge_http_parser::{BodyDecoder, CHUNK_END, Framing, Limits, encode_chunk_start, encode_last_chunk};
use proptest::collection::vec;
use proptest::prelude::*;

/// All that comes out of `buf`, the data joined.
fn decode(framing: Framing, buf: &mut BytesMut) -> (Vec<u8>, Option<Headers>, bool) {
    let mut decoder = BodyDecoder::new(framing, Limits::default());
    let (mut data, mut trailers, mut ended) = (Vec::new(), None, false);
    while let Some(chunk) = decoder.decode(buf).unwrap() {
        assert!(!ended);
        match chunk {
            Chunk::Data(part) => data.extend_from_slice(&part),
            Chunk::Trailers(fields) => trailers = Some(*fields),
            Chunk::End => ended = true,
        }
    }
    assert_eq!(decoder.is_finished(), ended);
    (data, trailers, ended)
}

#[test]
fn no_body_ends_at_once_and_touches_nothing() {
    for framing in [Framing::None, Framing::Length(0)] {
        let mut buf = BytesMut::from("GET /");
        assert!(BodyDecoder::new(framing, Limits::default()).is_finished());
        assert_eq!(decode(framing, &mut buf), (vec![], None, true));
        assert_eq!(&buf[..], b"GET /");
    }
}

#[test]
fn until_close_ends_with_the_connection() {
    for framing in [Framing::UntilClose, Framing::Tunnel] {
        let mut decoder = BodyDecoder::new(framing, Limits::default());
        let mut buf = BytesMut::from("ab");
        assert_eq!(decoder.decode(&mut buf), Ok(Some(Chunk::Data("ab".into()))));
        assert_eq!(decoder.decode(&mut buf), Ok(None));
        assert!(!decoder.is_finished() && decoder.remaining().is_none());
        decoder.eof().unwrap();
        assert_eq!(decoder.decode(&mut buf), Ok(Some(Chunk::End)));
        assert_eq!(decoder.decode(&mut buf), Ok(None));
    }
}

#[test]
fn the_end_of_the_connection_is_an_error_everywhere_but_at_the_end() {
    let body = "3;x\r\nabc\r\n0\r\nA: b\r\n\r\n";
    for cut in 0..body.len() {
        let mut decoder = BodyDecoder::new(Framing::Chunked, Limits::default());
        let mut buf = BytesMut::from(&body[..cut]);
        while decoder.decode(&mut buf).unwrap().is_some() {}
        assert!(decoder.eof().is_err(), "{cut}");
    }
}

#[test]
fn a_finished_body_still_owes_its_trailers_and_end() {
    let mut decoder = BodyDecoder::new(Framing::Chunked, Limits::default());
    let mut buf = BytesMut::from("1\r\na\r\n0\r\nA: b\r\n\r\n");
    assert_eq!(decoder.decode(&mut buf), Ok(Some(Chunk::Data("a".into()))));
    assert_eq!(decoder.remaining(), None);
    assert!(matches!(decoder.decode(&mut buf), Ok(Some(Chunk::Trailers(_)))));
    assert!(decoder.is_finished() && decoder.remaining() == Some(0));
    assert_eq!(decoder.decode(&mut buf), Ok(Some(Chunk::End)));
    assert_eq!(decoder.decode(&mut buf), Ok(None));
}

#[test]
fn trailers_that_frame_route_or_authenticate_are_dropped_rfc_9110_6_5_1() {
    let mut buf = BytesMut::from(
        "0\r\nContent-Length: 5\r\ntransfer-encoding: chunked\r\nHost: b\r\nAuthorization: c\r\n\
         Cookie: d\r\nSet-Cookie: e\r\nX-Forwarded-For: f\r\nConnection: close\r\n\
         X-Sum:  12 \t\r\nEmpty: \t\r\ngrpc-status:0\r\nContent-Type: g\r\n\r\nGET",
    );
    let (_, trailers, ended) = decode(Framing::Chunked, &mut buf);
    let trailers = trailers.expect("some were kept");
    let kept: Vec<_> = trailers.iter().map(|field| (field.name, field.value)).collect();
    assert_eq!(kept, [("X-Sum", &b"12"[..]), ("Empty", b""), ("grpc-status", b"0")]);
    assert!(ended && buf == "GET");

    let mut buf = BytesMut::from("0\r\nHost: b\r\n\r\n");
    assert_eq!(decode(Framing::Chunked, &mut buf), (vec![], None, true));
}

#[test]
fn chunk_starts_are_plain_hexadecimal() {
    let mut out = BytesMut::new();
    for len in [0, 1, 15, 16, 0xABC, usize::MAX] {
        encode_chunk_start(len, &mut out);
    }
    assert_eq!(&out[..], b"1\r\nf\r\n10\r\nabc\r\nffffffffffffffff\r\n");
}

#[test]
fn trailers_are_written_without_fields_of_the_connection() {
    let mut trailers = Headers::new();
    for (name, value) in [("X-Sum", "1"), ("Content-Length", "9"), ("Host", "a"), ("Connection", "X-Sum")] {
        trailers.append(name, value).unwrap();
    }
    let mut out = BytesMut::new();
    encode_last_chunk(Some(&trailers), &mut out);
    encode_last_chunk(None, &mut out);
    assert_eq!(&out[..], b"0\r\nX-Sum: 1\r\n\r\n0\r\n\r\n");
}

proptest! {
    #[test]
    fn what_is_chunked_comes_out_again_and_the_rest_stays(
        parts in vec(vec(any::<u8>(), 0..70), 0..6),
        rest in vec(any::<u8>(), 0..20),
    ) {
        let mut wire = BytesMut::new();
        for part in parts.iter().filter(|part| !part.is_empty()) {
            encode_chunk_start(part.len(), &mut wire);
            wire.extend_from_slice(part);
            wire.extend_from_slice(CHUNK_END);
        }
        encode_last_chunk(None, &mut wire);
        wire.extend_from_slice(&rest);
        prop_assert_eq!(decode(Framing::Chunked, &mut wire), (parts.concat(), None, true));
        prop_assert_eq!(&wire[..], &rest[..]);
    }
}
