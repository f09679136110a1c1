//! A panic in a filter answers 500 and harms nobody else.

mod common;

use common::{Setup, balancer, ok, run};
use gorge::prelude::*;
use gorge_test_util::{Gate, Origin};

/// Panics in the hook that the path names.
struct Clumsy;

impl Filter for Clumsy {
    async fn on_request(&self, x: &mut Exchange) -> Result<Flow> {
        assert_ne!(x.req.uri.path(), "/panic-on-request", "as asked");
        Ok(Flow::Continue)
    }

    async fn on_response(&self, x: &mut Exchange, _: &mut ResponseHead) -> Result<()> {
        assert_ne!(x.req.uri.path(), "/panic-on-response", "as asked");
        Ok(())
    }

    fn on_end(&self, x: &Exchange, _: &Outcome) {
        assert_ne!(x.req.uri.path(), "/panic-on-end", "as asked");
    }
}

fn clumsy(origin: &Origin) -> common::RunningProxy {
    let setup = Setup::default();
    run(setup.builder().filter(Clumsy).upstream(balancer(&[origin.addr()], &setup)).build().unwrap(), &setup)
}

fn get(path: &str) -> String {
    format!("GET {path} HTTP/1.1\r\nHost: a\r\n\r\n")
}

#[test]
fn a_panic_on_the_way_in_is_a_500_and_reaches_no_origin() {
    let origin = Origin::answering(ok("hi"));
    let proxy = clumsy(&origin);
    let answer = proxy.ask(get("/panic-on-request"));
    assert_eq!(answer.status, 500);
    assert!(answer.fields.get("proxy-status").unwrap().contains("error=proxy_internal_error"), "{answer:?}");
    assert_eq!((proxy.stats().panics, proxy.errors("panic")), (1, 1));
    assert_eq!(origin.received(), "");
    assert_eq!(proxy.ask(get("/")).text(), "hi");
}

#[test]
fn a_panic_on_the_way_out_is_a_500() {
    let origin = Origin::answering(ok("secret"));
    let proxy = clumsy(&origin);
    let mut client = proxy.client();
    client.send(get("/panic-on-response"));
    let answer = client.response();
    assert_eq!((answer.status, answer.text().as_str()), (500, ""));
    assert!(proxy.stats().panics >= 1);
    assert_eq!(proxy.ask(get("/")).text(), "secret");
}

#[test]
fn a_panic_at_the_end_changes_nothing_for_the_client() {
    let origin = Origin::answering(ok("hi"));
    let proxy = clumsy(&origin);
    let mut client = proxy.client();
    for _ in 0..2 {
        client.send(get("/panic-on-end"));
        assert_eq!(client.response().text(), "hi");
    }
}

#[test]
fn an_exchange_on_the_same_worker_goes_on_through_the_panic_of_another() {
    let (asked, panicked) = (Gate::new("the origin was asked"), Gate::new("another has panicked"));
    let origin = Origin::start({
        let (asked, panicked) = (asked.clone(), panicked.clone());
        move |connection| {
            connection.request();
            connection.send("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nha");
            asked.open();
            panicked.wait();
            connection.send("lf");
        }
    });
    let proxy = clumsy(&origin);
    let mut client = proxy.client();
    client.send(get("/"));
    asked.wait();
    assert_eq!(proxy.ask(get("/panic-on-request")).status, 500);
    panicked.open();
    let answer = client.response();
    assert_eq!((answer.text().as_str(), answer.complete), ("half", true));
}
