#![doc = include_str!("../README.md")]

mod algorithm;
mod balancer;
mod discovery;
mod least_conn;
mod round_robin;
mod set;
mod smooth;

pub use algorithm::{Algorithm, Candidates, Selector};
pub use balancer::LoadBalancer;
pub use discovery::{Discovery, DiscoveryEvent};
pub use least_conn::LeastConn;
pub use round_robin::RoundRobin;
