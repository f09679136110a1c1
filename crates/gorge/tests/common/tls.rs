//! TLS around the two ends of a story: a relay in front of a client or of an origin, which themselves go on
//! to speak in the clear.

use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Condvar, LazyLock, Mutex};
use std::task::{Context, Poll};
use std::time::Instant;

use bytes::BytesMut;
use gorge::async_io::{Stream, copy_both};
use gorge::prelude::*;
use gorge::runtime;
use gorge::server::{Config, Listen, Running, Server, Service};
use gorge::tls::{
    Acceptor, Certificate, Certificates, ClientOptions, Connector, Endpoint, Roots, ServerOptions, TlsStream,
};
use gorge_test_util::{Authority, LIMIT, Leaf, Origin, RawClient};
use tokio::net::{TcpListener, TcpStream};

/// Who signs the certificates of the stories in this process.
pub static AUTHORITY: LazyLock<Authority> = LazyLock::new(|| Authority::new("gorge test root"));

/// The names that the certificate of [`acceptor`] is for.
pub const NAMES: [&str; 4] = ["a.example", "b.example", "localhost", "127.0.0.1"];

/// A certificate of the test as the library has it.
pub fn certificate(leaf: &Leaf) -> Certificate {
    Certificate::from_pem(leaf.cert_pem().as_bytes(), leaf.key_pem().as_bytes()).unwrap()
}

/// One that shows a certificate for [`NAMES`].
pub fn acceptor(options: ServerOptions) -> Acceptor {
    let certificates = Certificates::new().with(certificate(&AUTHORITY.leaf(&NAMES).make()));
    Acceptor::new(options, certificates).unwrap()
}

/// The root of the test, to trust.
pub fn roots() -> Roots {
    Roots::from_pem(AUTHORITY.pem().as_bytes()).unwrap()
}

/// One that trusts the root of the test, with these changes.
pub fn connector(change: impl FnOnce(&mut ClientOptions)) -> Connector {
    let mut options = ClientOptions::default();
    options.roots = roots();
    change(&mut options);
    Connector::new(options).unwrap()
}

/// The other end of this name, verified with the root of the test.
pub fn endpoint(name: &str) -> Endpoint {
    connector(|_| {}).to(name)
}

/// How a relay passes on that its clear side has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ends {
    /// With a close_notify.
    Said,
    /// By the end of the connection alone, as one that somebody has cut.
    Cut,
}

/// Carries connections between the clear and TLS until it is dropped.
pub struct Relay {
    addr: SocketAddr,
    seen: Arc<Seen>,
    stop: Option<tokio::sync::oneshot::Sender<()>>,
}

#[derive(Default)]
struct Seen {
    /// How each connection ended, in the order of their ends.
    ends: Mutex<Vec<io::Result<()>>>,
    news: Condvar,
}

/// What a relay does with a connection that it has accepted.
type Carry = dyn Fn(TcpStream) -> std::pin::Pin<Box<dyn Future<Output = io::Result<()>>>> + Send + Sync;

impl Relay {
    /// Speaks TLS with `to` for those who connect to it.
    pub fn to_tls(to: SocketAddr, endpoint: Endpoint, ends: Ends) -> Self {
        Self::start(Box::new(move |clear| {
            let endpoint = endpoint.clone();
            Box::pin(async move {
                let far = TcpStream::connect(to).await?;
                let tls = endpoint.connect(far, &[]).await.map_err(io::Error::other)?;
                carry(clear, tls, ends).await
            })
        }))
    }

    /// Takes TLS off connections to `to`.
    pub fn from_tls(to: SocketAddr, acceptor: Acceptor, ends: Ends) -> Self {
        Self::start(Box::new(move |far| {
            let acceptor = acceptor.clone();
            Box::pin(async move {
                let tls = acceptor.accept(far).await.map_err(io::Error::other)?;
                carry(TcpStream::connect(to).await?, tls, ends).await
            })
        }))
    }

    fn start(how: Box<Carry>) -> Self {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        let addr = listener.local_addr().unwrap();
        let (seen, (stop, stopped)) = (Arc::new(Seen::default()), tokio::sync::oneshot::channel());
        let told = seen.clone();
        std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            let local = tokio::task::LocalSet::new();
            local.spawn_local(async move {
                let listener = TcpListener::from_std(listener).unwrap();
                while let Ok((stream, _)) = listener.accept().await {
                    let (carried, told) = (how(stream), told.clone());
                    tokio::task::spawn_local(async move { told.end(carried.await) });
                }
            });
            runtime.block_on(local.run_until(async { drop(stopped.await) }));
        });
        Self { addr, seen, stop: Some(stop) }
    }

    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// A connection through it.
    pub fn client(&self) -> RawClient {
        RawClient::connect(self.addr)
    }

    /// How the `number`-th connection that ended did: with words on both sides, or why not.
    pub fn end(&self, number: usize) -> Result<(), String> {
        let deadline = Instant::now() + LIMIT;
        let mut ends = self.seen.ends.lock().unwrap();
        while ends.len() <= number {
            let left = deadline.checked_duration_since(Instant::now()).expect("a connection ends");
            ends = self.seen.news.wait_timeout(ends, left).unwrap().0;
        }
        ends[number].as_ref().copied().map_err(|error| {
            let source = error.get_ref().map(|inner| format!("{inner:#}"));
            source.unwrap_or_else(|| format!("{:?}", error.kind()))
        })
    }
}

