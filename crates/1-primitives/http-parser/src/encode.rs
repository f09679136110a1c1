//! Writing heads and chunks. Everything is written anew from the parsed form: nothing that
//! stood around it on the wire comes through.

use bytes::BytesMut;
use gorge_http::{Form, Headers, Known, Method, RequestHead, ResponseHead};

use crate::class::{self, VALUE};

/// What goes behind the data of each chunk.
pub const CHUNK_END: &[u8] = b"\r\n";

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
/// first: that of the fields, else the authority of the target, else empty (RFC 9112 3.2).
/// Connection, Keep-Alive, Transfer-Encoding, Content-Length and Upgrade of `head` are not
/// written; `framing` and `persist` say what stands in their place. A TE field is named in
/// Connection (RFC 9110 10.1.4).
pub fn encode_request(head: &RequestHead, framing: WireFraming, persist: Persist<'_>, out: &mut BytesMut) {
    let method = head.method.as_str();
    let target = target(head);
    let host = head.headers.get(Known::Host).or(head.uri.authority().map(str::as_bytes)).unwrap_or_default();
    out.reserve(room(&head.headers) + method.len() + target.len() + host.len());
    put(out, &[method.as_bytes(), b" ", target.as_bytes(), b" HTTP/1.1\r\nHost: ", host, b"\r\n"]);
    put_fields(&head.headers, true, out);
    put_framing(&head.headers, framing, out);
    put_persist(persist, head.headers.contains(Known::Te), out);
    out.extend_from_slice(b"\r\n");
}

/// Appends a response head to `out`, as HTTP/1.1 whatever version it came in (RFC 9112 2.3).
///
/// Connection, Keep-Alive, Transfer-Encoding, Content-Length and Upgrade of `head` are not
/// written; `framing` and `persist` say what stands in their place.
pub fn encode_response(head: &ResponseHead, framing: WireFraming, persist: Persist<'_>, out: &mut BytesMut) {
    let reason = head.reason();
    out.reserve(room(&head.headers) + reason.len());
    put(out, &[b"HTTP/1.1 ", &head.status.digits(), b" ", reason, b"\r\n"]);
    put_fields(&head.headers, false, out);
    put_framing(&head.headers, framing, out);
    put_persist(persist, false, out);
    out.extend_from_slice(b"\r\n");
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
        out.reserve(room(trailers));
        put_fields(trailers, true, out);
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

/// An upper bound of what the fields, the framing and the connection take.
fn room(headers: &Headers) -> usize {
    const OWN: usize = 128;
    headers.iter().map(|field| field.name.len() + field.value.len() + 4).sum::<usize>() + OWN
}

/// The fields that are sent on as they are.
fn put_fields(headers: &Headers, but_host: bool, out: &mut BytesMut) {
    for field in headers.iter() {
        match field.known {
            Some(
                Known::Connection
                | Known::KeepAlive
                | Known::TransferEncoding
                | Known::ContentLength
                | Known::Upgrade,
            ) => {}
            Some(Known::Host) if but_host => {}
            _ => put(out, &[field.name.as_bytes(), b": ", field.value, b"\r\n"]),
        }
    }
}

fn put_framing(headers: &Headers, framing: WireFraming, out: &mut BytesMut) {
    let length = |value: &[u8], out: &mut BytesMut| {
        put(out, &[b"Content-Length: ", value, b"\r\n"]);
    };
    match framing {
        WireFraming::Length(len) => length(itoa::Buffer::new().format(len).as_bytes(), out),
        WireFraming::Chunked => out.extend_from_slice(b"Transfer-Encoding: chunked\r\n"),
        WireFraming::AsFields => {
            if let Some(value) = headers.get(Known::ContentLength) {
                length(value, out);
            }
        }
        WireFraming::None | WireFraming::UntilClose => {}
    }
}

fn put_persist(persist: Persist<'_>, te: bool, out: &mut BytesMut) {
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
        (b"", true) => out.extend_from_slice(b"Connection: TE\r\n"),
        (_, false) => put(out, &[b"Connection: ", option, b"\r\n"]),
        (_, true) => put(out, &[b"Connection: ", option, b", TE\r\n"]),
    }
    if let Some(value) = upgrade {
        put(out, &[b"Upgrade: ", value, b"\r\n"]);
    }
}

#[inline]
fn put(out: &mut BytesMut, parts: &[&[u8]]) {
    for part in parts {
        out.extend_from_slice(part);
    }
}
