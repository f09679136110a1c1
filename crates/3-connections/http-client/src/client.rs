//! A small client: one call, one collected answer.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use gorge_async_io::Stream;
use gorge_error::{Error, Kind, Result, Retryable};
use gorge_filter::{ClientStream, Progress};
use gorge_http::{Method, RequestHead, Uri};
use gorge_http_parser::Limits;
use gorge_pool::{Entry, Pool, Reason, Taken};
use gorge_protocols::{Address, ConnectOptions, Transport, connect};
use gorge_runtime::{worker_count, worker_id};
use gorge_timeout::clock;

use crate::collect::{self, Collected};
use crate::{Connection, fault};

/// Limits and times of a [`Client`].
#[derive(Clone, Debug)]
pub struct ClientOptions {
    /// How to connect, and for how long to try: 5 s; with TLS 10 s, which is twice as long, in all.
    pub connect: ConnectOptions,
    /// From the last byte of the request to the head of its answer. Default 60 s.
    pub first_byte: Duration,
    /// Without a byte of the answer's body. Default 60 s.
    pub idle_body: Duration,
    /// Without progress in sending the request. Default 60 s.
    pub write: Duration,
    /// Bytes of an answer's body. Default 10 MiB; more is an error.
    pub body: usize,
    /// Sizes of heads and chunk framing.
    pub limits: Limits,
    /// Idle connections, by scheme, host and port.
    pub pool: gorge_pool::Options,
    /// How `https` is spoken: whom to trust, what to show. Default as [`gorge_tls::ClientOptions`] has it,
    /// with the system's roots, which are read at the first request that needs them.
    #[cfg(feature = "openssl")]
    pub tls: Option<gorge_tls::Connector>,
}

impl Default for ClientOptions {
    fn default() -> Self {
        Self {
            connect: ConnectOptions::default(),
            first_byte: Duration::from_secs(60),
            idle_body: Duration::from_secs(60),
            write: Duration::from_secs(60),
            body: 10 * 1024 * 1024,
            limits: Limits::default(),
            pool: gorge_pool::Options::default(),
            #[cfg(feature = "openssl")]
            tls: None,
        }
    }
}

type Idle = Box<Connection<Transport>>;

/// Asks servers and collects their answers: for health checks, tests and tools. One for all tasks.
///
/// It speaks `http://`, and with the feature `openssl` `https://` too. Names are resolved by [`ConnectOptions::resolver`]. Redirects are answers like any other.
/// Connections are kept by scheme, host and port and looked at before they are used again; no task runs
/// behind the caller's back, so an idle one that its server has closed goes at the next request.
pub struct Client {
    pool: Pool<Key, Idle>,
    options: ClientOptions,
    limits: Arc<Limits>,
    /// The one that is made when none was given.
    #[cfg(feature = "openssl")]
    tls: std::sync::OnceLock<gorge_tls::Connector>,
}

/// Whom a connection leads to.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Key {
    tls: bool,
    host: Box<str>,
    port: u16,
}

impl Default for Client {
    fn default() -> Self {
        Self::new(ClientOptions::default())
    }
}

impl Client {
    /// A client with these options.
    #[must_use]
    pub fn new(options: ClientOptions) -> Self {
        let limits = Arc::new(options.limits);
        Self {
            pool: Pool::new(worker_count(), options.pool),
            options,
            limits,
            #[cfg(feature = "openssl")]
            tls: std::sync::OnceLock::new(),
        }
    }

    /// GET of an absolute URL.
    ///
    /// # Errors
    /// As for [`request`](Self::request).
    pub async fn get(&self, url: &str) -> Result<Collected> {
        self.request(&head(Method::GET, url)?, Bytes::new()).await
    }

    /// POST of `body` to an absolute URL.
    ///
    /// # Errors
    /// As for [`request`](Self::request).
    pub async fn post(&self, url: &str, body: impl Into<Bytes>) -> Result<Collected> {
        self.request(&head(Method::POST, url)?, body.into()).await
    }

    /// Sends a request, whose target must be absolute, and collects the answer.
    ///
    /// A kept connection that turns out closed is replaced by a new one, once, if the method is
    /// idempotent or nothing was sent.
    ///
    /// # Errors
    /// [`Kind::Configuration`] for a target it does not speak to; else the upstream's, each with its
    /// kind: not reachable, too slow, a broken answer, a body over the limit.
    pub async fn request(&self, head: &RequestHead, body: impl Into<Bytes>) -> Result<Collected> {
        let key = Key::of(head)?;
        let body = body.into();
        if let Some(mut entry) = self.take(&key) {
            match collect::exchange(&mut entry.conn, head, body.clone(), &self.options).await {
                Ok(answer) => return Ok(self.done(&key, entry, answer)),
                Err(error) if !is_stale(&entry.conn, &head.method, &error) => return Err(error),
                Err(_) => self.pool.discard(worker_id(), Reason::Ended),
            }
        }
        let transport = self.open(&key).await?;
        self.pool.created(worker_id());
        let conn = Box::new(Connection::new(transport, self.limits.clone()));
        let mut entry = Entry::new(conn, clock::now());
        let answer = collect::exchange(&mut entry.conn, head, body, &self.options).await?;
        Ok(self.done(&key, entry, answer))
    }

