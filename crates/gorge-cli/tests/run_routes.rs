//! What each key of `[[route]]` does to a request, end to end.

mod served;

use gorge_test_util::{Gate, Origin, RawClient, Response, TempFolder};
use served::{HEAD, Served, answer, telling, upstream};

/// A request, and what must come of it.
struct Case {
    request: &'static str,
    status: u16,
    /// Fields of the answer: `Name: value`, or `!Name` for one that must be missing.
    fields: &'static [&'static str],
    /// What is somewhere in the body.
    body: &'static str,
}

const fn case(
    request: &'static str,
    status: u16,
    fields: &'static [&'static str],
    body: &'static str,
) -> Case {
    Case { request, status, fields, body }
}

#[track_caller]
fn check(response: &Response, case: &Case) {
    let shown = format!("{:?}: {response:#?}", case.request);
    assert_eq!(response.status, case.status, "{shown}");
    for field in case.fields {
        match (field.strip_prefix('!'), field.split_once(": ")) {
            (Some(name), _) => assert!(!response.fields.has(name), "{field} in {shown}"),
            (None, Some((name, value))) => {
                let values = response.fields.all(name);
                assert!(values.contains(&value), "no {field} in {shown}");
            }
            (None, None) => assert!(response.fields.has(field), "no {field} in {shown}"),
        }
    }
    assert!(response.text().contains(case.body), "{shown}\n{}", response.text());
}

/// Serves `rest` before an origin that tells what it is asked; `app` is its upstream.
#[track_caller]
fn run(rest: &str, cases: &[Case]) {
    run_in(TempFolder::new(), rest, cases);
}

#[track_caller]
fn run_in(folder: TempFolder, rest: &str, cases: &[Case]) {
    let origin = telling("app");
    let served = Served::start_in(folder, &format!("{HEAD}{}{rest}", upstream("app", origin.addr())));
    for case in cases {
        check(&served.ask(case.request), case);
    }
}

#[test]
fn hosts_and_paths_choose_the_most_specific() {
    let rest = r#"
        [[route]]
        host = ["shop.example", "www.shop.example"]
        respond = { text = "exact" }
        [[route]]
        host = "*.shop.example"
        respond = { text = "wildcard" }
        [[route]]
        host = "*.eu.shop.example"
        respond = { text = "longer wildcard" }
        [[route]]
        path = "/api"
        respond = { text = "prefix" }
        [[route]]
        path = "/api/v2/"
        respond = { text = "longer prefix" }
        [[route]]
        path = { exact = "/api/v2/x" }
        respond = { text = "one path" }
    "#;
    run(
        rest,
        &[
            case("GET / HTTP/1.1\r\nHost: shop.example\r\n\r\n", 200, &[], "exact"),
            case("GET /api HTTP/1.1\r\nHost: WWW.Shop.Example:8080\r\n\r\n", 200, &[], "exact"),
            case("GET / HTTP/1.1\r\nHost: a.shop.example\r\n\r\n", 200, &[], "wildcard"),
            case("GET / HTTP/1.1\r\nHost: a.eu.shop.example\r\n\r\n", 200, &[], "longer wildcard"),
            case("GET /api HTTP/1.1\r\nHost: a\r\n\r\n", 200, &[], "prefix"),
            case("GET /api/x HTTP/1.1\r\nHost: a\r\n\r\n", 200, &[], "prefix"),
            case("GET /x/../api/v2/ HTTP/1.1\r\nHost: a\r\n\r\n", 200, &[], "longer prefix"),
            case("GET /api/v2/x?y HTTP/1.1\r\nHost: a\r\n\r\n", 200, &[], "one path"),
            case("GET /apix HTTP/1.1\r\nHost: a\r\n\r\n", 404, &["Proxy-Status", "X-Request-Id"], ""),
            case("GET /../x HTTP/1.1\r\nHost: a\r\n\r\n", 400, &[], ""),
        ],
    );
}

