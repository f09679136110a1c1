//! Clients that speak HTTP in the clear where TLS is spoken.

use gorge_async_io::Stream;

use crate::wire::Wire;

/// What requests begin with: as much of a method as is looked at.
const BEGINNINGS: [&[u8]; 10] =
    [b"GET ", b"HEAD ", b"POST ", b"PUT ", b"PATCH", b"DELET", b"OPTIO", b"CONNE", b"TRACE", b"PRI *"];

const ANSWER: &str = "HTTP/1.1 400 Bad Request\r\n\
    Content-Type: text/plain; charset=utf-8\r\n\
    Content-Length: 88\r\n\
    Connection: close\r\n\
    \r\n\
    This port speaks HTTPS. The request came in plain HTTP: write https:// in place of it.\r\n";

/// Whether a connection that begins so speaks HTTP.
pub(super) fn is(first: &[u8]) -> bool {
    BEGINNINGS.iter().any(|beginning| first.starts_with(beginning))
}

/// Answers with 400, in place of what the library would say.
pub(super) fn answer<S: Stream>(wire: &mut Wire<S>) {
    wire.unsay();
    wire.queue(ANSWER.as_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_answer_is_as_long_as_it_says() {
        let (_, body) = ANSWER.split_once("\r\n\r\n").unwrap();
        assert!(ANSWER.contains(&format!("Content-Length: {}\r\n", body.len())), "{}", body.len());
    }

    #[test]
    fn requests_are_told_from_records() {
        for first in ["GET /", "HEAD ", "POST ", "PRI *", "DELET"] {
            assert!(is(first.as_bytes()), "{first}");
        }
        for first in [&b"\x16\x03\x01\x02\x00"[..], b"", b"GETTY", b"get /", b"SSH-2"] {
            assert!(!is(first));
        }
    }
}
