//! A name server that says what a test's closure says: right, wrong, late or nothing.

use std::fmt;
use std::io::{Read, Write};
use std::net::{IpAddr, SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::thread;
use std::time::Instant;

use crate::guard::LIMIT;

const NO_SUCH_NAME: u8 = 3;
const SERVER_FAILURE: u8 = 2;

/// A name server on one ephemeral port of loopback, over UDP and TCP; one thread per query, so that a
/// script may block. It reads and writes the messages of RFC 1035 itself. Dropping it closes the port.
pub struct NameServer {
    addr: SocketAddr,
    shared: Arc<Shared>,
}

/// What a client of a [`NameServer`] asks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NameQuery {
    /// In lower case, without the final dot.
    pub name: String,
    /// The kind of records.
    pub kind: NameKind,
    /// Whether it came over TCP.
    pub tcp: bool,
}

/// Kinds of records that a [`NameServer`] tells apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NameKind {
    /// IPv4 addresses.
    A,
    /// IPv6 addresses.
    Aaaa,
    /// Hosts of a service.
    Srv,
    /// Anything else, by its number.
    Other(u16),
}

/// What a [`NameServer`] answers.
#[derive(Clone, Debug)]
pub struct NameReply {
    records: Vec<Record>,
    code: u8,
    fate: Fate,
}

#[derive(Clone, Debug)]
struct Record {
    /// Empty for the name that was asked for.
    owner: String,
    ttl: u32,
    data: Data,
}

#[derive(Clone, Debug)]
enum Data {
    Alias(String),
    Ip(IpAddr),
    Service { priority: u16, weight: u16, port: u16, host: String },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    Garbage,
    Sent,
    Silent,
    Truncated,
    WrongId,
}

type Script = dyn Fn(&NameQuery) -> NameReply + Send + Sync;

struct Shared {
    script: Box<Script>,
    queries: Mutex<Vec<NameQuery>>,
    changed: Condvar,
    stopped: AtomicBool,
}

impl NameServer {
    /// Answers each query with what `script` says. Of the records those are sent that were asked for.
    ///
    /// # Panics
    /// When loopback cannot be bound.
    pub fn start(script: impl Fn(&NameQuery) -> NameReply + Send + Sync + 'static) -> Self {
        let (udp, tcp) = bind_both();
        let addr = udp.local_addr().expect("a bound socket has an address");
        let shared = Arc::new(Shared {
            script: Box::new(script),
            queries: Mutex::default(),
            changed: Condvar::new(),
            stopped: AtomicBool::new(false),
        });
        thread::spawn({
            let shared = shared.clone();
            move || serve_udp(&udp, &shared)
        });
        thread::spawn({
            let shared = shared.clone();
            move || serve_tcp(&tcp, &shared)
        });
        Self { addr, shared }
    }

    /// Where it listens.
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// Everything that was asked so far, oldest first.
    pub fn queries(&self) -> Vec<NameQuery> {
        self.shared.queries().clone()
    }

    /// How often this was asked so far.
    pub fn asked(&self, name: &str, kind: NameKind) -> usize {
        let queries = self.shared.queries();
        queries.iter().filter(|query| query.name == name && query.kind == kind).count()
    }

    /// Blocks until this was asked this many times.
    ///
    /// # Panics
    /// After [`LIMIT`].
    pub fn wait_until_asked(&self, name: &str, kind: NameKind, times: usize) {
        let end = Instant::now() + LIMIT;
        let mut queries = self.shared.queries();
        while queries.iter().filter(|query| query.name == name && query.kind == kind).count() < times {
            let left = end.saturating_duration_since(Instant::now());
            assert!(!left.is_zero(), "{name} was not asked for {times} times: {queries:#?}");
            queries = self.shared.changed.wait_timeout(queries, left).unwrap().0;
        }
    }
}

impl Drop for NameServer {
    fn drop(&mut self) {
        self.shared.stopped.store(true, Ordering::Release);
        // Wakes both threads, so that they see it; an error means that they are gone.
        let _ = UdpSocket::bind(("127.0.0.1", 0)).and_then(|socket| socket.send_to(&[], self.addr));
        let _ = TcpStream::connect(self.addr);
    }
}

impl NameReply {
    fn new(code: u8, fate: Fate) -> Self {
        Self { records: Vec::new(), code, fate }
    }

