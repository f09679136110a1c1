//! Other listeners for a service that runs: what stays, what comes, what goes.

mod common;

use std::fs;
use std::io;
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixStream;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;

use common::{Folder, Named, any, ask, ask_at, config, is_closed, named, tcp, until};
use gorge_error::Kind;
use gorge_protocols::{Address, ListenOptions, SocketOptions};
use gorge_server::{Listen, Running, Server, Service};

/// A server with one service, `web`.
fn web(listens: Vec<Listen>) -> (Running, Vec<Address>) {
    let mut server = Server::new(config(2));
    let service = listens.into_iter().fold(Service::new("web"), Service::listen);
    let addresses = server.add(service).unwrap();
    let running = server.launch().unwrap();
    until("ready", || running.service("web").unwrap().state == gorge_server::State::Ready);
    (running, addresses)
}

fn at(address: &Address, name: &'static str) -> Listen {
    Listen::new(address.clone(), Named(name))
}

fn with(listen: Listen, options: ListenOptions) -> Listen {
    let mut listen = listen;
    listen.options = ListenOptions { bind_tries: 1, ..options };
    listen
}

#[test]
fn listeners_are_kept_added_and_removed() {
    let (running, old) = web(vec![named("kept"), named("gone")]);
    let mut kept = TcpStream::connect(tcp(&old[0])).unwrap();
    let mut gone = TcpStream::connect(tcp(&old[1])).unwrap();
    assert_eq!((ask(&mut kept).unwrap(), ask(&mut gone).unwrap()), ("kept".into(), "gone".into()));

    // Written differently from those that are there, port 0 means another one.
    let other = Address::Ip("127.0.0.2:0".parse().unwrap());
    let changes = running.set_listeners("web", vec![at(&old[0], "next"), at(&other, "new")]).unwrap();
    assert_eq!((&changes.kept[..], &changes.removed[..]), (&old[..1], &old[1..]));
    let [new] = &changes.added[..] else { panic!("{changes:?}") };
    assert_eq!(running.addresses("web"), [old[0].clone(), new.clone()]);
    assert_eq!((ask_at(&old[0]).unwrap(), ask_at(new).unwrap()), ("next".into(), "new".into()));
    // A connection that was open stays, and is served as it was.
    assert_eq!(ask(&mut kept).unwrap(), "kept");
    // One whose listener is gone ends after its exchange.
    assert!(is_closed(&mut gone));
    until("the close", || ask_at(&old[1]).is_err());
    let refused = TcpStream::connect(tcp(&old[1])).unwrap_err();
    assert_eq!(refused.kind(), io::ErrorKind::ConnectionRefused);
    drop(kept);
    assert_eq!(running.stop().cut, 0);
}

#[test]
fn an_address_becomes_wider_and_narrower_although_both_cannot_be_had_at_once() {
    let (running, old) = web(vec![named("narrow")]);
    let port = tcp(&old[0]).port();
    let narrow = old[0].clone();
    let mut open = TcpStream::connect(tcp(&narrow)).unwrap();
    assert_eq!(ask(&mut open).unwrap(), "narrow");
    for wide in ["0.0.0.0", "[::]"] {
        let wide: Address = format!("{wide}:{port}").parse().unwrap();
        let listen = |address: &Address, name| with(at(address, name), ListenOptions::default());
        let changes = running.set_listeners("web", vec![listen(&wide, "wide")]).unwrap();
        assert_eq!((&changes.added[..], &changes.removed[..]), (&[wide.clone()][..], &old[..]));
        until("the narrow one is gone", || ask_at(&narrow).is_ok_and(|name| name == "wide"));
        // Not while the wide one is to stay: then both would be served.
        let both = vec![listen(&wide, "wide"), listen(&narrow, "narrow")];
        assert_eq!(running.set_listeners("web", both).unwrap_err().kind(), Kind::BindFailed);
        running.set_listeners("web", vec![listen(&narrow, "narrow")]).unwrap();
        until("the wide one is gone", || ask_at(&narrow).is_ok_and(|name| name == "narrow"));
    }
    running.stop();
}

