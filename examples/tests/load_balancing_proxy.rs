//! The example `load_balancing_proxy` shares the work by weight, and goes on without an origin.

mod common;

use gorge_test_util::{Origin, RawClient, RefusedPort};

const GET: &str = "GET / HTTP/1.1\r\nHost: example.org\r\n\r\n";

fn named(name: &str) -> Origin {
    Origin::answering(format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{name}", name.len()))
}

#[test]
fn the_second_origin_gets_half() {
    let origins = [named("first"), named("second"), named("third")];
    let program = common::start("load_balancing_proxy", &origins.each_ref().map(Origin::addr));

    // One connection is served by one worker, which counts the turns for itself.
    let mut client = RawClient::connect(program.addr());
    let mut answers = Vec::new();
    for _ in 0..8 {
        client.send(GET);
        answers.push(client.response().text());
    }
    let count = |name: &str| answers.iter().filter(|answer| *answer == name).count();
    assert_eq!((count("first"), count("second"), count("third")), (2, 4, 2), "{answers:?}");
}

#[test]
fn an_origin_that_is_down_is_passed_over() {
    let (down, up) = (RefusedPort::new(), named("up"));
    let program = common::start("load_balancing_proxy", &[up.addr(), down.addr(), up.addr()]);

    let mut client = RawClient::connect(program.addr());
    for _ in 0..4 {
        client.send(GET);
        assert_eq!(client.response().text(), "up");
    }
    // A line per exchange, with the attempts it took.
    let lines = program.out().wait_for_count("\"status\":200", 4);
    assert!(lines.iter().any(|line| line.contains("\"attempts\":2")), "{lines:?}");
}
