//! Cookies (RFC 6265).

use std::fmt::{self, Write};
use std::time::{Duration, SystemTime};

use crate::{Headers, Known, date, grammar};

/// The cookies of a Cookie field, name and value, in the order written. What has no equals sign is
/// left out. Names compare with case; values may be in quotes, which are part of them.
///
/// ```
/// let mut pairs = gorge_http::cookie::pairs(b"a=1; b=x=y");
/// assert_eq!(pairs.next(), Some((&b"a"[..], &b"1"[..])));
/// assert_eq!(pairs.next(), Some((&b"b"[..], &b"x=y"[..])));
/// ```
pub fn pairs(value: &[u8]) -> impl Iterator<Item = (&[u8], &[u8])> + Clone {
    value.split(|&byte| byte == b';').filter_map(|pair| {
        let at = memchr::memchr(b'=', pair)?;
        Some((grammar::trim(&pair[..at]), grammar::trim(&pair[at + 1..])))
    })
}

/// The value of the first cookie of that name that a request brings, in whichever Cookie field:
/// HTTP/2 and HTTP/3 may split them (RFC 9113 8.2.3).
pub fn get<'a>(request: &'a Headers, name: &str) -> Option<&'a [u8]> {
    request
        .get_all(Known::Cookie)
        .flat_map(pairs)
        .find(|(found, _)| *found == name.as_bytes())
        .map(|(_, value)| value)
}

/// When a browser sends a cookie along with requests from other sites.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SameSite {
    /// With a top-level navigation only.
    Lax,
    /// Always; browsers want [`SetCookie::secure`] with it.
    None,
    /// Never.
    Strict,
}

/// The value of a Set-Cookie field, put together.
///
/// ```
/// use gorge_http::cookie::{SameSite, SetCookie};
///
/// let cookie = SetCookie::new("peer", "b2").path("/").http_only().same_site(SameSite::Lax);
/// assert_eq!(cookie.build().unwrap(), "peer=b2; Path=/; HttpOnly; SameSite=Lax");
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct SetCookie<'a> {
    name: &'a str,
    value: &'a str,
    domain: Option<&'a str>,
    path: Option<&'a str>,
    max_age: Option<Duration>,
    expires: Option<SystemTime>,
    secure: bool,
    http_only: bool,
    same_site: Option<SameSite>,
}

impl<'a> SetCookie<'a> {
    /// A cookie without attributes: it ends with the browser's session.
    pub fn new(name: &'a str, value: &'a str) -> SetCookie<'a> {
        SetCookie {
            name,
            value,
            domain: None,
            path: None,
            max_age: None,
            expires: None,
            secure: false,
            http_only: false,
            same_site: None,
        }
    }

    /// Sends it to this domain and those below; default: the host that set it, and no other.
    pub fn domain(mut self, domain: &'a str) -> Self {
        self.domain = Some(domain);
        self
    }

    /// Sends it to paths below this one; default: the directory of the request.
    pub fn path(mut self, path: &'a str) -> Self {
        self.path = Some(path);
        self
    }

    /// Keeps it that long, in whole seconds; zero deletes it. Goes before `expires`.
    pub fn max_age(mut self, age: Duration) -> Self {
        self.max_age = Some(age);
        self
    }

    /// Keeps it until then.
    pub fn expires(mut self, at: SystemTime) -> Self {
        self.expires = Some(at);
        self
    }

    /// Sends it over TLS only.
    pub fn secure(mut self) -> Self {
        self.secure = true;
        self
    }

    /// Hides it from scripts.
    pub fn http_only(mut self) -> Self {
        self.http_only = true;
        self
    }

    /// Restricts requests from other sites; default: what the browser does, mostly `Lax`.
    pub fn same_site(mut self, same_site: SameSite) -> Self {
        self.same_site = Some(same_site);
        self
    }

    /// The field value.
    ///
    /// # Errors
    /// If the name is no token, the value has a byte that no cookie may hold (blank, comma,
    /// semicolon, backslash, quote but around it, control or non-ASCII byte), or domain or path
    /// have a semicolon, control or non-ASCII byte.
    pub fn build(&self) -> Result<String, InvalidCookie> {
        let attributes = [self.domain, self.path];
        if !grammar::is_token(self.name.as_bytes())
            || !is_cookie_value(self.value.as_bytes())
            || !attributes.iter().flatten().all(|text| is_attribute(text))
        {
            return Err(InvalidCookie);
        }
        let mut out = String::new();
        // A string takes whatever is written to it.
        let _ = self.write(&mut out);
        Ok(out)
    }

    fn write(&self, out: &mut String) -> fmt::Result {
        write!(out, "{}={}", self.name, self.value)?;
        if let Some(domain) = self.domain {
            write!(out, "; Domain={domain}")?;
        }
        if let Some(path) = self.path {
            write!(out, "; Path={path}")?;
        }
        if let Some(age) = self.max_age {
            write!(out, "; Max-Age={}", age.as_secs())?;
        }
        if let Some(at) = self.expires {
            write!(out, "; Expires={}", date::format(at).escape_ascii())?;
        }
        if self.secure {
            out.write_str("; Secure")?;
        }
        if self.http_only {
            out.write_str("; HttpOnly")?;
        }
        match self.same_site {
            Some(SameSite::Lax) => out.write_str("; SameSite=Lax"),
            Some(SameSite::None) => out.write_str("; SameSite=None"),
            Some(SameSite::Strict) => out.write_str("; SameSite=Strict"),
            None => Ok(()),
        }
    }
}

