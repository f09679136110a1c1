//! One exchange, from the head of the request to the last byte of the response.

use std::future::poll_fn;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::{Pin, pin};
use std::task::Poll;
use std::time::{Duration, Instant};

use gorge_allocators::Recycled;
use gorge_error::{Error, Fault, Kind, Result};
use gorge_filter::{
    Announce, Attempt, BodyLength, ClientStream, ErrorPages, Event, Exchange, Flow, Observer, Outcome,
    Progress, Response, Retry, ServerStream,
};
use gorge_http::{Known, Method, Status};
use gorge_http_parser::RequestFraming;
use gorge_protocols::Address;
use gorge_runtime::Shutdown;
use gorge_timeout::{Timer, clock};
use gorge_upstream::{InFlight, Peer, Stale, Upstream, Verdict};

use crate::app::App;
use crate::chain::Chain;
use crate::connector::{Link, Wanted};
use crate::core::Core;
use crate::leg::{LENIENCE, Leg, Waits};
use crate::pump::Pump;
use crate::state::State;
use crate::stats::add;
use crate::{answer, heads};

/// The downstream side while one exchange runs.
pub(crate) struct Side<'a, S> {
    pub(crate) server: &'a mut S,
    pub(crate) timer: &'a mut Timer,
    /// The word to stop: an answer then says that it is the last of its connection.
    pub(crate) shutdown: &'a Shutdown,
}

/// How an attempt ended.
enum Attempted {
    /// The exchange is over: the response was sent to its end.
    Done,
    /// Another attempt follows.
    Again(Next),
}

/// What the next attempt is to be like.
#[derive(Default)]
struct Next {
    /// It waits for so long.
    pause: Duration,
    /// It goes to this peer, already selected.
    peer: Option<Peer>,
    /// If the peer selected was tried already, the exchange ends with this instead.
    unless_tried: Option<Error>,
    /// It takes a new connection.
    fresh: bool,
}

impl<A: App> Core<A> {
    /// Takes a request whose head was read to its end, whatever happens on the way. Nothing but
    /// `server` learns of the client what happened: the outcome is for observers.
    pub(crate) async fn run<S: ServerStream>(
        &self,
        side: &mut Side<'_, S>,
        state: &mut State<A::Context>,
        framing: &RequestFraming,
    ) -> Outcome {
        let result = guarded(pin!(self.respond(side, state, framing))).await;
        match result {
            Ok(()) => Outcome { status: sent_status(state), error: None, complete: true },
            Err(error) => Recycled::pin(self.fail(side, state, error)).await,
        }
    }

    async fn respond<S: ServerStream>(
        &self,
        side: &mut Side<'_, S>,
        state: &mut State<A::Context>,
        framing: &RequestFraming,
    ) -> Result<()> {
        self.app.observer().event(&state.x, &Event::Head);
        // Before the fields that belong to this connection are gone: credentials are among them.
        let target = if state.x.req.method == Method::CONNECT { Some(self.judge(state)) } else { None };
        heads::receive_request(&mut state.x, framing);
        heads::admit(&mut state.x, framing, &self.via)?;
        if let Some(target) = target {
            return Recycled::pin(self.tunnel(side, state, target?)).await;
        }
        match self.own_answer(state).await? {
            // Out of line, as all that is rare: its future would make each exchange's larger.
            Some(response) => Recycled::pin(self.send_own(side, state, response.into_inner())).await,
            None => self.forward(side, state).await,
        }
    }

    /// The answer to a request that does not go upstream.
    pub(crate) async fn own_answer(
        &self,
        state: &mut State<A::Context>,
    ) -> Result<Option<Recycled<Response>>> {
        if heads::is_last_hop(&mut state.x) {
            let mut response = Response::empty(Status::OK);
            // Cannot fail: a constant of legal bytes.
            let _ = response.head.headers.append(Known::Allow, heads::ALLOW);
            return Ok(Some(Recycled::new(response)));
        }
        Ok(match self.app.downstream().on_request(&mut state.x, &mut state.down).await? {
            Flow::Respond(response) => Some(Recycled::new(response)),
            Flow::Continue => None,
        })
    }

