//! A server that runs: what can be asked and changed, and how it stops.

use std::fmt;
use std::sync::Arc;
use std::sync::mpsc::Receiver;
use std::time::Duration;

use gorge_error::{Error, Kind, Result};
use gorge_protocols::{Address, Connections};
use gorge_runtime::{Handle, Trigger};
use parking_lot::Mutex;

use crate::board::ServiceStatus;
use crate::core::Core;
use crate::{Changes, Listen, Phase, Stats, change};

/// A server whose workers accept connections. What [`Server::start`](crate::Server::start) or
/// [`launch`](crate::Server::launch) returned cuts everything off when it is dropped; see
/// [`stop`](Running::stop) and [`wait`](Running::wait). What a hook is given is a view of it, whose
/// drop does nothing.
pub struct Running {
    core: Arc<Core>,
    /// Of the one who may wait for the end.
    kept: Option<Mutex<Receiver<Event>>>,
}

/// What the keeper tells.
pub(crate) enum Event {
    Ready,
    Ended(Stopped),
}

/// How a server came to its end.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stopped {
    /// Connections that were open when the grace was over, and were cut off.
    pub cut: usize,
    /// Workers that had to be left behind because a task of theirs did not yield.
    pub stuck: usize,
    /// Whether a second signal, or a drop, cut the grace short.
    pub hurried: bool,
}

impl Running {
    pub(crate) fn new(core: Arc<Core>, events: Receiver<Event>) -> Self {
        Running { core, kept: Some(Mutex::new(events)) }
    }

    pub(crate) fn view(core: Arc<Core>) -> Self {
        Running { core, kept: None }
    }

    /// The workers, to spawn more on them.
    pub fn workers(&self) -> &Handle {
        &self.core.runtime
    }

    /// Counts of the accept loops.
    pub fn stats(&self) -> Stats {
        Stats::sum(&self.core.counters)
    }

    /// The count of open connections, without those of the admin service.
    pub fn connections(&self) -> &Connections {
        &self.core.connections
    }

    /// Where the server is in its life.
    pub fn phase(&self) -> Phase {
        self.core.board.phase()
    }

    /// What is known of a service; `None` if there is none of that name.
    pub fn service(&self, name: &str) -> Option<ServiceStatus> {
        self.core.board.find(name).map(|index| ServiceStatus::from(&*self.core.board.posts[index]))
    }

    /// The addresses a service listens on, with the ports the kernel chose.
    pub fn addresses(&self, service: &str) -> Vec<Address> {
        let Some(index) = self.core.board.find(service) else { return Vec::new() };
        self.core.ports.lock().seen(index).iter().filter_map(|port| port.bound.clone()).collect()
    }

    /// Makes a service listen on exactly these addresses.
    ///
    /// New addresses are bound first. Those that stay keep their sockets and what is queued on them,
    /// and serve connections from now on as `listens` says; an option that a socket cannot change is
    /// reached by more sockets beside it, and so is an address that overlaps one that goes, as 0.0.0.0:80
    /// does 127.0.0.1:80 (on Linux). Those that are gone are accepted until they are empty and
    /// closed, and their connections come to an end after the exchange they are in. No connection is
    /// lost on the way.
    ///
    /// An address is the same if it is written the same, or is what the kernel chose. Listeners in
    /// memory stay as they are. Blocks as long as binding does
    /// ([`bind_tries`](gorge_protocols::ListenOptions::bind_tries)), so it is not for a worker.
    ///
    /// # Errors
    /// [`Kind::BindFailed`] for an address that is not to be had, [`Kind::Configuration`] for a
    /// service that there is not or an address that stands there twice, [`Kind::Draining`] once the
    /// server is about to stop. Nothing has changed then.
    pub fn set_listeners(&self, service: &str, listens: Vec<Listen>) -> Result<Changes> {
        change::set_listeners(&self.core, service, &listens)
    }

    /// Changes [`Config::max_connections`](crate::Config::max_connections). Connections over a lower
    /// maximum stay open.
    ///
    /// # Errors
    /// [`Kind::Configuration`] for 0.
    pub fn set_max_connections(&self, max: usize) -> Result<()> {
        if max == 0 {
            return Err(Error::explain(Kind::Configuration, "a server must allow at least one connection"));
        }
        self.core.connections.set_max(max);
        Ok(())
    }

    /// Changes [`Config::grace`](crate::Config::grace), for a stop that has not begun.
    pub fn set_grace(&self, grace: Duration) {
        self.core.times.lock().grace = grace;
    }

    /// Changes [`Config::drain_delay`](crate::Config::drain_delay), for a stop that has not begun.
    pub fn set_drain_delay(&self, delay: Duration) {
        self.core.times.lock().drain_delay = delay;
    }

    /// Reloads, as the signal HUP does, and waits for the outcome. Not to be called by a reload.
    ///
    /// # Errors
    /// That of the reload, or that there is nothing to reload.
    pub fn reload(&self) -> Result<String> {
        let outcome = self.core.reloader.ask().blocking_recv();
        match outcome {
            Ok(outcome) => outcome.map_err(|why| Error::explain(Kind::Configuration, why)),
            Err(_) => Err(Error::explain(Kind::Configuration, "there is nothing to reload")),
        }
    }

    /// Makes the server stop, from any thread.
    pub fn stopper(&self) -> Trigger {
        self.core.wish.clone()
    }

    /// Stops gracefully: each listening socket is accepted empty and closed, connections are told to
    /// come to an end, and what is still open after [`Config::grace`](crate::Config::grace) is cut
    /// off. Blocks the calling thread.
    pub fn stop(self) -> Stopped {
        self.core.wish.request();
        self.wait()
    }

    /// Serves until somebody asks the [`stopper`](Running::stopper) to stop, then stops gracefully.
    /// Blocks the calling thread.
    pub fn wait(mut self) -> Stopped {
        self.kept.take().map_or_else(Stopped::default, |events| ended(&events))
    }

    /// Calls `ready` here once all services are ready, then waits for the end.
    pub(crate) fn wait_telling(self, ready: impl FnOnce(&Running)) -> Stopped {
        let first = self.kept.as_ref().map(|events| events.lock().recv());
        match first {
            Some(Ok(Event::Ended(stopped))) => {
                return stopped;
            }
            Some(Ok(Event::Ready)) => ready(&self),
            _ => {}
        }
        self.wait()
    }
}

fn ended(events: &Mutex<Receiver<Event>>) -> Stopped {
    let events = events.lock();
    while let Ok(event) = events.recv() {
        if let Event::Ended(stopped) = event {
            return stopped;
        }
    }
    // The keeper itself has died, and the workers with it.
    Stopped::default()
}

impl Drop for Running {
    fn drop(&mut self) {
        if let Some(events) = self.kept.take() {
            self.core.hurry.request();
            self.core.wish.request();
            ended(&events);
        }
    }
}

impl fmt::Debug for Running {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Running").field("phase", &self.phase()).field("stats", &self.stats()).finish()
    }
}
