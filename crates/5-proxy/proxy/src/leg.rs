//! One direction of an exchange: chunks from a source through transforms to a sink.

use std::task::{Context, Poll, ready};
use std::time::Instant;

use gorge_error::{Error, Kind, Result};
use gorge_filter::{BodyHandle, BodySink, BodySource};
use gorge_http::Chunk;
use gorge_timeout::clock;

/// What a leg is waiting for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Waits {
    /// The next chunk of its source.
    Source,
    /// Room in its sink.
    Sink,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Flowing,
    /// The source has ended; what the transforms made of it still goes out.
    Draining,
    /// The sink has taken the end and is to be flushed.
    Ending,
    Done,
}

/// One direction of an exchange. Holds no chunk itself: it asks the sink for room before it asks
/// the source for more, so a slow reader stops the reads of the other side.
#[derive(Debug)]
pub(crate) struct Leg {
    state: State,
    waits: Waits,
    moved: Instant,
    bytes: u64,
}

impl Leg {
    pub(crate) fn new() -> Self {
        Self { state: State::Flowing, waits: Waits::Source, moved: clock::now(), bytes: 0 }
    }

    /// True once the sink has handed everything, the end included, to its transport.
    pub(crate) fn is_done(&self) -> bool {
        self.state == State::Done
    }

    /// What it waited for when it last was pending.
    pub(crate) fn waits(&self) -> Waits {
        self.waits
    }

    /// When a chunk last moved.
    pub(crate) fn moved(&self) -> Instant {
        self.moved
    }

    /// Counts as movement now: something else kept the leg from moving.
    pub(crate) fn touch(&mut self) {
        self.moved = clock::now();
    }

    /// Body bytes that came from the source.
    pub(crate) fn bytes(&self) -> u64 {
        self.bytes
    }

    /// The sink has been given everything already; only a flush is left.
    pub(crate) fn finish(&mut self) {
        self.state = State::Ending;
    }

    /// Moves what can be moved. `tap` sees each chunk as the sink gets it.
    pub(crate) fn poll(
        &mut self,
        cx: &mut Context<'_>,
        source: &mut impl BodySource,
        sink: &mut impl BodySink,
        body: &mut BodyHandle,
        mut tap: impl FnMut(&Chunk),
    ) -> Poll<Result<()>> {
        loop {
            match self.state {
                State::Done => return Poll::Ready(Ok(())),
                State::Ending => {
                    self.waits = Waits::Sink;
                    ready!(sink.poll_flush(cx))?;
                    self.state = State::Done;
                    return Poll::Ready(Ok(()));
                }
                State::Flowing | State::Draining => {}
            }
            self.waits = Waits::Sink;
            ready!(sink.poll_ready(cx))?;
            let Some(chunk) = ready!(self.poll_next(cx, source, sink, body))? else { continue };
            self.moved = clock::now();
            tap(&chunk);
            if chunk.is_end() {
                self.state = State::Ending;
            }
            sink.send_chunk(chunk)?;
        }
    }

    /// The next chunk for the sink. `None`: a transform took one and gave none yet.
    fn poll_next(
        &mut self,
        cx: &mut Context<'_>,
        source: &mut impl BodySource,
        sink: &mut impl BodySink,
        body: &mut BodyHandle,
    ) -> Poll<Result<Option<Chunk>>> {
        if !body.is_untouched()
            && let Some(chunk) = body.next()
        {
            return Poll::Ready(Ok(Some(chunk)));
        }
        if self.state == State::Draining {
            let context = "a body transform swallowed the end of a body";
            return Poll::Ready(Err(Error::explain(Kind::Internal, context).into_internal()));
        }
        self.waits = Waits::Source;
        let Poll::Ready(chunk) = source.poll_chunk(cx) else {
            // Nothing more comes for now: what waits in the sink need not wait for company.
            if sink.poll_flush(cx)?.is_pending() {
                self.waits = Waits::Sink;
            }
            return Poll::Pending;
        };
        let chunk = chunk?;
        self.bytes += chunk.len() as u64;
        if body.is_untouched() {
            return Poll::Ready(Ok(Some(chunk)));
        }
        self.moved = clock::now();
        if chunk.is_end() {
            self.state = State::Draining;
        }
        body.feed(chunk)?;
        Poll::Ready(Ok(None))
    }
}
