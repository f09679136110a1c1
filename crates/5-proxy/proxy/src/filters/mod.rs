//! Ready filters, one file each.

mod forwarded_headers;
mod ready;

pub use forwarded_headers::ForwardedHeaders;
pub use ready::Ready;
