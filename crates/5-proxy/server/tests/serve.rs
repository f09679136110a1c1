//! A server from outside: who is served where, what is refused, and how it ends.

use std::collections::HashSet;
use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::os::unix::net::UnixStream;
use std::sync::mpsc::{self, Receiver, Sender};
use std::sync::{Arc, Mutex};
use std::task::{Context, Wake, Waker};
use std::thread;
use std::time::Duration;

use bytes::BytesMut;
use gorge_async_io::{Stream, StreamExt};
use gorge_error::Kind;
use gorge_protocols::{Accepted, Address, Handler, ListenOptions, PeerAddr, VirtualListener};
use gorge_runtime::{spawn, worker_id};
use gorge_server::{Config, Running, Server};

const LONG: Duration = Duration::from_secs(60);

/// Answers each line with itself, until the end or the shutdown; tells on which worker it began.
struct Echo {
    seen: Mutex<Sender<(usize, Option<PeerAddr>)>>,
}

impl Echo {
    fn new() -> (Self, Receiver<(usize, Option<PeerAddr>)>) {
        let (tx, rx) = mpsc::channel();
        (Echo { seen: Mutex::new(tx) }, rx)
    }
}

impl Handler for Echo {
    fn serve(&self, connection: Accepted) {
        // The test may have stopped listening.
        let _ = self.seen.lock().unwrap().send((worker_id(), connection.local.clone()));
        spawn(async move {
            let _ = echo(connection).await;
        });
    }
}

async fn echo(connection: Accepted) -> io::Result<()> {
    let Accepted { mut transport, mut shutdown, permit, .. } = connection;
    let mut buf = BytesMut::with_capacity(1024);
    // What waits for its first answer gets it, even after the shutdown was requested.
    let mut answered = false;
    loop {
        let read = std::future::poll_fn(|cx| {
            let read = transport.poll_read(cx, &mut buf);
            if read.is_pending() && answered && shutdown.poll_requested(cx).is_ready() {
                return std::task::Poll::Ready(Ok(0));
            }
            read
        });
        if read.await? == 0 {
            drop(permit);
            return Ok(());
        }
        transport.write_all(&buf).await?;
        buf.clear();
        answered = true;
    }
}

/// Takes connections over and never lets go of them.
struct Hold(Mutex<Sender<()>>);

impl Handler for Hold {
    fn serve(&self, connection: Accepted) {
        self.0.lock().unwrap().send(()).unwrap();
        spawn(async move {
            let _held = connection;
            std::future::pending::<()>().await;
        });
    }
}

fn config(workers: usize) -> Config {
    let runtime = gorge_runtime::Config { workers, ..Default::default() };
    Config { runtime, grace: LONG, ..Config::default() }
}

fn listen(server: &mut Server) -> SocketAddr {
    match server.listen(&"127.0.0.1:0".parse().unwrap(), &ListenOptions::default()).unwrap() {
        Address::Ip(addr) => addr,
        other => panic!("{other} is no IP address"),
    }
}

fn start(config: Config, handler: impl Handler) -> (Running, SocketAddr) {
    let mut server = Server::new(config);
    let address = listen(&mut server);
    (server.start(handler).unwrap(), address)
}

fn echoes(stream: &mut (impl Read + Write)) {
    stream.write_all(b"hello").unwrap();
    let mut answer = [0; 5];
    stream.read_exact(&mut answer).unwrap();
    assert_eq!(&answer, b"hello");
}

/// Waits until `done`, giving other threads the processor.
fn until(what: &str, mut done: impl FnMut() -> bool) {
    let start = std::time::Instant::now();
    while !done() {
        assert!(start.elapsed() < LONG, "{what} does not happen");
        thread::yield_now();
    }
}

#[test]
fn every_worker_accepts_for_itself() {
    let (echo, seen) = Echo::new();
    let (running, address) = start(config(2), echo);
    let mut workers = HashSet::new();
    let mut clients = Vec::new();
    while workers.len() < 2 {
        let mut client = TcpStream::connect(address).unwrap();
        echoes(&mut client);
        let (worker, local) = seen.recv_timeout(LONG).unwrap();
        assert_eq!(local, Some(PeerAddr::Ip(address)));
        workers.insert(worker);
        clients.push(client);
        assert!(clients.len() < 1000, "one worker gets nothing");
    }
    assert_eq!(running.connections().open(), clients.len());
    assert_eq!(running.stats().accepted, clients.len() as u64);
    assert_eq!(running.stop(), Default::default());
}

