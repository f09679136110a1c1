//! From a proxy to a process that serves, tells what it does, and stops when asked to.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use gorge::error::Error;
use gorge::protocols::Address;
use gorge::server::{Config, Listen, Server, Service};
use parking_lot::Mutex;

use crate::build::Finding;
use crate::build::logs::Log;
use crate::failure::Failure;
use crate::process;
use crate::run::names::Names;
use crate::settings::Settings;
use crate::terminal::say;

/// Descriptors asked for, whatever the number of connections.
const OPEN_FILES: u64 = 65_535;

/// Serves until a signal has stopped it. Peers that are given by name are there when it begins.
pub(crate) fn serve(
    settings: &Settings,
    listen: Listen,
    finding: Option<Finding>,
    log: &Log,
) -> Result<(), Failure> {
    if let Some(warning) = process::raise_limit(settings.max_connections, OPEN_FILES, "--max-connections") {
        say(format_args!("warning: {warning}"));
    }
    let config = Config {
        runtime: gorge::runtime::Config { workers: settings.workers, ..Default::default() },
        max_connections: settings.max_connections,
        ..Config::default()
    };
    let grace = config.grace;
    let mut server = Server::new(config);
    let address = bind(&mut server, listen)?;
    let names = find(&mut server, finding);
    tell_of_stop(&mut server, grace);
    let refusing = log.clone();
    server.on_refusal(move |refusal| refusing.refused(refusal));
    let stopped = server.serve(|_| announce(&address, grace));
    drop(names);
    say(process::last_words(&stopped.map_err(|error| Failure::refused(&error))?));
    Ok(())
}

/// Returns where it listens, with the port that the kernel chose.
fn bind(server: &mut Server, mut listen: Listen) -> Result<Address, Failure> {
    // Somebody sits before the terminal and would rather know at once than wait for the address.
    listen.options.bind_tries = 1;
    let asked = listen.address.clone();
    let bound = server.add(Service::new("proxy").listen(listen));
    let bound = bound.map_err(|error| cannot_listen(&asked, &error))?;
    Ok(bound.into_iter().next().unwrap_or(asked))
}

/// What to say when an address of the command line is not to be had.
pub(crate) fn cannot_listen(address: &Address, error: &Error) -> Failure {
    let hint = hint(address, error.cause().map(io::Error::kind));
    Failure::bind(format!("cannot listen on {address}: {}\n{hint}", error.root_cause()))
}

/// Looks for peers for as long as the returned value is there.
fn find(server: &mut Server, finding: Option<Finding>) -> Arc<Mutex<Names>> {
    let names = Arc::new(Mutex::new(Names::default()));
    let kept = names.clone();
    server.on_start(move |running| {
        *kept.lock() = Names::start(finding.into_iter().collect(), running.workers());
        Ok(())
    });
    names
}

/// What to do about an address that is not to be had.
fn hint(address: &Address, kind: Option<io::ErrorKind>) -> &'static str {
    match (address, kind) {
        (Address::Ip(_), Some(io::ErrorKind::AddrInUse)) => {
            "Another program listens there: stop it, or choose another port, as in --listen 127.0.0.1:8081; \
             port 0 takes any that is free."
        }
        (Address::Ip(_), Some(io::ErrorKind::PermissionDenied)) => {
            "Ports below 1024 take the right CAP_NET_BIND_SERVICE: choose a higher one, as in \
             --listen 127.0.0.1:8080."
        }
        (Address::Ip(_), Some(io::ErrorKind::AddrNotAvailable)) => {
            "This machine does not have that address: use 127.0.0.1 to be reached from here alone, \
             0.0.0.0 to be reached from everywhere, as in --listen 0.0.0.0:8080."
        }
        (Address::Ip(_), _) => "Choose another address, as in --listen 127.0.0.1:8080.",
        (_, Some(io::ErrorKind::NotFound | io::ErrorKind::PermissionDenied)) => {
            "The folder must exist and let this user write: choose another, as in --listen unix:/tmp/gorge.sock."
        }
        _ => "Choose another name, as in --listen unix:/tmp/gorge.sock.",
    }
}

fn announce(address: &Address, grace: Duration) {
    say(format_args!(
        "listening on {address}\n\
         TERM or Ctrl-C stops once all exchanges have ended, after {} s at the latest; a second one at once",
        grace.as_secs()
    ));
}

/// Says when the stop begins.
fn tell_of_stop(server: &mut Server, grace: Duration) {
    server.on_stop(move |running| {
        let (open, grace) = (running.connections().open(), grace.as_secs());
        say(format_args!(
            "stopping; open connections: {open}, cut off after {grace} s or at the next TERM or Ctrl-C"
        ));
    });
}
