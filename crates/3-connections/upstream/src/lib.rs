#![doc = include_str!("../README.md")]

mod builder;
mod from_fn;
mod in_flight;
mod peer;
mod retry;
mod reuse_key;
mod state;
mod stats;
mod upstream;

pub use builder::PeerBuilder;
pub use from_fn::{FromFn, from_fn};
pub use in_flight::InFlight;
pub use peer::Peer;
pub use retry::{Budget, Retries, RetryBudget, RetryPolicy, Situation, Stale};
pub use reuse_key::ReuseKey;
pub use state::State;
pub use stats::{PeerStats, Verdict};
pub use upstream::{Upstream, default_retry};
