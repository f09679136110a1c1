//! What each key of `[upstream.NAME]` does, as its servers and clients see it.

mod served;

use std::collections::BTreeSet;
use std::net::TcpListener;

use gorge_test_util::{DeafPort, Gate, Origin, RawClient, RefusedPort};
use served::{GET, Served, answer, telling, upstream};

const ROUTE: &str = "[[route]]\nupstream = \"app\"\n";

/// One worker, so that turns are in one order, and a connection that was given back is found again.
fn serve(upstream: &str) -> Served {
    let head = served::HEAD.replace("workers = 2", "workers = 1");
    Served::start(&format!("{head}{upstream}\n{ROUTE}"))
}

fn servers(list: &[&Origin]) -> String {
    let list: Vec<_> = list.iter().map(|origin| format!("\"{}\"", origin.addr())).collect();
    format!("[upstream.app]\nservers = [{}]\n", list.join(", "))
}

/// Who has answered, of so many requests on one connection.
fn who(served: &Served, requests: usize) -> Vec<String> {
    let mut client = served.client();
    let mut one = |_| {
        client.send(GET);
        let response = client.response();
        assert_eq!(response.status, 200, "{response:#?}");
        response.fields.get("x-origin").unwrap_or_default().to_owned()
    };
    (0..requests).map(&mut one).collect()
}

#[test]
fn turns_count_weights_and_leave_backups_alone() {
    let (a, b, spare) = (telling("a"), telling("b"), telling("spare"));
    let served = serve(&format!(
        "[upstream.app]\nservers = [{{ address = \"{}\", weight = 2 }}, \"{}\", {{ address = \"{}\", backup = true }}]",
        a.addr(),
        b.addr(),
        spare.addr()
    ));
    let seen = who(&served, 6);
    let of = |name: &str| seen.iter().filter(|other| *other == name).count();
    assert_eq!((of("a"), of("b"), of("spare")), (4, 2, 0), "{seen:?}");
}

#[test]
fn a_backup_serves_when_nobody_else_can() {
    let (refused, spare) = (RefusedPort::new(), telling("spare"));
    let served = serve(&format!(
        "[upstream.app]\nservers = [\"{}\", {{ address = \"{}\", backup = true }}]",
        refused.addr(),
        spare.addr()
    ));
    assert_eq!(who(&served, 2), ["spare", "spare"]);
}

#[test]
fn least_conn_asks_the_idle_one() {
    let done = Gate::new("the idle one was asked");
    let slow = Origin::start({
        let done = done.clone();
        move |connection| {
            while connection.next_request().is_some() {
                done.wait();
                connection.send(answer("X-Origin: slow\r\n", ""));
            }
        }
    });
    let idle = telling("idle");
    let served = serve(&format!("{}balance = \"least_conn\"", servers(&[&slow, &idle])));
    // Which of two idle ones comes first is open: ask until the slow one has been.
    let mut busy = Vec::new();
    while slow.connections() == 0 || slow.requests().is_empty() {
        let mut client = served.client();
        client.send(GET);
        served::until("the request has arrived", || {
            idle.requests().len() + slow.requests().len() > busy.len()
        });
        busy.push(client);
    }
    assert_eq!(who(&served, 4), ["idle"; 4]);
    done.open();
}

#[test]
fn the_host_is_kept_or_changed() {
    let origin = telling("app");
    for (key, expected) in [
        ("", "shop.example:81".to_owned()),
        ("host = \"keep\"", "shop.example:81".to_owned()),
        ("host = \"peer\"", origin.addr().to_string()),
        ("host = \"inner.example\"", "inner.example".to_owned()),
    ] {
        origin.forget();
        let served = serve(&format!("{}{key}", upstream("app", origin.addr())));
        served.ask("GET / HTTP/1.1\r\nHost: shop.example:81\r\n\r\n");
        let fields = origin.only_request().fields;
        assert_eq!(fields.all("host"), [expected.as_str()], "{key}");
        assert_eq!(fields.get("x-forwarded-host"), Some("shop.example:81"), "{key}");
    }
}

#[test]
fn every_wait_for_a_server_has_its_bound() {
    let deaf = DeafPort::new();
    let served = serve(&format!("[upstream.app]\nservers = [\"{}\"]\nconnect = \"50ms\"", deaf.addr()));
    assert_eq!(served.ask(GET).status, 504, "no connection");

    let silent = Origin::silent();
    let served = serve(&format!("{}first_byte = \"50ms\"", servers(&[&silent])));
    assert_eq!(served.ask(GET).status, 504, "no answer");

    let half = Origin::start(|connection| {
        connection.head();
        connection.send("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf");
        connection.rest();
    });
    let served = serve(&format!("{}idle_body = \"50ms\"", servers(&[&half])));
    let response = served.ask(GET);
    assert_eq!((response.status, response.complete), (200, false), "an answer that stops");

    // Nothing is read from these connections, so at some time nothing more can be written.
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let served = serve(&format!("{}write = \"50ms\"", upstream("app", listener.local_addr().unwrap())));
    let mut client = served.client();
    client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100000000\r\n\r\n");
    let block = vec![b'x'; 1 << 16];
    while client.send(&block) {}
    served.program.err().wait_for("504 write_timed_out");
}

