//! HUP reloads, USR1 reopens, PIPE is ignored, and TERM stops also while a reload runs. A process of its
//! own, with one test, for signals reach the whole process.

mod common;

use std::sync::Mutex;
use std::sync::mpsc;
use std::thread;

use common::{LONG, Named, any, ask_at, config};
use gorge_server::{Listen, Phase, Server, Service};

fn raise(signal: libc::c_int) {
    // SAFETY: sends a signal to this process, which the server under test handles.
    assert_eq!(unsafe { libc::kill(libc::getpid(), signal) }, 0);
}

#[test]
fn each_signal_does_its_work() {
    let (tell, told) = mpsc::channel();
    let say = |tell: &mpsc::Sender<String>| {
        let tell = Mutex::new(tell.clone());
        move |what: &str| tell.lock().unwrap().send(what.to_owned()).unwrap()
    };
    let next = || told.recv_timeout(LONG).unwrap();
    let (go, goes) = mpsc::channel();
    let goes = Mutex::new(goes);

    let mut server = Server::new(config(1));
    let address = server.add(Service::new("web").listen(Listen::new(any(), Named("web")))).unwrap();
    let tell_reload = say(&tell);
    server.on_reload(move |_| {
        tell_reload("reload");
        goes.lock().unwrap().recv_timeout(LONG).unwrap();
        Ok(String::new())
    });
    let tell_reopen = say(&tell);
    server.on_reopen(move || tell_reopen("reopen"));
    let tell_phase = say(&tell);
    server.on_phase(move |phase| {
        if phase >= Phase::Running {
            tell_phase(phase.name());
        }
    });
    let tell_ready = say(&tell);
    let run = thread::spawn(move || server.serve(|_| tell_ready("ready")).unwrap());
    assert_eq!((next(), next()), ("running".into(), "ready".into()));

    raise(libc::SIGPIPE);
    raise(libc::SIGUSR1);
    assert_eq!(next(), "reopen");
    raise(libc::SIGHUP);
    assert_eq!(next(), "reload");
    // One after another: the second begins when the first is over.
    raise(libc::SIGHUP);
    raise(libc::SIGUSR1);
    assert_eq!(next(), "reopen");
    assert_eq!(ask_at(&address[0]).unwrap(), "web");
    go.send(()).unwrap();
    assert_eq!(next(), "reload");

    raise(libc::SIGTERM);
    assert_eq!((next(), next(), next()), ("draining".into(), "stopping".into(), "terminated".into()));
    assert_eq!(run.join().unwrap(), Default::default());
    go.send(()).unwrap();
}
