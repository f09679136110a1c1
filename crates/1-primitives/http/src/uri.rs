//! The request target (RFC 9112 3.2).

use std::fmt;

use bytes::{BufMut, Bytes, BytesMut};

use crate::Method;
use crate::authority;
use crate::grammar::is_target;

/// Which of the four forms a request target has (RFC 9112 3.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Form {
    /// `/path?query`
    Origin,
    /// `http://host/path?query`, as sent to a proxy
    Absolute,
    /// `host:port`, of CONNECT only
    Authority,
    /// `*`, of OPTIONS only
    Asterisk,
}

/// A request target. It keeps the bytes it was read from and points into them.
#[derive(Clone)]
pub struct Uri {
    /// Printable ASCII only.
    text: Bytes,
    form: Form,
    https: bool,
    host_start: u32,
    host_end: u32,
    /// Where the authority ends and the path begins.
    path_start: u32,
    /// Where the question mark stands, or the end.
    path_end: u32,
    port: Option<u16>,
}

const SLASH: &[u8] = b"/";

impl Uri {
    /// Reads a request target as it stands in a request line, without copying it.
    ///
    /// The form follows from the method: CONNECT has the authority form with a port, and none other
    /// has; the asterisk form is for OPTIONS alone. An absolute target without a path gets the path
    /// `/`; of OPTIONS without a query, its path reads `*` (RFC 9112 3.2.4).
    ///
    /// # Errors
    /// If a byte is no printable ASCII or is `#`; if the form is none that the method may have; if
    /// a scheme is neither `http` nor `https`; if the authority is not valid, see
    /// [`authority::validate`].
    pub fn parse(method: &Method, text: Bytes) -> Result<Uri, InvalidUri> {
        if text.is_empty() {
            return Err(InvalidUri::Empty);
        }
        if !is_target(&text) || u32::try_from(text.len()).is_err() {
            return Err(InvalidUri::Byte);
        }
        if *method == Method::CONNECT {
            return parse_authority(text);
        }
        match text[0] {
            b'/' => Ok(Uri::at(text, Form::Origin, 0)),
            b'*' if text.len() == 1 && *method == Method::OPTIONS => Ok(Uri::at(text, Form::Asterisk, 0)),
            b'*' => Err(InvalidUri::Form),
            _ => parse_absolute(method, text),
        }
    }

    /// The absolute target of these parts, as HTTP/2 and HTTP/3 carry them. `path_and_query` is as
    /// in [`set_path_and_query`](Uri::set_path_and_query).
    ///
    /// # Errors
    /// As [`parse`](Uri::parse).
    pub fn absolute(https: bool, authority: &str, path_and_query: &str) -> Result<Uri, InvalidUri> {
        authority::validate(authority.as_bytes())?;
        check_path_and_query(path_and_query)?;
        let mut text = BytesMut::with_capacity(8 + authority.len() + path_and_query.len());
        text.put_slice(if https { b"https://" } else { b"http://" });
        text.put_slice(authority.as_bytes());
        text.put_slice(path_and_query.as_bytes());
        Uri::parse(&Method::GET, text.freeze())
    }

    /// Which form it has.
    #[inline]
    pub fn form(&self) -> Form {
        self.form
    }

