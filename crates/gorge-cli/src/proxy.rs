//! `gorge proxy`: a reverse proxy from one command line.

use gorge::load_balancer::LoadBalancer;
use gorge::protocols::Address;
use gorge::proxy::Proxy;
use gorge::proxy::filters::ForwardedHeaders;
use gorge::upstream::Peer;

use crate::address;
use crate::args::{Balance, ProxyArguments};
use crate::failure::Failure;
use crate::logs::Logs;
use crate::serve::serve;
use crate::settings::Settings;

/// Serves until a signal stops it.
pub(crate) fn run(arguments: &ProxyArguments) -> Result<(), Failure> {
    let settings = Settings::read(&arguments.common)?;
    refuse_loop(&arguments.to, &settings.listen)?;
    let logs = Logs::open(settings.log_level, arguments.access_log)?;
    let builder = Proxy::builder()
        .workers(settings.workers)
        .filter(ForwardedHeaders::new())
        .upstream(balancer(arguments.balance, &arguments.to));
    let proxy = logs.build(builder)?;
    let done = serve(&settings, proxy, |_| {});
    logs.close();
    done
}

fn balancer(how: Balance, to: &[Address]) -> LoadBalancer {
    let peers = to.iter().cloned().map(Peer::new);
    match how {
        Balance::LeastConn => LoadBalancer::least_conn(peers),
        Balance::RoundRobin => LoadBalancer::round_robin(peers),
    }
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
