//! Trailer fields: which of them may follow the content.

use bytes::Bytes;
use gorge_http::{Headers, Known};

/// Fields that must have been there before the content or not at all (RFC 9110 6.5.1), beside
/// the known ones in [`may_trail`].
const FORBIDDEN: [&str; 4] =
    ["Access-Control-Allow-Origin", "Cookie2", "Proxy-Authentication-Info", "Set-Cookie2"];

/// Records the fields of a trailer section that the scanner found correct, but for those that
/// may not stand there.
pub(crate) fn read(section: Bytes, fields: &mut Headers) {
    let bytes = section.clone();
    fields.begin(section);
    let mut line = 0;
    while let Some(len) = memchr::memchr(b'\n', &bytes[line..]) {
        let text = &bytes[line..line + len];
        // Only the empty line has no colon.
        let Some(colon) = memchr::memchr(b':', text) else { break };
        let name = &text[..colon];
        let known = Known::classify(name);
        if may_trail(known, name) && !is_forged(name) {
            let value = &text[colon + 1..];
            let start = line + colon + 1 + (value.len() - value.trim_ascii_start().len());
            let end = start + value.trim_ascii().len();
            // Of a blank value nothing is left: it lies where the blanks end.
            fields.push_received(known, line..line + colon, start..end);
        }
        line += len + 1;
    }
}

/// Whether a field that may not stand here would be read in this one by those to whom `_` and `-`
/// are the same.
fn is_forged(name: &[u8]) -> bool {
    if memchr::memchr(b'_', name).is_none() {
        return false;
    }
    let plain: Vec<u8> = name.iter().map(|&byte| if byte == b'_' { b'-' } else { byte }).collect();
    !may_trail(Known::classify(&plain), &plain)
}

/// Whether a field may stand in a trailer section.
fn may_trail(known: Option<Known>, name: &[u8]) -> bool {
    match known {
        None => !FORBIDDEN.iter().any(|other| other.as_bytes().eq_ignore_ascii_case(name)),
        Some(known) => !matches!(
            known,
            // framing
            Known::ContentLength | Known::TransferEncoding | Known::Trailer
            // the connection, and the way of the message
            | Known::Connection | Known::KeepAlive | Known::ProxyConnection | Known::Te
            | Known::Upgrade | Known::Host | Known::Via | Known::CdnLoop | Known::MaxForwards
            | Known::Forwarded | Known::XForwardedFor | Known::XForwardedHost
            | Known::XForwardedProto | Known::XRealIp | Known::XRequestId
            // authentication and state
            | Known::Authorization | Known::ProxyAuthenticate | Known::ProxyAuthorization
            | Known::WwwAuthenticate | Known::Cookie | Known::SetCookie | Known::Origin
            | Known::StrictTransportSecurity
            // modifiers of a request
            | Known::CacheControl | Known::Pragma | Known::Expect | Known::Range
            | Known::EarlyData | Known::IfMatch | Known::IfModifiedSince | Known::IfNoneMatch
            | Known::IfRange | Known::IfUnmodifiedSince
            // control data of a response
            | Known::Age | Known::Date | Known::Expires | Known::Location
            | Known::RetryAfter | Known::Vary | Known::Warning
            // how to read the content
            | Known::ContentEncoding | Known::ContentType | Known::ContentRange
        ),
    }
}