    /// `http` or `https`, in the absolute form.
    #[inline]
    pub fn scheme(&self) -> Option<&'static str> {
        match (self.form, self.https) {
            (Form::Absolute, true) => Some("https"),
            (Form::Absolute, false) => Some("http"),
            _ => None,
        }
    }

    /// Host and port as written, in the absolute and the authority form.
    #[inline]
    pub fn authority(&self) -> Option<&str> {
        self.has_authority().then(|| self.slice(self.host_start, self.path_start))
    }

    /// The host as written, an IPv6 address in its brackets; in the absolute and the authority
    /// form.
    #[inline]
    pub fn host(&self) -> Option<&str> {
        self.has_authority().then(|| self.slice(self.host_start, self.host_end))
    }

    /// The port that was written.
    #[inline]
    pub fn port(&self) -> Option<u16> {
        self.port
    }

    /// The path, not decoded. `*` in the asterisk form and of an absolute OPTIONS target without
    /// path and query, empty in the authority form, else it begins with a slash.
    #[inline]
    pub fn path(&self) -> &str {
        if self.lacks_path() { "*" } else { self.slice(self.path_start, self.path_end) }
    }

    /// What follows the question mark, not decoded.
    #[inline]
    pub fn query(&self) -> Option<&str> {
        let end = self.text.len() as u32;
        (self.path_end < end).then(|| self.slice(self.path_end + 1, end))
    }

    /// Path and query as they go to an origin, not decoded; `*` or empty where
    /// [`path`](Uri::path) is.
    #[inline]
    pub fn path_and_query(&self) -> &str {
        if self.lacks_path() { "*" } else { self.slice(self.path_start, self.text.len() as u32) }
    }

    /// The whole target.
    #[inline]
    pub fn as_str(&self) -> &str {
        self.slice(0, self.text.len() as u32)
    }

    /// Replaces the path and leaves the query.
    ///
    /// # Errors
    /// If `path` does not begin with a slash, has a `?`, a `#` or a byte that is no printable
    /// ASCII; or if the target has the authority or asterisk form. Then nothing has changed.
    pub fn set_path(&mut self, path: &str) -> Result<(), InvalidUri> {
        if path.contains('?') {
            return Err(InvalidUri::Path);
        }
        check_path_and_query(path)?;
        let query = self.text.slice(self.path_end as usize..);
        self.replace(path.as_bytes(), &query)
    }

    /// Replaces the query, which is given without its question mark; `None` removes it.
    ///
    /// # Errors
    /// If `query` has a `#` or a byte that is no printable ASCII; or if the target has the
    /// authority or asterisk form. Then nothing has changed.
    pub fn set_query(&mut self, query: Option<&str>) -> Result<(), InvalidUri> {
        let text = self.text.clone();
        let path = match &text[self.path_start as usize..self.path_end as usize] {
            [] => SLASH,
            path => path,
        };
        match query {
            None => self.replace(path, b""),
            Some(query) if !is_target(query.as_bytes()) => Err(InvalidUri::Byte),
            Some(query) => {
                let mut marked = BytesMut::with_capacity(1 + query.len());
                marked.put_u8(b'?');
                marked.put_slice(query.as_bytes());
                self.replace(path, &marked)
            }
        }
    }

    /// Replaces path and query; without a question mark, the query is gone.
    ///
    /// # Errors
    /// As [`set_path`](Uri::set_path) and [`set_query`](Uri::set_query).
    pub fn set_path_and_query(&mut self, path_and_query: &str) -> Result<(), InvalidUri> {
        check_path_and_query(path_and_query)?;
        self.replace(path_and_query.as_bytes(), b"")
    }

    fn replace(&mut self, path: &[u8], query: &[u8]) -> Result<(), InvalidUri> {
        if matches!(self.form, Form::Authority | Form::Asterisk) {
            return Err(InvalidUri::Form);
        }
        let start = self.path_start as usize;
        let len = start + path.len() + query.len();
        if u32::try_from(len).is_err() {
            return Err(InvalidUri::Path);
        }
        let mut text = BytesMut::with_capacity(len);
        text.put_slice(&self.text[..start]);
        text.put_slice(path);
        text.put_slice(query);
        self.text = text.freeze();
        self.path_end = path_end(&self.text, start);
        Ok(())
    }

    /// Whether it is an absolute target without path and query, which OPTIONS alone may have.
    #[inline]
    fn lacks_path(&self) -> bool {
        self.form == Form::Absolute && self.path_start as usize == self.text.len()
    }

    #[inline]
    fn has_authority(&self) -> bool {
        matches!(self.form, Form::Absolute | Form::Authority)
    }

    #[inline]
    fn slice(&self, start: u32, end: u32) -> &str {
        let text = &self.text[start as usize..end as usize];
        // SAFETY: the text is printable ASCII. `parse` takes nothing else, `with_slash` and `replace`
        // put it together from such parts, and the default is a constant.
        unsafe { std::str::from_utf8_unchecked(text) }
    }

    /// A target whose path begins at `path_start`.
    #[inline]
    fn at(text: Bytes, form: Form, path_start: usize) -> Uri {
        Uri {
            path_end: path_end(&text, path_start),
            text,
            form,
            https: false,
            host_start: 0,
            host_end: 0,
            path_start: path_start as u32,
            port: None,
        }
    }
}

/// Where the path that begins at `start` ends.
#[inline]
fn path_end(text: &[u8], start: usize) -> u32 {
    let rest = &text[start..];
    // Calling out does not pay for the shortest.
    let mark =
        if rest.len() < 16 { rest.iter().position(|&byte| byte == b'?') } else { memchr::memchr(b'?', rest) };
    mark.map_or(text.len(), |at| start + at) as u32
}

