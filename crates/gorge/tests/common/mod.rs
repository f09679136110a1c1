//! The middle of each story: a proxy on an ephemeral port.

#![allow(dead_code, unreachable_pub, reason = "each test file uses its part of this module")]

#[cfg(feature = "openssl")]
pub mod tls;

use std::net::SocketAddr;
use std::thread;
use std::time::{Duration, Instant};

use gorge::filter::{Timeouts, UpstreamTimeouts};
use gorge::http_server::Settings;
use gorge::prelude::*;
use gorge::protocols::{ConnectOptions, ListenOptions};
use gorge::proxy::filters::ForwardedHeaders;
use gorge::proxy::{Builder, Stats, Then};
use gorge::runtime;
use gorge::server::{Config, Running, Server, Stopped};
use gorge_test_util::{LIMIT, RawClient, Response};

/// The plainest request.
pub const GET: &str = "GET / HTTP/1.1\r\nHost: example.org\r\n\r\n";

/// A 200 with this body.
pub fn ok(body: &str) -> String {
    format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{body}", body.len())
}

/// What a story sets differently from the defaults; `None` is the default.
#[derive(Default)]
pub struct Setup {
    /// Number of workers; 0 is one.
    pub workers: usize,
    /// Networks whose forwarding fields are believed.
    pub trusted: Vec<&'static str>,
    /// Whether `Forwarded` is written.
    pub forwarded: bool,
    /// Whether the workers take tasks from each other.
    pub work_stealing: bool,
    pub attempts: Option<u32>,
    pub body: Option<u64>,
    pub connect: Option<Duration>,
    pub first_byte: Option<Duration>,
    pub head: Option<Duration>,
    pub idle_body: Option<Duration>,
    /// Bytes per second.
    pub min_rate: Option<u64>,
    pub keep_alive: Option<Duration>,
    pub requests: Option<u32>,
    pub total: Option<Duration>,
    pub tunnel: Option<Duration>,
    pub write: Option<Duration>,
}

/// A proxy that runs until this value is dropped.
pub struct RunningProxy {
    addr: SocketAddr,
    proxy: Proxy,
    server: Running,
}

/// A reverse proxy with all defaults, one worker, before these origins in turn.
pub fn proxy_to(origins: &[SocketAddr]) -> RunningProxy {
    proxy_with(origins, Setup::default())
}

/// A reverse proxy before these origins in turn.
pub fn proxy_with(origins: &[SocketAddr], setup: Setup) -> RunningProxy {
    let balancer = balancer(origins, &setup);
    run(setup.builder().upstream(balancer).build().unwrap(), &setup)
}

/// These origins in turn, with the settings of a story.
pub fn balancer(origins: &[SocketAddr], setup: &Setup) -> LoadBalancer {
    let connect = ConnectOptions::default();
    let connect = ConnectOptions { timeout: setup.connect.unwrap_or(connect.timeout), ..connect };
    let peer =
        |addr: &SocketAddr| Peer::builder(Address::from(*addr)).connect_options(connect.clone()).build();
    let retry = RetryPolicy::default();
    let retry = RetryPolicy { attempts: setup.attempts.unwrap_or(retry.attempts), ..retry };
    LoadBalancer::round_robin(origins.iter().map(peer)).retry(retry)
}

impl Setup {
    /// The builder with these settings; more filters and the upstream are still to come.
    pub fn builder(&self) -> Builder<(), Then<(), ForwardedHeaders>> {
        let (settings, timeouts) = (Settings::default(), Timeouts::default());
        let mut limits = settings.limits;
        limits.body = self.body.unwrap_or(limits.body);
        Proxy::builder()
            .workers(self.workers.max(1))
            .settings(Settings {
                limits,
                head_timeout: self.head.unwrap_or(settings.head_timeout),
                keep_alive: self.keep_alive.unwrap_or(settings.keep_alive),
                requests: self.requests.unwrap_or(settings.requests),
                ..settings
            })
            .timeouts(Timeouts {
                idle_body: self.idle_body.unwrap_or(timeouts.idle_body),
                total: self.total.or(timeouts.total),
                tunnel: self.tunnel.unwrap_or(timeouts.tunnel),
                write: self.write.unwrap_or(timeouts.write),
                min_rate: self.min_rate.and_then(std::num::NonZeroU64::new),
                upstream: UpstreamTimeouts {
                    first_byte: self.first_byte.unwrap_or(timeouts.upstream.first_byte),
                    idle_body: self.idle_body.unwrap_or(timeouts.upstream.idle_body),
                    write: self.write.unwrap_or(timeouts.upstream.write),
                },
            })
            .filter(self.forwarded_headers())
    }

    fn forwarded_headers(&self) -> ForwardedHeaders {
        let networks = self.trusted.iter().map(|network| network.parse().unwrap());
        let filter = networks.fold(ForwardedHeaders::new(), ForwardedHeaders::trust);
        if self.forwarded { filter.rfc7239() } else { filter }
    }
}

/// Listens on an ephemeral port and serves with this proxy.
pub fn run(proxy: Proxy, setup: &Setup) -> RunningProxy {
    let (workers, work_stealing) = (setup.workers.max(1), setup.work_stealing);
    let runtime = runtime::Config { workers, work_stealing, ..runtime::Config::default() };
    let mut server = Server::new(Config { runtime, ..Config::default() });
    let any: Address = "127.0.0.1:0".parse().unwrap();
    let bound = server.listen(&any, &ListenOptions::default()).unwrap();
    let addr = bound.to_string().parse().unwrap();
    RunningProxy { addr, server: server.start(proxy.clone()).unwrap(), proxy }
}

impl RunningProxy {
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// A new connection to it.
    pub fn client(&self) -> RawClient {
        RawClient::connect(self.addr)
    }

    /// The answer to one request on a connection of its own.
    pub fn ask(&self, request: impl AsRef<[u8]>) -> Response {
        let mut client = self.client();
        client.send(request);
        client.response()
    }

    /// The proxy that serves.
    pub fn proxy(&self) -> &Proxy {
        &self.proxy
    }

    pub fn stats(&self) -> Stats {
        self.proxy.stats()
    }

    /// How many failures and refusals of the kind with this name were counted.
    pub fn errors(&self, name: &str) -> u64 {
        let kind = Kind::ALL.into_iter().find(|kind| kind.name() == name).unwrap();
        self.stats().errors(kind)
    }

    /// Idle connections to the origins.
    pub fn idle_upstream(&self) -> usize {
        self.proxy.pool_stats().idle
    }

    /// Blocks until something inside the proxy, which nobody tells of, has happened.
    pub fn wait_for(&self, what: &str, happened: impl Fn(&Self) -> bool) {
        let deadline = Instant::now() + LIMIT;
        while !happened(self) {
            assert!(Instant::now() < deadline, "waited {LIMIT:?} for {what}");
            thread::yield_now();
        }
    }

    /// Connections to the origins that carry an exchange.
    pub fn active_upstream(&self) -> u64 {
        self.proxy.pool_stats().active
    }

    /// Stops it gracefully; returns when the last connection has ended.
    pub fn stop(self) -> Stopped {
        self.server.stop()
    }
}