    /// No records, and no error: the name exists, but not with what was asked for.
    pub fn nothing() -> Self {
        Self::new(0, Fate::Sent)
    }

    /// Addresses of either family, with a time to live in seconds.
    ///
    /// # Panics
    /// When one is no IP address.
    pub fn ips(ttl: u32, ips: &[&str]) -> Self {
        ips.iter().fold(Self::nothing(), |reply, ip| {
            let ip = ip.parse().expect("an IP address");
            reply.record(String::new(), ttl, Data::Ip(ip))
        })
    }

    /// Adds a host of the service, with a time to live in seconds.
    #[must_use]
    pub fn service(self, ttl: u32, priority: u16, weight: u16, port: u16, host: &str) -> Self {
        let host = host.to_owned();
        self.record(String::new(), ttl, Data::Service { priority, weight, port, host })
    }

    /// The name is another name for `target`, which the records belong to.
    #[must_use]
    pub fn alias(mut self, ttl: u32, target: &str) -> Self {
        for record in &mut self.records {
            record.owner = target.to_owned();
        }
        let alias = Record { owner: String::new(), ttl, data: Data::Alias(target.to_owned()) };
        self.records.insert(0, alias);
        self
    }

    /// The name does not exist (NXDOMAIN).
    pub fn no_such_name() -> Self {
        Self::new(NO_SUCH_NAME, Fate::Sent)
    }

    /// The server cannot say (SERVFAIL).
    pub fn server_failure() -> Self {
        Self::new(SERVER_FAILURE, Fate::Sent)
    }

    /// No answer, ever.
    pub fn silence() -> Self {
        Self::new(0, Fate::Silent)
    }

    /// Bytes that are no message.
    pub fn garbage() -> Self {
        Self::new(0, Fate::Garbage)
    }

    /// The same as an answer to another question.
    #[must_use]
    pub fn with_wrong_id(self) -> Self {
        Self { fate: Fate::WrongId, ..self }
    }

    /// Over UDP the message ends before the records; over TCP it is whole.
    #[must_use]
    pub fn truncated(self) -> Self {
        Self { fate: Fate::Truncated, ..self }
    }

    fn record(mut self, owner: String, ttl: u32, data: Data) -> Self {
        self.records.push(Record { owner, ttl, data });
        self
    }
}

/// A port that is free for both.
fn bind_both() -> (UdpSocket, TcpListener) {
    for _ in 0..100 {
        let udp = UdpSocket::bind(("127.0.0.1", 0)).expect("an ephemeral port of loopback");
        let addr = udp.local_addr().expect("a bound socket has an address");
        if let Ok(tcp) = TcpListener::bind(addr) {
            return (udp, tcp);
        }
    }
    panic!("no port is free for UDP and TCP");
}

fn serve_udp(udp: &UdpSocket, shared: &Arc<Shared>) {
    let mut buf = [0; 4096];
    while let Ok((length, client)) = udp.recv_from(&mut buf) {
        if shared.stopped.load(Ordering::Acquire) {
            return;
        }
        let (udp, shared) = (udp.try_clone().expect("a descriptor"), shared.clone());
        let message = buf[..length].to_vec();
        thread::spawn(move || {
            if let Some(answer) = shared.answer(&message, false) {
                // The client may be gone.
                let _ = udp.send_to(&answer, client);
            }
        });
    }
}

fn serve_tcp(tcp: &TcpListener, shared: &Arc<Shared>) {
    while let Ok((stream, _)) = tcp.accept() {
        if shared.stopped.load(Ordering::Acquire) {
            return;
        }
        let shared = shared.clone();
        thread::spawn(move || serve_connection(stream, &shared));
    }
}

/// Messages over TCP have their length before them (RFC 1035 4.2.2).
fn serve_connection(mut stream: TcpStream, shared: &Shared) {
    let mut length = [0; 2];
    while stream.read_exact(&mut length).is_ok() {
        let mut message = vec![0; u16::from_be_bytes(length).into()];
        if stream.read_exact(&mut message).is_err() {
            return;
        }
        let Some(answer) = shared.answer(&message, true) else { continue };
        let length = u16::try_from(answer.len()).expect("a test's answer is short");
        if stream.write_all(&[&length.to_be_bytes()[..], &answer].concat()).is_err() {
            return;
        }
    }
}

