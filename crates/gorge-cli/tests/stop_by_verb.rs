//! `gorge stop`, the PID file and the control socket.

mod served;

use std::os::unix::fs::PermissionsExt;
use std::thread;

use gorge_test_util::{Gate, Origin, Program};
use served::{GET, GORGE, HEAD, Served, answer, until, upstream};

const OK: &str = "[[route]]\nrespond = { text = \"ok\" }\n";

/// An origin that answers once the gate is open.
fn origin_behind(gate: &Gate) -> Origin {
    let gate = gate.clone();
    Origin::start(move |connection| {
        while connection.next_request().is_some() {
            gate.wait();
            connection.send(answer("", "late"));
        }
    })
}

fn serve(keys: &str, origin: &Origin) -> Served {
    let head = HEAD.replace("[[listen]]", &format!("{keys}\n[[listen]]"));
    Served::start(&format!("{head}{}[[route]]\nupstream = \"app\"\n", upstream("app", origin.addr())))
}

/// `gorge stop` on a thread of its own.
fn stopping(served: &Served) -> thread::JoinHandle<served::Ended> {
    let file = served.file();
    thread::spawn(move || served::gorge(&["stop", "-c", served::text(&file)]))
}

#[test]
fn it_waits_for_the_end_and_says_how_it_was() {
    let gate = Gate::new("the stop has begun");
    let origin = origin_behind(&gate);
    let mut served = serve("", &origin);
    let mut client = served.client();
    client.send(GET);
    origin.wait_for_requests(1);
    let asked = stopping(&served);
    served.program.err().wait_for("stopping");
    assert!(!asked.is_finished(), "the exchange is not over");
    gate.open();
    assert_eq!(client.response().text(), "late");
    asked.join().unwrap().expect(0, "stopped");
    assert_eq!(served.program.wait().code(), Some(0));
    assert!(!served.path("gorge.pid").exists(), "the PID file goes with the process");
    served.verb(&["stop"]).expect(3, "no process serves");
    served.verb(&["reload"]).expect(3, "no process serves");
}

#[test]
fn what_is_open_after_the_grace_is_cut_and_counted() {
    let gate = Gate::new("the process has ended");
    let origin = origin_behind(&gate);
    let mut served = serve("grace = \"50ms\"", &origin);
    let mut client = served.client();
    client.send(GET);
    origin.wait_for_requests(1);
    stopping(&served).join().unwrap().expect(0, "connections cut off when the grace was over: 1");
    assert_eq!(served.program.wait().code(), Some(0));
    assert!(client.is_closed());
    gate.open();
}

#[test]
fn a_second_signal_does_not_wait() {
    let gate = Gate::new("the process has ended");
    let origin = origin_behind(&gate);
    for keys in ["", "drain_delay = \"1h\""] {
        let mut served = serve(keys, &origin);
        let mut client = served.client();
        let before = origin.connections();
        client.send(GET);
        until("it has arrived", || origin.connections() > before);
        let asked = stopping(&served);
        served.program.err().wait_for("stopping");
        served.program.terminate();
        asked.join().unwrap().expect(0, "stopped at once; connections cut off: 1");
        assert_eq!(served.program.wait().code(), Some(0));
    }
    gate.open();
}

#[test]
fn a_broken_file_is_no_reason_not_to_stop() {
    for broken in ["[[route]\n", "[[route]]\nupstrem = 1\n"] {
        let mut served = Served::with(OK);
        served.addr();
        served.write(&format!("{HEAD}{OK}{broken}"));
        served.verb(&["stop"]).expect(0, "stopped");
        assert_eq!(served.program.wait().code(), Some(0));
    }
}

#[test]
fn a_file_without_pid_file_or_without_anything_is_told() {
    let served = Served::start(&format!("[[listen]]\naddress = \"127.0.0.1:0\"\n{OK}"));
    served.addr();
    for verb in ["stop", "reload"] {
        served.verb(&[verb]).expect(1, "set `pid_file = ");
        let missing = served.path("none.toml");
        served::gorge(&[verb, "-c", served::text(&missing)]).expect(1, "there is no such file");
    }
}

#[test]
fn one_file_is_served_by_one_process() {
    let served = Served::with(OK);
    served.addr();
    let second = served.verb(&["run"]);
    second.expect(1, &format!("already running with pid {}", served.program.id()));
    // The first did not notice.
    assert_eq!(served.ask(GET).text(), "ok");
    served.verb(&["reload"]).expect(0, "1 route");
}

#[test]
fn what_a_killed_process_left_behind_is_replaced() {
    let served = Served::with(OK);
    served.addr();
    let control = served.path("gorge.control");
    let mode = std::fs::metadata(&control).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600, "for its owner alone");
    let Served { program, folder } = served;
    // Killed, as nothing else would leave them.
    drop(program);
    assert!(control.exists() && folder.path().join("gorge.pid").exists());
    let file = folder.path().join("gorge.toml");
    served::gorge(&["stop", "-c", served::text(&file)]).expect(3, "no process serves");
    let program = Program::start(GORGE, &["run", "-c", served::text(&file)]);
    let served = Served { program, folder };
    served.addr();
    served.verb(&["reload"]).expect(0, "1 route");
    served.verb(&["stop"]).expect(0, "stopped");
    assert!(!control.exists(), "the control socket goes with the process");
}

#[test]
fn several_who_ask_are_all_answered() {
    let gate = Gate::new("all have asked");
    let origin = origin_behind(&gate);
    let served = serve("", &origin);
    let mut client = served.client();
    client.send(GET);
    origin.wait_for_requests(1);
    let first = stopping(&served);
    served.program.err().wait_for("stopping");
    let second = stopping(&served);
    // A reload comes too late.
    served.verb(&["reload"]).expect(1, "about to stop");
    gate.open();
    for asked in [first, second] {
        // Whoever comes after the end finds nobody, which is what was wanted.
        let ended = asked.join().unwrap();
        assert!(matches!(ended.code, 0 | 3), "{ended:?}");
    }
    drop(client);
}