#[test]
fn shared_sockets_are_dealt_out_in_turn() {
    let folder = std::env::temp_dir().join(format!("gorge-serve-{}", std::process::id()));
    std::fs::create_dir(&folder).unwrap();
    let path = folder.join("s");
    let (echo, seen) = Echo::new();
    let mut server = Server::new(config(3));
    server.listen(&Address::Unix(path.as_path().into()), &ListenOptions::default()).unwrap();
    let running = server.start(echo).unwrap();
    let mut workers = Vec::new();
    for _ in 0..6 {
        echoes(&mut UnixStream::connect(&path).unwrap());
        workers.push(seen.recv_timeout(LONG).unwrap().0);
    }
    assert_eq!(workers, [1, 2, 0, 1, 2, 0]);
    running.stop();
    assert!(!path.exists());
    std::fs::remove_dir(&folder).unwrap();
}

#[test]
fn one_socket_without_reuse_port_serves_all_workers() {
    let (echo, seen) = Echo::new();
    let mut server = Server::new(config(2));
    let options = ListenOptions { reuse_port: false, ..ListenOptions::default() };
    let address = server.listen(&"127.0.0.1:0".parse().unwrap(), &options).unwrap();
    let running = server.start(echo).unwrap();
    let Address::Ip(address) = address else { panic!("{address}") };
    for _ in 0..2 {
        echoes(&mut TcpStream::connect(address).unwrap());
    }
    let workers: HashSet<_> = seen.iter().take(2).map(|(worker, _)| worker).collect();
    assert_eq!(workers.len(), 2);
    running.stop();
}

#[test]
fn several_addresses_are_served_by_one_server() {
    let (echo, _seen) = Echo::new();
    let mut server = Server::new(config(1));
    let addresses = [listen(&mut server), listen(&mut server)];
    let (listener, connector) = VirtualListener::new(4);
    server.listen_in_memory(listener);
    let running = server.start(echo).unwrap();
    for address in addresses {
        echoes(&mut TcpStream::connect(address).unwrap());
    }
    let (tx, rx) = mpsc::channel();
    running.workers().spawn_on(0, async move {
        let mut client = connector.connect().unwrap();
        client.write_all(b"in memory").await.unwrap();
        let mut buf = BytesMut::with_capacity(64);
        client.read(&mut buf).await.unwrap();
        tx.send(buf.to_vec()).unwrap();
    });
    assert_eq!(rx.recv_timeout(LONG).unwrap(), b"in memory");
    running.stop();
}

#[test]
fn work_stealing_serves_too() {
    let (echo, _seen) = Echo::new();
    let mut config = config(2);
    config.runtime.work_stealing = true;
    let (running, address) = start(config, echo);
    let mut clients: Vec<_> = (0..20).map(|_| TcpStream::connect(address).unwrap()).collect();
    clients.iter_mut().for_each(echoes);
    assert_eq!(running.stop(), Default::default());
}

#[test]
fn a_stop_ends_idle_connections_and_closes_the_socket() {
    let (echo, _seen) = Echo::new();
    let (running, address) = start(config(2), echo);
    let mut clients: Vec<_> = (0..10).map(|_| TcpStream::connect(address).unwrap()).collect();
    clients.iter_mut().for_each(echoes);
    let stopped = running.stop();
    assert_eq!((stopped.cut, stopped.stuck), (0, 0));
    for client in &mut clients {
        assert_eq!(client.read(&mut [0]).unwrap(), 0);
    }
    assert_eq!(TcpStream::connect(address).unwrap_err().kind(), io::ErrorKind::ConnectionRefused);
}

#[test]
fn a_stop_serves_what_is_queued_before_it_closes() {
    let (echo, seen) = Echo::new();
    let (running, address) = start(Config { max_connections: 1, ..config(2) }, echo);
    let mut first = TcpStream::connect(address).unwrap();
    echoes(&mut first);
    // With the one place taken these stay in the kernel's queue, on the sockets of both workers.
    let mut queued: Vec<_> = (0..20).map(|_| TcpStream::connect(address).unwrap()).collect();
    for client in &mut queued {
        client.write_all(b"hello").unwrap();
    }
    assert_eq!(seen.iter().take(1).count(), 1);
    let stopped = thread::spawn(move || running.stop());
    for client in &mut queued {
        let mut answer = Vec::new();
        client.read_to_end(&mut answer).expect("a queued connection was reset");
        assert_eq!(answer, b"hello");
    }
    assert_eq!(stopped.join().unwrap().cut, 0);
}

#[test]
fn what_is_open_after_the_grace_is_cut_and_counted() {
    let (tx, taken) = mpsc::channel();
    let (running, address) =
        start(Config { grace: Duration::from_millis(1), ..config(2) }, Hold(Mutex::new(tx)));
    let mut clients: Vec<_> = (0..3).map(|_| TcpStream::connect(address).unwrap()).collect();
    (0..3).for_each(|_| taken.recv_timeout(LONG).unwrap());
    let stopped = running.stop();
    assert_eq!((stopped.cut, stopped.stuck, stopped.hurried), (3, 0, false));
    for client in &mut clients {
        assert_eq!(client.read(&mut [0]).unwrap(), 0);
    }
}

