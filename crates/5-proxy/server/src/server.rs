//! Putting a server together, and starting it.

use std::fmt;
use std::path::Path;
use std::sync::{Arc, mpsc};

use gorge_error::{Error, Kind, OrErr, Result};
use gorge_protocols::{
    Address, BoundListener, Handler, ListenOptions, Listener, VirtualListener, WorkerListener,
};
use gorge_runtime::Runtime;

use crate::board::{Board, Post};
use crate::control::Control;
use crate::core::Core;
use crate::graph;
use crate::hooks::{Failure, Hooks};
use crate::keeper::Keeper;
use crate::listen::Listen;
use crate::pid_file::PidFile;
use crate::port::{Manner, Port, Ports};
use crate::refusal::Refusal;
use crate::running::{Running, Stopped};
use crate::service::Service;
use crate::signals::Signals;
use crate::{Config, Phase, accept, reload, supervise};

/// The name of the service that [`Server::start`] and [`Server::run`] make.
const MAIN: &str = "main";

/// A server on its way.
///
/// The short form serves one handler: bind its addresses with [`listen`](Server::listen), then
/// [`start`](Server::start) or [`run`](Server::run) it. The long one has any number of services:
/// [`add`](Server::add) them, then [`launch`](Server::launch) or [`serve`](Server::serve).
pub struct Server {
    config: Config,
    bound: Vec<(Address, ListenOptions, BoundListener)>,
    in_memory: Vec<VirtualListener>,
    services: Vec<Added>,
    hooks: Hooks,
    control: Option<Control>,
    pid_file: Option<PidFile>,
}

/// A service whose addresses are bound.
struct Added {
    service: Service,
    bound: Vec<(Listen, BoundListener)>,
}

impl Server {
    /// A server without services yet.
    pub fn new(config: Config) -> Self {
        Server {
            config,
            bound: Vec::new(),
            in_memory: Vec::new(),
            services: Vec::new(),
            hooks: Hooks::default(),
            control: None,
            pid_file: None,
        }
    }

    /// Binds `address` for the one handler of [`start`](Server::start) or [`run`](Server::run), and
    /// returns it with the port the kernel chose if 0 was asked for. Connections queue from now on.
    /// Any number of addresses can be bound.
    ///
    /// # Errors
    /// [`Kind::BindFailed`]; see [`Listener::bind`], which also says when this call waits.
    pub fn listen(&mut self, address: &Address, options: &ListenOptions) -> Result<Address> {
        let bound = Listener::bind(address, options)?;
        let chosen = bound.address().clone();
        self.bound.push((address.clone(), options.clone(), bound));
        Ok(chosen)
    }

    /// Serves connections made in memory, as if they came from a socket.
    pub fn listen_in_memory(&mut self, listener: VirtualListener) {
        self.in_memory.push(listener);
    }

    /// Adds a service and binds its addresses; returns them, with the ports the kernel chose.
    ///
    /// # Errors
    /// [`Kind::Configuration`] for a name that is taken, [`Kind::BindFailed`] as for
    /// [`listen`](Server::listen).
    pub fn add(&mut self, mut service: Service) -> Result<Vec<Address>> {
        if self.services.iter().any(|added| added.service.name == service.name) {
            let context = format!("there are two services `{}`", service.name);
            return Err(Error::explain(Kind::Configuration, context));
        }
        let bind = |listen: Listen| Ok((Listener::bind(&listen.address, &listen.options)?, listen));
        let bound: Result<Vec<_>> = std::mem::take(&mut service.listens).into_iter().map(bind).collect();
        let bound: Vec<_> = bound?.into_iter().map(|(bound, listen)| (listen, bound)).collect();
        let addresses = bound.iter().map(|(_, bound)| bound.address().clone()).collect();
        self.services.push(Added { service, bound });
        Ok(addresses)
    }

    /// Calls `told` with each phase the server enters, from whichever of its threads enters it. It
    /// should return soon.
    pub fn on_phase(&mut self, told: impl Fn(Phase) + Send + Sync + 'static) {
        self.hooks.phase.push(Box::new(told));
    }

    /// Calls `hook` when the workers run and before any service starts. An error of it ends the start.
    pub fn on_start(&mut self, hook: impl FnOnce(&Running) -> Result<()> + Send + 'static) {
        self.hooks.start.get_mut().push(Box::new(hook));
    }

    /// Calls `hook` when all services are ready for the first time.
    pub fn on_ready(&mut self, hook: impl FnOnce(&Running) + Send + 'static) {
        self.hooks.ready.get_mut().push(Box::new(hook));
    }