#[test]
fn methods_and_fields_are_conditions() {
    let rest = r#"
        [[route]]
        path = "/m"
        methods = ["GET", "PUT"]
        respond = { text = "read" }
        [[route]]
        path = "/m"
        methods = ["DELETE"]
        respond = 204
        [[route]]
        path = "/f"
        respond = { text = "plain" }
        [[route]]
        path = "/f"
        headers = { "X-Beta" = "1" }
        respond = { text = "beta" }
        [[route]]
        path = "/f"
        headers = { "X-Beta" = "1", "X-Any" = true, "X-Not" = false }
        respond = { text = "three" }
    "#;
    run(
        rest,
        &[
            case("GET /m HTTP/1.1\r\nHost: a\r\n\r\n", 200, &[], "read"),
            case("HEAD /m HTTP/1.1\r\nHost: a\r\n\r\n", 200, &["Content-Length: 4"], ""),
            case("DELETE /m HTTP/1.1\r\nHost: a\r\n\r\n", 204, &[], ""),
            case(
                "POST /m HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n",
                405,
                &["Allow: GET, HEAD, PUT, DELETE"],
                "",
            ),
            case("GET /f HTTP/1.1\r\nHost: a\r\nX-Beta: 2\r\n\r\n", 200, &[], "plain"),
            case("GET /f HTTP/1.1\r\nHost: a\r\nx-beta: 1\r\n\r\n", 200, &[], "beta"),
            case("GET /f HTTP/1.1\r\nHost: a\r\nX-Beta: 1\r\nX-Any:\r\n\r\n", 200, &[], "three"),
            case("GET /f HTTP/1.1\r\nHost: a\r\nX-Beta: 1\r\nX-Any: x\r\nX-Not: y\r\n\r\n", 200, &[], "beta"),
        ],
    );
}

#[test]
fn paths_are_rewritten_three_ways() {
    let rest = r#"
        [[route]]
        path = "/api/"
        upstream = "app"
        rewrite = { prefix = "/v2/" }
        [[route]]
        path = "/fixed"
        upstream = "app"
        rewrite = { path = "/index.html" }
        [[route]]
        path = "/strip"
        upstream = "app"
        rewrite = { strip = true }
        [[route]]
        path = "/plain"
        upstream = "app"
    "#;
    run(
        rest,
        &[
            case("GET /api/x/y?q=1 HTTP/1.1\r\nHost: a\r\n\r\n", 200, &["X-Origin: app"], "GET /v2/x/y?q=1 "),
            case("GET /api/ HTTP/1.1\r\nHost: a\r\n\r\n", 200, &[], "GET /v2/ "),
            case("GET /fixed/z?q HTTP/1.1\r\nHost: a\r\n\r\n", 200, &[], "GET /index.html?q "),
            case("GET /strip/z HTTP/1.1\r\nHost: a\r\n\r\n", 200, &[], "GET /z "),
            case("GET /strip?q HTTP/1.1\r\nHost: a\r\n\r\n", 200, &[], "GET /?q "),
            case("GET /x/../plain/%61 HTTP/1.1\r\nHost: a\r\n\r\n", 200, &[], "GET /plain/a "),
        ],
    );
}

#[test]
fn redirects_keep_what_the_template_names() {
    let rest = r#"
        [[route]]
        path = "/short"
        redirect = "https://$host$uri"
        [[route]]
        path = "/long"
        redirect = { to = "/new$path?from=$query", status = 302 }
    "#;
    run(
        rest,
        &[
            case(
                "GET /short/x?y=z HTTP/1.1\r\nHost: a.example\r\n\r\n",
                308,
                &["Location: https://a.example/short/x?y=z"],
                "",
            ),
            case(
                "POST /long HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nhi",
                302,
                &["Location: /new/long?from="],
                "",
            ),
        ],
    );
}

