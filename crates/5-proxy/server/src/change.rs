//! Other listeners for a service that runs.

use std::sync::Arc;
use std::time::{Duration, Instant};
use std::{io, thread};

use gorge_error::{Error, Kind, OrErr, Result};
use gorge_protocols::{Address, ListenOptions, Listener};

use crate::Listen;
use crate::accept;
use crate::board::Post;
use crate::core::Core;
use crate::port::{Manner, Port};

/// How long an address that is to be bound again may still be busy with the queue of its last time.
const LEAVING: Duration = Duration::from_secs(5);

/// What became of the listeners of a service.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Changes {
    /// Those that stay, with their sockets or with others beside them.
    pub kept: Vec<Address>,
    /// Those that are new.
    pub added: Vec<Address>,
    /// Those that are gone.
    pub removed: Vec<Address>,
    /// Options that stay as they are until the next start, in words.
    pub left: Vec<String>,
}

/// What is to happen, nothing of which has yet.
#[derive(Default)]
struct Plan {
    next: Vec<Arc<Port>>,
    open: Vec<Arc<Port>>,
    close: Vec<Arc<Port>>,
    /// Those that stay with their sockets, and what they become.
    adjust: Vec<(Arc<Port>, Listen)>,
    changes: Changes,
}

pub(crate) fn set_listeners(core: &Arc<Core>, service: &str, listens: &[Listen]) -> Result<Changes> {
    let Some(index) = core.board.find(service) else {
        return Err(Error::explain(Kind::Configuration, format!("there is no service `{service}`")));
    };
    let _one_at_a_time = core.changing.lock();
    let now = core.ports.lock().of(index).map(|served| served.ports.clone()).ok_or_else(stopping)?;
    let post = core.board.posts[index].clone();
    let plan = Planner { core, post, now, listens }.plan()?;
    adjust(&plan.adjust)?;
    commit(core, index, plan)
}

fn stopping() -> Error {
    Error::explain(Kind::Draining, "the server is about to stop")
}

struct Planner<'a> {
    core: &'a Arc<Core>,
    post: Arc<Post>,
    /// The ports that nobody has asked for so far.
    now: Vec<Arc<Port>>,
    /// What is asked for.
    listens: &'a [Listen],
}

