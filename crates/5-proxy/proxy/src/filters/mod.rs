//! Ready filters, one file each.

mod forwarded_headers;

pub use forwarded_headers::ForwardedHeaders;
