//! A set of routes as the filters and the upstream of a proxy.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use gorge_error::{Error, Kind, Result};
use gorge_filter::{Exchange, Flow, Hooks, Outcome, Retry, Role, RouteId};
use gorge_http::{Known, Method, ResponseHead, Status, Uri, path};
use gorge_upstream::{Peer, Retries, RetryPolicy, Upstream, default_retry};

use super::matching::Matching;
use super::router::{Found, Router};
use crate::builder::check_order;
use crate::chain::{Chain, Entered, panics};
use crate::filters::Ready;

/// What becomes of the requests that a route takes: filters they pass, and the upstream behind them.
pub struct Route<C: Send + 'static, U> {
    name: Box<str>,
    filters: Box<[Ready<C>]>,
    upstream: Option<U>,
    /// Out of line, for most have none: of very many routes each exchange looks at another.
    own: Option<Box<Own>>,
}

/// What a route may have beside filters and upstream.
struct Own {
    retries: Option<Retries>,
    timeout: Option<Duration>,
    upgrade: bool,
}

impl Default for Own {
    fn default() -> Self {
        Self { retries: None, timeout: None, upgrade: true }
    }
}

impl<C: Send + 'static, U> Route<C, U> {
    /// To this upstream. The name is for logs and messages.
    #[must_use]
    pub fn to(name: impl Into<String>, upstream: U) -> Self {
        Self { upstream: Some(upstream), ..Self::answered(name) }
    }

    /// To nobody: one of its filters answers. If none does, the client gets a 503.
    #[must_use]
    pub fn answered(name: impl Into<String>) -> Self {
        Self { name: name.into().into(), filters: Box::default(), upstream: None, own: None }
    }

    /// Adds a filter behind those already there.
    #[must_use]
    pub fn filter(mut self, filter: impl Into<Ready<C>>) -> Self {
        let mut filters = self.filters.into_vec();
        filters.push(filter.into());
        self.filters = filters.into();
        self
    }

    /// When a failed attempt is repeated. Default: as the upstream says.
    #[must_use]
    pub fn retry(mut self, policy: RetryPolicy) -> Self {
        self.own_mut().retries = Some(Retries::new(policy));
        self
    }

    /// From the request to the response head, all attempts together. Default: as the proxy says.
    #[must_use]
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.own_mut().timeout = Some(timeout);
        self
    }

    /// Whether clients may change to another protocol, such as WebSocket (RFC 9110 7.8). Default true;
    /// if not, their wish is not passed on.
    #[must_use]
    pub fn upgrade(mut self, allowed: bool) -> Self {
        if !allowed || self.own.is_some() {
            self.own_mut().upgrade = allowed;
        }
        self
    }

    fn own_mut(&mut self) -> &mut Own {
        self.own.get_or_insert_default()
    }

    fn retries(&self) -> Option<&Retries> {
        self.own.as_ref()?.retries.as_ref()
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its filters, in order.
    #[must_use]
    pub fn filters(&self) -> &[Ready<C>] {
        &self.filters
    }

    /// Where it leads.
    #[must_use]
    pub fn upstream(&self) -> Option<&U> {
        self.upstream.as_ref()
    }
}

/// A set of routes, to be given to [`Builder::routes`](crate::Builder::routes): they choose the
/// filters and the upstream of each exchange.
///
/// Paths are brought into [normal form](gorge_http::path) first, and forwarded like that. A request
/// that no route takes is answered with 404, or with 405 if only its method is in the way.
pub struct Routes<C: Send + 'static, U> {
    router: Router,
    list: Vec<Route<C, U>>,
}