#[test]
fn a_server_has_only_so_many_connections() {
    let done = Gate::new("the second was refused");
    let origin = Origin::start({
        let done = done.clone();
        move |connection| {
            while connection.next_request().is_some() {
                done.wait();
                connection.send(answer("", "late"));
            }
        }
    });
    let served = serve(&format!("{}max_connections = 1", servers(&[&origin])));
    let mut first = served.client();
    first.send(GET);
    origin.wait_for_requests(1);
    assert_eq!(served.ask(GET).status, 503);
    done.open();
    assert_eq!(first.response().text(), "late");
    assert_eq!(served.ask(GET).status, 200);
}

#[test]
fn connections_go_out_from_the_source() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let to = listener.local_addr().unwrap();
    let served = serve(&format!("{}source = \"127.0.0.9\"", upstream("app", to)));
    let mut client = served.client();
    client.send(GET);
    let (stream, from) = listener.accept().unwrap();
    assert_eq!(from.ip().to_string(), "127.0.0.9");
    drop(stream);
}

#[test]
fn the_pool_keeps_as_many_for_as_long_as_it_may() {
    let origin = telling("app");
    for (keys, connections) in [("", 1), ("max_idle = 0", 3), ("max_uses = 2", 2)] {
        let before = origin.connections();
        let served = serve(&format!("{}[upstream.app.pool]\n{keys}", servers(&[&origin])));
        for _ in 0..3 {
            who(&served, 1);
        }
        assert_eq!(origin.connections() - before, connections, "{keys}");
    }
    let served = serve(&format!("{}[upstream.app.pool]\nmax_age = \"1ms\"", servers(&[&origin])));
    let before = origin.connections();
    served::until("a connection became too old", || {
        who(&served, 1);
        origin.connections() > before + 1
    });
    let served = serve(&format!("{}[upstream.app.pool]\nidle = \"20ms\"", servers(&[&origin])));
    let before = origin.connections();
    who(&served, 1);
    origin.wait_for_ends(before + 1);
    assert_eq!(origin.connections(), before + 1);
}

#[test]
fn retries_are_bounded_and_of_the_right_statuses() {
    for (keys, attempts, status) in
        [("", 3, 200), ("attempts = 2", 2, 503), ("attempts = 1", 1, 503), ("statuses = [502]", 1, 503)]
    {
        let busy = || Origin::answering("HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n");
        let (one, two, good) = (busy(), busy(), telling("good"));
        let served = serve(&format!("{}[upstream.app.retry]\n{keys}", servers(&[&one, &two, &good])));
        assert_eq!(served.ask(GET).status, status, "{keys}");
        let asked = [&one, &two, &good].map(|origin| origin.requests().len());
        assert_eq!(asked.iter().sum::<usize>(), attempts, "{keys}: {asked:?}");
        assert!(asked.iter().all(|count| *count <= 1), "{keys}: {asked:?}");
    }
}

#[test]
fn a_post_on_a_connection_that_has_died_is_repeated_only_if_asked_for() {
    for (keys, status) in [("", 502), ("stale = \"any\"", 200)] {
        let gone = Gate::new("the connection is to close");
        let origin = Origin::start({
            let gone = gone.clone();
            move |connection| {
                connection.next_request();
                connection.send(answer("", "one"));
                if connection.number() == 0 {
                    // It takes the second request and dies.
                    if connection.next_request().is_some() {
                        gone.open();
                        connection.reset();
                    }
                }
            }
        });
        let served = serve(&format!("{}[upstream.app.retry]\n{keys}", servers(&[&origin])));
        let mut client: RawClient = served.client();
        let post = "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nhi";
        client.send(post);
        assert_eq!(client.response().status, 200);
        client.send(post);
        assert_eq!(client.response().status, status, "{keys}");
        gone.wait();
    }
}

#[test]
fn unix_sockets_are_servers_too() {
    use std::io::{Read, Write};
    let folder = gorge_test_util::TempFolder::new();
    let listener = std::os::unix::net::UnixListener::bind(folder.path().join("app.sock")).unwrap();
    let answering = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut head = [0; 4096];
        let length = stream.read(&mut head).unwrap();
        stream.write_all(answer("", "by a socket").as_bytes()).unwrap();
        String::from_utf8_lossy(&head[..length]).into_owned()
    });
    let socket = folder.path().join("app.sock");
    let served = serve(&format!("[upstream.app]\nservers = [\"unix:{}\"]", socket.display()));
    assert_eq!(served.ask(GET).text(), "by a socket");
    assert!(answering.join().unwrap().starts_with("GET / HTTP/1.1\r\n"));
}

#[test]
fn the_other_servers_are_asked_when_one_refuses() {
    let (refused, good) = (RefusedPort::new(), telling("good"));
    let list = format!("[upstream.app]\nservers = [\"{}\", \"{}\"]", refused.addr(), good.addr());
    let served = serve(&list);
    let seen: BTreeSet<_> = who(&served, 4).into_iter().collect();
    assert_eq!(seen.into_iter().collect::<Vec<_>>(), ["good"]);
    let alone = serve(&format!("[upstream.app]\nservers = [\"{}\"]", refused.addr()));
    let response = alone.ask(GET);
    assert_eq!(response.status, 502, "{response:#?}");
    assert!(response.text().contains("connect_refused"), "{}", response.text());
}