    /// Tries peers until one answers or no further attempt is allowed.
    async fn forward<S: ServerStream>(
        &self,
        side: &mut Side<'_, S>,
        state: &mut State<A::Context>,
    ) -> Result<()> {
        heads::send_request(&mut state.x, &self.via);
        if A::Inner::LEN > 0 {
            state.base.clone_from(&state.x.req);
        }
        let retries = self.app.upstream().retries(&state.x);
        retries.begin_exchange();
        let repeatable = state.x.req.method.is_idempotent() || retries.policy().stale == Stale::Any;
        state.replay.begin(repeatable && state.x.facts.request_length != BodyLength::Empty);
        let timeouts = state.x.timeouts;
        let mut next = Next::default();
        loop {
            let peer = match next.peer.take() {
                Some(peer) => peer,
                None => self.app.upstream().select(&mut state.x).await?,
            };
            if let Some(error) = next.unless_tried.take()
                && state.x.attempts().tried(peer.id())
            {
                return Err(error);
            }
            match self.attempt(side, state, peer, next.fresh).await? {
                Attempted::Done => return Ok(()),
                Attempted::Again(again) => next = again,
            }
            pause(side, next.pause).await?;
            add(&self.counters.local().retries, 1);
            // Those of the last peer, or of a filter that saw the last attempt, are not those of the next.
            state.x.timeouts = timeouts;
            if A::Inner::LEN > 0 {
                state.x.req.clone_from(&state.base);
            }
        }
    }

    /// Takes note that an attempt begins, and tells of it. Returns when that was.
    pub(crate) fn begin_attempt(&self, state: &mut State<A::Context>, peer: &Peer) -> Instant {
        add(&self.counters.local().attempts, 1);
        let began = clock::now();
        let facts = &mut state.x.facts;
        facts.timing.peer_selected = Some(began);
        // Those of an earlier attempt are not those of this one.
        (facts.timing.connected, facts.timing.tls_done, facts.upstream_tls) = (None, None, None);
        state.x.facts.attempts.push(Attempt {
            peer: peer.id(),
            address: peer.digest_address().clone(),
            reused: false,
            progress: Progress::Nothing,
            failure: None,
        });
        self.app.observer().event(&state.x, &Event::Selected);
        began
    }

    /// One try at one peer.
    async fn attempt<S: ServerStream>(
        &self,
        side: &mut Side<'_, S>,
        state: &mut State<A::Context>,
        peer: Peer,
        fresh: bool,
    ) -> Result<Attempted> {
        let counters = self.counters.local();
        let began = self.begin_attempt(state, &peer);
        if A::Inner::LEN > 0 {
            state.inner.forget();
            if let Flow::Respond(response) =
                self.app.inner().on_request(&mut state.x, &mut state.inner).await?
            {
                Recycled::pin(self.send_inner(side, state, response)).await?;
                return Ok(Attempted::Done);
            }
        }
        if let Some(timeouts) = peer.timeouts()
            && state.x.timeouts.upstream == self.timeouts.upstream
        {
            // No filter has set others.
            state.x.timeouts.upstream = *timeouts;
        }
        let flight = peer.clone().begin();
        if peer.proxy_protocol().is_some() && state.x.facts.local.is_none() {
            state.x.facts.local = side.server.local_address();
        }
        let facts = &state.x.facts;
        let (client, reached) = (facts.client.as_ref(), facts.local.as_ref());
        let wanted = Wanted { peer: &peer, fresh, client, reached };
        let connecting = self.connector.connect(&wanted, counters);
        let connected = match total_deadline(&state.x) {
            Some(deadline) => before(deadline, side.timer, connecting).await,
            None => connecting.await,
        };
        let mut link = match connected {
            Ok(link) => link,
            Err(error) => return self.failed(state, flight, Progress::Nothing, error),
        };
        note_connection(&mut state.x, &mut link);
        self.app.observer().event(&state.x, &Event::Connected);
        let result = self.converse(side, state, &mut link, began, flight).await;
        if let Ok(Attempted::Done) = result {
            self.connector.put_back(link, &peer);
        }
        result
    }

