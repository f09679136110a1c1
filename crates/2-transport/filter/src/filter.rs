//! The filter itself: what it may hook into, what it says happens next, what ends an exchange.

use std::future::Future;
use std::sync::Arc;

use gorge_error::{Error, Result};
use gorge_http::{ResponseHead, Status};

use crate::{Exchange, Response};

/// A reusable behaviour on the way of a request and its response.
///
/// `&self` is shared by all exchanges; what belongs to one is in the [`Exchange`]: its context `C`
/// for the application, a typed slot ([`Exchange::set`]) for a filter that knows no `C`.
/// Position decides what it sees: on the downstream chain once per exchange, on the upstream chain
/// once per attempt.
pub trait Filter<C: Send + 'static = ()>: Send + Sync + 'static {
    /// The hooks this filter really uses. The others are never called.
    const HOOKS: Hooks = Hooks::ALL;

    /// What it is for, so that the builder can refuse an order that cannot work.
    const ROLE: Role = Role::Other;

    /// Called in chain order, before anything goes upstream.
    ///
    /// # Errors
    /// Ends the exchange with the status of the error; filters already entered, this one included,
    /// still see that response.
    fn on_request(&self, x: &mut Exchange<C>) -> impl Future<Output = Result<Flow>> + Send {
        let _ = x;
        async { Ok(Flow::Continue) }
    }

    /// Called in reverse order, before any byte of the body. May push transforms on
    /// [`Exchange::response_body`].
    ///
    /// # Errors
    /// Replaces the response by the status of the error.
    fn on_response(
        &self,
        x: &mut Exchange<C>,
        head: &mut ResponseHead,
    ) -> impl Future<Output = Result<()>> + Send {
        let _ = (x, head);
        async { Ok(()) }
    }

    /// Called exactly once for each filter that was entered, however the exchange ended.
    fn on_end(&self, x: &Exchange<C>, end: &Outcome) {
        let _ = (x, end);
    }
}

impl<C: Send + 'static, F: Filter<C>> Filter<C> for Arc<F> {
    const HOOKS: Hooks = F::HOOKS;
    const ROLE: Role = F::ROLE;

    fn on_request(&self, x: &mut Exchange<C>) -> impl Future<Output = Result<Flow>> + Send {
        (**self).on_request(x)
    }

    fn on_response(
        &self,
        x: &mut Exchange<C>,
        head: &mut ResponseHead,
    ) -> impl Future<Output = Result<()>> + Send {
        (**self).on_response(x, head)
    }

    fn on_end(&self, x: &Exchange<C>, end: &Outcome) {
        (**self).on_end(x, end);
    }
}

/// What happens after a filter saw the request.
#[derive(Debug)]
#[expect(
    clippy::large_enum_variant,
    reason = "returned once and matched at once; a box would be one more step for every author"
)]
pub enum Flow {
    /// The next filter, and at last an upstream.
    Continue,
    /// This answer. Nothing goes upstream; the response walks back through the filters entered.
    Respond(Response),
}

/// A set of hooks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hooks(u8);

impl Hooks {
    /// No hook at all.
    pub const NONE: Self = Self(0);
    /// [`Filter::on_request`].
    pub const REQUEST: Self = Self(1);
    /// [`Filter::on_response`].
    pub const RESPONSE: Self = Self(2);
    /// [`Filter::on_end`].
    pub const END: Self = Self(4);
    /// All of them.
    pub const ALL: Self = Self(7);

    /// Both sets together.
    #[must_use]
    pub const fn and(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// True if any hook of `other` is in this set.
    #[must_use]
    pub const fn has(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }
}

/// What a filter is for, as far as its place in the chain matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Role {
    /// Compresses bodies: belongs inside (behind) a range filter.
    Compression,
    /// Sets the fields that tell an upstream who asks.
    Forwarded,
    /// Any place will do.
    Other,
    /// Cuts ranges out of bodies.
    Range,
    /// Limits rates: belongs downstream, where it sees every request once.
    RateLimit,
}

/// How an exchange ended.
#[derive(Debug)]
pub struct Outcome {
    /// The status that the client was sent, or 499 when it left before one was.
    pub status: Status,
    /// Why the proxy answered by itself or broke off. `None`: the exchange went as it should.
    pub error: Option<Error>,
    /// True if the response was sent to its end.
    pub complete: bool,
}
