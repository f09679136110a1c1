//! The runtime: starting workers, reaching them, ending them.

use std::future::Future;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Weak, mpsc};
use std::thread;
use std::time::{Duration, Instant};

use gorge_error::{Error, Kind, OrErr, Result};
use gorge_timeout::clock;
use parking_lot::Mutex;
use tokio::runtime::{Builder, Runtime as Tokio};

use crate::Config;
use crate::drain::Drain;
use crate::shutdown::Trigger;
use crate::task::{Contained, Task};
use crate::worker::{self, Worker};

/// The workers of a process.
///
/// Each is a thread with a tokio runtime of its own, so that what a task touches stays with one core;
/// with [`Config::work_stealing`] all are the threads of one runtime. Dropping it cuts all tasks off;
/// [`drain`](Runtime::drain) lets them end first.
#[derive(Debug)]
pub struct Runtime {
    handle: Handle,
    threads: Threads,
    forced_end: Duration,
}

/// A way to a [`Runtime`], from any thread. Clones lead to the same one.
#[derive(Clone, Debug)]
pub struct Handle(pub(crate) Arc<Shared>);

pub(crate) struct Shared {
    pub(crate) workers: Box<[Arc<Worker>]>,
    pub(crate) trigger: Trigger,
    drain: Arc<Drain>,
    /// By worker, or a single one with work stealing. Replaced when a loop is begun anew.
    reactors: Box<[Mutex<Option<tokio::runtime::Handle>>]>,
    /// What [`Handle::on_each_worker`] was given, for workers that begin anew.
    starters: Mutex<Vec<Starter>>,
    ending: AtomicBool,
}

type Starter = Arc<dyn Fn(&Handle, usize) + Send + Sync>;

#[derive(Debug)]
enum Threads {
    /// One thread and one runtime per worker. Each sender is dropped when its thread is done. (The
    /// lock is never waited for; it makes receivers `Sync`.)
    Own {
        done: Mutex<Vec<mpsc::Receiver<()>>>,
    },
    Stealing(Option<Tokio>),
}

/// How a drain ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Drained {
    /// Tasks that were still running and were dropped.
    pub cut: usize,
    /// Workers that did not come to their end in [`Config::forced_end`], because a task there does
    /// not yield. Their threads are left behind.
    pub stuck: usize,
}

impl Runtime {
    /// Starts the workers.
    ///
    /// # Errors
    /// [`Kind::Configuration`] for zero workers, [`Kind::Internal`] when the system refuses a thread
    /// or a reactor.
    pub fn new(config: Config) -> Result<Self> {
        if config.workers == 0 {
            return Err(Error::explain(Kind::Configuration, "there must be at least one worker"));
        }
        let reactors = if config.work_stealing { 1 } else { config.workers };
        let drain = Arc::new(Drain::default());
        let shared = Arc::new(Shared {
            workers: (0..config.workers).map(|_| Arc::new(Worker::new(drain.clone()))).collect(),
            trigger: Trigger::new(config.workers),
            drain,
            reactors: (0..reactors).map(|_| Mutex::new(None)).collect(),
            starters: Mutex::default(),
            ending: AtomicBool::new(false),
        });
        // From here on a failure drops the runtime, which ends what was started.
        let mut runtime = Runtime {
            handle: Handle(shared),
            threads: Threads::Own { done: Mutex::default() },
            forced_end: config.forced_end,
        };
        let started =
            if config.work_stealing { runtime.start_stealing(&config) } else { runtime.start_own(&config) };
        started.or_err(Kind::Internal, "start the workers")?;
        Ok(runtime)
    }

    fn start_own(&mut self, config: &Config) -> io::Result<()> {
        let (ready, is_ready) = mpsc::channel();
        for id in 0..config.workers {
            let (shared, config, ready) = (self.handle.0.clone(), config.clone(), ready.clone());
            let (alive, is_done) = mpsc::channel();
            thread::Builder::new().name(format!("{}-{id}", config.name)).spawn(move || {
                let _alive: mpsc::Sender<()> = alive;
                run_worker(&shared, id, &config, &ready);
            })?;
            if let Threads::Own { done } = &mut self.threads {
                done.get_mut().push(is_done);
            }
        }
        for _ in 0..config.workers {
            is_ready.recv().map_err(|_| io::Error::other("a worker ended at its start"))??;
        }
        Ok(())
    }

