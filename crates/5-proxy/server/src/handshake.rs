//! TLS with a client, before its connection is handed over.

use gorge_protocols::{Accepted, Transport};
use gorge_tls::Acceptor;

use crate::admit::{refuse, unless_let_go};
use crate::core::Core;
use crate::port::Port;
use crate::refusal::{Cause, HandshakeFailed};
use crate::stats::count;

/// Makes the handshake; `None` for a connection that is closed.
///
/// A stop does not end it: it is let finish within its time and the grace of the stop, and the first request
/// behind it is answered.
pub(crate) async fn make(
    core: &Core,
    port: &Port,
    acceptor: &Acceptor,
    connection: Accepted,
) -> Option<Accepted> {
    let Accepted { transport, permit, .. } = connection;
    let failed = match unless_let_go(&permit, acceptor.accept(transport)).await {
        Some(Ok(stream)) => {
            count(&core.counters.local().handshakes);
            let tls = Some(stream.tls_digest().clone());
            return Some(Accepted { transport: Transport::from(stream), tls, permit, ..connection });
        }
        Some(Err(error)) => Some(error),
        None => None,
    };
    let reason = failed.as_ref().map_or(HandshakeFailed::LetGo, HandshakeFailed::of);
    refuse(core, port, &connection.peer, Cause::Handshake(reason, failed.as_ref()));
    None
}
