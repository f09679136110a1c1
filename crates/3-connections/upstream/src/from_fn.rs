//! A function as an upstream.

use std::fmt;
use std::future::{Future, ready};

use gorge_error::Result;
use gorge_filter::Exchange;

use crate::{Peer, Retries, RetryPolicy, Upstream};

/// An upstream that asks a function, which does not wait, for the peer of each attempt.
///
/// ```
/// use gorge_upstream::{Peer, from_fn};
///
/// let (old, new): (Peer, Peer) = ("127.0.0.1:9001".parse()?, "127.0.0.1:9002".parse()?);
/// let upstream = from_fn(move |x: &gorge_filter::Exchange| {
///     Ok(if x.req.uri.path().starts_with("/v2/") { &new } else { &old }.clone())
/// });
/// # fn is_upstream(_: impl gorge_upstream::Upstream) {}
/// # is_upstream(upstream);
/// # Ok::<(), gorge_protocols::InvalidAddress>(())
/// ```
pub fn from_fn<C, F>(choose: F) -> FromFn<F>
where
    C: Send + 'static,
    F: Fn(&Exchange<C>) -> Result<Peer> + Send + Sync + 'static,
{
    FromFn { choose, retries: Retries::default() }
}

/// Made by [`from_fn`].
pub struct FromFn<F> {
    choose: F,
    retries: Retries,
}

impl<F> FromFn<F> {
    /// When a failed attempt is repeated.
    #[must_use]
    pub fn retry(mut self, policy: RetryPolicy) -> Self {
        self.retries = Retries::new(policy);
        self
    }
}

impl<C, F> Upstream<C> for FromFn<F>
where
    C: Send + 'static,
    F: Fn(&Exchange<C>) -> Result<Peer> + Send + Sync + 'static,
{
    fn select(&self, x: &mut Exchange<C>) -> impl Future<Output = Result<Peer>> + Send {
        ready((self.choose)(x))
    }

    fn retries(&self, _: &Exchange<C>) -> &Retries {
        &self.retries
    }
}

impl<F> fmt::Debug for FromFn<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FromFn").field("retries", &self.retries).finish_non_exhaustive()
    }
}
