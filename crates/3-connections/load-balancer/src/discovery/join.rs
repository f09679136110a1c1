//! Several futures at the same time, on one task.

use std::future::poll_fn;
use std::pin::Pin;
use std::task::Poll;

enum Part<F: Future> {
    Running(Pin<Box<F>>),
    Done(F::Output),
}

/// Waits for all, and returns their outputs in their order.
pub(super) async fn join_all<F: Future>(futures: impl IntoIterator<Item = F>) -> Vec<F::Output>
where
    F::Output: Unpin,
{
    let mut parts: Vec<_> = futures.into_iter().map(|future| Part::Running(Box::pin(future))).collect();
    poll_fn(|cx| {
        let mut all_done = true;
        for part in &mut parts {
            if let Part::Running(future) = part {
                match future.as_mut().poll(cx) {
                    Poll::Ready(output) => *part = Part::Done(output),
                    Poll::Pending => all_done = false,
                }
            }
        }
        if all_done { Poll::Ready(()) } else { Poll::Pending }
    })
    .await;
    let output = |part| match part {
        Part::Done(output) => Some(output),
        Part::Running(_) => None,
    };
    parts.into_iter().filter_map(output).collect()
}
