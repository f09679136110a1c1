//! Filters that lead elsewhere or answer themselves: `Rewrite`, `Redirect`, `Respond`.

mod common;

use common::{GET, RunningProxy, Setup, balancer, ok, run};
use gorge::prelude::*;
use gorge::proxy::filters::{Redirect, RequestHeaderEdit, Respond, Rewrite};
use gorge_test_util::Origin;

fn proxy(filter: impl Filter, origin: &Origin) -> RunningProxy {
    let setup = Setup::default();
    run(setup.builder().filter(filter).upstream(balancer(&[origin.addr()], &setup)).build().unwrap(), &setup)
}

#[test]
fn the_upstream_is_asked_for_the_new_path() {
    let strip = || Rewrite::strip_prefix("/api").unwrap();
    for (filter, target, expected) in [
        (strip(), "/api/users?page=2", "/users?page=2"),
        (strip(), "/api", "/"),
        (strip(), "/apix?q", "/apix?q"),
        (strip(), "/x/%2e%2e/api/y", "/y"),
        (strip(), "/api/a%2Fb/%252e%252e", "/a%2Fb/%252e%252e"),
        (strip(), "/api//evil.example/", "/evil.example/"),
        (strip(), "/api/\\evil.example/", "/evil.example/"),
        (strip(), "http://a/api/x", "/x"),
        (Rewrite::replace_prefix("/api/", "/v2/").unwrap(), "/api/x?q", "/v2/x?q"),
        (Rewrite::path("/fixed").unwrap(), "/a/b?q", "/fixed?q"),
    ] {
        let origin = Origin::answering(ok("hi"));
        let answer = proxy(filter, &origin).ask(format!("GET {target} HTTP/1.1\r\nHost: a\r\n\r\n"));
        assert_eq!(answer.status, 200, "{target}");
        assert_eq!(origin.only_request().target, expected, "{target}");
    }
}

#[test]
fn a_path_without_a_normal_form_gets_400_and_goes_nowhere() {
    let origin = Origin::answering(ok("hi"));
    let proxy = proxy(Rewrite::strip_prefix("/api").unwrap(), &origin);
    for target in ["/api/../../x", "/%2e%2e/x", "/api/%zz", "/api/%00"] {
        let answer = proxy.ask(format!("GET {target} HTTP/1.1\r\nHost: a\r\n\r\n"));
        assert_eq!(answer.status, 400, "{target}");
    }
    assert_eq!((origin.requests().len(), proxy.errors("path_invalid")), (0, 4));
}

