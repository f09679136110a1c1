//! `gorge check --explain`: what it says is what happens.

mod served;

use gorge_test_util::{Response, TempFolder};
use served::{Served, ask, text};

const CONFIG: &str = r#"
[[listen]]
address = "127.0.0.1:8080"
[[listen]]
address = "127.0.0.1:8081"
deny = ["192.0.2.0/24"]
[listen.limits]
body_size = "1MiB"
[upstream.app]
servers = ["127.0.0.1:9001", { address = "app.example:80", weight = 2, backup = true }]
[upstream.hosts]
servers = ["srv:_http._tcp.app.example"]
[[route]]
name = "shop"
host = ["shop.example", "*.shop.example"]
upstream = "app"
[[route]]
name = "api"
host = "shop.example"
path = "/api/"
methods = ["GET", "PUT"]
upstream = "hosts"
rewrite = { strip = true }
allow = ["10.0.0.0/8"]
basic_auth = { users = { a = "b" } }
[[route]]
name = "beta"
host = "shop.example"
path = "/api/"
methods = ["GET"]
headers = { "X-Beta" = "1" }
respond = { status = 418, text = "beta" }
[[route]]
name = "icon"
path = { exact = "/favicon.ico" }
redirect = { to = "https://$host/icons/$path", status = 301 }
[[route]]
name = "work"
path = "/work"
maintenance = true
"#;

/// What is said for a URL and further words.
fn explain(folder: &TempFolder, url: &str, more: &[&str]) -> String {
    let file = folder.path().join("gorge.toml");
    let ended = served::gorge(&[&["check", "-c", text(&file), "--explain", url], more].concat());
    assert!(matches!(ended.code, 0 | 2), "{ended:#?}");
    ended.out + &ended.err
}

#[test]
fn a_dozen_requests_are_explained() {
    let folder = TempFolder::new();
    folder.write("gorge.toml", CONFIG);
    for (url, more, said) in [
        (
            "http://shop.example/",
            &[][..],
            &["route: shop (number 1)", "upstream: app: 127.0.0.1:9001, app.example:80 weight 2 backup"][..],
        ),
        ("a.b.shop.example", &[], &["route: shop", "shop.example or *.shop.example"]),
        (
            "http://shop.example:8080/x?y",
            &[],
            &["GET shop.example:8080/x?y", "listener: 127.0.0.1:8080\n", "route: shop"],
        ),
        ("http://shop.example:8081/x", &[], &["listener: 127.0.0.1:8081\n", "BodyLimit"]),
        (
            "http://shop.example:8080/api/x",
            &[],
            &["route: api", "paths below /api", "GET or PUT", "BasicAuth", "srv:_http._tcp.app.example"],
        ),
        ("http://shop.example/api/x", &["--client", "10.1.2.3"], &["client 10.1.2.3: may ask"]),
        ("http://shop.example/api/x", &["--client", "192.0.2.1"], &["client 192.0.2.1: refused with 403"]),
        (
            "http://shop.example:8081/",
            &["--client", "192.0.2.1"],
            &["client 192.0.2.1: its connection is closed"],
        ),
        (
            "http://shop.example/api/x",
            &["--header", "X-Beta: 1"],
            &["route: beta", "by the field X-Beta", "answer: 418"],
        ),
        (
            "http://shop.example/x/../api/%78",
            &["--method", "PUT"],
            &["route: api", "path: /api/x in its normal form"],
        ),
        (
            "http://other/favicon.ico",
            &[],
            &["route: icon", "the path /favicon.ico", "answer: 301 to https://$host/icons/$path"],
        ),
        ("http://other/work/x", &[], &["route: work", "answer: 503, maintenance"]),
        ("http://other/", &[], &["route: none; answer: 404"]),
        ("http://shop.example/../x", &[], &["answer: 400, the path leads above the root"]),
        ("http://shop.example/", &["--method", "TRACE"], &["answer: 405"]),
        ("http://shop.example/", &["--method", "CONNECT"], &["answer: 405"]),
    ] {
        let text = explain(&folder, url, more);
        for part in said {
            assert!(text.contains(part), "{url} {more:?}: {part:?} is not in\n{text}");
        }
    }
    assert!(!explain(&folder, "http://shop.example:8080/", &[]).contains("BodyLimit"));
    assert!(!explain(&folder, "http://shop.example:80/", &[]).contains("listener: 127"));
}

/// Numbers that look random and are the same each time (xorshift, Marsaglia 2003).
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % end as u64).unwrap()
    }

    fn one<'a>(&mut self, of: &[&'a str]) -> &'a str {
        of[self.below(of.len())]
    }
}

