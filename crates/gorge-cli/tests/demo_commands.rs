//! `gorge demo` tells commands to try: each of them does what is told of it.

mod common;

use std::process::Command;

use common::gorge;

/// A part of the command line and one of what is told, and what has to come out.
const PROMISED: &[(&str, &str, &[&str])] = &[
    ("-i ../api/hello ", "X-Demo-Tried", &["HTTP/1.1 200 ", "X-Demo-Tried: swift 200"]),
    ("?[1-9]", "nine answers", &["\"origin\":\"swift\"", "\"origin\":\"slow\"", "\"origin\":\"moody\""]),
    ("-d x", "a 503 in nine", &["X-Demo-Tried: "]),
    ("X-Beta", "always swift", &["\"origin\":\"swift\""]),
    ("api.example", "the origin sees /api/hello", &["\"path\":\"/api/hello\""]),
    ("/echo", "X-Client and X-Request-Id, no Cookie", &["X-Client: 127.0.0.1", "X-Request-Id: "]),
    ("/old", "301 to /api/hello", &["HTTP/1.1 301 ", "Location: /api/hello"]),
    ("/up ", "answers by itself", &["{\"up\": true}"]),
    ("-i ../private", "401", &["HTTP/1.1 401 ", "WWW-Authenticate: Basic realm=\"demo\"", "Proxy-Status: "]),
    ("alice:wonderland", "swift answers", &["\"origin\":\"swift\""]),
    ("/denied", "403", &["HTTP/1.1 403 ", "the address of the client is not among those allowed"]),
    (
        "/closed",
        "503 with Retry-After, told in JSON",
        &["HTTP/1.1 503 ", "Retry-After: 600", "\"status\":503"],
    ),
    ("/hurry", "504", &["HTTP/1.1 504 ", "Proxy-Status: ", "X-Demo-Tried: slow "]),
    ("-i ../upload ", "405, Allow", &["HTTP/1.1 405 ", "Allow: POST, PUT"]),
    ("sixteen", "413", &["HTTP/1.1 413 ", "the body is larger than 16 bytes"]),
    #[cfg(feature = "openssl")]
    ("--cacert", "nobody on the way", &["HTTP/1.1 200 ", "X-Demo-Tried: "]),
    #[cfg(feature = "openssl")]
    ("/echo", "X-Forwarded-Proto: https", &["X-Forwarded-Proto: https"]),
    #[cfg(feature = "openssl")]
    ("-s http://", "400, this port speaks HTTPS", &["This port speaks HTTPS"]),
    #[cfg(feature = "openssl")]
    ("/up ", "in the clear", &["{\"up\": true}"]),
];

/// What a command prints.
fn run(line: &str) -> String {
    // As the reader of the terminal would, but for what their own files and variables say.
    let line = line.replace("curl ", "curl --disable --noproxy '*' --silent --show-error ");
    let ran = Command::new("sh").args(["-c", &line]).output().unwrap();
    let (out, err) = (String::from_utf8_lossy(&ran.stdout), String::from_utf8_lossy(&ran.stderr));
    assert!(ran.status.success(), "{line}\n{out}\n{err}");
    out.into_owned()
}

#[test]
fn the_commands_it_tells_do_what_is_told() {
    let mut program = gorge(&["demo", "--listen", "127.0.0.1:0", "--access-log", "off", "--workers", "1"]);
    program.err().wait_for("--print-config");
    let url = format!("http://{}", program.addr());
    let told: Vec<_> =
        program.err().lines().into_iter().filter(|line| line.trim_start().starts_with("curl ")).collect();
    assert_eq!(told.len(), PROMISED.len(), "{told:#?}");
    for (line, (part, look, wanted)) in told.iter().zip(PROMISED) {
        let (command, comment) = line.split_once("  # ").unwrap();
        assert!(format!("{command} ").contains(&part.replace("..", &url)), "{line}");
        assert!(comment.contains(look), "{line}");
        let out = run(line);
        for wanted in *wanted {
            assert!(out.contains(wanted), "{line}\nlacks {wanted}:\n{out}");
        }
        if line.contains("/echo") {
            assert!(!out.contains("Cookie"), "{out}");
        }
        if line.contains("?[1-9]") {
            assert_eq!(out.matches("\"path\":\"/api/hello\"").count(), 9, "{out}");
        }
        if line.contains("-d x") {
            let failed = (0..9).filter(|_| run(line).contains("HTTP/1.1 503 ")).count();
            assert_eq!(failed, 1, "{line}");
        }
    }
    program.terminate();
    assert_eq!(program.wait().code(), Some(0));
}
