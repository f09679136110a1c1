//! Copying in both directions: what a tunnel does once it stands.

use std::future::Future;
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::BytesMut;
use gorge_allocators::buffers;
use gorge_timeout::{Timer, clock};

use crate::Stream;

/// Reads and writes of one direction before other tasks get their turn.
const ROUNDS: u32 = 32;

/// Copies between two streams until both directions have ended; see [`copy_both`].
///
/// While it is polled, and after, [`a_to_b`](CopyBoth::a_to_b) and [`b_to_a`](CopyBoth::b_to_a) tell
/// how much went through, also if it failed.
#[derive(Debug)]
#[must_use = "futures do nothing unless polled"]
pub struct CopyBoth<'s, A, B> {
    a: &'s mut A,
    b: &'s mut B,
    there: Direction,
    back: Direction,
    idle: Option<Duration>,
    timer: Timer,
}

/// Copies what `a` sends to `b` and what `b` sends to `a`, each at the pace of its slower end.
///
/// When one end has sent its last byte, the other's writing half is shut down and the opposite
/// direction goes on: both have to end. Where nothing has moved in either direction for `idle`, the
/// copy fails with [`io::ErrorKind::TimedOut`]; `None` waits for ever.
///
/// A tunnel at rest holds no buffer: one is taken from the worker's pool per direction, when there is
/// something to read, and given back when it has been written. Dropping the future loses the bytes
/// read and not yet written, so drop the streams with it.
///
/// # Errors
/// Those of the streams, [`io::ErrorKind::WriteZero`] when one takes nothing more, and
/// [`io::ErrorKind::TimedOut`].
///
/// # Panics
/// With an idle time, when it has to wait outside a tokio runtime with time enabled.
pub fn copy_both<'s, A: Stream, B: Stream>(
    a: &'s mut A,
    b: &'s mut B,
    idle: Option<Duration>,
) -> CopyBoth<'s, A, B> {
    CopyBoth { a, b, there: Direction::default(), back: Direction::default(), idle, timer: Timer::new() }
}

impl<A, B> CopyBoth<'_, A, B> {
    /// Bytes written to `b` so far.
    pub fn a_to_b(&self) -> u64 {
        self.there.copied
    }

    /// Bytes written to `a` so far.
    pub fn b_to_a(&self) -> u64 {
        self.back.copied
    }
}

impl<A: Stream, B: Stream> Future for CopyBoth<'_, A, B> {
    type Output = io::Result<()>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let moved = (this.there.moved, this.back.moved);
        let there = this.there.poll(this.a, this.b, cx)?;
        let back = this.back.poll(this.b, this.a, cx)?;
        if there.is_ready() && back.is_ready() {
            return Poll::Ready(Ok(()));
        }
        let Some(idle) = this.idle else { return Poll::Pending };
        if this.timer.deadline().is_none() || moved != (this.there.moved, this.back.moved) {
            match clock::now().checked_add(idle) {
                Some(deadline) => this.timer.set(deadline),
                None => this.timer.clear(),
            }
        }
        ready!(this.timer.poll_expired(cx));
        Poll::Ready(Err(io::Error::new(io::ErrorKind::TimedOut, "nothing moved in the idle time")))
    }
}

/// One direction.
#[derive(Debug, Default)]
struct Direction {
    buf: BytesMut,
    /// How much of `buf` is written.
    written: usize,
    copied: u64,
    /// Changes with everything that happens, to tell rest from motion.
    moved: u64,
    step: Step,
}

#[derive(Debug, Default)]
enum Step {
    #[default]
    Copying,
    Ending,
    Done,
}

impl Direction {
    fn poll<R: Stream, W: Stream>(
        &mut self,
        from: &mut R,
        to: &mut W,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<()>> {
        for _ in 0..ROUNDS {
            match self.step {
                Step::Copying => {
                    ready!(self.poll_write(to, cx))?;
                    if ready!(self.poll_read(from, to, cx))? == 0 {
                        self.step = Step::Ending;
                    }
                    self.moved += 1;
                }
                Step::Ending => {
                    ready!(to.poll_flush(cx))?;
                    match ready!(to.poll_shutdown(cx)) {
                        // It has gone already: there is nobody left to tell.
                        Err(err) if !is_gone(&err) => return Poll::Ready(Err(err)),
                        _ => self.step = Step::Done,
                    }
                }
                Step::Done => return Poll::Ready(Ok(())),
            }
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    }

    fn poll_write<W: Stream>(&mut self, to: &mut W, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        while self.written < self.buf.len() {
            let taken = ready!(to.poll_write(cx, &[IoSlice::new(&self.buf[self.written..])]))?;
            if taken == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            self.written += taken;
            self.copied += taken as u64;
            self.moved += 1;
        }
        self.buf.clear();
        self.written = 0;
        Poll::Ready(Ok(()))
    }

    /// Reads once; while there is nothing, what was written is flushed and no buffer is held.
    fn poll_read<R: Stream, W: Stream>(
        &mut self,
        from: &mut R,
        to: &mut W,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<usize>> {
        let read = match from.poll_readable(cx) {
            Poll::Ready(Ok(())) => {
                if self.buf.capacity() == 0 {
                    self.buf = buffers::take_large();
                }
                from.poll_read(cx, &mut self.buf)
            }
            Poll::Ready(Err(err)) => Poll::Ready(Err(err)),
            Poll::Pending => Poll::Pending,
        };
        if self.buf.is_empty() {
            self.release();
        }
        if read.is_pending() {
            let _ = to.poll_flush(cx)?;
        }
        read
    }

    fn release(&mut self) {
        if self.buf.capacity() > 0 {
            buffers::give(std::mem::take(&mut self.buf));
        }
    }
}

/// Whether the end of a stream could not be said because there is nobody any more. Where it takes a message
/// (TLS), that is an error of writing.
fn is_gone(err: &io::Error) -> bool {
    use io::ErrorKind::{BrokenPipe, ConnectionReset, NotConnected};
    matches!(err.kind(), BrokenPipe | ConnectionReset | NotConnected)
}

impl Drop for Direction {
    fn drop(&mut self) {
        self.release();
    }
}

#[cfg(test)]
mod tests {
    use std::task::Waker;

    use tokio::io::AsyncWriteExt;
    use tokio::net::UnixStream;

    use super::*;

    #[tokio::test]
    async fn a_tunnel_at_rest_holds_no_buffer() {
        let ((mut a, mut client), (mut b, _server)) =
            (UnixStream::pair().unwrap(), UnixStream::pair().unwrap());
        client.write_all(b"once").await.unwrap();
        a.readable().await.unwrap();
        let mut copy = copy_both(&mut a, &mut b, None);
        let cx = &mut Context::from_waker(Waker::noop());
        assert!(Pin::new(&mut copy).poll(cx).is_pending());
        assert_eq!(copy.a_to_b(), 4);
        assert_eq!((copy.there.buf.capacity(), copy.back.buf.capacity()), (0, 0));
    }
}
