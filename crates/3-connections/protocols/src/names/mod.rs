//! Names: asking for the addresses behind them, remembering the answers, and connecting to the first
//! address that takes a connection.

mod answer;
mod asker;
mod cache;
#[cfg(test)]
mod cache_model;
mod eyeballs;
mod failure;
mod options;
mod resolver;
mod sources;

pub use answer::{Answer, Family, Service, Services};
pub use eyeballs::connect_any;
pub use options::{ResolverOptions, ResolverStats};
pub use resolver::Resolver;

pub(crate) use eyeballs::connect_by_name;
