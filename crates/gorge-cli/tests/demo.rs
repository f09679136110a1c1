//! `gorge demo`: the page, what passes live, the origins behind `/api/`, and the file it is made of.

mod common;

use std::ops::{Deref, DerefMut};
use std::process::Command;

use common::{GORGE, client_of, gorge, gorge_with};
use gorge_test_util::{Program, RawClient, Response, TempFolder};

/// Enough for the moody origin, asked every third time, to fail once.
const ROUND: usize = 12;

/// Where the printed file has the proxy and the origins.
const PRINTED: [&str; 4] = ["127.0.0.1:8080", "127.0.0.1:9001", "127.0.0.1:9002", "127.0.0.1:9003"];

/// The demo, and where it has its files: killed, it leaves them behind.
struct Demo {
    program: Program,
    _files: TempFolder,
}

impl Deref for Demo {
    type Target = Program;

    fn deref(&self) -> &Program {
        &self.program
    }
}

impl DerefMut for Demo {
    fn deref_mut(&mut self) -> &mut Program {
        &mut self.program
    }
}

fn demo_with(access_log: &str) -> Demo {
    let files = TempFolder::new();
    let variable = format!("TMPDIR={}", files.path().display());
    let words = ["demo", "--listen", "127.0.0.1:0", "--access-log", access_log];
    Demo { program: gorge_with(&[&variable], &words), _files: files }
}

fn demo() -> Demo {
    demo_with("off")
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
fn the_page_is_there_and_may_load_nothing_from_elsewhere() {
    let program = demo();
    let page = ask(&program, "GET / HTTP/1.1\r\nHost: a\r\n\r\n", 1).remove(0);
    assert_eq!((page.status, page.fields.get("content-type")), (200, Some("text/html; charset=utf-8")));
    assert!(page.text().contains("<title>gorge demo</title>") && page.text().contains("/api/hello"));
    let policy = page.fields.get("content-security-policy").unwrap();
    assert!(policy.starts_with("default-src 'none'") && policy.contains("connect-src 'self'"), "{policy}");
}

#[cfg(feature = "openssl")]
#[test]
fn the_page_tells_how_it_is_reached_over_tls() {
    let program = demo();
    program.err().wait_for("--print-config");
    let page = ask(&program, "GET / HTTP/1.1\r\nHost: a\r\n\r\n", 1).remove(0).text();
    let (_, rest) = page.split_once("The same over TLS: <code>").unwrap();
    let (command, _) = rest.split_once("</code>").unwrap();
    let told = program.err().lines().into_iter().any(|line| line.contains(command));
    assert!(told && command.starts_with("curl --cacert '"), "{command}");
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

/// Reads from an answer that goes on until it holds this.
#[track_caller]
fn read_until(client: &mut RawClient, wanted: &str) -> String {
    let mut read = String::new();
    while !read.contains(wanted) {
        let some = client.some();
        assert!(!some.is_empty(), "it ended: {read}");
        read.push_str(&String::from_utf8_lossy(&some));
    }
    read
}

#[test]
fn who_watches_sees_others_requests_and_keeps_no_one_waiting_at_the_end() {
    let mut program = demo();
    let mut watcher = client_of(&program);
    watcher.send("GET /live HTTP/1.1\r\nHost: a\r\n\r\n");
    let head = watcher.head();
    assert_eq!((head.status, head.fields.get("content-type")), (200, Some("text/event-stream")));
    read_until(&mut watcher, "retry: ");

    let own = "GET /up HTTP/1.1\r\nHost: a\r\nX-Demo-Page: 1\r\n\r\n";
    assert_eq!(ask(&program, own, 1)[0].status, 200);
    assert_eq!(ask(&program, "GET /denied?a HTTP/1.1\r\nHost: a\r\n\r\n", 1)[0].status, 403);
    let seen = read_until(&mut watcher, "access_denied");
    assert!(seen.contains("data: GET\t/denied?a\t403\t\t"), "{seen}");
    assert!(seen.contains("\tdenied\taccess_denied"), "{seen}");
    assert!(!seen.contains("/up"), "the page shows its own requests by itself: {seen}");

    program.terminate();
    assert_eq!(program.wait().code(), Some(0));
    program.err().wait_for("stopped");
    assert!(!program.err().text().contains("cut off:"), "{}", program.err().text());
}

#[test]
fn the_printed_file_can_be_saved_and_run() {
    let printed = Command::new(GORGE).args(["demo", "--print-config"]).output().unwrap();
    let mut text = String::from_utf8(printed.stdout).unwrap();

    let mut origins = gorge(&["demo", "--origins", "0"]);
    let swift = origins.err().wait_for("answers at once");
    let (slow, moody) = (origins.err().wait_for("takes 300 ms"), origins.err().wait_for("every third time"));
    let places = ["127.0.0.1:0", address(&swift), address(&slow), address(&moody)];
    for (printed, place) in PRINTED.iter().zip(places) {
        assert!(text.contains(&format!("\"{printed}\"")), "{printed}: {text}");
        text = text.replace(&format!("\"{printed}\""), &format!("\"{place}\""));
    }
    let folder = TempFolder::new();
    let file = folder.path().join("gorge.toml");
    std::fs::write(&file, text).unwrap();
    let mut program = gorge(&["run", "--config", &file.display().to_string()]);

    let answers = ask(&program, "GET /api/hello HTTP/1.1\r\nHost: a\r\n\r\n", ROUND);
    assert!(answers.iter().all(|answer| answer.status == 200), "{answers:#?}");
    assert_eq!(ask(&program, "GET / HTTP/1.1\r\nHost: a\r\n\r\n", 1)[0].status, 200);
    program.out().wait_for("200 GET /api/hello");
    for program in [&mut program, &mut origins] {
        program.terminate();
        assert_eq!(program.wait().code(), Some(0), "{}", program.err().text());
    }
}

/// Of a line that tells an origin.
fn address(line: &str) -> &str {
    line.split_whitespace().find(|word| word.starts_with("127.0.0.1:")).unwrap()
}

#[test]
fn its_own_log_format_gives_way_to_that_of_the_command_line() {
    let program = demo_with("$status on $route");
    ask(&program, "GET /up HTTP/1.1\r\nHost: a\r\n\r\n", 1);
    program.out().wait_for("200 on up");
}
