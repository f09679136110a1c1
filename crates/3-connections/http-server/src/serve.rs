//! A connection with a handler behind it: a server without a proxy.

use std::future::poll_fn;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use gorge_async_io::Stream;
use gorge_error::{Error, Kind, Result};
use gorge_filter::{Announce, Body, BodyLength, BodySink, BodySource, Response, ServerStream};
use gorge_http::{Chunk, Method, RequestHead, Status};
use gorge_http_parser::{Expect, Framing, RequestFraming};
use gorge_timeout::{Timer, clock};

use crate::handler::{IntoResponse, RequestBody};
use crate::{Connection, Settings};

/// The status of errors that nobody is there to be told.
const CLIENT_GONE: u16 = 499;

/// Serves one connection to its end: each request goes to `handler`, one after another, and its
/// response back to the client, within the times and limits of `settings`.
///
/// The handler is an async closure or function that returns a [`Response`], or a `Result` of one.
/// An error of it becomes its status, a panic 500. What HTTP demands is done here: framing, `Date`,
/// HEAD, keep-alive, pipelining, `Expect`, and the rest of a body that the handler leaves unread.
/// CONNECT is answered with 501.
///
/// # Errors
/// What ended the connection, if that was more than a close between two requests. Everything that
/// can be done about it was done.
pub async fn serve<S, H, R>(stream: S, settings: Arc<Settings>, handler: H) -> Result<()>
where
    S: Stream,
    H: AsyncFn(&RequestHead, &mut RequestBody<'_>) -> R,
    R: IntoResponse,
{
    let mut server = Server { conn: Connection::new(stream, settings), timer: Timer::new() };
    let served = server.run(&handler).await;
    server.conn.end();
    served
}

struct Server<S> {
    conn: Connection<S>,
    timer: Timer,
}

impl<S: Stream> Server<S> {
    async fn run<H, R>(&mut self, handler: &H) -> Result<()>
    where
        H: AsyncFn(&RequestHead, &mut RequestBody<'_>) -> R,
        R: IntoResponse,
    {
        let mut head = RequestHead::new();
        let mut patience = self.settings().head_timeout;
        while self.wait(patience).await {
            let served: Result<()> = match self.read_head(&mut head).await {
                Ok(None) => return Ok(()),
                Ok(Some(framing)) => self.exchange(&head, framing, handler).await,
                Err(error) => Err(error),
            };
            // Lets go of the request's bytes before the buffer they lie in is needed again.
            head.clear();
            if let Err(error) = &served {
                self.fail(error).await;
            }
            if !self.finish().await {
                return served;
            }
            patience = self.settings().keep_alive;
        }
        Ok(())
    }

    fn settings(&self) -> &Settings {
        self.conn.settings()
    }

    /// Waits for a request; false if none comes in time.
    async fn wait(&mut self, patience: Duration) -> bool {
        self.timer.set(clock::add(clock::now(), patience));
        poll_fn(|cx| match self.conn.poll_idle(cx) {
            Poll::Ready(()) => Poll::Ready(true),
            Poll::Pending => self.timer.poll_expired(cx).map(|()| false),
        })
        .await
    }

    async fn read_head(&mut self, head: &mut RequestHead) -> Result<Option<RequestFraming>> {
        let limit = self.settings().head_timeout;
        let late = || downstream(Kind::HeadTimedOut, "the request head did not arrive in time");
        within(&mut self.timer, limit, late, |cx| self.conn.poll_head(cx, head)).await
    }

    async fn exchange<H, R>(&mut self, head: &RequestHead, framing: RequestFraming, handler: &H) -> Result<()>
    where
        H: AsyncFn(&RequestHead, &mut RequestBody<'_>) -> R,
        R: IntoResponse,
    {
        if framing.expect == Expect::Unknown {
            let context = "the request expects something other than 100-continue";
            return Err(downstream(Kind::ExpectationUnknown, context));
        }
        if head.method == Method::CONNECT {
            return Err(downstream(Kind::NotImplemented, "CONNECT is not served here"));
        }
        let mut body = self.body(framing);
        let answer = {
            let mut work = pin!(handler(head, &mut body));
            poll_fn(|cx| match catch_unwind(AssertUnwindSafe(|| work.as_mut().poll(cx))) {
                Ok(poll) => poll.map(IntoResponse::into_response),
                Err(_) => {
                    Poll::Ready(Err(Error::explain(Kind::Panic, "the handler panicked").into_internal()))
                }
            })
            .await
        };
        self.send(answer?, head.method == Method::HEAD).await
    }

    fn body(&mut self, framing: RequestFraming) -> RequestBody<'_> {
        RequestBody {
            idle: self.settings().idle_body,
            expects: self.conn.expects_continue(),
            unflushed: false,
            waiting: false,
            length: match framing.body {
                Framing::Length(n) => BodyLength::Known(n),
                Framing::Chunked => BodyLength::Unknown,
                _ => BodyLength::Empty,
            },
            trailers: None,
            stream: &mut self.conn,
            timer: &mut self.timer,
        }
    }

    async fn send(&mut self, response: Response, head_only: bool) -> Result<()> {
        let Response { mut head, mut body } = response;
        self.conn.send_head(&mut head, Announce::body(body.length()))?;
        if head_only || head.status.is_bodiless() {
            body = Body::Empty;
        }
        let sent = self.send_body(&mut body).await;
        if sent.is_err() && !self.conn.take_back() {
            self.conn.reset();
        }
        sent
    }

    async fn send_body(&mut self, body: &mut Body) -> Result<()> {
        let Settings { idle_body, write, .. } = **self.conn.settings();
        let late = || downstream(Kind::WriteTimedOut, "the client stopped taking the response");
        let idle = || Error::explain(Kind::IdleTimedOut, "the response stopped coming").into_internal();
        loop {
            within(&mut self.timer, write, late, |cx| self.conn.poll_ready(cx)).await?;
            let conn = &mut self.conn;
            let chunk = within(&mut self.timer, idle_body, idle, |cx| next_chunk(conn, body, cx)).await?;
            let ended = chunk.is_end();
            self.conn.send_chunk(chunk)?;
            if ended {
                return within(&mut self.timer, write, late, |cx| self.conn.poll_flush(cx)).await;
            }
        }
    }

    /// Answers a request that went wrong, if its answer was not begun and somebody would read it.
    async fn fail(&mut self, error: &Error) {
        if error.status() == CLIENT_GONE {
            return self.conn.reset();
        }
        let status = Status::new(error.status()).unwrap_or(Status::INTERNAL_SERVER_ERROR);
        self.conn.close_unless_read();
        if self.send(Response::empty(status), false).await.is_err() {
            self.conn.reset();
        }
    }

    async fn finish(&mut self) -> bool {
        self.timer.set(clock::add(clock::now(), self.settings().drain_timeout));
        poll_fn(|cx| match self.conn.poll_finish(cx) {
            Poll::Ready(keep) => Poll::Ready(keep),
            Poll::Pending => self.timer.poll_expired(cx).map(|()| false),
        })
        .await
    }
}

/// The next chunk of a response. While there is none, what waits is sent, and a client that left
/// ends the wait.
fn next_chunk<S: Stream>(
    conn: &mut Connection<S>,
    body: &mut Body,
    cx: &mut Context<'_>,
) -> Poll<Result<Chunk>> {
    if let Poll::Ready(chunk) = body.poll_chunk(cx) {
        return Poll::Ready(chunk);
    }
    if conn.poll_flush(cx)?.is_ready() { conn.poll_gone(cx).map(Err) } else { Poll::Pending }
}

/// `poll` until it is ready, or the error of `late` after `limit`.
async fn within<T>(
    timer: &mut Timer,
    limit: Duration,
    late: impl Fn() -> Error,
    mut poll: impl FnMut(&mut Context<'_>) -> Poll<Result<T>>,
) -> Result<T> {
    timer.set(clock::add(clock::now(), limit));
    poll_fn(|cx| match poll(cx) {
        Poll::Ready(result) => Poll::Ready(result),
        Poll::Pending => timer.poll_expired(cx).map(|()| Err(late())),
    })
    .await
}

fn downstream(kind: Kind, context: &'static str) -> Error {
    Error::explain(kind, context).into_downstream()
}
