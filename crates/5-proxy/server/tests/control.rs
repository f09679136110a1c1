//! The control socket: who is answered, and what hostile clients can do.

mod common;

use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::{UnixListener, UnixStream};
use std::sync::Mutex;
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use common::{Folder, LONG, ask, config, named, tcp, until};
use gorge_error::{Error, Kind};
use gorge_server::control::{Answer, Verb, ask as control};
use gorge_server::{Config, PidFile, Server, Service};

fn answer(ok: bool, text: &str) -> Answer {
    Answer { ok, text: text.to_owned() }
}

#[test]
fn a_reload_is_answered_with_its_outcome() {
    let folder = Folder::new();
    let path = folder.at("control");
    let (tell, outcomes) = mpsc::channel();
    let outcomes = Mutex::new(outcomes);
    let mut server = Server::new(config(1));
    server.control(&path).unwrap();
    server.on_reload(move |_| outcomes.lock().unwrap().recv_timeout(LONG).unwrap());
    let running = server.launch().unwrap();
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);

    tell.send(Ok("3 routes, 2 listeners".to_owned())).unwrap();
    assert_eq!(control(&path, Verb::Reload).unwrap(), answer(true, "3 routes, 2 listeners"));
    tell.send(Err(Error::explain(Kind::Configuration, "line 3: what\nis this"))).unwrap();
    let refused = control(&path, Verb::Reload).unwrap();
    assert!(!refused.ok && refused.text.ends_with("line 3: what\nis this"), "{refused:?}");
    until("ready", || running.phase() == gorge_server::Phase::Running);
    let status = control(&path, Verb::Status).unwrap();
    assert_eq!(status, answer(true, "{\"state\":\"running\",\"in_flight\":0,\"reasons\":[]}"));
    running.stop();
    assert!(!path.exists());
    assert_eq!(control(&path, Verb::Status).unwrap_err().kind(), Kind::ConnectRefused);
}

#[test]
fn without_a_hook_there_is_nothing_to_reload() {
    let folder = Folder::new();
    let mut server = Server::new(config(1));
    server.control(folder.at("control")).unwrap();
    let running = server.launch().unwrap();
    let refused = control(folder.at("control"), Verb::Reload).unwrap();
    assert!(!refused.ok && refused.text.contains("nothing to reload"), "{refused:?}");
    running.stop();
}

#[test]
fn a_stop_is_answered_at_the_end_with_what_was_cut() {
    let folder = Folder::new();
    let (path, pid) = (folder.at("control"), folder.at("pid"));
    let mut server = Server::new(Config { grace: Duration::from_millis(20), ..config(1) });
    server.control(&path).unwrap();
    server.pid_file(PidFile::create(&pid).unwrap());
    let address = server.add(Service::new("web").listen(named("web"))).unwrap();
    let running = server.launch().unwrap();
    let _silent = TcpStream::connect(tcp(&address[0])).unwrap();
    until("the connection", || running.connections().open() == 1);
    assert_eq!(PidFile::read(&pid).unwrap(), Some(std::process::id()));
    let asked: Vec<_> = (0..2)
        .map(|_| {
            thread::spawn({
                let path = path.clone();
                move || control(path, Verb::Stop)
            })
        })
        .collect();
    assert_eq!(running.wait().cut, 1);
    let text = "stopped; connections cut off when the grace was over: 1";
    for asked in asked {
        // One that came too late found nobody.
        match asked.join().unwrap() {
            Ok(said) => assert_eq!(said, answer(true, text)),
            Err(error) => assert!(matches!(error.kind(), Kind::ConnectRefused | Kind::ReadFailed), "{error}"),
        }
    }
    assert_eq!(PidFile::read(&pid).unwrap(), None);
    assert!(!pid.exists());
}

#[test]
fn a_clean_stop_says_so() {
    let folder = Folder::new();
    let mut server = Server::new(config(1));
    server.control(folder.at("control")).unwrap();
    let address = server.add(Service::new("web").listen(named("web"))).unwrap();
    let running = server.launch().unwrap();
    let mut client = TcpStream::connect(tcp(&address[0])).unwrap();
    ask(&mut client).unwrap();
    let asked = thread::spawn({
        let path = folder.at("control");
        move || control(path, Verb::Stop).unwrap()
    });
    assert_eq!(running.wait().cut, 0);
    assert_eq!(asked.join().unwrap(), answer(true, "stopped"));
}

#[test]
fn garbage_and_silence_harm_nobody() {
    let folder = Folder::new();
    let path = folder.at("control");
    let mut server = Server::new(config(1));
    server.control(&path).unwrap();
    let running = server.launch().unwrap();
    let say = |bytes: &[u8]| {
        let mut stream = UnixStream::connect(&path).unwrap();
        // Refused in the middle is refused as well.
        let _ = stream.write_all(bytes);
        let _ = stream.shutdown(std::net::Shutdown::Write);
        let mut text = Vec::new();
        let _ = stream.read_to_end(&mut text);
        String::from_utf8(text).unwrap()
    };
    let usage = "error\none line, please: reload, status or stop\n";
    let garbage: &[&[u8]] =
        &[b"", b"\n", b"reload", b"RELOAD\n", b"stop \n", b"\xff\xfe\n", b"GET / HTTP/1.1\r\n\r\n"];
    for bytes in garbage {
        assert_eq!(say(bytes), usage, "{}", bytes.escape_ascii());
    }
    let long = say(&[b'a'; 100_000]);
    assert!(long == usage || long.is_empty(), "{long}");
    assert!(say(b"status\nstop\n").starts_with("ok\n{\"state\""));
    assert_ne!(running.phase(), gorge_server::Phase::Draining);

    // As many silent ones as there may be, and then some.
    let silent: Vec<_> = (0..40).map(|_| UnixStream::connect(&path).unwrap()).collect();
    let mut last = silent[39].try_clone().unwrap();
    assert_eq!(last.read(&mut [0]).unwrap(), 0, "one too many is closed at once");
    drop((silent, last));
    until("room again", || control(&path, Verb::Status).is_ok_and(|status| status.ok));
    running.stop();
}

#[test]
fn a_socket_that_lives_is_refused_and_a_dead_one_replaced() {
    let folder = Folder::new();
    let path = folder.at("control");
    let living = UnixListener::bind(&path).unwrap();
    let error = Server::new(config(1)).control(&path).unwrap_err();
    assert_eq!(error.kind(), Kind::BindFailed);
    drop(living);
    assert!(path.exists());
    let mut server = Server::new(config(1));
    server.control(&path).unwrap();
    let running = server.launch().unwrap();
    assert!(control(&path, Verb::Status).unwrap().ok);
    running.stop();
}
