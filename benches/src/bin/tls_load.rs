//! Load over TLS for `cargo xtask bench-proxy --tls`: what wrk cannot do, on one thread. Handshakes, full or resumed, one
//! connection and one request each; large bodies in an exact number; connections that wait. It offers TLS 1.3 with one
//! cipher and one group, so that whoever is at the other end does the same work.
//!
//! Usage: `tls_load ADDRESS full CONNECTIONS SECONDS`, `tls_load ADDRESS resumed CONNECTIONS SECONDS`,
//! `tls_load ADDRESS bodies CONNECTIONS TIMES PATH`, `tls_load ADDRESS idle CONNECTIONS`.
//!
//! When it is warm it prints `ready` with what was agreed. A line on its input begins the load, at whose end it prints
//! `done` with the counts; `idle` holds its connections until then.

use std::collections::VecDeque;
use std::future::Future;
use std::io::Write as _;
use std::net::SocketAddr;
use std::pin::Pin;
use std::process::ExitCode;
use std::rc::Rc;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};
use openssl::nid::Nid;
use openssl::pkey::{HasPublic, Id, PKeyRef};
use openssl::ssl::{
    Ssl, SslContext, SslMethod, SslMode, SslRef, SslSession, SslSessionCacheMode, SslVerifyMode, SslVersion,
};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::task::LocalSet;
use tokio_openssl::SslStream;

const CIPHER: &str = "TLS_AES_128_GCM_SHA256";
const GROUP: &str = "X25519";
/// What the handshakes and the idle connections ask for.
const SMALL: &str = "/1k";
/// Longer than any exchange with a proxy that works.
const PATIENCE: Duration = Duration::from_secs(30);
const BUFFER: usize = 256 * 1024;
/// Exchanges on each connection before those that count.
const WARM: usize = 3;

