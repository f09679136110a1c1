//! From a parser's verdict to an error with a status.

use gorge_error::{Error, Kind};
use gorge_http_parser::Reject;

/// The error for a request head that breaks the rules: its kind calls for the status the rule has.
pub(crate) fn error(reject: Reject) -> Error {
    let kind = match reject.reason.status() {
        413 => Kind::BodyTooLarge,
        414 => Kind::UriTooLong,
        431 => Kind::HeadTooLarge,
        501 => Kind::NotImplemented,
        505 => Kind::VersionUnsupported,
        _ => Kind::HeadInvalid,
    };
    Error::because(kind, "the request was rejected", reject).into_downstream()
}

/// The same for the framing of a request body.
pub(crate) fn body_error(reject: Reject) -> Error {
    let kind = if reject.reason.status() == 413 { Kind::BodyTooLarge } else { Kind::FramingInvalid };
    Error::because(kind, "the request body was rejected", reject).into_downstream()
}
