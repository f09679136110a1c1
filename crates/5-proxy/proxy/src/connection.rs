//! One downstream connection: wait, take a request, serve it, wait again.

use std::future::poll_fn;
use std::sync::Arc;
use std::task::Poll;
use std::time::{Duration, Instant};

use gorge_allocators::Recycled;
use gorge_digest::{PeerAddr, TlsDigest};
use gorge_error::{Error, Kind, Result};
use gorge_filter::{Event, Observer, Outcome, Scheme};
use gorge_http::RequestHead;
use gorge_http_parser::RequestFraming;
use gorge_http_server::Connection;
use gorge_protocols::{Accepted, Permit, Transport};
use gorge_runtime::Shutdown;
use gorge_timeout::{Timer, clock};

use crate::app::App;
use crate::chain::{Chain, panics};
use crate::core::Core;
use crate::current::{Current, Held};
use crate::exchange::Side;
use crate::state::State;
use crate::stats::add;

/// How long after an answer the next request of a busy client may be on its way.
const ON_ITS_WAY: Duration = Duration::from_millis(100);

/// What a waiting connection wakes up for.
enum Woken {
    /// A byte of a request, or the end.
    Readable,
    /// It waited long enough, or another needs its place.
    Late,
    /// The process is stopping.
    Stopping,
}

/// One downstream connection. While it waits it holds this and no more: what an exchange needs is
/// taken from the worker when a request comes.
pub(crate) struct Downstream<A: App> {
    current: Arc<Current<A>>,
    conn: Connection<Transport>,
    timer: Timer,
    shutdown: Shutdown,
    peer: PeerAddr,
    local: Option<PeerAddr>,
    tls: Option<Arc<TlsDigest>>,
    permit: Permit,
}

/// Serves one connection to its end.
pub(crate) async fn serve<A: App>(current: Arc<Current<A>>, accepted: Accepted) {
    let Accepted { transport, peer, local, tls, shutdown, permit, .. } = accepted;
    let conn = Connection::new(transport, current.settings());
    let counters = current.counters();
    add(&counters.local().connections, 1);
    let timer = Timer::new();
    let mut downstream = Downstream { current, conn, timer, shutdown, peer, local, tls, permit };
    let mut patience = downstream.conn.settings().head_timeout;
    while downstream.wait(patience).await && Recycled::pin(downstream.exchange()).await {
        patience = downstream.conn.settings().keep_alive;
    }
    let Downstream { mut conn, permit, .. } = downstream;
    conn.end();
    drop(conn);
    add(&counters.local().closed, 1);
    drop(permit);
}

impl<A: App> Downstream<A> {
    /// Waits for the next request. False: none will come, or none is wanted.
    async fn wait(&mut self, patience: Duration) -> bool {
        let since = clock::now();
        self.timer.set(clock::add(since, patience));
        self.permit.wait();
        let woken = poll_fn(|cx| {
            if self.conn.poll_idle(cx).is_ready() {
                self.permit.work();
                return Poll::Ready(Woken::Readable);
            }
            if self.permit.poll_let_go(cx).is_ready() {
                return Poll::Ready(Woken::Late);
            }
            if self.shutdown.poll_requested(cx).is_ready() {
                return Poll::Ready(Woken::Stopping);
            }
            self.timer.poll_expired(cx).map(|()| Woken::Late)
        })
        .await;
        match woken {
            Woken::Readable => true,
            Woken::Late => false,
            Woken::Stopping => self.last_chance(since).await,
        }
    }

    /// Whether there is a request to answer although the word to stop came: one that was on its way,
    /// or the first of a connection that was still in the queue then. Its client has no way to know
    /// that nobody will answer it, so whoever asked a moment ago is let ask once more, and is told
    /// with the answer.
    async fn last_chance(&mut self, since: Instant) -> bool {
        self.timer.set(match self.conn.requests() {
            0 => clock::add(clock::now(), self.conn.settings().drain_timeout),
            _ => since + ON_ITS_WAY,
        });
        // The reactor, asked once more, knows what has come meanwhile.
        tokio::task::yield_now().await;
        poll_fn(|cx| match self.conn.poll_idle(cx) {
            Poll::Ready(()) => Poll::Ready(true),
            Poll::Pending => self.timer.poll_expired(cx).map(|()| false),
        })
        .await
    }

    /// One exchange. True: another may follow.
    async fn exchange(&mut self) -> bool {
        let mut held = self.current.take();
        let Held { core, state, .. } = &mut *held;
        self.conn.set_settings(&core.settings);
        let facts = &mut state.x.facts;
        facts.timing.start = Some(clock::now());
        facts.client = Some(self.peer.clone());
        facts.local.clone_from(&self.local);
        if let Some(tls) = &self.tls {
            facts.scheme = Scheme::Https;
            facts.tls = Some(tls.clone());
        }
        facts.earlier_exchanges = self.conn.requests();
        facts.stopping = self.shutdown.requested();
        state.x.timeouts = core.timeouts;
        let head = read_head(&mut self.conn, &mut self.timer, &mut state.x.req).await;
        let mut side = Side { server: &mut self.conn, timer: &mut self.timer, shutdown: &self.shutdown };
        let keep = match head {
            Ok(None) => false,
            Ok(Some(framing)) => {
                state.x.facts.timing.head_read = Some(clock::now());
                let outcome = core.run(&mut side, state, &framing).await;
                end(core, state, &outcome);
                true
            }
            Err(error) => {
                // What was understood of the head so far is not to be relied on.
                state.x.req.clear();
                let outcome = Recycled::pin(core.fail(&mut side, state, error)).await;
                end(core, state, &outcome);
                true
            }
        };
        // Lets go of the request's bytes before the buffer they lie in is needed again.
        self.current.give(held);
        keep && finish(&mut self.conn, &mut self.timer).await
    }
}

/// Reads a request head within its time. `None`: there is none, and none was begun.
async fn read_head(
    conn: &mut Connection<Transport>,
    timer: &mut Timer,
    head: &mut RequestHead,
) -> Result<Option<RequestFraming>> {
    timer.set(clock::add(clock::now(), conn.settings().head_timeout));
    poll_fn(|cx| match conn.poll_head(cx, head) {
        Poll::Ready(result) => Poll::Ready(result),
        Poll::Pending => timer.poll_expired(cx).map(|()| {
            let context = "the request head did not arrive in time";
            Err(Error::explain(Kind::HeadTimedOut, context).into_downstream())
        }),
    })
    .await
}

/// Tells everyone that the exchange is over.
fn end<A: App>(core: &Core<A>, state: &mut State<A::Context>, outcome: &Outcome) {
    state.x.facts.timing.end = Some(clock::now());
    add(&core.counters.local().exchanges, 1);
    let counters = core.counters.local();
    add(&counters.received, state.x.facts.received);
    add(&counters.sent, state.x.facts.sent);
    let panicked = core.app.inner().on_end(&state.x, outcome, state.inner)
        + core.app.downstream().on_end(&state.x, outcome, state.down)
        + u64::from(panics(|| core.app.observer().event(&state.x, &Event::Done(outcome))));
    if panicked > 0 {
        add(&counters.panics, panicked);
    }
}

/// Brings the connection to where the next request begins, or to its end.
async fn finish(conn: &mut Connection<Transport>, timer: &mut Timer) -> bool {
    timer.set(clock::add(clock::now(), conn.settings().drain_timeout));
    poll_fn(|cx| match conn.poll_finish(cx) {
        Poll::Ready(keep) => Poll::Ready(keep),
        Poll::Pending => timer.poll_expired(cx).map(|()| false),
    })
    .await
}
