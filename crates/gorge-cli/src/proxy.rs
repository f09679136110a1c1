//! `gorge proxy`: a reverse proxy from one command line.
//!
//! The leanest way through the library: no routes, and no filter but the one for forwarded fields.

use std::collections::HashSet;
use std::sync::Arc;

use gorge::load_balancer::{Discovery, LoadBalancer};
use gorge::protocols::Address;
use gorge::proxy::Proxy;
use gorge::proxy::filters::ForwardedHeaders;
use gorge::upstream::Peer;

use crate::address;
use crate::args::{Balance, ProxyArguments};
use crate::build::logs::Log;
use crate::build::{Finding, tells};
use crate::failure::Failure;
use crate::logs::Standard;
use crate::serve::serve;
use crate::settings::Settings;

/// Serves until a signal stops it.
pub(crate) fn run(arguments: &ProxyArguments) -> Result<(), Failure> {
    let settings = Settings::read(&arguments.common)?;
    refuse_loop(&arguments.to, &settings.listen)?;
    let log = Standard::open(settings.log_level.into(), arguments.access_log.0.clone())?;
    let (balancer, finding) = origins(arguments.balance, &arguments.to, &log.logs.error);
    let proxy = Proxy::builder()
        .workers(settings.workers)
        .filter(ForwardedHeaders::new())
        .upstream(balancer)
        .observe(log.logs.error.0.clone())
        .observe(log.logs.access(&Arc::default()))
        .build()
        .map_err(|error| Failure::refused(&error))?;
    let done = serve(&settings, proxy, finding);
    log.close();
    done
}

/// Who is asked, and what finds those that are given by name.
fn origins(how: Balance, to: &[Address], log: &Log) -> (Arc<LoadBalancer>, Option<Finding>) {
    let mut discovery = Discovery::new();
    let mut peers = Vec::new();
    for address in to {
        if let Address::Name(host, port) = address {
            discovery = discovery.name(host.clone(), *port, Peer::builder);
        } else {
            let peer = Peer::new(address.clone());
            discovery = discovery.fixed(peer.clone());
            peers.push(peer);
        }
    }
    let balancer = Arc::new(match how {
        Balance::LeastConn => LoadBalancer::least_conn(peers),
        Balance::RoundRobin => LoadBalancer::round_robin(peers),
    });
    let finding =
        (!discovery.is_static()).then(|| (tells(discovery, "--to", log, HashSet::new()), balancer.clone()));
    (balancer, finding)
}

fn refuse_loop(to: &[Address], listen: &Address) -> Result<(), Failure> {
    match to.iter().find(|to| address::reaches(to, listen)) {
        None => Ok(()),
        Some(to) => Err(Failure::usage(format!(
            "--to {to} is where the proxy itself listens ({listen}), so every request would go round in a loop; \
             give the address of the origin, or listen elsewhere with --listen ADDR"
        ))),
    }
}
