//! The one framing decision per message (RFC 9112 6.3): where does it end?

use std::time::Duration;

use gorge_http::{Method, Status, Version};

use crate::facts::Facts;
use crate::{Limits, Reason, Reject};

/// Where the content of a message ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Framing {
    /// No content, and no field speaks of its length.
    None,
    /// So many bytes. `Length(0)` is apart from `None`, so that `Content-Length: 0`
    /// can be sent on as it came.
    Length(u64),
    /// Chunks up to the last one and the trailers.
    Chunked,
    /// All until the connection closes. Responses only: a request is never so.
    UntilClose,
    /// The connection carries HTTP no more: after 101, or 2xx to CONNECT.
    Tunnel,
}

/// What a request expects before it sends its content (RFC 9110 10.1.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expect {
    /// Nothing.
    None,
    /// `100-continue`, in HTTP/1.1.
    Continue,
    /// Anything else: answer 417.
    Unknown,
}

/// What the framing and connection fields of a request come to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RequestFraming {
    /// Where its content ends. Never [`UntilClose`](Framing::UntilClose) or
    /// [`Tunnel`](Framing::Tunnel).
    pub body: Framing,
    /// Whether the client would keep the connection open afterwards (9.3).
    pub keep_alive: bool,
    /// Its expectation.
    pub expect: Expect,
    /// Whether it asks for another protocol: `Connection: upgrade` and an Upgrade field,
    /// in HTTP/1.1. Nothing has changed before a 101 answers it.
    pub upgrade: bool,
}

/// What the framing and connection fields of a response come to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ResponseFraming {
    /// Where its content ends.
    pub body: Framing,
    /// Whether the connection can carry another exchange once the content was read to its
    /// end. False with a body until close, a tunnel, or when not [`clean`](Self::clean).
    pub keep_alive: bool,
    /// `timeout` of Keep-Alive: how long the server keeps the idle connection.
    pub keep_alive_timeout: Option<Duration>,
    /// `max` of Keep-Alive: how many more requests it takes.
    pub keep_alive_max: Option<u32>,
    /// False when the server's framing fields were at odds and yet the end of this message
    /// is beyond doubt: Content-Length beside `chunked` (it was dropped from the
    /// fields), or a length on a 1xx or 204. Do not reuse the connection.
    pub clean: bool,
}

pub(crate) fn of_request(
    facts: &Facts,
    method: &Method,
    version: Version,
    limits: &Limits,
    end: usize,
) -> Result<RequestFraming, Reject> {
    let is_11 = version == Version::Http11;
    if is_11 && facts.host.is_none() {
        return Err(Reject::new(Reason::HostMissing, end));
    }
    let body = match (facts.chunked, facts.length) {
        (Some(at), _) if !is_11 => return Err(Reject::new(Reason::TransferEncodingInHttp10, at)),
        (Some(at), Some(_)) => {
            return Err(Reject::new(Reason::ContentLengthWithTransferEncoding, at));
        }
        (Some(_), None) => Framing::Chunked,
        (None, Some((length, at))) if length > limits.body => {
            return Err(Reject::new(Reason::BodyTooLarge, at));
        }
        (None, Some((length, _))) => Framing::Length(length),
        (None, None) => Framing::None,
    };
    if *method == Method::CONNECT && !matches!(body, Framing::None | Framing::Length(0)) {
        return Err(Reject::new(Reason::ConnectContent, end));
    }
    Ok(RequestFraming {
        body,
        keep_alive: facts.persists(version),
        expect: match facts.expect {
            // RFC 9110 10.1.1: in 1.0 the expectation is ignored.
            Expect::Continue if !is_11 => Expect::None,
            expect => expect,
        },
        upgrade: is_11 && facts.names_upgrade && facts.has_upgrade,
    })
}

pub(crate) fn of_response(
    facts: &Facts,
    status: Status,
    method: &Method,
    version: Version,
    limits: &Limits,
) -> Result<ResponseFraming, Reject> {
    let code = status.as_u16();
    let body = match code {
        101 => Framing::Tunnel,
        200..=299 if *method == Method::CONNECT => Framing::Tunnel,
        _ => length_of_response(facts, version)?,
    };
    let announces = !matches!(body, Framing::UntilClose | Framing::Length(0) | Framing::Tunnel);
    let contradictory =
        facts.chunked.is_some() && facts.length.is_some() || announces && matches!(code, 100..=199 | 204);
    let body = match code {
        _ if body == Framing::Tunnel => body,
        100..=199 | 204 | 304 => Framing::None,
        _ if *method == Method::HEAD => Framing::None,
        _ => body,
    };
    if let (Framing::Length(length), Some((_, at))) = (body, facts.length)
        && length > limits.body
    {
        return Err(Reject::new(Reason::BodyTooLarge, at));
    }
    let ends_itself = !matches!(body, Framing::UntilClose | Framing::Tunnel);
    Ok(ResponseFraming {
        body,
        keep_alive: ends_itself && !contradictory && facts.persists(version),
        keep_alive_timeout: facts.keep_alive_timeout,
        keep_alive_max: facts.keep_alive_max,
        clean: !contradictory,
    })
}

/// What the fields say, whether or not content will follow.
fn length_of_response(facts: &Facts, version: Version) -> Result<Framing, Reject> {
    match (facts.chunked, facts.length) {
        (Some(at), _) if version != Version::Http11 => Err(Reject::new(Reason::TransferEncodingInHttp10, at)),
        (Some(_), _) => Ok(Framing::Chunked),
        (None, Some((length, _))) => Ok(Framing::Length(length)),
        (None, None) => Ok(Framing::UntilClose),
    }
}
