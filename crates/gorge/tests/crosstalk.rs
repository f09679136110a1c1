//! Many exchanges at once over recycled state: each client gets its own answer and nothing of another's.

mod common;

use common::{Setup, ok, proxy_with};
use gorge_test_util::Origin;
use std::net::SocketAddr;
use std::thread;

/// Sends back what makes a request its own: a field, and the body.
fn mirror() -> Origin {
    Origin::start(|connection| {
        while let Some(request) = connection.next_request() {
            let who = request.fields.get("x-who").unwrap_or("nobody");
            let extra = request.fields.get("x-extra").unwrap_or("none");
            let body = format!("{who} {extra} {} {}", request.target, request.text());
            let answer = ok(&body).replace("\r\nContent", &format!("\r\nX-Who: {who}\r\nContent"));
            connection.send_in_pieces(answer, 999);
        }
    })
}

/// One client: requests of many sizes, framings and methods, one behind the other and in pairs.
fn client(proxy: SocketAddr, number: usize) {
    let mut client = gorge_test_util::RawClient::connect(proxy);
    for round in 0..60 {
        let body = format!("{number}-{round}").repeat((number * 7 + round * 13) % 400);
        let extra = if round % 3 == 0 { format!("X-Extra: {number}/{round}\r\n") } else { String::new() };
        let head = format!("POST /{number}/{round} HTTP/1.1\r\nHost: a\r\nX-Who: {number}\r\n{extra}");
        let request = if round % 2 == 0 || body.is_empty() {
            format!("{head}Content-Length: {}\r\n\r\n{body}", body.len())
        } else {
            format!("{head}Transfer-Encoding: chunked\r\n\r\n{:x}\r\n{body}\r\n0\r\n\r\n", body.len())
        };
        let times = 1 + round % 2;
        client.send(request.repeat(times));
        let extra = if round % 3 == 0 { format!("{number}/{round}") } else { "none".to_owned() };
        for _ in 0..times {
            let answer = client.response();
            assert_eq!(answer.text(), format!("{number} {extra} /{number}/{round} {body}"));
            assert_eq!(answer.fields.get("x-who"), Some(number.to_string().as_str()));
        }
    }
}

fn all_at_once(setup: Setup) {
    let (first, second) = (mirror(), mirror());
    let proxy = proxy_with(&[first.addr(), second.addr()], setup);
    let addr = proxy.addr();
    let clients: Vec<_> = (0..16).map(|number| thread::spawn(move || client(addr, number))).collect();
    for client in clients {
        client.join().unwrap();
    }
    assert_eq!(proxy.stats().panics, 0);
    assert!(first.connections() + second.connections() <= 64);
}

#[test]
fn on_one_worker() {
    all_at_once(Setup::default());
}

#[test]
fn on_four_workers() {
    all_at_once(Setup { workers: 4, ..Setup::default() });
}

#[test]
fn on_four_workers_that_take_tasks_from_each_other() {
    all_at_once(Setup { workers: 4, work_stealing: true, ..Setup::default() });
}
