//! Happy eyeballs (RFC 8305): several addresses, and the first that takes a connection wins.

use std::collections::VecDeque;
use std::fmt::{self, Write};
use std::future::poll_fn;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use gorge_error::{Error, Kind, Result, Retryable};
use gorge_timeout::{Timer, clock, timeout};
use tokio::net::TcpStream;

use super::answer::{Answer, Family, RecordKind};
use super::failure::Failure;
use super::resolver::{Resolver, more_telling};
use crate::connect::{is_our_lack, tcp};
use crate::{ConnectOptions, Transport};

/// How long IPv4 addresses wait for the IPv6 addresses of the same name (RFC 8305 3).
const RESOLUTION_DELAY: Duration = Duration::from_millis(50);

/// Attempts follow each other no faster than this while none fails (RFC 8305 5).
const LEAST_DELAY: Duration = Duration::from_millis(10);

/// Addresses of each family that one connection tries: a name can have thousands.
const MOST_ADDRESSES: usize = 16;

/// Connects to the first of `addresses` that takes a connection, within [`ConnectOptions::timeout`].
///
/// They are tried in their order, families in turns: the next one when one has failed, or when
/// [`ConnectOptions::attempt_delay`] is over. What has not connected when one has is dropped. Of each
/// family the first 16 are tried, and with a [source](ConnectOptions::source) only those of its family.
///
/// It is for callers that have asked for the addresses themselves, and judged them.
///
/// # Errors
/// As for [`connect`](crate::connect), with what each address said; the kind is that of the first
/// that failed. [`Kind::NameNotFound`] if there is no address to try.
///
/// # Panics
/// Outside a tokio runtime.
pub async fn connect_any(addresses: &[SocketAddr], options: &ConnectOptions) -> Result<Transport> {
    let mut race = Race::new(Target::Any(addresses.len()), options);
    race.six_next = addresses.first().is_some_and(SocketAddr::is_ipv6);
    addresses.iter().for_each(|address| race.add(*address));
    race.run().await
}

/// Connects to a host by its name.
pub(crate) async fn connect_by_name(host: &str, port: u16, options: &ConnectOptions) -> Result<Transport> {
    let resolver = options.resolver.clone().unwrap_or_else(Resolver::shared);
    let mut race = Race::new(Target::Name(host, port), options);
    match options.family {
        Family::Both => {
            // Both lookups run from here on.
            let (six, four) = (resolver.ask(host, RecordKind::Aaaa), resolver.ask(host, RecordKind::A));
            race.look_up(true, port, six.answer());
            race.look_up(false, port, four.answer());
        }
        family => race.look_up(false, port, async move { resolver.preferred(host, family).await }),
    }
    race.run().await
}

/// Where a connect goes, for a message.
#[derive(Clone, Copy)]
enum Target<'a> {
    Any(usize),
    Name(&'a str, u16),
}

impl fmt::Display for Target<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Target::Any(count) => write!(f, "any of {count} addresses"),
            Target::Name(host, port) => write!(f, "{host}:{port}"),
        }
    }
}

/// The state of one connect to several addresses.
struct Race<'a> {
    target: Target<'a>,
    options: &'a ConnectOptions,
    lookups: Vec<Lookup<'a>>,
    unknown: Option<Failure>,
    six: VecDeque<SocketAddr>,
    four: VecDeque<SocketAddr>,
    /// Whether it is IPv6's turn.
    six_next: bool,
    attempts: Vec<Attempt<'a>>,
    failures: Vec<(SocketAddr, io::Error)>,
    /// No attempt starts before this.
    next: Timer,
}

/// A lookup that may bring more addresses.
struct Lookup<'a> {
    /// Whether the others wait for it a little.
    preferred: bool,
    port: u16,
    answer: Pin<Box<dyn Future<Output = Result<Answer, Failure>> + Send + 'a>>,
}

struct Attempt<'a> {
    to: SocketAddr,
    stream: Pin<Box<dyn Future<Output = io::Result<TcpStream>> + Send + 'a>>,
}

impl<'a> Race<'a> {
    fn new(target: Target<'a>, options: &'a ConnectOptions) -> Self {
        Race {
            target,
            options,
            lookups: Vec::new(),
            unknown: None,
            six: VecDeque::new(),
            four: VecDeque::new(),
            six_next: true,
            attempts: Vec::new(),
            failures: Vec::new(),
            next: Timer::new(),
        }
    }

    fn look_up(
        &mut self,
        preferred: bool,
        port: u16,
        answer: impl Future<Output = Result<Answer, Failure>> + Send + 'a,
    ) {
        self.lookups.push(Lookup { preferred, port, answer: Box::pin(answer) });
    }

    fn add(&mut self, address: SocketAddr) {
        let queue = if address.is_ipv6() { &mut self.six } else { &mut self.four };
        let fits = |source: SocketAddr| source.is_ipv6() == address.is_ipv6();
        if queue.len() < MOST_ADDRESSES && self.options.source.is_none_or(fits) {
            queue.push_back(address);
        }
    }

    async fn run(mut self) -> Result<Transport> {
        match timeout(self.options.timeout, poll_fn(|cx| self.poll(cx))).await {
            Ok(Some(stream)) => Ok(Transport::Tcp(stream)),
            Ok(None) => Err(self.failure()),
            Err(_) => Err(self.late()),
        }
    }

