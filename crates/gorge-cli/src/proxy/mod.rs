//! `gorge proxy`: a reverse proxy from one command line.
//!
//! The leanest way through the library: no routes, and no filter but the one for forwarded fields.

#[cfg_attr(not(feature = "openssl"), path = "no_secure.rs")]
mod secure;

use std::collections::HashSet;
use std::sync::Arc;

use gorge::load_balancer::{Discovery, LoadBalancer};
use gorge::protocols::Address;
use gorge::proxy::Proxy;
use gorge::proxy::filters::ForwardedHeaders;
use gorge::server::Listen;

use crate::address;
use crate::args::{Balance, ProxyArguments};
use crate::build::logs::Log;
use crate::build::{Finding, tells};
use crate::failure::Failure;
use crate::logs::Standard;
use crate::serve::serve;
use crate::settings::Settings;
use crate::target::Target;
use secure::Speaker;

/// Serves until a signal stops it.
pub(crate) fn run(arguments: &ProxyArguments) -> Result<(), Failure> {
    let settings = Settings::read(&arguments.common)?;
    refuse_loop(&arguments.to, &settings.listen)?;
    let log = Standard::open(settings.log_level.into(), arguments.access_log.0.clone())?;
    let done = start(arguments, &settings, &log);
    log.close();
    done
}

fn start(arguments: &ProxyArguments, settings: &Settings, log: &Standard) -> Result<(), Failure> {
    let speaker = Speaker::new(arguments, &log.logs.error)?;
    let (balancer, finding) = origins(arguments, &speaker, &log.logs.error);
    let proxy = Proxy::builder()
        .workers(settings.workers)
        .filter(ForwardedHeaders::new())
        .upstream(balancer)
        .observe(log.logs.error.0.clone())
        .observe(log.logs.access(&Arc::default()))
        .build()
        .map_err(|error| Failure::refused(&error))?;
    let mut listen = Listen::new(settings.listen.clone(), proxy);
    secure::listen(&mut listen, arguments, &log.logs.error)?;
    serve(settings, listen, finding, &log.logs.error)
}

/// Who is asked, and what finds those that are given by name.
fn origins(arguments: &ProxyArguments, speaker: &Speaker, log: &Log) -> (Arc<LoadBalancer>, Option<Finding>) {
    let mut discovery = Discovery::new();
    let mut peers = Vec::new();
    for target in &arguments.to {
        let make = speaker.to(target);
        if let Address::Name(host, port) = &target.address {
            discovery = discovery.name(host.clone(), *port, make);
        } else {
            let peer = make(target.address.clone()).build();
            discovery = discovery.fixed(peer.clone());
            peers.push(peer);
        }
    }
    let balancer = Arc::new(match arguments.balance {
        Balance::LeastConn => LoadBalancer::least_conn(peers),
        Balance::RoundRobin => LoadBalancer::round_robin(peers),
    });
    let finding =
        (!discovery.is_static()).then(|| (tells(discovery, "--to", log, HashSet::new()), balancer.clone()));
    (balancer, finding)
}

fn refuse_loop(to: &[Target], listen: &Address) -> Result<(), Failure> {
    match to.iter().map(|target| &target.address).find(|to| address::reaches(to, listen)) {
        None => Ok(()),
        Some(to) => Err(Failure::usage(format!(
            "--to {to} is where the proxy itself listens ({listen}), so every request would go round in a loop; \
             give the address of the origin, or listen elsewhere with --listen ADDR"
        ))),
    }
}
