//! Ready filters, one file each.
//!
//! Each is made by a small builder, and whatever could not work is an error there, never later. A filter
//! that refuses a request ends it with an [`Error`], so that the error page, the log
//! and the counters know of it; one that answers gives a response.

mod access_list;
mod auth;
mod body_limit;
mod client;
mod cors;
mod deadline;
mod forwarded_headers;
mod header_edit;
mod inflight;
mod maintenance;
mod method_guard;
mod no_upgrade;
mod ready;
mod redirect;
mod refused;
mod request_id;
mod respond;
mod rewrite;
mod scratch;
mod security_headers;
mod template;
mod tls_fact;

pub use access_list::AccessList;
pub use auth::{BasicAuth, BearerAuth};
pub use body_limit::BodyLimit;
pub use cors::Cors;
pub use deadline::Deadline;
pub use forwarded_headers::ForwardedHeaders;
pub use header_edit::{RequestHeaderEdit, ResponseHeaderEdit};
pub use inflight::Inflight;
pub use maintenance::Maintenance;
pub use method_guard::MethodGuard;
pub use no_upgrade::NoUpgrade;
pub use ready::Ready;
pub use redirect::Redirect;
pub use request_id::RequestId;
pub use respond::Respond;
pub use rewrite::Rewrite;
pub use security_headers::SecurityHeaders;

use gorge_error::{Error, Kind};

/// A setting that cannot be used.
fn refuse(why: impl Into<gorge_error::Context>) -> Error {
    Error::explain(Kind::Configuration, why).into_internal()
}

/// What was checked when the filter was made turned out wrong, or a head has grown beyond all bounds.
fn internal(error: impl std::error::Error + Send + Sync + 'static) -> Error {
    Error::because(Kind::Internal, "a ready filter could not edit a head", error).into_internal()
}
