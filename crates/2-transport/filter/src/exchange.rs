//! One request and its response, as filters see it.

use std::net::IpAddr;
use std::num::NonZeroU64;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use gorge_digest::{PeerAddr, TimingDigest, TlsDigest};
use gorge_http::{RequestHead, Status, Uri};

use crate::slots::Slots;
use crate::{Attempts, BodyHandle, BodyLength};

/// One request and its response on their way through the proxy.
///
/// `C` is the application's own context: one value per exchange, made by `Default`, living until
/// after the last [`on_end`](crate::Filter::on_end).
pub struct Exchange<C = ()> {
    /// The request as it will go upstream: hop-by-hop fields are gone, filters may change it.
    pub req: RequestHead,
    /// The application's context.
    pub ctx: C,
    /// Time limits of this exchange; preset from the proxy's, open to filters.
    pub timeouts: Timeouts,
    request_body: BodyHandle,
    response_body: BodyHandle,
    slots: Slots,
    /// Filled by the driver.
    pub facts: Facts,
}

/// What the driver of an exchange knows of it; filters and observers read it.
#[derive(Debug, Default)]
pub struct Facts {
    /// Who is at the other end of the downstream connection.
    pub client: Option<PeerAddr>,
    /// For whom that end asks, if it is a trusted proxy that says so.
    pub named_client: Option<IpAddr>,
    /// Which address it came to.
    pub local: Option<PeerAddr>,
    /// `http` or `https`, as the client spoke it to us.
    pub scheme: Scheme,
    /// What was agreed on with the client, if it speaks TLS.
    pub tls: Option<Arc<TlsDigest>>,
    /// What was agreed on with the chosen peer, if it is spoken to over TLS.
    pub upstream_tls: Option<Arc<TlsDigest>>,
    /// How much of a request body there is.
    pub request_length: BodyLength,
    /// The target as the client sent it, once something has changed it; see [`Exchange::target`].
    pub target: Option<Uri>,
    /// The route that takes the request, where routes are used.
    pub route: Option<RouteId>,
    /// The protocol the client asks to upgrade to (RFC 9110 7.8).
    pub upgrade: Option<Bytes>,
    /// What was tried so far.
    pub attempts: Attempts,
    /// When what happened.
    pub timing: TimingDigest,
    /// Body bytes received from the client.
    pub received: u64,
    /// Body bytes sent to the client.
    pub sent: u64,
    /// The status sent to the client, once it is decided.
    pub status: Option<Status>,
    /// True once the process is stopping.
    pub stopping: bool,
    /// How many exchanges this downstream connection carried before.
    pub earlier_exchanges: u32,
}

/// Which route, without saying what a route is: whoever routes numbers them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct RouteId(pub u32);

/// The scheme of a downstream connection.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Scheme {
    /// In clear.
    #[default]
    Http,
    /// Over TLS or QUIC.
    Https,
}

impl Scheme {
    /// As a URI spells it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Http => "http",
            Self::Https => "https",
        }
    }
}

/// Time limits of one exchange.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timeouts {
    /// Without a byte of the request body from the client. Default 60 s.
    pub idle_body: Duration,
    /// Until a client that takes no byte of the response takes one. Default 60 s.
    pub write: Duration,
    /// Bytes per second that the client must send of a request body, and take of a response, on
    /// average, time spent waiting for the upstream left out. For each piece there is at least a
    /// second. Replaces [`write`](Self::write). Default none.
    pub min_rate: Option<NonZeroU64>,
    /// Without any byte in either direction of a tunnel. Default 1 h.
    pub tunnel: Duration,
    /// From the request to the response head, all attempts together. Default none.
    pub total: Option<Duration>,
    /// Those of the upstream side.
    pub upstream: UpstreamTimeouts,
}

/// Time limits of one attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UpstreamTimeouts {
    /// From the whole request sent to the first byte of the response. Default 60 s.
    pub first_byte: Duration,
    /// Without a byte of the response body. Default 60 s.
    pub idle_body: Duration,
    /// Until an upstream that takes no byte of the request takes one. Default 60 s.
    pub write: Duration,
}

