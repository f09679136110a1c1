//! From a configuration to what serves it, by the calls that the library offers to everybody.

mod listen;
pub(crate) mod logs;
mod route;
#[cfg_attr(not(feature = "openssl"), path = "no_tls.rs")]
mod tls;
mod upstream;

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Arc;

use gorge::error::{OrErr, Result};
use gorge::load_balancer::{Discovery, LoadBalancer};
use gorge::protocols::{Address, IpNet, Networks, PerAddress, Resolver, ResolverOptions};
use gorge::proxy::Proxy;
use gorge::server::Listen;
use parking_lot::Mutex;

use crate::config::{At, Config};
use crate::guest::Guest;
use crate::stamp::Stamp;
use logs::{Logs, Writers};
use route::Upstreams;
pub(crate) use route::{TheRoute, TheRoutes, matching};
pub(crate) use tls::{Shown, Tickets};
pub(crate) use upstream::tells;

/// What serves one configuration.
pub(crate) struct Generation {
    pub(crate) config: Config,
    pub(crate) logs: Logs,
    pub(crate) upstreams: Upstreams,
    /// The listeners, in the order of the file.
    pub(crate) serving: Vec<Serving>,
    /// What keeps peers up to date, until it is taken.
    discoveries: Mutex<Vec<Finding>>,
    resolver: Resolver,
    routes: HashMap<Option<u64>, Arc<TheRoutes>>,
    /// The files that it was built from beside its own, each as it was before it was read.
    pub(crate) files: Vec<(PathBuf, Option<Stamp>)>,
    /// The certificates of listeners that speak TLS.
    pub(crate) shown: Vec<Arc<Shown>>,
}

/// What finds peers, and the balancer they are for.
pub(crate) type Finding = (Discovery, Arc<LoadBalancer>);

/// One listener.
pub(crate) struct Serving {
    /// As the configuration has it.
    pub(crate) address: Address,
    /// Who serves its connections.
    pub(crate) proxy: Proxy,
    /// What is to replace the insides of `proxy` once all went well, if that served before.
    next: Option<Proxy>,
    pub(crate) listen: Listen,
    per_address: Option<PerAddress>,
}

/// What a configuration is built with beside itself.
pub(crate) struct Around<'a> {
    pub(crate) workers: usize,
    pub(crate) writers: &'a Writers,
    /// What served before, to carry over what can be.
    pub(crate) before: Option<&'a Generation>,
    /// Who adds to it.
    pub(crate) guest: Option<&'a dyn Guest>,
    /// What lets clients go on with sessions that began before a reload.
    pub(crate) tickets: &'a Tickets,
}

impl Generation {
    /// Builds everything that a configuration asks for; nothing serves yet, and nothing that serves is
    /// changed.
    ///
    /// # Errors
    /// A log cannot be opened, or the library refuses what the check of the configuration let pass.
    pub(crate) fn build(config: Config, around: &Around<'_>) -> Result<Self> {
        let names: Arc<[Box<str>]> = config
            .route
            .iter()
            .enumerate()
            .map(|(number, table)| route::name(table, number).into())
            .collect();
        let logs = around.writers.open(&config.server, &names)?;
        let resolver = resolver(&config, around.before);
        let mut built = Self {
            logs,
            upstreams: Upstreams::new(),
            serving: Vec::new(),
            discoveries: Mutex::default(),
            resolver,
            routes: HashMap::new(),
            files: files(&config),
            shown: Vec::new(),
            config,
        };
        built.build_upstreams(around.before)?;
        built.build_listeners(around, &names)?;
        Ok(built)
    }

    /// Lets go of what the file says of routes: they are built, and of very many it would take more memory
    /// than they do.
    pub(crate) fn forget_routes(&mut self) {
        self.config.route = Vec::new();
    }

    fn build_upstreams(&mut self, before: Option<&Generation>) -> Result<()> {
        for (name, table) in &self.config.upstream.entries {
            let name = &name.value.0;
            let before = before.and_then(|before| before.upstreams.get(name)).map(|balancer| &**balancer);
            let built = upstream::build(name, table, before, &self.resolver, &self.logs.error)
                .explain_with(|| format!("upstream {name}"))?;
            if let Some(discovery) = built.discovery {
                self.discoveries.get_mut().push((discovery, built.balancer.clone()));
            }
            self.upstreams.insert(name.clone(), built.balancer);
        }
        Ok(())
    }

