//! In the place of `tls.rs`, for a program without a TLS library.

use std::path::PathBuf;
use std::sync::Arc;

use gorge::error::{Error, Kind, Result};
use gorge::server::Listen;

use crate::config::{Config, ListenTlsTable};

/// No sessions, no keys.
#[derive(Default)]
pub(crate) struct Tickets(());

/// No certificates.
pub(crate) enum Shown {}

/// What the check of a configuration refuses already.
pub(super) fn listen(
    _: &mut Listen,
    _: &ListenTlsTable,
    _: &Tickets,
    _: &[Arc<Shown>],
) -> Result<Arc<Shown>> {
    Err(Error::explain(Kind::Configuration, "this gorge was built without TLS"))
}

/// None.
pub(crate) fn files(_: &Config) -> Vec<PathBuf> {
    Vec::new()
}
