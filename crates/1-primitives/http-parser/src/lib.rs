#![doc = include_str!("../README.md")]

mod body;
mod body_encoder;
mod chunked;
mod class;
mod encode;
mod facts;
mod framing;
mod head;
mod limits;
mod reject;
mod scan;
pub mod smuggling;
mod trailers;

pub use body::BodyDecoder;
pub use body_encoder::{BodyEncoder, LengthMismatch, Piece};
pub use encode::{
    CHUNK_END, Persist, WireFraming, encode_chunk_start, encode_last_chunk, encode_request, encode_response,
};
pub use framing::{Expect, Framing, RequestFraming, ResponseFraming};
pub use head::HeadParser;
pub use limits::Limits;
pub use reject::{Reason, Reject};
