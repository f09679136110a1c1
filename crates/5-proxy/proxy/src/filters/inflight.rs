//! Limits how many exchanges run at a time.

use std::cell::Cell;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use gorge_error::{Error, Kind, Result};
use gorge_filter::{Exchange, Filter, Flow, Hooks, Outcome, Role};
use smallvec::SmallVec;

/// Lets at most so many exchanges through at a time; the next gets 503.
///
/// An exchange counts until its response was sent to the end, or has failed; a tunnel, until it is closed.
/// The number is of all workers together, and of all clones of this filter.
///
/// ```
/// use gorge_proxy::{Proxy, filters::Inflight};
/// use gorge_upstream::Peer;
///
/// let few = Inflight::new(100);
/// let proxy = Proxy::builder().filter(few).upstream("127.0.0.1:9001".parse::<Peer>()?).build()?;
/// # Ok::<_, Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct Inflight {
    most: usize,
    running: Arc<AtomicUsize>,
}

impl Inflight {
    /// Lets `most` through at a time. With 0, none.
    #[must_use]
    pub fn new(most: usize) -> Self {
        Self { most, running: Arc::default() }
    }

    /// How many are running.
    #[must_use]
    pub fn running(&self) -> usize {
        self.running.load(Ordering::Relaxed)
    }

    fn permit(&self) -> Option<Permit> {
        let one_more = |running| (running < self.most).then_some(running + 1);
        // Nothing but the number itself is read by it, so no order with other memory is needed.
        let taken = self.running.fetch_update(Ordering::Relaxed, Ordering::Relaxed, one_more);
        taken.ok().map(|_| Permit { running: self.running.clone(), held: Cell::new(true) })
    }
}

/// Those that an exchange holds; several, where several such filters stand in a chain.
struct Permits(SmallVec<[Permit; 2]>);

/// Room for one exchange. What is dropped is given back, so that none is lost whatever happens.
struct Permit {
    running: Arc<AtomicUsize>,
    held: Cell<bool>,
}

impl Permit {
    fn give_back(&self) {
        if self.held.replace(false) {
            self.running.fetch_sub(1, Ordering::Relaxed);
        }
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        self.give_back();
    }
}

impl<C: Send + 'static> Filter<C> for Inflight {
    const HOOKS: Hooks = Hooks::REQUEST.and(Hooks::END);
    const ROLE: Role = Role::Other;

    async fn on_request(&self, x: &mut Exchange<C>) -> Result<Flow> {
        let Some(permit) = self.permit() else {
            let context = "as many exchanges as may are running here";
            return Err(Error::explain(Kind::Overload, context).into_internal());
        };
        match x.get_mut::<Permits>() {
            Some(permits) => permits.0.push(permit),
            None => _ = x.set(Permits(SmallVec::from_iter([permit]))),
        }
        Ok(Flow::Continue)
    }

    fn on_end(&self, x: &Exchange<C>, _: &Outcome) {
        let Some(permits) = x.get::<Permits>() else { return };
        for permit in &permits.0 {
            if Arc::ptr_eq(&permit.running, &self.running) {
                permit.give_back();
            }
        }
    }
}
