//! A listening address in service: its sockets, and how its connections are served.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use arc_swap::ArcSwap;
use gorge_protocols::{
    AcceptPolicy, Address, Connections, Handler, ListenOptions, ProxyProtocol, WorkerListener,
};
use gorge_runtime::{PerWorker, Trigger};
use parking_lot::Mutex;

use crate::board::Post;
use crate::core::Core;
use crate::listen::Listen;

/// The ports of all services, in the order of the services.
pub(crate) struct Ports {
    services: Vec<Served>,
    /// Removed, and busy with emptying their queues.
    pub(crate) leaving: Vec<Arc<Port>>,
    closed: bool,
}

/// The ports of one service.
#[derive(Default)]
pub(crate) struct Served {
    pub(crate) ports: Vec<Arc<Port>>,
    /// Whether the service accepts.
    pub(crate) begun: bool,
}

impl Ports {
    pub(crate) fn new(services: Vec<Vec<Arc<Port>>>) -> Self {
        let services = services.into_iter().map(|ports| Served { ports, begun: false }).collect();
        Ports { services, leaving: Vec::new(), closed: false }
    }

    /// The ports of a service; `None` once the server has begun to stop.
    pub(crate) fn of(&mut self, service: usize) -> Option<&mut Served> {
        if self.closed { None } else { self.services.get_mut(service) }
    }

    /// The service accepts from now on; returns its ports, none once the server has begun to stop.
    pub(crate) fn begin(&mut self, service: usize) -> Vec<Arc<Port>> {
        self.of(service).map_or_else(Vec::new, |served| {
            served.begun = true;
            served.ports.clone()
        })
    }

    /// The ports of a service, for whoever only looks.
    pub(crate) fn seen(&self, service: usize) -> &[Arc<Port>] {
        self.services.get(service).map_or(&[], |served| &served.ports)
    }

    /// Every port that accepts, or should.
    pub(crate) fn begun(&self) -> Vec<Arc<Port>> {
        let begun = self.services.iter().filter(|served| served.begun);
        begun.flat_map(|served| &served.ports).chain(&self.leaving).cloned().collect()
    }

    /// No port comes any more; returns all but those of the admin service, to be closed.
    pub(crate) fn close(&mut self) -> Vec<Arc<Port>> {
        self.closed = true;
        let ports = self.services.iter().flat_map(|served| &served.ports);
        ports.filter(|port| !port.post.admin).cloned().collect()
    }

    /// Closes every socket that is left, once no loop accepts any more.
    pub(crate) fn let_go(&mut self) {
        self.closed = true;
        let ports = self.services.iter().flat_map(|served| &served.ports).chain(&self.leaving);
        ports.flat_map(|port| port.seats.iter()).for_each(|seat| drop(seat.listener.lock().take()));
    }
}

/// One address.
pub(crate) struct Port {
    /// As it was asked for, perhaps with port 0; `None` in memory.
    asked: Option<Address>,
    /// As it was bound.
    pub(crate) bound: Option<Address>,
    pub(crate) options: Mutex<ListenOptions>,
    /// How connections are served from now on.
    pub(crate) manner: ArcSwap<Manner>,
    pub(crate) seats: PerWorker<Seat>,
    /// Ends the accept loops and the connections.
    pub(crate) trigger: Trigger,
    pub(crate) post: Arc<Post>,
}

/// How the connections of an address are served.
pub(crate) struct Manner {
    pub(crate) handler: Arc<dyn Handler>,
    /// `None` also for a policy that lets everybody in.
    pub(crate) accept: Option<AcceptPolicy>,
    pub(crate) proxy_protocol: Option<ProxyProtocol>,
    #[cfg(feature = "openssl")]
    pub(crate) tls: Option<gorge_tls::Acceptor>,
}

/// The place of a socket on one worker. It stays here while it is served, for a worker that has to
/// begin anew.
#[derive(Default)]
pub(crate) struct Seat {
    pub(crate) listener: Mutex<Option<WorkerListener>>,
    /// A loop accepts from it.
    pub(crate) busy: AtomicBool,
    /// A loop has accepted from it, at some time.
    pub(crate) begun: AtomicBool,
}

impl From<&Listen> for Manner {
    fn from(listen: &Listen) -> Self {
        Manner {
            accept: listen.accept.clone().filter(|policy| !policy.is_open()),
            proxy_protocol: listen.proxy_protocol.clone(),
            #[cfg(feature = "openssl")]
            tls: listen.tls.clone(),
            ..Manner::plain(listen.handler.clone())
        }
    }
}

impl Manner {
    /// Something comes before the first byte of the handler's protocol.
    pub(crate) fn has_preface(&self) -> bool {
        #[cfg(feature = "openssl")]
        if self.tls.is_some() {
            return true;
        }
        self.proxy_protocol.is_some()
    }

    /// Everybody is served, as they come.
    pub(crate) fn plain(handler: Arc<dyn Handler>) -> Self {
        Manner {
            handler,
            accept: None,
            proxy_protocol: None,
            #[cfg(feature = "openssl")]
            tls: None,
        }
    }
}

impl Port {
    /// A port with one seat per socket; a single socket gets the `index`-th seat, so that several
    /// addresses with one socket each are spread.
    pub(crate) fn new(
        listen: &Listen,
        bound: Address,
        sockets: Vec<WorkerListener>,
        post: Arc<Post>,
        workers: usize,
        index: usize,
    ) -> Self {
        Port {
            asked: Some(listen.address.clone()),
            bound: Some(bound),
            options: Mutex::new(listen.options.clone()),
            ..Port::with(Manner::from(listen), sockets, post, workers, index)
        }
    }

    /// A port for connections made in memory, or the rest of any other.
    pub(crate) fn with(
        manner: Manner,
        sockets: Vec<WorkerListener>,
        post: Arc<Post>,
        workers: usize,
        index: usize,
    ) -> Self {
        let first = if sockets.len() == 1 { index % post.seated } else { 0 };
        let mut sockets = sockets.into_iter();
        let seat = |worker| {
            let listener = if worker >= first { sockets.next() } else { None };
            Seat { listener: Mutex::new(listener), ..Seat::default() }
        };
        Port {
            asked: None,
            bound: None,
            options: Mutex::default(),
            manner: ArcSwap::from_pointee(manner),
            seats: PerWorker::new(post.seated, seat),
            trigger: Trigger::new(workers),
            post,
        }
    }

    /// Whether somebody who asks for `address` means this one.
    pub(crate) fn is_at(&self, address: &Address) -> bool {
        self.asked.as_ref() == Some(address) || self.bound.as_ref() == Some(address)
    }

    pub(crate) fn connections<'a>(&self, core: &'a Core) -> &'a Connections {
        if self.post.admin { &core.admin_connections } else { &core.connections }
    }

    /// Whether every socket has been accepted from, or will never be.
    pub(crate) fn accepts(&self) -> bool {
        let begun = |seat: &Seat| seat.begun.load(Ordering::SeqCst) || seat.listener.lock().is_none();
        self.trigger.requested() || self.seats.iter().all(begun)
    }

    /// Lets its loops empty the queues and close, and its connections come to an end.
    pub(crate) fn close(&self) {
        self.trigger.request();
        self.post.tell();
    }

    /// Whether all its sockets are closed: not only taken from their seats, but let go of.
    pub(crate) fn is_closed(&self) -> bool {
        self.seats.iter().all(|seat| seat.listener.lock().is_none() && !seat.busy.load(Ordering::SeqCst))
    }
}