fn main() -> ExitCode {
    match work() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("tls_load: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn work() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let order = Order::read(&arguments)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let local = LocalSet::new();
    let client = Rc::new(Client::new(order.address)?);
    let prepared = local.block_on(&runtime, prepare(&client, order.what))?;
    println!("ready {}", prepared.facts);
    std::io::stdout().flush()?;
    std::io::stdin().read_line(&mut String::new())?;
    let done = local.block_on(&runtime, run(&client, order.what, prepared.open))?;
    println!("done {}", done.text());
    Ok(())
}

struct Order {
    address: SocketAddr,
    what: What,
}

#[derive(Clone, Copy)]
enum What {
    /// A new connection for each exchange, for so long.
    Handshakes { resumed: bool, connections: usize, time: Duration },
    /// So many exchanges on each of the connections.
    Bodies { connections: usize, times: usize, path: &'static str },
    /// One exchange on each, then nothing.
    Idle { connections: usize },
}

impl Order {
    fn read(words: &[String]) -> Result<Self> {
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        let (address, what) = match *words.as_slice() {
            [address, kind @ ("full" | "resumed"), connections, seconds] => {
                let time = Duration::from_secs_f64(seconds.parse()?);
                let resumed = kind == "resumed";
                (address, What::Handshakes { resumed, connections: connections.parse()?, time })
            }
            [address, "bodies", connections, times, path] => {
                let path = String::leak(path.to_owned());
                (address, What::Bodies { connections: connections.parse()?, times: times.parse()?, path })
            }
            [address, "idle", connections] => (address, What::Idle { connections: connections.parse()? }),
            _ => bail!("not understood: {words:?}"),
        };
        Ok(Self { address: address.parse()?, what })
    }
}

/// What is there when the load may begin.
struct Prepared {
    facts: String,
    open: Vec<SslStream<TcpStream>>,
}

async fn prepare(client: &Rc<Client>, what: What) -> Result<Prepared> {
    let facts = client.look().await?;
    let mut open = Vec::new();
    match what {
        What::Handshakes { resumed, connections, .. } => {
            // The first connections of all bring the first tickets.
            let connecting = if resumed { Resume::IfPossible } else { Resume::No };
            let until = Until::Times(WARM);
            together(connections, || handshakes(client.clone(), connecting, until)).await?;
        }
        What::Bodies { connections, .. } | What::Idle { connections } => {
            let mut buffer = vec![0; BUFFER];
            for _ in 0..connections {
                let mut stream = client.connect(Resume::No).await?;
                client.get(&mut stream, SMALL, &mut buffer).await?;
                open.push(stream);
            }
        }
    }
    Ok(Prepared { facts, open })
}

async fn run(client: &Rc<Client>, what: What, mut open: Vec<SslStream<TcpStream>>) -> Result<Done> {
    let began = Instant::now();
    let took = match what {
        What::Handshakes { resumed, connections, time } => {
            let connecting = if resumed { Resume::Always } else { Resume::No };
            let until = Until::Time(began + time);
            together(connections, || handshakes(client.clone(), connecting, until)).await?
        }
        What::Bodies { connections, times, path } => {
            together(connections, || {
                let stream = open.pop();
                bodies(client.clone(), stream, path, times)
            })
            .await?
        }
        What::Idle { .. } => Vec::new(),
    };
    Ok(Done { took, elapsed: began.elapsed() })
}

/// Runs so many of a kind side by side, and returns how long each of their exchanges took.
async fn together<F>(count: usize, mut task: impl FnMut() -> F) -> Result<Vec<Duration>>
where
    F: Future<Output = Result<Vec<Duration>>> + 'static,
{
    let tasks: Vec<_> = (0..count).map(|_| tokio::task::spawn_local(task())).collect();
    let mut all = Vec::new();
    for task in tasks {
        all.append(&mut task.await??);
    }
    Ok(all)
}

#[derive(Clone, Copy)]
enum Until {
    Time(Instant),
    Times(usize),
}

impl Until {
    fn over(self, done: usize) -> bool {
        match self {
            Self::Time(end) => Instant::now() >= end,
            Self::Times(times) => done >= times,
        }
    }
}

/// One connection after the other, each with one exchange that the other side ends.
async fn handshakes(client: Rc<Client>, resume: Resume, until: Until) -> Result<Vec<Duration>> {
    let mut buffer = vec![0; BUFFER];
    let mut took = Vec::new();
    while !until.over(took.len()) {
        let began = Instant::now();
        let mut stream = client.connect(resume).await?;
        client.get_last(&mut stream, &mut buffer).await?;
        took.push(began.elapsed());
    }
    Ok(took)
}

async fn bodies(
    client: Rc<Client>,
    stream: Option<SslStream<TcpStream>>,
    path: &str,
    times: usize,
) -> Result<Vec<Duration>> {
    let mut stream = stream.context("fewer connections are open than are wanted")?;
    let mut buffer = vec![0; BUFFER];
    let mut took = Vec::new();
    for _ in 0..times {
        let began = Instant::now();
        client.get(&mut stream, path, &mut buffer).await?;
        took.push(began.elapsed());
    }
    Ok(took)
}

/// Which connections are to continue an earlier session.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Resume {
    No,
    IfPossible,
    Always,
}

/// Tickets that no connection used yet, the newest last.
type Sessions = Arc<Mutex<VecDeque<SslSession>>>;
/// More than there are connections at a time.
const SESSIONS: usize = 1024;

struct Client {
    address: SocketAddr,
    context: SslContext,
    sessions: Sessions,
}

impl Client {
    fn new(address: SocketAddr) -> Result<Self> {
        let sessions = Sessions::default();
        let mut context = SslContext::builder(SslMethod::tls_client())?;
        context.set_min_proto_version(Some(SslVersion::TLS1_3))?;
        context.set_ciphersuites(CIPHER)?;
        context.set_groups_list(GROUP)?;
        context.set_mode(SslMode::RELEASE_BUFFERS);
        context.set_read_ahead(true);
        // The certificate is one of a minute ago, and this end is not what is measured.
        context.set_verify(SslVerifyMode::NONE);
        context.set_session_cache_mode(SslSessionCacheMode::CLIENT | SslSessionCacheMode::NO_INTERNAL);
        let kept = sessions.clone();
        context.set_new_session_callback(move |_, session| {
            let mut kept = kept.lock().unwrap_or_else(PoisonError::into_inner);
            kept.push_back(session);
            if kept.len() > SESSIONS {
                kept.pop_front();
            }
        });
        Ok(Self { address, context: context.build(), sessions })
    }

    async fn connect(&self, resume: Resume) -> Result<SslStream<TcpStream>> {
        let mut ssl = Ssl::new(&self.context)?;
        ssl.set_hostname("localhost")?;
        if resume != Resume::No {
            let session = self.sessions.lock().unwrap_or_else(PoisonError::into_inner).pop_back();
            if let Some(session) = session {
                // SAFETY: the session comes from a connection of the same context.
                unsafe { ssl.set_session(&session)? };
            }
        }
        let connecting = async {
            let stream = TcpStream::connect(self.address).await.context("cannot connect")?;
            stream.set_nodelay(true)?;
            let mut stream = SslStream::new(ssl, stream)?;
            Pin::new(&mut stream).connect().await.context("the handshake failed")?;
            Ok::<_, anyhow::Error>(stream)
        };
        let stream = tokio::time::timeout(PATIENCE, connecting).await.context("no handshake in time")??;
        let reused = stream.ssl().session_reused();
        ensure!(resume != Resume::No || !reused, "a session was resumed that was not offered");
        ensure!(resume != Resume::Always || reused, "the session was not resumed");
        Ok(stream)
    }

    /// One exchange of a connection that stays.
    async fn get(&self, stream: &mut SslStream<TcpStream>, path: &str, buffer: &mut [u8]) -> Result<()> {
        self.ask(stream, path, "", buffer).await
    }

    /// The only exchange of a connection, until the other side has ended it.
    async fn get_last(&self, stream: &mut SslStream<TcpStream>, buffer: &mut [u8]) -> Result<()> {
        self.ask(stream, SMALL, "Connection: close\r\n", buffer).await?;
        let end = tokio::time::timeout(PATIENCE, stream.read(buffer)).await;
        // The response is whole, so it is no matter how the connection ends, if only it does.
        ensure!(end.context("the connection stays open")?.unwrap_or(0) == 0, "more bytes than one response");
        // OpenSSL takes a session for broken, and its tickets with it, when this end never said good-bye.
        let _ = tokio::time::timeout(PATIENCE, stream.shutdown()).await;
        Ok(())
    }

    async fn ask(
        &self,
        stream: &mut SslStream<TcpStream>,
        path: &str,
        fields: &str,
        buffer: &mut [u8],
    ) -> Result<()> {
        let exchange = async {
            let request = format!("GET {path} HTTP/1.1\r\nHost: localhost\r\n{fields}\r\n");
            stream.write_all(request.as_bytes()).await?;
            receive(stream, buffer).await
        };
        tokio::time::timeout(PATIENCE, exchange).await.context("no response in time")?
    }

    /// One connection that says what is agreed with this address, and how many tickets it brings.
    async fn look(&self) -> Result<String> {
        let mut stream = self.connect(Resume::No).await?;
        let mut facts = facts(stream.ssl())?;
        self.get_last(&mut stream, &mut vec![0; BUFFER]).await?;
        let tickets = self.sessions.lock().unwrap_or_else(PoisonError::into_inner).len();
        facts.push_str(&format!(" tickets={tickets}"));
        Ok(facts)
    }
}

/// Reads one whole response with status 200 and a Content-Length; its body is not kept.
async fn receive(stream: &mut SslStream<TcpStream>, buffer: &mut [u8]) -> Result<()> {
    let mut filled = 0;
    let mut left = loop {
        let read = stream.read(&mut buffer[filled..]).await?;
        ensure!(read > 0, "the connection was closed within a response");
        filled += read;
        if let Some((head, length)) = head(&buffer[..filled])? {
            break (head + length).checked_sub(filled).context("more bytes than one response")?;
        }
    };
    while left > 0 {
        let read = stream.read(buffer).await?;
        ensure!(read > 0, "the connection was closed within a body");
        left = left.checked_sub(read).context("more bytes than one response")?;
    }
    Ok(())
}

/// Length of the head, and what it says of the length of the body.
fn head(bytes: &[u8]) -> Result<Option<(usize, usize)>> {
    let Some(end) = bytes.windows(4).position(|window| window == b"\r\n\r\n") else { return Ok(None) };
    let head = std::str::from_utf8(&bytes[..end])?;
    ensure!(head.starts_with("HTTP/1.1 200"), "not a 200: {head}");
    let length = head
        .lines()
        .filter_map(|line| line.split_once(':'))
        .find(|(name, _)| name.eq_ignore_ascii_case("content-length"))
        .context("no Content-Length")?;
    Ok(Some((end + 4, length.1.trim().parse()?)))
}

fn facts(ssl: &SslRef) -> Result<String> {
    let version = ssl.version_str();
    let cipher = ssl.current_cipher().context("no cipher")?.name();
    let group = key_name(&*ssl.peer_tmp_key()?)?;
    let key = key_name(&*ssl.peer_certificate().context("no certificate")?.public_key()?)?;
    Ok(format!("version={version} cipher={cipher} group={group} key={key}"))
}

fn key_name<T: HasPublic>(key: &PKeyRef<T>) -> Result<String> {
    Ok(match key.id() {
        Id::RSA => format!("RSA-{}", key.bits()),
        Id::X25519 => "X25519".to_owned(),
        Id::EC if key.ec_key()?.group().curve_name() == Some(Nid::X9_62_PRIME256V1) => "P-256".to_owned(),
        other => format!("{other:?}"),
    })
}

struct Done {
    /// By exchange.
    took: Vec<Duration>,
    elapsed: Duration,
}

impl Done {
    fn text(mut self) -> String {
        self.took.sort_unstable();
        let at = |share: f64| {
            let last = self.took.len().saturating_sub(1);
            self.took.get((last as f64 * share) as usize).map_or(0, Duration::as_micros)
        };
        let (p50, p99) = (at(0.5), at(0.99));
        let (exchanges, seconds) = (self.took.len(), self.elapsed.as_secs_f64());
        format!("exchanges={exchanges} seconds={seconds:.6} p50={p50} p99={p99}")
    }
}
