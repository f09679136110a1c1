//! Reloads, one after another, on a thread of their own.

use std::io;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;

use gorge_error::{Error, Kind, Result};
use parking_lot::Mutex;
use tokio::sync::oneshot;

use crate::core::Core;
use crate::{Phase, Running};

/// Wishes that may wait while a reload runs. All that wait are answered by the one that follows, so
/// more of them change nothing.
const WAITING: usize = 64;

/// What came of a reload, for each who asked: its words, or those of its error.
pub(crate) type Outcome = std::result::Result<String, String>;

type Wish = Option<oneshot::Sender<Outcome>>;

/// Where to ask for a reload.
#[derive(Default)]
pub(crate) struct Reloader(Mutex<Option<SyncSender<Wish>>>);

impl Reloader {
    /// Asks for a reload; the outcome comes by the receiver, which fails if there will be none.
    pub(crate) fn ask(&self) -> oneshot::Receiver<Outcome> {
        let (answer, receiver) = oneshot::channel();
        self.send(Some(answer));
        receiver
    }

    /// Asks for a reload without wanting to know.
    pub(crate) fn send(&self, wish: Wish) {
        if let Some(wishes) = &*self.0.lock() {
            // Full: enough have asked for the next reload, which has not begun.
            let _ = wishes.try_send(wish);
        }
    }

    /// Lets the thread end after what it does now.
    pub(crate) fn close(&self) {
        drop(self.0.lock().take());
    }
}

/// Starts the thread, if there is a hook to call.
pub(crate) fn start(core: &Arc<Core>) -> io::Result<()> {
    if core.hooks.reload.is_none() {
        return Ok(());
    }
    let (wishes, receiver) = sync_channel(WAITING);
    *core.reloader.0.lock() = Some(wishes);
    let core = core.clone();
    let name = format!("{}-reload", core.config.runtime.name);
    thread::Builder::new().name(name).spawn(move || work(&core, &receiver)).map(drop)
}

/// Those who ask during a reload are answered together by one more: it begins after they asked, so
/// it sees what they want to be seen.
fn work(core: &Arc<Core>, wishes: &Receiver<Wish>) {
    let running = Running::view(core.clone());
    while let Ok(first) = wishes.recv() {
        let asked: Vec<Wish> = std::iter::once(first).chain(wishes.try_iter()).collect();
        let outcome = once(core, &running).map_err(|error| words(&error));
        for answer in asked.into_iter().flatten() {
            // Whoever asked may be gone.
            let _ = answer.send(outcome.clone());
        }
    }
}

/// On one line, unless somebody has several to say, as of a file with many mistakes.
fn words(error: &Error) -> String {
    if error.contexts().any(|context| context.contains('\n')) {
        return error.contexts().collect::<Vec<_>>().join(": ");
    }
    format!("{error:#}")
}

fn once(core: &Core, running: &Running) -> Result<String> {
    if core.board.phase() >= Phase::Draining {
        return Err(Error::explain(Kind::Draining, "the server is about to stop"));
    }
    core.hooks.reload(running)
}