    fn build_listeners(&mut self, around: &Around<'_>, names: &Arc<[Box<str>]>) -> Result<()> {
        let trusted = networks(&self.config.server.trusted_proxies);
        for place in 0..self.config.listen.len() {
            let routes = self.routes_for(place, &trusted, around.guest)?;
            let table = &self.config.listen[place];
            let address = table.address.value.0.clone();
            // Of port 0 there may be several.
            let same = self.serving.iter().filter(|serving| serving.address == address).count();
            let before = around.before.and_then(|before| before.serving_at(&address, same));
            let common = listen::Common {
                server: &self.config.server,
                workers: around.workers,
                logs: &self.logs,
                names,
                trusted: &trusted,
                resolver: &self.resolver,
            };
            let first = around.before.and_then(|before| before.serving.first()).or(self.serving.first());
            let built = listen::proxy(table, &common, routes, first.map(|serving| &serving.proxy))
                .explain_with(|| format!("listen {address}"))?;
            let (proxy, next) = match before {
                Some(before) => (before.proxy.clone(), Some(built)),
                None => (built, None),
            };
            let accept =
                listen::accept(table, &trusted, before.and_then(|before| before.per_address.as_ref()));
            let per_address = accept.per_address.clone();
            let mut listen = Listen::new(address.clone(), proxy.clone());
            listen.options = listen::options(table);
            listen.accept = Some(accept);
            listen.proxy_protocol = listen::proxy_protocol(table, &trusted);
            if let Some(table) = &table.tls {
                let before = around.before.map(|before| &before.shown[..]).unwrap_or_default();
                let shown = tls::listen(&mut listen, table, around.tickets, before)
                    .explain_with(|| format!("listen {address}"))?;
                self.shown.push(shown);
            }
            self.serving.push(Serving { address, proxy, next, listen, per_address });
        }
        Ok(())
    }

    /// The routes for a listener; those with the same default for bodies share them.
    fn routes_for(
        &mut self,
        place: usize,
        trusted: &Networks,
        guest: Option<&dyn Guest>,
    ) -> Result<Arc<TheRoutes>> {
        let body_size = self.config.listen[place].limits.body_size.map(|size| size.0);
        if let Some(routes) = self.routes.get(&body_size) {
            return Ok(routes.clone());
        }
        let common = route::Common { upstreams: &self.upstreams, trusted, body_size, guest };
        let routes = Arc::new(route::build(&self.config.route, &common)?);
        self.routes.insert(body_size, routes.clone());
        Ok(routes)
    }

    fn serving_at(&self, address: &Address, nth: usize) -> Option<&Serving> {
        self.serving.iter().filter(|serving| serving.address == *address).nth(nth)
    }

    /// Puts what was built into force, for listeners that served `before` too.
    ///
    /// # Errors
    /// The proxies are of other types, which those of one program never are.
    pub(crate) fn commit(&self, before: Option<&Generation>) -> Result<()> {
        self.logs.tell_troubles(&self.config.server);
        for serving in &self.serving {
            if let Some(next) = &serving.next {
                serving.proxy.replace(next)?;
            }
        }
        // A listener that becomes wider or narrower has two sockets until the old one is empty.
        for gone in before.iter().flat_map(|before| &before.serving) {
            let heir = self.serving.iter().find(|serving| same_port(&serving.address, &gone.address));
            if let Some(heir) = heir.filter(|_| !self.serving.iter().any(|it| it.address == gone.address)) {
                gone.proxy.replace(&heir.proxy)?;
            }
        }
        Ok(())
    }

    /// What is to be listened on.
    pub(crate) fn listens(&self) -> Vec<Listen> {
        self.serving.iter().map(|serving| serving.listen.clone()).collect()
    }

    /// What keeps peers up to date, for whoever runs it. To be taken once.
    pub(crate) fn discoveries(&self) -> Vec<Finding> {
        std::mem::take(&mut self.discoveries.lock())
    }

    /// The routes, as the listener at this place of the file has them.
    pub(crate) fn routes_at(&self, place: usize) -> Option<&Arc<TheRoutes>> {
        let listen = self.config.listen.get(place)?;
        self.routes.get(&listen.limits.body_size.map(|size| size.0))
    }
}

/// What is named by the configuration and may change without it.
fn files(config: &Config) -> Vec<(PathBuf, Option<Stamp>)> {
    let named = tls::files(config).into_iter();
    named.map(|path| (path.clone(), Stamp::of(&path))).collect()
}

/// Whether both are of one port, which is no port of the kernel's choice.
fn same_port(one: &Address, other: &Address) -> bool {
    match (one, other) {
        (Address::Ip(one), Address::Ip(other)) => one.port() == other.port() && one.port() != 0,
        _ => false,
    }
}

/// The resolver that is there already, with what it remembers, if the same servers are to be asked.
fn resolver(config: &Config, before: Option<&Generation>) -> Resolver {
    let servers: Vec<_> = config.server.name_servers.iter().map(|server| server.value.0).collect();
    let servers = (!servers.is_empty()).then_some(servers);
    match before.map(|before| &before.resolver) {
        Some(resolver) if resolver.options().servers == servers => resolver.clone(),
        _ if servers.is_none() => Resolver::shared(),
        _ => Resolver::new(ResolverOptions { servers, ..ResolverOptions::default() }),
    }
}

pub(crate) fn networks(list: &[At<IpNet>]) -> Networks {
    list.iter().map(|network| network.value).collect()
}
