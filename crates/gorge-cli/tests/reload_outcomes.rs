//! What a reload changes, what it leaves alone, and what is said about it.

mod served;

use std::net::{SocketAddr, TcpListener};
use std::thread;

use gorge_test_util::{Gate, NameReply, NameServer, Origin};
use served::{GET, HEAD, Served, answer, ask, behind, telling, until, upstream};

/// An answer of our own with this text.
fn says(text: &str) -> String {
    format!("{HEAD}[[route]]\nrespond = {{ text = \"{text}\" }}\n")
}

/// The route to an upstream of one server.
fn to(origin: SocketAddr) -> String {
    format!("{HEAD}{}[[route]]\nupstream = \"app\"\n", upstream("app", origin))
}

/// An origin that answers once the gate is open.
fn origin_behind(gate: &Gate) -> Origin {
    let gate = gate.clone();
    Origin::start(move |connection| {
        while connection.next_request().is_some() {
            gate.wait();
            connection.send(answer("", "old"));
        }
    })
}

#[test]
fn an_exchange_ends_as_it_began_and_the_next_is_new() {
    let gate = Gate::new("the reload is done");
    let origin = origin_behind(&gate);
    let now = "[[route]]\npath = \"/now\"\nrespond = { text = \"old\" }\n";
    let old = to(origin.addr()) + "response_headers = { set = { \"X-Was\" = \"old\" } }\n" + now;
    let served = Served::start(&old);
    let mut busy = served.client();
    busy.send(GET);
    origin.wait_for_requests(1);
    let (mut idle, mut silent) = (served.client(), served.client());
    idle.send("GET /now HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_eq!(idle.response().text(), "old");

    let ended = served.reload(&says("new"));
    ended.expect(0, "1 route, 0 upstreams, 1 listener");
    for client in [&mut idle, &mut silent, &mut served.client()] {
        client.send("GET /now HTTP/1.1\r\nHost: a\r\n\r\n");
        assert_eq!(client.response().text(), "new");
    }
    gate.open();
    let response = busy.response();
    assert_eq!((response.text().as_str(), response.fields.get("x-was")), ("old", Some("old")));
    busy.send(GET);
    assert_eq!(busy.response().text(), "new");
}

#[test]
fn a_tunnel_lives_on() {
    let over = Gate::new("the tunnel was used");
    let origin = Origin::start({
        let over = over.clone();
        move |connection| {
            connection.head();
            connection.send(
                "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n",
            );
            let four = connection.exactly(4);
            connection.send(four);
            over.wait();
        }
    });
    let served = Served::start(&to(origin.addr()));
    let mut client = served.client();
    client.send("GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n");
    assert_eq!(client.response().status, 101);
    served.reload(&says("new"));
    served.reload(&says("newer"));
    client.send("ping");
    assert_eq!(client.exactly(4), b"ping");
    over.open();
}

#[test]
fn a_broken_file_changes_nothing_and_is_reported() {
    let served = Served::start(&says("old"));
    served.addr();
    for (broken, said) in [
        (says("new") + "[[route]]\nupstrem = \"x\"\n", "did you mean"),
        (says("new") + "[[route]\n", "this is not TOML"),
        (says("new").replace("respond", "upstream = \"none\" #"), "there is no upstream"),
        (
            says("new").replace("gorge.pid\"", "gorge.pid\"\naccess_log = \"missing/folder/a.log\""),
            "open the log",
        ),
    ] {
        served.write(&broken);
        let ended = served.verb(&["reload"]);
        ended.expect(1, said);
        ended.expect(1, "goes on with the configuration it has");
        assert_eq!(served.ask(GET).text(), "old", "{said}");
        assert_eq!(ended.err.matches(said).count(), 1, "{}", ended.err);
    }
    let told = served.program.err().wait_for_count("not reloaded, the configuration stays", 4);
    assert!(told[0].contains("gorge.toml:"), "{told:?}");
    // By signal nobody is told but the log.
    served.program.hang_up();
    served.program.err().wait_for_count("not reloaded, the configuration stays", 5);
    served.reload(&says("new"));
    assert_eq!(served.ask(GET).text(), "new");
}

#[test]
fn a_report_with_very_many_mistakes_comes_whole() {
    let served = Served::start(&says("old"));
    served.addr();
    served.write(&(says("new") + &"[[route]]\nupstrem = \"ä\"\n".repeat(1000)));
    let ended = served.verb(&["reload"]);
    assert_eq!(ended.code, 1, "{}", ended.err);
    assert!(ended.err.contains("upstrem"), "{}", ended.err);
    assert!(ended.err.contains("goes on with the configuration it has"), "{}", ended.err);
    served.program.err().wait_for("more mistakes");
}

#[test]
fn an_address_that_is_taken_changes_nothing() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let other = |text: &str, address: SocketAddr| {
        says(text).replace("[[route]]", &format!("[[listen]]\naddress = \"{address}\"\n[[route]]"))
    };
    let served = Served::start(&says("old"));
    served.addr();
    let address = taken.local_addr().unwrap();
    served.write(&other("new", address));
    let ended = served.verb(&["reload"]);
    ended.expect(1, &address.to_string());
    assert_eq!(served.ask(GET).text(), "old");
    // The same for the admin address, which comes last.
    served.write(&says("new").replace(
        "[[listen]]",
        &format!("admin = \"{address}\"\n[[listen]]\naddress = \"127.0.0.2:0\"\n[[listen]]"),
    ));
    served.verb(&["reload"]).expect(1, &address.to_string());
    assert_eq!(served.ask(GET).text(), "old");
    drop(taken);
    served.reload(&other("new", address));
    assert_eq!(ask(address, GET).text(), "new");
}

