//! Writing heads and chunks. Everything is written anew from the parsed form: nothing that
//! stood around it on the wire comes through.
//!
//! A head is measured first, so that the buffer grows once and each part is copied into
//! [`Room`] that is known to be there.

use std::mem::MaybeUninit;

use bytes::BytesMut;
use gorge_http::{Form, Headers, Known, KnownSet, Method, RequestHead, ResponseHead};

use crate::class::{self, VALUE};

/// What goes behind the data of each chunk.
pub const CHUNK_END: &[u8] = b"\r\n";

/// What `framing` and `persist` write in place of those of the head.
const OWN: KnownSet = KnownSet::of(&[
    Known::Connection,
    Known::KeepAlive,
    Known::TransferEncoding,
    Known::ContentLength,
    Known::Upgrade,
]);
const OWN_AND_HOST: KnownSet = OWN.with(Known::Host);

/// How the content of a message that is being written is framed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WireFraming {
    /// `Content-Length` with that number.
    Length(u64),
    /// `Transfer-Encoding: chunked`. Never to a peer that speaks HTTP/1.0.
    Chunked,
    /// Neither field: a request without content, 1xx, 204.
    None,
    /// Content-Length as the fields of the head say: answers to HEAD, and 304.
    AsFields,
    /// Neither field, and the connection closes after it. Responses only; give
    /// [`Persist::Close`] with it.
    UntilClose,
}

/// What the head that is being written says of the connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Persist<'a> {
    /// Nothing: HTTP/1.1 stays open.
    Default,
    /// `Connection: close`
    Close,
    /// `Connection: keep-alive`, for peers that speak HTTP/1.0.
    KeepAlive,
    /// `Connection: upgrade`, and an Upgrade field with this value. A value that is no legal
    /// field value is not written, and neither is the option.
    Upgrade(&'a [u8]),
}

/// Appends a request head to `out`, as HTTP/1.1.
///
/// The target is written in origin form, or `*`, or in authority form for CONNECT. Host comes
/// first: `host` if it is given, else that of the fields, else the authority of the target, else empty
/// (RFC 9112 3.2).
/// Connection, Keep-Alive, Transfer-Encoding, Content-Length and Upgrade of `head` are not
/// written; `framing` and `persist` say what stands in their place. A TE field is named in
/// Connection (RFC 9110 10.1.4).
pub fn encode_request(
    head: &RequestHead,
    host: Option<&[u8]>,
    framing: WireFraming,
    persist: Persist<'_>,
    out: &mut BytesMut,
) {
    let method = head.method.as_str();
    let target = target(head);
    let host = host.or_else(|| head.headers.get(Known::Host));
    let host = host.or(head.uri.authority().map(str::as_bytes)).unwrap_or_default();
    let line = method.len() + target.len() + host.len() + "  HTTP/1.1\r\nHost: \r\n".len();
    fill(out, line + room(&head.headers, framing, persist), |out| {
        out.put(method.as_bytes());
        out.put(b" ");
        out.put(target.as_bytes());
        out.put(b" HTTP/1.1\r\nHost: ");
        out.put(host);
        out.put(b"\r\n");
        put_fields(&head.headers, OWN_AND_HOST, out);
        put_framing(&head.headers, framing, out);
        put_persist(persist, head.headers.contains(Known::Te), out);
        out.put(b"\r\n");
    });
}

/// Appends a response head to `out`, as HTTP/1.1 whatever version it came in (RFC 9112 2.3).
///
/// Connection, Keep-Alive, Transfer-Encoding, Content-Length and Upgrade of `head` are not
/// written; `framing` and `persist` say what stands in their place.
pub fn encode_response(head: &ResponseHead, framing: WireFraming, persist: Persist<'_>, out: &mut BytesMut) {
    let reason = head.reason();
    let line = "HTTP/1.1 200 \r\n".len() + reason.len();
    fill(out, line + room(&head.headers, framing, persist), |out| {
        out.put(b"HTTP/1.1 ");
        out.put(&head.status.digits());
        out.put(b" ");
        out.put(reason);
        out.put(b"\r\n");
        put_fields(&head.headers, OWN, out);
        put_framing(&head.headers, framing, out);
        put_persist(persist, false, out);
        out.put(b"\r\n");
    });
}

/// Appends the line that announces a chunk of `len` bytes. The caller appends the data and
/// [`CHUNK_END`]. A `len` of 0 writes nothing, for an empty chunk would end the body.
pub fn encode_chunk_start(len: usize, out: &mut BytesMut) {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    if len == 0 {
        return;
    }
    let mut line = [0; 18];
    let mut at = 16;
    line[16..].copy_from_slice(b"\r\n");
    let mut left = len;
    while left > 0 {
        at -= 1;
        line[at] = DIGITS[left & 15];
        left >>= 4;
    }
    out.extend_from_slice(&line[at..]);
}

