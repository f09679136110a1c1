//! The errors of an upstream: each with its kind, all with its fault.

use std::io;

use gorge_error::{Error, Kind};
use gorge_http_parser::Reject;

/// A response head that breaks a rule that the parser does not know.
pub(crate) fn broken(context: &'static str) -> Error {
    Error::explain(Kind::HeadInvalid, context).into_upstream()
}

pub(crate) fn head_rejected(reject: Reject) -> Error {
    let kind = match reject.reason.status() {
        413 => Kind::BodyTooLarge,
        431 => Kind::HeadTooLarge,
        501 => Kind::NotImplemented,
        505 => Kind::VersionUnsupported,
        _ => Kind::HeadInvalid,
    };
    Error::because(kind, "the response was rejected", reject).into_upstream()
}

pub(crate) fn body_rejected(reject: Reject) -> Error {
    let kind = if reject.reason.status() == 413 { Kind::BodyTooLarge } else { Kind::FramingInvalid };
    Error::because(kind, "the response body is broken", reject).into_upstream()
}

pub(crate) fn closed(context: &'static str) -> Error {
    Error::explain(Kind::ClosedEarly, context).into_upstream()
}

pub(crate) fn read_failed(error: io::Error) -> Error {
    let context = match error.kind() {
        io::ErrorKind::UnexpectedEof => {
            "the upstream's TLS ended without a close_notify, so what came may be cut"
        }
        _ => "reading from the upstream failed",
    };
    Error::because(Kind::of_read(&error), context, error).into_upstream()
}

pub(crate) fn write_failed(error: io::Error) -> Error {
    Error::because(Kind::of_write(&error), "writing to the upstream failed", error).into_upstream()
}

pub(crate) fn too_large(context: &'static str) -> Error {
    Error::explain(Kind::BodyTooLarge, context).into_upstream()
}

/// A request that cannot be made at all.
pub(crate) fn unspeakable(context: &'static str) -> Error {
    Error::explain(Kind::Configuration, context).into_internal()
}
