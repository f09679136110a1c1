//! In the place of `tls.rs`, for a program without a TLS library.

use gorge::error::{Error, Kind, Result};
use gorge::server::Listen;

use crate::config::ListenTlsTable;

/// No sessions, no keys.
#[derive(Default)]
pub(crate) struct Tickets;

/// What the check of a configuration refuses already.
pub(super) fn listen(_: &mut Listen, _: &ListenTlsTable, _: &Tickets) -> Result<()> {
    Err(Error::explain(Kind::Configuration, "this gorge was built without TLS"))
}
