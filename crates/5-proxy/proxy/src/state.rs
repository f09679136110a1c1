//! What one exchange needs while it runs, recycled by the worker.

use gorge_filter::Exchange;
use gorge_http::{RequestHead, ResponseHead, Status};
use gorge_runtime::PerWorker;
use parking_lot::Mutex;

use crate::chain::Entered;
use crate::replay::Replay;

/// States a worker keeps for exchanges to come.
const KEPT: usize = 256;

/// What one exchange needs while it runs.
pub(crate) struct State<C> {
    pub(crate) x: Exchange<C>,
    /// The head of the response, on its way down.
    pub(crate) response: ResponseHead,
    /// The request as the downstream filters left it: what each attempt begins from.
    pub(crate) base: RequestHead,
    pub(crate) replay: Replay,
    /// How far into the downstream filters.
    pub(crate) down: Entered,
    /// How far into the upstream filters, in this attempt.
    pub(crate) inner: Entered,
    /// The final head was given to the server stream: from here on nothing can be taken back.
    pub(crate) answered: bool,
}

impl<C: Default> State<C> {
    fn new() -> Self {
        Self {
            x: Exchange::new(),
            response: ResponseHead::new(Status::OK),
            base: RequestHead::new(),
            replay: Replay::default(),
            down: Entered::default(),
            inner: Entered::default(),
            answered: false,
        }
    }

    fn clear(&mut self) {
        self.x.clear();
        self.response.clear();
        self.base.clear();
        self.replay.rest();
        self.down.reset();
        self.inner.reset();
        self.answered = false;
    }
}

/// The states that wait for their next exchange, by worker.
pub(crate) struct States<C>(PerWorker<Mutex<Vec<Box<State<C>>>>>);

impl<C: Default> States<C> {
    pub(crate) fn new(workers: usize) -> Self {
        Self(PerWorker::new(workers, |_| Mutex::default()))
    }

    /// A state as good as new.
    pub(crate) fn take(&self) -> Box<State<C>> {
        // The lock is this worker's own; it is there for work stealing.
        let kept = self.0.local().lock().pop();
        kept.unwrap_or_else(|| Box::new(State::new()))
    }

    /// Cleans a state, so that it pins nothing, and keeps it.
    pub(crate) fn give(&self, mut state: Box<State<C>>) {
        state.clear();
        let mut kept = self.0.local().lock();
        if kept.len() < KEPT {
            kept.push(state);
        }
    }
}
