//! The pump: moves both bodies of an exchange at once, until one side is done or broken.

use std::future::poll_fn;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use gorge_error::{Error, Fault, Kind, Result};
use gorge_filter::{BodyLength, ClientStream, Exchange, ServerStream, Timeouts};
use gorge_http::ResponseHead;
use gorge_timeout::{Timer, clock};

use crate::exchange::total_deadline;
use crate::leg::{LENIENCE, Leg, Waits};
use crate::replay::Replay;

/// How long an exchange runs before a client whose connection is fresh is watched for leaving: most
/// are over by then, and their connections need not meet the reactor for it.
const WATCH_AFTER: Duration = Duration::from_millis(20);

/// Both directions between one server stream and one client stream.
///
/// It knows nothing but the two stream traits, so all pairs of HTTP versions go through this one
/// piece of code.
pub(crate) struct Pump<'a, S, K> {
    pub(crate) server: &'a mut S,
    pub(crate) client: &'a mut K,
    pub(crate) timer: &'a mut Timer,
    up: Leg,
    down: Leg,
    /// Writing to the upstream failed. An answer may have come before that, so reading goes on.
    upload_broken: Option<Error>,
    /// When the whole request had been handed over.
    sent: Option<Instant>,
    /// An interim head waits to be flushed.
    interim: bool,
    tunnel: bool,
    /// The client is asked whether it is still there.
    watching: bool,
    deadline_total: Option<Instant>,
}

impl<'a, S: ServerStream, K: ClientStream> Pump<'a, S, K> {
    pub(crate) fn new(server: &'a mut S, client: &'a mut K, timer: &'a mut Timer) -> Self {
        Self {
            watching: server.is_watched(),
            server,
            client,
            timer,
            up: Leg::new(),
            down: Leg::new(),
            upload_broken: None,
            sent: None,
            interim: false,
            tunnel: false,
            deadline_total: None,
        }
    }

    /// Body bytes received from the client.
    pub(crate) fn received(&self) -> u64 {
        self.up.bytes()
    }

    /// Body bytes received from the upstream.
    pub(crate) fn returned(&self) -> u64 {
        self.down.bytes()
    }

    /// When the whole request had been handed to the upstream.
    pub(crate) fn sent(&self) -> Option<Instant> {
        self.sent
    }

    /// The request body was sent before, from the replay buffer.
    pub(crate) fn skip_upload(&mut self) {
        self.up.finish();
    }

    /// Sends the request body and waits for the final head of the response; interim ones are passed
    /// on as they come.
    pub(crate) async fn until_head<C: Send>(
        &mut self,
        x: &mut Exchange<C>,
        head: &mut ResponseHead,
        replay: &mut Replay,
    ) -> Result<BodyLength> {
        self.deadline_total = total_deadline(x);
        self.timer.set(self.look_at(self.head_deadline(&x.timeouts)));
        poll_fn(|cx| self.poll_until_head(cx, x, head, replay)).await
    }

    fn poll_until_head<C: Send>(
        &mut self,
        cx: &mut Context<'_>,
        x: &mut Exchange<C>,
        head: &mut ResponseHead,
        replay: &mut Replay,
    ) -> Poll<Result<BodyLength>> {
        if let Poll::Ready(Err(error)) = self.poll_upload(cx, x, replay) {
            return Poll::Ready(Err(error));
        }
        loop {
            match self.client.poll_head(cx, head) {
                Poll::Ready(Ok(BodyLength::Tunnel)) => {
                    self.tunnel = true;
                    return Poll::Ready(Ok(BodyLength::Tunnel));
                }
                Poll::Ready(Ok(_)) if head.status.is_informational() => {
                    head.headers.remove_hop_by_hop();
                    self.server.send_interim(head)?;
                    self.interim = true;
                    self.up.touch();
                }
                Poll::Ready(Ok(length)) => return Poll::Ready(Ok(length)),
                Poll::Ready(Err(error)) => {
                    return Poll::Ready(Err(self.upload_broken.take().unwrap_or(error)));
                }
                Poll::Pending => break,
            }
        }
        if self.interim && self.server.poll_flush(cx)?.is_ready() {
            self.interim = false;
        }
        if self.watching
            && self.up.is_done()
            && let Poll::Ready(gone) = self.server.poll_gone(cx)
        {
            return Poll::Ready(Err(gone));
        }
        self.poll_late(cx, &x.timeouts, Self::head_late).map(Err)
    }

