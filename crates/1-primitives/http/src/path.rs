//! The normal form of a path, so that two spellings of one resource are one path to all who judge it.
//!
//! A proxy that routes, guards or caches by one spelling and forwards another can be walked around.
//! So whoever does any of these normalises first, and forwards what it judged.

use std::fmt;

/// Why a path has no normal form.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InvalidPath {
    /// A `..` leads above the root.
    AboveRoot,
    /// A `%` without two hexadecimal digits behind it.
    BrokenEscape,
    /// It holds `%00`, at which some would end the path.
    Nul,
}

impl fmt::Display for InvalidPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::AboveRoot => "the path leads above the root",
            Self::BrokenEscape => "a % in the path is not followed by two hexadecimal digits",
            Self::Nul => "the path holds %00",
        })
    }
}

impl std::error::Error for InvalidPath {}

/// Whether the path surely is in normal form already, as nearly all are: told in one pass.
#[must_use]
pub fn is_normal(path: &str) -> bool {
    let bytes = path.as_bytes();
    memchr::memchr(b'%', bytes).is_none() && memchr::memmem::find(bytes, b"/.").is_none()
}

/// Brings a path that begins with `/` into normal form (RFC 3986 6.2.2): escapes of unreserved
/// characters are decoded, the hexadecimal digits of others become upper case, dot segments are
/// removed. `%2F` stays what it is, and so do empty segments. `out` is cleared first.
///
/// # Errors
/// The path leads above the root, or an escape is broken.
pub fn normalize(path: &str, out: &mut String) -> Result<(), InvalidPath> {
    out.clear();
    decode(path.as_bytes(), out)?;
    if memchr::memmem::find(out.as_bytes(), b"/.").is_some() {
        let decoded = std::mem::take(out);
        remove_dot_segments(&decoded, out)?;
    }
    Ok(())
}

fn decode(path: &[u8], out: &mut String) -> Result<(), InvalidPath> {
    let mut rest = path;
    while let Some(at) = memchr::memchr(b'%', rest) {
        push(&rest[..at], out);
        let [high, low] = *rest
            .get(at + 1..at + 3)
            .and_then(|two| <&[u8; 2]>::try_from(two).ok())
            .ok_or(InvalidPath::BrokenEscape)?;
        let digit = |b: u8| (b as char).to_digit(16).ok_or(InvalidPath::BrokenEscape);
        match (digit(high)? * 16 + digit(low)?) as u8 {
            0 => return Err(InvalidPath::Nul),
            // RFC 3986 2.3.
            b @ (b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~') => out.push(b as char),
            _ => out.extend(['%', high.to_ascii_uppercase() as char, low.to_ascii_uppercase() as char]),
        }
        rest = &rest[at + 3..];
    }
    push(rest, out);
    Ok(())
}

/// Paths are ASCII; whatever else a caller brings is kept as one would read it.
fn push(bytes: &[u8], out: &mut String) {
    out.push_str(&String::from_utf8_lossy(bytes));
}

/// RFC 3986 5.2.4, but for what it says of a path that leads above the root: such a one is refused.
fn remove_dot_segments(path: &str, out: &mut String) -> Result<(), InvalidPath> {
    let mut segments = path.strip_prefix('/').unwrap_or(path).split('/').peekable();
    out.push('/');
    while let Some(segment) = segments.next() {
        let last = segments.peek().is_none();
        match segment {
            "." => {}
            ".." => {
                let kept = out.len() - 1;
                if kept == 0 {
                    return Err(InvalidPath::AboveRoot);
                }
                let begin = out[..kept].rfind('/').unwrap_or(0);
                out.truncate(begin + 1);
            }
            segment => {
                out.push_str(segment);
                if !last {
                    out.push('/');
                }
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn normal(path: &str) -> Result<String, InvalidPath> {
        let mut out = String::from("left over");
        normalize(path, &mut out).map(|()| out)
    }

    #[test]
    fn spellings_of_one_path_become_one() {
        for (path, expected) in [
            ("/", "/"),
            ("/a/b", "/a/b"),
            ("/a/", "/a/"),
            ("/%61%2D%7e", "/a-~"),
            ("/a%2fb", "/a%2Fb"),
            ("/%e2%82%ac", "/%E2%82%AC"),
            ("/a/./b", "/a/b"),
            ("/a/../b", "/b"),
            ("/a/b/..", "/a/"),
            ("/a/b/../", "/a/"),
            ("/a/.", "/a/"),
            ("/.", "/"),
            ("/a/..", "/"),
            ("/%2e/a/%2E%2e/b", "/b"),
            ("/a//b", "/a//b"),
            ("//a", "//a"),
            ("/a//../b", "/a/b"),
            ("/.well-known/x", "/.well-known/x"),
            ("/...", "/..."),
            ("/a/..b/c", "/a/..b/c"),
            ("/%252e%252e/", "/%252e%252e/"),
        ] {
            assert_eq!(normal(path).as_deref(), Ok(expected), "{path}");
        }
    }

    #[test]
    fn what_has_no_normal_form_is_named() {
        for (path, why) in [
            ("/..", InvalidPath::AboveRoot),
            ("/a/../../b", InvalidPath::AboveRoot),
            ("/%2e%2e/b", InvalidPath::AboveRoot),
            ("/%", InvalidPath::BrokenEscape),
            ("/%4", InvalidPath::BrokenEscape),
            ("/%zz", InvalidPath::BrokenEscape),
            ("/%+1", InvalidPath::BrokenEscape),
            ("/a%00", InvalidPath::Nul),
        ] {
            assert_eq!(normal(path), Err(why), "{path}");
        }
    }

    #[test]
    fn a_normal_path_stays_and_is_known_for_one() {
        for path in ["/", "/a/b.c", "/a//b", "/a/", "/~x;v=1"] {
            assert!(is_normal(path), "{path}");
            assert_eq!(normal(path).as_deref(), Ok(path));
        }
        for path in ["/a/../b", "/%61", "/./a"] {
            assert!(!is_normal(path), "{path}");
        }
    }
}
