//! Dates as HTTP writes them (RFC 9110 5.6.7).

use std::cell::Cell;
use std::io::Write;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// A date in the one format that is written, `Sun, 06 Nov 1994 08:49:37 GMT`: always ASCII.
pub type Formatted = [u8; 29];

/// 9999-12-31T23:59:59Z, the last second that four digits of a year can tell.
const LAST: u64 = 253_402_300_799;

/// Writes `time` in the preferred format. What lies before 1970 or after 9999 is moved to the
/// nearer end, as there is no way to write it.
pub fn format(time: SystemTime) -> Formatted {
    format_seconds(seconds(time))
}

/// Reads a date in any of the three formats: IMF-fixdate, RFC 850 or asctime.
pub fn parse(value: &[u8]) -> Option<SystemTime> {
    httpdate::parse_http_date(std::str::from_utf8(value).ok()?).ok()
}

/// The current date. Formatted once per second and thread.
pub fn now() -> Formatted {
    thread_local! {
        static CACHED: Cell<(u64, Formatted)> = Cell::new((0, format_seconds(0)));
    }
    let now = seconds(SystemTime::now());
    CACHED.with(|cached| {
        let (second, formatted) = cached.get();
        if second == now {
            return formatted;
        }
        let formatted = format_seconds(now);
        cached.set((now, formatted));
        formatted
    })
}

fn seconds(time: SystemTime) -> u64 {
    time.duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs()).min(LAST)
}

fn format_seconds(seconds: u64) -> Formatted {
    let mut out = *b"Thu, 01 Jan 1970 00:00:00 GMT";
    let date = httpdate::HttpDate::from(UNIX_EPOCH + Duration::from_secs(seconds));
    // Cannot fail: from 1970 to 9999 all dates have 29 bytes. If it did, the epoch stands there.
    let _ = write!(&mut out[..], "{date}");
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> SystemTime {
        UNIX_EPOCH + Duration::from_secs(seconds)
    }

    #[test]
    fn reads_the_three_formats_of_rfc_9110_5_6_7() {
        for text in
            ["Sun, 06 Nov 1994 08:49:37 GMT", "Sunday, 06-Nov-94 08:49:37 GMT", "Sun Nov  6 08:49:37 1994"]
        {
            assert_eq!(parse(text.as_bytes()), Some(at(784_111_777)), "{text}");
        }
    }

    #[test]
    fn refuses_what_is_no_date() {
        for text in [
            &b""[..],
            b"0",
            b"-1",
            b"Sun, 06 Nov 1994 08:49:37",
            b"Sun, 31 Feb 1994 08:49:37 GMT",
            b"Sun, 06 Nov 1994 25:49:37 GMT",
            b"Sun, 06 Nov 1994 08:49:37 CET",
            b"1994-11-06T08:49:37Z",
            b"\xFF",
        ] {
            assert_eq!(parse(text), None, "{}", text.escape_ascii());
        }
    }

    #[test]
    fn writes_what_it_reads() {
        assert_eq!(&format(at(784_111_777)), b"Sun, 06 Nov 1994 08:49:37 GMT");
        for seconds in [0, 951_782_400, 1_709_208_000, LAST] {
            assert_eq!(parse(&format(at(seconds))), Some(at(seconds)));
        }
    }

    #[test]
    fn times_that_cannot_be_written_are_clamped() {
        assert_eq!(format(UNIX_EPOCH - Duration::from_secs(5)), format(UNIX_EPOCH));
        assert_eq!(&format(at(LAST + 5)), b"Fri, 31 Dec 9999 23:59:59 GMT");
    }

    #[test]
    fn now_is_now() {
        let before = seconds(SystemTime::now());
        let now = seconds(parse(&now()).unwrap());
        assert!(before <= now && now <= seconds(SystemTime::now()));
    }
}