#[test]
fn accepting_pauses_at_the_maximum_and_goes_on_when_one_closes() {
    let (echo, seen) = Echo::new();
    let (running, address) = start(Config { max_connections: 2, ..config(1) }, echo);
    let mut open: Vec<_> = (0..2).map(|_| TcpStream::connect(address).unwrap()).collect();
    open.iter_mut().for_each(echoes);
    let mut third = TcpStream::connect(address).unwrap();
    until("a pause", || running.stats().full > 0);
    assert_eq!((running.stats().accepted, running.connections().open()), (2, 2));
    drop(open.pop());
    echoes(&mut third);
    assert_eq!(running.stats().accepted, 3);
    drop(seen);
    running.stop();
}

#[test]
fn a_panic_of_the_handler_costs_one_connection() {
    struct Panics(Echo);
    impl Handler for Panics {
        fn serve(&self, connection: Accepted) {
            assert!(self.0.seen.lock().is_ok_and(|_| false), "a panic this test asks for: {connection:?}");
        }
    }
    let (running, address) = start(config(1), Panics(Echo::new().0));
    for _ in 0..3 {
        let mut client = TcpStream::connect(address).unwrap();
        assert_eq!(client.read(&mut [0]).unwrap(), 0);
    }
    until("the count", || (running.stats().panics, running.connections().open()) == (3, 0));
    running.stop();
}

#[test]
fn another_thread_can_stop_the_server() {
    let (echo, _seen) = Echo::new();
    let (running, address) = start(config(1), echo);
    let stopper = running.stopper();
    let waiting = thread::spawn(move || running.wait());
    echoes(&mut TcpStream::connect(address).unwrap());
    stopper.request();
    assert_eq!(waiting.join().unwrap(), Default::default());
}

/// A waker that panics kills the loop of the worker that calls it.
struct Bomb;

impl Wake for Bomb {
    fn wake(self: Arc<Self>) {
        panic!("a panic this test asks for");
    }
}

/// Leaves the bomb where the loop will find it once something arrives.
fn arm(connection: &mut Accepted) {
    let waker = Waker::from(Arc::new(Bomb));
    let cx = &mut Context::from_waker(&waker);
    // A mere `poll_readable` would not do: an accepted connection counts as readable until a read
    // has found nothing.
    assert!(connection.transport.poll_read(cx, &mut BytesMut::with_capacity(8)).is_pending());
}

#[test]
fn a_worker_that_begins_anew_accepts_again() {
    struct Bombs(Sender<()>, Mutex<bool>);
    impl Handler for Bombs {
        fn serve(&self, connection: Accepted) {
            let first = std::mem::replace(&mut *self.1.lock().unwrap(), false);
            let begun = self.0.clone();
            spawn(async move {
                let mut connection = connection;
                if first {
                    arm(&mut connection);
                    begun.send(()).unwrap();
                    std::future::pending::<()>().await;
                }
                let _ = echo(connection).await;
            });
        }
    }
    let (tx, begun) = mpsc::channel();
    let (running, address) = start(config(1), Bombs(tx, Mutex::new(true)));
    let mut first = TcpStream::connect(address).unwrap();
    begun.recv_timeout(LONG).unwrap();
    first.write_all(b"boom").unwrap();
    until("the worker's death", || running.workers().replaced() == 1);
    echoes(&mut TcpStream::connect(address).unwrap());
    assert_eq!(running.stop().cut, 0);
}

#[test]
fn dropping_a_running_server_frees_its_address() {
    let (echo, _seen) = Echo::new();
    let (running, address) = start(config(2), echo);
    let mut client = TcpStream::connect(address).unwrap();
    echoes(&mut client);
    drop(running);
    assert_eq!(client.read(&mut [0]).unwrap_or(0), 0);
    assert_eq!(TcpStream::connect(address).unwrap_err().kind(), io::ErrorKind::ConnectionRefused);
}

#[test]
fn a_taken_address_and_zeros_are_errors() {
    let mut first = Server::new(config(1));
    let address = Address::Ip(listen(&mut first));
    let once = ListenOptions { bind_tries: 1, ..ListenOptions::default() };
    let err = Server::new(config(1)).listen(&address, &once).unwrap_err();
    assert_eq!(err.kind(), Kind::BindFailed);
    for config in [config(0), Config { max_connections: 0, ..config(1) }] {
        let err = Server::new(config).start(Echo::new().0).unwrap_err();
        assert_eq!(err.kind(), Kind::Configuration);
    }
}