#[test]
fn a_listener_becomes_wider_and_narrower() {
    let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let any = format!("0.0.0.0:{}", free.port());
    let other = SocketAddr::from(([127, 0, 0, 2], free.port()));
    let served = Served::start(&says("old").replace("127.0.0.1:0", &free.to_string()));
    served.addr();
    for keys in ["", "\nreuse_port = false"] {
        served.reload(&says("wide").replace("127.0.0.1:0\"", &format!("{any}\"{keys}")));
        assert_eq!((ask(free, GET).text(), ask(other, GET).text()), ("wide".into(), "wide".into()));
        served.reload(&says("narrow").replace("127.0.0.1:0\"", &format!("{free}\"{keys}")));
        assert_eq!(ask(free, GET).text(), "narrow");
        until("nobody listens there", || std::net::TcpStream::connect(other).is_err());
    }
}

#[test]
fn listeners_come_and_go() {
    let gate = Gate::new("the listener is gone");
    let origin = origin_behind(&gate);
    let one = to(origin.addr());
    let two = one.replace("[upstream", "[[listen]]\naddress = \"127.0.0.2:0\"\n[upstream");
    let served = Served::start(&one);
    served.addr();
    let ended = served.reload(&two);
    let second = behind(&ended.err, " +");
    let mut busy = gorge_test_util::RawClient::connect(second);
    busy.send(GET);
    origin.wait_for_requests(1);
    let ended = served.reload(&one);
    ended.expect(0, &format!(" -{second}"));
    until("nobody listens there", || std::net::TcpStream::connect(second).is_err());
    gate.open();
    assert_eq!(busy.response().text(), "old");
    assert!(busy.is_closed(), "its listener is gone");
    assert_eq!(served.ask(GET).text(), "old");
}

#[test]
fn an_admin_address_comes_and_goes() {
    let served = Served::start(&says("old"));
    served.addr();
    let free = {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        listener.local_addr().unwrap()
    };
    served.reload(&says("new").replace("[[listen]]", &format!("admin = \"{free}\"\n[[listen]]")));
    assert_eq!(ask(free, "GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n").status, 200);
    served.reload(&says("newer"));
    until("nobody listens there", || std::net::TcpStream::connect(free).is_err());
}

