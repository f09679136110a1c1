//! What each key of `[[listen]]` does: who may connect, how much they may ask for, and how long it may
//! take.

mod served;

use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixStream;

use gorge_test_util::{Gate, Origin, RawClient};
use served::{GET, Served, answer, telling, until, upstream};

const OK: &str = "[[route]]\nrespond = { text = \"ok\" }\n";

/// One listener with these keys and tables, before answers of our own or an upstream.
fn serve(listen: &str, rest: &str) -> Served {
    Served::start(&format!("[[listen]]\naddress = \"127.0.0.1:0\"\n{listen}\n{rest}"))
}

#[test]
fn networks_may_connect_or_not() {
    for (keys, open) in [
        ("allow = [\"127.0.0.0/8\"]", true),
        ("deny = [\"127.0.0.0/8\"]", false),
        ("allow = [\"10.0.0.0/8\"]", false),
        ("allow = [\"127.0.0.0/8\"]\ndeny = [\"127.0.0.1\"]", false),
    ] {
        let served = serve(keys, OK);
        let mut client = served.client();
        client.send(GET);
        assert_eq!(client.try_response().is_some(), open, "{keys}");
        if !open {
            let line = format!(" info refused denied listener={} client=127.0.0.1:", served.addr());
            served.program.err().wait_for(&line);
        }
    }
}

#[test]
fn more_than_a_head_may_have_is_refused() {
    let served = serve(
        "[listen.limits]\nhead_size = \"1KiB\"\nfields = 8\nuri_size = \"64B\"\nrequests_per_connection = 2",
        OK,
    );
    let long = "x".repeat(1024);
    let fields: String = (0..9).map(|number| format!("X-{number}: x\r\n")).collect();
    for (request, status) in [
        (GET.to_owned(), 200),
        (format!("GET / HTTP/1.1\r\nHost: a\r\nX: {long}\r\n\r\n"), 431),
        (format!("GET / HTTP/1.1\r\nHost: a\r\n{fields}\r\n"), 431),
        (format!("GET /{} HTTP/1.1\r\nHost: a\r\n\r\n", &long[..64]), 414),
    ] {
        let response = served.ask(&request);
        assert_eq!(response.status, status, "{request}");
        assert_eq!(response.fields.has("proxy-status"), status != 200, "{response:#?}");
    }
    let mut client = served.client();
    client.send(GET);
    assert_ne!(client.response().fields.get("connection"), Some("close"));
    client.send(GET);
    assert_eq!(client.response().fields.get("connection"), Some("close"));
    assert!(client.is_closed(), "two requests are enough");
}

#[test]
fn an_address_has_so_many_connections_but_this_machine_is_exempt() {
    // Loopback is exempt; those for whom it speaks are not.
    let served = Served::start(
        "[[listen]]\naddress = \"127.0.0.1:0\"\nproxy_protocol = true\n\
         [listen.limits]\nconnections_per_address = 1\n[[route]]\nrespond = 200\n",
    );
    let from = |ip: &str| {
        let mut client = served.client();
        client.send(format!("PROXY TCP4 {ip} 10.0.0.9 1111 80\r\n{GET}"));
        client
    };
    let mut first = from("192.0.2.1");
    assert_eq!(first.response().status, 200);
    let mut second = from("192.0.2.1");
    assert!(second.try_response().is_none(), "one is enough");
    let mut other = from("192.0.2.2");
    assert_eq!(other.response().status, 200);
    drop(first);
    until("the first is no longer counted", || from("192.0.2.1").try_response().is_some());

    let served = serve("[listen.limits]\nconnections_per_address = 1", OK);
    let mut clients = [served.client(), served.client(), served.client()];
    for client in &mut clients {
        client.send(GET);
        assert_eq!(client.response().status, 200);
    }
}

#[test]
fn clients_have_so_much_time_for_each_step() {
    let head = serve("[listen.timeouts]\nhead = \"50ms\"", OK);
    let mut client = head.client();
    client.send("GET / HTTP/1.1\r\nHost:");
    assert_eq!(client.response().status, 408);
    assert!(client.is_closed());

    let keep_alive = serve("[listen.timeouts]\nkeep_alive = \"300ms\"", OK);
    let mut client = keep_alive.client();
    client.send(GET);
    assert_eq!(client.response().status, 200);
    assert!(client.is_closed(), "an idle connection is closed");

    let origin = telling("app");
    let rest = format!("{}[[route]]\nupstream = \"app\"\n", upstream("app", origin.addr()));
    let idle_body = serve("[listen.timeouts]\nidle_body = \"50ms\"", &rest);
    let mut client = idle_body.client();
    client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nhalf");
    assert_eq!(client.response().status, 408);
    assert!(client.is_closed());
}

