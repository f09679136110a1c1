//! One direction of an exchange: chunks from a source through transforms to a sink.

use std::num::NonZeroU64;
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};

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
    /// What the sink had written when the leg was last polled, and when it began.
    written: u64,
    begun_at: Option<u64>,
    source: Waited,
    sink: Waited,
}

/// How long a leg has waited for one of its sides.
#[derive(Debug, Default)]
struct Waited {
    since: Option<Instant>,
    before: Duration,
}

impl Waited {
    fn stop(&mut self, now: Instant) {
        if let Some(since) = self.since.take() {
            self.before += now.saturating_duration_since(since);
        }
    }

    /// When a side that must move `rate` bytes per second, and has moved so many, is too slow.
    fn deadline(&self, rate: NonZeroU64, bytes: u64) -> Instant {
        let seconds = LENIENCE.as_secs().saturating_add(bytes / rate).min(FOREVER);
        let allowed = Duration::from_secs(seconds).saturating_sub(self.before);
        self.since.unwrap_or_else(clock::now) + allowed
    }
}

/// What a rate grants beside the time for the bytes.
pub(crate) const LENIENCE: Duration = Duration::from_secs(1);

/// Seconds that can be added to a time without a thought of overflow: some thirty years.
const FOREVER: u64 = 1 << 30;

impl Leg {
    pub(crate) fn new() -> Self {
        Self {
            state: State::Flowing,
            waits: Waits::Source,
            moved: clock::now(),
            bytes: 0,
            written: 0,
            begun_at: None,
            source: Waited::default(),
            sink: Waited::default(),
        }
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

    /// When the side it waits for is slower than `rate` allows it to be.
    pub(crate) fn too_slow_at(&self, rate: NonZeroU64) -> Instant {
        match self.waits {
            Waits::Source => self.source.deadline(rate, self.bytes),
            Waits::Sink => self.sink.deadline(rate, self.written - self.begun_at.unwrap_or(self.written)),
        }
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
        tap: impl FnMut(&Chunk),
    ) -> Poll<Result<()>> {
        let begun_at = *self.begun_at.get_or_insert_with(|| sink.written());
        let polled = self.advance(cx, source, sink, body, tap);
        let (now, written) = (clock::now(), sink.written().max(begun_at));
        if written != self.written {
            // A slow receiver that takes something is none that stands still.
            self.written = written;
            self.moved = now;
        }
        let (waits, other) = match self.waits {
            Waits::Source => (&mut self.source, &mut self.sink),
            Waits::Sink => (&mut self.sink, &mut self.source),
        };
        other.stop(now);
        if polled.is_pending() {
            waits.since.get_or_insert(now);
        } else {
            waits.stop(now);
        }
        polled
    }

    fn advance(
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