    /// Lets bytes pass both ways from now on, without a request and a response before them.
    pub(crate) async fn both_ways<C: Send>(
        &mut self,
        x: &mut Exchange<C>,
        replay: &mut Replay,
    ) -> Result<()> {
        self.tunnel = true;
        self.until_end(x, replay).await
    }

    /// Sends the response body, and the rest of the request's while that goes on. In a tunnel both
    /// directions run to their ends.
    pub(crate) async fn until_end<C: Send>(
        &mut self,
        x: &mut Exchange<C>,
        replay: &mut Replay,
    ) -> Result<()> {
        self.down.touch();
        self.deadline_total = None;
        if self.tunnel {
            // The request had no body; what the client sends from here on is another stream.
            self.up = Leg::new();
        }
        self.timer.set(self.look_at(self.body_deadline(&x.timeouts)));
        poll_fn(|cx| self.poll_until_end(cx, x, replay)).await
    }

    fn poll_until_end<C: Send>(
        &mut self,
        cx: &mut Context<'_>,
        x: &mut Exchange<C>,
        replay: &mut Replay,
    ) -> Poll<Result<()>> {
        if let Poll::Ready(Err(error)) = self.poll_upload(cx, x, replay) {
            return Poll::Ready(Err(error));
        }
        let down = self.down.poll(cx, self.client, self.server, x.response_body(), |_| {});
        match down {
            Poll::Ready(Ok(())) if !self.tunnel || self.up.is_done() || self.upload_broken.is_some() => {
                return Poll::Ready(Ok(()));
            }
            Poll::Ready(Err(error)) => return Poll::Ready(Err(error)),
            _ => {}
        }
        if self.watching
            && !self.tunnel
            && self.up.is_done()
            && self.down.waits() == Waits::Source
            && let Poll::Ready(gone) = self.server.poll_gone(cx)
        {
            return Poll::Ready(Err(gone));
        }
        self.poll_late(cx, &x.timeouts, Self::body_late).map(Err)
    }

    /// Moves the request body. An upstream that takes no more ends the upload, not the exchange.
    fn poll_upload<C: Send>(
        &mut self,
        cx: &mut Context<'_>,
        x: &mut Exchange<C>,
        replay: &mut Replay,
    ) -> Poll<Result<()>> {
        if self.up.is_done() && self.sent.is_some() || self.upload_broken.is_some() {
            return Poll::Ready(Ok(()));
        }
        let tunnel = self.tunnel;
        let note = |chunk: &_| {
            if !tunnel {
                replay.note(chunk);
            }
        };
        match self.up.poll(cx, self.server, self.client, x.request_body(), note) {
            Poll::Ready(Ok(())) => {
                self.sent = Some(clock::now());
                Poll::Ready(Ok(()))
            }
            Poll::Ready(Err(error)) if error.fault() == Fault::Upstream => {
                self.upload_broken = Some(error);
                Poll::Ready(Ok(()))
            }
            other => other,
        }
    }

    /// Ready with an error when the limit of the present step has passed.
    fn poll_late(
        &mut self,
        cx: &mut Context<'_>,
        timeouts: &Timeouts,
        late: fn(&Self, &Timeouts) -> (Instant, Late),
    ) -> Poll<Error> {
        while self.timer.poll_expired(cx).is_ready() {
            // Deadlines move with every chunk, the timer does not: see what it means by now.
            let (deadline, late) = late(self, timeouts);
            if Instant::now() >= deadline {
                return Poll::Ready(late.error(timeouts));
            }
            // What is waited for may change, and have less time, before that.
            self.timer.set(if self.tunnel {
                deadline
            } else {
                deadline.min(clock::add(clock::now(), shortest(timeouts)))
            });
            if !self.watching {
                // The exchange takes its time: in the next turn the client is asked too.
                self.watching = true;
                cx.waker().wake_by_ref();
            }
        }
        Poll::Pending
    }

    /// The first time to look at the clock.
    fn look_at(&self, deadline: Instant) -> Instant {
        if self.watching { deadline } else { deadline.min(clock::now() + WATCH_AFTER) }
    }

    fn head_deadline(&self, timeouts: &Timeouts) -> Instant {
        let step = clock::add(clock::now(), shortest(timeouts));
        self.deadline_total.map_or(step, |total| total.min(step))
    }

