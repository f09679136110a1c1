//! The two ways in which logs write the time.

use std::cell::Cell;
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
    thread_local! {
        /// The second it is of, and all up to the point. Formatted once per second and thread.
        static CACHED: Cell<(u64, [u8; 20])> = const { Cell::new((u64::MAX, [0; 20])) };
    }
    let now = SystemTime::now();
    let since = now.duration_since(UNIX_EPOCH).unwrap_or_default();
    let (second, mut text) = CACHED.get();
    if second != since.as_secs() {
        text = up_to_the_point(now);
        CACHED.set((since.as_secs(), text));
    }
    out.extend_from_slice(&text);
    let millis = since.subsec_millis();
    out.extend([millis / 100, millis / 10 % 10, millis % 10].map(|digit| b'0' + digit as u8));
    out.push(b'Z');
}

/// `2000-10-10T13:55:36.`.
fn up_to_the_point(now: SystemTime) -> [u8; 20] {
    // `Tue, 10 Oct 2000 13:55:36 GMT`.
    let date = date::format(now);
    let month = MONTHS.iter().position(|name| name[..] == date[8..11]).unwrap_or(0) as u8 + 1;
    let mut text = *b"0000-00-00T00:00:00.";
    text[..4].copy_from_slice(&date[12..16]);
    text[5..7].copy_from_slice(&[b'0' + month / 10, b'0' + month % 10]);
    text[8..10].copy_from_slice(&date[5..7]);
    text[11..19].copy_from_slice(&date[17..25]);
    text
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
        let at = |seconds| up_to_the_point(UNIX_EPOCH + std::time::Duration::from_secs(seconds));
        assert_eq!(&at(0), b"1970-01-01T00:00:00.");
        assert_eq!(&at(971_186_136), b"2000-10-10T13:55:36.");
    }
}