    /// The winner; `None` if nobody is left who could win.
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Option<TcpStream>> {
        self.poll_lookups(cx);
        loop {
            if let Some(stream) = self.poll_attempts(cx) {
                return Poll::Ready(Some(stream));
            }
            if self.failures.last().is_some_and(|(_, error)| is_our_lack(error)) {
                return Poll::Ready(None);
            }
            let waiting = !self.six.is_empty() || !self.four.is_empty();
            if !waiting {
                let over = self.attempts.is_empty() && self.lookups.is_empty();
                return if over { Poll::Ready(None) } else { Poll::Pending };
            }
            if self.next.deadline().is_some() && self.next.poll_expired(cx).is_pending() {
                return Poll::Pending;
            }
            self.start();
        }
    }

    fn poll_lookups(&mut self, cx: &mut Context<'_>) {
        let mut arrived = Vec::new();
        self.lookups.retain_mut(|lookup| match lookup.answer.as_mut().poll(cx) {
            Poll::Ready(answer) => {
                arrived.push((lookup.port, answer));
                false
            }
            Poll::Pending => true,
        });
        if arrived.is_empty() {
            return;
        }
        for (port, answer) in arrived {
            match answer {
                Ok(answer) => in_turn(&answer).for_each(|ip| self.add(SocketAddr::new(ip, port))),
                Err(failure) => {
                    self.unknown = Some(match self.unknown.take() {
                        Some(before) => more_telling(before, failure),
                        None => failure,
                    });
                }
            }
        }
        if self.attempts.is_empty() && self.failures.is_empty() {
            match self.lookups.iter().any(|lookup| lookup.preferred) {
                true => self.next.set(clock::now() + RESOLUTION_DELAY),
                false => self.next.clear(),
            }
        }
    }

    fn poll_attempts(&mut self, cx: &mut Context<'_>) -> Option<TcpStream> {
        let mut winner = None;
        let failures = &mut self.failures;
        let failed_before = failures.len();
        self.attempts.retain_mut(|attempt| match attempt.stream.as_mut().poll(cx) {
            Poll::Pending => true,
            Poll::Ready(Ok(stream)) => {
                winner.get_or_insert(stream);
                false
            }
            Poll::Ready(Err(error)) => {
                failures.push((attempt.to, error));
                false
            }
        });
        if failures.len() > failed_before {
            self.next.clear();
        }
        winner
    }

    /// Starts the attempt whose turn it is.
    fn start(&mut self) {
        let (first, second) = match self.six_next {
            true => (&mut self.six, &mut self.four),
            false => (&mut self.four, &mut self.six),
        };
        let Some(to) = first.pop_front().or_else(|| second.pop_front()) else { return };
        self.six_next = to.is_ipv4();
        self.attempts.push(Attempt { to, stream: Box::pin(tcp(to, self.options)) });
        self.next.set(clock::now() + self.options.attempt_delay.max(LEAST_DELAY));
    }

    fn failure(mut self) -> Error {
        let text = self.told();
        if self.failures.is_empty() {
            return match self.unknown {
                Some(failure) => failure.into_error().context(format!("connect to {}", self.target)),
                None => {
                    let text = format!("connect to {}: there is none to try", self.target);
                    Error::explain(Kind::NameNotFound, text).into_upstream().retryable(Retryable::Yes)
                }
            };
        }
        let lack = self.failures.iter().position(|(_, error)| is_our_lack(error));
        let (_, error) = self.failures.swap_remove(lack.unwrap_or(0));
        if lack.is_some() {
            return Error::because(Kind::Overload, text, error).into_internal().retryable(Retryable::No);
        }
        Error::because(Kind::of_connect(&error), text, error).into_upstream().retryable(Retryable::Yes)
    }

    fn late(&self) -> Error {
        let mut text = self.told();
        let _ = write!(text, ": it took longer than {:?}", self.options.timeout);
        let kind = match self.attempts.is_empty() && self.failures.is_empty() {
            // Not even an address was known.
            true => Kind::NameNotFound,
            false => Kind::ConnectTimedOut,
        };
        Error::explain(kind, text).into_upstream().retryable(Retryable::Yes)
    }

    /// `connect to a.example:80: 192.0.2.1:80: Connection refused; [2001:db8::1]:80: no answer`.
    fn told(&self) -> String {
        let mut text = format!("connect to {}", self.target);
        let mut separator = ": ";
        // Writing to a string cannot fail.
        for (address, error) in &self.failures {
            let _ = write!(text, "{separator}{address}: {error}");
            separator = "; ";
        }
        for attempt in &self.attempts {
            let _ = write!(text, "{separator}{}: no answer", attempt.to);
            separator = "; ";
        }
        if !self.lookups.is_empty() {
            let _ = write!(text, "{separator}the name server has not answered all");
        }
        text
    }
}

/// The addresses, beginning with another one each time.
fn in_turn(answer: &Answer) -> impl Iterator<Item = IpAddr> + '_ {
    let first = answer.turn % answer.ips.len().max(1);
    let (end, start) = answer.ips.split_at(first);
    start.iter().chain(end).copied()
}
