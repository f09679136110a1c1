//! What a handler gets and gives.

use std::future::poll_fn;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use gorge_error::{Error, Kind, Result};
use gorge_filter::{BodyLength, BodySource, Response, ServerStream};
use gorge_http::{Chunk, Headers, ResponseHead, Status};
use gorge_timeout::{Timer, clock};

/// Memory that [`RequestBody::collect`] asks for at once, however much is announced.
const AT_ONCE: usize = 64 * 1024;

/// The body of a request, for a handler to read or to leave.
///
/// A client that waits for leave to send it (`Expect: 100-continue`) gets that when the first chunk
/// is asked for. What a handler leaves unread is discarded, or the connection closed.
pub struct RequestBody<'c> {
    pub(crate) stream: &'c mut dyn ServerStream,
    pub(crate) timer: &'c mut Timer,
    pub(crate) idle: Duration,
    pub(crate) length: BodyLength,
    /// The client waits for a 100.
    pub(crate) expects: bool,
    /// A 100 is to be flushed before anything can come.
    pub(crate) unflushed: bool,
    pub(crate) waiting: bool,
    pub(crate) trailers: Option<Headers>,
}

impl RequestBody<'_> {
    /// How long the client says it is.
    #[must_use]
    pub fn length(&self) -> BodyLength {
        self.length
    }

    /// The next chunk; after the last one [`Chunk::End`], again and again.
    ///
    /// # Errors
    /// The client broke off, stopped sending for too long, or broke the rules of framing.
    pub async fn chunk(&mut self) -> Result<Chunk> {
        poll_fn(|cx| self.poll_chunk(cx)).await
    }

    /// All of it, or what is left, in one piece.
    ///
    /// # Errors
    /// As for [`chunk`](Self::chunk), and [`Kind::BodyTooLarge`] (status 413) for more than `limit`
    /// bytes.
    pub async fn collect(&mut self, limit: usize) -> Result<Bytes> {
        let known = match self.length {
            BodyLength::Known(n) => n,
            _ => 0,
        };
        if known > limit as u64 {
            return Err(too_large());
        }
        // Cut to a small number, so the cast loses nothing.
        let mut whole = BytesMut::with_capacity(known.min(AT_ONCE as u64) as usize);
        loop {
            match self.chunk().await? {
                Chunk::Data(data) if whole.len() + data.len() > limit => return Err(too_large()),
                Chunk::Data(data) => whole.extend_from_slice(&data),
                Chunk::Trailers(trailers) => self.trailers = Some(*trailers),
                Chunk::End => return Ok(whole.freeze()),
            }
        }
    }

    /// The trailers, once [`collect`](Self::collect) has met some.
    #[must_use]
    pub fn trailers(&self) -> Option<&Headers> {
        self.trailers.as_ref()
    }

    fn poll_go_ahead(&mut self, cx: &mut Context<'_>) -> Poll<Result<()>> {
        if self.expects {
            self.stream.send_interim(&ResponseHead::new(Status::CONTINUE))?;
            self.expects = false;
            self.unflushed = true;
        }
        if self.unflushed {
            ready!(self.stream.poll_flush(cx))?;
            self.unflushed = false;
        }
        Poll::Ready(Ok(()))
    }
}

impl BodySource for RequestBody<'_> {
    fn poll_chunk(&mut self, cx: &mut Context<'_>) -> Poll<Result<Chunk>> {
        if self.poll_go_ahead(cx)?.is_ready()
            && let Poll::Ready(chunk) = self.stream.poll_chunk(cx)
        {
            self.waiting = false;
            return Poll::Ready(chunk);
        }
        if !self.waiting {
            self.waiting = true;
            self.timer.set(clock::add(clock::now(), self.idle));
        }
        self.timer.poll_expired(cx).map(|()| {
            let context = "the client stopped sending its request body";
            Err(Error::explain(Kind::ReadTimedOut, context).into_downstream())
        })
    }
}

fn too_large() -> Error {
    Error::explain(Kind::BodyTooLarge, "the request body is over the handler's limit").into_downstream()
}

/// What a handler may return: a [`Response`], or a result of which the error becomes its status.
pub trait IntoResponse {
    /// The response, or why there is none.
    ///
    /// # Errors
    /// The handler's own.
    fn into_response(self) -> Result<Response>;
}

impl IntoResponse for Response {
    fn into_response(self) -> Result<Response> {
        Ok(self)
    }
}

impl IntoResponse for Result<Response> {
    fn into_response(self) -> Result<Response> {
        self
    }
}
