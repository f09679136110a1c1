//! The two ends of a story, without a proxy between them.

use gorge_test_util::{DeafPort, Gate, Nginx, Origin, PythonOrigin, RawClient, RefusedPort, curl, python};
use std::net::TcpStream;
use std::time::Duration;

const GET: &str = "GET / HTTP/1.1\r\nHost: example.org\r\n\r\n";

#[test]
fn a_chunked_body_and_its_trailers_are_read() {
    let origin = Origin::answering(
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nT: 1\r\n\r\n",
    );
    let mut client = RawClient::connect(origin.addr());
    client.send_in_pieces(
        "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n",
        1,
    );
    let answer = client.response();
    assert_eq!((answer.status, answer.text().as_str(), answer.complete), (200, "abc", true));
    assert_eq!(answer.trailers.get("t"), Some("1"));
    let request = origin.only_request();
    assert_eq!((request.text().as_str(), request.complete), ("hi", true));
}

#[test]
fn a_body_that_ends_early_is_seen_as_broken() {
    let origin = Origin::answering_once("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf");
    let mut client = RawClient::connect(origin.addr());
    client.send(GET);
    let answer = client.response();
    assert_eq!((answer.text().as_str(), answer.complete), ("half", false));
}

#[test]
fn every_byte_is_recorded_by_connection() {
    let origin = Origin::silent();
    let mut first = RawClient::connect(origin.addr());
    first.send("one");
    origin.wait_for_text("one");
    let mut second = RawClient::connect(origin.addr());
    second.send("\0two");
    second.finish();
    assert!(second.is_closed());
    assert_eq!(origin.connections(), 2);
    assert_eq!(origin.received_on(1), "\0two");
    assert_eq!(origin.received(), "one\0two");
}

#[test]
fn a_reset_is_told_from_a_close() {
    let origin = Origin::start(|connection| {
        connection.request();
        if connection.number() == 0 {
            connection.reset();
        }
    });
    for reset in [true, false] {
        let mut client = RawClient::connect(origin.addr());
        client.send(GET);
        assert!(client.is_closed());
        assert_eq!(client.was_reset(), reset);
    }
}

#[test]
#[should_panic(expected = "the origin's script failed: not as planned")]
fn a_failing_script_fails_the_test() {
    let origin = Origin::start(|_| panic!("not as planned"));
    let mut client = RawClient::connect(origin.addr());
    client.rest();
    origin.wait_for_ends(1);
}

#[test]
fn a_client_that_does_not_read_stalls_the_origin() {
    let seen = Gate::new("the origin has stalled");
    let origin = Origin::start({
        let seen = seen.clone();
        move |connection| {
            connection.request();
            let (block, most) = ([b'x'; 1 << 16], 1 << 10);
            assert!(
                connection.send_until_stalled(block, most, Duration::from_millis(200)) < most * block.len()
            );
            seen.open();
        }
    });
    let mut client = RawClient::connect_narrow(origin.addr());
    client.send(GET);
    seen.wait();
}

#[test]
fn nobody_answers_at_a_refused_and_at_a_deaf_port() {
    let refused = RefusedPort::new();
    let e = TcpStream::connect(refused.addr()).unwrap_err();
    assert_eq!(e.kind(), std::io::ErrorKind::ConnectionRefused);
    let deaf = DeafPort::new();
    let e = TcpStream::connect_timeout(&deaf.addr(), Duration::from_millis(50)).unwrap_err();
    assert_eq!(e.kind(), std::io::ErrorKind::TimedOut);
}

#[test]
fn foreign_origins_serve_foreign_clients() {
    let nginx = Nginx::start("location / { }");
    nginx.folder().write("page", "from nginx");
    assert_eq!(curl(&[&format!("http://{}/page", nginx.addr())]).succeeded(), "from nginx");

    let origin = PythonOrigin::start(
        "class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.send_header('Content-Length', '4')
        self.end_headers()
        self.wfile.write(b'snek')",
    );
    let script = "
import http.client, sys
connection = http.client.HTTPConnection(sys.argv[1])
connection.request('GET', '/')
print(connection.getresponse().read().decode())";
    assert_eq!(python(script, &[&origin.addr().to_string()]).succeeded(), "snek\n");
}
