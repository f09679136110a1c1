//! What each key of `[server]` does.

mod served;

use std::process::Command;

use gorge_test_util::{Gate, Origin, RawClient, TempFolder};
use served::{GET, GORGE, Served, answer, ask, behind, telling, to_end, until, upstream};

/// A listener, and an upstream with a route to it.
fn rest(origin: &Origin) -> String {
    format!(
        "[[listen]]\naddress = \"127.0.0.1:0\"\n{}[[route]]\nname = \"all\"\nupstream = \"app\"\n",
        upstream("app", origin.addr())
    )
}

fn serve(keys: &str, origin: &Origin) -> Served {
    Served::start(&format!("[server]\n{keys}\n{}", rest(origin)))
}

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

#[test]
fn its_name_is_in_via_and_proxy_status() {
    let origin = telling("app");
    let served = serve("name = \"edge-7\"", &origin);
    let response = served.ask(GET);
    assert_eq!(response.fields.get("via"), Some("1.1 edge-7"));
    assert_eq!(origin.only_request().fields.get("via"), Some("1.1 edge-7"));
    let refused = served.ask("GET / HTTP/1.1\r\nHost: a\r\nContent-Length: x\r\n\r\n");
    let status = refused.fields.get("proxy-status").unwrap_or_default();
    assert!(status.starts_with("edge-7; "), "{refused:#?}");
}

#[test]
fn trusted_proxies_are_believed() {
    let origin = telling("app");
    let request = "GET / HTTP/1.1\r\nHost: a\r\nX-Forwarded-For: 192.0.2.7\r\nX-Forwarded-Proto: https\r\n\
                   X-Request-Id: 0123456789abcdef\r\n\r\n";
    for (keys, forwarded_for, id_is_kept) in
        [("", "127.0.0.1", false), ("trusted_proxies = [\"127.0.0.0/8\"]", "192.0.2.7, 127.0.0.1", true)]
    {
        origin.forget();
        serve(keys, &origin).ask(request);
        let fields = origin.only_request().fields;
        assert_eq!(fields.get("x-forwarded-for"), Some(forwarded_for), "{keys}");
        assert_eq!(fields.get("x-request-id") == Some("0123456789abcdef"), id_is_kept, "{keys}");
        assert_eq!(fields.get("x-forwarded-proto") == Some("https"), id_is_kept, "{keys}");
    }
}

#[test]
fn admin_says_that_it_is_ready_and_that_it_is_about_to_stop() {
    let gate = Gate::new("the stop was seen");
    let origin = origin_behind(&gate);
    let mut served = serve("admin = \"127.0.0.1:0\"\ndrain_delay = \"1h\"", &origin);
    let admin = served.admin();
    let get = |path: &str| ask(admin, &format!("GET {path} HTTP/1.1\r\nHost: a\r\n\r\n"));
    assert_eq!(get("/healthz").status, 200);
    until("ready", || get("/readyz").status == 200);
    assert_eq!(get("/metrics").status, 404);
    let mut busy = served.client();
    busy.send(GET);
    origin.wait_for_requests(1);

    served.program.terminate();
    served.program.err().wait_for("stopping; accepting goes on for 3600s");
    let ready = get("/readyz");
    assert_eq!(ready.status, 503, "{ready:?}");
    let text = ready.text();
    assert!(text.contains("\"state\":\"draining\"") && text.contains("\"in_flight\":1"), "{text}");
    assert_eq!(get("/healthz").status, 200);
    // During the delay new connections are served as before.
    let mut new = served.client();
    new.send(GET);
    origin.wait_for_requests(2);
    gate.open();
    assert_eq!((busy.response().text(), new.response().text()), ("late".into(), "late".into()));
    // Nobody has an hour: a second signal ends it.
    served.program.terminate();
    assert_eq!(served.program.wait().code(), Some(0));
}

#[test]
fn after_the_drain_delay_it_ends_by_itself() {
    let origin = telling("app");
    let mut served = serve("drain_delay = \"20ms\"", &origin);
    assert_eq!(served.ask(GET).status, 200);
    served.program.terminate();
    assert_eq!(served.program.wait().code(), Some(0));
    served.program.err().wait_for("info stopped");
}

