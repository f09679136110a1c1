//! Order between the threads of a test, instead of sleeping.

use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Condvar, Mutex};
use std::task::{Context, Poll, Waker};
use std::time::Instant;

use crate::guard::LIMIT;

/// A door that opens once and stays open. Clones are the same door.
///
/// Threads pass with [`Gate::wait`], async code with [`Gate::passed`].
#[derive(Clone, Debug)]
pub struct Gate {
    inner: Arc<Inner>,
}

/// Something that happens several times and can be waited for. Clones count together.
#[derive(Clone, Debug)]
pub struct Signal {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    name: String,
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    count: usize,
    wakers: Vec<Waker>,
}

impl Inner {
    fn new(name: &str) -> Arc<Self> {
        Arc::new(Self { name: name.to_owned(), state: Mutex::default(), changed: Condvar::new() })
    }

    fn raise(&self) {
        let mut state = self.state.lock().unwrap();
        state.count += 1;
        for waker in state.wakers.drain(..) {
            waker.wake();
        }
        self.changed.notify_all();
    }

    fn count(&self) -> usize {
        self.state.lock().unwrap().count
    }

    fn wait_for(&self, count: usize) {
        let deadline = Instant::now() + LIMIT;
        let mut state = self.state.lock().unwrap();
        while state.count < count {
            let now = Instant::now();
            if now >= deadline {
                // Unlocked first: a panic under the lock would poison it for the others.
                let seen = state.count;
                drop(state);
                panic!("waited {LIMIT:?} for `{}`: {seen} of {count}", self.name);
            }
            state = self.changed.wait_timeout(state, deadline - now).unwrap().0;
        }
    }
}

impl Gate {
    /// A closed gate. `name` says, in the message of a wait that is given up, what had to happen first.
    pub fn new(name: &str) -> Self {
        Self { inner: Inner::new(name) }
    }

    /// Opens it for good.
    pub fn open(&self) {
        self.inner.raise();
    }

    /// Whether it has been opened.
    pub fn is_open(&self) -> bool {
        self.inner.count() > 0
    }

    /// Blocks until it is open.
    ///
    /// # Panics
    /// After [`LIMIT`].
    pub fn wait(&self) {
        self.inner.wait_for(1);
    }

    /// Ready when it is open; for filters and other async code. Has no limit of its own.
    pub fn passed(&self) -> impl Future<Output = ()> + Send + 'static {
        Passed { inner: self.inner.clone() }
    }
}

impl Signal {
    /// A signal nobody has raised yet.
    pub fn new(name: &str) -> Self {
        Self { inner: Inner::new(name) }
    }

    /// Counts one more.
    pub fn raise(&self) {
        self.inner.raise();
    }

    /// How often it was raised.
    pub fn count(&self) -> usize {
        self.inner.count()
    }

    /// Blocks until it was raised `count` times in all.
    ///
    /// # Panics
    /// After [`LIMIT`].
    pub fn wait_for(&self, count: usize) {
        self.inner.wait_for(count);
    }
}

struct Passed {
    inner: Arc<Inner>,
}

impl Future for Passed {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let mut state = self.inner.state.lock().unwrap();
        if state.count > 0 {
            return Poll::Ready(());
        }
        if !state.wakers.iter().any(|waker| waker.will_wake(cx.waker())) {
            state.wakers.push(cx.waker().clone());
        }
        Poll::Pending
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::thread;

    #[test]
    fn a_gate_holds_until_it_is_opened() {
        let gate = Gate::new("opened");
        assert!(!gate.is_open());
        let waiter = thread::spawn({
            let gate = gate.clone();
            move || gate.wait()
        });
        gate.open();
        waiter.join().unwrap();
    }

    #[test]
    fn a_signal_counts() {
        let signal = Signal::new("twice");
        signal.raise();
        signal.clone().raise();
        signal.wait_for(2);
        assert_eq!(signal.count(), 2);
    }

    #[test]
    fn a_future_passes_an_open_gate() {
        let gate = Gate::new("opened");
        let mut passed = Box::pin(gate.passed());
        let mut cx = Context::from_waker(Waker::noop());
        assert!(passed.as_mut().poll(&mut cx).is_pending());
        gate.open();
        assert!(passed.as_mut().poll(&mut cx).is_ready());
    }
}
