//! The one required piece of a proxy: where does this attempt go, and is a failed one worth another.

use std::future::{Future, ready};
use std::sync::Arc;

use gorge_error::{Error, Kind, Result};
use gorge_filter::{Exchange, Retry};
use gorge_http::Status;

use crate::{Peer, Retries};

/// Says where each attempt of an exchange goes, and whether a failed one is worth another.
///
/// Implemented here by [`Peer`], by [`from_fn`](crate::from_fn) and by an `Arc` of either; by the
/// balancers of `gorge-load-balancer`; and by whoever wants to choose in code of their own, for
/// which [`select`](Self::select) is enough.
///
/// The driver of an exchange calls [`Retries::begin_exchange`] of [`retries`](Self::retries) once,
/// then `select` before each attempt, then after a failed one `on_failure` or `on_status`.
pub trait Upstream<C: Send + 'static = ()>: Send + Sync + 'static {
    /// The peer to ask. What was tried already is in [`Exchange::attempts`].
    ///
    /// After [`Retry::Elsewhere`] the driver takes only a peer not tried yet, and lets the answer
    /// it has go through if this returns another.
    ///
    /// # Errors
    /// Ends the exchange with the status of the error; [`Kind::NoPeer`](gorge_error::Kind::NoPeer)
    /// (503) when there is nobody to ask.
    fn select(&self, x: &mut Exchange<C>) -> impl Future<Output = Result<Peer>> + Send;

    /// Whether the next `select` can name a peer that was not tried. Default: no, so that each
    /// further attempt is taken for a second one at the same peer and waits a little.
    fn has_another(&self, x: &Exchange<C>) -> bool {
        let _ = x;
        false
    }

    /// The retry rules, and the budget that bounds them. Default: one for all upstreams of the
    /// process that bring none of their own.
    fn retries(&self, x: &Exchange<C>) -> &Retries {
        let _ = x;
        Retries::shared()
    }

    /// What follows an attempt that failed with `e`. The attempt is the last of
    /// [`Exchange::attempts`].
    fn on_failure(&self, x: &Exchange<C>, e: &Error) -> Retry {
        default_retry(self, x, e)
    }

    /// What follows an answer with this status. Anything but [`Retry::GiveUp`] means that the
    /// answer can be dropped for another attempt.
    fn on_status(&self, x: &Exchange<C>, status: Status) -> Retry {
        self.retries(x).on_status(x, status, || self.has_another(x))
    }
}

/// What [`Upstream::on_failure`] does by default: for those who override it for some errors only.
pub fn default_retry<C: Send + 'static, U: Upstream<C> + ?Sized>(
    upstream: &U,
    x: &Exchange<C>,
    e: &Error,
) -> Retry {
    upstream.retries(x).on_failure(x, e, || upstream.has_another(x))
}

/// Always the same one, unless it is draining, disabled or has as many attempts running as may.
impl<C: Send + 'static> Upstream<C> for Peer {
    fn select(&self, _: &mut Exchange<C>) -> impl Future<Output = Result<Peer>> + Send {
        ready(if self.is_selectable() {
            Ok(self.clone())
        } else {
            Err(Error::explain(Kind::NoPeer, "the peer takes no exchange now").into_upstream())
        })
    }

    fn retries(&self, _: &Exchange<C>) -> &Retries {
        self.own_retries()
    }
}

impl<C: Send + 'static, U: Upstream<C>> Upstream<C> for Arc<U> {
    fn select(&self, x: &mut Exchange<C>) -> impl Future<Output = Result<Peer>> + Send {
        (**self).select(x)
    }

    fn has_another(&self, x: &Exchange<C>) -> bool {
        (**self).has_another(x)
    }

    fn retries(&self, x: &Exchange<C>) -> &Retries {
        (**self).retries(x)
    }

    fn on_failure(&self, x: &Exchange<C>, e: &Error) -> Retry {
        (**self).on_failure(x, e)
    }

    fn on_status(&self, x: &Exchange<C>, status: Status) -> Retry {
        (**self).on_status(x, status)
    }
}