// The rarer forms are kept out of the way of the origin form.

#[inline(never)]
fn parse_authority(text: Bytes) -> Result<Uri, InvalidUri> {
    let authority = authority::validate(&text)?;
    let port = authority.port().ok_or(InvalidUri::Port)?;
    let host_end = authority.host().len() as u32;
    let end = text.len();
    Ok(Uri { host_end, port: Some(port), ..Uri::at(text, Form::Authority, end) })
}

#[inline(never)]
fn parse_absolute(method: &Method, text: Bytes) -> Result<Uri, InvalidUri> {
    let (https, host_start) = match strip_scheme(&text) {
        Some(found) => found,
        None if memchr::memmem::find(&text, b"://").is_some() => return Err(InvalidUri::Scheme),
        None => return Err(InvalidUri::Form),
    };
    let rest = &text[host_start..];
    let len = memchr::memchr2(b'/', b'?', rest).unwrap_or(rest.len());
    let authority = authority::validate(&rest[..len])?;
    let (port, host_len) = (authority.port(), authority.host().len());
    let path_start = host_start + len;
    let text = match text.get(path_start) {
        Some(b'/') => text,
        // Stays as it is: written into the text, the asterisk would read as part of the host.
        None if *method == Method::OPTIONS => text,
        _ => with_slash(&text, path_start),
    };
    Ok(Uri {
        https,
        host_start: host_start as u32,
        host_end: (host_start + host_len) as u32,
        port,
        ..Uri::at(text, Form::Absolute, path_start)
    })
}

/// Whether it is https, and where the authority begins.
fn strip_scheme(text: &[u8]) -> Option<(bool, usize)> {
    let begins = |with: &[u8]| text.get(..with.len()).is_some_and(|start| start.eq_ignore_ascii_case(with));
    if begins(b"http://") {
        Some((false, 7))
    } else if begins(b"https://") {
        Some((true, 8))
    } else {
        None
    }
}

/// `text` with a slash put in at `at`.
fn with_slash(text: &[u8], at: usize) -> Bytes {
    [&text[..at], SLASH, &text[at..]].concat().into()
}

fn check_path_and_query(text: &str) -> Result<(), InvalidUri> {
    if !text.starts_with('/') {
        return Err(InvalidUri::Path);
    }
    if is_target(text.as_bytes()) { Ok(()) } else { Err(InvalidUri::Byte) }
}

impl Default for Uri {
    /// `/` in origin form. Allocates nothing.
    fn default() -> Self {
        Uri {
            text: Bytes::from_static(SLASH),
            form: Form::Origin,
            https: false,
            host_start: 0,
            host_end: 0,
            path_start: 0,
            path_end: 1,
            port: None,
        }
    }
}

impl PartialEq for Uri {
    /// Same form, same bytes.
    fn eq(&self, other: &Self) -> bool {
        self.form == other.form && self.text == other.text
    }
}

impl Eq for Uri {}

impl fmt::Display for Uri {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for Uri {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}({})", self.form, self.as_str())
    }
}

/// Why bytes are no request target or no authority.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum InvalidUri {
    /// A byte that is no printable ASCII, or a `#`.
    Byte,
    /// Nothing at all.
    Empty,
    /// None of the four forms, or one that the method may not have.
    Form,
    /// The host is empty, or neither a registered name nor an address.
    Host,
    /// The path does not begin with a slash, or has a question mark where none may be.
    Path,
    /// The port is no number up to 65535, or is missing where it must be.
    Port,
    /// The scheme is neither `http` nor `https`.
    Scheme,
    /// A user name or password before the host (RFC 9110 4.2.4).
    Userinfo,
}

impl fmt::Display for InvalidUri {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            InvalidUri::Byte => "illegal byte in a request target",
            InvalidUri::Empty => "empty request target",
            InvalidUri::Form => "request target of no form that the method may have",
            InvalidUri::Host => "invalid host",
            InvalidUri::Path => "invalid path",
            InvalidUri::Port => "invalid or missing port",
            InvalidUri::Scheme => "scheme is neither http nor https",
            InvalidUri::Userinfo => "userinfo before the host",
        })
    }
}

impl std::error::Error for InvalidUri {}
