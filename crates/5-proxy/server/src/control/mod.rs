//! The control socket: how `reload` and `stop` reach a process, and learn what came of it.
//!
//! One line in, `reload`, `stop` or `status`; out come `ok` or `error` on a line, then words, then the
//! end.

mod client;
mod server;

pub use client::{Answer, Verb, ask};
pub(crate) use server::Control;

/// Bytes of a line that a client may send, and more than any verb has.
const LINE: usize = 64;

/// Bytes of an answer that a client reads.
const ANSWER: u64 = 64 * 1024;

/// First line of an answer.
const OK: &str = "ok";
const ERROR: &str = "error";
