//! The example `connect_proxy` makes tunnels for whom it knows.

mod common;

use gorge_test_util::{Origin, curl};

#[test]
fn curl_reaches_the_target_with_a_password_and_not_without() {
    let origin = Origin::answering("HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\nthrough");
    let program = common::start("connect_proxy", &[origin.addr()]);
    let url = format!("http://{}/", origin.addr());
    let known = format!("http://alice:secret@{}", program.addr());
    let ran = curl(&["--noproxy", "", "--proxytunnel", "--proxy", &known, &url]);
    assert_eq!(ran.succeeded(), "through");

    let unknown = format!("http://{}", program.addr());
    let ran = curl(&["--noproxy", "", "--proxytunnel", "--proxy", &unknown, &url]);
    assert!(ran.stderr.contains("407"), "{}", ran.stderr);
    program.out().wait_for(" 407 ");
}
