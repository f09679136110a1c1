#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

mod blame;
mod chain;
mod context;
mod error;
mod io;
mod kind;
mod or_err;

pub use blame::{Fault, Retryable};
pub use context::Context;
pub use error::Error;
pub use kind::Kind;
pub use or_err::OrErr;

/// What may fail returns; the success path carries one extra pointer at most and allocates nothing.
pub type Result<T, E = Error> = std::result::Result<T, E>;
