//! TERM and INT: exchanges in flight end first; a second signal does not wait for them.

mod common;

use common::{GET, client_of, proxy_before};
use gorge_test_util::{Gate, Origin};

const ANSWER: &str = "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nlate";

/// An origin that answers once the gate is open.
fn origin_behind(gate: &Gate) -> Origin {
    let gate = gate.clone();
    Origin::start(move |connection| {
        while connection.next_request().is_some() {
            gate.wait();
            connection.send(ANSWER);
        }
    })
}

#[test]
fn an_exchange_in_flight_finishes_and_its_line_is_logged() {
    let gate = Gate::new("the stop has begun");
    let origin = origin_behind(&gate);
    let mut program = proxy_before(&origin, &[]);
    let (mut idle, mut busy) = (client_of(&program), client_of(&program));
    busy.send(GET);
    origin.wait_for_requests(1);

    program.terminate();
    program.err().wait_for("stopping; open connections: ");
    assert!(idle.is_closed(), "an idle connection is closed at once");
    gate.open();
    let response = busy.response();
    assert_eq!((response.status, response.text().as_str()), (200, "late"));
    assert_eq!(response.fields.get("connection"), Some("close"));

    assert_eq!(program.wait().code(), Some(0));
    program.err().wait_for("stopped");
    program.out().wait_for("\"GET / HTTP/1.1\" 200 4");
}

#[test]
fn a_second_signal_stops_at_once() {
    let gate = Gate::new("the program has ended");
    let origin = origin_behind(&gate);
    let mut program = proxy_before(&origin, &[]);
    let mut client = client_of(&program);
    client.send(GET);
    origin.wait_for_requests(1);

    program.terminate();
    program.err().wait_for("stopping");
    program.terminate();
    assert_eq!(program.wait().code(), Some(0));
    program.err().wait_for("connections cut off: 1");
    assert!(client.is_closed(), "no answer was made up");
    gate.open();
}

#[test]
fn an_interrupt_stops_as_well() {
    let origin = Origin::silent();
    let mut program = proxy_before(&origin, &[]);
    program.addr();
    program.interrupt();
    assert_eq!(program.wait().code(), Some(0));
    program.err().wait_for("stopped");
}