    fn start_stealing(&mut self, config: &Config) -> io::Result<()> {
        let weak = Arc::downgrade(&self.handle.0);
        let next = AtomicUsize::new(0);
        let tokio = tokio_builder(Builder::new_multi_thread(), config, config.blocking_threads)
            .worker_threads(config.workers)
            .thread_name(&config.name)
            .on_thread_start(move || enter_stealing(&weak, &next))
            .build()?;
        *self.handle.0.reactors[0].lock() = Some(tokio.handle().clone());
        self.threads = Threads::Stealing(Some(tokio));
        Ok(())
    }

    /// The way to this runtime for other threads.
    pub fn handle(&self) -> &Handle {
        &self.handle
    }

    /// Requests the shutdown, waits up to `grace` until all counted tasks have ended, and ends the
    /// workers; what is left then is dropped. Blocks the calling thread, which must be no worker.
    pub fn drain(self, grace: Duration) -> Drained {
        self.handle.trigger().request();
        let waiter = Builder::new_current_thread().enable_time().build();
        // Without the means to wait the grace is zero.
        if let Ok(waiter) = waiter {
            waiter.block_on(async {
                let _ = tokio::time::timeout(grace, self.handle.idle()).await;
            });
        }
        self.end()
    }

    /// Ends the workers at once and drops every task. Blocks the calling thread up to
    /// [`Config::forced_end`].
    pub fn end(mut self) -> Drained {
        self.end_workers()
    }

    fn end_workers(&mut self) -> Drained {
        let shared = &self.handle.0;
        shared.trigger.request();
        shared.ending.store(true, Ordering::SeqCst);
        // They may hold a `Handle`, and with it this very list.
        let starters = std::mem::take(&mut *shared.starters.lock());
        drop(starters);
        let cut = self.handle.tasks();
        let deadline = Instant::now() + self.forced_end;
        let stuck = match &mut self.threads {
            Threads::Own { done } => {
                shared.workers.iter().for_each(|worker| worker.end.notify_one());
                let wait = |done: mpsc::Receiver<()>| {
                    let left = deadline.saturating_duration_since(Instant::now());
                    matches!(done.recv_timeout(left), Err(mpsc::RecvTimeoutError::Timeout))
                };
                done.get_mut().drain(..).map(wait).filter(|stuck| *stuck).count()
            }
            Threads::Stealing(tokio) => {
                if let Some(tokio) = tokio.take() {
                    tokio.shutdown_timeout(self.forced_end);
                }
                usize::from(self.handle.tasks() > 0)
            }
        };
        Drained { cut, stuck }
    }
}

impl Drop for Runtime {
    fn drop(&mut self) {
        self.end_workers();
    }
}

impl Handle {
    /// Number of workers.
    pub fn workers(&self) -> usize {
        self.0.workers.len()
    }

    /// Counted tasks that are running, on all workers.
    pub fn tasks(&self) -> usize {
        self.0.workers.iter().map(|worker| worker.tasks.load(Ordering::SeqCst)).sum()
    }

    /// Tasks that panicked since the start, on all workers.
    pub fn panics(&self) -> u64 {
        self.0.workers.iter().map(|worker| worker.panics.load(Ordering::Relaxed)).sum()
    }

    /// How often a worker's loop died and was begun anew, without the tasks it had.
    pub fn replaced(&self) -> u64 {
        self.0.workers.iter().map(|worker| worker.replaced.load(Ordering::Relaxed)).sum()
    }

    /// The trigger that all shutdown watches of this runtime listen to.
    pub fn trigger(&self) -> &Trigger {
        &self.0.trigger
    }

    /// Spawns `future` on `worker`, counted there. Numbers beyond the last begin again at the first.
    /// With work stealing any worker may run it.
    ///
    /// Once the runtime has ended the future is dropped, and the task is an error.
    pub fn spawn_on<F>(&self, worker: usize, future: F) -> Task<F::Output>
    where
        F: Future<Output: Send + 'static> + Send + 'static,
    {
        self.spawn_contained(worker, true, future)
    }

    /// Like [`spawn_on`](Handle::spawn_on), for a task that lives as long as the worker does: no drain
    /// waits for it, and it is dropped at the end.
    pub fn spawn_background_on<F>(&self, worker: usize, future: F) -> Task<F::Output>
    where
        F: Future<Output: Send + 'static> + Send + 'static,
    {
        self.spawn_contained(worker, false, future)
    }

