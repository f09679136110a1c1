//! TLS with a client, before its connection is handed over.

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::task::Poll;

use gorge_protocols::{Accepted, Transport};
use gorge_tls::Acceptor;

use crate::core::Core;
use crate::stats::count;

/// Makes the handshake; `None` for a connection that is closed. Where places are short it may have to give
/// its own to another, as a connection that waits for a request does.
pub(crate) async fn make(core: &Core, acceptor: &Acceptor, connection: Accepted) -> Option<Accepted> {
    let Accepted { transport, permit, .. } = connection;
    permit.wait();
    let mut handshake = pin!(acceptor.accept(transport));
    let done = poll_fn(|cx| match handshake.as_mut().poll(cx) {
        Poll::Ready(done) => Poll::Ready(Some(done)),
        Poll::Pending => permit.poll_let_go(cx).map(|()| None),
    })
    .await;
    permit.work();
    let counters = core.counters.local();
    match done {
        Some(Ok(stream)) => {
            count(&counters.handshakes);
            let tls = Some(stream.tls_digest().clone());
            Some(Accepted { transport: Transport::from(stream), tls, permit, ..connection })
        }
        Some(Err(_)) | None => {
            count(&counters.handshakes_failed);
            None
        }
    }
}
