//! Between the accept loop and the handler: who may come in, and what a proxy in front says of them.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use gorge_protocols::{AcceptPolicy, Accepted, AddressPermit, PeerAddr, ProxyProtocol, Refused};
use gorge_runtime::spawn;

use crate::core::Core;
use crate::port::Manner;
use crate::stats::count;

/// Judges a connection by its peer, unless that will only be known from its PROXY header.
pub(crate) fn at_once(
    core: &Core,
    manner: &Manner,
    peer: &PeerAddr,
) -> Result<Option<AddressPermit>, Refused> {
    match &manner.accept {
        Some(policy) if manner.proxy_protocol.is_none() => judge(core, policy, peer),
        _ => Ok(None),
    }
}

fn judge(core: &Core, policy: &AcceptPolicy, peer: &PeerAddr) -> Result<Option<AddressPermit>, Refused> {
    policy.admit(peer).inspect_err(|refused| {
        let counters = core.counters.local();
        count(match refused {
            Refused::Denied => &counters.denied,
            Refused::TooMany => &counters.too_many,
        });
    })
}

/// Gives a connection to its handler, on the worker that it will stay with.
pub(crate) fn serve(core: &Arc<Core>, manner: &Arc<Manner>, connection: Accepted) {
    if !manner.has_preface() {
        return hand_over(core, manner, connection);
    }
    let (core, manner) = (core.clone(), manner.clone());
    spawn(async move {
        if let Some(connection) = preface(&core, &manner, connection).await {
            hand_over(&core, &manner, connection);
        }
    });
}

/// Reads what comes before the handler's protocol; `None` for a connection that is closed.
async fn preface(core: &Core, manner: &Manner, mut connection: Accepted) -> Option<Accepted> {
    if let Some(protocol) = &manner.proxy_protocol {
        connection = receive(core, manner, protocol, connection).await?;
    }
    #[cfg(feature = "openssl")]
    if let Some(acceptor) = &manner.tls {
        connection = crate::handshake::make(core, acceptor, connection).await?;
    }
    Some(connection)
}

/// Reads the header, and judges whom it names; `None` for a connection that is closed.
async fn receive(
    core: &Core,
    manner: &Manner,
    protocol: &ProxyProtocol,
    mut connection: Accepted,
) -> Option<Accepted> {
    match protocol.receive(&mut connection.transport, &connection.peer).await {
        Ok(header) => connection = connection.behind(header),
        Err(refused) => {
            count(&core.counters.local().headers[refused.index()]);
            return None;
        }
    }
    if let Some(policy) = &manner.accept {
        let address = judge(core, policy, &connection.peer).ok()?;
        connection.permit = connection.permit.with_address(address);
    }
    Some(connection)
}

/// A panic of the handler costs one connection, not the listener.
fn hand_over(core: &Core, manner: &Manner, connection: Accepted) {
    if catch_unwind(AssertUnwindSafe(|| manner.handler.serve(connection))).is_err() {
        count(&core.counters.local().panics);
    }
}