impl<C: Send + 'static, U> Routes<C, U> {
    /// These routes, each with what a request must be like for it.
    ///
    /// # Errors
    /// Two routes take the same requests, or the filters of one stand in an order that cannot work.
    pub fn new(routes: impl IntoIterator<Item = (Matching, Route<C, U>)>) -> Result<Self> {
        let (matchings, list): (Vec<_>, Vec<_>) = routes.into_iter().unzip();
        for route in &list {
            let roles: Vec<_> = route.filters.iter().map(|filter| (filter.role(), filter.name())).collect();
            check_order(&roles, &[]).map_err(|error| error.context(format!("route {:?}", route.name)))?;
        }
        Ok(Self { router: Router::new(matchings)?, list })
    }

    /// The router.
    #[must_use]
    pub fn router(&self) -> &Router {
        &self.router
    }

    /// A route by its number.
    #[must_use]
    pub fn get(&self, id: RouteId) -> Option<&Route<C, U>> {
        self.list.get(id.0 as usize)
    }

    /// The route that takes this exchange, once it was chosen.
    #[must_use]
    pub fn of(&self, x: &Exchange<C>) -> Option<&Route<C, U>> {
        self.get(x.facts.route?)
    }

    /// Chooses the route, and sets what it says of the exchange.
    fn choose(&self, x: &mut Exchange<C>) -> Result<&Route<C, U>> {
        if !path::is_normal(x.req.uri.path()) {
            x.keep_target();
            normalize(&mut x.req.uri)?;
        }
        let host = x.req.headers.get_str(Known::Host).unwrap_or_default();
        let number = match self.router.find(host, x.req.uri.path(), &x.req) {
            Found::Route(number) => number,
            Found::MethodNotAllowed => {
                let context = format!("no route takes {} for this path", x.req.method.as_str());
                return Err(Error::explain(Kind::MethodNotAllowed, context).into_downstream());
            }
            Found::Nothing => {
                let context = format!("no route takes the host {host:?} and this path");
                return Err(Error::explain(Kind::RouteNotFound, context).into_downstream());
            }
        };
        let route = &self.list[number];
        // Cannot overflow: so many routes fit in no memory.
        x.facts.route = Some(RouteId(number as u32));
        if let Some(own) = &route.own {
            if own.timeout.is_some() {
                x.timeouts.total = own.timeout;
            }
            if !own.upgrade {
                x.facts.upgrade = None;
            }
        }
        Ok(route)
    }

    /// Names the methods that routes would take, in an answer to one that none does.
    fn name_methods(&self, x: &Exchange<C>, head: &mut ResponseHead) -> Result<()> {
        let host = x.req.headers.get_str(Known::Host).unwrap_or_default();
        let allowed = self.router.allowed(host, x.req.uri.path(), &x.req);
        if allowed.is_empty() {
            return Ok(());
        }
        let list = allowed.iter().map(|method| method.as_str()).collect::<Vec<_>>().join(", ");
        let set = head.headers.insert(Known::Allow, list);
        set.map_err(|error| {
            Error::because(Kind::Internal, "a method is no field value", error).into_internal()
        })
    }
}

/// Brings the path of a target into normal form.
#[cold]
pub(crate) fn normalize(uri: &mut Uri) -> Result<()> {
    let mut normal = String::new();
    let invalid = |context, error: Box<dyn std::error::Error + Send + Sync>| {
        Error::because(Kind::PathInvalid, context, error).into_downstream()
    };
    path::normalize(uri.path(), &mut normal).map_err(|error| invalid("the request target", error.into()))?;
    uri.set_path(&normal).map_err(|error| invalid("the normal form of the path", error.into()))
}

impl<C: Send + 'static, U: Upstream<C>> Routes<C, U> {
    fn upstream_of(&self, x: &Exchange<C>) -> Option<&U> {
        self.of(x)?.upstream.as_ref()
    }

    /// The upstream, if the route leaves it to say when an attempt is repeated.
    fn without_own_retries(&self, x: &Exchange<C>) -> Option<&U> {
        let route = self.of(x)?;
        if route.retries().is_some() { None } else { route.upstream.as_ref() }
    }
}