    fn spawn_contained<F>(&self, worker: usize, counted: bool, future: F) -> Task<F::Output>
    where
        F: Future<Output: Send + 'static> + Send + 'static,
    {
        let worker = worker % self.0.workers.len();
        let contained = Contained::new(Some(self.0.workers[worker].clone()), counted, future);
        Task(self.0.reactor(worker).spawn(contained))
    }

    /// Calls `start` for every worker, and spawns the future it returns there, counted. A worker that
    /// has to begin anew (see [`replaced`](Handle::replaced)) starts with another call.
    ///
    /// The futures should end when shutdown is requested, for a drain waits for them.
    pub fn on_each_worker<S, F>(&self, start: S)
    where
        S: Fn(usize) -> F + Send + Sync + 'static,
        F: Future<Output = ()> + Send + 'static,
    {
        let starter: Starter = Arc::new(move |handle: &Handle, worker| {
            handle.spawn_on(worker, start(worker));
        });
        self.0.starters.lock().push(starter.clone());
        for worker in 0..self.workers() {
            starter(self, worker);
        }
    }

    /// Waits until no counted task is left.
    pub async fn idle(&self) {
        self.0.drain.wait(|| self.tasks()).await;
    }
}

impl Shared {
    fn reactor(&self, worker: usize) -> tokio::runtime::Handle {
        let reactor = self.reactors[worker % self.reactors.len()].lock();
        // A `Handle` exists only once `Runtime::new` has seen every reactor start, and none is ever
        // taken out.
        reactor.clone().expect("the reactors were started")
    }
}

impl std::fmt::Debug for Shared {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Runtime").field("workers", &self.workers).finish_non_exhaustive()
    }
}

fn tokio_builder(mut builder: Builder, config: &Config, blocking_threads: usize) -> Builder {
    builder
        .enable_all()
        .max_blocking_threads(blocking_threads.max(1))
        .thread_keep_alive(config.blocking_idle)
        .on_thread_unpark(clock::tick);
    builder
}

/// Also called on threads for blocking calls, which tokio makes no difference for; what they spawn is
/// counted with one of the workers.
fn enter_stealing(shared: &Weak<Shared>, next: &AtomicUsize) {
    if let Some(shared) = shared.upgrade() {
        let id = next.fetch_add(1, Ordering::Relaxed) % shared.workers.len();
        worker::enter(shared, id);
    }
}

/// A worker's thread: runs its loop until the end, and begins anew if the loop itself dies.
fn run_worker(shared: &Arc<Shared>, id: usize, config: &Config, ready: &mpsc::Sender<io::Result<()>>) {
    worker::enter(shared.clone(), id);
    #[cfg(target_os = "linux")]
    if config.pin
        && let Err(err) = crate::pin::to_core(id)
    {
        let _ = ready.send(Err(err));
        return;
    }
    let blocking_threads = config.blocking_threads / config.workers;
    let mut begun = false;
    while !shared.ending.load(Ordering::SeqCst) {
        match tokio_builder(Builder::new_current_thread(), config, blocking_threads).build() {
            Ok(tokio) => {
                *shared.reactors[id].lock() = Some(tokio.handle().clone());
                if begun {
                    begin_anew(shared, id);
                } else {
                    // The receiver may have given up on account of another worker.
                    let _ = ready.send(Ok(()));
                }
                begun = true;
                turn(shared, id, tokio, config.forced_end);
            }
            Err(err) if !begun => {
                let _ = ready.send(Err(err));
                return;
            }
            // Descriptors have run out, most likely; the other workers may close some.
            Err(_) => thread::sleep(Duration::from_secs(1)),
        }
    }
}

/// Runs the loop until it is told to end, or dies.
fn turn(shared: &Shared, id: usize, tokio: Tokio, forced_end: Duration) {
    clock::tick();
    let ended = catch_unwind(AssertUnwindSafe(|| tokio.block_on(shared.workers[id].end.notified())));
    if ended.is_err() {
        shared.workers[id].replaced.fetch_add(1, Ordering::Relaxed);
    }
    // What a task does in its drop must not keep the worker from beginning anew.
    let _ = catch_unwind(AssertUnwindSafe(|| tokio.shutdown_timeout(forced_end)));
    clock::stop();
}

fn begin_anew(shared: &Arc<Shared>, id: usize) {
    let starters = shared.starters.lock().clone();
    let handle = Handle(shared.clone());
    for starter in starters {
        // A starter that panics must not take the thread with it.
        let _ = catch_unwind(AssertUnwindSafe(|| starter(&handle, id)));
    }
}
