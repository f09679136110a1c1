//! `[upstream.NAME]`: servers that cannot be, loops, options without effect.

use std::collections::{HashMap, HashSet};

use gorge::protocols::Address;

use super::without_effect;
use crate::address;
use crate::config::diagnostic::Diagnostic;
use crate::config::model::{Config, ListenTable, PoolTable, RetryTable, UpstreamTable};
use crate::config::span::Span;
use crate::config::value::{Name, ServerAddress, Source};

pub(super) fn check(config: &Config, found: &mut Vec<Diagnostic>) {
    let listens = Listens::new(&config.listen);
    for (name, upstream) in &config.upstream.entries {
        servers(&name.value, upstream, found);
        for server in &upstream.servers {
            let address = &server.value.address;
            if let ServerAddress::Address(to) = &address.value
                && let Some(listen) = listens.reached_by(to)
            {
                let mistake = Diagnostic::error(format!(
                    "{to} is where the proxy itself listens: requests would go round in a loop"
                ));
                found.push(
                    mistake
                        .at(address.span)
                        .label(listen, "listened on here")
                        .help("give the address of the origin"),
                );
            }
        }
        options(upstream, found);
        pool(&upstream.pool, found);
        retry(&upstream.retry, found);
        if is_one_server(upstream) {
            let why = "they lead to another server, and there is only this one";
            without_effect(&upstream.retry.place, "statuses", why, found);
        }
    }
}

fn servers(name: &Name, upstream: &UpstreamTable, found: &mut Vec<Diagnostic>) {
    let all = &upstream.servers;
    let at = upstream.place.value("servers").unwrap_or(upstream.place.span);
    if !upstream.place.is_sound("servers") {
        return;
    }
    if all.is_empty() {
        let mistake = Diagnostic::error(format!("the upstream `{}` has no servers", name.0)).at(at);
        found.push(mistake.help("give at least one, as in servers = [\"127.0.0.1:9001\"]"));
        return;
    }
    if all.iter().all(|server| server.value.weight == 0) {
        let mistake = Diagnostic::error("all weights are 0, so no server would be asked").at(at);
        found.push(mistake.help("give those that are to work a weight of 1 or more"));
    } else if all.iter().all(|server| server.value.backup) {
        let mistake = Diagnostic::warning("every server is a backup, so none is, and all are asked").at(at);
        found.push(mistake.help("leave out `backup` where it is not meant"));
    }
    let mut seen: HashMap<&ServerAddress, Span> = HashMap::new();
    for server in all {
        let address = &server.value.address;
        if let Some(before) = seen.insert(&address.value, address.span) {
            let mistake = Diagnostic::error("this server is in the list twice")
                .at(address.span)
                .label(before, "first here");
            found.push(mistake.help("to give it more of the work, write { address = \"...\", weight = 2 }"));
        }
    }
}

/// Whether there is one server only, and no name that may stand for several.
fn is_one_server(upstream: &UpstreamTable) -> bool {
    match upstream.servers.as_slice() {
        _ if !upstream.place.is_sound("servers") => false,
        [one] => {
            matches!(&one.value.address.value, ServerAddress::Address(address) if !matches!(address, Address::Name(..)))
        }
        _ => false,
    }
}

fn options(upstream: &UpstreamTable, found: &mut Vec<Diagnostic>) {
    let place = &upstream.place;
    let addresses = || upstream.servers.iter().map(|server| &server.value.address);
    let is_named = |address: &ServerAddress| {
        matches!(address, ServerAddress::Service(_) | ServerAddress::Address(Address::Name(..)))
    };
    let is_unix = |address: &ServerAddress| {
        matches!(address, ServerAddress::Address(Address::Unix(_) | Address::Abstract(_)))
    };
    if upstream.servers.is_empty() || !place.is_sound("servers") {
        return;
    }
    if !addresses().any(|address| is_named(&address.value)) {
        without_effect(place, "family", "no server is given by name", found);
    }
    if addresses().all(|address| is_unix(&address.value)) {
        without_effect(place, "source", "all servers are Unix sockets", found);
    }
    if is_one_server(upstream) {
        without_effect(place, "balance", "there is only one server", found);
        let server = &upstream.servers[0].value;
        without_effect(&server.place, "weight", "there is only one server", found);
    }
    if let Some(Source::Address(from)) = upstream.source {
        for address in addresses() {
            if let ServerAddress::Address(Address::Ip(to)) = &address.value
                && to.is_ipv4() != from.is_ipv4()
            {
                let mistake =
                    Diagnostic::error(format!("{to} cannot be reached from {from}: one is IPv4, one IPv6"));
                found.push(
                    mistake.at(address.span).label(place.value("source").unwrap_or(place.span), "from here"),
                );
            }
        }
    }
}

