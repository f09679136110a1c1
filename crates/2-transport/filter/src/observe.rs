//! Who watches exchanges without changing them, and who draws the error pages.

use gorge_error::Error;
use gorge_http::Status;

use crate::{Exchange, Outcome, Response};

/// Sees what happens to each exchange. For logs, metrics and traces; changes nothing.
pub trait Observer<C = ()>: Send + Sync + 'static {
    /// One thing happened. Runs on the worker, between two steps of the exchange: be quick.
    fn event(&self, x: &Exchange<C>, event: &Event<'_>);
}

/// The observer, if there is one.
impl<C, O: Observer<C>> Observer<C> for Option<O> {
    #[inline]
    fn event(&self, x: &Exchange<C>, event: &Event<'_>) {
        if let Some(observer) = self {
            observer.event(x, event);
        }
    }
}

/// What can happen, in the order in which it does.
#[derive(Debug)]
#[non_exhaustive]
pub enum Event<'a> {
    /// The request head was read.
    Head,
    /// A peer was selected; it is the last of the attempts.
    Selected,
    /// A connection to that peer stands; the attempt says whether it is a reused one.
    Connected,
    /// The whole request was handed to the transport.
    RequestSent,
    /// The head of the final response came from the peer.
    ResponseHead(Status),
    /// The attempt failed and another one follows.
    Retried(&'a Error),
    /// The exchange is over. The last event, exactly once.
    Done(&'a Outcome),
}

/// Draws the answers that the proxy makes when something is wrong.
pub trait ErrorPages<C = ()>: Send + Sync + 'static {
    /// The answer for `error`, which calls for `status`.
    fn render(&self, x: &Exchange<C>, status: Status, error: &Error) -> Response;
}

/// The default: the status alone.
#[derive(Clone, Copy, Debug, Default)]
pub struct StatusOnly;

impl<C> ErrorPages<C> for StatusOnly {
    fn render(&self, _: &Exchange<C>, status: Status, _: &Error) -> Response {
        Response::empty(status)
    }
}
