//! One exchange with its answer collected.

use std::future::poll_fn;
use std::task::{Context, Poll};

use bytes::{Bytes, BytesMut};
use gorge_async_io::Stream;
use gorge_error::{Error, Kind, Result};
use gorge_filter::{Announce, BodyLength, BodySink, BodySource, ClientStream};
use gorge_http::{Chunk, Headers, Method, RequestHead, ResponseHead, Status};
use gorge_timeout::{Timer, clock};

use crate::{ClientOptions, Connection, fault};

/// Memory asked for at once, however much an answer announces.
const AT_ONCE: usize = 64 * 1024;

/// An answer, whole. It holds memory of its own, and no read buffer.
#[derive(Debug)]
pub struct Collected {
    /// Status and fields.
    pub head: ResponseHead,
    /// The content, as it was coded.
    pub body: Bytes,
    /// The fields behind the content, if there were any.
    pub trailers: Option<Headers>,
}

/// What is left of the upload.
struct Upload {
    done: bool,
    /// Sending failed. An answer may have come before that, so reading goes on.
    broken: Option<Error>,
}

impl Upload {
    /// Sends what the server takes, and sets the timer for what is waited for then.
    fn poll<S: Stream>(
        &mut self,
        conn: &mut Connection<S>,
        options: &ClientOptions,
        timer: &mut Timer,
        cx: &mut Context<'_>,
    ) {
        if self.done {
            return;
        }
        let before = conn.write.written();
        let flushed = conn.poll_flush(cx);
        self.done = flushed.is_ready();
        if let Poll::Ready(Err(error)) = flushed {
            self.broken = Some(error);
        }
        if self.done {
            timer.set(clock::add(clock::now(), options.first_byte));
        } else if conn.write.written() > before || timer.deadline().is_none() {
            timer.set(clock::add(clock::now(), options.write));
        }
    }
}

/// Sends a request with its body, and collects the answer.
pub(crate) async fn exchange<S: Stream>(
    conn: &mut Connection<S>,
    head: &RequestHead,
    body: Bytes,
    options: &ClientOptions,
) -> Result<Collected> {
    let by_habit = [Method::POST, Method::PUT].contains(&head.method);
    let length = match body.len() {
        0 if !by_habit => BodyLength::Empty,
        length => BodyLength::Known(length as u64),
    };
    conn.send_head(head, Announce::body(length))?;
    if !body.is_empty() {
        conn.send_chunk(Chunk::Data(body))?;
    }
    conn.send_chunk(Chunk::End)?;

    let mut timer = Timer::new();
    let mut upload = Upload { done: false, broken: None };
    let mut answer = ResponseHead::new(Status::OK);
    let length = poll_fn(|cx| {
        upload.poll(conn, options, &mut timer, cx);
        while let Poll::Ready(read) = conn.poll_head(cx, &mut answer) {
            match read {
                Ok(_) if answer.status.is_informational() => {}
                Ok(length) => return Poll::Ready(Ok(length)),
                Err(error) => return Poll::Ready(Err(upload.broken.take().unwrap_or(error))),
            }
        }
        timer.poll_expired(cx).map(|()| Err(late(&upload)))
    })
    .await?;
    let answer = own_head(&answer);
    collect(conn, options, &mut timer, &mut upload, answer, length).await
}

async fn collect<S: Stream>(
    conn: &mut Connection<S>,
    options: &ClientOptions,
    timer: &mut Timer,
    upload: &mut Upload,
    head: ResponseHead,
    length: BodyLength,
) -> Result<Collected> {
    let known = if let BodyLength::Known(n) = length { n } else { 0 };
    if known > options.body as u64 {
        return Err(too_large());
    }
    // Cut to a small number, so the cast loses nothing.
    let mut body = BytesMut::with_capacity(known.min(AT_ONCE as u64) as usize);
    let mut trailers = None;
    loop {
        timer.set(clock::add(clock::now(), options.idle_body));
        let chunk = poll_fn(|cx| {
            if !upload.done {
                upload.done = conn.poll_flush(cx).is_ready();
            }
            match conn.poll_chunk(cx) {
                Poll::Ready(chunk) => Poll::Ready(chunk),
                Poll::Pending => timer.poll_expired(cx).map(|()| Err(stalled())),
            }
        })
        .await?;
        match chunk {
            Chunk::Data(data) if body.len() + data.len() > options.body => return Err(too_large()),
            Chunk::Data(data) => body.extend_from_slice(&data),
            Chunk::Trailers(fields) => trailers = Some(own(&fields)),
            Chunk::End => return Ok(Collected { head, body: body.freeze(), trailers }),
        }
    }
}

/// A head that does not hold the read buffer.
fn own_head(head: &ResponseHead) -> ResponseHead {
    let mut owned = ResponseHead::new(head.status);
    owned.version = head.version;
    owned.headers = own(&head.headers);
    // Cannot fail: it was legal in `head`.
    let _ = owned.set_reason(Bytes::copy_from_slice(head.reason()));
    owned
}

fn own(fields: &Headers) -> Headers {
    let mut owned = Headers::new();
    for field in fields.iter() {
        // Cannot fail: it was legal in `fields`.
        let _ = owned.append(field.name, field.value);
    }
    owned
}

fn late(upload: &Upload) -> Error {
    let (kind, context) = if upload.done {
        (Kind::FirstByteTimedOut, "the server did not answer in time")
    } else {
        (Kind::WriteTimedOut, "the server stopped taking the request")
    };
    Error::explain(kind, context).into_upstream()
}

fn stalled() -> Error {
    Error::explain(Kind::IdleTimedOut, "the answer stopped coming").into_upstream()
}

fn too_large() -> Error {
    fault::too_large("the answer's body is over the limit")
}