/// Appends the last chunk, the trailers if there are any, and the empty line that ends the
/// body. Fields of the connection and of framing among `trailers` are left out.
pub fn encode_last_chunk(trailers: Option<&Headers>, out: &mut BytesMut) {
    out.extend_from_slice(b"0\r\n");
    if let Some(trailers) = trailers {
        fill(out, trailers.wire_len(), |out| put_fields(trailers, OWN_AND_HOST, out));
    }
    out.extend_from_slice(b"\r\n");
}

/// The target as it goes to an origin.
fn target(head: &RequestHead) -> &str {
    match head.uri.form() {
        Form::Authority => head.uri.as_str(),
        // A target without path, for which the caller's own code may have left it empty.
        _ if head.uri.path_and_query().is_empty() => {
            if head.method == Method::OPTIONS {
                "*"
            } else {
                "/"
            }
        }
        _ => head.uri.path_and_query(),
    }
}

/// An upper bound of what the fields, the framing, the connection and the empty line take.
fn room(headers: &Headers, framing: WireFraming, persist: Persist<'_>) -> usize {
    /// The longest of each that is not given: a length of 20 digits, `keep-alive, TE`.
    const LONGEST: &str = "Content-Length: 18446744073709551615\r\nConnection: keep-alive, TE\r\n\r\n";
    let length = match framing {
        WireFraming::AsFields => headers.get(Known::ContentLength).unwrap_or_default().len(),
        _ => 0,
    };
    let upgrade = match persist {
        Persist::Upgrade(value) => "Upgrade: \r\n".len() + value.len(),
        _ => 0,
    };
    headers.wire_len() + length + upgrade + LONGEST.len()
}

/// The fields that are sent on as they are.
#[inline]
fn put_fields(headers: &Headers, leave_out: KnownSet, out: &mut Room<'_>) {
    for field in headers.iter_without(leave_out) {
        out.put(field.name.as_bytes());
        out.put(b": ");
        out.put(field.value);
        out.put(b"\r\n");
    }
}

#[inline]
fn put_framing(headers: &Headers, framing: WireFraming, out: &mut Room<'_>) {
    let length = |value: &[u8], out: &mut Room<'_>| {
        out.put(b"Content-Length: ");
        out.put(value);
        out.put(b"\r\n");
    };
    match framing {
        WireFraming::Length(len) => length(itoa::Buffer::new().format(len).as_bytes(), out),
        WireFraming::Chunked => out.put(b"Transfer-Encoding: chunked\r\n"),
        WireFraming::AsFields => {
            if let Some(value) = headers.get(Known::ContentLength) {
                length(value, out);
            }
        }
        WireFraming::None | WireFraming::UntilClose => {}
    }
}

#[inline]
fn put_persist(persist: Persist<'_>, te: bool, out: &mut Room<'_>) {
    let upgrade = match persist {
        Persist::Upgrade(value) if class::run(value, VALUE) == value.len() => Some(value),
        _ => None,
    };
    let option: &[u8] = match persist {
        Persist::Close => b"close",
        Persist::KeepAlive => b"keep-alive",
        Persist::Upgrade(_) if upgrade.is_some() => b"upgrade",
        Persist::Default | Persist::Upgrade(_) => b"",
    };
    match (option, te) {
        (b"", false) => {}
        (b"", true) => out.put(b"Connection: TE\r\n"),
        (_, te) => {
            out.put(b"Connection: ");
            out.put(option);
            out.put(if te { b", TE\r\n" } else { b"\r\n" });
        }
    }
    if let Some(value) = upgrade {
        out.put(b"Upgrade: ");
        out.put(value);
        out.put(b"\r\n");
    }
}

/// Memory that was reserved for what is being written.
struct Room<'a>(&'a mut [MaybeUninit<u8>]);

impl Room<'_> {
    /// # Panics
    /// If the room was measured too small.
    #[inline(always)]
    fn put(&mut self, part: &[u8]) {
        // Cannot fail: `room` and the caller of `fill` count all that is put.
        let to = self.0.split_off_mut(..part.len()).expect("the room was measured too small");
        to.write_copy_of_slice(part);
    }
}

/// Appends to `out` what `write` puts into a room of at least `size` bytes.
#[inline]
fn fill(out: &mut BytesMut, size: usize, write: impl FnOnce(&mut Room<'_>)) {
    out.reserve(size);
    let before = out.len();
    let spare = out.spare_capacity_mut();
    let all = spare.len();
    let mut room = Room(spare);
    write(&mut room);
    let written = all - room.0.len();
    // SAFETY: `put` alone makes the room smaller, by what it has written at its front, so that
    // `written` bytes behind the first `before` are initialised.
    unsafe { out.set_len(before + written) };
}
