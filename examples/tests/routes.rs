//! The example `routes` routes, and has other routes after HUP.

mod common;

use gorge_test_util::{Origin, RawClient};

#[test]
fn requests_take_their_routes_and_new_ones_after_a_reload() {
    let origin = Origin::answering("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nfiles");
    let mut program = common::start("routes", &[origin.addr()]);
    let mut client = RawClient::connect(program.addr());
    let mut ask = |method: &str, host: &str, path: &str| {
        client.send(format!("{method} {path} HTTP/1.1\r\nHost: {host}\r\n\r\n"));
        client.response()
    };
    assert_eq!(ask("GET", "a", "/files/x").text(), "files");
    assert_eq!(origin.only_request().target, "/x");
    let moved = ask("GET", "www.old.example", "/page?q");
    assert_eq!((moved.status, moved.fields.get("Location")), (308, Some("https://new.example/page?q")));
    assert_eq!(ask("DELETE", "a", "/files/").status, 405);
    assert_eq!(ask("GET", "a", "/closed").status, 404);

    program.hang_up();
    program.out().wait_for("replaced");
    // On the very connection that was open before.
    assert_eq!(ask("GET", "a", "/closed").status, 503);
    program.terminate();
    assert!(program.wait().success());
}
