//! `[upstream.NAME]` into a balancer and whatever finds its peers.

use std::collections::{HashMap, HashSet};
use std::net::SocketAddr;
use std::sync::Arc;

use gorge::error::{Kind, OrErr, Result};
use gorge::filter::UpstreamTimeouts;
use gorge::load_balancer::{Discovery, DiscoveryEvent, LoadBalancer};
use gorge::pool::Options;
use gorge::protocols::proxy_protocol::Version;
use gorge::protocols::{Address, ConnectOptions, Resolver};
use gorge::proxy::Level;
use gorge::upstream::{Budget, Peer, PeerBuilder, RetryPolicy, ReuseKey};

use crate::build::logs::Log;
use crate::config::value::{Balance, HostMode, ProxyVersion, ServerAddress, Source};
use crate::config::{RetryTable, ServerEntry, UpstreamTable};

/// A balancer, and what keeps its peers up to date if any is given by name.
pub(crate) struct Built {
    pub(crate) balancer: Arc<LoadBalancer>,
    pub(crate) discovery: Option<Discovery>,
}

/// Builds what a table says. Peers that `before` has too go on as the same.
pub(crate) fn build(
    name: &str,
    table: &UpstreamTable,
    before: Option<&LoadBalancer>,
    resolver: &Resolver,
    log: &Log,
) -> Result<Built> {
    let known = Known::of(before);
    let mut discovery = Discovery::new().resolver(resolver.clone()).family(table.family);
    let mut peers = Vec::new();
    #[cfg(feature = "openssl")]
    let connector = table.tls.as_ref().map(super::tls::connector).transpose()?;
    for server in &table.servers {
        #[cfg_attr(not(feature = "openssl"), expect(unused_mut, reason = "TLS alone is added"))]
        let mut make = Template::new(table, &server.value)?;
        #[cfg(feature = "openssl")]
        if let (Some(connector), Some(tls)) = (&connector, &table.tls) {
            let name = crate::tls::name(table, tls, &server.value.address.value);
            make.tls = Some((connector.clone(), name));
        }
        match &server.value.address.value {
            ServerAddress::Address(Address::Name(host, port)) => {
                let (host, port) = (host.clone(), *port);
                discovery = discovery.name(host, port, move |address| make.peer(address));
            }
            ServerAddress::Address(address) => {
                let peer = known.again(make.peer(address.clone()).build());
                discovery = discovery.fixed(peer.clone());
                peers.push(peer);
            }
            ServerAddress::Service(service) => {
                discovery = discovery.service(service.as_str(), move |address| make.peer(address));
            }
        }
    }
    let discovery = (!discovery.is_static()).then_some(discovery);
    if discovery.is_some() {
        // Until the names are asked for, those serve that served before.
        let fixed: HashSet<_> = peers.iter().map(|peer: &Peer| peer.id()).collect();
        peers.extend(known.0.values().filter(|peer| !fixed.contains(&peer.id())).cloned());
    }
    let balancer = match table.balance {
        Balance::LeastConn => LoadBalancer::least_conn(peers),
        Balance::RoundRobin => LoadBalancer::round_robin(peers),
    };
    let balancer = Arc::new(balancer.retry(retry(&table.retry)));
    let known = known.0.values().filter_map(|peer| peer.digest_address().socket_addr()).collect();
    let discovery = discovery.map(|discovery| tells(discovery, &format!("upstream {name}"), log, known));
    Ok(Built { balancer, discovery })
}

/// Writes what becomes of names to the error log. That it finds what was `known` before a reload is
/// nothing to tell.
pub(crate) fn tells(discovery: Discovery, who: &str, log: &Log, known: HashSet<SocketAddr>) -> Discovery {
    let (who, log) = (who.to_owned(), log.clone());
    discovery.on_event(move |event| match event {
        DiscoveryEvent::Changed { added, removed: [], .. }
            if added.iter().all(|address| known.contains(address)) => {}
        DiscoveryEvent::Changed { name, added, removed } => {
            let text = format!("{who}: {name} has changed{}{}", list(" +", added), list(" -", removed));
            log.note(Level::Info, text);
        }
        DiscoveryEvent::Failed { name, why, kept: 0 } => {
            log.note(Level::Error, format!("{who}: no address for {name}: {why}"));
        }
        DiscoveryEvent::Failed { name, why, kept } => {
            let text = format!("{who}: {name} goes on with its {kept} old addresses: {why}");
            log.note(Level::Warn, text);
        }
        DiscoveryEvent::Recovered { name } => {
            log.note(Level::Info, format!("{who}: {name} can be resolved again"));
        }
        _ => {}
    })
}

fn list(sign: &str, addresses: &[SocketAddr]) -> String {
    addresses.iter().map(|address| format!("{sign}{address}")).collect()
}

/// The peers of a balancer that this one follows.
struct Known(HashMap<ReuseKey, Peer>);

impl Known {
    fn of(balancer: Option<&LoadBalancer>) -> Self {
        let peers = balancer.map(LoadBalancer::peers).unwrap_or_default();
        Self(peers.into_iter().map(|peer| (peer.reuse_key().clone(), peer)).collect())
    }

