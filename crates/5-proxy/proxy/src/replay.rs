//! What was sent of a request body, kept so that another attempt can send it again.

use bytes::Bytes;
use gorge_filter::BodySink;
use gorge_http::{Chunk, Headers};

/// Bytes kept at most (SPEC 10): a longer body cannot be sent again.
pub(crate) const LIMIT: usize = 64 * 1024;

/// A copy of the request body as the upstream got it, behind all transforms.
///
/// A copy, and not the chunks themselves, for those would pin read buffers.
#[derive(Debug, Default)]
pub(crate) struct Replay {
    recording: bool,
    overflown: bool,
    data: Vec<u8>,
    trailers: Option<Box<Headers>>,
    ended: bool,
}

impl Replay {
    /// Begins to record for one exchange, if another attempt could ever be of use.
    pub(crate) fn begin(&mut self, recording: bool) {
        self.recording = recording;
        self.overflown = false;
        self.data.clear();
        self.trailers = None;
        self.ended = false;
    }

    /// Notes a chunk on its way to the upstream.
    pub(crate) fn note(&mut self, chunk: &Chunk) {
        match chunk {
            Chunk::End => self.ended = true,
            _ if !self.recording => self.overflown = true,
            Chunk::Data(data) if self.data.len() + data.len() <= LIMIT => self.data.extend_from_slice(data),
            Chunk::Data(_) => {
                self.overflown = true;
                self.data.clear();
            }
            Chunk::Trailers(trailers) => self.trailers = Some(trailers.clone()),
        }
    }

    /// True if everything sent so far can be sent again.
    pub(crate) fn is_whole(&self) -> bool {
        !self.overflown
    }

    /// Sends again what was sent; true if that was the whole body.
    pub(crate) fn send(&self, sink: &mut impl BodySink) -> gorge_error::Result<bool> {
        if !self.data.is_empty() {
            sink.send_chunk(Chunk::Data(Bytes::copy_from_slice(&self.data)))?;
        }
        if let Some(trailers) = &self.trailers {
            sink.send_chunk(Chunk::Trailers(trailers.clone()))?;
        }
        if self.ended {
            sink.send_chunk(Chunk::End)?;
        }
        Ok(self.ended)
    }

    /// Lets a large buffer go; a small one stays for the next exchange.
    pub(crate) fn rest(&mut self) {
        self.begin(false);
        self.data.shrink_to(1024);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn data(len: usize) -> Chunk {
        Chunk::Data(vec![7; len].into())
    }

    #[test]
    fn a_short_body_is_whole() {
        let mut replay = Replay::default();
        replay.begin(true);
        replay.note(&data(LIMIT));
        replay.note(&Chunk::End);
        assert!(replay.is_whole() && replay.ended);
    }

    #[test]
    fn a_long_body_is_not_and_frees_what_it_held() {
        let mut replay = Replay::default();
        replay.begin(true);
        replay.note(&data(LIMIT));
        replay.note(&data(1));
        assert!(!replay.is_whole());
        assert!(replay.data.is_empty());
    }

    #[test]
    fn without_recording_only_an_empty_body_is_whole() {
        let mut replay = Replay::default();
        replay.begin(false);
        replay.note(&Chunk::End);
        assert!(replay.is_whole());
        replay.begin(false);
        replay.note(&data(1));
        assert!(!replay.is_whole());
    }
}
