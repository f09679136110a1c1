//! The access log: one line per exchange on standard output, whatever became of it.

mod common;

use common::{client_of, proxy_before};
use gorge_test_util::{Origin, Program};

const ANSWER: &str = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello";

/// Sends a good request, one the origin breaks, one that is refused, and a last one; stops the program.
fn serve_four(program: &mut Program) {
    for (request, status) in [
        ("GET /good HTTP/1.1\r\nHost: a\r\nReferer: http://b/\r\nUser-Agent: test\r\n\r\n", 200),
        ("POST /broken HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n", 502),
        ("GET /refused HTTP/1.1\r\nHost: a\r\nContent-Length: x\r\n\r\n", 400),
        ("GET /last HTTP/1.1\r\nHost: a\r\nUser-Agent: test\r\n\r\n", 200),
    ] {
        let mut client = client_of(program);
        client.send(request);
        assert_eq!(client.response().status, status, "{request}");
    }
    program.terminate();
    assert!(program.wait().success());
}

fn origin() -> Origin {
    Origin::start(|connection| {
        while let Some(request) = connection.next_request() {
            let broken = request.target == "/broken";
            connection.send(if broken { "nonsense\r\n\r\n" } else { ANSWER });
            if broken {
                return;
            }
        }
    })
}

/// All lines: one worker keeps their order, so that with the last one all are there.
fn lines(program: &Program, last: &str) -> Vec<String> {
    program.out().wait_for(last);
    program.out().lines()
}

#[test]
fn combined_is_the_default_and_has_a_line_per_exchange() {
    let origin = origin();
    let mut program = proxy_before(&origin, &[]);
    serve_four(&mut program);
    let lines = lines(&program, "/last");
    assert_eq!(lines.len(), 4, "{lines:#?}");
    assert!(lines.iter().all(|line| line.starts_with("127.0.0.1 - - [")), "{lines:#?}");
    assert!(lines[0].ends_with(r#""GET /good HTTP/1.1" 200 5 "http://b/" "test""#), "{}", lines[0]);
    assert!(lines[1].contains(r#""POST /broken HTTP/1.1" 502 "#), "{}", lines[1]);
    assert!(lines[2].contains("\" 400 "), "{}", lines[2]);
    program.err().wait_for("502");
}

#[test]
fn common_and_json_have_the_same_lines() {
    let origin = origin();
    let mut program = proxy_before(&origin, &["--access-log", "common"]);
    serve_four(&mut program);
    let common = lines(&program, "/last");
    assert_eq!(common.len(), 4, "{common:#?}");
    assert!(common[0].ends_with(r#""GET /good HTTP/1.1" 200 5"#), "{}", common[0]);

    let mut program = proxy_before(&origin, &["--access-log", "json"]);
    serve_four(&mut program);
    let json = lines(&program, "/last");
    assert_eq!(json.len(), 4, "{json:#?}");
    assert!(json[0].contains(r#""path":"/good""#) && json[0].contains(r#""reason":null"#), "{}", json[0]);
    assert!(json[1].contains(r#""status":502"#) && !json[1].contains(r#""reason":null"#), "{}", json[1]);
}

#[test]
fn off_is_off() {
    let origin = origin();
    let mut program = proxy_before(&origin, &["--access-log", "off", "--log-level", "error"]);
    serve_four(&mut program);
    assert_eq!(program.out().text(), "");
    program.err().wait_for("stopped");
    assert!(!program.err().text().contains("502"), "{}", program.err().text());
}
