//! Routes: which filters and which upstream take a request, by host, path, method and fields.

mod index;
mod matching;
mod router;
mod routes;

pub use matching::{FieldPattern, FieldValue, HostPattern, Matching, PathPattern};
pub use router::{Found, Router};
pub(crate) use routes::normalize;
pub use routes::{Route, Routed, Routes};