/// Some routes, each of which tells its name in the answer.
fn routes(numbers: &mut Numbers) -> String {
    let mut config = "[server]\nworkers = 1\n[[listen]]\naddress = \"127.0.0.1:0\"\n".to_owned();
    for number in 0..2 + numbers.below(6) {
        config.push_str(&format!("[[route]]\nname = \"r{number}\"\nrespond = 200\n"));
        config.push_str(&format!("response_headers = {{ set = {{ \"X-Route\" = \"r{number}\" }} }}\n"));
        config.push_str(numbers.one(&[
            "",
            "host = \"a.example\"\n",
            "host = [\"a.example\", \"*.example\"]\n",
            "host = \"*.example\"\n",
            "host = \"*.a.example\"\n",
            "host = \"b.a.example\"\n",
        ]));
        config.push_str(numbers.one(&[
            "",
            "path = \"/\"\n",
            "path = \"/x\"\n",
            "path = \"/x/\"\n",
            "path = \"/x/y\"\n",
            "path = { exact = \"/x\" }\n",
            "path = { exact = \"/x/y\" }\n",
            "path = { exact = \"/x/\" }\n",
        ]));
        config.push_str(numbers.one(&[
            "",
            "",
            "methods = [\"GET\"]\n",
            "methods = [\"POST\", \"HEAD\"]\n",
            "methods = [\"GET\", \"PUT\"]\n",
            "methods = [\"PUT\"]\ncors = true\n",
            "methods = [\"OPTIONS\"]\n",
        ]));
        config.push_str(numbers.one(&[
            "",
            "",
            "headers = { \"X-A\" = \"1\" }\n",
            "headers = { \"X-A\" = true }\n",
            "headers = { \"X-A\" = false }\n",
            "headers = { \"X-A\" = \"1\", \"X-B\" = true }\n",
            "headers = { \"Host\" = \"a.example\" }\n",
        ]));
    }
    config
}

struct Asked {
    method: &'static str,
    host: &'static str,
    path: &'static str,
    fields: &'static [&'static str],
}

fn asked(numbers: &mut Numbers) -> Asked {
    let fields: [&[&str]; 5] = [&[], &["X-A: 1"], &["X-A: 2"], &["X-A: 1", "X-A: 2"], &["X-A: 1", "X-B:"]];
    Asked {
        method: numbers.one(&["GET", "GET", "HEAD", "POST", "PUT", "OPTIONS", "DELETE", "TRACE", "MINE"]),
        host: numbers.one(&[
            "a.example",
            "A.Example:81",
            "b.a.example",
            "c.b.a.example",
            "a.example.",
            "o",
            "example",
        ]),
        path: numbers.one(&[
            "",
            "/",
            "/x",
            "/x/",
            "/x/y",
            "/xy",
            "/x/./z/../y",
            "/%78",
            "/x?/y",
            "?x",
            "//x",
            "/x/y/z",
            "/../x",
            "/X",
        ]),
        fields: fields[numbers.below(5)],
    }
}

impl Asked {
    fn request(&self) -> String {
        let fields: String = self.fields.iter().map(|field| format!("{field}\r\n")).collect();
        let path = if self.path.starts_with('/') { "" } else { "/" };
        let length = if matches!(self.method, "POST" | "PUT") { "Content-Length: 0\r\n" } else { "" };
        format!("{} {path}{} HTTP/1.1\r\nHost: {}\r\n{length}{fields}\r\n", self.method, self.path, self.host)
    }

    fn words(&self) -> Vec<&'static str> {
        let mut words = vec!["--method", self.method];
        for field in self.fields {
            words.extend(["--header", field]);
        }
        words
    }
}

/// What was said, as the name of a route or a status.
fn said(text: &str) -> String {
    let line = text.lines().find(|line| line.starts_with("route: "));
    let line = line.unwrap_or_else(|| panic!("nothing is said of a route:\n{text}"));
    match line.split_once("answer: ") {
        Some((_, answer)) => answer.to_owned(),
        None => line.trim_start_matches("route: ").split(' ').next().unwrap_or_default().to_owned(),
    }
}

/// What happened, in the same words.
fn done(asked: &Asked, response: &Response) -> String {
    if asked.method == "TRACE" {
        // Which methods are allowed is not for a route to say then.
        return response.status.to_string();
    }
    if response.status == 400 {
        return "400, the path leads above the root".to_owned();
    }
    match (response.fields.get("x-route"), response.fields.get("allow")) {
        (Some(name), _) => name.to_owned(),
        (None, Some(allow)) => format!("{}, Allow: {allow}", response.status),
        (None, None) => response.status.to_string(),
    }
}

#[test]
fn whatever_is_said_happens() {
    let mut numbers = Numbers(0x9E37_79B9_7F4A_7C15);
    let (mut configurations, mut routed) = (0, 0);
    while configurations < 20 {
        let config = routes(&mut numbers);
        let folder = TempFolder::new();
        let file = folder.write("gorge.toml", &config);
        if served::gorge(&["check", "-c", text(&file)]).code != 0 {
            // Two routes are equal; `check` says so.
            continue;
        }
        configurations += 1;
        let served = Served::start_in(folder, &config);
        for _ in 0..8 {
            let asked = asked(&mut numbers);
            let url = format!("http://{}{}", asked.host, asked.path);
            let text = explain(&served.folder, &url, &asked.words());
            let response = ask(served.addr(), &asked.request());
            assert_eq!(
                said(&text),
                done(&asked, &response),
                "{url} {:?} of\n{config}\n{text}",
                asked.words()
            );
            routed += usize::from(response.fields.has("x-route"));
        }
    }
    assert!(routed > 30, "many requests of a good test have a route: {routed}");
}
