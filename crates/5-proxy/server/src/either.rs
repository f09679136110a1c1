//! Waiting for one of two.

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::task::Poll;

/// Who came first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Which {
    First,
    Second,
}

/// Waits for whichever comes first; if both are there, the first.
pub(crate) async fn either(first: impl Future<Output = ()>, second: impl Future<Output = ()>) -> Which {
    let (mut first, mut second) = (pin!(first), pin!(second));
    poll_fn(|cx| match first.as_mut().poll(cx) {
        Poll::Ready(()) => Poll::Ready(Which::First),
        Poll::Pending => second.as_mut().poll(cx).map(|()| Which::Second),
    })
    .await
}
