//! `[[listen]]` into a proxy and the address it serves.

use std::num::NonZeroU64;
use std::sync::Arc;

use gorge::error::{Kind, OrErr, Result};
use gorge::filter::Timeouts;
use gorge::http_parser::Limits;
use gorge::http_server::Settings;
use gorge::protocols::{
    AcceptPolicy, ConnectOptions, ConnectPolicy, Credentials, ListenOptions, Networks, PerAddress,
    ProxyProtocol, Resolver, SocketOptions,
};
use gorge::proxy::filters::{ForwardedHeaders, RequestId};
use gorge::proxy::{ByAccept, Proxy, Tunnels};

use crate::build::logs::Logs;
use crate::build::networks;
use crate::build::route::TheRoutes;
use crate::config::{ConnectTable, ListenTable, ServerTable, TimeoutsTable};

/// What all listeners have in common.
pub(crate) struct Common<'a> {
    pub(crate) server: &'a ServerTable,
    pub(crate) workers: usize,
    pub(crate) logs: &'a Logs,
    pub(crate) names: &'a Arc<[Box<str>]>,
    pub(crate) trusted: &'a Networks,
    pub(crate) resolver: &'a Resolver,
}

/// The proxy of one listener. It shares connections and counts with `other`.
pub(crate) fn proxy(
    table: &ListenTable,
    common: &Common<'_>,
    routes: Arc<TheRoutes>,
    other: Option<&Proxy>,
) -> Result<Proxy> {
    let trusted = common.server.trusted_proxies.iter().map(|network| network.value);
    let forwarded = trusted.fold(ForwardedHeaders::new(), ForwardedHeaders::trust);
    let mut builder = Proxy::builder()
        .workers(common.workers)
        .name(common.server.name.0.as_str())
        .settings(settings(table))
        .timeouts(timeouts(&table.timeouts, table.limits.min_rate.map(|rate| rate.0)));
    if let Some(connect) = &table.connect {
        builder = builder.tunnels(tunnels(connect, common.resolver)?);
    }
    if let Some(other) = other {
        builder = builder.share(other);
    }
    builder
        .filter(RequestId::new().trust(common.trusted.clone()))
        .filter(forwarded)
        .routes(routes)
        .observe(common.logs.error.0.clone())
        .observe(common.logs.access(common.names))
        .error_pages(ByAccept::new())
        .build()
}

fn settings(table: &ListenTable) -> Settings {
    let limits = &table.limits;
    let size = |size: u64| usize::try_from(size).unwrap_or(usize::MAX);
    let head = size(limits.head_size.0);
    Settings {
        // How long bodies may be is the routes' affair.
        limits: Limits {
            head,
            trailers: head,
            fields: limits.fields,
            uri: size(limits.uri_size.0),
            ..Limits::new()
        },
        head_timeout: table.timeouts.head,
        keep_alive: table.timeouts.keep_alive,
        requests: limits.requests_per_connection,
        ..Settings::default()
    }
}

fn timeouts(table: &TimeoutsTable, min_rate: Option<u64>) -> Timeouts {
    Timeouts {
        idle_body: table.idle_body,
        write: table.write,
        min_rate: min_rate.and_then(NonZeroU64::new),
        tunnel: table.tunnel,
        ..Timeouts::default()
    }
}

fn tunnels(table: &ConnectTable, resolver: &Resolver) -> Result<Tunnels> {
    let credentials = |credentials: Result<Credentials, gorge::protocols::InvalidCredentials>| {
        credentials.or_err(Kind::Configuration, "the credentials for CONNECT")
    };
    let auth = match table.auth.as_ref().map(|auth| (&auth.basic, &auth.bearer)) {
        Some((Some(basic), _)) => {
            let users = basic.entries.iter().map(|(name, secret)| (name.value.0.as_str(), secret.reveal()));
            Some(credentials(Credentials::basic(users))?)
        }
        Some((None, Some(bearer))) => {
            Some(credentials(Credentials::bearer(bearer.iter().map(|token| token.reveal())))?)
        }
        _ => None,
    };
    let policy = ConnectPolicy {
        ports: table.ports.iter().map(|port| port.value.0).collect(),
        private: table.private,
        auth,
        ..ConnectPolicy::on()
    };
    let connect = ConnectOptions { resolver: Some(resolver.clone()), ..ConnectOptions::default() };
    Ok(Tunnels { idle: table.idle, connect, ..Tunnels::new(policy) })
}

/// How to bind.
pub(crate) fn options(table: &ListenTable) -> ListenOptions {
    ListenOptions {
        backlog: table.backlog,
        reuse_port: table.reuse_port,
        ipv6_only: table.ipv6_only,
        mode: table.mode.0,
        // Whoever waits for the start or the reload would rather know at once.
        bind_tries: 1,
        socket: SocketOptions { nodelay: table.nodelay, ..SocketOptions::default() },
        ..ListenOptions::default()
    }
}

/// Who may connect. What is open stays counted if there was such a count before.
pub(crate) fn accept(table: &ListenTable, trusted: &Networks, before: Option<&PerAddress>) -> AcceptPolicy {
    let limit = table.limits.connections_per_address;
    let per_address = match before {
        Some(before) => before.with_limit(limit, trusted.clone()),
        None => PerAddress::new(limit, trusted.clone()),
    };
    AcceptPolicy {
        allow: networks(&table.allow),
        deny: networks(&table.deny),
        own: None,
        per_address: Some(per_address),
    }
}

/// Whether connections begin with a PROXY header, and from whom.
pub(crate) fn proxy_protocol(table: &ListenTable, trusted: &Networks) -> Option<ProxyProtocol> {
    table.proxy_protocol.then(|| ProxyProtocol { trusted: trusted.clone(), ..ProxyProtocol::default() })
}