impl Planner<'_> {
    /// Binds what is new. If that fails, dropping the plan closes it again.
    fn plan(mut self) -> Result<Plan> {
        let mut plan = Plan::default();
        for listen in self.listens {
            let address = &listen.address;
            if plan.next.iter().any(|port| port.is_at(address)) && !is_any_port(address) {
                return Err(Error::explain(
                    Kind::Configuration,
                    format!("{address} is to be listened on twice"),
                ));
            }
            let old = self.now.iter().position(|port| port.is_at(address));
            match old.map(|index| self.now.swap_remove(index)) {
                Some(old) => self.keep(&mut plan, old, listen)?,
                None => self.add(&mut plan, listen)?,
            }
        }
        let (in_memory, gone): (Vec<_>, Vec<_>) = self.now.into_iter().partition(|port| port.bound.is_none());
        plan.changes.removed = gone.iter().filter_map(|port| port.bound.clone()).collect();
        plan.next.extend(in_memory);
        plan.close.extend(gone);
        Ok(plan)
    }

    fn keep(&self, plan: &mut Plan, old: Arc<Port>, listen: &Listen) -> Result<()> {
        let Some(address) = old.bound.clone() else { return Ok(()) };
        plan.changes.kept.push(address.clone());
        let fits = old.options.lock().can_become(&listen.options, &address);
        if !fits && matches!(address, Address::Ip(_)) && cfg!(target_os = "linux") {
            let port = self.beside(&old, address, listen, plan.next.len())?;
            plan.open.push(port.clone());
            plan.next.push(port);
            plan.close.push(old);
            return Ok(());
        }
        if !fits {
            plan.changes.left.push(format!("{address}: buffer sizes and sharing stay until the next start"));
        }
        plan.adjust.push((old.clone(), listen.clone()));
        plan.next.push(old);
        Ok(())
    }

    /// More sockets for an address whose old ones cannot become what they should be.
    fn beside(&self, old: &Port, address: Address, listen: &Listen, index: usize) -> Result<Arc<Port>> {
        let shared: io::Result<()> = old.seats.iter().try_for_each(|seat| match &*seat.listener.lock() {
            Some(listener) => listener.share_address(),
            None => Ok(()),
        });
        shared.or_err_with(Kind::BindFailed, || format!("listen on {address} again"))?;
        let sockets = Listener::bind_beside(&address, &listen.options, self.post.seated)?;
        Ok(self.port(listen, address, sockets, index))
    }

    fn add(&self, plan: &mut Plan, listen: &Listen) -> Result<()> {
        self.wait_for_leaving(&listen.address);
        let bound = match Listener::bind(&listen.address, &listen.options) {
            Ok(bound) => bound,
            Err(error) => {
                let Some(old) = self.in_the_way(&listen.address) else { return Err(error) };
                let address = listen.address.clone();
                let port = self.beside(&old, address.clone(), listen, plan.next.len())?;
                plan.changes.added.push(address);
                plan.open.push(port.clone());
                plan.next.push(port);
                return Ok(());
            }
        };
        let address = bound.address().clone();
        let sockets = bound.for_workers(self.post.seated)?;
        let port = self.port(listen, address.clone(), sockets, plan.next.len());
        plan.changes.added.push(address);
        plan.open.push(port.clone());
        plan.next.push(port);
        Ok(())
    }

    /// A port that goes, and until then takes a part of `address`, or all of it and more: as
    /// 127.0.0.1:80 does of 0.0.0.0:80.
    fn in_the_way(&self, address: &Address) -> Option<Arc<Port>> {
        let Address::Ip(wanted) = address else { return None };
        let overlaps = |port: &&Arc<Port>| match &port.bound {
            Some(Address::Ip(bound)) => {
                bound.port() == wanted.port()
                    && (bound.ip().is_unspecified() || wanted.ip().is_unspecified())
                    && !self.listens.iter().any(|listen| port.is_at(&listen.address))
            }
            _ => false,
        };
        self.now.iter().find(overlaps).filter(|_| cfg!(target_os = "linux")).cloned()
    }

    fn port(
        &self,
        listen: &Listen,
        address: Address,
        sockets: Vec<gorge_protocols::WorkerListener>,
        index: usize,
    ) -> Arc<Port> {
        let workers = self.core.runtime.workers();
        Arc::new(Port::new(listen, address, sockets, self.post.clone(), workers, index))
    }

    /// An address that an earlier change took away may still be emptied.
    fn wait_for_leaving(&self, address: &Address) {
        if is_any_port(address) {
            return;
        }
        let deadline = Instant::now() + LEAVING;
        let leaving = || {
            let mut ports = self.core.ports.lock();
            ports.leaving.retain(|port| !port.is_closed());
            ports.leaving.iter().any(|port| port.is_at(address))
        };
        while leaving() && Instant::now() < deadline {
            thread::sleep(Duration::from_millis(1));
        }
    }
}

fn is_any_port(address: &Address) -> bool {
    matches!(address, Address::Ip(addr) if addr.port() == 0)
}

/// Gives the sockets that stay their new options; after an error all have their old ones.
fn adjust(ports: &[(Arc<Port>, Listen)]) -> Result<()> {
    for (done, (port, listen)) in ports.iter().enumerate() {
        let error = match give_options(port, &listen.options) {
            Ok(()) => continue,
            Err(error) => error,
        };
        for (port, _) in &ports[..=done] {
            // They were accepted before; if not now, there is nothing better to do.
            let _ = give_options(port, &port.options.lock());
        }
        return Err(error)
            .or_err_with(Kind::BindFailed, || format!("change the options of {}", listen.address));
    }
    Ok(())
}

fn give_options(port: &Port, options: &ListenOptions) -> io::Result<()> {
    port.seats.iter().try_for_each(|seat| match &*seat.listener.lock() {
        Some(listener) => listener.adjust(options),
        None => Ok(()),
    })
}

fn commit(core: &Arc<Core>, index: usize, plan: Plan) -> Result<Changes> {
    let begun = {
        let mut ports = core.ports.lock();
        let served = ports.of(index).ok_or_else(stopping)?;
        served.ports = plan.next;
        let begun = served.begun;
        if begun {
            ports.leaving.retain(|port| !port.is_closed());
            ports.leaving.extend(plan.close.iter().cloned());
        }
        begun
    };
    for (port, listen) in plan.adjust {
        *port.options.lock() = listen.options.clone();
        port.manner.store(Arc::new(Manner::from(&listen)));
    }
    if begun {
        plan.open.iter().for_each(|port| accept::open(core, port));
    }
    plan.close.iter().for_each(|port| port.close());
    Ok(plan.changes)
}
