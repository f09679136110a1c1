//! `gorge proxy` over TLS: to clients, to origins, and what is said when it cannot be.
#![cfg(feature = "openssl")]

mod common;

use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use common::{GET, client_of, expect_end, gorge, gorge_with};
use gorge_test_util::{
    Authority, ClientTls, Origin, Program, PythonTlsOrigin, ServerTls, TempFolder, TlsSeen, curl, curl_tls,
};

const ANSWER: &str = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello";

/// The command, on a port that the kernel chooses, with these words too.
const BEGIN: [&str; 5] = ["proxy", "--listen", "127.0.0.1:0", "--workers", "1"];

fn proxy(words: &[&str]) -> Program {
    gorge(&[&BEGIN, words].concat())
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

fn mode(path: &Path, mode: u32) {
    std::fs::set_permissions(path, PermissionsExt::from_mode(mode)).unwrap();
}

#[test]
fn clients_are_shown_the_certificate() {
    let (folder, root) = (TempFolder::new(), Authority::new("root"));
    let (cert, key) = root.leaf(&["a.example"]).make().write_as(&folder, "site");
    mode(&key, 0o600);
    let origin = Origin::answering(ANSWER);
    let to = origin.addr().to_string();
    let program = proxy(&["--to", &to, "--tls-cert", text(&cert), "--tls-key", text(&key)]);
    let answer = curl_tls(program.addr(), &ClientTls::new("a.example").trusting(&root), "/", &[]);
    assert_eq!(answer.stdout, "hello", "{answer:?}");
    origin.wait_for_text("X-Forwarded-Proto: https");
    program.err().wait_for("info certificate for a.example (ECDSA over P-256) expires in 90 days");
    let plain = curl(&["-sS", "-i", &format!("http://{}/", program.addr())]);
    assert!(plain.stdout.starts_with("HTTP/1.1 400 "), "{plain:?}");
    program.err().wait_for("plain HTTP");
    assert!(!program.err().text().contains("everybody"), "{}", program.err().text());
}

#[test]
fn a_key_that_everybody_may_read_is_told_of() {
    let (folder, root) = (TempFolder::new(), Authority::new("root"));
    let (cert, key) = root.leaf(&["a.example"]).days(3).make().write_as(&folder, "site");
    mode(&key, 0o644);
    let program = proxy(&["--to", "127.0.0.1:1", "--tls-cert", text(&cert), "--tls-key", text(&key)]);
    program.err().wait_for("warn everybody on this machine may read the private key");
    program.err().wait_for("warn certificate for a.example: ");
    program.addr();
}

#[test]
fn what_cannot_be_shown_ends_with_1() {
    let (folder, root) = (TempFolder::new(), Authority::new("root"));
    let (cert, key) = root.leaf(&["a.example"]).key_of_another().make().write_as(&folder, "site");
    let with = |cert: &Path, key: &Path| {
        proxy(&["--to", "127.0.0.1:1", "--tls-cert", text(cert), "--tls-key", text(key)])
    };
    expect_end(with(&cert, &key), 1, "site.key: ");
    let missing = folder.path().join("missing.pem");
    expect_end(with(&missing, &key), 1, "missing.pem");
    expect_end(with(&key, &key), 1, "site.key: ");
}

#[test]
fn an_origin_over_tls_is_verified_by_the_name_that_was_typed() {
    let (folder, root) = (TempFolder::new(), Authority::new("root"));
    let trusts = format!("SSL_CERT_FILE={}", text(&folder.write("ca.pem", root.pem())));
    let origin = PythonTlsOrigin::start(&ServerTls::new(&root.leaf(&["localhost"]).make()));
    let start = |variables: &[&str], to: &str, more: &[&str]| {
        gorge_with(variables, &[&BEGIN, &["--to", to][..], more].concat())
    };
    let ask = |program: &Program| {
        let mut client = client_of(program);
        client.send(GET);
        client.response()
    };
    let by_name = format!("https://localhost:{}", origin.addr().port());
    let program = start(&[&trusts], &by_name, &[]);
    let answer = ask(&program);
    assert_eq!(answer.status, 200, "{}", program.err().text());
    assert_eq!(TlsSeen::parse(&answer.text()).name.as_deref(), Some("localhost"));

    let by_address = format!("https://{}", origin.addr());
    let program = start(&[&trusts], &by_address, &[]);
    assert_eq!(ask(&program).status, 502);
    program.err().wait_for("the certificate of 127.0.0.1 is for localhost");

    let program = start(&[], &by_name, &[]);
    assert_eq!(ask(&program).status, 502, "the system trusts no such CA");

    let program = start(&[], &by_address, &["--insecure"]);
    assert_eq!(ask(&program).status, 200, "{}", program.err().text());
    program.err().wait_for("warn --insecure: certificates of origins are not verified");
}

#[test]
fn origins_with_tls_and_without_share_the_work() {
    let root = Authority::new("root");
    let secure = PythonTlsOrigin::start(&ServerTls::new(&root.leaf(&["localhost"]).make()));
    let plain = Origin::answering(ANSWER);
    let (one, other) = (format!("https://{}", secure.addr()), format!("http://{}/", plain.addr()));
    let program = proxy(&["--to", &one, "--to", &other, "--insecure"]);
    let mut answers = Vec::new();
    for _ in 0..4 {
        let mut client = client_of(&program);
        client.send(GET);
        let answer = client.response();
        assert_eq!(answer.status, 200, "{}", program.err().text());
        answers.push(answer.text() == "hello");
    }
    assert_eq!(answers.iter().filter(|plain| **plain).count(), 2, "{answers:?}");
}

#[test]
fn insecure_without_tls_is_a_mistake() {
    expect_end(gorge(&["proxy", "--to", "127.0.0.1:1", "--insecure"]), 2, "--to https://127.0.0.1:8443");
}
