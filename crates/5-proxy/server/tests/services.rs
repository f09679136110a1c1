//! Services: who waits for whom, who is started again, who ends when.

mod common;

use std::net::TcpStream;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{self, Receiver};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use common::{LONG, ask_at, config, named, tcp, until};
use gorge_error::{Error, Kind, Result};
use gorge_server::{Config, Context, Running, Server, Service, State};

/// Pauses that no test waits long for.
fn quick() -> Config {
    let (restart_pause, restart_pause_most) = (Duration::from_millis(10), Duration::from_millis(40));
    Config { restart_pause, restart_pause_most, ..config(2) }
}

fn state(running: &Running, service: &str) -> State {
    running.service(service).unwrap().state
}

/// A service that is ready when the test says so.
fn gated(name: &'static str) -> (Service, mpsc::Sender<()>) {
    let (open, opened) = mpsc::channel();
    let opened = Arc::new(Mutex::new(opened));
    let work = move |context: Context| {
        let opened: Arc<Mutex<Receiver<()>>> = opened.clone();
        async move {
            while opened.lock().unwrap().try_recv().is_err() {
                if !context.pause(Duration::from_millis(1)).await {
                    return Ok(());
                }
            }
            context.ready();
            context.shutdown().wait().await;
            Ok(())
        }
    };
    (Service::background(name, work).announces_ready(), open)
}

#[test]
fn a_service_starts_when_those_before_it_are_ready() {
    let (db, open_db) = gated("db");
    let (cache, open_cache) = gated("cache");
    let mut server = Server::new(config(1));
    let address = server.add(Service::new("web").listen(named("web")).after("cache").after("db")).unwrap();
    server.add(cache.after("db")).unwrap();
    server.add(db).unwrap();
    let running = server.launch().unwrap();

    // It queues, for the address is bound.
    let mut client = TcpStream::connect(tcp(&address[0])).unwrap();
    until("the start of db", || state(&running, "db") == State::Starting);
    assert_eq!((state(&running, "cache"), state(&running, "web")), (State::Waiting, State::Waiting));
    open_db.send(()).unwrap();
    until("the start of cache", || state(&running, "cache") == State::Starting);
    assert_eq!((state(&running, "db"), state(&running, "web")), (State::Ready, State::Waiting));
    assert_eq!(running.stats().accepted, 0);
    open_cache.send(()).unwrap();
    assert_eq!(common::ask(&mut client).unwrap(), "web");
    until("the start of web", || state(&running, "web") == State::Ready);
    drop(client);
    assert_eq!(running.stop(), Default::default());
}

#[test]
fn a_stop_does_not_wait_for_a_service_that_is_never_ready() {
    let (db, _never) = gated("db");
    let mut server = Server::new(config(1));
    server.add(db).unwrap();
    server.add(Service::new("web").listen(named("web")).after("db")).unwrap();
    assert_eq!(server.launch().unwrap().stop(), Default::default());
}

#[test]
fn circles_missing_and_double_names_are_errors_with_the_path() {
    let launch = |services: Vec<Service>| {
        let mut server = Server::new(config(1));
        services.into_iter().try_for_each(|service| server.add(service).map(drop)).unwrap();
        server.launch().unwrap_err()
    };
    let error = launch(vec![Service::new("a").after("b"), Service::new("b").after("a")]);
    assert_eq!(error.kind(), Kind::Configuration);
    assert!(error.to_string().contains("a -> b -> a"), "{error}");
    let error = launch(vec![Service::new("web").after("db")]);
    assert!(
        error.to_string().contains("no service `db`") && error.to_string().contains("web -> db"),
        "{error}"
    );

    let mut server = Server::new(config(1));
    server.add(Service::new("a")).unwrap();
    let error = server.add(Service::new("a")).unwrap_err();
    assert!(error.kind() == Kind::Configuration && error.to_string().contains("two services `a`"), "{error}");
}

