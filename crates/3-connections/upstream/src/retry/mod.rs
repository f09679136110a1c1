//! Whether a failed attempt is worth another: the rules, the budget, and both joined for one
//! upstream.

mod budget;
mod jitter;
mod policy;
mod retries;

pub use budget::{Budget, RetryBudget};
pub use policy::{RetryPolicy, Situation, Stale};
pub use retries::Retries;
