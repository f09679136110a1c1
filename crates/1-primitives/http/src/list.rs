//! Comma lists, quoted strings and parameters (RFC 9110 5.6).

use std::borrow::Cow;
use std::iter::FusedIterator;

use crate::grammar;

/// The elements of a comma list, blanks around them taken off, empty ones left out. A comma in a
/// quoted string separates nothing; a string that is never closed reaches to the end.
///
/// ```
/// let items = gorge_http::list::items(br#"a, "b,c" ,, d;q=1"#);
/// assert!(items.eq([&b"a"[..], br#""b,c""#, b"d;q=1"]));
/// ```
#[inline]
pub fn items(value: &[u8]) -> Split<'_> {
    split(value, b',')
}

/// As [`items`], between separators of your choice, such as `;`.
#[inline]
pub fn split(value: &[u8], separator: u8) -> Split<'_> {
    Split { rest: value, separator }
}

/// Whether one of the comma lists has `token`, in whatever case.
///
/// ```
/// use gorge_http::{Headers, Known, list};
///
/// let mut headers = Headers::new();
/// headers.append(Known::Connection, "Upgrade, keep-alive")?;
/// assert!(list::has_token(headers.get_all(Known::Connection), "upgrade"));
/// # Ok::<(), gorge_http::InvalidField>(())
/// ```
pub fn has_token<'a>(values: impl IntoIterator<Item = &'a [u8]>, token: &str) -> bool {
    values.into_iter().any(|value| items(value).any(|item| item.eq_ignore_ascii_case(token.as_bytes())))
}

/// Splits an element into what stands before its first semicolon, and its parameters.
pub fn with_parameters(item: &[u8]) -> (&[u8], Parameters<'_>) {
    let end = end_of(item, b';');
    let (head, rest) = item.split_at(end);
    (grammar::trim(head), Parameters(split(rest, b';')))
}

/// Takes the quotes off a quoted string and resolves its backslashes; what is not quoted comes back
/// as it is. Copies only if there is a backslash.
pub fn unquote(value: &[u8]) -> Cow<'_, [u8]> {
    let inner = match value {
        [b'"', inner @ .., b'"'] => inner,
        _ => return Cow::Borrowed(value),
    };
    if memchr::memchr(b'\\', inner).is_none() {
        return Cow::Borrowed(inner);
    }
    let mut plain = Vec::with_capacity(inner.len());
    let mut bytes = inner.iter();
    while let Some(&byte) = bytes.next() {
        let escaped = if byte == b'\\' { bytes.next() } else { None };
        plain.push(*escaped.unwrap_or(&byte));
    }
    Cow::Owned(plain)
}

/// Appends `value` to `out`: as it is if it is a token, else as a quoted string. Bytes that are
/// illegal even in a quoted string are refused later, when the field is built.
pub fn push_token_or_quoted(out: &mut Vec<u8>, value: &[u8]) {
    if grammar::is_token(value) {
        out.extend_from_slice(value);
        return;
    }
    out.push(b'"');
    for &byte in value {
        if matches!(byte, b'"' | b'\\') {
            out.push(b'\\');
        }
        out.push(byte);
    }
    out.push(b'"');
}

/// Whether `bytes` are a token (RFC 9110 5.6.2).
pub fn is_token(bytes: &[u8]) -> bool {
    grammar::is_token(bytes)
}

/// Whether `bytes` may be a field value (RFC 9110 5.5): no control byte but HTAB.
pub fn is_value(bytes: &[u8]) -> bool {
    grammar::is_value(bytes)
}

/// `bytes` without the spaces and tabs around them.
pub fn trim(bytes: &[u8]) -> &[u8] {
    grammar::trim(bytes)
}

/// Where the first `separator` outside of quotes stands, or the end.
fn end_of(bytes: &[u8], separator: u8) -> usize {
    let mut quoted = false;
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        match byte {
            b'"' => quoted = !quoted,
            b'\\' if quoted => at += 1,
            _ if byte == separator && !quoted => return at,
            _ => {}
        }
        at += 1;
    }
    bytes.len()
}

/// The elements of a list; see [`items`].
#[derive(Clone, Debug)]
pub struct Split<'a> {
    rest: &'a [u8],
    separator: u8,
}

impl<'a> Iterator for Split<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        while !self.rest.is_empty() {
            let (item, rest) = self.rest.split_at(end_of(self.rest, self.separator));
            self.rest = rest.get(1..).unwrap_or_default();
            let item = grammar::trim(item);
            if !item.is_empty() {
                return Some(item);
            }
        }
        None
    }
}

impl FusedIterator for Split<'_> {}

/// The parameters of a list element; see [`with_parameters`].
#[derive(Clone, Debug)]
pub struct Parameters<'a>(Split<'a>);

/// `name=value`
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Parameter<'a> {
    /// The name; compares without case.
    pub name: &'a [u8],
    /// The value as written, perhaps in quotes: see [`unquote`]. Empty if there is no equals sign.
    pub value: &'a [u8],
}

impl<'a> Iterator for Parameters<'a> {
    type Item = Parameter<'a>;

    fn next(&mut self) -> Option<Parameter<'a>> {
        let parameter = self.0.next()?;
        let at = memchr::memchr(b'=', parameter).unwrap_or(parameter.len());
        let (name, value) = parameter.split_at(at);
        let value = value.get(1..).unwrap_or_default();
        Some(Parameter { name: grammar::trim(name), value: grammar::trim(value) })
    }
}

impl FusedIterator for Parameters<'_> {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes_hide_separators() {
        let cases: [(&[u8], &[&[u8]]); 7] = [
            (b"", &[]),
            (b" , ,\t,", &[]),
            (b"a,b", &[b"a", b"b"]),
            (br#""a\",b", c"#, &[br#""a\",b""#, b"c"]),
            (br#"a="x;y", b"#, &[br#"a="x;y""#, b"b"]),
            (br#"a, "open, b"#, &[b"a", br#""open, b"#]),
            (br#""\"#, &[br#""\"#]),
        ];
        for (value, expected) in cases {
            assert!(items(value).eq(expected.iter().copied()), "{}", value.escape_ascii());
        }
    }

    #[test]
    fn parameters_are_split_from_their_item() {
        let (item, mut parameters) = with_parameters(br#"text/html ; a="1;2" ;; Flag; q = 0.5"#);
        assert_eq!(item, b"text/html");
        let mut next = || parameters.next().map(|p| (p.name, p.value));
        assert_eq!(next(), Some((&b"a"[..], &br#""1;2""#[..])));
        assert_eq!(next(), Some((&b"Flag"[..], &b""[..])));
        assert_eq!(next(), Some((&b"q"[..], &b"0.5"[..])));
        assert_eq!(next(), None);
    }

    #[test]
    fn quoting_and_unquoting_are_inverse() {
        for plain in [&b"token"[..], b"", b"two words", br#"q"uo\te"#, b"\xFF"] {
            let mut written = Vec::new();
            push_token_or_quoted(&mut written, plain);
            assert_eq!(unquote(&written), plain);
        }
        assert_eq!(&*unquote(b"\""), b"\"");
    }
}
