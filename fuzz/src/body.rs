//! Target for chunked bodies.

use bytes::BytesMut;
use gorge_http::{Chunk, Headers};
use gorge_http_parser::{
    BodyDecoder, CHUNK_END, Framing, Limits, Reject, encode_chunk_start, encode_last_chunk,
};

/// Small enough that inputs of a fuzzer reach them.
const LIMITS: Limits =
    Limits { fields: 8, chunk_line: 64, chunk_extensions: 96, trailers: 256, body: 1 << 40, ..Limits::new() };

/// What came out of the bytes of a body.
#[derive(Debug, PartialEq)]
struct Decoded {
    data: Vec<u8>,
    trailers: Option<Headers>,
    /// Whether it ended, or why not.
    ended: Result<bool, Reject>,
    /// The bytes behind its end.
    rest: Vec<u8>,
}

/// Judges the decoding of `data` as a chunked body.
///
/// # Panics
/// If a promise of the decoder is broken.
pub fn chunked_body(data: &[u8]) {
    let whole = decode(data, data.len());
    assert_eq!(whole, decode(data, 1), "in single bytes");
    assert_eq!(whole, decode(data, usize::from(data.first().copied().unwrap_or(3) % 29) + 2));
    assert!(data.ends_with(&whole.rest));
    assert!(whole.data.len() <= data.len());
    if whole.ended != Ok(true) {
        return;
    }
    let mut wire = BytesMut::new();
    for part in whole.data.chunks(1000) {
        encode_chunk_start(part.len(), &mut wire);
        wire.extend_from_slice(part);
        wire.extend_from_slice(CHUNK_END);
    }
    encode_last_chunk(whole.trailers.as_ref(), &mut wire);
    wire.extend_from_slice(&whole.rest);
    // Written anew the trailers may be longer than they came: `a:` becomes `a: `.
    let again = decode_within(&wire, wire.len(), Limits { trailers: 4096, ..LIMITS });
    assert_eq!(again, whole);
}

fn decode(data: &[u8], piece: usize) -> Decoded {
    decode_within(data, piece, LIMITS)
}

fn decode_within(data: &[u8], piece: usize, limits: Limits) -> Decoded {
    let mut decoder = BodyDecoder::new(Framing::Chunked, limits);
    let mut out = Decoded { data: Vec::new(), trailers: None, ended: Ok(false), rest: Vec::new() };
    let mut buf = BytesMut::new();
    let mut fed = 0;
    for part in data.chunks(piece.max(1)) {
        buf.extend_from_slice(part);
        fed += part.len();
        loop {
            match decoder.decode(&mut buf) {
                Ok(Some(Chunk::Data(part))) => {
                    assert!(!part.is_empty());
                    out.data.extend_from_slice(&part);
                }
                Ok(Some(Chunk::Trailers(fields))) => {
                    assert!(!fields.is_empty() && out.trailers.is_none());
                    out.trailers = Some(*fields);
                }
                Ok(Some(Chunk::End)) => {
                    assert_eq!(decoder.decode(&mut buf), Ok(None));
                    assert!(decoder.is_finished() && decoder.eof().is_ok());
                    out.ended = Ok(true);
                    out.rest = [&buf[..], &data[fed..]].concat();
                    return out;
                }
                Ok(None) => break,
                Err(reject) => {
                    out.ended = Err(reject);
                    return out;
                }
            }
        }
    }
    assert!(decoder.eof().is_err() || data.is_empty());
    out
}
