//! Answers the proxy makes itself, and the fields that say why.

use std::fmt::Write;

use gorge_error::{Error, Fault, Kind};
use gorge_filter::Response;
use gorge_http::{Known, Status};

use crate::heads::ALLOW;

/// Bytes of an error's text that go into `Proxy-Status`.
const DETAILS: usize = 256;

/// The status for an error: that of its kind and fault. `None`: the client is gone, nobody would
/// read an answer.
pub(crate) fn status(error: &Error) -> Option<Status> {
    match error.status() {
        499 => None,
        // Cannot fail: the kinds' statuses lie between 200 and 599.
        status => Some(Status::new(status).unwrap_or(Status::INTERNAL_SERVER_ERROR)),
    }
}

/// Adds what such an answer has to say: `Proxy-Status` (RFC 9209), and `Allow` with a 405. `inside`:
/// whether the client may know what is behind the proxy.
pub(crate) fn explain(response: &mut Response, error: &Error, name: &str, inside: bool) {
    let headers = &mut response.head.headers;
    // None of these can fail: every byte is put into a form that a field value may hold.
    let _ = headers.append(Known::ProxyStatus, proxy_status(error, name, inside));
    if error.kind() == Kind::MethodNotAllowed {
        let _ = headers.append(Known::Allow, ALLOW);
    }
}

/// `gorge; error=connection_refused; details="..."`, as a structured field (RFC 9651).
fn proxy_status(error: &Error, name: &str, inside: bool) -> String {
    let mut value = format!("{name}; error={}; details=\"", error.proxy_status());
    let text = match error.fault() {
        _ if inside => format!("{error:#}"),
        // What is wrong with the client's own request, but not what caused that here.
        Fault::Downstream => error.to_string(),
        _ => error.kind().name().to_owned(),
    };
    let end = value.len() + DETAILS;
    for c in text.chars() {
        if value.len() >= end {
            value.push_str("...");
            break;
        }
        match c {
            '"' | '\\' => {
                value.push('\\');
                value.push(c);
            }
            ' '..='~' => value.push(c),
            // A string of a structured field is ASCII; the log has the whole text.
            _ => {
                let _ = write!(value, "?");
            }
        }
    }
    value.push('"');
    value
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn details_are_a_quoted_ascii_string() {
        let error = Error::explain(Kind::ConnectRefused, "say \"h\u{e9}\"\r\nX: y\\");
        let value = proxy_status(&error, "gorge", true);
        assert!(value.starts_with("gorge; error=connection_refused; details=\""), "{value}");
        assert!(value.contains(r#"say \"h?\"\\r\\nX: y"#), "{value}");
        assert!(value.ends_with('"'));
    }

    #[test]
    fn the_inside_is_told_only_when_asked_for() {
        let error = Error::explain(Kind::ConnectRefused, "connect to 10.1.2.3:9").into_upstream();
        let value = proxy_status(&error, "gorge", false);
        assert_eq!(value, r#"gorge; error=connection_refused; details="connect_refused""#);
        assert!(proxy_status(&error, "gorge", true).contains("10.1.2.3:9"));
        let cause = std::io::Error::other("open 10.1.2.3");
        let error = Error::because(Kind::HeadInvalid, "a space before the colon", cause).into_downstream();
        let value = proxy_status(&error, "gorge", false);
        assert!(value.contains("a space before the colon") && !value.contains("10.1.2.3"), "{value}");
    }
}
