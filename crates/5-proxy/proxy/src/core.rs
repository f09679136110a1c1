//! What all connections of one proxy share.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use gorge_filter::Timeouts;
use gorge_http_server::Settings;
use gorge_runtime::PerWorker;

use crate::app::App;
use crate::connector::Connector;
use crate::heads::Via;
use crate::state::States;
use crate::stats::Counters;

/// What all connections of one proxy share.
pub(crate) struct Core<A: App> {
    pub(crate) app: A,
    pub(crate) settings: Arc<Settings>,
    pub(crate) timeouts: Timeouts,
    pub(crate) via: Via,
    pub(crate) connector: Arc<Connector>,
    pub(crate) states: States<A::Context>,
    pub(crate) counters: Arc<PerWorker<Counters>>,
    pub(crate) stopping: AtomicBool,
}

impl<A: App> Core<A> {
    /// True once connections are to end with the exchange they are at.
    pub(crate) fn is_stopping(&self) -> bool {
        self.stopping.load(Ordering::Relaxed)
    }
}
