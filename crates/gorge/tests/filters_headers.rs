//! Filters that edit fields: what was asked for, and nothing beside it.

mod common;

use common::{GET, RunningProxy, Setup, balancer, ok, run};
use gorge::prelude::*;
use gorge::proxy::filters::{RequestHeaderEdit, RequestId, Respond, ResponseHeaderEdit, SecurityHeaders};
use gorge_test_util::Origin;

fn proxy(filter: impl Filter, origin: &Origin) -> RunningProxy {
    let setup = Setup::default();
    run(setup.builder().filter(filter).upstream(balancer(&[origin.addr()], &setup)).build().unwrap(), &setup)
}

#[test]
fn request_fields_are_removed_set_and_added_in_this_order() {
    let edit = RequestHeaderEdit::new()
        .add("X-List", "c")
        .and_then(|edit| edit.set("X-One", "new"))
        .and_then(|edit| edit.set("User-Agent", "gorge"))
        .and_then(|edit| edit.set("Host", "app.internal:81"))
        .and_then(|edit| edit.set("X-Gone", "back"))
        .and_then(|edit| edit.remove("x-gone"))
        .and_then(|edit| edit.remove("Accept"))
        .unwrap();
    let origin = Origin::answering(ok("hi"));
    proxy(edit, &origin).ask(
        "GET / HTTP/1.1\r\nHost: a\r\nAccept: x\r\nX-List: a\r\nX-List: b\r\nX-One: 1\r\nX-ONE: 2\r\n\
         X-Gone: 1\r\nUser-Agent: curl\r\n\r\n",
    );
    let seen = origin.only_request().fields;
    assert_eq!(seen.all("X-List"), ["a", "b", "c"]);
    assert_eq!(seen.all("X-One"), ["new"]);
    assert_eq!(seen.all("User-Agent"), ["gorge"]);
    assert_eq!(seen.all("Host"), ["app.internal:81"]);
    assert_eq!(seen.all("X-Gone"), ["back"]);
    assert!(!seen.has("Accept"));
}

#[test]
fn templates_are_filled_in_on_both_ways() {
    let text = "$client_ip|$host|$authority|${path}|$query|$uri|$scheme|$method|$$x";
    let filled = "127.0.0.1|a.example|a.example:81|/p|q=$1|/p?q=$1|http|POST|$x";
    let origin = Origin::answering(ok("hi"));
    let setup = Setup::default();
    let builder = setup
        .builder()
        .filter(ResponseHeaderEdit::new().set("X-Back", &format!("{text}|$status")).unwrap())
        .filter(RequestHeaderEdit::new().set("X-There", text).unwrap());
    let proxy = run(builder.upstream(balancer(&[origin.addr()], &setup)).build().unwrap(), &setup);
    let answer = proxy.ask("POST /p?q=$1 HTTP/1.1\r\nHost: a.example:81\r\nContent-Length: 0\r\n\r\n");
    assert_eq!(origin.only_request().fields.get("X-There"), Some(filled));
    assert_eq!(answer.fields.get("X-Back"), Some(format!("{filled}|200").as_str()));
}

#[test]
fn a_template_reads_the_id_that_was_given() {
    let origin = Origin::answering(ok("hi"));
    let setup = Setup::default();
    let builder = setup
        .builder()
        .filter(RequestId::new())
        .filter(RequestHeaderEdit::new().set("X-Trace", "[$request_id]").unwrap());
    let proxy = run(builder.upstream(balancer(&[origin.addr()], &setup)).build().unwrap(), &setup);
    proxy.ask("GET / HTTP/1.1\r\nHost: a\r\nX-Request-Id: forged\r\n\r\n");
    let seen = origin.only_request().fields;
    assert_eq!(seen.get("X-Trace"), Some(format!("[{}]", seen.get("X-Request-Id").unwrap()).as_str()));
}

