//! Where and how to serve: command line over environment over defaults.

use std::net::{Ipv4Addr, SocketAddr};

use gorge::protocols::Address;

use crate::args::{CommonArguments, LogLevel};
use crate::environment;
use crate::failure::Failure;

/// What is the same for every verb that serves.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    pub(crate) listen: Address,
    pub(crate) workers: usize,
    pub(crate) max_connections: usize,
    pub(crate) log_level: LogLevel,
}

impl Settings {
    /// Reads the environment for what the command line leaves open.
    pub(crate) fn read(arguments: &CommonArguments) -> Result<Self, Failure> {
        let CommonArguments { listen, workers, max_connections, log_level } =
            environment::fill(arguments, environment::variable)?;
        let runtime = gorge::runtime::Config::default();
        let server = gorge::server::Config::default();
        Ok(Self {
            listen: listen.unwrap_or_else(|| SocketAddr::from((Ipv4Addr::LOCALHOST, 8080)).into()),
            workers: workers.unwrap_or(runtime.workers),
            max_connections: max_connections.unwrap_or(server.max_connections),
            log_level: log_level.unwrap_or_default(),
        })
    }
}