#[test]
fn the_asterisk_of_options_stays() {
    let origin = Origin::answering(ok("hi"));
    proxy(Rewrite::path("/fixed").unwrap(), &origin).ask("OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_eq!(origin.only_request().target, "*");
}

#[test]
fn names_of_a_template_see_the_new_path() {
    let origin = Origin::answering(ok("hi"));
    let setup = Setup::default();
    let builder = setup
        .builder()
        .filter(Rewrite::strip_prefix("/api").unwrap())
        .filter(RequestHeaderEdit::new().set("X-Uri", "$uri").unwrap());
    let proxy = run(builder.upstream(balancer(&[origin.addr()], &setup)).build().unwrap(), &setup);
    proxy.ask("GET /api/x?q HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_eq!(origin.only_request().fields.get("X-Uri"), Some("/x?q"));
}

#[test]
fn a_redirect_names_the_place() {
    let origin = Origin::answering(ok("hi"));
    for (status, to, request, place) in [
        (
            308,
            "https://$host$uri",
            "GET /a?b HTTP/1.1\r\nHost: shop.example:8080\r\n\r\n",
            "https://shop.example/a?b",
        ),
        (
            301,
            "https://www.example.org$path",
            "POST /a?b HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n",
            "https://www.example.org/a",
        ),
        (302, "/new$uri", "GET /a HTTP/1.1\r\nHost: a\r\n\r\n", "/new/a"),
        (303, "/", "GET /a HTTP/1.0\r\n\r\n", "/"),
        (307, "$path", "GET //evil.example/%2e%2e HTTP/1.1\r\nHost: a\r\n\r\n", "/evil.example/%2e%2e"),
        (302, "$uri", "GET /\\/evil.example HTTP/1.1\r\nHost: a\r\n\r\n", "/evil.example"),
        (
            302,
            "https://$host$uri",
            "GET http://b.example//evil HTTP/1.1\r\nHost: a\r\n\r\n",
            "https://b.example//evil",
        ),
    ] {
        let redirect = Redirect::new(Status::new(status).unwrap(), to).unwrap();
        let answer = proxy(redirect, &origin).ask(request);
        assert_eq!((answer.status, answer.fields.get("Location")), (status, Some(place)), "{request}");
        assert_eq!(answer.fields.get("Content-Length"), Some("0"));
    }
    assert_eq!(origin.requests().len(), 0);
}

#[test]
fn a_redirect_that_cannot_be_filled_in_is_refused() {
    let origin = Origin::answering(ok("hi"));
    let proxy = proxy(Redirect::new(Status::FOUND, "https://$host$uri").unwrap(), &origin);
    assert_eq!(proxy.ask("GET / HTTP/1.0\r\n\r\n").status, 400);
    assert_eq!(proxy.ask("OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n").status, 400);
    // A Host in which a browser could see another host never comes this far.
    for host in ["evil.example/", "a@evil.example", "evil.example?", "a\\evil.example", "a b", ""] {
        assert_eq!(proxy.ask(format!("GET / HTTP/1.1\r\nHost: {host}\r\n\r\n")).status, 400, "{host}");
    }
}

#[test]
fn an_answer_is_given_whole_and_to_head_without_its_body() {
    let origin = Origin::answering(ok("hi"));
    let page = || Respond::html(Status::NOT_FOUND, "<p>no").and_then(|page| page.field("X-A", "1")).unwrap();
    let proxy = proxy(page(), &origin);
    for (method, body) in [("GET", "<p>no"), ("HEAD", "")] {
        let mut client = proxy.client();
        client.send(format!("{method} / HTTP/1.1\r\nHost: a\r\n\r\n"));
        let answer = client.response_to(method);
        assert_eq!((answer.status, answer.text().as_str()), (404, body));
        assert_eq!(answer.fields.get("Content-Length"), Some("5"));
        assert_eq!(answer.fields.get("Content-Type"), Some("text/html; charset=utf-8"));
        assert_eq!(answer.fields.get("X-A"), Some("1"));
        // The connection goes on.
        client.send(GET);
        assert_eq!(client.response().text(), "<p>no");
    }
    assert_eq!(origin.requests().len(), 0);
}

#[test]
fn all_shapes_of_an_answer() {
    let origin = Origin::answering(ok("hi"));
    for (answer, status, content_type, body) in [
        (Respond::empty(Status::NO_CONTENT).unwrap(), 204, None, ""),
        (Respond::empty(Status::OK).unwrap(), 200, None, ""),
        (Respond::text(Status::OK, "ok\n").unwrap(), 200, Some("text/plain; charset=utf-8"), "ok\n"),
        (Respond::json(Status::OK, "{}").unwrap(), 200, Some("application/json"), "{}"),
        (Respond::bytes(Status::OK, "image/x", &b"\x01"[..]).unwrap(), 200, Some("image/x"), "\x01"),
        (
            Respond::text(Status::OK, "a").unwrap().field("Content-Type", "text/css").unwrap(),
            200,
            Some("text/css"),
            "a",
        ),
    ] {
        let got = proxy(answer, &origin).ask(GET);
        assert_eq!((got.status, got.text().as_str()), (status, body));
        assert_eq!(got.fields.all("Content-Type"), content_type.into_iter().collect::<Vec<_>>());
    }
    for status in [100, 101, 199, 600, 999] {
        assert!(Respond::empty(Status::new(status).unwrap()).is_err(), "{status}");
    }
    for status in [204, 205, 304] {
        assert!(Respond::text(Status::new(status).unwrap(), "a").is_err(), "{status}");
    }
    assert!(Respond::bytes(Status::OK, "a\r\nX: y", "").is_err());
}