#[test]
fn the_signal_does_the_same() {
    let served = Served::start(&says("old"));
    served.addr();
    served.write(&says("new"));
    served.program.hang_up();
    served.program.err().wait_for("info reloaded in ");
    assert_eq!(served.ask(GET).text(), "new");
}

#[test]
fn what_waits_for_the_next_start_is_said() {
    let served = Served::start(&says("old"));
    served.addr();
    let ended = served.reload(&says("new").replace("workers = 2", "workers = 1"));
    ended.expect(0, "workers stays as it is until the next start");
    let warned = served.reload(&(says("new") + "[upstream.unused]\nservers = [\"127.0.0.1:1\"]\n"));
    warned.expect(0, "unused");
}

/// A name server that is silent until the gate is open, so that a reload takes its time.
fn slow_names(gate: &Gate) -> NameServer {
    let gate = gate.clone();
    NameServer::start(move |_| {
        gate.wait();
        NameReply::ips(60, &["127.0.0.1"])
    })
}

fn by_name(names: &NameServer) -> String {
    let server = format!("name_servers = [\"{}\"]\n[[listen]]", names.addr());
    let upstream =
        "[upstream.app]\nservers = [\"app.example:80\"]\n[[route]]\npath = \"/app\"\nupstream = \"app\"\n";
    says("new").replace("[[listen]]", &server) + upstream
}

#[test]
fn reloads_during_a_reload_are_answered_by_one_more() {
    let gate = Gate::new("others have asked");
    let names = slow_names(&gate);
    let served = Served::start(&says("old"));
    served.addr();
    served.write(&by_name(&names));
    thread::scope(|scope| {
        let first = scope.spawn(|| served.verb(&["reload"]));
        names.wait_until_asked("app.example", gorge_test_util::NameKind::A, 1);
        // The file is another by now, and whoever asks now wants that one.
        served.write(&says("newest"));
        let others: Vec<_> = (0..4).map(|_| scope.spawn(|| served.verb(&["reload"]))).collect();
        gate.open();
        first.join().unwrap().expect(0, "2 routes, 1 upstream");
        for other in others {
            other.join().unwrap().expect(0, "1 route, 0 upstreams");
        }
    });
    assert_eq!(served.ask(GET).text(), "newest");
}

#[test]
fn a_stop_during_a_reload_stops() {
    let gate = Gate::new("the process has ended");
    let names = slow_names(&gate);
    let mut served = Served::start(&says("old"));
    served.addr();
    served.write(&by_name(&names));
    let file = served.file();
    let asking = thread::spawn(move || served::gorge(&["reload", "-c", served::text(&file)]));
    names.wait_until_asked("app.example", gorge_test_util::NameKind::A, 1);
    served.program.terminate();
    assert_eq!(served.program.wait().code(), Some(0));
    assert_eq!(asking.join().unwrap().code, 1);
    gate.open();
}

#[test]
fn pooled_connections_of_a_server_that_stays_are_kept() {
    let origin = telling("app");
    let served = Served::start(&to(origin.addr()).replace("workers = 2", "workers = 1"));
    assert_eq!(served.ask(GET).status, 200);
    served.reload(&(to(origin.addr()).replace("workers = 2", "workers = 1") + "timeout = \"5s\"\n"));
    assert_eq!(served.ask(GET).status, 200);
    assert_eq!(origin.connections(), 1);
}

#[test]
fn grace_and_limits_are_those_of_the_last_reload() {
    let gate = Gate::new("the process has ended");
    let origin = origin_behind(&gate);
    let mut served = Served::start(&to(origin.addr()));
    served.addr();
    served.reload(&to(origin.addr()).replace("workers = 2", "workers = 2\ngrace = \"50ms\""));
    let mut client = served.client();
    client.send(GET);
    origin.wait_for_requests(1);
    served.program.terminate();
    assert_eq!(served.program.wait().code(), Some(0));
    served.program.err().wait_for("connections cut off: 1");
    gate.open();
}
