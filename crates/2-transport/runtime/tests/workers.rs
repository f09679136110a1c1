//! Workers from outside: where tasks run, what a panic does, how a drain ends.

use std::sync::mpsc;
use std::sync::{Arc, Mutex};
use std::task::{Context, Wake, Waker};
use std::thread;
use std::time::{Duration, Instant};

use gorge_error::Kind;
use gorge_runtime::{
    Config, PerWorker, Runtime, shutdown, spawn, spawn_background, spawn_on, worker_count, worker_id,
};
use tokio::io::AsyncWriteExt;
use tokio::net::{TcpListener, TcpStream};

const LONG: Duration = Duration::from_secs(60);

fn workers(workers: usize) -> Runtime {
    Runtime::new(Config { workers, forced_end: Duration::from_millis(100), ..Config::default() }).unwrap()
}

fn stealing(workers: usize) -> Runtime {
    let forced_end = Duration::from_millis(100);
    Runtime::new(Config { workers, work_stealing: true, forced_end, ..Config::default() }).unwrap()
}

/// Runs `task` on a worker and brings its result here.
fn ask<T: Send + 'static>(
    runtime: &Runtime,
    worker: usize,
    task: impl Future<Output = T> + Send + 'static,
) -> T {
    let (tx, rx) = mpsc::channel();
    runtime.handle().spawn_on(worker, async move { tx.send(task.await) });
    rx.recv_timeout(LONG).unwrap()
}

#[test]
fn zero_workers_are_a_configuration_error() {
    let err = Runtime::new(Config { workers: 0, ..Config::default() }).unwrap_err();
    assert_eq!(err.kind(), Kind::Configuration);
}

#[test]
fn a_task_runs_on_the_worker_it_was_spawned_on() {
    let runtime = workers(3);
    for worker in 0..3 {
        let (here, child, other) = ask(&runtime, worker, async move {
            let next = (worker + 1) % 3;
            let child = spawn(async { (worker_id(), thread::current().id()) }).await.unwrap();
            assert_eq!(child.1, thread::current().id(), "a spawn crossed threads");
            let other = spawn_on(next, async { worker_id() }).await.unwrap();
            (worker_id(), child.0, other)
        });
        assert_eq!((here, child, other), (worker, worker, (worker + 1) % 3));
    }
    assert_eq!(ask(&runtime, 7, async { (worker_id(), worker_count()) }), (1, 3));
    assert_eq!((worker_id(), worker_count()), (0, 1), "the test's own thread is no worker");
}

#[test]
fn each_worker_has_its_own_slot() {
    let runtime = workers(2);
    let slots = Arc::new(PerWorker::new(2, |_| Mutex::new(0)));
    for worker in [0, 1, 1] {
        let slots = slots.clone();
        ask(&runtime, worker, async move { *slots.local().lock().unwrap() += 1 });
    }
    let counts: Vec<_> = slots.iter().map(|slot| *slot.lock().unwrap()).collect();
    assert_eq!(counts, [1, 2]);
}

#[test]
fn a_panic_is_contained_and_counted() {
    for runtime in [workers(1), stealing(2)] {
        let (kind, alive) = ask(&runtime, 0, async {
            let task = spawn(async { panic!("a panic this test asks for") });
            let kind = task.await.map(|()| None).unwrap_or_else(|err| Some(err.kind()));
            (kind, spawn(async { 7 }).await.unwrap())
        });
        assert_eq!((kind, alive), (Some(Kind::Panic), 7));
        assert_eq!(runtime.handle().panics(), 1);
        assert_eq!(runtime.drain(LONG).cut, 0, "the task that panicked still counts as running");
    }
}

#[test]
fn drain_waits_for_tasks_that_heed_the_shutdown() {
    for runtime in [workers(2), stealing(2)] {
        let (tx, rx) = mpsc::channel();
        for worker in 0..20 {
            let tx = tx.clone();
            runtime.handle().spawn_on(worker, async move {
                let mut shutdown = shutdown();
                tx.send(shutdown.requested()).unwrap();
                shutdown.wait().await;
                tokio::task::yield_now().await;
                tx.send(shutdown.requested()).unwrap();
            });
        }
        let before: Vec<_> = rx.iter().take(20).collect();
        assert_eq!(before, [false; 20]);
        assert_eq!(runtime.handle().tasks(), 20);
        assert_eq!(runtime.drain(LONG), Default::default());
        assert_eq!(rx.try_iter().collect::<Vec<_>>(), [true; 20]);
    }
}

#[test]
fn drain_cuts_what_is_left_at_the_deadline() {
    for runtime in [workers(2), stealing(2)] {
        let (tx, rx) = mpsc::channel::<()>();
        ask(&runtime, 0, async {
            spawn(async move {
                let _held = tx;
                std::future::pending::<()>().await;
            });
        });
        let drained = runtime.drain(Duration::from_millis(1));
        assert_eq!((drained.cut, drained.stuck), (1, 0));
        assert_eq!(
            rx.recv_timeout(LONG),
            Err(mpsc::RecvTimeoutError::Disconnected),
            "what it held is dropped"
        );
    }
}

