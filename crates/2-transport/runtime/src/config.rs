//! How many workers, and of which kind.

use std::thread;
use std::time::Duration;

/// How a [`Runtime`](crate::Runtime) is made up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// Number of workers; default one per core this process may use.
    pub workers: usize,
    /// One runtime whose threads take tasks from each other, instead of one runtime per worker;
    /// default off. Fairer when single tasks are heavy, dearer for everything else.
    pub work_stealing: bool,
    /// First part of the threads' names; default `gorge`.
    pub name: String,
    /// Bind each worker's thread to a core of its own (Linux, and not with `work_stealing`); default
    /// off.
    pub pin: bool,
    /// Most threads for blocking calls, all workers together; default 512. Each worker may have at
    /// least one.
    pub blocking_threads: usize,
    /// Idle time after which a thread for blocking calls ends; default 10 s.
    pub blocking_idle: Duration,
    /// How long the end waits for a worker whose task does not yield; default 5 s.
    pub forced_end: Duration,
}

impl Default for Config {
    fn default() -> Self {
        Config {
            workers: thread::available_parallelism().map_or(1, usize::from),
            work_stealing: false,
            name: "gorge".to_owned(),
            pin: false,
            blocking_threads: 512,
            blocking_idle: Duration::from_secs(10),
            forced_end: Duration::from_secs(5),
        }
    }
}