/// What a client can put into a name that a template reads, it cannot break out of the field with.
#[test]
fn no_request_adds_a_field_of_its_own_through_a_template() {
    for target in ["/%0d%0aX-Evil:%201", "/?%0d%0aX-Evil:1", "/a?\"';<>|\\^`{}", "//x?$host"] {
        let origin = Origin::answering(ok("hi"));
        let edit = RequestHeaderEdit::new().set("X-T", "$uri $host $request_id").unwrap();
        let proxy = proxy(edit, &origin);
        let request = format!("GET {target} HTTP/1.1\r\nHost: a\r\nX-Request-Id: \u{e9}\r\n\r\n");
        assert_eq!(proxy.ask(request).status, 200, "{target}");
        let seen = origin.only_request().fields;
        assert!(!seen.has("X-Evil"), "{target}");
        assert!(seen.get("X-T").unwrap().starts_with(&format!("{target} a ")), "{target}: {seen:?}");
    }
    // Bytes beyond ASCII come into neither target nor Host at all.
    let origin = Origin::answering(ok("hi"));
    let proxy = proxy(RequestHeaderEdit::new().set("X-T", "$uri $host").unwrap(), &origin);
    for request in [
        "GET /\u{e9} HTTP/1.1\r\nHost: a\r\n\r\n",
        "GET /?\u{e9} HTTP/1.1\r\nHost: a\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: \u{e9}\r\n\r\n",
    ] {
        assert_eq!(proxy.ask(request).status, 400, "{request:?}");
    }
    assert_eq!(origin.requests().len(), 0);
}

#[test]
fn response_fields_are_edited_whoever_made_the_response() {
    let edit = || {
        ResponseHeaderEdit::new()
            .remove("Server")
            .and_then(|edit| edit.set("X-Status", "$status"))
            .and_then(|edit| edit.add("Set-Cookie", "b=2"))
            .unwrap()
    };
    let origin = Origin::answering(
        "HTTP/1.1 404 No\r\nServer: x\r\nX-Status: 1\r\nX-Status: 2\r\nSet-Cookie: a=1\r\nContent-Length: 0\r\n\r\n",
    );
    let answer = proxy(edit(), &origin).ask(GET);
    assert!(!answer.fields.has("Server"));
    assert_eq!(answer.fields.all("X-Status"), ["404"]);
    assert_eq!(answer.fields.all("Set-Cookie"), ["a=1", "b=2"]);

    let gone = Origin::start(|connection| connection.close());
    let answer = proxy(edit(), &gone).ask(GET);
    assert_eq!((answer.status, answer.fields.get("X-Status")), (502, Some("502")));
}

#[test]
fn the_outermost_filter_has_the_last_word_on_a_response() {
    let origin =
        Origin::answering("HTTP/1.1 200 OK\r\nX-A: origin\r\nX-B: origin\r\nContent-Length: 0\r\n\r\n");
    let setup = Setup::default();
    let set = |name, value| ResponseHeaderEdit::new().set(name, value);
    let builder = setup
        .builder()
        .filter(set("X-A", "outer").unwrap())
        .filter(set("X-A", "inner").and_then(|edit| edit.set("X-B", "inner")).unwrap())
        .upstream_filter(set("X-B", "attempt").and_then(|edit| edit.set("X-C", "attempt")).unwrap());
    let proxy = run(builder.upstream(balancer(&[origin.addr()], &setup)).build().unwrap(), &setup);
    let answer = proxy.ask(GET);
    let all = ["X-A", "X-B", "X-C"].map(|name| answer.fields.all(name));
    assert_eq!(all, [["outer"], ["inner"], ["attempt"]]);
}

