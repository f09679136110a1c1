//! Several workers that do the same at the same time, as the workers of a proxy do.

use std::sync::{Arc, Barrier, mpsc};
use std::time::{Duration, Instant};

use gorge_runtime::{Config, Runtime};

/// A runtime of some workers, so that what is kept per worker is.
pub struct Workers {
    runtime: Runtime,
    count: usize,
}

impl Workers {
    /// # Panics
    /// If threads cannot be started.
    pub fn new(count: usize) -> Self {
        let config = Config { workers: count, ..Config::default() };
        // Nothing can be measured without threads.
        let runtime = Runtime::new(config).expect("the workers start");
        Self { runtime, count }
    }

    /// Calls what `start(worker)` gives `calls` times on each worker; the time of the slowest.
    pub fn time<W: FnMut() + 'static>(
        &self,
        calls: u64,
        start: impl Fn(usize) -> W + Clone + Send + 'static,
    ) -> Duration {
        let barrier = Arc::new(Barrier::new(self.count));
        let (done, times) = mpsc::channel();
        for worker in 0..self.count {
            let (barrier, done, start) = (barrier.clone(), done.clone(), start.clone());
            self.runtime.handle().spawn_on(worker, async move {
                let mut work = start(worker);
                barrier.wait();
                let begun = Instant::now();
                for _ in 0..calls {
                    work();
                }
                // The receiver waits for all of them.
                let _ = done.send(begun.elapsed());
            });
        }
        drop(done);
        times.iter().max().unwrap_or_default()
    }
}