    /// Calls `hook` when the server begins to stop.
    pub fn on_stop(&mut self, hook: impl FnOnce(&Running) + Send + 'static) {
        self.hooks.stop.get_mut().push(Box::new(hook));
    }

    /// Calls `told` each time a service dies.
    pub fn on_failure(&mut self, told: impl Fn(&Failure<'_>) + Send + Sync + 'static) {
        self.hooks.failure.push(Box::new(told));
    }

    /// Calls `told` for each connection that is closed before its handler sees it: not allowed to connect,
    /// too many from its address, without a good PROXY header, or without a TLS handshake. It is called on
    /// the worker and must not block; strangers decide how often, so whoever writes of it should sum up
    /// (`gorge_proxy::ErrorLog::refused` does).
    pub fn on_refusal(&mut self, told: impl Fn(&Refusal<'_>) + Send + Sync + 'static) {
        self.hooks.refusal.push(Box::new(told));
    }

    /// What a reload does: on the signal HUP, on the word `reload` at the [control](Server::control)
    /// socket, and for [`Running::reload`]. It returns what there is to say about it.
    ///
    /// It runs on a thread of its own, so it may block, and a stop does not wait for it. Reloads come
    /// one after another; those asked for while one runs are answered together by one more.
    pub fn on_reload(&mut self, reload: impl Fn(&Running) -> Result<String> + Send + Sync + 'static) {
        self.hooks.reload = Some(Box::new(reload));
    }

    /// Calls `reopen` on the signal USR1, on a thread of its own: log files were moved away.
    pub fn on_reopen(&mut self, reopen: impl Fn() + Send + Sync + 'static) {
        self.hooks.reopen = Some(Arc::new(reopen));
    }

    /// Binds a control socket at `path`, to be asked with [`control::ask`](crate::control::ask). Its
    /// file has mode 0600, and only this user and root are answered. One that a dead process left
    /// behind is replaced.
    ///
    /// # Errors
    /// [`Kind::BindFailed`], also if a process that lives listens there.
    pub fn control(&mut self, path: impl AsRef<Path>) -> Result<()> {
        self.control = Some(Control::bind(path.as_ref())?);
        Ok(())
    }

    /// Holds the PID file until the workers have ended, and removes it before those are answered who
    /// asked for the stop.
    pub fn pid_file(&mut self, pid_file: PidFile) {
        self.pid_file = Some(pid_file);
    }

    /// Serves `handler` on what was bound with [`listen`](Server::listen), beside the services added;
    /// see [`launch`](Server::launch).
    ///
    /// # Errors
    /// As for [`launch`](Server::launch).
    pub fn start(mut self, handler: impl Handler) -> Result<Running> {
        self.add_main(handler)?;
        self.launch()
    }

    /// Serves `handler` on what was bound with [`listen`](Server::listen), beside the services added;
    /// see [`serve`](Server::serve).
    ///
    /// # Errors
    /// As for [`launch`](Server::launch).
    pub fn run(mut self, handler: impl Handler, ready: impl FnOnce(&Running)) -> Result<Stopped> {
        self.add_main(handler)?;
        self.serve(ready)
    }

    fn add_main(&mut self, handler: impl Handler) -> Result<()> {
        let handler: Arc<dyn Handler> = Arc::new(handler);
        let mut service = Service::new(MAIN);
        for listener in self.in_memory.drain(..) {
            service.in_memory.push((listener, handler.clone()));
        }
        self.add(service)?;
        let listen = |(address, options, bound)| {
            (Listen { options, ..Listen::shared(address, handler.clone()) }, bound)
        };
        let bound = self.bound.drain(..).map(listen).collect();
        if let Some(added) = self.services.last_mut() {
            added.bound = bound;
        }
        Ok(())
    }

    /// Starts the workers and the services, and returns without waiting for them to be ready.
    ///
    /// # Errors
    /// [`Kind::Configuration`] for zero workers or connections, and for services that wait for each
    /// other or for one that there is not; [`Kind::Internal`] when threads cannot be started;
    /// [`Kind::BindFailed`] when an address cannot have a socket per worker; that of an
    /// [`on_start`](Server::on_start) hook.
    pub fn launch(self) -> Result<Running> {
        self.begin(false)
    }

    /// Starts, and serves until somebody asks to stop: TERM or INT stop gracefully, a second one at
    /// once. HUP reloads if there is something to ([`on_reload`](Server::on_reload)), USR1 reopens
    /// files, PIPE is ignored. `ready` is called here when all services are ready for the first time.
    /// Blocks the calling thread.
    ///
    /// # Errors
    /// As for [`launch`](Server::launch).
    pub fn serve(self, ready: impl FnOnce(&Running)) -> Result<Stopped> {
        Ok(self.begin(true)?.wait_telling(ready))
    }

    fn begin(mut self, catches: bool) -> Result<Running> {
        self.hooks.phase(Phase::Setup);
        if self.config.max_connections == 0 {
            return Err(Error::explain(Kind::Configuration, "a server must allow at least one connection"));
        }
        let reactor = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let reactor = reactor.or_err(Kind::Internal, "start the keeper")?;
        // Caught before the start, so that none is lost in between.
        let signals = {
            let _entered = reactor.enter();
            catches.then(|| Signals::catch(self.hooks.reload.is_some())).transpose()
        };
        let signals = signals.or_err(Kind::Internal, "catch signals")?;
        let (control, pid_file) = (self.control.take(), self.pid_file.take());
        let (workers, core) = self.assemble()?;
        core.enter(Phase::Bootstrap);
        core.hooks.start(&Running::view(core.clone()))?;
        reload::start(&core).or_err(Kind::Internal, "start a thread for reloads")?;
        supervise::begin_at_once(&core);
        let (events, told) = mpsc::channel();
        let keeper = Keeper { core: core.clone(), workers, reactor, signals, control, pid_file, events };
        keeper.start().or_err(Kind::Internal, "start the keeper")?;
        Ok(Running::new(core, told))
    }

    fn assemble(self) -> Result<(Runtime, Arc<Core>)> {
        let Server { config, services, hooks, .. } = self;
        let nodes: Vec<graph::Node<'_>> =
            services.iter().map(|added| (&*added.service.name, added.service.after.as_slice())).collect();
        let order = graph::order(&nodes)?;
        let workers = Runtime::new(config.runtime.clone())?;
        let handle = workers.handle().clone();
        let count = handle.workers();
        let seated = if config.runtime.work_stealing { 1 } else { count };
        let board = Board::new(|news| {
            let post = |added: &Added| {
                post_of(&added.service, &services, seated, Post::new(added.service.name.clone(), news))
            };
            services.iter().map(post).collect()
        });
        let admins: Vec<_> = services.iter().filter_map(|added| added.service.admin.clone()).collect();
        let ports = services.into_iter().zip(&board.posts).map(|(added, post)| ports_of(added, post, count));
        let ports = Ports::new(ports.collect::<Result<_>>()?);
        let core = Arc::new(Core::new(config, handle, board, order, ports, hooks));
        admins.iter().for_each(|admin| admin.belongs_to(&core));
        accept_again(&core);
        Ok((workers, core))
    }
}

/// Lets a worker that begins anew accept from what it has to; at the start that is nothing yet.
fn accept_again(core: &Arc<Core>) {
    let weak = Arc::downgrade(core);
    core.runtime.on_each_worker(move |worker| {
        if let Some(core) = weak.upgrade() {
            let ports = core.ports.lock().begun();
            ports.iter().for_each(|port| accept::open_on(&core, port, worker));
        }
        std::future::ready(())
    });
}

/// A service as the others see it; in `all` are those whose names it waits for.
fn post_of(service: &Service, all: &[Added], seated: usize, mut post: Post) -> Post {
    let place = |name: &String| all.iter().position(|other| *other.service.name == **name);
    post.after = service.after.iter().filter_map(place).collect();
    post.work = service.work.clone();
    post.announces = service.announces;
    post.admin = service.admin.is_some();
    post.seated = service.workers.map_or(seated, |workers| workers.min(seated));
    post
}

fn ports_of(added: Added, post: &Arc<Post>, workers: usize) -> Result<Vec<Arc<Port>>> {
    let mut ports = Vec::new();
    for (listen, bound) in added.bound {
        let address = bound.address().clone();
        let sockets = bound.for_workers(post.seated)?;
        let port = Port::new(&listen, address, sockets, post.clone(), workers, ports.len());
        ports.push(Arc::new(port));
    }
    for (listener, handler) in added.service.in_memory {
        let sockets = vec![WorkerListener::from(listener)];
        let port = Port::with(Manner::plain(handler), sockets, post.clone(), workers, ports.len());
        ports.push(Arc::new(port));
    }
    Ok(ports)
}

impl fmt::Debug for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let services: Vec<_> = self.services.iter().map(|added| &added.service).collect();
        f.debug_struct("Server")
            .field("config", &self.config)
            .field("services", &services)
            .finish_non_exhaustive()
    }
}
