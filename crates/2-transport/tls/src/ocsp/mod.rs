//! OCSP stapling (RFC 6960, RFC 5019, RFC 6066 8): what to ask a responder, whether its answer is good, and
//! when to ask again.
//!
//! Nothing here opens a connection or looks at a clock. [`Request::for_certificate`] says what to post where,
//! [`check`] judges what came back, [`Certificate::with_ocsp`](crate::Certificate::with_ocsp) gives a
//! certificate that carries it, and [`Refresh`] says what is to be done next. An answer is held to what
//! clients hold it to, so that none is shown that makes them refuse a certificate they would take without it.

mod fault;
mod refresh;
mod request;
mod response;
mod signature;

pub use fault::Fault;
pub use refresh::{Refresh, Step};
pub use request::Request;
pub use response::{MAX_RESPONSE, Staple, check};