#[test]
fn a_service_that_dies_is_started_again_after_pauses_that_double() {
    let lives = Arc::new(AtomicUsize::new(0));
    let (tell, told) = mpsc::channel();
    let mut server = Server::new(quick());
    let counted = lives.clone();
    server
        .add(Service::once("load", move || {
            let life = counted.fetch_add(1, Ordering::SeqCst) + 1;
            async move {
                if life < 6 { Err(Error::explain(Kind::File, format!("life {life}"))) } else { Ok(()) }
            }
        }))
        .unwrap();
    let address = server.add(Service::new("web").listen(named("web")).after("load")).unwrap();
    server.on_failure(move |failure| {
        let pause = failure.again_in.as_millis();
        tell.send((failure.service.to_owned(), failure.deaths, pause, failure.reason.to_owned())).unwrap();
    });
    let running = server.launch().unwrap();
    assert_eq!(ask_at(&address[0]).unwrap(), "web");
    let told: Vec<_> = told.try_iter().collect();
    let pauses: Vec<_> =
        told.iter().map(|(service, deaths, pause, _)| (&**service, *deaths, *pause)).collect();
    assert_eq!(pauses, [("load", 1, 10), ("load", 2, 20), ("load", 3, 40), ("load", 4, 40), ("load", 5, 40)]);
    assert!(told[0].3.contains("life 1"), "{told:?}");
    let load = running.service("load").unwrap();
    assert_eq!((load.state, load.deaths, lives.load(Ordering::SeqCst)), (State::Ready, 5, 6));
    assert!(load.last_failure.unwrap().contains("life 5"));
    assert_eq!(running.service("nobody"), None);
    running.stop();
}

#[test]
fn a_panic_ends_one_life_of_a_service() {
    let lives = AtomicUsize::new(0);
    let mut server = Server::new(quick());
    server
        .add(Service::once("load", move || {
            assert!(lives.fetch_add(1, Ordering::SeqCst) > 0, "a panic this test asks for");
            async { Ok(()) }
        }))
        .unwrap();
    let address = server.add(Service::new("web").listen(named("web")).after("load")).unwrap();
    let running = server.launch().unwrap();
    assert_eq!(ask_at(&address[0]).unwrap(), "web");
    let load = running.service("load").unwrap();
    assert!(load.deaths == 1 && load.last_failure.unwrap().contains("panic"));
    running.stop();
}

#[test]
fn a_background_service_is_ready_at_once_and_done_when_it_returns() {
    let lives = Arc::new(AtomicUsize::new(0));
    let counted = lives.clone();
    let mut server = Server::new(quick());
    server
        .add(Service::background("short", move |_| {
            counted.fetch_add(1, Ordering::SeqCst);
            async { Ok(()) }
        }))
        .unwrap();
    server
        .add(Service::background("long", |context| async move {
            context.shutdown().wait().await;
            Ok(())
        }))
        .unwrap();
    let address = server.add(Service::new("web").listen(named("web")).after("long").after("short")).unwrap();
    let running = server.launch().unwrap();
    assert_eq!(ask_at(&address[0]).unwrap(), "web");
    running.stop();
    assert_eq!(lives.load(Ordering::SeqCst), 1);
}

#[test]
fn a_periodic_service_repeats_and_is_ready_after_the_first_good_turn() {
    let (tell, turns) = mpsc::channel();
    let tell = Mutex::new(tell);
    let count = AtomicUsize::new(0);
    let mut server = Server::new(quick());
    let (period, jitter) = (Duration::from_millis(1), Duration::from_millis(1));
    server
        .add(Service::every("tick", period, jitter, move || {
            let turn = count.fetch_add(1, Ordering::SeqCst);
            // Nobody listens once the test is over.
            let _ = tell.lock().unwrap().send(turn);
            async move { if turn == 0 { Err(Error::explain(Kind::File, "at first")) } else { Ok(()) } }
        }))
        .unwrap();
    let running = server.launch().unwrap();
    assert_eq!(turns.iter().take(5).collect::<Vec<_>>(), [0, 1, 2, 3, 4]);
    let tick = running.service("tick").unwrap();
    assert_eq!((tick.state, tick.deaths), (State::Ready, 1));
    running.stop();
    // Ended with the server.
    assert!(turns.iter().count() < 1_000_000);
}

#[test]
fn services_end_after_the_connections_and_before_those_they_came_after() {
    let (tell, ended) = mpsc::channel();
    let service = |name: &'static str| {
        let tell = Mutex::new(tell.clone());
        Service::background(name, move |context| {
            let tell = tell.lock().unwrap().clone();
            async move {
                context.shutdown().wait().await;
                tell.send(name).map_err(|_| Error::new(Kind::Internal))
            }
        })
    };
    let mut server = Server::new(config(2));
    server.add(service("cache").after("db")).unwrap();
    server.add(service("db")).unwrap();
    server.add(service("probe").after("cache")).unwrap();
    let address = server.add(Service::new("web").listen(named("web")).after("probe")).unwrap();
    let running = server.launch().unwrap();
    let mut client = TcpStream::connect(tcp(&address[0])).unwrap();
    common::ask(&mut client).unwrap();
    assert_eq!(running.stop().cut, 0);
    assert_eq!(ended.try_iter().collect::<Vec<_>>(), ["probe", "cache", "db"]);
}