#[test]
fn answers_of_our_own_have_every_form() {
    let folder = TempFolder::new();
    folder.write("soon.html", "<h1>Soon</h1>");
    folder.write("data.bin", [0, 1, 2]);
    let rest = r#"
        [[route]]
        path = "/number"
        respond = 410
        [[route]]
        path = "/html"
        respond = { status = 203, html = "<p>hi</p>", headers = { "Cache-Control" = "no-store" } }
        [[route]]
        path = "/json"
        respond = { json = '{"up":true}' }
        [[route]]
        path = "/file"
        respond = { file = "soon.html", status = 503 }
        [[route]]
        path = "/binary"
        respond = { file = "data.bin" }
    "#;
    run_in(
        folder,
        rest,
        &[
            case("GET /number HTTP/1.1\r\nHost: a\r\n\r\n", 410, &[], ""),
            case(
                "GET /html HTTP/1.1\r\nHost: a\r\n\r\n",
                203,
                &["Content-Type: text/html; charset=utf-8", "Cache-Control: no-store"],
                "<p>hi</p>",
            ),
            case(
                "GET /json HTTP/1.1\r\nHost: a\r\n\r\n",
                200,
                &["Content-Type: application/json"],
                "{\"up\":true}",
            ),
            case(
                "GET /file HTTP/1.1\r\nHost: a\r\n\r\n",
                503,
                &["Content-Type: text/html; charset=utf-8"],
                "Soon",
            ),
            case(
                "HEAD /binary HTTP/1.1\r\nHost: a\r\n\r\n",
                200,
                &["Content-Type: application/octet-stream", "Content-Length: 3"],
                "",
            ),
        ],
    );
}

#[test]
fn fields_are_edited_both_ways() {
    let origin = Origin::answering(answer("Server: old\r\nX-Seen: a\r\n", ""));
    let rest = r#"
        [[route]]
        upstream = "app"
        [route.request_headers]
        set = { "X-Client" = "$client_ip $scheme $host $path", "X-Id" = "$request_id" }
        add = { "X-Tag" = "two" }
        remove = ["X-Debug"]
        [route.response_headers]
        set = { "X-For" = "$path $status", "X-Price" = "$$5" }
        add = { "X-Seen" = "b" }
        remove = ["Server"]
    "#;
    let served = Served::with(&format!("{}{rest}", upstream("app", origin.addr())));
    let response = served.ask("GET /p?q HTTP/1.1\r\nHost: h:1\r\nX-Debug: 1\r\nX-Tag: one\r\n\r\n");
    let asked = origin.only_request().fields;
    assert_eq!(asked.get("x-client"), Some("127.0.0.1 http h /p"));
    assert_eq!(asked.get("x-id"), asked.get("x-request-id"));
    assert_eq!(asked.all("x-tag"), ["one", "two"]);
    assert!(!asked.has("x-debug"), "{asked:?}");
    assert_eq!(response.fields.get("x-for"), Some("/p 200"));
    assert_eq!(response.fields.get("x-price"), Some("$5"));
    assert_eq!(response.fields.all("x-seen"), ["a", "b"]);
    assert!(!response.fields.has("server"), "{response:?}");
}

#[test]
fn bodies_are_bounded_by_listener_and_route() {
    let rest = r#"
        [listen.limits]
        body_size = "4B"
        [[route]]
        upstream = "app"
        [[route]]
        path = "/large"
        upstream = "app"
        body_size = "10B"
    "#;
    let origin = telling("app");
    let served = Served::start(&format!("{HEAD}{rest}{}", upstream("app", origin.addr())));
    for (path, length, status) in [("/", 4, 200), ("/", 5, 413), ("/large", 10, 200), ("/large", 11, 413)] {
        let body = "x".repeat(length);
        let request = format!("POST {path} HTTP/1.1\r\nHost: a\r\nContent-Length: {length}\r\n\r\n{body}");
        assert_eq!(served.ask(&request).status, status, "{path} {length}");
        let chunked = format!(
            "POST {path} HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n{length:x}\r\n{body}\r\n0\r\n\r\n"
        );
        assert_eq!(served.ask(&chunked).status, status, "{path} {length} chunked");
    }
}

