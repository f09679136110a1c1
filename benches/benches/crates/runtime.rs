//! `gorge-runtime` beside tokio's runtimes: a task started and awaited by another.

use std::sync::mpsc;
use std::time::{Duration, Instant};

use criterion::Criterion;
use gorge_benches::{OURS, Operation};
use gorge_runtime::{Config, Runtime};

pub(crate) fn bench(criterion: &mut Criterion) {
    // Nothing can be measured without threads.
    let ours = Runtime::new(Config { workers: 1, ..Config::default() }).expect("the worker starts");
    let multi =
        tokio::runtime::Builder::new_multi_thread().worker_threads(1).build().expect("the worker starts");
    Operation::new(criterion, "runtime", "spawn and join")
        .timed(OURS, |calls| {
            let (done, took) = mpsc::channel();
            ours.handle().spawn_on(0, async move {
                let start = Instant::now();
                for number in 0..calls {
                    let _ = gorge_runtime::spawn(async move { std::hint::black_box(number) }).await;
                }
                // The receiver waits.
                let _ = done.send(start.elapsed());
            });
            took.recv().unwrap_or_default()
        })
        .timed("tokio, multi-thread", |calls| {
            let task = multi.spawn(async move {
                let start = Instant::now();
                for number in 0..calls {
                    let _ = tokio::spawn(async move { std::hint::black_box(number) }).await;
                }
                start.elapsed()
            });
            multi.block_on(task).unwrap_or(Duration::ZERO)
        });
}