#[test]
fn fields_that_are_not_the_users_to_edit_are_refused() {
    for name in [
        "Connection",
        "content-length",
        "Keep-Alive",
        "Proxy-Authenticate",
        "Proxy-Authorization",
        "Proxy-Connection",
        "TE",
        "Trailer",
        "Transfer-Encoding",
        "Upgrade",
        "",
        "a b",
        "a:",
        "\u{e9}",
        "a\r\n",
    ] {
        for result in [
            RequestHeaderEdit::new().remove(name).map(|_| ()),
            RequestHeaderEdit::new().set(name, "a").map(|_| ()),
            RequestHeaderEdit::new().add(name, "a").map(|_| ()),
            ResponseHeaderEdit::new().remove(name).map(|_| ()),
            ResponseHeaderEdit::new().set(name, "a").map(|_| ()),
            ResponseHeaderEdit::new().add(name, "a").map(|_| ()),
            if name == "Proxy-Authenticate" || name == "Proxy-Authorization" {
                Err(Error::new(Kind::Configuration))
            } else {
                Respond::empty(Status::OK).unwrap().field(name, "a").map(|_| ())
            },
        ] {
            assert_eq!(result.unwrap_err().kind(), Kind::Configuration, "{name:?}");
        }
    }
    for name in ["Via", "CDN-Loop", "Expect", "Max-Forwards"] {
        assert!(RequestHeaderEdit::new().remove(name).is_err(), "{name}");
        assert!(ResponseHeaderEdit::new().remove(name).is_ok(), "{name}");
    }
    for value in ["a\r\nb", "a\0", "\x7f", "$nothing", "$status"] {
        assert!(RequestHeaderEdit::new().set("X-A", value).is_err(), "{value:?}");
    }
    for host in ["", "$host", "a b", "a/b", "u@a"] {
        assert!(RequestHeaderEdit::new().set("Host", host).is_err(), "{host:?}");
    }
    assert!(RequestHeaderEdit::new().remove("Host").is_err());
    assert!(RequestHeaderEdit::new().add("Host", "a").is_err());
}

const CAREFUL: [(&str, &str); 3] = [
    ("X-Content-Type-Options", "nosniff"),
    ("X-Frame-Options", "DENY"),
    ("Referrer-Policy", "strict-origin-when-cross-origin"),
];

#[test]
fn security_fields_are_set_and_the_upstreams_own_stay() {
    let origin = Origin::answering(ok("hi"));
    let answer = proxy(SecurityHeaders::new(), &origin).ask(GET);
    for (name, value) in CAREFUL {
        assert_eq!(answer.fields.all(name), [value]);
    }
    assert!(!answer.fields.has("Content-Security-Policy"));
    assert!(!answer.fields.has("Strict-Transport-Security"), "this is plain http");

    let own = "HTTP/1.1 200 OK\r\nX-Frame-Options: SAMEORIGIN\r\nReferrer-Policy: origin\r\nContent-Length: 0\r\n\r\n";
    let careful = SecurityHeaders::new().content_security_policy(Some("default-src 'self'")).unwrap();
    for (filter, frame) in [(careful.clone(), "SAMEORIGIN"), (careful.replace(), "DENY")] {
        let origin = Origin::answering(own);
        let answer = proxy(filter, &origin).ask(GET);
        assert_eq!(answer.fields.all("X-Frame-Options"), [frame]);
        assert_eq!(answer.fields.all("Content-Security-Policy"), ["default-src 'self'"]);
    }
}

#[test]
fn security_fields_can_be_left_out() {
    let none = SecurityHeaders::new().nosniff(false).hsts(None).frame_options(None).unwrap();
    let none = none.referrer_policy(None).unwrap();
    let origin = Origin::answering(ok("hi"));
    let answer = proxy(none, &origin).ask(GET);
    assert!(CAREFUL.iter().all(|(name, _)| !answer.fields.has(name)));
}

/// A client that came over TLS, as far as filters can tell.
struct OverTls;

impl Filter for OverTls {
    async fn on_request(&self, x: &mut Exchange) -> Result<Flow> {
        x.facts.scheme = gorge::filter::Scheme::Https;
        Ok(Flow::Continue)
    }
}

#[test]
fn strict_transport_security_is_for_https() {
    let origin = Origin::answering(ok("hi"));
    let setup = Setup::default();
    let builder = setup.builder().filter(OverTls).filter(SecurityHeaders::new().hsts_subdomains(true));
    let proxy = run(builder.upstream(balancer(&[origin.addr()], &setup)).build().unwrap(), &setup);
    let answer = proxy.ask(GET);
    assert_eq!(answer.fields.get("Strict-Transport-Security"), Some("max-age=31536000; includeSubDomains"));
}
