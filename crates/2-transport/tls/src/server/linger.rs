//! Closing a connection so that what was said last arrives.

use std::future::poll_fn;
use std::io;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::BytesMut;
use gorge_allocators::buffers;
use gorge_async_io::Stream;
use gorge_timeout::timeout;

use crate::wire::Wire;

/// For so long.
const TIME: Duration = Duration::from_secs(1);

/// Bytes that are read away: more than the buffers of both sides hold of what a client sends before it reads.
const MOST: usize = 1024 * 1024;

/// Sends what waits, ends our side, and reads away what the other side still sends, within bounds: a socket that is
/// closed with something unread is reset, and the reset may overtake what was said.
pub(super) async fn close<S: Stream>(wire: &mut Wire<S>) {
    // Whoever does not wait for it gets none of it.
    let _ = timeout(TIME, say_and_read_away(wire)).await;
}

async fn say_and_read_away<S: Stream>(wire: &mut Wire<S>) -> io::Result<()> {
    poll_fn(|cx| wire.poll_send(cx)).await?;
    poll_fn(|cx| poll_shutdown(wire, cx)).await?;
    let mut buffer = buffers::take_small();
    let mut left = MOST;
    while left > 0 {
        buffer.clear();
        match poll_fn(|cx| poll_read(wire, cx, &mut buffer)).await {
            Ok(0) | Err(_) => break,
            Ok(read) => left = left.saturating_sub(read),
        }
    }
    buffers::give(buffer);
    Ok(())
}

fn poll_shutdown<S: Stream>(wire: &mut Wire<S>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
    wire.stream_mut()?.poll_shutdown(cx)
}

fn poll_read<S: Stream>(
    wire: &mut Wire<S>,
    cx: &mut Context<'_>,
    buffer: &mut BytesMut,
) -> Poll<io::Result<usize>> {
    let stream = wire.stream_mut()?;
    ready!(stream.poll_readable(cx))?;
    stream.poll_read(cx, buffer)
}