    /// The attempt itself, over a connection that stands.
    async fn converse<S: ServerStream>(
        &self,
        side: &mut Side<'_, S>,
        state: &mut State<A::Context>,
        link: &mut Link<'_>,
        began: Instant,
        flight: InFlight,
    ) -> Result<Attempted> {
        let client = link.connection();
        send_head(state, client, flight.peer())?;
        let stopping = side.shutdown;
        let mut pump = Pump::new(side.server, client, side.timer);
        if state.x.facts.attempts.count() > 1 && state.replay.send(pump.client)? {
            pump.skip_upload();
        }
        let head = pump.until_head(&mut state.x, &mut state.response, &mut state.replay).await;
        state.x.facts.received = pump.received();
        state.x.facts.timing.request_sent = pump.sent();
        if pump.sent().is_some() {
            self.app.observer().event(&state.x, &Event::RequestSent);
        }
        let length = match head {
            Ok(length) => length,
            Err(error) if error.fault() == Fault::Upstream => {
                let progress = pump.client.progress();
                return self.failed(state, flight, progress, error);
            }
            Err(error) => return Err(error),
        };
        if length == BodyLength::Tunnel && !heads::agrees(&state.x, &state.response) {
            let context = "the upstream switches to a protocol that was not offered";
            let error = Error::explain(Kind::HeadInvalid, context).into_upstream();
            return self.failed(state, flight, Progress::Answered, error);
        }
        let first_byte = clock::now();
        state.x.facts.timing.first_byte = Some(first_byte);
        let status = state.response.status;
        self.app.observer().event(&state.x, &Event::ResponseHead(status));
        if let Some(again) = self.instead(state, status).await? {
            flight.end(Verdict::Failure, Duration::ZERO);
            return Ok(again);
        }
        let delivered = self.deliver(&mut pump, stopping, state, length).await;
        if delivered.is_err() && length == BodyLength::Tunnel {
            // A clean end would pass for the end of what the client sent.
            pump.client.reset();
        }
        let broke_off = delivered.as_ref().is_err_and(|error| error.fault() == Fault::Upstream);
        let verdict = match status.as_u16() {
            _ if broke_off => Verdict::Failure,
            502..=504 => Verdict::Failure,
            _ if delivered.is_err() => Verdict::Abandoned,
            _ => Verdict::Success,
        };
        flight.end(verdict, first_byte.saturating_duration_since(began));
        delivered.map(|()| Attempted::Done)
    }

    /// Whether an answer with this status is dropped for an attempt elsewhere, and where.
    async fn instead(&self, state: &mut State<A::Context>, status: Status) -> Result<Option<Attempted>> {
        state.x.facts.attempts.set_replayable(state.replay.is_whole());
        let (pause, only_untried) = match self.app.upstream().on_status(&state.x, status) {
            Retry::GiveUp => return Ok(None),
            Retry::Again(pause) => (pause, false),
            Retry::Elsewhere => (Duration::ZERO, true),
        };
        let peer = self.app.upstream().select(&mut state.x).await;
        let Ok(peer) = peer else { return Ok(None) };
        if only_untried && state.x.attempts().tried(peer.id()) {
            return Ok(None);
        }
        let context = format!("the upstream answered {}", status.as_u16());
        let error = Error::explain(Kind::Rejected(status.as_u16()), context).into_upstream();
        note_failure(state, Progress::Answered, &error);
        self.app.observer().event(&state.x, &Event::Retried(&error));
        // 421 says that this connection is the wrong one for the authority (RFC 9110 15.5.20).
        let fresh = status == Status::MISDIRECTED_REQUEST;
        Ok(Some(Attempted::Again(Next { pause, peer: Some(peer), fresh, unless_tried: None })))
    }