impl<C: Send + 'static, U: Upstream<C>> Upstream<C> for Routes<C, U> {
    async fn select(&self, x: &mut Exchange<C>) -> Result<Peer> {
        match self.upstream_of(x) {
            Some(upstream) => upstream.select(x).await,
            None => {
                let context = "the route has no upstream, and none of its filters has answered";
                Err(Error::explain(Kind::NoPeer, context).into_internal())
            }
        }
    }

    fn has_another(&self, x: &Exchange<C>) -> bool {
        self.upstream_of(x).is_some_and(|upstream| upstream.has_another(x))
    }

    fn retries(&self, x: &Exchange<C>) -> &Retries {
        let own = self.of(x).and_then(Route::retries);
        own.or_else(|| self.upstream_of(x).map(|upstream| upstream.retries(x)))
            .unwrap_or_else(|| Retries::shared())
    }

    fn on_failure(&self, x: &Exchange<C>, e: &Error) -> Retry {
        match self.without_own_retries(x) {
            Some(upstream) => upstream.on_failure(x, e),
            None => default_retry(self, x, e),
        }
    }

    fn on_status(&self, x: &Exchange<C>, status: Status) -> Retry {
        match self.without_own_retries(x) {
            Some(upstream) => upstream.on_status(x, status),
            None => self.retries(x).on_status(x, status, || self.has_another(x)),
        }
    }
}

/// A chain, and behind it the filters of the route that takes the exchange.
#[derive(Debug)]
pub struct Routed<R, C: Send + 'static, U> {
    pub(crate) rest: R,
    pub(crate) routes: Arc<Routes<C, U>>,
}

impl<R, C, U> Chain<C> for Routed<R, C, U>
where
    R: Chain<C>,
    C: Send + 'static,
    U: Send + Sync + 'static,
{
    const LEN: usize = R::LEN + 1;

    async fn on_request(&self, x: &mut Exchange<C>, entered: &mut Entered) -> Result<Flow> {
        if R::LEN > 0 {
            match self.rest.on_request(x, entered).await? {
                Flow::Continue => {}
                respond @ Flow::Respond(_) => return Ok(respond),
            }
        }
        entered.enter(Self::LEN);
        if x.req.method == Method::CONNECT {
            // It leads to an authority and not to a path.
            return Ok(Flow::Continue);
        }
        let route = self.routes.choose(x)?;
        for (place, filter) in route.filters.iter().enumerate() {
            entered.enter_routed(place + 1);
            if filter.hooks().has(Hooks::REQUEST) {
                match filter.on_request(x).await? {
                    Flow::Continue => {}
                    respond @ Flow::Respond(_) => return Ok(respond),
                }
            }
        }
        Ok(Flow::Continue)
    }

    async fn on_response(
        &self,
        x: &mut Exchange<C>,
        head: &mut ResponseHead,
        entered: &mut Entered,
    ) -> Result<()> {
        if entered.waiting == Self::LEN {
            match self.routes.of(x) {
                // One by one, so that after an error the rest still waits.
                Some(route) => {
                    while let Some(place) = entered.leave_routed() {
                        let filter = &route.filters[place];
                        if filter.hooks().has(Hooks::RESPONSE) {
                            filter.on_response(x, head).await?;
                        }
                    }
                }
                None if head.status == Status::METHOD_NOT_ALLOWED => self.routes.name_methods(x, head)?,
                None => {}
            }
            entered.waiting = R::LEN;
        }
        if R::LEN > 0 { self.rest.on_response(x, head, entered).await } else { Ok(()) }
    }

    fn on_end(&self, x: &Exchange<C>, end: &Outcome, entered: Entered) -> u64 {
        let filters = self.routes.of(x).map_or(&[][..], |route| &route.filters);
        let told = filters[..entered.routed()].iter().rev().filter(|filter| filter.hooks().has(Hooks::END));
        let panicked = told.filter(|filter| panics(|| filter.on_end(x, end))).count() as u64;
        panicked + self.rest.on_end(x, end, entered)
    }

    fn roles(&self, out: &mut Vec<(Role, &'static str)>) {
        self.rest.roles(out);
        // The order within each route was checked by itself; this one must not be there twice at all.
        let mut all = self.routes.list.iter().flat_map(|route| route.filters.iter());
        out.extend(
            all.find(|filter| filter.role() == Role::Forwarded).map(|filter| (filter.role(), filter.name())),
        );
    }
}

impl<C: Send + 'static, U> fmt::Debug for Routes<C, U> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(&self.list).finish()
    }
}

impl<C: Send + 'static, U> fmt::Debug for Route<C, U> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Route")
            .field("name", &self.name)
            .field("filters", &self.filters)
            .finish_non_exhaustive()
    }
}
