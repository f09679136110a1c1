//! What one exchange needs while it runs, recycled by the worker.

use gorge_filter::Exchange;
use gorge_http::{RequestHead, ResponseHead, Status};

use crate::chain::Entered;
use crate::replay::Replay;

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
    pub(crate) fn new() -> Self {
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

    pub(crate) fn clear(&mut self) {
        self.x.clear();
        self.response.clear();
        self.base.clear();
        self.replay.rest();
        self.down.reset();
        self.inner.reset();
        self.answered = false;
    }
}
