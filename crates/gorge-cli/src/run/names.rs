//! Peers that are given by name: found before they are needed, and kept up to date.

use std::sync::mpsc;
use std::time::{Duration, Instant};

use gorge::runtime::{Handle, Task};

use crate::build::Finding;

/// How long a start or a reload waits for the first answers. What is not known by then is found
/// while the proxy serves.
const PATIENCE: Duration = Duration::from_secs(2);

/// The tasks of one configuration. They end with this value.
#[derive(Default)]
pub(crate) struct Names(Vec<Task<()>>);

impl Names {
    /// Begins to look for peers, each balancer's on one worker, and waits for the first answers.
    /// Blocks the calling thread, which is no worker.
    pub(crate) fn start(discoveries: Vec<Finding>, workers: &Handle) -> Self {
        let (first, answers) = mpsc::channel();
        let expected = discoveries.len();
        let tasks = discoveries.into_iter().enumerate().map(|(place, (discovery, balancer))| {
            let first = first.clone();
            workers.spawn_background_on(place, async move {
                discovery.refresh(&balancer).await;
                // Nobody waits any more if it took too long.
                let _ = first.send(());
                discovery.run(balancer).await;
            })
        });
        let names = Self(tasks.collect());
        let until = Instant::now() + PATIENCE;
        for _ in 0..expected {
            if answers.recv_timeout(until.saturating_duration_since(Instant::now())).is_err() {
                break;
            }
        }
        names
    }
}

impl Drop for Names {
    fn drop(&mut self) {
        self.0.iter().for_each(Task::abort);
    }
}
