//! Filters that limit: bodies, time, and how much goes on at once.

mod common;

use std::time::Duration;

use common::{GET, RunningProxy, Setup, balancer, ok, run};
use gorge::prelude::*;
use gorge::proxy::filters::{BodyLimit, Deadline, Inflight};
use gorge_test_util::{Gate, Origin};

fn proxy(filter: impl Filter, origin: &Origin) -> RunningProxy {
    let setup = Setup::default();
    run(setup.builder().filter(filter).upstream(balancer(&[origin.addr()], &setup)).build().unwrap(), &setup)
}

#[test]
fn an_announced_length_is_judged_before_anything_goes_upstream() {
    let origin = Origin::answering(ok("hi"));
    let proxy = proxy(BodyLimit::new(10), &origin);
    for (length, status) in [(0, 200), (10, 200), (11, 413), (u64::MAX / 2, 413)] {
        origin.forget();
        let mut client = proxy.client();
        client.send(format!("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: {length}\r\n\r\n"));
        if status == 200 {
            client.send("x".repeat(length as usize));
        }
        assert_eq!(client.response().status, status, "{length}");
        assert_eq!(origin.requests().len(), usize::from(status == 200), "{length}");
    }
    assert_eq!((proxy.errors("body_too_large"), proxy.ask(GET).status), (2, 200));
}

#[test]
fn a_client_that_asks_first_need_not_send_it() {
    let origin = Origin::answering(ok("hi"));
    let proxy = proxy(BodyLimit::new(10), &origin);
    let mut client = proxy.client();
    client.send("POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 11\r\n\r\n");
    // Not a 100 first.
    assert_eq!(client.response().status, 413);
    assert!(client.is_closed());
    assert_eq!(origin.connections(), 0);
}

#[test]
fn a_body_of_unknown_length_is_counted() {
    let chunked = "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n";
    let origin = Origin::answering(ok("hi"));
    let proxy = proxy(BodyLimit::new(10), &origin);
    let answer = proxy.ask(format!("{chunked}5\r\nhello\r\n5\r\nworld\r\n0\r\nX-T: 1\r\n\r\n"));
    assert_eq!(answer.status, 200);
    let seen = origin.only_request();
    assert_eq!((seen.text().as_str(), seen.complete), ("helloworld", true));

    origin.forget();
    let mut client = proxy.client();
    client.send(format!("{chunked}5\r\nhello\r\n6\r\nworlds\r\n"));
    assert_eq!(client.response().status, 413);
    assert!(client.is_closed());
    // The upstream never saw the end of it.
    assert!(!origin.received().contains("worlds"), "{}", origin.received());
    assert!(origin.requests().iter().all(|request| !request.complete));
    assert_eq!(proxy.errors("body_too_large"), 1);
}

#[test]
fn an_answer_that_has_begun_ends_with_the_body_that_is_too_large() {
    let origin = Origin::start(|connection| {
        connection.head();
        connection.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nearly\r\n");
        connection.rest();
    });
    let proxy = proxy(BodyLimit::new(10), &origin);
    let mut client = proxy.client();
    client.send("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n");
    assert_eq!(client.head().status, 200);
    assert_eq!(client.exactly(10), b"5\r\nearly\r\n");
    client.send("6\r\nworlds\r\n");
    // No end of the body, and no second answer behind what came of the first.
    assert_eq!(client.rest(), b"");
    assert_eq!(proxy.errors("body_too_large"), 1);
}

#[test]
fn an_answer_that_takes_too_long_is_given_up() {
    let origin = Origin::silent();
    let proxy = proxy(Deadline::new(Duration::from_millis(50)), &origin);
    assert_eq!(proxy.ask(GET).status, 504);
}

#[test]
fn as_many_as_may_run_at_once_and_one_more_when_one_has_ended() {
    let gate = Gate::new("answers");
    let origin = {
        let gate = gate.clone();
        Origin::start(move |connection| {
            while connection.next_request().is_some() {
                gate.wait();
                connection.send(ok("hi"));
            }
        })
    };
    let limit = Inflight::new(2);
    let proxy = proxy(limit.clone(), &origin);
    let mut running = [proxy.client(), proxy.client()];
    for client in &mut running {
        client.send(GET);
    }
    origin.wait_for_requests(2);
    assert_eq!(limit.running(), 2);
    let refused = proxy.ask(GET);
    assert_eq!((refused.status, proxy.errors("overload")), (503, 1));
    gate.open();
    for client in &mut running {
        assert_eq!(client.response().status, 200);
    }
    proxy.wait_for("the places to be free", |_| limit.running() == 0);
    assert_eq!(proxy.ask(GET).status, 200);
}

/// Panics where the path says so.
struct Panics;

impl Filter for Panics {
    async fn on_request(&self, x: &mut Exchange) -> Result<Flow> {
        assert_ne!(x.req.uri.path(), "/request", "as asked");
        Ok(Flow::Continue)
    }

    async fn on_response(&self, x: &mut Exchange, _: &mut ResponseHead) -> Result<()> {
        assert_ne!(x.req.uri.path(), "/response", "as asked");
        Ok(())
    }

    fn on_end(&self, x: &Exchange, _: &Outcome) {
        assert_ne!(x.req.uri.path(), "/end", "as asked");
    }
}

#[test]
fn no_place_is_lost_to_a_panic_or_a_client_that_leaves() {
    let origin = Origin::answering(ok("hi"));
    let (outer, inner) = (Inflight::new(1), Inflight::new(1));
    let setup = Setup::default();
    let builder = setup.builder().filter(outer.clone()).filter(Panics).filter(inner.clone());
    let proxy = run(builder.upstream(balancer(&[origin.addr()], &setup)).build().unwrap(), &setup);
    for _ in 0..3 {
        for path in ["/request", "/response", "/end", "/"] {
            let mut client = proxy.client();
            client.send(format!("GET {path} HTTP/1.1\r\nHost: a\r\n\r\n"));
            let status = client.response().status;
            assert!(matches!(status, 200 | 500), "{path}: {status}");
            proxy.wait_for("the places to be free", |_| outer.running() + inner.running() == 0);
        }
        let mut client = proxy.client();
        client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\n");
        proxy.wait_for("the exchange to run", |_| inner.running() == 1);
        client.reset();
        proxy.wait_for("the places to be free", |_| outer.running() + inner.running() == 0);
    }
}