#[test]
fn connections_over_the_maximum_wait() {
    let gate = Gate::new("the second waits");
    let origin = origin_behind(&gate);
    let served = serve("max_connections = 1", &origin);
    let mut first = served.client();
    first.send("GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
    origin.wait_for_requests(1);
    let mut second = served.client();
    second.send(GET);
    gate.open();
    assert_eq!(first.response().text(), "late");
    assert!(first.is_closed());
    assert_eq!(second.response().text(), "late");
}

#[test]
fn workers_may_share_one_runtime() {
    let origin = telling("app");
    let served = serve("work_stealing = true\nworkers = 2", &origin);
    for _ in 0..8 {
        assert_eq!(served.ask(GET).status, 200);
    }
}

#[test]
fn too_few_open_files_are_told() {
    let folder = TempFolder::new();
    let origin = telling("app");
    let config = format!("[server]\nmax_connections = 5000\nopen_files = 100\n{}", rest(&origin));
    let file = folder.write("gorge.toml", config);
    let line = format!("ulimit -n 400; exec {GORGE} run -c {}", file.display());
    let program = gorge_test_util::Program::start("sh", &["-c", &line]);
    let said = program.err().wait_for("the system allows 400 open files");
    assert!(said.contains("warn") && said.contains("200 of 5000"), "{said}");
    let addr = behind(&program.err().wait_for("listening on "), "listening on ");
    assert_eq!(ask(addr, GET).status, 200);
}

#[test]
fn access_logs_have_four_formats() {
    let origin = telling("app");
    let request = "GET /p?q HTTP/1.1\r\nHost: h\r\nReferer: r\r\nUser-Agent: u\r\n\r\n";
    for (format, parts) in [
        ("combined", &["127.0.0.1 - - [", "\"GET /p?q HTTP/1.1\" 200 ", " \"r\" \"u\""][..]),
        ("common", &["\"GET /p?q HTTP/1.1\" 200 "]),
        (
            "json",
            &["\"method\":\"GET\"", "\"host\":\"h\"", "\"status\":200", "\"attempts\":1", "\"reason\":null"],
        ),
        ("$method $host $path $status $route $upstream!", &["GET h /p 200 all "]),
    ] {
        let log = format!("access_log = {{ to = \"stdout\", format = '{format}' }}");
        let mut served = serve(&log, &origin);
        served.ask(request);
        served.program.terminate();
        assert!(served.program.wait().success());
        until("the line is there", || !served.program.out().lines().is_empty());
        let lines = served.program.out().lines();
        assert_eq!(lines.len(), 1, "{lines:?}");
        for part in parts {
            assert!(lines[0].contains(part), "{part} in {}", lines[0]);
        }
    }
}

#[test]
fn the_error_log_has_two_formats_and_a_level() {
    let origin = Origin::answering("nonsense\r\n\r\n");
    let served = serve("error_log = { to = \"stdout\", format = \"json\" }\nlog_level = \"warn\"", &origin);
    // At this level nobody says where it listens.
    let folder_addr = || {
        let ports = listening(served.program.id());
        ports.first().copied()
    };
    until("it listens", || folder_addr().is_some());
    let addr = folder_addr().unwrap();
    let response = ask(addr, GET);
    assert_eq!(response.status, 502);
    let line = served.program.out().wait_for("502");
    assert!(line.starts_with('{') && line.contains("\"level\":\"warn\""), "{line}");
    assert!(!served.program.out().text().contains("listening"), "{}", served.program.out().text());
}

/// The ports of loopback that a process listens on, by the kernel's lists.
fn listening(pid: u32) -> Vec<std::net::SocketAddr> {
    let Ok(files) = std::fs::read_dir(format!("/proc/{pid}/fd")) else { return Vec::new() };
    let sockets: Vec<_> = files
        .flatten()
        .filter_map(|file| std::fs::read_link(file.path()).ok()?.to_str().map(str::to_owned))
        .collect();
    let table = std::fs::read_to_string("/proc/net/tcp").unwrap();
    let port = |line: &str| {
        let words: Vec<_> = line.split_ascii_whitespace().collect();
        let ours = sockets.contains(&format!("socket:[{}]", words.get(9)?));
        let port = u16::from_str_radix(words[1].split_once(':')?.1, 16).ok()?;
        (words[3] == "0A" && ours).then(|| ([127, 0, 0, 1], port).into())
    };
    table.lines().filter_map(port).collect()
}

#[test]
fn the_environment_overrides_the_file() {
    let origin = telling("app");
    let folder = TempFolder::new();
    let file = folder.write("gorge.toml", format!("[server]\nname = \"file\"\n{}", rest(&origin)));
    let variable = "GORGE__SERVER__NAME=variable";
    let program =
        gorge_test_util::Program::start("env", &[variable, GORGE, "run", "-c", served::text(&file)]);
    assert_eq!(ask(program.addr(), GET).fields.get("via"), Some("1.1 variable"));
}

#[test]
fn one_that_cannot_listen_says_what_to_do() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let folder = TempFolder::new();
    for (address, hint) in [
        (taken.local_addr().unwrap().to_string(), "`gorge check` says which it is"),
        ("192.0.2.1:8080".to_owned(), "This machine does not have that address"),
        ("unix:/nonexistent/gorge.sock".to_owned(), "The folder must exist"),
    ] {
        for key in ["[[listen]]\naddress", "[[listen]]\naddress = \"127.0.0.1:0\"\n[server]\nadmin"] {
            let file =
                folder.write("gorge.toml", format!("{key} = \"{address}\"\n[[route]]\nrespond = 200\n"));
            let mut command = Command::new(GORGE);
            command.args(["run", "-c", served::text(&file)]);
            let ended = to_end(command);
            ended.expect(4, &address);
            ended.expect(4, hint);
            assert!(!ended.err.contains("--listen"), "{}", ended.err);
        }
    }
}

#[test]
fn a_request_in_the_making_when_the_stop_comes_is_told_that_it_was_the_last() {
    let gate = Gate::new("the stop has begun");
    let origin = origin_behind(&gate);
    let mut served = serve("", &origin);
    let mut client: RawClient = served.client();
    client.send(GET);
    origin.wait_for_requests(1);
    served.program.terminate();
    served.program.err().wait_for("stopping");
    gate.open();
    assert_eq!(client.response().fields.get("connection"), Some("close"));
    assert_eq!(served.program.wait().code(), Some(0));
}
