//! Whom to ask: the hosts file and the name servers, read anew when the system's files change.

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::SystemTime;

use hickory_resolver::config::{NameServerConfig, ResolveHosts, ResolverConfig, ResolverOpts};
use hickory_resolver::net::runtime::TokioRuntimeProvider;
use hickory_resolver::{Hosts, TokioResolver, system_conf};

use super::options::ResolverOptions;

const HOSTS: &str = "/etc/hosts";
const RESOLV_CONF: &str = "/etc/resolv.conf";

/// The sources of answers as the system has them now.
pub(crate) struct Sources {
    options: ResolverOptions,
    hosts: Watched<Arc<Hosts>>,
    servers: Watched<Result<Servers, Arc<str>>>,
}

/// Name servers to ask, and their names for a message.
#[derive(Clone)]
pub(crate) struct Servers {
    pub(crate) resolver: TokioResolver,
    pub(crate) shown: Arc<str>,
}

/// What was read from a file, and of which state of the file.
struct Watched<T> {
    stamp: Option<Stamp>,
    value: Option<T>,
}

#[derive(PartialEq, Eq)]
struct Stamp {
    modified: SystemTime,
    length: u64,
}

impl Sources {
    pub(crate) fn new(options: ResolverOptions) -> Self {
        Sources { options, hosts: Watched::new(), servers: Watched::new() }
    }

    pub(crate) fn options(&self) -> &ResolverOptions {
        &self.options
    }

    /// The hosts file; `None` if it is not to be asked.
    pub(crate) fn hosts(&mut self) -> Option<Arc<Hosts>> {
        let read = || Arc::new(Hosts::from_system().unwrap_or_default());
        self.options.hosts_file.then(|| self.hosts.read(Path::new(HOSTS), read))
    }

    /// The name servers, or why there are none.
    pub(crate) fn servers(&mut self) -> Result<Servers, Arc<str>> {
        let options = &self.options;
        match &options.servers {
            Some(_) => self.servers.once(|| given(options)),
            None => self.servers.read(Path::new(RESOLV_CONF), || of_the_system(options)),
        }
    }
}

/// The servers that the options name.
fn given(options: &ResolverOptions) -> Result<Servers, Arc<str>> {
    let addresses = options.servers.as_deref().unwrap_or_default();
    let servers = addresses.iter().map(|address| {
        let mut server = NameServerConfig::udp_and_tcp(address.ip());
        server.connections.iter_mut().for_each(|connection| connection.port = address.port());
        server
    });
    let config = ResolverConfig::from_parts(None, Vec::new(), servers.collect());
    build(config, ResolverOpts::default(), options)
}

/// Those of `/etc/resolv.conf`.
fn of_the_system(options: &ResolverOptions) -> Result<Servers, Arc<str>> {
    let (config, settings) =
        system_conf::read_system_conf().map_err(|error| format!("{RESOLV_CONF}: {error}"))?;
    build(config, settings, options)
}

fn build(
    config: ResolverConfig,
    mut settings: ResolverOpts,
    options: &ResolverOptions,
) -> Result<Servers, Arc<str>> {
    let shown = shown(&config);
    if shown.is_empty() {
        return Err("no name server is known".into());
    }
    settings.timeout = options.timeout;
    // It counts the tries after the first.
    settings.attempts = options.attempts.saturating_sub(1);
    // What is remembered, and for how long, is decided above.
    settings.cache_size = 0;
    settings.use_hosts_file = ResolveHosts::Never;
    let mut builder = TokioResolver::builder_with_config(config, TokioRuntimeProvider::default());
    *builder.options_mut() = settings;
    let resolver = builder.build().map_err(|error| error.to_string())?;
    Ok(Servers { resolver, shown: shown.into() })
}

/// `192.0.2.1, 192.0.2.2:5353`.
fn shown(config: &ResolverConfig) -> String {
    let one = |server: &NameServerConfig| match server.connections.first().map(|c| c.port) {
        Some(53) | None => server.ip.to_string(),
        Some(port) => std::net::SocketAddr::new(server.ip, port).to_string(),
    };
    config.name_servers().iter().map(one).collect::<Vec<_>>().join(", ")
}

impl<T: Clone> Watched<T> {
    fn new() -> Self {
        Watched { stamp: None, value: None }
    }

    /// The value, read again if the file is another than last time.
    fn read(&mut self, path: &Path, read: impl FnOnce() -> T) -> T {
        let stamp = Stamp::of(path);
        if self.stamp != stamp {
            self.value = None;
            self.stamp = stamp;
        }
        self.once(read)
    }

    fn once(&mut self, read: impl FnOnce() -> T) -> T {
        self.value.get_or_insert_with(read).clone()
    }
}

impl Stamp {
    /// `None` if there is no such file.
    fn of(path: &Path) -> Option<Self> {
        let data = fs::metadata(path).ok()?;
        Some(Stamp { modified: data.modified().ok()?, length: data.len() })
    }
}
