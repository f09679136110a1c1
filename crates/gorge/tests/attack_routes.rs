//! What a hostile client, a clumsy filter or a reload at the wrong moment does to routes.

mod common;

use std::io::Write;
use std::sync::Arc;

use common::{RunningProxy, Setup, balancer, ok, run};
use gorge::filter::BoxFilter;
use gorge::prelude::*;
use gorge::proxy::filters::{AccessList, BodyLimit};
use gorge::proxy::route::{Matching, PathPattern, Route, Routes};
use gorge_test_util::{Gate, Origin, TextLog};

type TheRoute = Route<(), Arc<LoadBalancer>>;

/// Panics in the hook that the path names, and notes each end that it is told of.
struct Clumsy(TextLog);

impl Filter for Clumsy {
    async fn on_request(&self, x: &mut Exchange) -> Result<Flow> {
        assert_ne!(x.req.uri.path(), "/panic-on-request", "as asked");
        Ok(Flow::Continue)
    }

    async fn on_response(&self, x: &mut Exchange, _: &mut ResponseHead) -> Result<()> {
        assert_ne!(x.req.uri.path(), "/panic-on-response", "as asked");
        Ok(())
    }

    fn on_end(&self, x: &Exchange, end: &Outcome) {
        writeln!(self.0.clone(), "end {} {}", x.req.uri.path(), end.complete).unwrap();
        assert_ne!(x.req.uri.path(), "/panic-on-end", "as asked");
    }
}