    /// The same peer with its new settings, if it was known.
    fn again(&self, peer: Peer) -> Peer {
        match self.0.get(peer.reuse_key()) {
            Some(earlier) => peer.continuing(earlier),
            None => peer,
        }
    }
}

/// What a peer of one server entry is like.
struct Template {
    weight: u64,
    backup: bool,
    max_connections: u64,
    connect: ConnectOptions,
    timeouts: UpstreamTimeouts,
    pool: Options,
    host: Option<String>,
    proxy_protocol: Option<Version>,
    /// Who speaks TLS with it, and whom it is asked to be.
    #[cfg(feature = "openssl")]
    tls: Option<(gorge::tls::Connector, String)>,
}

impl Template {
    fn new(table: &UpstreamTable, server: &ServerEntry) -> Result<Self> {
        let mut connect = ConnectOptions { timeout: table.connect, ..ConnectOptions::default() };
        match &table.source {
            Some(Source::Address(address)) => connect.source = Some(SocketAddr::new(*address, 0)),
            Some(Source::Interface(name)) => connect.interface = Some(name.clone()),
            None => {}
        }
        let host = match &table.host {
            HostMode::Keep => None,
            HostMode::Name(name) => Some(name.clone()),
            HostMode::Peer => {
                Some(own_host(&server.address.value, if table.tls.is_some() { 443 } else { 80 }))
            }
        };
        if let Some(host) = &host {
            gorge::http::authority::validate(host.as_bytes())
                .or_err_with(Kind::Configuration, || format!("host {host:?}"))?;
        }
        Ok(Self {
            weight: u64::from(server.weight),
            backup: server.backup,
            max_connections: table.max_connections,
            connect,
            timeouts: UpstreamTimeouts {
                first_byte: table.first_byte,
                idle_body: table.idle_body,
                write: table.write,
            },
            pool: Options {
                max_idle: table.pool.max_idle,
                min_idle: table.pool.min_idle,
                idle: table.pool.idle,
                max_age: table.pool.max_age,
                max_uses: table.pool.max_uses,
            },
            host,
            proxy_protocol: table.proxy_protocol.map(|version| match version {
                ProxyVersion::V1 => Version::V1,
                ProxyVersion::V2 => Version::V2,
            }),
            #[cfg(feature = "openssl")]
            tls: None,
        })
    }

    fn peer(&self, address: Address) -> PeerBuilder {
        let mut peer = Peer::builder(address)
            .weight(self.weight)
            .backup(self.backup)
            .max_connections(self.max_connections)
            .connect_options(self.connect.clone())
            .timeouts(self.timeouts)
            .pool(self.pool);
        if let Some(version) = self.proxy_protocol {
            peer = peer.proxy_protocol(version);
        }
        #[cfg(feature = "openssl")]
        if let Some((connector, name)) = &self.tls {
            peer = peer.tls(connector.to(name));
        }
        match &self.host {
            // Cannot fail: it was looked at when this template was made.
            Some(host) => peer.host(host).expect("a host that was checked"),
            None => peer,
        }
    }
}

/// What a server calls itself: its name, its address, or the name of its service. A port that follows from the
/// scheme is left out (RFC 9110 4.2).
fn own_host(address: &ServerAddress, default_port: u16) -> String {
    match address {
        ServerAddress::Address(Address::Name(host, port)) if *port == default_port => host.to_string(),
        ServerAddress::Address(Address::Ip(addr)) if addr.port() == default_port && addr.is_ipv4() => {
            addr.ip().to_string()
        }
        ServerAddress::Address(Address::Ip(addr)) if addr.port() == default_port => {
            format!("[{}]", addr.ip())
        }
        ServerAddress::Address(address @ (Address::Ip(_) | Address::Name(..))) => address.to_string(),
        // A path is no host.
        ServerAddress::Address(Address::Unix(_) | Address::Abstract(_)) => "localhost".to_owned(),
        // `_http._tcp.app.internal` serves `app.internal`.
        ServerAddress::Service(name) => name.splitn(3, '.').last().unwrap_or(name).to_owned(),
    }
}

/// What a `retry` table says.
pub(crate) fn retry(table: &RetryTable) -> RetryPolicy {
    RetryPolicy {
        attempts: table.attempts,
        statuses: table.statuses.iter().map(|status| status.value).collect(),
        backoff: table.backoff,
        factor: table.factor,
        max_backoff: table.max_backoff,
        stale: table.stale,
        budget: Some(Budget { percent: table.budget.0, ..Budget::default() }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_port_that_follows_from_the_scheme_is_left_out() {
        for (address, port, host) in [
            ("app.internal:443", 443, "app.internal"),
            ("app.internal:443", 80, "app.internal:443"),
            ("app.internal:80", 443, "app.internal:80"),
            ("app.internal:80", 80, "app.internal"),
            ("10.0.0.5:443", 443, "10.0.0.5"),
            ("10.0.0.5:80", 443, "10.0.0.5:80"),
            ("[::1]:443", 443, "[::1]"),
            ("[::1]:8443", 443, "[::1]:8443"),
        ] {
            let address = ServerAddress::Address(address.parse().unwrap());
            assert_eq!(own_host(&address, port), host, "{address:?} {port}");
        }
    }
}
