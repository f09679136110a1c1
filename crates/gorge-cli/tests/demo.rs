//! `gorge demo`: the page, the origins behind `/api/`, and what is told to try.

mod common;

use common::{client_of, gorge};
use gorge_test_util::{Program, Response, curl};

/// Enough for the moody origin, asked every third time, to fail once.
const ROUND: usize = 12;

fn demo() -> Program {
    gorge(&["demo", "--listen", "127.0.0.1:0", "--access-log", "off"])
}

/// The answers to these requests, all on one connection and so by one worker.
fn ask(program: &Program, request: &str, times: usize) -> Vec<Response> {
    let mut client = client_of(program);
    let mut one = |_| {
        client.send(request);
        client.response()
    };
    (0..times).map(&mut one).collect()
}

#[test]
fn the_page_is_there_and_needs_nothing_else() {
    let program = demo();
    let page = ask(&program, "GET / HTTP/1.1\r\nHost: a\r\n\r\n", 1).remove(0);
    assert_eq!((page.status, page.fields.get("content-type")), (200, Some("text/html; charset=utf-8")));
    assert!(page.text().contains("<title>gorge demo</title>") && page.text().contains("/api/hello"));
}

#[test]
fn what_one_origin_fails_another_answers() {
    let program = demo();
    let answers = ask(&program, "GET /api/hello HTTP/1.1\r\nHost: a\r\n\r\n", ROUND);
    assert!(answers.iter().all(|answer| answer.status == 200), "{answers:#?}");
    for origin in ["swift", "slow", "moody"] {
        let from = |answer: &&Response| answer.fields.get("x-demo-origin") == Some(origin);
        let answer = answers.iter().find(from).unwrap_or_else(|| panic!("{origin} never answered"));
        assert!(answer.text().contains(&format!("\"origin\":\"{origin}\"")), "{answer:?}");
    }
    let tried: Vec<_> = answers.iter().filter_map(|answer| answer.fields.get("x-demo-tried")).collect();
    assert!(tried.iter().any(|tried| tried.starts_with("moody 503, ")), "{tried:?}");
}

#[test]
fn a_post_is_not_repeated() {
    let program = demo();
    let request = "POST /api/hello HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nhi";
    let answers = ask(&program, request, ROUND);
    let failed: Vec<_> = answers.iter().filter(|answer| answer.status == 503).collect();
    assert!(!failed.is_empty(), "{answers:#?}");
    assert!(
        failed.iter().all(|answer| answer.fields.get("x-demo-tried") == Some("moody 503")),
        "{failed:#?}"
    );
}

#[test]
fn the_commands_it_tells_work_as_told() {
    let mut program = demo();
    let line = program.err().wait_for("curl -i ");
    let words: Vec<_> = line.split('#').next().unwrap().split_whitespace().skip(1).collect();
    assert!(curl(&words).succeeded().contains("X-Demo-Tried: "));
    program.terminate();
    assert_eq!(program.wait().code(), Some(0));
}