    /// Sends the response down: upstream filters, downstream filters, head, body.
    async fn deliver<S: ServerStream, K: ClientStream>(
        &self,
        pump: &mut Pump<'_, S, K>,
        shutdown: &Shutdown,
        state: &mut State<A::Context>,
        length: BodyLength,
    ) -> Result<()> {
        let switching = length == BodyLength::Tunnel;
        let protocol = heads::receive_response(&mut state.response, switching, &self.via);
        if A::Inner::LEN > 0 {
            self.app.inner().on_response(&mut state.x, &mut state.response, &mut state.inner).await?;
        }
        if A::Downstream::LEN > 0 {
            self.app.downstream().on_response(&mut state.x, &mut state.response, &mut state.down).await?;
        }
        let length = announced(state, length);
        if shutdown.requested() {
            pump.server.close_after_response();
        }
        let upgrade = protocol.as_deref().or(switching.then_some(b"".as_slice()));
        let announce = Announce { length, upgrade, host: None };
        self.answer(pump.server, state, announce)?;
        if switching {
            add(&self.counters.local().upgrades, 1);
        }
        let result = pump.until_end(&mut state.x, &mut state.replay).await;
        if switching {
            state.x.facts.received = pump.received();
        } else {
            state.x.facts.received = state.x.facts.received.max(pump.received());
        }
        state.x.facts.sent = pump.returned();
        result
    }

    /// Gives the final head to the server stream.
    pub(crate) fn answer<S: ServerStream>(
        &self,
        server: &mut S,
        state: &mut State<A::Context>,
        announce: Announce<'_>,
    ) -> Result<()> {
        server.send_head(&mut state.response, announce)?;
        state.answered = true;
        state.x.facts.status = Some(state.response.status);
        // What was received can go: the head is in the write buffer.
        state.response.headers.clear();
        Ok(())
    }

    /// Takes note of a failed attempt and says whether another one follows.
    fn failed(
        &self,
        state: &mut State<A::Context>,
        flight: InFlight,
        progress: Progress,
        error: Error,
    ) -> Result<Attempted> {
        let ours = error.fault() == Fault::Internal;
        flight.end(if ours { Verdict::Abandoned } else { Verdict::Failure }, Duration::ZERO);
        note_failure(state, progress, &error);
        let mut next = Next::default();
        if total_deadline(&state.x).is_some_and(|deadline| Instant::now() >= deadline) {
            return Err(error);
        }
        let retry = self.app.upstream().on_failure(&state.x, &error);
        if retry == Retry::GiveUp {
            return Err(error);
        }
        self.counters.local().error(error.kind());
        self.app.observer().event(&state.x, &Event::Retried(&error));
        match retry {
            Retry::Again(pause) => next.pause = pause,
            _ => next.unless_tried = Some(error),
        }
        Ok(Attempted::Again(next))
    }

    /// An answer of an upstream filter: the upstream filters entered see it, then the others.
    async fn send_inner<S: ServerStream>(
        &self,
        side: &mut Side<'_, S>,
        state: &mut State<A::Context>,
        mut response: Response,
    ) -> Result<()> {
        self.app.inner().on_response(&mut state.x, &mut response.head, &mut state.inner).await?;
        self.send_own(side, state, response).await
    }

    /// Sends an answer that was made here.
    pub(crate) async fn send_own<S: ServerStream>(
        &self,
        side: &mut Side<'_, S>,
        state: &mut State<A::Context>,
        response: Response,
    ) -> Result<()> {
        let Response { head, mut body } = response;
        state.response = head;
        self.app.downstream().on_response(&mut state.x, &mut state.response, &mut state.down).await?;
        let bodiless = state.x.req.method == Method::HEAD || state.response.status.is_bodiless();
        let length = announced(state, body.length());
        if side.shutdown.requested() {
            side.server.close_after_response();
        }
        self.answer(side.server, state, Announce::body(length))?;
        if bodiless {
            body = gorge_filter::Body::Empty;
        }
        let mut leg = Leg::new();
        let timeouts = state.x.timeouts;
        let soon = timeouts.write.min(timeouts.upstream.idle_body);
        let first = if timeouts.min_rate.is_some() { LENIENCE } else { soon };
        side.timer.set(clock::add(clock::now(), first));
        let result = poll_fn(|cx| {
            if let Poll::Ready(done) = leg.poll(cx, &mut body, side.server, state.x.response_body(), |_| {}) {
                return Poll::Ready(done);
            }
            while side.timer.poll_expired(cx).is_ready() {
                let deadline = match (leg.waits(), timeouts.min_rate) {
                    (Waits::Sink, Some(rate)) => leg.too_slow_at(rate),
                    (Waits::Sink, None) => clock::add(leg.moved(), timeouts.write),
                    (Waits::Source, _) => clock::add(leg.moved(), timeouts.upstream.idle_body),
                };
                if Instant::now() >= deadline {
                    let context = "the answer made here could not be sent in time";
                    return Poll::Ready(Err(Error::explain(Kind::WriteTimedOut, context).into_downstream()));
                }
                side.timer.set(deadline);
            }
            Poll::Pending
        })
        .await;
        state.x.facts.sent = leg.bytes();
        result
    }

