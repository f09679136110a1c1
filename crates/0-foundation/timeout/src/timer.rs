//! One deadline of one task, cheap to move.

use std::{
    fmt,
    task::{Context, Poll},
    time::Instant,
};

use crate::{
    clock,
    driver::{Armed, Status},
};

/// A deadline that a task waits for beside other things, and that moves often.
///
/// [`set`](Self::set) and [`clear`](Self::clear) only store; nothing is armed before
/// [`poll_expired`](Self::poll_expired) has to wait, and what is armed stays so while the deadline
/// moves back. When it fires too early, the task is woken for nothing once and arms anew. A
/// connection that sets a deadline for each step of each exchange thus touches the wheel once per
/// time limit, not once per step.
///
/// The deadline is armed on the wheel of the thread that polls. The timer may then be polled again
/// and dropped on any other.
#[derive(Default)]
pub struct Timer {
    deadline: Option<Instant>,
    armed: Option<Armed>,
}

impl Timer {
    /// A timer without a deadline.
    pub const fn new() -> Self {
        Self { deadline: None, armed: None }
    }

    /// Sets the deadline. The next [`poll_expired`](Self::poll_expired) goes by it: a task that was
    /// told `Pending` before must poll again to be woken in time for an earlier one.
    pub fn set(&mut self, deadline: Instant) {
        self.deadline = Some(deadline);
    }

    /// Takes the deadline away. The task may still be woken once, at a deadline it waited for.
    pub fn clear(&mut self) {
        self.deadline = None;
    }

    /// The deadline that is set.
    pub fn deadline(&self) -> Option<Instant> {
        self.deadline
    }

    /// `Ready` once the deadline has passed, and from then on until it is set anew or cleared; never
    /// before it, and at most one [`TICK`](crate::TICK) and one turn of the loop after. Without a
    /// deadline `Pending`, and nothing will wake the task.
    ///
    /// # Panics
    /// If it has to wait outside a tokio runtime, or in one without time enabled.
    pub fn poll_expired(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if self.deadline.is_some() { self.poll_at(clock::now(), cx) } else { Poll::Pending }
    }

    /// [`poll_expired`](Self::poll_expired) for a caller that has just looked at the clock.
    pub(crate) fn poll_at(&mut self, now: Instant, cx: &mut Context<'_>) -> Poll<()> {
        let Some(deadline) = self.deadline else {
            return Poll::Pending;
        };
        if now >= deadline {
            return Poll::Ready(());
        }
        if let Some(armed) = &mut self.armed {
            match armed.refresh(deadline, cx.waker()) {
                Status::Waiting => return Poll::Pending,
                // The clock of this thread may be older than the one that fired.
                Status::Fired if armed.at() >= deadline => return Poll::Ready(()),
                Status::Fired | Status::Lost => self.armed = None,
            }
        }
        self.armed = Some(Armed::new(deadline, cx.waker()));
        Poll::Pending
    }
}

impl fmt::Debug for Timer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Timer").field("deadline", &self.deadline).finish_non_exhaustive()
    }
}