    /// A new connection.
    async fn open(&self, key: &Key) -> Result<Transport> {
        let (address, options) = (key.address()?, &self.options.connect);
        #[cfg(feature = "openssl")]
        if key.tls {
            let endpoint = self.connector()?.to(key.name());
            let secured = gorge_protocols::connect_tls(&address, options, &endpoint, &[]).await?;
            return Ok(secured.transport);
        }
        connect(&address, options).await
    }

    /// Who makes TLS.
    #[cfg(feature = "openssl")]
    fn connector(&self) -> Result<&gorge_tls::Connector> {
        if let Some(connector) = self.options.tls.as_ref().or_else(|| self.tls.get()) {
            return Ok(connector);
        }
        let made = gorge_tls::Connector::new(gorge_tls::ClientOptions::default())?;
        Ok(self.tls.get_or_init(|| made))
    }

    /// An idle connection that is still good.
    fn take(&self, key: &Key) -> Option<Entry<Idle>> {
        let worker = worker_id();
        loop {
            let Taken { mut entry, from } = self.pool.get(worker, key, clock::now())?;
            if entry.conn.stream().is_closed() {
                self.pool.discard(worker, Reason::Ended);
                continue;
            }
            if from == worker {
                return Some(entry);
            }
            match entry.conn.into_stream().rebind() {
                Ok(transport) => {
                    let conn = Box::new(Connection::new(transport, self.limits.clone()));
                    return Some(Entry { conn, created: entry.created, uses: entry.uses, expires: None });
                }
                Err(_) => self.pool.discard(worker, Reason::Failed),
            }
        }
    }

    /// Keeps the connection if it can carry another request.
    fn done(&self, key: &Key, mut entry: Entry<Idle>, answer: Collected) -> Collected {
        let (worker, now) = (worker_id(), clock::now());
        if entry.conn.is_reusable() {
            entry.conn.rest();
            entry.expires = entry.conn.keep_alive().map(|keep| clock::add(now, keep));
            drop(self.pool.put(worker, key, entry, now, |_, conn| !conn.stream().is_closed()));
        } else {
            self.pool.discard(worker, Reason::Unusable);
        }
        self.pool.expire(worker, now);
        answer
    }
}

/// Whether a failure on a kept connection only means that its server had closed it, and the request
/// may be sent again (RFC 9112 9.3.1).
fn is_stale(conn: &Idle, method: &Method, error: &Error) -> bool {
    let again = match conn.progress() {
        Progress::Nothing => true,
        Progress::Sent => method.is_idempotent(),
        Progress::Answered => false,
    };
    again && !error.is_timeout()
}

fn head(method: Method, url: &str) -> Result<RequestHead> {
    let uri = Uri::parse(&method, Bytes::copy_from_slice(url.as_bytes())).map_err(|error| {
        Error::because(Kind::Configuration, format!("{url:?} is no URL"), error).into_internal()
    })?;
    Ok(RequestHead { method, uri, ..RequestHead::new() })
}

impl Key {
    fn of(head: &RequestHead) -> Result<Self> {
        if head.method == Method::CONNECT {
            return Err(fault::unspeakable("CONNECT has no answer to collect"));
        }
        let tls = match head.uri.scheme() {
            Some("http") => false,
            Some("https") if cfg!(feature = "openssl") => true,
            Some("https") => {
                return Err(fault::unspeakable(
                    "https:// needs the feature openssl, which this build leaves out",
                ));
            }
            _ => {
                let context = "a request of this client needs an absolute http:// or https:// URL";
                return Err(fault::unspeakable(context));
            }
        };
        match head.uri.host() {
            Some(host) => {
                let port = head.uri.port().unwrap_or(if tls { 443 } else { 80 });
                Ok(Self { tls, host: host.to_ascii_lowercase().into(), port })
            }
            None => Err(fault::unspeakable("the URL of the request has no host")),
        }
    }

    /// The name that a certificate must be for: an IPv6 address stands in brackets only in URLs.
    #[cfg(feature = "openssl")]
    fn name(&self) -> &str {
        self.host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(&self.host)
    }

    fn address(&self) -> Result<Address> {
        Address::host(&self.host, self.port).map_err(|error| {
            let context = format!("connect to {:?}", self.host);
            Error::because(Kind::NameNotFound, context, error).into_upstream().retryable(Retryable::No)
        })
    }
}