#[test]
fn an_exchange_in_flight_on_a_removed_listener_is_finished() {
    let (running, old) = web(vec![named("gone")]);
    // Connected, and its first request not sent: it waits for that one.
    let mut client = TcpStream::connect(tcp(&old[0])).unwrap();
    running.set_listeners("web", Vec::new()).unwrap();
    until("the close", || TcpStream::connect(tcp(&old[0])).is_err());
    assert_eq!(ask(&mut client).unwrap(), "gone");
    assert!(is_closed(&mut client));
    running.stop();
}

#[test]
fn an_address_that_is_not_to_be_had_changes_nothing() {
    let (running, old) = web(vec![named("old")]);
    let holder = TcpListener::bind("127.0.0.1:0").unwrap();
    let taken = Address::Ip(holder.local_addr().unwrap());
    let wanted = vec![
        at(&old[0], "next"),
        with(named("new"), ListenOptions::default()),
        with(at(&taken, "taken"), ListenOptions::default()),
    ];
    let error = running.set_listeners("web", wanted).unwrap_err();
    assert_eq!(error.kind(), Kind::BindFailed);
    assert_eq!((running.addresses("web"), ask_at(&old[0]).unwrap()), (old.clone(), "old".into()));
    drop(holder);

    let twice = running.set_listeners("web", vec![at(&old[0], "a"), at(&old[0], "b")]).unwrap_err();
    assert!(twice.kind() == Kind::Configuration && twice.to_string().contains("twice"), "{twice}");
    let nobody = running.set_listeners("nobody", Vec::new()).unwrap_err();
    assert_eq!(nobody.kind(), Kind::Configuration);
    assert_eq!(ask_at(&old[0]).unwrap(), "old");
    running.stop();
}

#[test]
fn a_server_about_to_stop_changes_no_listeners() {
    let (running, old) = web(vec![named("old")]);
    let mut client = TcpStream::connect(tcp(&old[0])).unwrap();
    running.stopper().request();
    until("the close", || TcpStream::connect(tcp(&old[0])).is_err());
    assert_eq!(running.set_listeners("web", vec![named("new")]).unwrap_err().kind(), Kind::Draining);
    assert_eq!(ask(&mut client).unwrap(), "old");
    running.wait();
}

#[test]
fn unix_sockets_keep_their_file_or_lose_it() {
    let folder = Folder::new();
    let (first, second) = (folder.at("first"), folder.at("second"));
    let unix = |path: &std::path::Path, name| Listen::new(Address::Unix(path.into()), Named(name));
    let mode = |path: &std::path::Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    let (running, _) = web(vec![unix(&first, "first")]);
    let mut open = UnixStream::connect(&first).unwrap();
    assert_eq!((ask(&mut open).unwrap(), mode(&first)), ("first".into(), 0o660));

    let options = ListenOptions { mode: 0o600, backlog: 7, ..ListenOptions::default() };
    let wanted = vec![with(unix(&first, "next"), options), unix(&second, "second")];
    running.set_listeners("web", wanted).unwrap();
    assert_eq!(mode(&first), 0o600);
    assert_eq!(ask(&mut UnixStream::connect(&first).unwrap()).unwrap(), "next");
    assert_eq!(ask(&mut UnixStream::connect(&second).unwrap()).unwrap(), "second");
    assert_eq!(ask(&mut open).unwrap(), "first");

    for _ in 0..20 {
        running.set_listeners("web", vec![unix(&first, "first")]).unwrap();
        running.set_listeners("web", vec![unix(&first, "first"), unix(&second, "again")]).unwrap();
        assert_eq!(ask(&mut UnixStream::connect(&second).unwrap()).unwrap(), "again");
    }
    running.stop();
    assert!(!first.exists() && !second.exists());
}

