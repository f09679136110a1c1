//! Quality values, and the choice of a content coding by them (RFC 9110 12.4.2 and 12.5.3).

use std::fmt;

use crate::{Headers, Known, list};

/// A weight between 0 (not acceptable) and 1, in thousandths.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Quality(u16);

impl Quality {
    /// `q=1`, also that of an element without a weight.
    pub const MAX: Quality = Quality(1000);
    /// `q=0`: not acceptable.
    pub const ZERO: Quality = Quality(0);
    /// The smallest that is still acceptable.
    const LEAST: Quality = Quality(1);

    /// Reads the number behind `q=`: 0 or 1, with up to three decimals.
    pub fn parse(value: &[u8]) -> Option<Quality> {
        let (whole, decimals) = match value {
            [whole @ (b'0' | b'1')] => (whole, &[][..]),
            [whole @ (b'0' | b'1'), b'.', decimals @ ..] if decimals.len() <= 3 => (whole, decimals),
            _ => return None,
        };
        let mut thousandths = u16::from(whole - b'0');
        for at in 0..3 {
            let digit = decimals.get(at).unwrap_or(&b'0');
            if !digit.is_ascii_digit() {
                return None;
            }
            thousandths = thousandths * 10 + u16::from(digit - b'0');
        }
        (thousandths <= 1000).then_some(Quality(thousandths))
    }

    /// In thousandths, 0 to 1000.
    pub fn thousandths(self) -> u16 {
        self.0
    }

    /// Whether it is more than 0.
    pub fn is_acceptable(self) -> bool {
        self.0 > 0
    }
}

impl fmt::Debug for Quality {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "q={}.{:03}", self.0 / 1000, self.0 % 1000)
    }
}

/// The elements of a list such as Accept with their weights, in the order written. The weight and
/// what follows it are not part of the element; one whose weight is malformed is left out.
///
/// ```
/// use gorge_http::quality::{self, Quality};
///
/// let mut items = quality::weighted(b"text/html;level=1, */*;q=0");
/// assert_eq!(items.next(), Some((&b"text/html;level=1"[..], Quality::MAX)));
/// assert_eq!(items.next(), Some((&b"*/*"[..], Quality::ZERO)));
/// ```
pub fn weighted(value: &[u8]) -> impl Iterator<Item = (&[u8], Quality)> + Clone {
    list::items(value).filter_map(|item| {
        let mut before = 0;
        for part in list::split(item, b';') {
            // Where the part stands in the item: both are slices of the same bytes.
            let start = part.as_ptr() as usize - item.as_ptr() as usize;
            if start > 0
                && let Some(value) = weight(part)
            {
                return Quality::parse(value).map(|quality| (&item[..before], quality));
            }
            before = start + part.len();
        }
        Some((&item[..before], Quality::MAX))
    })
}

/// What stands behind `q=`.
fn weight(parameter: &[u8]) -> Option<&[u8]> {
    match parameter {
        [b'q' | b'Q', rest @ ..] => match list::trim(rest) {
            [b'=', value @ ..] => Some(list::trim(value)),
            _ => None,
        },
        _ => None,
    }
}

/// How welcome a content coding is to the sender of `request` (RFC 9110 12.5.3). Without
/// Accept-Encoding, all are. `identity` is acceptable unless excluded, but comes last if it is not
/// named. `x-gzip` is `gzip`.
pub fn of_coding(request: &Headers, coding: &str) -> Quality {
    if !request.contains(Known::AcceptEncoding) {
        return Quality::MAX;
    }
    let mut any = None;
    for value in request.get_all(Known::AcceptEncoding) {
        for (item, quality) in weighted(value) {
            let item = if item.eq_ignore_ascii_case(b"x-gzip") { b"gzip" } else { item };
            if item.eq_ignore_ascii_case(coding.as_bytes()) {
                return quality;
            }
            if item == b"*" {
                any = Some(quality);
            }
        }
    }
    let unnamed = if coding.eq_ignore_ascii_case("identity") { Quality::LEAST } else { Quality::ZERO };
    any.unwrap_or(unnamed)
}

/// The coding to answer `request` with: the most welcome of `offered`, of equals the first. `None`
/// if none is acceptable.
///
/// ```
/// use gorge_http::{Headers, Known, quality};
///
/// let mut request = Headers::new();
/// request.append(Known::AcceptEncoding, "gzip, br;q=0.5")?;
/// assert_eq!(quality::best_coding(&request, &["br", "gzip", "identity"]), Some("gzip"));
/// # Ok::<(), gorge_http::InvalidField>(())
/// ```
pub fn best_coding<'a>(request: &Headers, offered: &[&'a str]) -> Option<&'a str> {
    let mut best = None;
    for &coding in offered {
        let quality = of_coding(request, coding);
        if quality.is_acceptable() && best.is_none_or(|(_, highest)| quality > highest) {
            best = Some((coding, quality));
        }
    }
    best.map(|(coding, _)| coding)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weights_have_at_most_three_decimals() {
        for (text, thousandths) in
            [("0", 0), ("1", 1000), ("0.", 0), ("0.5", 500), ("0.123", 123), ("1.000", 1000)]
        {
            let quality = Quality::parse(text.as_bytes()).unwrap();
            assert_eq!(quality.thousandths(), thousandths, "{text}");
        }
        for text in ["", ".5", "2", "1.001", "0.1234", "-0", "0.x", "0,5", "00", "1e0"] {
            assert_eq!(Quality::parse(text.as_bytes()), None, "{text}");
        }
    }

    #[test]
    fn elements_end_before_their_weight() {
        let found: Vec<_> = weighted(b"a ; x=1 ; Q = 0.2 ; ext, q, b;q=9, c;quality=1").collect();
        let expected =
            [(&b"a ; x=1"[..], Quality(200)), (b"q", Quality::MAX), (b"c;quality=1", Quality::MAX)];
        assert_eq!(found, expected);
    }

    #[test]
    fn codings_are_chosen_as_rfc_9110_12_5_3_says() {
        let cases = [
            (Some(""), Some("identity")),
            (Some("gzip"), Some("gzip")),
            (Some("x-gzip"), Some("gzip")),
            (Some("br, gzip"), Some("br")),
            (Some("gzip;q=0.8, br;q=0.2"), Some("gzip")),
            (Some("*"), Some("br")),
            (Some("*;q=0"), None),
            (Some("*;q=0, GZIP"), Some("gzip")),
            (Some("identity;q=0, zstd"), None),
            (Some("identity, gzip;q=0.5"), Some("identity")),
            (None, Some("br")),
        ];
        for (accept, expected) in cases {
            let mut request = Headers::new();
            if let Some(accept) = accept {
                request.append(Known::AcceptEncoding, accept).unwrap();
            }
            let best = best_coding(&request, &["br", "gzip", "identity"]);
            assert_eq!(best, expected, "{accept:?}");
        }
    }
}
