//! Examples as programs.

#![allow(unreachable_pub, reason = "a module of several tests")]

use std::net::SocketAddr;

use gorge_test_util::Program;

/// Starts an example on an ephemeral port, before these origins.
pub fn start(name: &str, origins: &[SocketAddr]) -> Program {
    // TARGET/PROFILE/deps/this-test, and the examples lie in TARGET/PROFILE/examples.
    let test = std::env::current_exe().expect("a running program has a path");
    let profile = test.ancestors().nth(2).expect("a test lies in TARGET/PROFILE/deps");
    let program = profile.join("examples").join(name);
    assert!(
        program.exists(),
        "{name} is not built: `cargo test --package gorge-examples` builds all examples"
    );
    let origins: Vec<_> = origins.iter().map(SocketAddr::to_string).collect();
    let mut arguments = vec!["127.0.0.1:0"];
    arguments.extend(origins.iter().map(String::as_str));
    Program::start(program, &arguments)
}
