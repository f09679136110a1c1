//! Examples as programs.

#![allow(unreachable_pub, reason = "a module of several tests")]
#![allow(dead_code, reason = "each of them uses its part")]

use std::net::SocketAddr;

use gorge_test_util::Program;

/// Starts an example on an ephemeral port, before these origins.
pub fn start(name: &str, origins: &[SocketAddr]) -> Program {
    let origins: Vec<_> = origins.iter().map(SocketAddr::to_string).collect();
    start_with(name, &origins)
}

/// The same with any words behind the address.
pub fn start_with(name: &str, words: &[String]) -> Program {
    // TARGET/PROFILE/deps/this-test, and the examples lie in TARGET/PROFILE/examples.
    let test = std::env::current_exe().expect("a running program has a path");
    let profile = test.ancestors().nth(2).expect("a test lies in TARGET/PROFILE/deps");
    let program = profile.join("examples").join(name);
    assert!(
        program.exists(),
        "{name} is not built: `cargo test --package gorge-examples` builds all examples"
    );
    let mut arguments = vec!["127.0.0.1:0"];
    arguments.extend(words.iter().map(String::as_str));
    Program::start(program, &arguments)
}
