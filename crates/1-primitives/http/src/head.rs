//! The heads of requests and responses.

use std::fmt;

use bytes::Bytes;

use crate::{Headers, Method, Status, Uri, Version, grammar};

/// Everything of a request but its body.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct RequestHead {
    /// The method; GET by default.
    pub method: Method,
    /// The request target; `/` by default.
    pub uri: Uri,
    /// The version it came in; HTTP/1.1 by default.
    pub version: Version,
    /// The fields.
    pub headers: Headers,
}

impl RequestHead {
    /// `GET / HTTP/1.1` without fields.
    pub fn new() -> Self {
        Self::default()
    }

    /// Makes it as new, but keeps the memory. What was received is let go.
    pub fn clear(&mut self) {
        self.method = Method::GET;
        self.uri = Uri::default();
        self.version = Version::default();
        self.headers.clear();
    }
}

impl Clone for RequestHead {
    fn clone(&self) -> Self {
        RequestHead {
            method: self.method.clone(),
            uri: self.uri.clone(),
            version: self.version,
            headers: self.headers.clone(),
        }
    }

    /// Keeps the memory of `self`.
    fn clone_from(&mut self, other: &Self) {
        self.method.clone_from(&other.method);
        self.uri.clone_from(&other.uri);
        self.version = other.version;
        self.headers.clone_from(&other.headers);
    }
}

/// Everything of a response but its body.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct ResponseHead {
    /// The version it came in; HTTP/1.1 by default.
    pub version: Version,
    /// The status; 200 by default.
    pub status: Status,
    /// The fields.
    pub headers: Headers,
    /// Empty: the phrase that is registered for the status.
    reason: Bytes,
}

impl ResponseHead {
    /// A head of that status without fields.
    pub fn new(status: Status) -> Self {
        ResponseHead { status, ..Self::default() }
    }

    /// Makes it `HTTP/1.1 200 OK` without fields, but keeps the memory. What was received is let
    /// go.
    pub fn clear(&mut self) {
        self.version = Version::default();
        self.status = Status::OK;
        self.headers.clear();
        self.reason = Bytes::new();
    }

    /// The reason phrase: one that was set, or else the one registered for the status. HTTP/1
    /// only; means nothing to a program.
    #[inline]
    pub fn reason(&self) -> &[u8] {
        if self.reason.is_empty() { self.status.reason().as_bytes() } else { &self.reason }
    }

    /// Sets the reason phrase without copying it; an empty one goes back to the registered phrase.
    ///
    /// # Errors
    /// If it has a CR, LF, NUL or other control byte but HTAB; then the old one stays.
    #[inline]
    pub fn set_reason(&mut self, reason: Bytes) -> Result<(), InvalidReason> {
        if !reason.is_empty() && !grammar::is_value(&reason) {
            return Err(InvalidReason);
        }
        self.reason = reason;
        Ok(())
    }
}

impl Clone for ResponseHead {
    fn clone(&self) -> Self {
        ResponseHead {
            version: self.version,
            status: self.status,
            headers: self.headers.clone(),
            reason: self.reason.clone(),
        }
    }

    /// Keeps the memory of `self`.
    fn clone_from(&mut self, other: &Self) {
        self.version = other.version;
        self.status = other.status;
        self.headers.clone_from(&other.headers);
        self.reason.clone_from(&other.reason);
    }
}

/// The reason phrase has an illegal byte (RFC 9112 4).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InvalidReason;

impl fmt::Display for InvalidReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("illegal byte in a reason phrase")
    }
}

impl std::error::Error for InvalidReason {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_own_reason_is_kept_and_an_illegal_one_refused() {
        let mut head = ResponseHead::new(Status::NOT_FOUND);
        assert_eq!(head.reason(), b"Not Found");
        head.set_reason(Bytes::from_static(b"Gone \xE9lsewhere")).unwrap();
        assert_eq!(head.set_reason(Bytes::from_static(b"a\r\nb")), Err(InvalidReason));
        assert_eq!(head.clone().reason(), b"Gone \xE9lsewhere");
        head.clear();
        assert_eq!((head.status, head.reason()), (Status::OK, &b"OK"[..]));
    }
}
