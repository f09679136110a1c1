//! The life of a server from the first phase to the last, and who is told.

mod common;

use std::net::TcpStream;
use std::sync::mpsc::{self, Receiver, Sender};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use common::{LONG, ask, ask_at, config, named, tcp, until};
use gorge_error::{Error, Kind};
use gorge_server::{Config, Phase, Server, Service};

/// Collects what the hooks tell.
fn told<T: Send + 'static>() -> (impl Fn(T) + Send + Sync + Clone + 'static, Receiver<T>) {
    let (tell, told) = mpsc::channel();
    let tell = Arc::new(Mutex::new(tell));
    let tell = move |what| {
        let tell: &Arc<Mutex<Sender<T>>> = &tell;
        // The test may not listen any more.
        let _ = tell.lock().unwrap().send(what);
    };
    (tell, told)
}

#[test]
fn phases_and_hooks_come_in_their_order() {
    let (tell, told) = told();
    let mut server = Server::new(config(1));
    server.add(Service::new("web").listen(named("web"))).unwrap();
    let say = tell.clone();
    server.on_phase(move |phase| say(phase.name().to_owned()));
    server.on_phase(|_| panic!("a panic this test asks for, which harms nobody"));
    let say = tell.clone();
    server.on_start(move |running| {
        say(format!("start in {}", running.phase()));
        Ok(())
    });
    let say = tell.clone();
    server.on_ready(move |running| say(format!("ready in {}", running.phase())));
    let say = tell.clone();
    server.on_stop(move |running| say(format!("stop in {}", running.phase())));
    let running = server.launch().unwrap();
    let expected = ["setup", "bootstrap", "start in bootstrap", "running", "ready in running"];
    assert_eq!(told.iter().take(5).collect::<Vec<_>>(), expected);
    assert_eq!(running.phase(), Phase::Running);
    running.stop();
    let expected = ["draining", "stop in draining", "stopping", "terminated"];
    assert_eq!(told.try_iter().collect::<Vec<_>>(), expected);
}

#[test]
fn a_server_that_is_stopped_before_it_is_ready_never_runs() {
    let (tell, told) = told();
    let mut server = Server::new(config(1));
    server.add(Service::background("slow", |_| std::future::pending()).announces_ready()).unwrap();
    server.on_phase(tell);
    server.on_ready(|_| panic!("it is not ready"));
    let running = server.launch().unwrap();
    drop(running);
    let phases = [Phase::Setup, Phase::Bootstrap, Phase::Draining, Phase::Stopping, Phase::Terminated];
    assert_eq!(told.try_iter().collect::<Vec<_>>(), phases);
}

#[test]
fn a_drain_delay_goes_on_accepting() {
    let mut server = Server::new(Config { drain_delay: LONG, ..config(1) });
    let address = server.add(Service::new("web").listen(named("web"))).unwrap();
    let (tell, told) = told();
    server.on_phase(tell);
    let running = server.launch().unwrap();
    running.stopper().request();
    assert!(told.iter().any(|phase| phase == Phase::Draining));
    for _ in 0..3 {
        assert_eq!(ask_at(&address[0]).unwrap(), "web");
    }
    assert_eq!(told.try_iter().count(), 0);
    // A drop is as a second signal.
    drop(running);
    assert!(TcpStream::connect(tcp(&address[0])).is_err());
}

#[test]
fn delay_and_grace_can_be_changed_while_it_runs() {
    let mut server = Server::new(Config { drain_delay: LONG, grace: LONG, ..config(1) });
    let address = server.add(Service::new("web").listen(named("web"))).unwrap();
    let running = server.launch().unwrap();
    let mut client = TcpStream::connect(tcp(&address[0])).unwrap();
    ask(&mut client).unwrap();
    // One that never sends a request waits for its first.
    let _silent = TcpStream::connect(tcp(&address[0])).unwrap();
    until("both", || running.connections().open() == 2);
    running.set_drain_delay(Duration::ZERO);
    running.set_grace(Duration::from_millis(1));
    let stopped = running.stop();
    assert_eq!((stopped.cut, stopped.hurried), (1, false));
}

#[test]
fn reloads_come_one_after_another_and_those_who_wait_share_one() {
    let (begin, begun) = told();
    let (go, goes) = mpsc::channel();
    let goes = Mutex::new(goes);
    let mut server = Server::new(config(1));
    let count = std::sync::atomic::AtomicUsize::new(0);
    server.on_reload(move |_| {
        let number = count.fetch_add(1, std::sync::atomic::Ordering::SeqCst) + 1;
        begin(number);
        goes.lock().unwrap().recv_timeout(LONG).unwrap();
        if number == 2 {
            Ok(format!("reload {number}"))
        } else {
            Err(Error::explain(Kind::File, "not this one"))
        }
    });
    let running = server.launch().unwrap();
    thread::scope(|scope| {
        let first = scope.spawn(|| running.reload());
        assert_eq!(begun.recv_timeout(LONG).unwrap(), 1);
        let asked = Arc::new(std::sync::atomic::AtomicUsize::new(0));
        let waiting: Vec<_> = (0..3)
            .map(|_| {
                let asked = asked.clone();
                let running = &running;
                scope.spawn(move || {
                    asked.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
                    running.reload()
                })
            })
            .collect();
        until("all have asked", || asked.load(std::sync::atomic::Ordering::SeqCst) == 3);
        go.send(()).unwrap();
        let error = first.join().unwrap().unwrap_err();
        assert!(error.to_string().contains("not this one"), "{error}");
        // However many rounds it takes them: each was asked after the first had begun.
        begun.recv_timeout(LONG).unwrap();
        for _ in 0..3 {
            go.send(()).unwrap();
        }
        let outcomes: Vec<_> = waiting.into_iter().map(|one| one.join().unwrap()).collect();
        assert!(outcomes.iter().any(|one| one.as_ref().is_ok_and(|text| text == "reload 2")), "{outcomes:?}");
    });
    running.stop();
}

#[test]
fn a_reload_that_panics_or_is_not_there_is_an_error() {
    let running = Server::new(config(1)).launch().unwrap();
    assert!(running.reload().unwrap_err().to_string().contains("nothing to reload"));
    running.stop();

    let mut server = Server::new(config(1));
    server.on_reload(|_| panic!("a panic this test asks for"));
    let running = server.launch().unwrap();
    for _ in 0..2 {
        assert!(running.reload().unwrap_err().to_string().contains("panicked"));
    }
    running.stop();
}
