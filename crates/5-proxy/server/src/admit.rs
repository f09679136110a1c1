//! Between the accept loop and the handler: who may come in, and what comes before the handler's protocol.

use std::future::poll_fn;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;

use gorge_protocols::{AcceptPolicy, Accepted, AddressPermit, PeerAddr, Permit, ProxyProtocol, Refused};
use gorge_runtime::spawn;

use crate::core::Core;
use crate::port::{Manner, Port};
use crate::refusal::{Cause, Refusal};
use crate::stats::count;

/// Judges a connection by its peer, unless that will only be known from its PROXY header.
pub(crate) fn at_once(
    core: &Core,
    port: &Port,
    manner: &Manner,
    peer: &PeerAddr,
) -> Result<Option<AddressPermit>, Refused> {
    match &manner.accept {
        Some(policy) if manner.proxy_protocol.is_none() => judge(core, port, policy, peer),
        _ => Ok(None),
    }
}

fn judge(
    core: &Core,
    port: &Port,
    policy: &AcceptPolicy,
    peer: &PeerAddr,
) -> Result<Option<AddressPermit>, Refused> {
    policy.admit(peer).inspect_err(|refused| refuse(core, port, peer, Cause::Address(*refused)))
}

/// Counts a connection that is closed, and tells of it.
pub(crate) fn refuse(core: &Core, port: &Port, peer: &PeerAddr, cause: Cause<'_>) {
    let counters = core.counters.local();
    count(match cause {
        Cause::Address(Refused::Denied) => &counters.denied,
        Cause::Address(Refused::TooMany) => &counters.too_many,
        Cause::Handshake(failed, _) => &counters.handshakes_failed[failed.index()],
        Cause::Header(refused) => &counters.headers[refused.index()],
    });
    core.hooks.refusal(&Refusal { listener: port.bound.as_ref(), peer, cause });
}

/// Gives a connection to its handler, on the worker that it will stay with.
pub(crate) fn serve(core: &Arc<Core>, port: &Arc<Port>, manner: &Arc<Manner>, connection: Accepted) {
    if !manner.has_preface() {
        return hand_over(core, manner, connection);
    }
    let (core, port, manner) = (core.clone(), port.clone(), manner.clone());
    spawn(async move {
        if let Some(connection) = preface(&core, &port, &manner, connection).await {
            hand_over(&core, &manner, connection);
        }
    });
}

/// Reads what comes before the handler's protocol; `None` for a connection that is closed.
async fn preface(core: &Core, port: &Port, manner: &Manner, mut connection: Accepted) -> Option<Accepted> {
    if let Some(protocol) = &manner.proxy_protocol {
        connection = receive(core, port, manner, protocol, connection).await?;
    }
    #[cfg(feature = "openssl")]
    if let Some(acceptor) = &manner.tls {
        connection = crate::handshake::make(core, port, acceptor, connection).await?;
    }
    Some(connection)
}

/// Reads the header, and judges whom it names; `None` for a connection that is closed.
async fn receive(
    core: &Core,
    port: &Port,
    manner: &Manner,
    protocol: &ProxyProtocol,
    mut connection: Accepted,
) -> Option<Accepted> {
    let Accepted { transport, peer, permit, .. } = &mut connection;
    // Of one that gave its place to another the loop that asked it has taken count.
    match unless_let_go(permit, protocol.receive(transport, peer)).await? {
        Ok(header) => connection = connection.behind(header),
        Err(refused) => {
            refuse(core, port, peer, Cause::Header(refused));
            return None;
        }
    }
    if let Some(policy) = &manner.accept {
        let address = judge(core, port, policy, &connection.peer).ok()?;
        connection.permit = connection.permit.with_address(address);
    }
    Some(connection)
}

/// What `work` comes to. `None`: where places were short, the connection had to give its own to another
/// before that, as one that waits for a request has to. So those who open connections and send nothing keep
/// nobody out.
pub(crate) async fn unless_let_go<T>(permit: &Permit, work: impl Future<Output = T>) -> Option<T> {
    let mut work = pin!(work);
    permit.wait();
    let done = poll_fn(|cx| match work.as_mut().poll(cx) {
        Poll::Ready(done) => Poll::Ready(Some(done)),
        Poll::Pending => permit.poll_let_go(cx).map(|()| None),
    })
    .await;
    permit.work();
    done
}

/// A panic of the handler costs one connection, not the listener.
fn hand_over(core: &Core, manner: &Manner, connection: Accepted) {
    if catch_unwind(AssertUnwindSafe(|| manner.handler.serve(connection))).is_err() {
        count(&core.counters.local().panics);
    }
}
