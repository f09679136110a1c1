//! Putting a proxy together.

use std::marker::PhantomData;
use std::sync::Arc;

use gorge_error::{Error, Kind, Result};
use gorge_filter::{ErrorPages, Filter, Observer, Role, StatusOnly, Timeouts};
use gorge_http_parser::Limits;
use gorge_http_server::Settings;
use gorge_pool::Options;
use gorge_runtime::PerWorker;
use gorge_upstream::Upstream;

use crate::Proxy;
use crate::app::Parts;
use crate::chain::{Both, Chain, Then, Unobserved};
use crate::connect::Tunnels;
use crate::connector::Connector;
use crate::core::Core;
use crate::heads::Via;
use crate::proxy::Shared;
use crate::route::{Routed, Routes};

/// No upstream yet: such a builder has no `build`.
#[derive(Clone, Copy, Debug)]
pub struct NoUpstream;

/// Puts a proxy together: filters in order, where attempts go, who watches.
///
/// Made by [`Proxy::builder`]. The one required piece is [`upstream`](Self::upstream): before it
/// there is no [`build`](Self::build).
pub struct Builder<C = (), D = (), I = (), U = NoUpstream, O = Unobserved, E = StatusOnly> {
    parts: Parts<C, D, I, U, O, E>,
    options: BuilderOptions,
}

/// What [`Builder::routes`] makes of a builder.
type WithRoutes<C, D, I, N, O, E> = Builder<C, Routed<D, C, N>, I, Arc<Routes<C, N>>, O, E>;

/// What is set by value.
struct BuilderOptions {
    workers: usize,
    name: String,
    settings: Settings,
    timeouts: Timeouts,
    pool: Options,
    response_limits: Limits,
    tells_inside: bool,
    shared: Option<Shared>,
    tunnels: Option<Tunnels>,
}

impl Builder {
    pub(crate) fn new() -> Self {
        let workers = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        Self {
            parts: Parts {
                downstream: (),
                inner: (),
                upstream: NoUpstream,
                observer: Unobserved,
                pages: StatusOnly,
                context: PhantomData,
            },
            options: BuilderOptions {
                workers,
                name: "gorge".to_owned(),
                settings: Settings::default(),
                timeouts: Timeouts::default(),
                pool: Options::default(),
                response_limits: Limits::default(),
                tells_inside: false,
                shared: None,
                tunnels: None,
            },
        }
    }

    /// The application's own context: one value per exchange, made by `Default`. Comes before the
    /// filters, which must agree on it.
    #[must_use]
    pub fn context<C: Default + Send + 'static>(self) -> Builder<C> {
        let Parts { downstream, inner, upstream, observer, pages, .. } = self.parts;
        let parts = Parts { downstream, inner, upstream, observer, pages, context: PhantomData };
        Builder { parts, options: self.options }
    }
}

impl<C: Default + Send + 'static, D, I, U, O, E> Builder<C, D, I, U, O, E> {
    /// Adds a filter that sees each exchange once, behind those already there.
    #[must_use]
    pub fn filter<F: Filter<C>>(self, filter: F) -> Builder<C, Then<D, F>, I, U, O, E> {
        let Parts { downstream, inner, upstream, observer, pages, context } = self.parts;
        let downstream = Then { rest: downstream, filter };
        Builder {
            parts: Parts { downstream, inner, upstream, observer, pages, context },
            options: self.options,
        }
    }

    /// Adds a filter that sees each attempt.
    #[must_use]
    pub fn upstream_filter<F: Filter<C>>(self, filter: F) -> Builder<C, D, Then<I, F>, U, O, E> {
        let Parts { downstream, inner, upstream, observer, pages, context } = self.parts;
        let inner = Then { rest: inner, filter };
        Builder {
            parts: Parts { downstream, inner, upstream, observer, pages, context },
            options: self.options,
        }
    }

    /// Says where attempts go.
    #[must_use]
    pub fn upstream<N: Upstream<C>>(self, upstream: N) -> Builder<C, D, I, N, O, E> {
        let Parts { downstream, inner, observer, pages, context, .. } = self.parts;
        Builder {
            parts: Parts { downstream, inner, upstream, observer, pages, context },
            options: self.options,
        }
    }

    /// Lets `routes` choose further filters, behind those already there, and the upstream.
    #[must_use]
    pub fn routes<N: Upstream<C>>(self, routes: Arc<Routes<C, N>>) -> WithRoutes<C, D, I, N, O, E> {
        let Parts { downstream, inner, observer, pages, context, .. } = self.parts;
        let downstream = Routed { rest: downstream, routes: routes.clone() };
        Builder {
            parts: Parts { downstream, inner, upstream: routes, observer, pages, context },
            options: self.options,
        }
    }

    /// Adds an observer.
    #[must_use]
    pub fn observe<N: Observer<C>>(self, observer: N) -> Builder<C, D, I, U, Both<O, N>, E> {
        let Parts { downstream, inner, upstream, observer: first, pages, context } = self.parts;
        let observer = Both(first, observer);
        Builder {
            parts: Parts { downstream, inner, upstream, observer, pages, context },
            options: self.options,
        }
    }

    /// Sets who draws the error answers. Default: the status alone.
    #[must_use]
    pub fn error_pages<N: ErrorPages<C>>(self, pages: N) -> Builder<C, D, I, U, O, N> {
        let Parts { downstream, inner, upstream, observer, context, .. } = self.parts;
        Builder {
            parts: Parts { downstream, inner, upstream, observer, pages, context },
            options: self.options,
        }
    }

    /// How many workers will run it. Default: one per core. More than that still works; they then
    /// share what would be each one's own.
    #[must_use]
    pub fn workers(mut self, workers: usize) -> Self {
        self.options.workers = workers;
        self
    }

    /// The name in `Via` and `Proxy-Status`. Default `gorge`.
    #[must_use]
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.options.name = name.into();
        self
    }

    /// Limits and times of downstream connections.
    #[must_use]
    pub fn settings(mut self, settings: Settings) -> Self {
        self.options.settings = settings;
        self
    }

    /// Time limits of exchanges, unless a filter or the peer sets others.
    #[must_use]
    pub fn timeouts(mut self, timeouts: Timeouts) -> Self {
        self.options.timeouts = timeouts;
        self
    }

    /// How many idle upstream connections are kept, and for how long.
    #[must_use]
    pub fn pool(mut self, options: Options) -> Self {
        self.options.pool = options;
        self
    }

    /// Makes tunnels for clients that ask by CONNECT. Default: such a request is answered with 405. It
    /// passes the downstream filters, but takes no route.
    #[must_use]
    pub fn tunnels(mut self, tunnels: Tunnels) -> Self {
        self.options.tunnels = Some(tunnels);
        self
    }

    /// Uses the idle upstream connections of `other`, and counts together with it: for the proxies of
    /// several listeners, and for one that is to [replace](Proxy::replace) another. The workers, the
    /// [pool](Self::pool) and the [limits of responses](Self::response_limits) are then those of
    /// `other`.
    #[must_use]
    pub fn share(mut self, other: &Proxy) -> Self {
        self.options.shared = Some(other.shared());
        self
    }

    /// Sizes that responses must keep to.
    #[must_use]
    pub fn response_limits(mut self, limits: Limits) -> Self {
        self.options.response_limits = limits;
        self
    }

    /// Whether `Proxy-Status` tells clients the whole text of an error, the addresses of upstreams and
    /// what the system reported included: for networks where everyone may know. Default false: only
    /// what was wrong with the request itself is told in words, of all else the name of the reason.
    #[must_use]
    pub fn tell_inside(mut self, yes: bool) -> Self {
        self.options.tells_inside = yes;
        self
    }
}