#[test]
fn a_service_that_does_not_end_is_left_behind() {
    let mut server = Server::new(Config { service_end: Duration::from_millis(1), ..config(1) });
    server
        .add(Service::background("deaf", |_| async {
            std::future::pending::<()>().await;
            Ok(())
        }))
        .unwrap();
    assert_eq!(server.launch().unwrap().stop(), Default::default());
}

#[test]
fn a_service_may_have_fewer_workers() {
    struct Where(Mutex<mpsc::Sender<usize>>);
    impl gorge_protocols::Handler for Where {
        fn serve(&self, _: gorge_protocols::Accepted) {
            self.0.lock().unwrap().send(gorge_runtime::worker_id()).unwrap();
        }
    }
    let folder = common::Folder::new();
    let path = folder.at("s");
    let (tell, told) = mpsc::channel();
    let handler = Arc::new(Where(Mutex::new(tell)));
    let unix =
        gorge_server::Listen::new(gorge_protocols::Address::Unix(path.as_path().into()), handler.clone());
    let mut server = Server::new(config(4));
    let tcp_listen = gorge_server::Listen::new(common::any(), handler);
    let addresses = server.add(Service::new("narrow").workers(2).listen(tcp_listen).listen(unix)).unwrap();
    let running = server.launch().unwrap();
    let mut seen = std::collections::HashSet::new();
    for _ in 0..50 {
        TcpStream::connect(tcp(&addresses[0])).unwrap();
        std::os::unix::net::UnixStream::connect(&path).unwrap();
        for _ in 0..2 {
            seen.insert(told.recv_timeout(LONG).unwrap());
        }
    }
    let mut seen: Vec<_> = seen.into_iter().collect();
    seen.sort_unstable();
    assert_eq!(seen, [0, 1]);
    running.stop();
}

#[test]
fn the_worker_of_a_background_service_may_die() {
    // The service is aborted with its worker, and begins anew on the next one.
    let (tell, begun) = mpsc::channel();
    let tell = Mutex::new(tell);
    let mut server = Server::new(quick());
    server
        .add(Service::background("life", move |context| {
            tell.lock().unwrap().send(()).unwrap();
            async move {
                context.shutdown().wait().await;
                Ok(())
            }
        }))
        .unwrap();
    let running = server.launch().unwrap();
    begun.recv_timeout(LONG).unwrap();
    kill_loop(&running);
    begun.recv_timeout(LONG).unwrap();
    assert_eq!(running.service("life").unwrap().deaths, 1);
    running.stop();
}

/// A waker that panics takes the loop with it that calls it.
struct Bomb;

impl std::task::Wake for Bomb {
    fn wake(self: Arc<Self>) {
        panic!("a panic this test asks for");
    }
}

fn arm(stream: &tokio::net::TcpStream) {
    let waker = std::task::Waker::from(Arc::new(Bomb));
    assert!(stream.poll_read_ready(&mut std::task::Context::from_waker(&waker)).is_pending());
}

/// Ends the loop of the first worker.
fn kill_loop(running: &Running) {
    let mut port = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let client = TcpStream::connect(port.local_addr().unwrap()).unwrap();
    client.set_nonblocking(true).unwrap();
    let (armed, is_armed) = mpsc::channel();
    running.workers().spawn_on(0, async move {
        let stream = tokio::net::TcpStream::from_std(client).unwrap();
        arm(&stream);
        armed.send(()).unwrap();
        std::future::pending::<()>().await;
        drop(stream);
    });
    is_armed.recv_timeout(LONG).unwrap();
    std::io::Write::write_all(&mut accept(&mut port), b"boom").unwrap();
    until("the worker's death", || running.workers().replaced() == 1);
}

fn accept(port: &mut std::net::TcpListener) -> TcpStream {
    port.accept().unwrap().0
}

#[test]
fn an_error_of_the_start_hook_ends_the_start() {
    let mut server = Server::new(config(1));
    let address = server.add(Service::new("web").listen(named("web"))).unwrap();
    server.on_start(|_| -> Result<()> { Err(Error::explain(Kind::Configuration, "not today")) });
    assert!(server.launch().unwrap_err().to_string().contains("not today"));
    assert!(TcpStream::connect(tcp(&address[0])).is_err());
}