fn pool(pool: &PoolTable, found: &mut Vec<Diagnostic>) {
    if pool.min_idle > pool.max_idle {
        let message = format!("`min_idle` is {}, and `max_idle` only {}", pool.min_idle, pool.max_idle);
        let span = pool.place.value("min_idle").or_else(|| pool.place.value("max_idle"));
        found.push(Diagnostic::error(message).at(span.unwrap_or(pool.place.span)));
    }
    if pool.max_idle == 0 {
        for key in ["idle", "max_age", "max_uses"] {
            without_effect(&pool.place, key, "no connection is kept, as `max_idle` is 0", found);
        }
    }
}

/// What is wrong with rules for further attempts, of an upstream or of a route.
pub(super) fn retry(retry: &RetryTable, found: &mut Vec<Diagnostic>) {
    if retry.factor < 1.0 {
        let mistake =
            Diagnostic::error("`factor` must be 1 or more, or pauses would become shorter and shorter");
        found.push(mistake.at(retry.place.value("factor").unwrap_or(retry.place.span)));
    }
    if retry.backoff > retry.max_backoff {
        let span = retry.place.value("backoff").or_else(|| retry.place.value("max_backoff"));
        let mistake = Diagnostic::warning("`backoff` is longer than `max_backoff`, which is what holds");
        found.push(mistake.at(span.unwrap_or(retry.place.span)));
    }
    if retry.attempts == 1 {
        for key in ["statuses", "backoff", "factor", "max_backoff", "budget", "stale"] {
            without_effect(&retry.place, key, "no attempt is repeated, as `attempts` is 1", found);
        }
    }
}

/// Upstreams that no route names.
pub(super) fn unused(config: &Config, found: &mut Vec<Diagnostic>) {
    let used: HashSet<_> =
        config.route.iter().filter_map(|route| route.upstream.as_ref()).map(|name| &name.value).collect();
    for (name, _) in config.upstream.entries.iter().filter(|(name, _)| !used.contains(&name.value)) {
        let mistake =
            Diagnostic::warning(format!("no route uses the upstream `{}`", name.value.0)).at(name.span);
        found.push(
            mistake.help(format!("write upstream = \"{}\" in a [[route]], or leave it out", name.value.0)),
        );
    }
}

/// Where we listen, by port, as there may be many upstreams.
struct Listens<'a> {
    ports: HashMap<u16, Vec<&'a ListenTable>>,
    others: HashMap<&'a Address, Span>,
}

impl<'a> Listens<'a> {
    fn new(listens: &'a [ListenTable]) -> Self {
        let mut all = Self { ports: HashMap::new(), others: HashMap::new() };
        for listen in listens {
            match &listen.address.value.0 {
                Address::Ip(address) => all.ports.entry(address.port()).or_default().push(listen),
                address => drop(all.others.insert(address, listen.address.span)),
            }
        }
        all
    }

    /// The listener that takes what is sent to `to`.
    fn reached_by(&self, to: &Address) -> Option<Span> {
        let port = match to {
            Address::Ip(address) => address.port(),
            Address::Name(_, port) => *port,
            _ => return self.others.get(to).copied(),
        };
        let mut listens = self.ports.get(&port)?.iter();
        let reached = listens.find(|listen| address::reaches(to, &listen.address.value.0));
        reached.map(|listen| listen.address.span)
    }
}
