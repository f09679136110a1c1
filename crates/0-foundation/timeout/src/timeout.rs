//! A future with a time limit.

use std::{
    error::Error,
    fmt,
    future::Future,
    pin::Pin,
    task::{Context, Poll, ready},
    time::Duration,
};

use pin_project_lite::pin_project;

use crate::{Timer, clock};

/// Gives `future` at most `duration`, counted from the first poll that finds it pending.
///
/// A future that is ready at once costs neither a look at the clock nor a deadline. The future is
/// polled first, so one that is ready in the same moment wins; a zero `duration` gives it one poll,
/// and one that overflows some thirty years.
///
/// # Panics
/// The future panics if it has to wait outside a tokio runtime, or in one without time enabled.
pub fn timeout<F: Future>(duration: Duration, future: F) -> Timeout<F> {
    Timeout { future, duration, timer: Timer::new() }
}

pin_project! {
    /// The future of [`timeout`].
    #[derive(Debug)]
    #[must_use = "a future does nothing unless it is polled"]
    pub struct Timeout<F> {
        #[pin]
        future: F,
        duration: Duration,
        timer: Timer,
    }
}

impl<F> Timeout<F> {
    /// Gives the inner future back, without the limit.
    pub fn into_inner(self) -> F {
        self.future
    }
}

impl<F: Future> Future for Timeout<F> {
    type Output = Result<F::Output, Elapsed>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        if let Poll::Ready(output) = this.future.poll(cx) {
            return Poll::Ready(Ok(output));
        }
        let now = if this.timer.deadline().is_some() {
            clock::now()
        } else {
            let now = clock::exact();
            this.timer.set(clock::add(now, *this.duration));
            now
        };
        ready!(this.timer.poll_at(now, cx));
        Poll::Ready(Err(Elapsed(())))
    }
}

/// The time limit of a [`timeout`] has passed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Elapsed(());

impl Elapsed {
    /// True: the question other errors of gorge answer too.
    pub fn is_timeout(&self) -> bool {
        true
    }
}

impl fmt::Display for Elapsed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the time limit has passed")
    }
}

impl Error for Elapsed {}
