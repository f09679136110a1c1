//! What a program wants to be told, and what it does then.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Duration;

use gorge_error::{Error, Kind, Result};
use parking_lot::Mutex;

use crate::{Phase, Refusal, Running};

/// A service has died.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Failure<'a> {
    /// Its name.
    pub service: &'a str,
    /// Why, on one line.
    pub reason: &'a str,
    /// How often it has died so far.
    pub deaths: u64,
    /// When it will be started again.
    pub again_in: Duration,
}

type Told<T> = Vec<Box<T>>;
type Once = Mutex<Told<dyn FnOnce(&Running) + Send>>;
type Start = dyn FnOnce(&Running) -> Result<()> + Send;
type Reload = dyn Fn(&Running) -> Result<String> + Send + Sync;

/// All hooks of a server. A panic in one harms nothing but itself.
#[derive(Default)]
pub(crate) struct Hooks {
    pub(crate) phase: Told<dyn Fn(Phase) + Send + Sync>,
    pub(crate) start: Mutex<Told<Start>>,
    pub(crate) ready: Once,
    pub(crate) stop: Once,
    pub(crate) failure: Told<dyn Fn(&Failure<'_>) + Send + Sync>,
    pub(crate) refusal: Told<dyn Fn(&Refusal<'_>) + Send + Sync>,
    pub(crate) reload: Option<Box<Reload>>,
    pub(crate) reopen: Option<Arc<dyn Fn() + Send + Sync>>,
}

impl Hooks {
    pub(crate) fn phase(&self, phase: Phase) {
        self.phase.iter().for_each(|tell| contain(|| tell(phase)));
    }

    pub(crate) fn failure(&self, failure: &Failure<'_>) {
        self.failure.iter().for_each(|tell| contain(|| tell(failure)));
    }

    pub(crate) fn refusal(&self, refusal: &Refusal<'_>) {
        self.refusal.iter().for_each(|tell| contain(|| tell(refusal)));
    }

    /// # Errors
    /// That of the first hook that has one; the others are not called then.
    pub(crate) fn start(&self, running: &Running) -> Result<()> {
        let hooks = std::mem::take(&mut *self.start.lock());
        hooks.into_iter().try_for_each(|hook| hook(running))
    }

    /// # Errors
    /// The hook's own, one for its panic, or one because there is none.
    pub(crate) fn reload(&self, running: &Running) -> Result<String> {
        let Some(hook) = &self.reload else {
            return Err(Error::explain(Kind::Configuration, "there is nothing to reload"));
        };
        catch_unwind(AssertUnwindSafe(|| hook(running))).unwrap_or_else(|_| {
            Err(Error::explain(Kind::Panic, "the reload panicked, and may be done in part").into_internal())
        })
    }
}

/// Calls each of these hooks, once in their life.
pub(crate) fn call_once(hooks: &Once, running: &Running) {
    let hooks = std::mem::take(&mut *hooks.lock());
    hooks.into_iter().for_each(|hook| contain(|| hook(running)));
}

fn contain(call: impl FnOnce()) {
    // The panic hook has told of it; whoever is told of a phase has no say in what happens.
    let _ = catch_unwind(AssertUnwindSafe(call));
}
