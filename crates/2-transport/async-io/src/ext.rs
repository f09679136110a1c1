//! The calls of [`Stream`] as futures, for code that is not a poll function itself.

use std::future::{Future, poll_fn};
use std::io::{self, IoSlice};

use bytes::BytesMut;

use crate::Stream;

/// [`Stream`]'s calls to `.await`. Dropping one of these futures loses no byte that was read; of
/// [`write_all`](StreamExt::write_all) it is then unknown how much was written.
pub trait StreamExt: Stream {
    /// Waits until something can be read; see [`Stream::poll_readable`].
    fn readable(&mut self) -> impl Future<Output = io::Result<()>> + Send {
        poll_fn(|cx| self.poll_readable(cx))
    }

    /// Reads once into the spare capacity of `buf`; 0 is the end. See [`Stream::poll_read`].
    fn read(&mut self, buf: &mut BytesMut) -> impl Future<Output = io::Result<usize>> + Send {
        poll_fn(|cx| self.poll_read(cx, buf))
    }

    /// Writes all of `bytes` and flushes.
    ///
    /// # Errors
    /// As for [`Stream::poll_write`], and [`io::ErrorKind::WriteZero`] when the stream takes
    /// nothing more.
    fn write_all(&mut self, bytes: &[u8]) -> impl Future<Output = io::Result<()>> + Send {
        async move {
            let mut rest = bytes;
            while !rest.is_empty() {
                let n = poll_fn(|cx| self.poll_write(cx, &[IoSlice::new(rest)])).await?;
                if n == 0 {
                    return Err(io::ErrorKind::WriteZero.into());
                }
                rest = &rest[n..];
            }
            poll_fn(|cx| self.poll_flush(cx)).await
        }
    }

    /// Ends the writing half; see [`Stream::poll_shutdown`].
    fn shutdown(&mut self) -> impl Future<Output = io::Result<()>> + Send {
        poll_fn(|cx| self.poll_shutdown(cx))
    }
}

impl<S: Stream + ?Sized> StreamExt for S {}
