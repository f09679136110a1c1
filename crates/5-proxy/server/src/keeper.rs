//! The thread that keeps a server: it starts the services, heeds signals and wishes, and ends it all.

use std::sync::Arc;
use std::sync::mpsc::Sender;
use std::{io, thread};

use gorge_runtime::Runtime;

use crate::Phase;
use crate::control::Control;
use crate::core::Core;
use crate::either::{Which, either};
use crate::hooks;
use crate::pid_file::PidFile;
use crate::running::{Event, Running, Stopped};
use crate::signals::Signals;
use crate::supervise;

/// What the thread takes over.
pub(crate) struct Keeper {
    pub(crate) core: Arc<Core>,
    pub(crate) workers: Runtime,
    /// The thread's own reactor.
    pub(crate) reactor: tokio::runtime::Runtime,
    pub(crate) signals: Option<Signals>,
    pub(crate) control: Option<Control>,
    pub(crate) pid_file: Option<PidFile>,
    pub(crate) events: Sender<Event>,
}

impl Keeper {
    /// Starts the thread.
    pub(crate) fn start(self) -> io::Result<()> {
        let name = format!("{}-keeper", self.core.config.runtime.name);
        thread::Builder::new().name(name).spawn(move || self.keep()).map(drop)
    }

    fn keep(self) {
        let Keeper { core, workers, reactor, signals, control, pid_file, events } = self;
        let stops = control.as_ref().map(Control::stops);
        let hurried = reactor.block_on(live(&core, signals, control, events.clone()));
        core.reloader.close();
        let cut = core.connections.open();
        let stuck = workers.end().stuck;
        core.ports.lock().let_go();
        drop(reactor);
        core.enter(Phase::Terminated);
        drop(pid_file);
        let stopped = Stopped { cut, stuck, hurried };
        if let Some(stops) = stops {
            stops.answer(&stopped);
        }
        // Nobody listens any more where `Running` was forgotten.
        let _ = events.send(Event::Ended(stopped));
    }
}

/// The life of a server, up to the point where the workers are to end. Returns whether somebody
/// cut the grace short.
async fn live(
    core: &Arc<Core>,
    signals: Option<Signals>,
    control: Option<Control>,
    events: Sender<Event>,
) -> bool {
    if let Some(signals) = signals {
        tokio::spawn(signals.heed(core.clone()));
    }
    if let Some(control) = control {
        tokio::spawn(control.serve(core.clone()));
    }
    for index in &core.order {
        tokio::spawn(supervise::supervise(core.clone(), *index));
    }
    tokio::spawn(tell_ready(core.clone(), events));
    core.wish.watch(0).wait().await;
    let mut hurry = core.hurry.watch(0);
    core.enter(Phase::Draining);
    hooks::call_once(&core.hooks.stop, &Running::view(core.clone()));
    let drained = either(drain(core), hurry.wait()).await;
    core.close_ports();
    core.runtime.trigger().request();
    core.enter(Phase::Stopping);
    if drained == Which::Second {
        return true;
    }
    let ended = async {
        let _ = tokio::time::timeout(core.config.service_end, supervise::end_all(core)).await;
    };
    either(ended, hurry.wait()).await == Which::Second
}

/// Tells that the server is ready, once it is for the first time.
async fn tell_ready(core: Arc<Core>, events: Sender<Event>) {
    core.board.until(|| core.board.ready()).await;
    if core.enter(Phase::Running) {
        hooks::call_once(&core.hooks.ready, &Running::view(core.clone()));
        // As above.
        let _ = events.send(Event::Ready);
    }
}

/// Closes the sockets after the delay, and waits for the last connection, but not longer than the
/// grace.
async fn drain(core: &Arc<Core>) {
    let delay = core.times.lock().drain_delay;
    if !delay.is_zero() {
        tokio::time::sleep(delay).await;
    }
    core.close_ports();
    core.runtime.trigger().request();
    let grace = core.times.lock().grace;
    let _ = tokio::time::timeout(grace, core.runtime.idle()).await;
}
