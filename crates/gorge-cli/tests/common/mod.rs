//! The program as a user starts it.

#![allow(dead_code, unreachable_pub, reason = "each test file uses its part of this module")]

use gorge_test_util::{Origin, Program, RawClient};

/// Where cargo has put it.
pub const GORGE: &str = env!("CARGO_BIN_EXE_gorge");

/// The plainest request.
pub const GET: &str = "GET / HTTP/1.1\r\nHost: example.org\r\n\r\n";

/// Starts it with these words.
pub fn gorge(words: &[&str]) -> Program {
    Program::start(GORGE, words)
}

/// Starts it with these variables, written `NAME=value`.
pub fn gorge_with(variables: &[&str], words: &[&str]) -> Program {
    let all: Vec<_> = variables.iter().chain(&[GORGE]).chain(words).copied().collect();
    Program::start("env", &all)
}

/// Starts `gorge proxy` on an ephemeral port, with one worker, before this origin.
pub fn proxy_before(origin: &Origin, more: &[&str]) -> Program {
    let to = origin.addr().to_string();
    let fixed = ["proxy", "--listen", "127.0.0.1:0", "--workers", "1", "--to", &to];
    gorge(&[&fixed, more].concat())
}

/// A new connection to it.
pub fn client_of(program: &Program) -> RawClient {
    RawClient::connect(program.addr())
}

/// Waits for its end; it must have said this and end with this code.
#[track_caller]
pub fn expect_end(mut program: Program, code: i32, said: &str) {
    program.err().wait_for(said);
    assert_eq!(program.wait().code(), Some(code), "{}", program.err().text());
}