fn is_cookie_value(value: &[u8]) -> bool {
    let inner = match value {
        [b'"', inner @ .., b'"'] => inner,
        _ => value,
    };
    inner.iter().all(|byte| matches!(byte, 0x21..=0x7E) && !b"\",;\\".contains(byte))
}

fn is_attribute(text: &str) -> bool {
    text.bytes().all(|byte| matches!(byte, 0x20..=0x7E) && byte != b';')
}

/// A name, value or attribute has a byte that no cookie may hold (RFC 6265 4.1.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InvalidCookie;

impl fmt::Display for InvalidCookie {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("illegal byte in a cookie")
    }
}

impl std::error::Error for InvalidCookie {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_cookies_in_all_fields() {
        let mut request = Headers::new();
        request.append(Known::Cookie, "a=1; broken;b = \"2\" ;; =x").unwrap();
        request.append(Known::Cookie, "c=3;a=9").unwrap();
        assert_eq!(get(&request, "a"), Some(&b"1"[..]));
        assert_eq!(get(&request, "b"), Some(&b"\"2\""[..]));
        assert_eq!(get(&request, "c"), Some(&b"3"[..]));
        assert_eq!(get(&request, "A"), None);
        assert_eq!(get(&request, "broken"), None);
    }

    #[test]
    fn writes_every_attribute() {
        let cookie = SetCookie::new("n", "\"v\"")
            .domain("example.org")
            .path("/a")
            .max_age(Duration::from_millis(1999))
            .expires(SystemTime::UNIX_EPOCH)
            .secure()
            .http_only()
            .same_site(SameSite::None);
        let expected = "n=\"v\"; Domain=example.org; Path=/a; Max-Age=1; \
            Expires=Thu, 01 Jan 1970 00:00:00 GMT; Secure; HttpOnly; SameSite=None";
        assert_eq!(cookie.build().unwrap(), expected);
    }

    #[test]
    fn illegal_cookies_cannot_be_built() {
        for (name, value) in [
            ("", "v"),
            ("a b", "v"),
            ("a=b", "v"),
            ("a", "v;"),
            ("a", "x y"),
            ("a", "\""),
            ("a", "v\r\nX: y"),
            ("a", "\u{e9}"),
        ] {
            assert_eq!(SetCookie::new(name, value).build(), Err(InvalidCookie), "{name}={value}");
        }
        assert!(SetCookie::new("a", "b").path("/;Secure").build().is_err());
        assert!(SetCookie::new("a", "b").domain("a\nb").build().is_err());
    }
}