    /// Ends an exchange that went wrong: with an answer where one can still be given, else by
    /// visibly breaking off what was begun.
    pub(crate) async fn fail<S: ServerStream>(
        &self,
        side: &mut Side<'_, S>,
        state: &mut State<A::Context>,
        error: Error,
    ) -> Outcome {
        self.counters.local().error(error.kind());
        if error.kind() == Kind::Panic {
            add(&self.counters.local().panics, 1);
        }
        if state.answered && error.fault() != Fault::Downstream && side.server.take_back() {
            // The response broke before a byte of it had left: the client gets a whole answer.
            state.answered = false;
            state.x.facts.status = None;
            state.x.facts.sent = 0;
            state.down.restart();
        }
        if state.answered {
            side.server.reset();
            return Outcome { status: sent_status(state), error: Some(error), complete: false };
        }
        let Some(status) = answer::status(&error) else {
            side.server.reset();
            return Outcome { status: client_gone(), error: Some(error), complete: false };
        };
        // A body that nobody reads may still be coming: unless it was read to its end, where the
        // next request would begin is not known for certain.
        side.server.close_unless_read();
        state.x.response_body().clear();
        let complete = self.send_error(side, state, status, &error).await;
        if !complete {
            side.server.reset();
        }
        Outcome { status: sent_status(state), error: Some(error), complete }
    }

    /// Sends the error answer through the filters entered; if those fail or panic in turn, without
    /// them.
    async fn send_error<S: ServerStream>(
        &self,
        side: &mut Side<'_, S>,
        state: &mut State<A::Context>,
        status: Status,
        error: &Error,
    ) -> bool {
        for filtered in [true, false] {
            if !filtered {
                state.down.forget();
            }
            let sent = guarded(pin!(async {
                let mut response = if filtered {
                    self.app.pages().render(&state.x, status, error)
                } else {
                    Response::empty(status)
                };
                answer::explain(&mut response, error, self.via.name(), self.tells_inside);
                if error.kind() == Kind::ProxyAuthenticationMissing
                    && let Some(challenge) =
                        self.tunnels.as_ref().and_then(|tunnels| tunnels.policy.challenge())
                {
                    // Cannot fail: the policy makes a field value of it.
                    let _ = response.head.headers.append(Known::ProxyAuthenticate, challenge);
                }
                self.send_own(side, state, response).await
            }))
            .await;
            if sent.is_ok() || state.answered {
                return sent.is_ok();
            }
        }
        false
    }
}

/// The head of the request, for this peer.
fn send_head<C, K: ClientStream>(state: &mut State<C>, client: &mut K, peer: &Peer) -> Result<()> {
    let x = &mut state.x;
    if !x.req.headers.contains(Known::Host) {
        // Only an HTTP/1.0 request may come without; ours is a 1.1 request, which must have one.
        let host = match peer.address() {
            address @ (Address::Ip(_) | Address::Name(..)) => address.to_string(),
            // A path is no host.
            Address::Unix(_) | Address::Abstract(_) => "localhost".to_owned(),
        };
        x.req.headers.insert(Known::Host, host).map_err(|error| {
            Error::because(Kind::Internal, "the peer's address is no host", error).into_internal()
        })?;
    }
    let keeps = x.request_body().keeps_length();
    let length = match x.facts.request_length {
        BodyLength::Known(_) if !keeps => BodyLength::Unknown,
        length => length,
    };
    let host = peer.host().map(str::as_bytes);
    client.send_head(&x.req, Announce { length, upgrade: x.facts.upgrade.as_deref(), host })
}

