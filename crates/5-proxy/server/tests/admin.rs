//! The admin service: alive, ready or why not, and what else has a path.

mod common;

use std::io::{Read, Write};
use std::net::TcpStream;

use common::{LONG, any, ask, config, named, tcp, until};
use gorge_filter::Response;
use gorge_http::Status;
use gorge_protocols::Address;
use gorge_server::{Admin, Config, Listen, Running, Server, Service};

struct Site {
    running: Running,
    admin: Address,
    web: Address,
    open: std::sync::mpsc::Sender<()>,
}

/// A web service that waits for `db`, which is ready when the test says so.
fn site(config: Config, admin: Admin) -> Site {
    let (open, opened) = std::sync::mpsc::channel();
    let opened = std::sync::Arc::new(std::sync::Mutex::new(opened));
    let mut server = Server::new(config);
    let handler = admin.clone();
    let admin = server.add(Service::admin("admin", admin).listen(Listen::new(any(), handler))).unwrap();
    let web = server.add(Service::new("web").listen(named("web")).after("db")).unwrap();
    server
        .add(Service::once("db", move || {
            let opened = opened.clone();
            async move {
                while opened.lock().unwrap().try_recv().is_err() {
                    tokio::task::yield_now().await;
                }
                Ok(())
            }
        }))
        .unwrap();
    Site { running: server.launch().unwrap(), admin: admin[0].clone(), web: web[0].clone(), open }
}

impl Site {
    /// Status and all that follows.
    fn say(&self, request: &str) -> (u16, String) {
        let mut stream = TcpStream::connect(tcp(&self.admin)).unwrap();
        write!(stream, "{request} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n").unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        (answer[9..12].parse().unwrap(), answer)
    }

    fn ready(&self) -> (u16, String) {
        let (status, answer) = self.say("GET /readyz");
        (status, answer.split("\r\n\r\n").nth(1).unwrap().to_owned())
    }
}

#[test]
fn readiness_has_its_reasons() {
    let site = site(config(1), Admin::new());
    until("the start of db", || site.ready().1.contains("db is starting"));
    let (status, json) = site.ready();
    let expected = "{\"state\":\"bootstrap\",\"in_flight\":0,\
                    \"reasons\":[\"web waits for db\",\"db is starting\"]}";
    assert_eq!((status, json.as_str()), (503, expected));
    assert_eq!(site.say("GET /healthz").0, 200);
    site.open.send(()).unwrap();
    until("ready", || site.ready().0 == 200);
    let mut client = TcpStream::connect(tcp(&site.web)).unwrap();
    ask(&mut client).unwrap();
    assert_eq!(site.ready().1, "{\"state\":\"running\",\"in_flight\":1,\"reasons\":[]}");
    drop(client);
    site.running.stop();
}

#[test]
fn it_answers_while_the_server_drains_and_a_stop_does_not_wait_for_it() {
    let site = site(config(2), Admin::new());
    site.open.send(()).unwrap();
    until("ready", || site.ready().0 == 200);
    let mut client = TcpStream::connect(tcp(&site.web)).unwrap();
    until("accepted", || site.running.connections().open() == 1);
    site.running.stopper().request();
    until("draining", || site.ready().1.contains("draining"));
    until("the close", || TcpStream::connect(tcp(&site.web)).is_err());
    let (status, json) = site.ready();
    let expected = "{\"state\":\"draining\",\"in_flight\":1,\"reasons\":[\"the server is about to stop\"]}";
    assert_eq!((status, json.as_str()), (503, expected));
    assert_eq!(site.say("GET /healthz").0, 200);
    // A connection that is kept alive.
    let mut onlooker = TcpStream::connect(tcp(&site.admin)).unwrap();
    onlooker.write_all(b"GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n").unwrap();
    onlooker.read_exact(&mut [0; 12]).unwrap();
    ask(&mut client).unwrap();
    let begun = std::time::Instant::now();
    assert_eq!(site.running.wait(), Default::default());
    assert!(begun.elapsed() < LONG);
}

#[test]
fn only_get_and_head_of_what_is_there() {
    let admin = Admin::new()
        .handle("/hello", |head| Response::text(Status::OK, format!("hello {}\n", head.uri.path())))
        .in_flight(|| 7);
    let site = site(config(1), admin);
    site.open.send(()).unwrap();
    until("ready", || site.ready().0 == 200);
    assert!(site.ready().1.contains("\"in_flight\":7"));
    let (status, answer) = site.say("GET /hello?query");
    assert!(status == 200 && answer.ends_with("\r\n\r\nhello /hello\n"), "{answer}");
    let (status, answer) = site.say("HEAD /hello");
    assert!(status == 200 && answer.ends_with("\r\n\r\n"), "{answer}");
    for method in ["POST", "PUT", "DELETE", "OPTIONS", "TRACE", "get"] {
        let (status, answer) = site.say(&format!("{method} /healthz"));
        assert!(status == 405 && answer.contains("\r\nAllow: GET, HEAD\r\n"), "{answer}");
    }
    for path in ["/", "/healthz/", "/HEALTHZ", "/healthz%20", "/nothing"] {
        assert_eq!(site.say(&format!("GET {path}")).0, 404, "{path}");
    }
    site.running.stop();
}

#[test]
fn it_is_reachable_when_all_places_are_taken() {
    let site = site(Config { max_connections: 1, ..config(1) }, Admin::new());
    site.open.send(()).unwrap();
    let _only = TcpStream::connect(tcp(&site.web)).unwrap();
    until("accepted", || site.running.connections().open() == 1);
    assert_eq!(site.say("GET /healthz").0, 200);
    let _another = TcpStream::connect(tcp(&site.web)).unwrap();
    until("a pause", || site.running.stats().full > 0);
    assert_eq!(site.say("GET /healthz").0, 200);
}
