//! Transforms: values pushed on one body, and the handle that collects them.

use std::collections::VecDeque;

use gorge_error::Result;
use gorge_http::Chunk;

/// Changes one body in flight. No IO, no `.await`; owns its state.
///
/// The chunks of a body are pushed in order: data, at most one set of trailers, then the end. What
/// is put into `out` goes on to the next transform, or to the other side. Whoever swallows `End`
/// must put it out later, on the same call at the latest.
pub trait BodyTransform: Send {
    /// Takes one chunk and puts out none, one or many.
    ///
    /// # Errors
    /// Breaks the body off: the receiver sees it end early, never complete.
    fn push(&mut self, chunk: Chunk, out: &mut ChunkSink) -> Result<()>;

    /// True if as many bytes come out as go in, so that an announced length still holds.
    fn keeps_length(&self) -> bool {
        false
    }
}

/// Where a transform puts its chunks.
#[derive(Debug, Default)]
pub struct ChunkSink {
    chunks: VecDeque<Chunk>,
}

impl ChunkSink {
    /// Puts one chunk out. Empty data is dropped.
    pub fn put(&mut self, chunk: Chunk) {
        if !matches!(&chunk, Chunk::Data(data) if data.is_empty()) {
            self.chunks.push_back(chunk);
        }
    }

    fn take(&mut self) -> Option<Chunk> {
        self.chunks.pop_front()
    }
}

/// One body of an exchange, as filters see it: they push transforms on it.
///
/// Without any, the body passes through without a copy.
#[derive(Default)]
pub struct BodyHandle {
    transforms: Vec<Box<dyn BodyTransform>>,
    between: ChunkSink,
    ready: ChunkSink,
}

impl BodyHandle {
    /// Adds a transform behind those already there.
    pub fn push(&mut self, transform: impl BodyTransform + 'static) {
        self.transforms.push(Box::new(transform));
    }

    /// True when nobody looks at this body.
    #[must_use]
    pub fn is_untouched(&self) -> bool {
        self.transforms.is_empty()
    }

    /// True when an announced length still holds behind all transforms.
    #[must_use]
    pub fn keeps_length(&self) -> bool {
        self.transforms.iter().all(|t| t.keeps_length())
    }

    /// Forgets all transforms and what they hold; the memory stays for the next exchange.
    pub fn clear(&mut self) {
        self.transforms.clear();
        self.between.chunks.clear();
        self.ready.chunks.clear();
    }

    /// Sends one chunk through all transforms; what comes out waits for [`next`](Self::next).
    ///
    /// # Errors
    /// Those of the transforms.
    pub fn feed(&mut self, chunk: Chunk) -> Result<()> {
        self.ready.put(chunk);
        for transform in &mut self.transforms {
            std::mem::swap(&mut self.between, &mut self.ready);
            while let Some(chunk) = self.between.take() {
                transform.push(chunk, &mut self.ready)?;
            }
        }
        Ok(())
    }

    /// The next chunk that has passed all transforms.
    #[allow(clippy::should_implement_trait, reason = "a body is fed between two calls, it is no iterator")]
    pub fn next(&mut self) -> Option<Chunk> {
        self.ready.take()
    }
}

impl std::fmt::Debug for BodyHandle {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("BodyHandle").field("transforms", &self.transforms.len()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;

    /// Doubles each byte; tells its end by an exclamation mark.
    struct Echo;

    impl BodyTransform for Echo {
        fn push(&mut self, chunk: Chunk, out: &mut ChunkSink) -> Result<()> {
            match chunk {
                Chunk::Data(data) => {
                    out.put(Chunk::Data(data.clone()));
                    out.put(Chunk::Data(data));
                }
                Chunk::End => {
                    out.put(Chunk::Data(Bytes::from_static(b"!")));
                    out.put(Chunk::End);
                }
                trailers @ Chunk::Trailers(_) => out.put(trailers),
            }
            Ok(())
        }
    }

    fn drain(body: &mut BodyHandle) -> (String, bool) {
        let (mut text, mut ended) = (String::new(), false);
        while let Some(chunk) = body.next() {
            match chunk {
                Chunk::Data(data) => text.push_str(std::str::from_utf8(&data).unwrap()),
                Chunk::Trailers(_) => {}
                Chunk::End => ended = true,
            }
        }
        (text, ended)
    }

    #[test]
    fn transforms_apply_in_the_order_pushed() {
        let mut body = BodyHandle::default();
        body.push(Echo);
        body.push(Echo);
        body.feed(Chunk::Data(Bytes::from_static(b"a"))).unwrap();
        assert_eq!(drain(&mut body), ("aaaa".into(), false));
        body.feed(Chunk::End).unwrap();
        assert_eq!(drain(&mut body), ("!!!".into(), true));
        assert!(!body.keeps_length());
    }

    #[test]
    fn an_untouched_body_keeps_its_length() {
        let mut body = BodyHandle::default();
        assert!(body.is_untouched() && body.keeps_length());
        body.push(Echo);
        body.clear();
        assert!(body.is_untouched());
    }
}