const MINUTE: Duration = Duration::from_secs(60);

impl Default for Timeouts {
    fn default() -> Self {
        Self {
            idle_body: MINUTE,
            write: MINUTE,
            min_rate: None,
            tunnel: 60 * MINUTE,
            total: None,
            upstream: UpstreamTimeouts::default(),
        }
    }
}

impl Default for UpstreamTimeouts {
    fn default() -> Self {
        Self { first_byte: MINUTE, idle_body: MINUTE, write: MINUTE }
    }
}

impl<C: Default> Exchange<C> {
    /// An exchange of which nothing is known yet.
    #[must_use]
    pub fn new() -> Self {
        Self {
            req: RequestHead::new(),
            ctx: C::default(),
            timeouts: Timeouts::default(),
            request_body: BodyHandle::default(),
            response_body: BodyHandle::default(),
            slots: Slots::default(),
            facts: Facts::default(),
        }
    }

    /// Makes it as good as new, but for the memory it holds. Received bytes are let go.
    pub fn clear(&mut self) {
        self.req.clear();
        self.ctx = C::default();
        self.timeouts = Timeouts::default();
        self.request_body.clear();
        self.response_body.clear();
        self.slots.clear();
        let mut attempts = std::mem::take(&mut self.facts.attempts);
        attempts.clear();
        self.facts = Facts { attempts, ..Facts::default() };
    }
}

impl<C: Default> Default for Exchange<C> {
    fn default() -> Self {
        Self::new()
    }
}

impl<C> Exchange<C> {
    /// The request body: push transforms here.
    pub fn request_body(&mut self) -> &mut BodyHandle {
        &mut self.request_body
    }

    /// The response body: push transforms here.
    pub fn response_body(&mut self) -> &mut BodyHandle {
        &mut self.response_body
    }

    /// Puts a value into the slot of its type; the one before comes back.
    pub fn set<T: Send + 'static>(&mut self, value: T) -> Option<T> {
        self.slots.set(value)
    }

    /// The value in the slot of this type.
    #[must_use]
    pub fn get<T: Send + 'static>(&self) -> Option<&T> {
        self.slots.get()
    }

    /// The value in the slot of this type, to change.
    pub fn get_mut<T: Send + 'static>(&mut self) -> Option<&mut T> {
        self.slots.get_mut()
    }

    /// Takes the value out of the slot of this type.
    pub fn take<T: Send + 'static>(&mut self) -> Option<T> {
        self.slots.take()
    }

    /// The target as the client sent it, for logs: filters may have changed that in the head.
    #[must_use]
    pub fn target(&self) -> &Uri {
        self.facts.target.as_ref().unwrap_or(&self.req.uri)
    }

    /// To be called before the target in the head is changed, so that it is not forgotten.
    pub fn keep_target(&mut self) {
        self.facts.target.get_or_insert_with(|| self.req.uri.clone());
    }

    /// The client's address on this connection.
    #[must_use]
    pub fn client(&self) -> Option<&PeerAddr> {
        self.facts.client.as_ref()
    }

    /// The client's address: the one that a trusted proxy names, else the other end of the connection.
    /// `None` for one on a Unix socket.
    #[must_use]
    pub fn client_ip(&self) -> Option<IpAddr> {
        self.facts.named_client.or_else(|| self.client()?.ip())
    }

    /// What was tried upstream so far.
    #[must_use]
    pub fn attempts(&self) -> &Attempts {
        &self.facts.attempts
    }

    /// The address of the peer asked last.
    #[must_use]
    pub fn peer(&self) -> Option<&PeerAddr> {
        self.facts.attempts.last().map(|a| &a.address)
    }
}

impl<C: std::fmt::Debug> std::fmt::Debug for Exchange<C> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Exchange")
            .field("req", &self.req)
            .field("ctx", &self.ctx)
            .field("facts", &self.facts)
            .finish_non_exhaustive()
    }
}
