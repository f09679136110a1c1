//! Sockets in memory: a duplex pair, and a listener to connect to without a network.

use std::collections::VecDeque;
use std::io::{self, IoSlice};
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use bytes::{Buf, BufMut, BytesMut};
use gorge_async_io::Stream;
use parking_lot::Mutex;

/// Bytes one direction of a pair holds before its writer has to wait.
const CAPACITY: usize = 64 * 1024;

/// Two ends of a connection in memory, usable wherever a real one is. Each direction holds 64 KiB
/// before its writer waits for the reader.
pub fn virtual_pair() -> (VirtualStream, VirtualStream) {
    let (there, back) = (Arc::new(Pipe::default()), Arc::new(Pipe::default()));
    let here = VirtualStream { read: back.clone(), write: there.clone(), aborted: false };
    (here, VirtualStream { read: there, write: back, aborted: false })
}

/// One end of a [`virtual_pair`].
///
/// It ends as a TCP connection does: a shutdown or drop is the end of the stream for the other side,
/// which may still read what was written; an abort loses that and is an error there.
#[derive(Debug)]
pub struct VirtualStream {
    read: Arc<Pipe>,
    write: Arc<Pipe>,
    aborted: bool,
}

/// One direction.
#[derive(Debug, Default)]
struct Pipe(Mutex<Direction>);

#[derive(Debug, Default)]
struct Direction {
    bytes: BytesMut,
    /// The writer is done: after `bytes` comes the end.
    ended: bool,
    /// The reader is gone: writing is in vain.
    unread: bool,
    /// The connection was aborted.
    reset: bool,
    reader: Option<Waker>,
    writer: Option<Waker>,
}

impl Direction {
    fn has_news(&self) -> bool {
        !self.bytes.is_empty() || self.ended || self.reset
    }

    fn refusal(&self) -> Option<io::ErrorKind> {
        if self.reset {
            Some(io::ErrorKind::ConnectionReset)
        } else if self.unread || self.ended {
            Some(io::ErrorKind::BrokenPipe)
        } else {
            None
        }
    }

    fn wake(&mut self) {
        for waker in [self.reader.take(), self.writer.take()].into_iter().flatten() {
            waker.wake();
        }
    }
}

/// Stores the caller's waker unless it is there already.
fn wait<T>(slot: &mut Option<Waker>, cx: &Context<'_>) -> Poll<T> {
    if !slot.as_ref().is_some_and(|waker| waker.will_wake(cx.waker())) {
        *slot = Some(cx.waker().clone());
    }
    Poll::Pending
}

impl Stream for VirtualStream {
    fn poll_readable(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let mut pipe = self.read.0.lock();
        if pipe.has_news() { Poll::Ready(Ok(())) } else { wait(&mut pipe.reader, cx) }
    }

    fn poll_read(&mut self, cx: &mut Context<'_>, buf: &mut BytesMut) -> Poll<io::Result<usize>> {
        let room = buf.capacity() - buf.len();
        if room == 0 {
            let full = io::Error::new(io::ErrorKind::InvalidInput, "no room left in the read buffer");
            return Poll::Ready(Err(full));
        }
        let mut pipe = self.read.0.lock();
        if pipe.reset {
            return Poll::Ready(Err(io::ErrorKind::ConnectionReset.into()));
        }
        if !pipe.has_news() {
            return wait(&mut pipe.reader, cx);
        }
        let count = room.min(pipe.bytes.len());
        buf.put_slice(&pipe.bytes[..count]);
        pipe.bytes.advance(count);
        if let Some(writer) = pipe.writer.take() {
            writer.wake();
        }
        Poll::Ready(Ok(count))
    }

