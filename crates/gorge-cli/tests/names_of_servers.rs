//! Servers given by name: found before they are needed, asked for anew, and kept when nobody answers.

mod served;

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use gorge_test_util::{Gate, NameKind, NameReply, NameServer, Origin};
use served::{GET, Served, telling, until};

/// Serves an upstream with these servers, by this name server.
fn config(names: &NameServer, servers: &str) -> String {
    format!(
        "[server]\nworkers = 1\npid_file = \"gorge.pid\"\nname_servers = [\"{}\"]\n\
         [[listen]]\naddress = \"127.0.0.1:0\"\n\
         [upstream.app]\nservers = [{servers}]\n[[route]]\nupstream = \"app\"\n",
        names.addr()
    )
}

fn app_at(origin: &Origin) -> String {
    format!("\"app.example:{}\"", origin.addr().port())
}

/// Two origins on the same port of different addresses of this machine, so that a name may move from
/// one to the other.
fn two_on_one_port() -> (Origin, std::net::TcpListener, SocketAddr) {
    loop {
        let one = telling("one");
        let other = SocketAddr::from(([127, 0, 0, 2], one.addr().port()));
        if let Ok(listener) = std::net::TcpListener::bind(other) {
            return (one, listener, other);
        }
    }
}

/// Answers every connection once, for as long as the test lives.
fn answer_at(listener: std::net::TcpListener) {
    use std::io::{Read, Write};
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let mut head = [0; 4096];
            // A client that is gone is no concern here.
            let _ = stream.read(&mut head);
            let fields = "X-Origin: two\r\nConnection: close\r\n";
            let _ = stream.write_all(served::answer(fields, "").as_bytes());
        }
    });
}

fn who(served: &Served) -> String {
    let response = served.ask(GET);
    response.fields.get("x-origin").map_or_else(|| response.status.to_string(), str::to_owned)
}

#[test]
fn a_name_is_known_when_the_first_request_comes() {
    let origin = telling("one");
    let names = NameServer::start(|_| NameReply::ips(60, &["127.0.0.1"]));
    let served = Served::start(&config(&names, &app_at(&origin)));
    assert_eq!(who(&served), "one");
    assert_eq!(names.asked("app.example", NameKind::A), 1);
}

#[test]
fn traffic_moves_when_the_answer_changes() {
    let (one, listener, _) = two_on_one_port();
    answer_at(listener);
    let asked = Arc::new(AtomicUsize::new(0));
    let names = NameServer::start({
        let asked = asked.clone();
        move |query| match query.kind {
            NameKind::A if asked.fetch_add(1, Ordering::SeqCst) == 0 => NameReply::ips(1, &["127.0.0.1"]),
            _ => NameReply::ips(1, &["127.0.0.2"]),
        }
    });
    let served = Served::start(&config(&names, &app_at(&one)));
    assert_eq!(who(&served), "one");
    until("the other one serves", || who(&served) == "two");
    let told = served.program.err().wait_for("app.example has changed +127.0.0.2");
    assert!(told.contains("-127.0.0.1"), "{told}");
}

#[test]
fn a_service_names_hosts_and_ports() {
    let origin = telling("one");
    let port = origin.addr().port();
    let names = NameServer::start(move |query| match query.kind {
        NameKind::Srv => NameReply::nothing().service(60, 1, 1, port, "host.example"),
        _ if query.name == "host.example" => NameReply::ips(60, &["127.0.0.1"]),
        _ => NameReply::no_such_name(),
    });
    let served = Served::start(&config(&names, "\"srv:_http._tcp.app.example\""));
    assert_eq!(who(&served), "one");
}

#[test]
fn a_name_server_that_never_answers_holds_up_nobody() {
    let gate = Gate::new("the program serves");
    let origin = telling("one");
    let names = NameServer::start({
        let gate = gate.clone();
        move |_| match gate.is_open() {
            true => NameReply::ips(60, &["127.0.0.1"]),
            false => NameReply::silence(),
        }
    });
    let began = Instant::now();
    let served = Served::start(&config(&names, &app_at(&origin)));
    assert_eq!(who(&served), "503");
    // Two seconds of patience, and some for a machine that has much to do.
    assert!(began.elapsed().as_secs() < 5, "{:?}", began.elapsed());
    gate.open();
    until("the name is found", || who(&served) == "one");
}

