//! `gorge proxy`: what its options do.

mod common;

use common::{GET, client_of, expect_end, gorge, proxy_before};
use gorge_test_util::Origin;

const ANSWER: &str = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello";

fn status_of(program: &gorge_test_util::Program) -> u16 {
    let mut client = client_of(program);
    client.send(GET);
    client.response().status
}

#[test]
fn an_origin_may_be_given_by_name() {
    let origin = Origin::answering(ANSWER);
    let to = format!("localhost:{}", origin.addr().port());
    let mut program = gorge(&["proxy", "--listen", "127.0.0.1:0", "--workers", "1", "--to", &to]);
    assert_eq!(status_of(&program), 200, "known before the first request: {}", program.err().text());
    program.err().wait_for(&format!("--to: localhost has changed +{}", origin.addr()));
    program.terminate();
    assert_eq!(program.wait().code(), Some(0));
}

#[test]
fn a_name_and_an_address_share_the_work() {
    let (one, other) = (Origin::answering(ANSWER), Origin::answering(ANSWER));
    let (name, address) = (format!("localhost:{}", one.addr().port()), other.addr().to_string());
    let words = ["proxy", "--listen", "127.0.0.1:0", "--workers", "1", "--to", &name, "--to", &address];
    let program = gorge(&words);
    for _ in 0..4 {
        assert_eq!(status_of(&program), 200);
    }
    one.wait_for_requests(2);
    other.wait_for_requests(2);
}

#[test]
fn the_access_log_takes_a_template() {
    let origin = Origin::answering(ANSWER);
    let program = proxy_before(&origin, &["--access-log", "$method $path: $status from $upstream"]);
    assert_eq!(status_of(&program), 200);
    program.out().wait_for(&format!("GET /: 200 from {}", origin.addr()));
}

#[test]
fn a_template_that_cannot_be_read_is_told() {
    let words = ["proxy", "--to", "127.0.0.1:1", "--access-log", "$http_cookie"];
    expect_end(gorge(&words), 2, "cookies and credentials are never logged");
}
