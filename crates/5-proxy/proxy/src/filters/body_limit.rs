//! Refuses bodies that are too large.

use gorge_error::{Error, Kind, Result};
use gorge_filter::{BodyLength, BodyTransform, ChunkSink, Exchange, Filter, Flow, Hooks, Role};
use gorge_http::Chunk;

/// Refuses requests whose body is larger than this many bytes, with 413.
///
/// A length that is announced is judged before anything goes upstream, and before a client that asks
/// by `Expect: 100-continue` sends it. A body of unknown length is counted on its way: the upstream sees
/// it end early, never complete; the client gets its 413 unless the answer of the upstream has begun, which
/// then ends early too. Counting takes one allocation.
///
/// For all requests of a listener there is `Limits::body` in its settings; this is for some.
///
/// ```
/// use gorge_proxy::{Proxy, filters::BodyLimit};
/// use gorge_upstream::Peer;
///
/// let limit = BodyLimit::new(1024 * 1024);
/// let proxy = Proxy::builder().filter(limit).upstream("127.0.0.1:9001".parse::<Peer>()?).build()?;
/// # Ok::<_, Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct BodyLimit {
    most: u64,
}

impl BodyLimit {
    /// Lets bodies of up to `most` bytes through, 0 included.
    #[must_use]
    pub fn new(most: u64) -> Self {
        Self { most }
    }
}

impl<C: Send + 'static> Filter<C> for BodyLimit {
    const HOOKS: Hooks = Hooks::REQUEST;
    const ROLE: Role = Role::Other;

    async fn on_request(&self, x: &mut Exchange<C>) -> Result<Flow> {
        match x.facts.request_length {
            BodyLength::Known(length) if length > self.most => return Err(too_large(self.most)),
            BodyLength::Unknown => x.request_body().push(Count { left: self.most, most: self.most }),
            _ => {}
        }
        Ok(Flow::Continue)
    }
}

struct Count {
    left: u64,
    most: u64,
}

impl BodyTransform for Count {
    fn push(&mut self, chunk: Chunk, out: &mut ChunkSink) -> Result<()> {
        if let Chunk::Data(data) = &chunk {
            self.left = self.left.checked_sub(data.len() as u64).ok_or_else(|| too_large(self.most))?;
        }
        out.put(chunk);
        Ok(())
    }

    fn keeps_length(&self) -> bool {
        true
    }
}

fn too_large(most: u64) -> Error {
    Error::explain(Kind::BodyTooLarge, format!("the body is larger than {most} bytes")).into_downstream()
}