/// Notes each end that it is told of.
struct Witness(&'static str, TextLog);

impl Filter for Witness {
    fn on_end(&self, _: &Exchange, end: &Outcome) {
        writeln!(self.1.clone(), "{} end {}", self.0, end.complete).unwrap();
    }
}

fn at(path: &str) -> Matching {
    Matching { path: PathPattern::prefix(path).unwrap(), ..Matching::default() }
}

fn to(origin: &Origin) -> TheRoute {
    Route::to("r", Arc::new(balancer(&[origin.addr()], &Setup::default())))
}

fn proxy(setup: &Setup, routes: Vec<(Matching, TheRoute)>) -> RunningProxy {
    run(setup.builder().routes(Arc::new(Routes::new(routes).unwrap())).build().unwrap(), setup)
}

fn get(path: &str) -> String {
    format!("GET {path} HTTP/1.1\r\nHost: a\r\n\r\n")
}

#[test]
fn a_panic_in_any_hook_of_a_route_harms_its_exchange_alone_and_all_are_told_of_the_end_once() {
    for (path, status) in [("/panic-on-request", 500), ("/panic-on-response", 500), ("/panic-on-end", 200)] {
        let (origin, log) = (Origin::answering(ok("hi")), TextLog::new());
        let route = to(&origin)
            .filter(BoxFilter::new(Witness("outer", log.clone())))
            .filter(BoxFilter::new(Clumsy(log.clone())));
        let proxy = proxy(&Setup::default(), vec![(at("/"), route)]);
        assert_eq!(proxy.ask(get(path)).status, status, "{path}");
        log.wait_for_count("outer end", 1);
        proxy.wait_for("the panic is counted", |proxy| proxy.stats().panics >= 1);
        assert_eq!(proxy.ask(get("/")).text(), "hi", "{path}");
        log.wait_for_count("outer end", 2);
        assert_eq!(log.lines().iter().filter(|line| line.starts_with("end /")).count(), 2, "{path}");
    }
}

#[test]
fn the_filters_an_exchange_began_with_are_told_of_its_end_though_the_proxy_was_replaced_meanwhile() {
    let (asked, replaced, log) =
        (Gate::new("the origin was asked"), Gate::new("the proxy was replaced"), TextLog::new());
    let origin = Origin::start({
        let (asked, replaced) = (asked.clone(), replaced.clone());
        move |connection| {
            connection.request();
            asked.open();
            replaced.wait();
            connection.send(ok("old"));
        }
    });
    let witnessed = |name| BoxFilter::new(Witness(name, log.clone()));
    let setup = Setup::default();
    let before = to(&origin).filter(witnessed("old 1")).filter(witnessed("old 2"));
    let proxy = proxy(&setup, vec![(at("/"), before)]);
    let mut client = proxy.client();
    client.send(get("/"));
    asked.wait();
    // Fewer filters than the exchange has entered.
    let other = Origin::answering(ok("new"));
    let after = Arc::new(Routes::new([(at("/"), to(&other).filter(witnessed("new")))]).unwrap());
    let next = setup.builder().share(proxy.proxy()).routes(after).build().unwrap();
    proxy.proxy().replace(&next).unwrap();
    replaced.open();
    assert_eq!(client.response().text(), "old");
    client.send(get("/"));
    assert_eq!(client.response().text(), "new");
    log.wait_for_count("new end", 1);
    assert_eq!(log.lines(), ["old 2 end true", "old 1 end true", "new end true"]);
}

#[test]
fn a_client_that_leaves_is_an_end_too() {
    let (asked, log) = (Gate::new("the origin was asked"), TextLog::new());
    let origin = Origin::start({
        let asked = asked.clone();
        move |connection| {
            connection.request();
            asked.open();
            connection.rest();
        }
    });
    let route = to(&origin).filter(BoxFilter::new(Witness("only", log.clone())));
    let proxy = proxy(&Setup::default(), vec![(at("/"), route)]);
    let mut client = proxy.client();
    client.send(get("/"));
    asked.wait();
    client.reset();
    log.wait_for_count("only end", 1);
    assert_eq!(log.lines(), ["only end false"]);
}

#[test]
fn a_client_behind_a_proxy_cannot_have_its_address_dropped() {
    let deny = ["192.0.2.0/24"].map(|net| net.parse::<gorge::protocols::IpNet>().unwrap());
    let trusted = ["127.0.0.0/8"].map(|net| net.parse::<gorge::protocols::IpNet>().unwrap());
    let list = AccessList::new().deny(deny.into_iter().collect()).trust(trusted.into_iter().collect());
    let origin = Origin::answering(ok("secret"));
    let setup = Setup { trusted: vec!["127.0.0.0/8"], ..Setup::default() };
    let proxy = proxy(&setup, vec![(at("/"), to(&origin).filter(list))]);
    for connection in ["close", "x-forwarded-for", "close, X-Forwarded-For", "X-Real-IP, x-forwarded-for"] {
        let request = format!(
            "GET / HTTP/1.1\r\nHost: a\r\nX-Forwarded-For: 192.0.2.7\r\nConnection: {connection}\r\n\r\n"
        );
        assert_eq!(proxy.ask(request).status, 403, "{connection}");
    }
}

#[test]
fn what_the_standard_keeps_apart_is_another_path_and_goes_upstream_as_it_is() {
    let (plain, secret) = (Origin::answering(ok("plain")), Origin::answering(ok("secret")));
    let proxy = proxy(&Setup::default(), vec![(at("/"), to(&plain)), (at("/secret"), to(&secret))]);
    for path in [
        "//secret",
        "/Secret",
        "/secret;x",
        "/secret%2Fx",
        "/%2573ecret",
        "/x/..;/secret",
        "/x%5C..%5Csecret",
    ] {
        plain.forget();
        assert_eq!(proxy.ask(get(path)).text(), "plain", "{path}");
        assert_eq!(plain.only_request().target, path);
    }
    for target in ["http://a/secret", "http://b/x/%2e%2e/secret?q", "/secret?/../x", "/secret/../secret/%2e"]
    {
        assert_eq!(proxy.ask(get(target)).text(), "secret", "{target}");
    }
}

#[test]
fn where_the_next_request_begins_is_certain_after_every_answer_of_a_route() {
    let origin = Origin::answering(ok("hi"));
    let only = Matching { methods: vec![Method::PUT], ..at("/put") };
    let routes = vec![
        (at("/limited"), to(&origin).filter(BodyLimit::new(3))),
        (only, to(&origin)),
        (at("/ok"), to(&origin)),
    ];
    let proxy = proxy(&Setup::default(), routes);
    let inner = get("/ok");
    for (path, status) in [("/limited", 413), ("/put", 405), ("/nowhere", 404), ("/..", 400)] {
        let length = format!("Content-Length: {}\r\n\r\n{inner}", inner.len());
        let chunks = format!("Transfer-Encoding: chunked\r\n\r\n{:x}\r\n{inner}\r\n0\r\n\r\n", inner.len());
        for body in [length, chunks] {
            let mut client = proxy.client();
            client.send(format!("POST {path} HTTP/1.1\r\nHost: a\r\n{body}"));
            assert_eq!(client.response().status, status, "{path} {body}");
            // The body is never taken for a request.
            assert!(client.is_closed(), "{path} {body}");
        }
    }
    for received in origin.requests() {
        assert_eq!(received.target, "/limited", "what was a body came through");
    }
}
