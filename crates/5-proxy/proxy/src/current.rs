//! The proxy as it is at present: what a reload replaces while connections stay open.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use arc_swap::ArcSwap;
use gorge_http_server::Settings;
use gorge_runtime::PerWorker;
use parking_lot::Mutex;

use crate::app::App;
use crate::core::Core;
use crate::state::State;
use crate::stats::Counters;

/// States a worker keeps for exchanges to come.
const KEPT: usize = 256;

/// The core that serves now, and the states of exchanges to come.
///
/// A state holds on to the core it was last used with, so that an exchange counts no reference that
/// workers share, and runs to its end with the core it began with. A waiting connection holds none:
/// what was replaced is let go when its last exchange ends.
pub(crate) struct Current<A: App> {
    core: ArcSwap<Core<A>>,
    generation: AtomicU64,
    kept: PerWorker<Mutex<Vec<Box<Held<A>>>>>,
}

/// What one exchange needs while it runs, and the core it runs with.
pub(crate) struct Held<A: App> {
    pub(crate) core: Arc<Core<A>>,
    pub(crate) state: State<A::Context>,
    generation: u64,
}

impl<A: App> Current<A> {
    pub(crate) fn new(core: Core<A>, workers: usize) -> Self {
        Self {
            core: ArcSwap::from_pointee(core),
            generation: AtomicU64::new(0),
            kept: PerWorker::new(workers, |_| Mutex::default()),
        }
    }

    /// The core that serves now.
    pub(crate) fn core(&self) -> Arc<Core<A>> {
        self.core.load_full()
    }

    /// What is counted together with other proxies.
    pub(crate) fn counters(&self) -> Arc<PerWorker<Counters>> {
        self.core.load().counters.clone()
    }

    /// The settings of new connections.
    pub(crate) fn settings(&self) -> Arc<Settings> {
        self.core.load().settings.clone()
    }

    /// Exchanges from here on run with `core`.
    pub(crate) fn replace(&self, core: Arc<Core<A>>) {
        self.core.store(core);
        self.generation.fetch_add(1, Ordering::Release);
        for kept in self.kept.iter() {
            // Dropped outside of the lock: a whole configuration may go with the last of them.
            let old = std::mem::take(&mut *kept.lock());
            drop(old);
        }
    }

    /// A state as good as new, and the core that serves now.
    pub(crate) fn take(&self) -> Box<Held<A>> {
        let generation = self.generation.load(Ordering::Acquire);
        // The lock is this worker's own; it is there for work stealing.
        let kept = self.kept.local().lock().pop();
        match kept {
            Some(held) if held.generation == generation => held,
            // One that was given back while the core was replaced, or none.
            _ => Box::new(Held { core: self.core(), state: State::new(), generation }),
        }
    }

    /// Cleans a state, so that it pins nothing, and keeps it.
    pub(crate) fn give(&self, mut held: Box<Held<A>>) {
        if held.generation != self.generation.load(Ordering::Acquire) {
            return retire(held);
        }
        held.state.clear();
        let mut kept = self.kept.local().lock();
        if kept.len() < KEPT {
            kept.push(held);
        }
    }
}

/// Lets go of a state with a core that was replaced. With the last of them a whole configuration goes,
/// which takes a time that no exchange of this worker should have to wait for.
#[cold]
fn retire<A: App>(held: Box<Held<A>>) {
    if Arc::strong_count(&held.core) == 1 {
        // Without a thread it goes here and now.
        let _ = std::thread::Builder::new().name("gorge-retire".into()).spawn(move || drop(held));
    }
}
