//! The request method (RFC 9110 9).

use std::fmt;

use bytes::Bytes;

use crate::grammar;

/// A request method. Any token is one; case matters, and none is ever turned into another.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Method(Inner);

#[derive(Clone, PartialEq, Eq, Hash)]
enum Inner {
    Connect,
    Delete,
    Get,
    Head,
    Options,
    Patch,
    Post,
    Put,
    Trace,
    /// A token that is none of the above.
    Extension(Bytes),
}

impl Method {
    /// `CONNECT`
    pub const CONNECT: Method = Method(Inner::Connect);
    /// `DELETE`
    pub const DELETE: Method = Method(Inner::Delete);
    /// `GET`
    pub const GET: Method = Method(Inner::Get);
    /// `HEAD`
    pub const HEAD: Method = Method(Inner::Head);
    /// `OPTIONS`
    pub const OPTIONS: Method = Method(Inner::Options);
    /// `PATCH` (RFC 5789)
    pub const PATCH: Method = Method(Inner::Patch);
    /// `POST`
    pub const POST: Method = Method(Inner::Post);
    /// `PUT`
    pub const PUT: Method = Method(Inner::Put);
    /// `TRACE`
    pub const TRACE: Method = Method(Inner::Trace);

    /// The method that `bytes` name. An extension method is copied.
    ///
    /// # Errors
    /// If `bytes` are no token.
    #[inline]
    pub fn from_bytes(bytes: &[u8]) -> Result<Method, InvalidMethod> {
        match standard(bytes) {
            Some(method) => Ok(method),
            None if grammar::is_token(bytes) => Ok(Method(Inner::Extension(Bytes::copy_from_slice(bytes)))),
            None => Err(InvalidMethod),
        }
    }

    /// The same without copying: an extension method keeps `bytes`.
    ///
    /// # Errors
    /// If `bytes` are no token.
    #[inline]
    pub fn from_received(bytes: Bytes) -> Result<Method, InvalidMethod> {
        match standard(&bytes) {
            Some(method) => Ok(method),
            None if grammar::is_token(&bytes) => Ok(Method(Inner::Extension(bytes))),
            None => Err(InvalidMethod),
        }
    }

    /// The method as it stands in a request line.
    #[inline]
    pub fn as_str(&self) -> &str {
        match &self.0 {
            Inner::Connect => "CONNECT",
            Inner::Delete => "DELETE",
            Inner::Get => "GET",
            Inner::Head => "HEAD",
            Inner::Options => "OPTIONS",
            Inner::Patch => "PATCH",
            Inner::Post => "POST",
            Inner::Put => "PUT",
            Inner::Trace => "TRACE",
            // A token is ASCII, so the default never comes up.
            Inner::Extension(token) => std::str::from_utf8(token).unwrap_or_default(),
        }
    }

    /// Whether it only reads (RFC 9110 9.2.1): GET, HEAD, OPTIONS and TRACE.
    pub fn is_safe(&self) -> bool {
        matches!(self.0, Inner::Get | Inner::Head | Inner::Options | Inner::Trace)
    }

    /// Whether doing it twice is as doing it once (RFC 9110 9.2.2): the safe ones, PUT and DELETE.
    /// Of an extension method nobody knows, so it is not.
    pub fn is_idempotent(&self) -> bool {
        self.is_safe() || matches!(self.0, Inner::Put | Inner::Delete)
    }

    /// Whether it is none of the constants.
    pub fn is_extension(&self) -> bool {
        matches!(self.0, Inner::Extension(_))
    }
}

#[inline]
fn standard(bytes: &[u8]) -> Option<Method> {
    Some(Method(match bytes {
        b"GET" => Inner::Get,
        b"POST" => Inner::Post,
        b"HEAD" => Inner::Head,
        b"PUT" => Inner::Put,
        b"DELETE" => Inner::Delete,
        b"OPTIONS" => Inner::Options,
        b"PATCH" => Inner::Patch,
        b"CONNECT" => Inner::Connect,
        b"TRACE" => Inner::Trace,
        _ => return None,
    }))
}

impl Default for Method {
    /// `GET`
    fn default() -> Self {
        Method::GET
    }
}

impl fmt::Display for Method {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for Method {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl std::str::FromStr for Method {
    type Err = InvalidMethod;
    fn from_str(text: &str) -> Result<Self, InvalidMethod> {
        Method::from_bytes(text.as_bytes())
    }
}

impl PartialEq<str> for Method {
    fn eq(&self, other: &str) -> bool {
        self.as_str() == other
    }
}

impl PartialEq<&str> for Method {
    fn eq(&self, other: &&str) -> bool {
        self.as_str() == *other
    }
}

/// The bytes are no method: empty, or no token (RFC 9110 5.6.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InvalidMethod;

impl fmt::Display for InvalidMethod {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("illegal byte in a method, or an empty one")
    }
}

impl std::error::Error for InvalidMethod {}

#[cfg(test)]
mod tests {
    use super::*;

    const STANDARD: [Method; 9] = [
        Method::CONNECT,
        Method::DELETE,
        Method::GET,
        Method::HEAD,
        Method::OPTIONS,
        Method::PATCH,
        Method::POST,
        Method::PUT,
        Method::TRACE,
    ];

    #[test]
    fn case_matters() {
        for method in STANDARD {
            assert_eq!(Method::from_bytes(method.as_str().as_bytes()), Ok(method.clone()));
            let lower = method.as_str().to_ascii_lowercase();
            let other = Method::from_bytes(lower.as_bytes()).unwrap();
            assert!(other.is_extension() && other != method && other == lower.as_str());
        }
    }

    #[test]
    fn only_tokens_are_methods() {
        for bad in [&b""[..], b"GE T", b"GET\r", b"G\0T", b"G\xC3\xA9T", b"GET:"] {
            assert_eq!(Method::from_bytes(bad), Err(InvalidMethod));
            assert_eq!(Method::from_received(Bytes::copy_from_slice(bad)), Err(InvalidMethod));
        }
        assert_eq!(Method::from_received(Bytes::from_static(b"M-SEARCH")).unwrap(), "M-SEARCH");
    }

    #[test]
    fn safety_and_idempotence_follow_rfc_9110_9_2() {
        let safe = STANDARD.iter().filter(|m| m.is_safe()).map(Method::as_str);
        assert_eq!(safe.collect::<Vec<_>>(), ["GET", "HEAD", "OPTIONS", "TRACE"]);
        assert!(Method::PUT.is_idempotent() && Method::DELETE.is_idempotent());
        assert!(!Method::POST.is_idempotent() && !Method::PATCH.is_idempotent());
    }
}