/// The length to announce behind the filters, which may have changed the body.
fn announced<C>(state: &mut State<C>, length: BodyLength) -> BodyLength {
    if state.x.response_body().keeps_length() {
        return length;
    }
    state.response.headers.remove(Known::ContentLength);
    match length {
        BodyLength::Known(n) if n > 0 => BodyLength::Unknown,
        length => length,
    }
}

/// Takes note of the connection that an attempt has got.
fn note_connection<C>(x: &mut Exchange<C>, link: &mut Link<'_>) {
    if let Some(attempt) = x.facts.attempts.last_mut() {
        attempt.reused = link.reused();
    }
    let made = link.made();
    x.facts.timing.connected = Some(made.map_or_else(clock::now, |made| made.connected));
    x.facts.timing.tls_done = made.and_then(|made| made.tls_done);
    x.facts.upstream_tls = link.connection().stream().tls_digest().cloned();
}

fn note_failure<C>(state: &mut State<C>, progress: Progress, error: &Error) {
    let replayable = state.replay.is_whole();
    state.x.facts.attempts.set_replayable(replayable);
    if let Some(attempt) = state.x.facts.attempts.last_mut() {
        attempt.progress = progress;
        attempt.failure = Some(error.kind());
    }
}

/// When the time is over that all attempts together have until the head of a response.
pub(crate) fn total_deadline<C>(x: &Exchange<C>) -> Option<Instant> {
    let total = x.timeouts.total?;
    Some(clock::add(x.facts.timing.start.unwrap_or_else(clock::now), total))
}

/// What `connecting` comes to, if it does so before this time.
async fn before<T>(
    deadline: Instant,
    timer: &mut Timer,
    connecting: impl Future<Output = Result<T>>,
) -> Result<T> {
    timer.set(deadline);
    let mut connecting = pin!(connecting);
    poll_fn(|cx| match connecting.as_mut().poll(cx) {
        Poll::Pending => timer.poll_expired(cx).map(|()| {
            let context = "connecting took all the time that the exchange had";
            Err(Error::explain(Kind::ConnectTimedOut, context).into_upstream())
        }),
        ready => ready,
    })
    .await
}

/// Waits before the next attempt, unless the client leaves.
async fn pause<S: ServerStream>(side: &mut Side<'_, S>, pause: Duration) -> Result<()> {
    if pause == Duration::ZERO {
        return Ok(());
    }
    side.timer.set(clock::add(clock::now(), pause));
    poll_fn(|cx| match side.timer.poll_expired(cx) {
        Poll::Ready(()) => Poll::Ready(Ok(())),
        Poll::Pending => side.server.poll_gone(cx).map(Err),
    })
    .await
}

fn sent_status<C>(state: &State<C>) -> Status {
    state.x.facts.status.unwrap_or_else(client_gone)
}

/// 499, nginx's word for a client that left before its answer.
fn client_gone() -> Status {
    Status::new(499).unwrap_or(Status::INTERNAL_SERVER_ERROR)
}

/// Runs a piece of an exchange. A panic in it, in a filter for instance, is that exchange's failure
/// and not the connection's or the worker's. It is pinned by the caller, so that it is not moved into
/// this future and held twice.
async fn guarded<T>(mut work: Pin<&mut impl Future<Output = Result<T>>>) -> Result<T> {
    poll_fn(|cx| match catch_unwind(AssertUnwindSafe(|| work.as_mut().poll(cx))) {
        Ok(poll) => poll,
        Err(panic) => Poll::Ready(Err(panicked(panic.as_ref()))),
    })
    .await
}

fn panicked(payload: &(dyn std::any::Any + Send)) -> Error {
    let text = payload
        .downcast_ref::<&'static str>()
        .map(|text| (*text).to_owned())
        .or_else(|| payload.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "a panic without a message".to_owned());
    Error::explain(Kind::Panic, text).into_internal()
}
