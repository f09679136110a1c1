//! An address that is not to be had: exit code 4, and what to do about it.

mod common;

use std::net::TcpListener;

use common::{GET, client_of, expect_end, gorge};
use gorge_test_util::{Origin, TempFolder, curl};

#[test]
fn a_taken_port_ends_with_4_at_once() {
    let taken = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let listen = taken.local_addr().unwrap().to_string();
    for verb in [&["proxy", "--to", "127.0.0.1:1"][..], &["demo"]] {
        let program = gorge(&[verb, &["--listen", &listen]].concat());
        program.err().wait_for(&format!("cannot listen on {listen}"));
        expect_end(program, 4, "choose another port, as in --listen 127.0.0.1:8081");
    }
}

#[test]
fn an_address_of_another_machine_ends_with_4() {
    // Reserved for documentation (RFC 5737), so no machine has it.
    let program = gorge(&["proxy", "--to", "127.0.0.1:1", "--listen", "192.0.2.1:8080"]);
    expect_end(program, 4, "This machine does not have that address");
}

#[test]
fn a_folder_that_does_not_exist_ends_with_4() {
    let folder = TempFolder::new();
    let listen = format!("unix:{}/none/gorge.sock", folder.path().display());
    let program = gorge(&["proxy", "--to", "127.0.0.1:1", "--listen", &listen]);
    expect_end(program, 4, "The folder must exist");
}

#[test]
fn port_0_is_told_as_the_port_it_became() {
    let origin = Origin::answering("HTTP/1.1 204 No Content\r\n\r\n");
    let program = common::proxy_before(&origin, &[]);
    assert_ne!(program.addr().port(), 0);
    let mut client = client_of(&program);
    client.send(GET);
    assert_eq!(client.response().status, 204);
}

#[test]
fn a_unix_socket_serves_and_is_removed() {
    let origin = Origin::answering("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello");
    let folder = TempFolder::new();
    let path = folder.path().join("gorge.sock");
    let (listen, to) = (format!("unix:{}", path.display()), origin.addr().to_string());
    let mut program = gorge(&["proxy", "--listen", &listen, "--to", &to]);
    program.err().wait_for(&format!("listening on {listen}"));

    let socket = path.display().to_string();
    assert_eq!(curl(&["--unix-socket", &socket, "http://example.org/"]).succeeded(), "hello");

    program.terminate();
    assert!(program.wait().success());
    assert!(!path.exists());
}