#[test]
fn a_client_that_takes_nothing_is_given_up() {
    let origin = Origin::start(|connection| {
        connection.head();
        connection.send("HTTP/1.1 200 OK\r\nContent-Length: 100000000\r\n\r\n");
        let block = vec![b'x'; 1 << 16];
        while connection.send(&block) {}
    });
    let rest = format!("{}[[route]]\nupstream = \"app\"\n", upstream("app", origin.addr()));
    let served = serve("[listen.timeouts]\nwrite = \"50ms\"", &rest);
    let mut client = RawClient::connect_narrow(served.addr());
    client.send(GET);
    assert_eq!(client.head().status, 200);
    served.program.err().wait_for("write_timed_out");
    origin.wait_for_ends(1);
}

#[test]
fn a_body_that_dribbles_is_given_up() {
    let origin = telling("app");
    let rest = format!("{}[[route]]\nupstream = \"app\"\n", upstream("app", origin.addr()));
    let served = serve("[listen.limits]\nmin_rate = \"1MiB/s\"", &rest);
    let mut client = served.client();
    client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 900000\r\n\r\nslow");
    assert_eq!(client.response().status, 408);
}

#[test]
fn a_tunnel_through_which_nothing_passes_is_closed() {
    let over = Gate::new("the tunnel has ended");
    let origin = Origin::start({
        let over = over.clone();
        move |connection| {
            connection.head();
            connection.send("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n");
            over.wait();
        }
    });
    let rest = format!("{}[[route]]\nupstream = \"app\"\n", upstream("app", origin.addr()));
    let served = serve("[listen.timeouts]\ntunnel = \"50ms\"", &rest);
    let mut client = served.client();
    client.send("GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n");
    assert_eq!(client.response().status, 101);
    assert!(client.is_closed());
    over.open();
}

#[test]
fn a_unix_socket_has_its_mode_and_goes_with_the_process() {
    let folder = gorge_test_util::TempFolder::new();
    let path = folder.path().join("gorge.sock");
    let config = format!("[[listen]]\naddress = \"unix:{}\"\nmode = \"0600\"\n{OK}", path.display());
    let mut served = Served::start_in(folder, &config);
    served.program.err().wait_for("listening on unix:");
    let mode = std::fs::metadata(&path).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let mut stream = UnixStream::connect(&path).unwrap();
    stream.write_all(b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n").unwrap();
    let mut text = String::new();
    stream.read_to_string(&mut text).unwrap();
    assert!(text.starts_with("HTTP/1.1 200 OK\r\n") && text.ends_with("ok"), "{text}");
    served.program.terminate();
    assert!(served.program.wait().success());
    assert!(!path.exists(), "the file goes with the process");
}

#[test]
fn sockets_are_as_the_keys_say() {
    // Without reuse_port all workers share one socket; with ipv6_only `[::]` takes no IPv4.
    let served = Served::start(&format!(
        "[[listen]]\naddress = \"127.0.0.1:0\"\nreuse_port = false\nbacklog = 8\nnodelay = false\n\
         [[listen]]\naddress = \"[::]:0\"\nipv6_only = true\n[[listen]]\naddress = \"[::]:0\"\n{OK}"
    ));
    let addrs = served.addrs(3);
    for _ in 0..8 {
        assert_eq!(served::ask(addrs[0], GET).status, 200);
    }
    let by_ipv4 = |addr: SocketAddr| TcpStream::connect((Ipv4Addr::LOCALHOST, addr.port())).is_ok();
    assert!(!by_ipv4(addrs[1]) && by_ipv4(addrs[2]), "{addrs:?}");
}

#[test]
fn each_listener_has_limits_of_its_own() {
    let origin = Origin::answering(answer("", "fine"));
    let served = Served::start(&format!(
        "[[listen]]\naddress = \"127.0.0.1:0\"\n[listen.limits]\nbody_size = \"2B\"\n\
         [[listen]]\naddress = \"127.0.0.1:0\"\n{}[[route]]\nupstream = \"app\"\n",
        upstream("app", origin.addr())
    ));
    let post = "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc";
    let addrs = served.addrs(2);
    assert_eq!(served::ask(addrs[0], post).status, 413);
    assert_eq!(served::ask(addrs[1], post).status, 200);
}