#[test]
fn access_is_by_network_and_by_password() {
    let folder = TempFolder::new();
    folder.write("alice.pw", "wonderland\n");
    let rest = r#"
        [[route]]
        path = "/deny"
        deny = ["127.0.0.0/8"]
        respond = 200
        [[route]]
        path = "/others"
        allow = ["10.0.0.0/8"]
        respond = 200
        [[route]]
        path = "/both"
        allow = ["127.0.0.0/8"]
        deny = ["127.0.0.1/32"]
        respond = 200
        [[route]]
        path = "/ours"
        allow = ["127.0.0.0/8"]
        respond = 200
        [[route]]
        path = "/auth"
        basic_auth = { realm = "shop", users = { alice = "${file:alice.pw}", bob = "{SHA256}df6b07176a9b17cc4c9afc257bd404732e7d09b76436c7890f7b7be14e579794" } }
        respond = { text = "welcome" }
    "#;
    run_in(
        folder,
        rest,
        &[
            case("GET /deny HTTP/1.1\r\nHost: a\r\n\r\n", 403, &["Proxy-Status"], ""),
            case("GET /others HTTP/1.1\r\nHost: a\r\n\r\n", 403, &[], ""),
            case("GET /both HTTP/1.1\r\nHost: a\r\n\r\n", 403, &[], ""),
            case("GET /ours HTTP/1.1\r\nHost: a\r\n\r\n", 200, &[], ""),
            case("GET /auth HTTP/1.1\r\nHost: a\r\n\r\n", 401, &["WWW-Authenticate"], ""),
            case(
                // alice:wonderland
                "GET /auth HTTP/1.1\r\nHost: a\r\nAuthorization: Basic YWxpY2U6d29uZGVybGFuZA==\r\n\r\n",
                200,
                &["!WWW-Authenticate"],
                "welcome",
            ),
            case(
                // bob:builder
                "GET /auth HTTP/1.1\r\nHost: a\r\nAuthorization: Basic Ym9iOmJ1aWxkZXI=\r\n\r\n",
                200,
                &[],
                "welcome",
            ),
            case(
                // alice:wrong
                "GET /auth HTTP/1.1\r\nHost: a\r\nAuthorization: Basic YWxpY2U6d3Jvbmc=\r\n\r\n",
                401,
                &[],
                "",
            ),
        ],
    );
}

#[test]
fn browsers_are_told_what_they_may() {
    let rest = r#"
        [[route]]
        path = "/safe"
        security_headers = true
        respond = 200
        [[route]]
        path = "/table"
        security_headers = { csp = "default-src 'self'", frame = "SAMEORIGIN" }
        respond = 200
        [[route]]
        path = "/cors"
        methods = ["PUT"]
        cors = { origins = ["https://a.example"], methods = ["PUT"], headers = ["X-Token"], credentials = true, max_age = "10m" }
        basic_auth = { users = { a = "b" } }
        respond = 200
    "#;
    run(
        rest,
        &[
            case(
                "GET /safe HTTP/1.1\r\nHost: a\r\n\r\n",
                200,
                &["X-Content-Type-Options: nosniff", "X-Frame-Options: DENY", "!Content-Security-Policy"],
                "",
            ),
            case(
                "GET /table HTTP/1.1\r\nHost: a\r\n\r\n",
                200,
                &["X-Frame-Options: SAMEORIGIN", "Content-Security-Policy: default-src 'self'"],
                "",
            ),
            case(
                "OPTIONS /cors HTTP/1.1\r\nHost: a\r\nOrigin: https://a.example\r\n\
                 Access-Control-Request-Method: PUT\r\nAccess-Control-Request-Headers: x-token\r\n\r\n",
                204,
                &[
                    "Access-Control-Allow-Origin: https://a.example",
                    "Access-Control-Allow-Credentials: true",
                    "Access-Control-Max-Age: 600",
                ],
                "",
            ),
            case(
                // a:b
                "PUT /cors HTTP/1.1\r\nHost: a\r\nOrigin: https://a.example\r\nContent-Length: 0\r\n\
                 Authorization: Basic YTpi\r\n\r\n",
                200,
                &["Access-Control-Allow-Origin: https://a.example"],
                "",
            ),
            case(
                "PUT /cors HTTP/1.1\r\nHost: a\r\nOrigin: https://b.example\r\nContent-Length: 0\r\n\
                 Authorization: Basic YTpi\r\n\r\n",
                200,
                &["!Access-Control-Allow-Origin"],
                "",
            ),
        ],
    );
}