impl Seen {
    fn end(&self, end: io::Result<()>) {
        self.ends.lock().unwrap().push(end);
        self.news.notify_all();
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        drop(self.stop.take());
    }
}

async fn carry(mut clear: TcpStream, tls: TlsStream<TcpStream>, ends: Ends) -> io::Result<()> {
    let mut tls = Ending { tls, ends };
    copy_both(&mut clear, &mut tls, None).await
}

/// TLS that ends as it is told to.
struct Ending {
    tls: TlsStream<TcpStream>,
    ends: Ends,
}

impl Stream for Ending {
    fn poll_readable(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.tls.poll_readable(cx)
    }

    fn poll_read(&mut self, cx: &mut Context<'_>, buf: &mut BytesMut) -> Poll<io::Result<usize>> {
        self.tls.poll_read(cx, buf)
    }

    fn poll_write(&mut self, cx: &mut Context<'_>, bufs: &[io::IoSlice<'_>]) -> Poll<io::Result<usize>> {
        self.tls.poll_write(cx, bufs)
    }

    fn poll_writable(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.tls.poll_writable(cx)
    }

    fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.tls.poll_flush(cx)
    }

    fn poll_shutdown(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.ends {
            Ends::Said => self.tls.poll_shutdown(cx),
            // Ends the copy; the drop closes the connection.
            Ends::Cut => Poll::Ready(Err(io::Error::other("cut by the story"))),
        }
    }

    fn abort(&mut self) {
        self.tls.abort();
    }

    fn is_closed(&mut self) -> bool {
        self.tls.is_closed()
    }
}

/// An origin behind TLS.
pub struct TlsOrigin {
    pub origin: Origin,
    pub relay: Relay,
}

impl TlsOrigin {
    /// One with the certificate of [`acceptor`] that answers everything with this.
    pub fn answering(answer: impl Into<Vec<u8>>) -> Self {
        Self::of(Origin::answering(answer), ServerOptions::default(), Ends::Said)
    }

    pub fn of(origin: Origin, options: ServerOptions, ends: Ends) -> Self {
        let relay = Relay::from_tls(origin.addr(), acceptor(options), ends);
        Self { origin, relay }
    }

    pub fn addr(&self) -> SocketAddr {
        self.relay.addr()
    }
}

/// A peer at this address that is spoken to over TLS, as `a.example`.
pub fn peer(addr: SocketAddr) -> gorge::upstream::PeerBuilder {
    Peer::builder(Address::from(addr)).tls(endpoint("a.example"))
}

/// A proxy that speaks TLS with its clients, until it is dropped.
pub struct TlsProxy {
    pub addr: SocketAddr,
    pub proxy: Proxy,
    pub server: Running,
}

/// This proxy on an ephemeral port, with the certificate of [`acceptor`].
pub fn proxy(proxy: Proxy, options: ServerOptions) -> TlsProxy {
    let (server, addr) = serve(proxy.clone(), acceptor(options), |_, _| {}, |_| {});
    TlsProxy { addr, proxy, server }
}

impl TlsProxy {
    /// A way to it for clients that speak in the clear.
    pub fn relay(&self, ends: Ends) -> Relay {
        Relay::to_tls(self.addr, endpoint("a.example"), ends)
    }

    /// How many failures and refusals of this kind were counted.
    pub fn errors(&self, kind: Kind) -> u64 {
        self.proxy.stats().errors(kind)
    }

    /// Blocks until something that nobody tells of has happened.
    pub fn wait_for(&self, what: &str, happened: impl Fn(&Self) -> bool) {
        let deadline = Instant::now() + LIMIT;
        while !happened(self) {
            assert!(Instant::now() < deadline, "waited {LIMIT:?} for {what}");
            std::thread::yield_now();
        }
    }
}

/// A server of one listener over TLS, with these changes to the listener and the server.
pub fn serve(
    handler: impl gorge::protocols::Handler,
    acceptor: Acceptor,
    change: impl FnOnce(&mut Listen, &mut Config),
    hooks: impl FnOnce(&mut Server),
) -> (Running, SocketAddr) {
    let mut listen = Listen::new("127.0.0.1:0".parse().unwrap(), handler);
    listen.tls = Some(acceptor);
    let runtime = runtime::Config { workers: 1, ..runtime::Config::default() };
    let mut config = Config { runtime, ..Config::default() };
    change(&mut listen, &mut config);
    let mut server = Server::new(config);
    hooks(&mut server);
    let bound = server.add(Service::new("tls").listen(listen)).unwrap().swap_remove(0);
    (server.launch().unwrap(), bound.to_string().parse().unwrap())
}
