//! Malformed, ambiguous and smuggling messages, each with the answer it must get.
//!
//! One table per direction. Each row stands alone: its name says what is wrong, its section where that is written
//! (an RFC, or the class of SPEC 11), its bytes are what goes over the wire, nothing added.

#![allow(dead_code, unreachable_pub, reason = "each runner uses one of the two tables")]

pub mod requests;
pub mod responses;
