//! What all connections of one proxy share.

use std::sync::Arc;

use gorge_filter::Timeouts;
use gorge_http_server::Settings;
use gorge_runtime::PerWorker;

use crate::app::App;
use crate::connect::Tunnels;
use crate::connector::Connector;
use crate::heads::Via;
use crate::stats::Counters;

/// What all connections of one proxy share.
pub(crate) struct Core<A: App> {
    pub(crate) app: A,
    pub(crate) settings: Arc<Settings>,
    pub(crate) timeouts: Timeouts,
    pub(crate) via: Via,
    pub(crate) tunnels: Option<Tunnels>,
    /// Whether clients are told the whole text of an error.
    pub(crate) tells_inside: bool,
    pub(crate) connector: Arc<Connector>,
    pub(crate) counters: Arc<PerWorker<Counters>>,
}