    fn poll_write(&mut self, cx: &mut Context<'_>, bufs: &[IoSlice<'_>]) -> Poll<io::Result<usize>> {
        let mut pipe = self.write.0.lock();
        if let Some(kind) = pipe.refusal() {
            return Poll::Ready(Err(kind.into()));
        }
        let mut room = CAPACITY - pipe.bytes.len().min(CAPACITY);
        if room == 0 {
            return wait(&mut pipe.writer, cx);
        }
        let mut written = 0;
        for buf in bufs {
            let count = room.min(buf.len());
            pipe.bytes.put_slice(&buf[..count]);
            room -= count;
            written += count;
        }
        if written > 0
            && let Some(reader) = pipe.reader.take()
        {
            reader.wake();
        }
        Poll::Ready(Ok(written))
    }

    fn poll_writable(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let mut pipe = self.write.0.lock();
        if pipe.bytes.len() < CAPACITY || pipe.refusal().is_some() {
            Poll::Ready(Ok(()))
        } else {
            wait(&mut pipe.writer, cx)
        }
    }

    fn poll_shutdown(&mut self, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        let mut pipe = self.write.0.lock();
        pipe.ended = true;
        pipe.wake();
        Poll::Ready(Ok(()))
    }

    fn abort(&mut self) {
        self.aborted = true;
    }

    fn is_closed(&mut self) -> bool {
        self.read.0.lock().has_news()
    }
}

impl Drop for VirtualStream {
    fn drop(&mut self) {
        let mut pipe = self.write.0.lock();
        pipe.ended = true;
        pipe.reset |= self.aborted;
        pipe.wake();
        drop(pipe);
        let mut pipe = self.read.0.lock();
        pipe.unread = true;
        pipe.reset |= self.aborted;
        pipe.wake();
    }
}

/// Accepts connections made through its [`VirtualConnector`]s. It closes with its last clone.
#[derive(Clone, Debug)]
pub struct VirtualListener(Arc<Open>);

/// The listening side; connectors see it closed once it is dropped.
#[derive(Debug)]
struct Open(Arc<Mutex<Backlog>>);

/// Connects to one [`VirtualListener`]. Clones connect to the same.
#[derive(Clone, Debug)]
pub struct VirtualConnector(Arc<Mutex<Backlog>>);

#[derive(Debug)]
struct Backlog {
    waiting: VecDeque<VirtualStream>,
    limit: usize,
    closed: bool,
    acceptor: Option<Waker>,
}

impl VirtualListener {
    /// A listener on which up to `backlog` connections may wait to be accepted, and the connector to
    /// reach it.
    pub fn new(backlog: usize) -> (VirtualListener, VirtualConnector) {
        let backlog = Backlog { waiting: VecDeque::new(), limit: backlog, closed: false, acceptor: None };
        let shared = Arc::new(Mutex::new(backlog));
        (VirtualListener(Arc::new(Open(shared.clone()))), VirtualConnector(shared))
    }

    /// The next connection.
    ///
    /// # Errors
    /// None; the type is that of real listeners.
    pub fn poll_accept(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<VirtualStream>> {
        let mut backlog = self.0.0.lock();
        match backlog.waiting.pop_front() {
            Some(stream) => Poll::Ready(Ok(stream)),
            None => wait(&mut backlog.acceptor, cx),
        }
    }

    /// Refuses further connections; those that wait can still be accepted.
    pub fn refuse_new(&mut self) {
        self.0.0.lock().closed = true;
    }

    /// A connection that waits at this moment, if there is one.
    pub fn accept_queued(&mut self) -> Option<VirtualStream> {
        self.0.0.lock().waiting.pop_front()
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        let mut backlog = self.0.lock();
        backlog.closed = true;
        // What was queued is reset, as it is when a real listening socket closes.
        for mut stream in backlog.waiting.drain(..) {
            stream.abort();
        }
    }
}

impl VirtualConnector {
    /// Connects.
    ///
    /// # Errors
    /// [`io::ErrorKind::ConnectionRefused`] when the listener is gone or its queue is full.
    pub fn connect(&self) -> io::Result<VirtualStream> {
        let mut backlog = self.0.lock();
        if backlog.closed || backlog.waiting.len() >= backlog.limit {
            return Err(io::ErrorKind::ConnectionRefused.into());
        }
        let (ours, theirs) = virtual_pair();
        backlog.waiting.push_back(theirs);
        if let Some(acceptor) = backlog.acceptor.take() {
            acceptor.wake();
        }
        Ok(ours)
    }
}