/// What the listening sockets at `address` in this process say, from which connections inherit it.
fn nodelay_at(address: &Address) -> bool {
    let port = tcp(address).port();
    let mut found = Vec::new();
    for fd in fs::read_dir("/proc/self/fd").unwrap() {
        let Ok(fd) = fd.unwrap().file_name().to_str().unwrap().parse::<i32>() else { continue };
        if let Some(nodelay) = listening_nodelay(fd, port) {
            found.push(nodelay);
        }
    }
    assert!(!found.is_empty() && found.iter().all(|one| *one == found[0]), "{found:?}");
    found[0]
}

fn listening_nodelay(fd: i32, port: u16) -> Option<bool> {
    let option = |level, name| {
        let (mut value, mut len) = (0, size_of::<i32>() as libc::socklen_t);
        // SAFETY: the kernel writes an int at most; a descriptor that is no socket is an error.
        let done = unsafe { libc::getsockopt(fd, level, name, (&raw mut value).cast(), &mut len) };
        (done == 0).then_some(value)
    };
    if option(libc::SOL_SOCKET, libc::SO_ACCEPTCONN)? == 0 {
        return None;
    }
    let mut name = libc::sockaddr_in {
        sin_family: 0,
        sin_port: 0,
        sin_addr: libc::in_addr { s_addr: 0 },
        sin_zero: [0; 8],
    };
    let mut len = size_of_val(&name) as libc::socklen_t;
    // SAFETY: the kernel writes `len` bytes at most.
    let done = unsafe { libc::getsockname(fd, (&raw mut name).cast(), &mut len) };
    if done != 0 || i32::from(name.sin_family) != libc::AF_INET || u16::from_be(name.sin_port) != port {
        return None;
    }
    option(libc::IPPROTO_TCP, libc::TCP_NODELAY).map(|nodelay| nodelay != 0)
}

#[test]
fn options_change_on_sockets_that_stay() {
    let (running, old) = web(vec![named("old")]);
    let mut open = TcpStream::connect(tcp(&old[0])).unwrap();
    assert_eq!((ask(&mut open).unwrap(), nodelay_at(&old[0])), ("old".into(), true));
    let socket = SocketOptions {
        nodelay: false,
        keepalive: None,
        user_timeout: Some(common::LONG),
        receive_buffer: Some(64 * 1024),
        dscp: Some(10),
        ..SocketOptions::default()
    };
    let options = ListenOptions { backlog: 3, socket, ..ListenOptions::default() };
    let changes = running.set_listeners("web", vec![with(at(&old[0], "next"), options)]).unwrap();
    assert_eq!((&changes.kept, changes.left.len()), (&old, 0));
    assert!(!nodelay_at(&old[0]));
    assert_eq!((ask(&mut open).unwrap(), ask_at(&old[0]).unwrap()), ("old".into(), "next".into()));
    running.stop();
}

#[test]
fn what_no_socket_can_change_is_reached_by_others_beside_it() {
    let (running, old) = web(vec![named("old")]);
    let mut open = TcpStream::connect(tcp(&old[0])).unwrap();
    assert_eq!(ask(&mut open).unwrap(), "old");
    for reuse_port in [false, true, false] {
        let options = ListenOptions { reuse_port, ..ListenOptions::default() };
        let changes = running.set_listeners("web", vec![with(at(&old[0], "next"), options)]).unwrap();
        assert_eq!((&changes.kept, &changes.removed[..], &changes.left[..]), (&old, &[][..], &[][..]));
        until("the next ones", || ask_at(&old[0]).unwrap() == "next");
    }
    // Its listening socket is gone, so it was told to end.
    assert!(is_closed(&mut open));
    running.stop();
}

#[test]
fn port_zero_stays_where_it_is() {
    let (running, old) = web(vec![named("a"), named("b")]);
    let changes = running.set_listeners("web", vec![named("c"), named("d"), named("e")]).unwrap();
    assert_eq!((changes.kept.len(), changes.added.len(), changes.removed.len()), (2, 1, 0));
    let mut names: Vec<_> = running.addresses("web").iter().map(|at| ask_at(at).unwrap()).collect();
    names.sort();
    assert_eq!(names, ["c", "d", "e"]);
    assert!(changes.kept.iter().all(|kept| old.contains(kept)));
    running.stop();
}

