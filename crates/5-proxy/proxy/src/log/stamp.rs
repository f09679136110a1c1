//! The two ways in which logs write the time.

use std::io::Write;
use std::time::{SystemTime, UNIX_EPOCH};

use gorge_http::date;

const MONTHS: [&[u8; 3]; 12] =
    [b"Jan", b"Feb", b"Mar", b"Apr", b"May", b"Jun", b"Jul", b"Aug", b"Sep", b"Oct", b"Nov", b"Dec"];

/// `10/Oct/2000:13:55:36 +0000`, as the Common Log Format has it.
pub(super) fn common(out: &mut Vec<u8>) {
    // `Tue, 10 Oct 2000 13:55:36 GMT`: the same parts in another order.
    let now = date::now();
    let now: &[u8] = now.as_ref();
    out.extend_from_slice(&now[5..7]);
    out.push(b'/');
    out.extend_from_slice(&now[8..11]);
    out.push(b'/');
    out.extend_from_slice(&now[12..16]);
    out.push(b':');
    out.extend_from_slice(&now[17..25]);
    out.extend_from_slice(b" +0000");
}

/// `2000-10-10T13:55:36.123Z` (RFC 3339).
pub(super) fn rfc3339(out: &mut Vec<u8>) {
    let now = SystemTime::now();
    let millis = now.duration_since(UNIX_EPOCH).map_or(0, |since| since.subsec_millis());
    let text = date::format(now);
    let text: &[u8] = text.as_ref();
    let month = MONTHS.iter().position(|name| name[..] == text[8..11]).unwrap_or(0) + 1;
    out.extend_from_slice(&text[12..16]);
    // Writing to a Vec cannot fail.
    let _ = write!(out, "-{month:02}-");
    out.extend_from_slice(&text[5..7]);
    out.push(b'T');
    out.extend_from_slice(&text[17..25]);
    let _ = write!(out, ".{millis:03}Z");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_have_their_shape() {
        let mut out = Vec::new();
        common(&mut out);
        let text = String::from_utf8(out).unwrap();
        assert!(text.ends_with(" +0000") && text.len() == 26, "{text}");
        let mut out = Vec::new();
        rfc3339(&mut out);
        let text = String::from_utf8(out).unwrap();
        assert!(text.len() == 24 && &text[4..5] == "-" && text.ends_with('Z'), "{text}");
        assert!((1..=12).contains(&text[5..7].parse::<u32>().unwrap()));
    }
}
