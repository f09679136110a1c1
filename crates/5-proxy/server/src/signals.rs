//! The signals of a process.

use std::future::poll_fn;
use std::io;
use std::sync::Arc;
use std::task::Poll;

use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::core::Core;

/// Those that are caught.
pub(crate) struct Signals {
    terminate: Signal,
    interrupt: Signal,
    reopen: Signal,
    /// Only where there is something to reload: else HUP ends the process, as when its terminal is
    /// closed.
    reload: Option<Signal>,
}

#[derive(Clone, Copy)]
enum Caught {
    Stop,
    Reload,
    Reopen,
}

impl Signals {
    /// From now on these signals no longer end the process by themselves. To be called in a tokio
    /// runtime.
    pub(crate) fn catch(reloads: bool) -> io::Result<Self> {
        ignore_pipe();
        let reload = if reloads { Some(signal(SignalKind::hangup())?) } else { None };
        Ok(Signals {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
            reopen: signal(SignalKind::user_defined1())?,
            reload,
        })
    }

    async fn next(&mut self) -> Caught {
        poll_fn(|cx| {
            if self.terminate.poll_recv(cx).is_ready() || self.interrupt.poll_recv(cx).is_ready() {
                return Poll::Ready(Caught::Stop);
            }
            if self.reopen.poll_recv(cx).is_ready() {
                return Poll::Ready(Caught::Reopen);
            }
            match &mut self.reload {
                Some(reload) => reload.poll_recv(cx).map(|_| Caught::Reload),
                None => Poll::Pending,
            }
        })
        .await
    }

    /// Does what they ask for.
    pub(crate) async fn heed(mut self, core: Arc<Core>) {
        loop {
            match self.next().await {
                Caught::Stop if core.wish.requested() => core.hurry.request(),
                Caught::Stop => core.wish.request(),
                Caught::Reload => core.reloader.send(None),
                Caught::Reopen => reopen(&core),
            }
        }
    }
}

/// Opening a file can take its time, so it gets a thread.
fn reopen(core: &Core) {
    if let Some(reopen) = core.hooks.reopen.clone() {
        tokio::task::spawn_blocking(move || reopen());
    }
}

/// Writing to a socket that is closed is an error like others. A Rust program begins like that; one
/// that embeds this server may not.
fn ignore_pipe() {
    // SAFETY: `SIG_IGN` is a valid disposition, and no handler of this process relies on SIGPIPE.
    unsafe { libc::signal(libc::SIGPIPE, libc::SIG_IGN) };
}
