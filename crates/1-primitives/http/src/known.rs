//! The field names that a proxy asks for by name, as small integers.

use std::fmt;

macro_rules! known {
    ($($variant:ident = $name:literal,)*) => {
        /// A well-known field name. Looking one up in [`Headers`](crate::Headers) compares no
        /// strings.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[repr(u8)]
        #[non_exhaustive]
        pub enum Known {
            $(#[doc = concat!("`", $name, "`")] $variant,)*
        }

        impl Known {
            /// All of them, in the order of their numbers.
            pub const ALL: [Known; [$($name),*].len()] = [$(Known::$variant),*];

            const NAMES: [&'static str; Known::ALL.len()] = [$($name),*];
        }
    };
}

known! {
    Accept = "Accept",
    AcceptEncoding = "Accept-Encoding",
    AcceptLanguage = "Accept-Language",
    AcceptRanges = "Accept-Ranges",
    Age = "Age",
    Allow = "Allow",
    AltSvc = "Alt-Svc",
    Authorization = "Authorization",
    CacheControl = "Cache-Control",
    CdnLoop = "CDN-Loop",
    Connection = "Connection",
    ContentEncoding = "Content-Encoding",
    ContentLength = "Content-Length",
    ContentLocation = "Content-Location",
    ContentRange = "Content-Range",
    ContentType = "Content-Type",
    Cookie = "Cookie",
    Date = "Date",
    EarlyData = "Early-Data",
    ETag = "ETag",
    Expect = "Expect",
    Expires = "Expires",
    Forwarded = "Forwarded",
    Host = "Host",
    IfMatch = "If-Match",
    IfModifiedSince = "If-Modified-Since",
    IfNoneMatch = "If-None-Match",
    IfRange = "If-Range",
    IfUnmodifiedSince = "If-Unmodified-Since",
    KeepAlive = "Keep-Alive",
    LastModified = "Last-Modified",
    Link = "Link",
    Location = "Location",
    MaxForwards = "Max-Forwards",
    Origin = "Origin",
    Pragma = "Pragma",
    Priority = "Priority",
    ProxyAuthenticate = "Proxy-Authenticate",
    ProxyAuthorization = "Proxy-Authorization",
    ProxyConnection = "Proxy-Connection",
    ProxyStatus = "Proxy-Status",
    Range = "Range",
    Referer = "Referer",
    RetryAfter = "Retry-After",
    Server = "Server",
    SetCookie = "Set-Cookie",
    StrictTransportSecurity = "Strict-Transport-Security",
    Te = "TE",
    Traceparent = "traceparent",
    Tracestate = "tracestate",
    Trailer = "Trailer",
    TransferEncoding = "Transfer-Encoding",
    Upgrade = "Upgrade",
    UserAgent = "User-Agent",
    Vary = "Vary",
    Via = "Via",
    Warning = "Warning",
    WwwAuthenticate = "WWW-Authenticate",
    XForwardedFor = "X-Forwarded-For",
    XForwardedHost = "X-Forwarded-Host",
    XForwardedProto = "X-Forwarded-Proto",
    XRealIp = "X-Real-IP",
    XRequestId = "X-Request-Id",
}

// One bit each in the mask of a `Headers`; the highest stands for names that are not known.
const _: () = assert!(Known::ALL.len() <= 63);

impl Known {
    /// The well-known name that `name` is, in whatever case.
    #[inline]
    pub fn classify(name: &[u8]) -> Option<Known> {
        let (first, last) = ends(name)?;
        let pattern = &PATTERNS[SLOTS[slot(first, last)] as usize % PATTERNS.len()];
        let same = pattern.len as usize == name.len()
            && (first | pattern.first_fold) == pattern.first
            && (last | pattern.last_fold) == pattern.last
            && (name.len() <= 16 || middle_matches(name, pattern.known));
        same.then_some(pattern.known)
    }

    /// The name as the RFCs write it, such as `Content-Length`.
    #[inline]
    pub const fn as_str(self) -> &'static str {
        Known::NAMES[self as usize]
    }

    /// The bit of this name in a mask of known names.
    #[inline]
    pub(crate) const fn bit(self) -> u64 {
        1 << self as u8
    }

    #[inline]
    pub(crate) fn from_id(id: u8) -> Option<Known> {
        Known::ALL.get(id as usize).copied()
    }
}

impl fmt::Display for Known {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What a name is compared with: its length, its first and last eight bytes (four or two in short
/// names) in lower case, and which bits to set in the other side's to fold its case. Only letters
/// are folded, for else a CR would pass for a hyphen.
#[derive(Clone, Copy)]
struct Pattern {
    first: u64,
    first_fold: u64,
    last: u64,
    last_fold: u64,
    known: Known,
    len: u8,
}

/// Matches nothing: no name has the length 0 and two ends.
const BLANK: Pattern =
    Pattern { first: 0, first_fold: 0, last: 0, last_fold: 0, known: Known::Accept, len: 0 };
/// By number, and [`BLANK`] behind them.
static PATTERNS: [Pattern; 64] = patterns();
/// The pattern that a name of that [`slot`] can match.
static SLOTS: [u8; 256] = slots();

/// A hash of the ends of a name, different for each well-known one, whatever its case.
#[inline]
const fn slot(first: u64, last: u64) -> usize {
    const CASE: u64 = 0x2020_2020_2020_2020;
    // Found by trying: with it, no two names meet (`slots` makes sure).
    const MULTIPLIER: u64 = 0x7340_1226_810A_D58B;
    let mixed = (first | CASE).wrapping_add((last | CASE).rotate_left(29));
    (mixed.wrapping_mul(MULTIPLIER) >> 56) as usize
}

/// Two words that hold the first and the last bytes of a name of at least two bytes.
#[inline]
fn ends(name: &[u8]) -> Option<(u64, u64)> {
    if let (Some(first), Some(last)) = (name.first_chunk::<8>(), name.last_chunk::<8>()) {
        Some((u64::from_le_bytes(*first), u64::from_le_bytes(*last)))
    } else if let (Some(first), Some(last)) = (name.first_chunk::<4>(), name.last_chunk::<4>()) {
        Some((u32::from_le_bytes(*first) as u64, u32::from_le_bytes(*last) as u64))
    } else if let (Some(first), Some(last)) = (name.first_chunk::<2>(), name.last_chunk::<2>()) {
        Some((u16::from_le_bytes(*first) as u64, u16::from_le_bytes(*last) as u64))
    } else {
        None
    }
}

/// Compares what lies between the ends of a name of more than sixteen bytes.
#[cold]
fn middle_matches(name: &[u8], known: Known) -> bool {
    name.eq_ignore_ascii_case(known.as_str().as_bytes())
}

const fn patterns() -> [Pattern; 64] {
    let mut patterns = [BLANK; 64];
    let mut id = 0;
    while id < Known::ALL.len() {
        patterns[id] = pattern(Known::ALL[id]);
        id += 1;
    }
    patterns
}

const fn slots() -> [u8; 256] {
    const FREE: u8 = Known::ALL.len() as u8;
    let patterns = patterns();
    let mut slots = [FREE; 256];
    let mut id = 0;
    while id < Known::ALL.len() {
        let slot = slot(patterns[id].first, patterns[id].last);
        assert!(slots[slot] == FREE, "two names have the same slot: find another MULTIPLIER");
        slots[slot] = id as u8;
        id += 1;
    }
    slots
}

const fn pattern(known: Known) -> Pattern {
    let name = known.as_str().as_bytes();
    assert!(name.len() >= 2 && name.len() <= u8::MAX as usize);
    let word = if name.len() >= 8 {
        8
    } else if name.len() >= 4 {
        4
    } else {
        2
    };
    let (first, first_fold) = folded(name, 0, word);
    let (last, last_fold) = folded(name, name.len() - word, word);
    Pattern { first, first_fold, last, last_fold, known, len: name.len() as u8 }
}

/// The word at `start` in lower case, and the case bits of its letters.
const fn folded(name: &[u8], start: usize, len: usize) -> (u64, u64) {
    let mut word = 0;
    let mut fold = 0;
    let mut at = 0;
    while at < len {
        let byte = name[start + at];
        word |= (byte.to_ascii_lowercase() as u64) << (8 * at);
        if byte.is_ascii_alphabetic() {
            fold |= 0x20 << (8 * at);
        }
        at += 1;
    }
    (word, fold)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn classifies_every_name_in_every_case() {
        for known in Known::ALL {
            let name = known.as_str();
            assert_eq!(Known::classify(name.as_bytes()), Some(known));
            assert_eq!(Known::classify(name.to_ascii_lowercase().as_bytes()), Some(known));
            assert_eq!(Known::classify(name.to_ascii_uppercase().as_bytes()), Some(known));
            assert_eq!(Known::from_id(known as u8), Some(known));
        }
        assert_eq!(Known::from_id(Known::ALL.len() as u8), None);
    }

    #[test]
    fn one_other_byte_is_another_name() {
        for known in Known::ALL {
            let name = known.as_str().as_bytes();
            for at in 0..name.len() {
                for byte in 0..=255u8 {
                    let mut other = name.to_vec();
                    other[at] = byte;
                    let same = other.eq_ignore_ascii_case(name);
                    assert_eq!(Known::classify(&other) == Some(known), same, "{other:?}");
                }
            }
            assert_ne!(Known::classify(&name[1..]), Some(known));
        }
        assert_eq!(Known::classify(b""), None);
        assert_eq!(Known::classify(b"x"), None);
        assert_eq!(Known::classify(&[b'a'; 300]), None);
    }
}