impl Shared {
    fn queries(&self) -> MutexGuard<'_, Vec<NameQuery>> {
        self.queries.lock().unwrap()
    }

    fn answer(&self, message: &[u8], tcp: bool) -> Option<Vec<u8>> {
        let (query, question) = read_query(message, tcp)?;
        self.queries().push(query.clone());
        self.changed.notify_all();
        let reply = (self.script)(&query);
        match reply.fate {
            Fate::Silent => None,
            Fate::Garbage => Some(vec![0xFF; 7]),
            _ => Some(write_reply(message, question, &query, &reply)),
        }
    }
}

/// The only question of a message, and its bytes.
fn read_query(message: &[u8], tcp: bool) -> Option<(NameQuery, &[u8])> {
    let mut at = 12;
    let mut labels = Vec::new();
    loop {
        let length = usize::from(*message.get(at)?);
        at += 1;
        if length == 0 {
            break;
        }
        labels.push(String::from_utf8_lossy(message.get(at..at + length)?).to_ascii_lowercase());
        at += length;
    }
    let kind = match u16::from_be_bytes([*message.get(at)?, *message.get(at + 1)?]) {
        1 => NameKind::A,
        28 => NameKind::Aaaa,
        33 => NameKind::Srv,
        other => NameKind::Other(other),
    };
    let question = message.get(12..at + 4)?;
    Some((NameQuery { name: labels.join("."), kind, tcp }, question))
}

fn write_reply(message: &[u8], question: &[u8], query: &NameQuery, reply: &NameReply) -> Vec<u8> {
    let truncated = reply.fate == Fate::Truncated && !query.tcp;
    let records: Vec<_> = match truncated {
        true => Vec::new(),
        false => reply.records.iter().filter(|record| record.data.is_asked_for(query.kind)).collect(),
    };
    let mut id = [message[0], message[1]];
    if reply.fate == Fate::WrongId {
        id[1] ^= 1;
    }
    let count = u16::try_from(records.len()).expect("a test has few records");
    let mut out = id.to_vec();
    // A response; recursion was desired and is available.
    out.extend([0x81 | if truncated { 0x02 } else { 0 }, 0x80 | reply.code]);
    out.extend([1, count, 0, 0].map(u16::to_be_bytes).concat());
    out.extend(question);
    for record in records {
        record.write(&mut out);
    }
    out
}

impl Data {
    fn is_asked_for(&self, kind: NameKind) -> bool {
        match self {
            Data::Alias(_) => true,
            Data::Ip(ip) => kind == if ip.is_ipv4() { NameKind::A } else { NameKind::Aaaa },
            Data::Service { .. } => kind == NameKind::Srv,
        }
    }
}

impl Record {
    fn write(&self, out: &mut Vec<u8>) {
        match self.owner.as_str() {
            // The name in the question, at its place in the message.
            "" => out.extend([0xC0, 12]),
            owner => out.extend(wire_name(owner)),
        }
        let (kind, data): (u16, Vec<u8>) = match &self.data {
            Data::Alias(target) => (5, wire_name(target)),
            Data::Ip(IpAddr::V4(ip)) => (1, ip.octets().to_vec()),
            Data::Ip(IpAddr::V6(ip)) => (28, ip.octets().to_vec()),
            Data::Service { priority, weight, port, host } => {
                let numbers = [*priority, *weight, *port].map(u16::to_be_bytes).concat();
                (33, [numbers, wire_name(host)].concat())
            }
        };
        out.extend(kind.to_be_bytes());
        out.extend(1_u16.to_be_bytes());
        out.extend(self.ttl.to_be_bytes());
        out.extend(u16::try_from(data.len()).expect("short").to_be_bytes());
        out.extend(data);
    }
}

/// Labels with their lengths before them; `.` is the root.
fn wire_name(name: &str) -> Vec<u8> {
    let mut out = Vec::new();
    for label in name.split('.').filter(|label| !label.is_empty()) {
        out.push(u8::try_from(label.len()).expect("a short label"));
        out.extend(label.as_bytes());
    }
    out.push(0);
    out
}

impl fmt::Debug for NameServer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NameServer").field("addr", &self.addr).finish_non_exhaustive()
    }
}