#[test]
fn wrong_answers_are_told_and_the_right_one_is_taken() {
    for wrong in [NameReply::no_such_name(), NameReply::server_failure(), NameReply::nothing()] {
        let said = wrong.clone();
        let names = NameServer::start(move |_| said.clone());
        let served = Served::start(&config(&names, "\"app.example:80\""));
        assert_eq!(who(&served), "503", "{wrong:?}");
        served.program.err().wait_for("upstream app: no address for app.example");
    }
}

#[test]
fn what_is_no_answer_is_as_good_as_none() {
    for nonsense in [NameReply::garbage(), NameReply::ips(60, &["127.0.0.1"]).with_wrong_id()] {
        let said = nonsense.clone();
        let names = NameServer::start(move |_| said.clone());
        let began = Instant::now();
        let served = Served::start(&config(&names, "\"app.example:80\""));
        assert_eq!(who(&served), "503", "{nonsense:?}");
        assert!(began.elapsed().as_secs() < 5, "{:?}", began.elapsed());
    }
}

#[test]
fn a_slow_answer_counts_when_it_comes() {
    let origin = telling("one");
    let gate = Gate::new("the program serves");
    let names = NameServer::start({
        let gate = gate.clone();
        move |_| {
            gate.wait();
            NameReply::ips(60, &["127.0.0.1"])
        }
    });
    let served = Served::start(&config(&names, &app_at(&origin)));
    assert_eq!(who(&served), "503");
    gate.open();
    until("the name is found", || who(&served) == "one");
}

#[test]
fn old_addresses_stay_when_a_reload_finds_nobody_to_ask() {
    let origin = telling("one");
    let names = NameServer::start(|_| NameReply::ips(60, &["127.0.0.1"]));
    let served = Served::start(&config(&names, &app_at(&origin)));
    assert_eq!(who(&served), "one");
    let mute = NameServer::start(|_| NameReply::silence());
    let next = config(&mute, &app_at(&origin)) + "timeout = \"5s\"\n";
    let began = Instant::now();
    served.reload(&next);
    assert!(began.elapsed().as_secs() < 5, "{:?}", began.elapsed());
    assert_eq!(who(&served), "one");
    mute.wait_until_asked("app.example", NameKind::A, 1);
}

#[test]
fn a_reload_with_the_same_names_asks_nobody_and_tells_nothing() {
    let origin = telling("one");
    let names = NameServer::start(|_| NameReply::ips(60, &["127.0.0.1"]));
    let served = Served::start(&config(&names, &app_at(&origin)));
    assert_eq!(who(&served), "one");
    for _ in 0..3 {
        served.reload(&config(&names, &app_at(&origin)));
        assert_eq!(who(&served), "one");
    }
    assert_eq!(names.asked("app.example", NameKind::A), 1, "it is remembered");
    let text = served.program.err().text();
    assert!(text.matches("has changed").count() <= 1, "{text}");
}

#[test]
fn families_are_taken_as_the_key_says() {
    let origin = telling("one");
    let names = NameServer::start(|_| NameReply::ips(60, &["127.0.0.1", "::1"]));
    for (family, told) in [("ipv4", "+127.0.0.1"), ("ipv6", "+[::1]"), ("both", "+[::1]")] {
        let text = config(&names, &app_at(&origin))
            .replace("[[route]]", &format!("family = \"{family}\"\n[[route]]"));
        let served = Served::start(&text);
        served.program.err().wait_for("listening on ");
        let line = served.program.err().wait_for("app.example has changed");
        assert!(line.contains(told), "{family}: {line}");
        assert_eq!(line.contains("+127.0.0.1"), family != "ipv6", "{family}: {line}");
    }
}