#[test]
fn maintenance_is_an_answer_with_a_time() {
    let rest = r#"
        [[route]]
        path = "/work"
        upstream = "app"
        maintenance = { retry_after = "10m", text = "back at noon" }
        [[route]]
        path = "/plain"
        maintenance = true
    "#;
    run(
        rest,
        &[
            case("GET /work HTTP/1.1\r\nHost: a\r\n\r\n", 503, &["Retry-After: 600"], "back at noon"),
            case(
                "GET /plain HTTP/1.1\r\nHost: a\r\nAccept: text/html\r\n\r\n",
                503,
                &["Retry-After: 300"],
                "<p",
            ),
        ],
    );
}

#[test]
fn a_route_bounds_the_time_of_all_attempts() {
    let silent = Origin::silent();
    let rest = "[[route]]\nupstream = \"app\"\ntimeout = \"50ms\"\n";
    let served = Served::with(&format!("{}{rest}", upstream("app", silent.addr())));
    let response = served.ask("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_eq!(response.status, 504, "{response:?}");
    assert!(response.fields.has("proxy-status"), "{response:?}");
}

#[test]
fn a_route_has_retries_of_its_own() {
    let failing = Origin::answering("HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n");
    let good = telling("good");
    let both = format!("[upstream.app]\nservers = [\"{}\", \"{}\"]\n", failing.addr(), good.addr());
    let rest = r#"
        [[route]]
        upstream = "app"
        [[route]]
        path = "/once"
        upstream = "app"
        retry = { attempts = 1 }
    "#;
    let served = Served::with(&format!("{both}{rest}"));
    // On one connection: each worker has turns of its own.
    let statuses = |path: &str| {
        let mut client = served.client();
        let mut ask = |_| {
            client.send(format!("GET {path} HTTP/1.1\r\nHost: a\r\n\r\n"));
            client.response().status
        };
        (0..4).map(&mut ask).collect::<Vec<_>>()
    };
    assert_eq!(statuses("/"), [200; 4]);
    let mut once = statuses("/once");
    once.sort_unstable();
    assert_eq!(once, [200, 200, 503, 503], "each in its turn, and nobody else after it");
}

#[test]
fn upgrades_pass_unless_the_route_says_otherwise() {
    let over = Gate::new("the tunnel was used");
    let origin = Origin::start({
        let over = over.clone();
        move |connection| {
            let request = connection.head();
            if request.fields.has("upgrade") {
                connection.send(
                    "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n",
                );
                let four = connection.exactly(4);
                connection.send(four);
                over.wait();
            } else {
                connection.send(answer("", "no upgrade"));
            }
        }
    });
    let rest = r#"
        [[route]]
        upstream = "app"
        [[route]]
        path = "/plain"
        upstream = "app"
        websocket = false
    "#;
    let served = Served::with(&format!("{}{rest}", upstream("app", origin.addr())));
    let request = |path: &str| {
        format!("GET {path} HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n")
    };
    let mut client: RawClient = served.client();
    client.send(request("/"));
    assert_eq!(client.response().status, 101);
    client.send("ping");
    assert_eq!(client.exactly(4), b"ping");
    over.open();
    let refused = served.ask(&request("/plain"));
    assert_ne!(refused.status, 101, "{refused:?}");
}
