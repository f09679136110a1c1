//! `gorge demo`: three origins in this process, a proxy before them, and a page that shows what happens.

mod filter;
mod origin;

use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};

use gorge::load_balancer::LoadBalancer;
use gorge::protocols::Address;
use gorge::proxy::Proxy;
use gorge::proxy::filters::ForwardedHeaders;
use gorge::upstream::Peer;

use crate::args::DemoArguments;
use crate::failure::Failure;
use crate::logs::Logs;
use crate::serve::serve;
use crate::settings::Settings;
use crate::terminal::say;
use filter::Demo;
use origin::{Running, Temper};

/// Serves until a signal stops it; the origins end after the proxy.
pub(crate) fn run(arguments: &DemoArguments) -> Result<(), Failure> {
    let settings = Settings::read(&arguments.common)?;
    let origins = start_origins()?;
    let logs = Logs::open(settings.log_level, arguments.access_log)?;
    let peers = origins.iter().map(|origin| Peer::new(origin.address.clone()));
    let builder = Proxy::builder()
        .workers(settings.workers)
        .filter(Demo::new(&origins))
        .filter(ForwardedHeaders::new())
        .upstream(LoadBalancer::round_robin(peers));
    let proxy = logs.build(builder)?;
    let done = serve(&settings, proxy, |address| greet(address, &origins));
    logs.close();
    done
}

fn start_origins() -> Result<Vec<Running>, Failure> {
    let started: gorge::error::Result<Vec<_>> = Temper::ALL.into_iter().map(origin::start).collect();
    started.map_err(|error| Failure::configuration(format!("the origins do not start: {error:#}")))
}

/// What runs where, and what to try.
fn greet(address: &Address, origins: &[Running]) {
    say("three origins, and a proxy before them:");
    for origin in origins {
        say(format_args!("  {:<8}{:<18}{}", origin.name(), origin.address, origin.habit()));
    }
    let (curl, url) = match address {
        Address::Ip(addr) => ("curl".to_owned(), format!("http://{}", reachable(*addr))),
        // Nobody listens on a name, but it would be reached like this.
        Address::Name(..) => ("curl".to_owned(), format!("http://{address}")),
        Address::Unix(path) => (format!("curl --unix-socket {}", path.display()), "http://demo".to_owned()),
        Address::Abstract(name) => {
            (format!("curl --abstract-unix-socket {}", name.escape_ascii()), "http://demo".to_owned())
        }
    };
    say(format_args!(
        "look at {url}/ with a browser, or try in another terminal:\n\
         \x20 {curl} -i {url}/api/hello             # who answers, and who was asked before\n\
         \x20 {curl} -s '{url}/api/hello?[1-9]'     # each in its turn; what fails is asked elsewhere\n\
         \x20 {curl} -i -d x {url}/api/hello        # a POST is never repeated: one in nine fails"
    ));
}

/// An address to type into a browser: the one that means every address is none.
fn reachable(mut addr: SocketAddr) -> SocketAddr {
    match addr {
        SocketAddr::V4(v4) if v4.ip().is_unspecified() => addr.set_ip(Ipv4Addr::LOCALHOST.into()),
        SocketAddr::V6(v6) if v6.ip().is_unspecified() => addr.set_ip(Ipv6Addr::LOCALHOST.into()),
        _ => {}
    }
    addr
}
