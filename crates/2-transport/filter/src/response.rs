//! Answers that are made here and not upstream.

use std::fmt;
use std::task::{Context, Poll};

use bytes::Bytes;
use gorge_error::Result;
use gorge_http::{Chunk, Known, ResponseHead, Status};

use crate::{BodyLength, BodySource};

/// A whole response, made by a filter, an error page or a handler.
#[derive(Debug)]
pub struct Response {
    /// Status and fields. Framing fields are set when it is sent.
    pub head: ResponseHead,
    /// What follows.
    pub body: Body,
}

impl Response {
    /// A status without a body.
    #[must_use]
    pub fn empty(status: Status) -> Self {
        Self { head: ResponseHead::new(status), body: Body::Empty }
    }

    /// Plain text in UTF-8.
    #[must_use]
    pub fn text(status: Status, text: impl Into<Bytes>) -> Self {
        Self::typed(status, "text/plain; charset=utf-8", text.into())
    }

    /// A page.
    #[must_use]
    pub fn html(status: Status, page: impl Into<Bytes>) -> Self {
        Self::typed(status, "text/html; charset=utf-8", page.into())
    }

    /// A JSON document, already written out.
    #[must_use]
    pub fn json(status: Status, document: impl Into<Bytes>) -> Self {
        Self::typed(status, "application/json", document.into())
    }

    /// A redirect to `location`.
    ///
    /// # Errors
    /// `location` holds a byte that no field value may.
    pub fn redirect(status: Status, location: &str) -> Result<Self, gorge_http::InvalidField> {
        let mut response = Self::empty(status);
        response.head.headers.append(Known::Location, location)?;
        Ok(response)
    }

    fn typed(status: Status, content_type: &str, body: Bytes) -> Self {
        let mut head = ResponseHead::new(status);
        // Cannot fail: the three types above hold no illegal byte.
        let _ = head.headers.append(Known::ContentType, content_type);
        Self { head, body: Body::Bytes(body) }
    }
}

/// The body of a response made here.
#[derive(Default)]
pub enum Body {
    /// None; `Content-Length: 0` is announced where a body could have been.
    #[default]
    Empty,
    /// All of it at once.
    Bytes(Bytes),
    /// Chunk by chunk, its length if that is known.
    Stream(Box<dyn BodySource>, Option<u64>),
}

impl Body {
    /// What to announce with the head.
    #[must_use]
    pub fn length(&self) -> BodyLength {
        match self {
            Self::Empty => BodyLength::Known(0),
            Self::Bytes(bytes) => BodyLength::Known(bytes.len() as u64),
            Self::Stream(_, Some(length)) => BodyLength::Known(*length),
            Self::Stream(_, None) => BodyLength::Unknown,
        }
    }
}

impl BodySource for Body {
    fn poll_chunk(&mut self, cx: &mut Context<'_>) -> Poll<Result<Chunk>> {
        match self {
            Self::Empty => Poll::Ready(Ok(Chunk::End)),
            Self::Bytes(bytes) => {
                let data = std::mem::take(bytes);
                *self = Self::Empty;
                Poll::Ready(Ok(if data.is_empty() { Chunk::End } else { Chunk::Data(data) }))
            }
            Self::Stream(source, _) => source.poll_chunk(cx),
        }
    }
}

impl fmt::Debug for Body {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Body({:?})", self.length())
    }
}