    fn head_late(&self, timeouts: &Timeouts) -> (Instant, Late) {
        let first_byte = timeouts.upstream.first_byte;
        let moved = self.up.moved();
        let step = match (self.sent, self.up.waits(), timeouts.min_rate) {
            (Some(sent), _, _) => (clock::add(sent, first_byte), Late::FirstByte),
            // Nothing of the body yet: the client may be waiting for a 100 from the upstream.
            (None, Waits::Source, _) if self.up.bytes() == 0 => {
                (clock::add(moved, timeouts.idle_body.max(first_byte)), Late::Upload)
            }
            (None, Waits::Source, Some(rate)) => {
                (self.up.too_slow_at(rate).min(clock::add(moved, timeouts.idle_body)), Late::Upload)
            }
            (None, Waits::Source, None) => (clock::add(moved, timeouts.idle_body), Late::Upload),
            (None, Waits::Sink, _) => (clock::add(moved, timeouts.upstream.write), Late::UpstreamWrite),
        };
        match self.deadline_total {
            Some(total) if total < step.0 => (total, Late::Total),
            _ => step,
        }
    }

    fn body_deadline(&self, timeouts: &Timeouts) -> Instant {
        clock::add(clock::now(), if self.tunnel { timeouts.tunnel } else { shortest(timeouts) })
    }

    fn body_late(&self, timeouts: &Timeouts) -> (Instant, Late) {
        // While the upload goes on, an upstream that waits for its end does nothing wrong.
        let moved = self.up.moved().max(self.down.moved());
        if self.tunnel {
            return (clock::add(moved, timeouts.tunnel), Late::Tunnel);
        }
        match (self.down.waits(), timeouts.min_rate) {
            (Waits::Sink, Some(rate)) => (self.down.too_slow_at(rate), Late::ClientWrite),
            (Waits::Sink, None) => (clock::add(self.down.moved(), timeouts.write), Late::ClientWrite),
            (Waits::Source, _) => (clock::add(moved, timeouts.upstream.idle_body), Late::Download),
        }
    }
}

/// The shortest of the times in which something must move.
fn shortest(timeouts: &Timeouts) -> Duration {
    let upstream = &timeouts.upstream;
    let step = timeouts.idle_body.min(upstream.first_byte).min(upstream.idle_body).min(upstream.write);
    step.min(if timeouts.min_rate.is_some() { LENIENCE } else { timeouts.write })
}

/// What takes too long.
#[derive(Clone, Copy)]
enum Late {
    ClientWrite,
    Download,
    FirstByte,
    Total,
    Tunnel,
    Upload,
    UpstreamWrite,
}

impl Late {
    /// The error, with the limit by its name and size: who reads it may want to set another.
    fn error(self, timeouts: &Timeouts) -> Error {
        let upstream = &timeouts.upstream;
        let say = |kind, what: &str, name: &str, limit: Duration| {
            Error::explain(kind, format!("{what} within {limit:?} ({name})"))
        };
        let rate = |what: &str, name: &str, limit| match timeouts.min_rate {
            Some(rate) => {
                format!("{what} at {rate} bytes per second (min_rate) or within {limit:?} ({name})")
            }
            None => format!("{what} within {limit:?} ({name})"),
        };
        match self {
            Self::ClientWrite => {
                let text = rate("the client took nothing more of the response", "write", timeouts.write);
                Error::explain(Kind::WriteTimedOut, text).into_downstream()
            }
            Self::Download => {
                let what = "the upstream sent nothing more of its response";
                say(Kind::IdleTimedOut, what, "idle_body", upstream.idle_body).into_upstream()
            }
            Self::FirstByte => {
                let what = "the upstream did not begin its answer";
                say(Kind::FirstByteTimedOut, what, "first_byte", upstream.first_byte).into_upstream()
            }
            Self::Total => {
                let what = "no upstream began an answer";
                let total = timeouts.total.unwrap_or_default();
                say(Kind::FirstByteTimedOut, what, "timeout, all attempts together", total).into_upstream()
            }
            Self::Tunnel => {
                let what = "nothing passed through the tunnel";
                say(Kind::IdleTimedOut, what, "idle time of tunnels", timeouts.tunnel).into_downstream()
            }
            Self::Upload => {
                let text =
                    rate("the client sent nothing more of its request body", "idle_body", timeouts.idle_body);
                Error::explain(Kind::ReadTimedOut, text).into_downstream()
            }
            Self::UpstreamWrite => {
                let what = "the upstream took nothing more of the request body";
                say(Kind::WriteTimedOut, what, "write", upstream.write).into_upstream()
            }
        }
    }
}
