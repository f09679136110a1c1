//! A pool of read buffers for one thread.

use bytes::BytesMut;

use crate::shared::{ASKED, Shared};

/// How a [`BufferPool`] is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Config {
    /// Idle buffers that [`BufferPool::shrink`] leaves. Default 16.
    pub buffers: usize,
    /// Bytes that each buffer has room for at least. Default 4096.
    pub size: usize,
    /// Buffers that the pool keeps at most, and as many again that are still shared; what comes back beyond is freed.
    /// Default 64.
    pub cap: usize,
    /// Bytes above which a buffer that grew in use is freed rather than kept. Default 64 KiB.
    pub max_size: usize,
}

impl Default for Config {
    fn default() -> Self {
        Config { buffers: 16, size: 4096, cap: 64, max_size: 64 * 1024 }
    }
}

/// Read buffers of one thread, without a lock. `Send` and `Sync`, being plain data; each worker has its own.
///
/// A buffer may come back while `Bytes` split off it are still alive: it is kept aside, and used again once they are
/// gone. So a steady cycle of take, split, freeze and give allocates nothing.
#[derive(Debug)]
pub struct BufferPool {
    config: Config,
    /// Ready, last in, first out: the warmest memory is used first.
    ready: Vec<BytesMut>,
    shared: Shared,
}

impl BufferPool {
    /// An empty pool; buffers are made when first needed.
    pub const fn new(config: Config) -> Self {
        BufferPool { config, ready: Vec::new(), shared: Shared::new() }
    }

    /// An empty buffer with room for at least [`Config::size`] bytes, which are not zeroed.
    pub fn take(&mut self) -> BytesMut {
        if let Some(buffer) = self.ready.pop() {
            return buffer;
        }
        let size = self.config.size;
        self.shared.ask(size, &mut { ASKED }).unwrap_or_else(|| BytesMut::with_capacity(size))
    }

    /// Takes back a buffer, whatever it holds and whoever made it.
    pub fn give(&mut self, mut buffer: BytesMut) {
        buffer.clear();
        if buffer.try_reclaim(self.config.max_size.saturating_add(1)) {
            return;
        }
        if !buffer.try_reclaim(self.config.size) {
            self.shared.push(buffer, self.config.cap);
        } else if self.ready.len() < self.config.cap {
            self.ready.push(buffer);
        }
    }

    /// How many buffers the pool keeps, those still shared included.
    pub fn len(&self) -> usize {
        self.ready.len() + self.shared.len()
    }

    /// Whether the pool keeps no buffer.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Frees what is idle, all but [`Config::buffers`]: for a worker that has been quiet for a while.
    pub fn shrink(&mut self) {
        let mut budget = self.shared.len();
        while let Some(buffer) = self.shared.ask(self.config.size, &mut budget) {
            self.ready.push(buffer);
        }
        // The coldest are at the front.
        let idle = self.ready.len().saturating_sub(self.config.buffers);
        self.ready.drain(..idle);
    }
}

impl Default for BufferPool {
    fn default() -> Self {
        BufferPool::new(Config::default())
    }
}
