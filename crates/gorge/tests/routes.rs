//! Routes choose filters and upstream; a replaced proxy serves open connections from their next exchange.

mod common;

use std::io::Write;
use std::sync::Arc;

use common::{RunningProxy, Setup, balancer, ok, run};
use gorge::filter::BoxFilter;
use gorge::prelude::*;
use gorge::proxy::route::{Matching, PathPattern, Route, Routes};
use gorge_test_util::{Origin, TextLog};

/// Notes what it is called for; refuses `/refused`, and fails the response of `/failed`.
struct Noted(&'static str, TextLog);

impl Noted {
    fn note(&self, what: &str) {
        writeln!(self.1.clone(), "{} {what}", self.0).unwrap();
    }

    fn boxed(name: &'static str, log: &TextLog) -> BoxFilter {
        BoxFilter::new(Self(name, log.clone()))
    }
}

impl Filter for Noted {
    async fn on_request(&self, x: &mut Exchange) -> Result<Flow> {
        self.note("request");
        if x.req.uri.path() == "/refused" {
            return Err(Error::explain(Kind::AccessDenied, "not for you").into_downstream());
        }
        Ok(Flow::Continue)
    }

    async fn on_response(&self, x: &mut Exchange, head: &mut ResponseHead) -> Result<()> {
        self.note(&format!("response {}", head.status.as_u16()));
        if x.req.uri.path() == "/failed" && head.status == Status::OK {
            return Err(Error::explain(Kind::Internal, "no").into_internal());
        }
        Ok(())
    }

    fn on_end(&self, _: &Exchange, end: &Outcome) {
        self.note(&format!("end {}", end.status.as_u16()));
    }
}

fn at(host: &str, path: &str) -> Matching {
    let hosts = if host.is_empty() { Vec::new() } else { vec![host.parse().unwrap()] };
    Matching { hosts, path: PathPattern::prefix(path).unwrap(), ..Matching::default() }
}

fn proxy(routes: Vec<(Matching, Route<(), Arc<LoadBalancer>>)>) -> RunningProxy {
    let setup = Setup::default();
    run(setup.builder().routes(Arc::new(Routes::new(routes).unwrap())).build().unwrap(), &setup)
}

fn to(origin: &Origin) -> Route<(), Arc<LoadBalancer>> {
    Route::to("r", Arc::new(balancer(&[origin.addr()], &Setup::default())))
}

fn get(host: &str, path: &str) -> String {
    format!("GET {path} HTTP/1.1\r\nHost: {host}\r\n\r\n")
}

#[test]
fn host_and_path_choose_the_upstream() {
    let (shop, api, rest) =
        (Origin::answering(ok("shop")), Origin::answering(ok("api")), Origin::answering(ok("rest")));
    let proxy = proxy(vec![
        (at("shop.example", "/"), to(&shop)),
        (at("shop.example", "/api/"), to(&api)),
        (at("*.example", "/"), to(&rest)),
    ]);
    assert_eq!(proxy.ask(get("shop.example", "/x")).text(), "shop");
    assert_eq!(proxy.ask(get("SHOP.example:80", "/api/v1")).text(), "api");
    assert_eq!(proxy.ask(get("a.b.example", "/api/v1")).text(), "rest");
    let lost = proxy.ask(get("other", "/"));
    assert_eq!(lost.status, 404);
    assert!(lost.fields.get("Proxy-Status").unwrap().contains("no route takes the host"));
    assert_eq!(proxy.errors("route_not_found"), 1);
}

#[test]
fn another_spelling_of_a_path_takes_the_same_route_and_goes_upstream_in_its_normal_form() {
    let (origin, secret) = (Origin::answering(ok("plain")), Origin::answering(ok("secret")));
    let proxy = proxy(vec![(at("", "/"), to(&origin)), (at("", "/secret"), to(&secret))]);
    for spelling in ["/secret", "/%73ecret/x", "/a/../secret", "/./secret", "/a/%2e%2E/secret"] {
        assert_eq!(proxy.ask(get("a", spelling)).text(), "secret", "{spelling}");
    }
    assert_eq!(proxy.ask(get("a", "/b/../%61%2fc?q=%61/../x")).text(), "plain");
    assert_eq!(origin.only_request().target, "/a%2Fc?q=%61/../x");
    for broken in ["/..", "/a/../../b", "/%zz", "/a%00"] {
        assert_eq!(proxy.ask(get("a", broken)).status, 400, "{broken}");
    }
    assert_eq!(proxy.errors("path_invalid"), 4);
}

#[test]
fn a_method_that_no_route_takes_is_answered_with_those_that_they_do() {
    let origin = Origin::answering(ok("hi"));
    let only = |methods: &[Method]| Matching { methods: methods.to_vec(), ..at("", "/") };
    let proxy = proxy(vec![(only(&[Method::GET]), to(&origin)), (only(&[Method::PUT]), to(&origin))]);
    assert_eq!(proxy.ask(get("a", "/")).status, 200);
    let refused = proxy.ask("DELETE / HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_eq!((refused.status, refused.fields.get("Allow")), (405, Some("GET, HEAD, PUT")));
}

#[test]
fn filters_of_a_route_see_what_those_of_the_proxy_would() {
    for (path, status, expected) in [
        ("/", 200, "a request,b request,b response 200,a response 200,b end 200,a end 200"),
        ("/refused", 403, "a request,a response 403,a end 403"),
        ("/failed", 500, "a request,b request,b response 200,a response 500,b end 500,a end 500"),
    ] {
        let (origin, log) = (Origin::answering(ok("hi")), TextLog::new());
        let route = to(&origin).filter(Noted::boxed("a", &log)).filter(Noted::boxed("b", &log));
        let proxy = proxy(vec![(at("", "/"), route)]);
        assert_eq!(proxy.ask(get("a", path)).status, status);
        log.wait_for_count("a end", 1);
        assert_eq!(log.lines().join(","), expected, "{path}");
    }
}

#[test]
fn a_replaced_proxy_serves_open_connections_from_their_next_exchange_on() {
    let (old, new) = (Origin::answering(ok("old")), Origin::answering(ok("new")));
    let proxy = proxy(vec![(at("", "/"), to(&old))]);
    let mut client = proxy.client();
    client.send(get("a", "/"));
    assert_eq!(client.response().text(), "old");
    let setup = Setup::default();
    let routes = Arc::new(Routes::new([(at("", "/"), to(&new))]).unwrap());
    let next = setup.builder().share(proxy.proxy()).routes(routes.clone()).build().unwrap();
    proxy.proxy().replace(&next).unwrap();
    client.send(get("a", "/"));
    assert_eq!(client.response().text(), "new");
    assert_eq!(proxy.ask(get("a", "/")).text(), "new");
    proxy.wait_for("three exchanges are counted", |proxy| proxy.stats().exchanges == 3);

    // Once a third one is there, nothing is kept of the second, although the client stays.
    drop(next);
    let routes_left = Arc::downgrade(&routes);
    drop(routes);
    let third = Arc::new(Routes::new([(at("", "/"), to(&old))]).unwrap());
    let third = setup.builder().share(proxy.proxy()).routes(third).build().unwrap();
    proxy.proxy().replace(&third).unwrap();
    client.send(get("a", "/"));
    assert_eq!(client.response().text(), "old");
    proxy.wait_for("the second configuration is let go", |_| routes_left.strong_count() == 0);

    let other = Proxy::builder().upstream(balancer(&[old.addr()], &setup)).build().unwrap();
    assert!(proxy.proxy().replace(&other).unwrap_err().to_string().contains("same types"));
}