#[test]
fn drain_does_not_wait_for_background_tasks() {
    let runtime = workers(1);
    runtime.handle().spawn_background_on(0, std::future::pending::<()>());
    ask(&runtime, 0, async {
        spawn_background(std::future::pending::<()>());
    });
    runtime.handle().spawn_background_on(0, std::future::pending::<()>());
    assert_eq!(runtime.drain(LONG).cut, 0);
}

#[test]
fn the_end_does_not_wait_for_a_worker_that_never_yields() {
    let runtime = workers(1);
    let (release, hold) = mpsc::channel::<()>();
    let (tx, rx) = mpsc::channel();
    runtime.handle().spawn_on(0, async move {
        tx.send(()).unwrap();
        let _ = hold.recv();
    });
    rx.recv_timeout(LONG).unwrap();
    let drained = runtime.drain(Duration::from_millis(1));
    assert_eq!((drained.cut, drained.stuck), (1, 1));
    drop(release);
}

#[test]
fn a_task_for_a_runtime_that_ended_is_an_error() {
    let runtime = workers(1);
    let handle = runtime.handle().clone();
    runtime.end();
    let task = handle.spawn_on(0, async {});
    let waiter = tokio::runtime::Builder::new_current_thread().build().unwrap();
    assert_eq!(waiter.block_on(task).unwrap_err().kind(), Kind::Internal);
    assert_eq!(handle.tasks(), 0);
}

/// A waker is foreign code that runs in the loop itself, outside of every task.
struct Bomb;

impl Wake for Bomb {
    fn wake(self: Arc<Self>) {
        panic!("a panic this test asks for");
    }
}

#[test]
fn a_worker_whose_loop_dies_begins_anew() {
    let runtime = workers(2);
    let (tx, rx) = mpsc::channel();
    runtime.handle().on_each_worker(move |worker| {
        let tx = tx.clone();
        async move {
            tx.send((worker, thread::current().id())).unwrap();
            shutdown().wait().await;
        }
    });
    let mut first = [rx.recv_timeout(LONG).unwrap(), rx.recv_timeout(LONG).unwrap()];
    first.sort_by_key(|(worker, _)| *worker);
    runtime.handle().spawn_on(1, async {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let client = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        let (mut server, _) = listener.accept().await.unwrap();
        let waker = Waker::from(Arc::new(Bomb));
        assert!(client.poll_read_ready(&mut Context::from_waker(&waker)).is_pending());
        server.write_all(b"boom").await.unwrap();
        std::future::pending::<()>().await;
    });
    assert_eq!(rx.recv_timeout(LONG).unwrap(), first[1], "the same thread is the same worker again");
    assert_eq!(runtime.handle().replaced(), 1);
    assert_eq!(ask(&runtime, 1, async { worker_id() }), 1);
    assert_eq!(runtime.drain(LONG).cut, 0);
}

#[test]
fn a_worker_remembers_the_time_of_its_turn() {
    let runtime = workers(1);
    let stood_still = ask(&runtime, 0, async {
        let now = gorge_timeout::clock::now();
        let real = Instant::now();
        while Instant::now() == real {}
        gorge_timeout::clock::now() == now
    });
    assert!(stood_still);
}

#[cfg(target_os = "linux")]
#[test]
fn pinned_workers_start() {
    let runtime = Runtime::new(Config { workers: 2, pin: true, ..Config::default() }).unwrap();
    assert_eq!(ask(&runtime, 1, async { worker_id() }), 1);
}

#[test]
fn work_stealing_spreads_over_all_threads() {
    let runtime = stealing(2);
    let barrier = Arc::new(std::sync::Barrier::new(2));
    let (tx, rx) = mpsc::channel();
    for _ in 0..2 {
        let (barrier, tx) = (barrier.clone(), tx.clone());
        // Each blocks its thread until the other runs too: both workers are needed.
        runtime.handle().spawn_on(0, async move {
            barrier.wait();
            tx.send(worker_id()).unwrap();
        });
    }
    let mut seen = [rx.recv_timeout(LONG).unwrap(), rx.recv_timeout(LONG).unwrap()];
    seen.sort_unstable();
    assert_eq!(seen, [0, 1]);
}

#[test]
fn the_interface_crosses_threads() {
    fn crosses<T: Send + Sync + 'static>() {}
    crosses::<gorge_runtime::Handle>();
    crosses::<gorge_runtime::Runtime>();
    crosses::<gorge_runtime::Shutdown>();
    crosses::<gorge_runtime::Trigger>();
    crosses::<gorge_runtime::Task<()>>();
    crosses::<PerWorker<()>>();
}
