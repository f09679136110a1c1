//! Entity tags (RFC 9110 8.8.3).

use std::fmt;
use std::iter::FusedIterator;

/// An entity tag: `"abc"`, or weak, `W/"abc"`.
///
/// Two functions compare, and none is `==`, for one must say which is meant.
#[derive(Clone, Copy, Debug)]
pub struct EntityTag<'a> {
    weak: bool,
    opaque: &'a [u8],
}

impl<'a> EntityTag<'a> {
    /// Reads the value of an ETag field. `None` if it is no entity tag.
    pub fn parse(value: &'a [u8]) -> Option<EntityTag<'a>> {
        let (tag, rest) = take(value)?;
        rest.is_empty().then_some(tag)
    }

    /// Whether it only promises an equivalent representation, not the same bytes.
    pub fn is_weak(&self) -> bool {
        self.weak
    }

    /// What stands between the quotes.
    pub fn opaque(&self) -> &'a [u8] {
        self.opaque
    }

    /// Strong comparison: both strong, and equal. For If-Match, If-Range and joining ranges.
    pub fn strong_eq(&self, other: &EntityTag<'_>) -> bool {
        !self.weak && !other.weak && self.opaque == other.opaque
    }

    /// Weak comparison: equal, weak or not. For If-None-Match.
    pub fn weak_eq(&self, other: &EntityTag<'_>) -> bool {
        self.opaque == other.opaque
    }
}

impl fmt::Display for EntityTag<'_> {
    /// As in a field; obs-text is shown escaped.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let weak = if self.weak { "W/" } else { "" };
        write!(f, "{weak}\"{}\"", self.opaque.escape_ascii())
    }
}

/// The entity tags of an If-Match or If-None-Match list. The first malformed element ends it, for
/// one cannot tell where the next begins: a comma or a backslash may stand in a tag.
pub fn list(value: &[u8]) -> EntityTags<'_> {
    EntityTags { rest: value }
}

/// The entity tags of a list; see [`list`].
#[derive(Clone, Debug)]
pub struct EntityTags<'a> {
    rest: &'a [u8],
}

impl<'a> Iterator for EntityTags<'a> {
    type Item = EntityTag<'a>;

    fn next(&mut self) -> Option<EntityTag<'a>> {
        let found = take(skip(self.rest, b" \t,"));
        let (tag, rest) = found.unzip();
        // Between two tags there must be a comma.
        self.rest = match skip(rest.unwrap_or_default(), b" \t") {
            rest @ [b',', ..] => rest,
            _ => b"",
        };
        tag
    }
}

impl FusedIterator for EntityTags<'_> {}

fn skip<'a>(mut bytes: &'a [u8], what: &[u8]) -> &'a [u8] {
    while let [first, rest @ ..] = bytes
        && what.contains(first)
    {
        bytes = rest;
    }
    bytes
}

/// The tag that `bytes` begin with, and what follows it.
fn take(bytes: &[u8]) -> Option<(EntityTag<'_>, &[u8])> {
    let (weak, bytes) = match bytes.strip_prefix(b"W/") {
        Some(rest) => (true, rest),
        None => (false, bytes),
    };
    let rest = bytes.strip_prefix(b"\"")?;
    let end = memchr::memchr(b'"', rest)?;
    let opaque = &rest[..end];
    let legal = opaque.iter().all(|&byte| byte > 0x20 && byte != 0x7F);
    legal.then_some((EntityTag { weak, opaque }, &rest[end + 1..]))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tag(text: &str) -> EntityTag<'_> {
        EntityTag::parse(text.as_bytes()).unwrap()
    }

    #[test]
    fn compares_as_the_table_of_rfc_9110_8_8_3_2() {
        for (one, two, strong, weak) in [
            (r#"W/"1""#, r#"W/"1""#, false, true),
            (r#"W/"1""#, r#"W/"2""#, false, false),
            (r#"W/"1""#, r#""1""#, false, true),
            (r#""1""#, r#""1""#, true, true),
        ] {
            assert_eq!(tag(one).strong_eq(&tag(two)), strong);
            assert_eq!(tag(one).weak_eq(&tag(two)), weak);
            assert_eq!(tag(one).to_string(), one);
        }
    }

    #[test]
    fn refuses_what_is_no_tag() {
        for bad in ["", "abc", "\"", "\"a", "w/\"a\"", "\"a b\"", "\"a\"b", "W/a", "\"a\x7F\""] {
            assert!(EntityTag::parse(bad.as_bytes()).is_none(), "{bad}");
        }
    }

    #[test]
    fn lists_may_hold_commas_in_tags_and_end_at_garbage() {
        let texts = |value: &'static [u8]| list(value).map(|tag| tag.to_string()).collect::<Vec<_>>();
        assert_eq!(texts(br#""a,b" ,, W/"c""#), [r#""a,b""#, r#"W/"c""#]);
        assert_eq!(texts(br#""a", nonsense, "b""#), [r#""a""#]);
        assert_eq!(texts(br#""a" "b""#), [r#""a""#]);
        assert!(texts(b"").is_empty());
    }
}