#[test]
fn the_maximum_of_connections_changes_while_it_is_reached() {
    let (running, addresses) = web(vec![named("web")]);
    running.set_max_connections(1).unwrap();
    let mut first = TcpStream::connect(tcp(&addresses[0])).unwrap();
    ask(&mut first).unwrap();
    let mut second = TcpStream::connect(tcp(&addresses[0])).unwrap();
    until("a pause", || running.stats().full > 0);
    running.set_max_connections(2).unwrap();
    assert_eq!(ask(&mut second).unwrap(), "web");
    assert_eq!(running.set_max_connections(0).unwrap_err().kind(), Kind::Configuration);
    drop((first, second));
    running.stop();
}

/// Clients that connect, ask and leave, as fast as they can; counted apart where they are refused.
struct Hammer<'a> {
    stop: AtomicBool,
    served: AtomicU64,
    refused: AtomicU64,
    stable: &'a Address,
    path: &'a std::path::Path,
}

impl Hammer<'_> {
    /// Every connection to an address that stays must be answered.
    fn hit_stable(&self) {
        while !self.stop.load(Ordering::Relaxed) {
            let name = ask_at(self.stable).unwrap_or_else(|error| panic!("a connection was lost: {error}"));
            assert!(name == "odd" || name == "even", "{name}");
            let unix = UnixStream::connect(self.path).and_then(|mut stream| ask(&mut stream));
            assert!(unix.is_ok(), "a connection over the Unix socket was lost: {unix:?}");
            self.served.fetch_add(2, Ordering::Relaxed);
        }
    }

    /// One that comes and goes may refuse, but what it has taken it must answer.
    fn hit_fleeting(&self, fleeting: &Address) {
        while !self.stop.load(Ordering::Relaxed) {
            match TcpStream::connect(tcp(fleeting)) {
                Ok(mut stream) => {
                    let answer = ask(&mut stream);
                    assert!(answer.is_ok(), "a connection that stood was lost: {answer:?}");
                    self.served.fetch_add(1, Ordering::Relaxed);
                }
                Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => {
                    self.refused.fetch_add(1, Ordering::Relaxed);
                    thread::yield_now();
                }
                Err(error) => panic!("{error}"),
            }
        }
    }
}

#[test]
fn no_connection_is_lost_in_a_hundred_reloads() {
    let folder = Folder::new();
    let path = folder.at("stable");
    let unix = |name| Listen::new(Address::Unix(path.as_path().into()), Named(name));
    // An address of its own: with that of the clients, one of them could be given the port while nobody
    // listens there.
    let free = TcpListener::bind("127.0.0.3:0").unwrap();
    let fleeting = Address::Ip(free.local_addr().unwrap());
    drop(free);
    let (running, addresses) = web(vec![named("even"), unix("even")]);
    let stable = &addresses[0];
    let hammer = Hammer {
        stop: AtomicBool::new(false),
        served: AtomicU64::new(0),
        refused: AtomicU64::new(0),
        stable,
        path: &path,
    };
    thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| hammer.hit_stable());
            scope.spawn(|| hammer.hit_fleeting(&fleeting));
        }
        let stop = StopAtEnd(&hammer.stop);
        for reload in 0..100 {
            let name = if reload % 2 == 0 { "odd" } else { "even" };
            let mut wanted =
                vec![at(stable, name), unix(name), with(at(&any(), "other"), ListenOptions::default())];
            if reload % 2 == 0 {
                wanted.push(with(at(&fleeting, "fleeting"), ListenOptions::default()));
            }
            running.set_listeners("web", wanted).unwrap();
            let served = hammer.served.load(Ordering::Relaxed);
            until("traffic", || hammer.served.load(Ordering::Relaxed) > served + 5);
        }
        drop(stop);
    });
    assert!(hammer.refused.load(Ordering::Relaxed) > 0, "it never was away");
    assert_eq!(running.stop().cut, 0);
}

/// Ends the clients also when the test fails.
struct StopAtEnd<'a>(&'a AtomicBool);

impl Drop for StopAtEnd<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}