impl<C, D, I, U, O, E> Builder<C, D, I, U, O, E>
where
    C: Default + Send + 'static,
    D: Chain<C>,
    I: Chain<C>,
    U: Upstream<C>,
    O: Observer<C>,
    E: ErrorPages<C>,
{
    /// The proxy.
    ///
    /// # Errors
    /// The filters stand in an order that cannot work; the message names them. Or the name is not a
    /// token (RFC 9110 5.6.2).
    pub fn build(self) -> Result<Proxy> {
        check_name(&self.options.name)?;
        let mut outside = Vec::new();
        self.parts.downstream.roles(&mut outside);
        let mut inside = Vec::new();
        self.parts.inner.roles(&mut inside);
        check_order(&outside, &inside)?;
        let BuilderOptions {
            workers,
            name,
            settings,
            timeouts,
            pool,
            response_limits,
            tells_inside,
            shared,
            tunnels,
        } = self.options;
        let Shared { connector, counters } = shared.unwrap_or_else(|| Shared {
            connector: Arc::new(Connector::new(workers, pool, response_limits)),
            counters: Arc::new(PerWorker::new(workers, |_| Default::default())),
        });
        let core = Core {
            app: self.parts,
            settings: Arc::new(settings),
            timeouts,
            via: Via::new(&name),
            tunnels,
            tells_inside,
            connector,
            counters,
        };
        Ok(Proxy::new(core, workers))
    }
}

fn check_name(name: &str) -> Result<()> {
    let token = |b: u8| b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&b);
    if !name.is_empty() && name.bytes().all(token) {
        return Ok(());
    }
    let context = format!("the name {name:?} cannot stand in Via: use letters, digits, '-', '.' and '_'");
    Err(Error::explain(Kind::Configuration, context).into_internal())
}

/// Looks for orders that cannot do what they are there for.
pub(crate) fn check_order(outside: &[(Role, &'static str)], inside: &[(Role, &'static str)]) -> Result<()> {
    if let Some((_, limiter)) = inside.iter().find(|(role, _)| *role == Role::RateLimit) {
        return Err(misplaced(format!(
            "{limiter} limits rates and is an upstream filter: it would count attempts and miss what is \
             answered before them; add it with .filter(..)"
        )));
    }
    for chain in [outside, inside] {
        let compression = chain.iter().position(|(role, _)| *role == Role::Compression);
        let range = chain.iter().rposition(|(role, _)| *role == Role::Range);
        if let (Some(compression), Some(range)) = (compression, range)
            && compression < range
        {
            return Err(misplaced(format!(
                "{} compresses outside of {}, which would cut ranges out of what is not yet compressed: \
                 swap them",
                chain[compression].1, chain[range].1
            )));
        }
    }
    if outside.iter().chain(inside).filter(|(role, _)| *role == Role::Forwarded).count() > 1 {
        return Err(misplaced(
            "ForwardedHeaders stands in the chain twice: the client would appear twice".into(),
        ));
    }
    Ok(())
}

fn misplaced(context: String) -> Error {
    Error::explain(Kind::Configuration, context).into_internal()
}
