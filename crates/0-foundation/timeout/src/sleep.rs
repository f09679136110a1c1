//! A future that waits.

use std::{
    future::Future,
    pin::Pin,
    task::{Context, Poll},
    time::{Duration, Instant},
};

use crate::{Timer, clock};

/// Waits for `duration` from now; a duration that overflows waits some thirty years.
///
/// # Panics
/// The future panics if it has to wait outside a tokio runtime, or in one without time enabled.
pub fn sleep(duration: Duration) -> Sleep {
    sleep_until(clock::add(clock::exact(), duration))
}

/// Waits until `deadline`; one in the past is over at once.
///
/// # Panics
/// The future panics if it has to wait outside a tokio runtime, or in one without time enabled.
pub fn sleep_until(deadline: Instant) -> Sleep {
    let mut timer = Timer::new();
    timer.set(deadline);
    Sleep { timer, deadline }
}

/// The future of [`sleep`] and [`sleep_until`]. It is armed by its first poll, and is `Unpin`.
#[derive(Debug)]
#[must_use = "a future does nothing unless it is polled"]
pub struct Sleep {
    timer: Timer,
    deadline: Instant,
}

impl Sleep {
    /// When it is over.
    pub fn deadline(&self) -> Instant {
        self.deadline
    }

    /// Sets another deadline, also after the old one has passed; takes effect with the next poll.
    pub fn reset(&mut self, deadline: Instant) {
        self.deadline = deadline;
        self.timer.set(deadline);
    }
}

impl Future for Sleep {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        self.timer.poll_expired(cx)
    }
}
