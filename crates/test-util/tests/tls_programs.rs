//! Foreign TLS servers and clients against one another.

use std::net::SocketAddr;

use gorge_test_util::{
    Authority, ClientTls, Leaf, Nginx, PythonTlsOrigin, SServer, ServerTls, TempFolder, TlsSeen, TlsVersion,
    curl_tls, openssl, python_tls, s_client,
};

const GET: &str = "GET / HTTP/1.1\r\nHost: a.example\r\nConnection: close\r\n\r\n";

fn house() -> (Authority, Leaf) {
    let root = Authority::new("gorge test root");
    let leaf = root.intermediate("gorge test intermediate").leaf(&["a.example", "127.0.0.1"]).make();
    (root, leaf)
}

fn trusting(root: &Authority) -> ClientTls {
    ClientTls::new("a.example").trusting(root)
}

fn python_get(to: SocketAddr, tls: &ClientTls) -> Result<TlsSeen, String> {
    Ok(python_tls(to, tls, GET, 1)?.remove(0).seen)
}

#[test]
fn every_client_is_served_by_every_server() {
    let (root, leaf) = house();
    let tls = ServerTls::new(&leaf);
    let nginx = Nginx::start_tls(&tls, "location / { return 200 'seen $ssl_protocol'; }");
    let (python, s_server) = (PythonTlsOrigin::start(&tls), SServer::start(&tls, &[]));
    for addr in [nginx.addr(), python.addr(), s_server.addr()] {
        let client = trusting(&root);
        let answer = curl_tls(addr, &client, "/", &[]).succeeded();
        assert!(answer.contains("TLSv1.3"), "{answer}");
        let report = s_client(addr, &client, GET, &[]).succeeded();
        assert!(report.contains("Verify return code: 0 (ok)"), "{report}");
        assert!(report.contains(" 200 "), "{report}");
        let visit = python_tls(addr, &client, GET, 1).unwrap().remove(0);
        assert!(visit.answer.contains(" 200 ") && visit.clean_end, "{visit:?}");
        assert_eq!(visit.seen.certificate.as_deref(), Some(leaf.der()));
    }
    s_server.out().wait_for("ACCEPT");
}

#[test]
fn every_client_refuses_whom_it_does_not_trust() {
    let (_, leaf) = house();
    let stranger = Authority::new("gorge test root");
    let server = PythonTlsOrigin::start(&ServerTls::new(&leaf));
    let client = trusting(&stranger);
    assert_eq!(curl_tls(server.addr(), &client, "/", &[]).status.code(), Some(60));
    assert!(!s_client(server.addr(), &client, GET, &[]).status.success());
    let said = python_get(server.addr(), &client).unwrap_err();
    assert!(said.contains("CERTIFICATE_VERIFY_FAILED"), "{said}");
    server.out().wait_for_count("handshake failed: ", 3);
}

#[test]
fn every_client_refuses_a_wrong_name() {
    let (root, leaf) = house();
    let server = PythonTlsOrigin::start(&ServerTls::new(&leaf));
    let client = ClientTls::new("b.example").trusting(&root);
    assert_eq!(curl_tls(server.addr(), &client, "/", &[]).status.code(), Some(60));
    assert!(!s_client(server.addr(), &client, GET, &[]).status.success());
    let said = python_get(server.addr(), &client).unwrap_err();
    assert!(said.contains("not valid for 'b.example'"), "{said}");
    // What trusts nobody verifies nothing.
    let client = ClientTls::new("b.example");
    curl_tls(server.addr(), &client, "/", &[]).succeeded();
    s_client(server.addr(), &client, GET, &[]).succeeded();
    python_get(server.addr(), &client).unwrap();
}

#[test]
fn a_name_is_sent_or_not() {
    let (root, leaf) = house();
    let server = PythonTlsOrigin::start(&ServerTls::new(&leaf));
    for (client, name) in [(trusting(&root), Some("a.example")), (trusting(&root).without_name(), None)] {
        let by_curl = curl_tls(server.addr(), &client, "/", &[]).succeeded();
        let by_s_client = s_client(server.addr(), &client, GET, &["-quiet"]).succeeded();
        let by_python = python_tls(server.addr(), &client, GET, 1).unwrap().remove(0).answer;
        for answer in [by_curl, by_s_client, by_python] {
            assert_eq!(TlsSeen::parse(json_in(&answer)).name.as_deref(), name);
        }
    }
}

fn json_in(answer: &str) -> &str {
    &answer[answer.find('{').unwrap_or(0)..]
}

#[test]
fn versions_and_ciphers_are_kept_to() {
    let (root, leaf) = house();
    let (old, new) = (TlsVersion::V12, TlsVersion::V13);
    let cipher = "ECDHE-ECDSA-CHACHA20-POLY1305";
    let tls = ServerTls::new(&leaf).versions(old, old).ciphers(cipher);
    let nginx = Nginx::start_tls(&tls, "location / { return 200 ok; }");
    let (python, s_server) = (PythonTlsOrigin::start(&tls), SServer::start(&tls, &[]));
    for addr in [nginx.addr(), python.addr(), s_server.addr()] {
        let seen = python_get(addr, &trusting(&root)).unwrap();
        assert_eq!((seen.version.as_str(), seen.cipher.as_str()), ("TLSv1.2", cipher));
        let client = trusting(&root).versions(new, new);
        assert_eq!(curl_tls(addr, &client, "/", &[]).status.code(), Some(35));
        assert!(!s_client(addr, &client, GET, &[]).status.success());
        python_get(addr, &client).unwrap_err();
        let client = trusting(&root).ciphers("ECDHE-ECDSA-AES128-GCM-SHA256");
        assert_eq!(curl_tls(addr, &client, "/", &[]).status.code(), Some(35));
        assert!(!s_client(addr, &client, GET, &[]).status.success());
        python_get(addr, &client).unwrap_err();
    }
}

#[test]
fn the_old_versions_can_be_shown() {
    let (root, leaf) = house();
    let (old, new) = (TlsVersion::V10, TlsVersion::V13);
    let server = PythonTlsOrigin::start(&ServerTls::new(&leaf).versions(old, new));
    for (version, name) in [(old, "TLSv1"), (TlsVersion::V11, "TLSv1.1")] {
        let client = trusting(&root).versions(version, version);
        assert_eq!(python_get(server.addr(), &client).unwrap().version, name);
        let answer = curl_tls(server.addr(), &client, "/", &[]).succeeded();
        assert_eq!(TlsSeen::parse(&answer).version, name);
        let answer = s_client(server.addr(), &client, GET, &["-quiet"]).succeeded();
        assert_eq!(TlsSeen::parse(json_in(&answer)).version, name);
    }
}

#[test]
fn protocols_are_offered() {
    let (root, leaf) = house();
    let server = PythonTlsOrigin::start(&ServerTls::new(&leaf));
    let client = trusting(&root).alpn(&["h2", "http/1.1"]);
    assert_eq!(python_get(server.addr(), &client).unwrap().alpn.as_deref(), Some("http/1.1"));
    let report = s_client(server.addr(), &client, GET, &[]).succeeded();
    assert!(report.contains("ALPN protocol: http/1.1"), "{report}");
    let answer = curl_tls(server.addr(), &trusting(&root).alpn(&["http/1.1"]), "/", &[]).succeeded();
    assert_eq!(TlsSeen::parse(&answer).alpn.as_deref(), Some("http/1.1"));
    assert_eq!(python_get(server.addr(), &trusting(&root)).unwrap().alpn, None);
}

#[test]
fn sessions_are_resumed() {
    let (root, leaf) = house();
    let server = PythonTlsOrigin::start(&ServerTls::new(&leaf));
    for version in [TlsVersion::V12, TlsVersion::V13] {
        let client = trusting(&root).versions(version, version);
        let visits = python_tls(server.addr(), &client, GET, 2).unwrap();
        assert_eq!(visits.iter().map(|visit| visit.seen.resumed).collect::<Vec<_>>(), [false, true]);
        // The server tells of its own end.
        assert!(TlsSeen::parse(json_in(&visits[1].answer)).resumed);

        let folder = TempFolder::new();
        let session = folder.path().join("session").display().to_string();
        let first = s_client(server.addr(), &client, GET, &["-sess_out", &session]).succeeded();
        let second = s_client(server.addr(), &client, GET, &["-sess_in", &session]).succeeded();
        assert!(first.contains("\nNew, ") && second.contains("\nReused, "), "{first}\n{second}");
    }
}

#[test]
fn a_client_certificate_is_required_or_optional() {
    let (root, leaf) = house();
    let alice = root.intermediate("gorge test people").client("alice").organisation("Acme").make();
    let required = PythonTlsOrigin::start(&ServerTls::new(&leaf).client_required(&root));
    let optional = PythonTlsOrigin::start(&ServerTls::new(&leaf).client_optional(&root));
    let (nobody, somebody) = (trusting(&root), trusting(&root).identity(&alice));
    for addr in [required.addr(), optional.addr()] {
        let by_curl = curl_tls(addr, &somebody, "/", &[]).succeeded();
        let by_s_client = s_client(addr, &somebody, GET, &["-quiet"]).succeeded();
        let by_python = python_tls(addr, &somebody, GET, 1).unwrap().remove(0).answer;
        for answer in [by_curl, by_s_client, by_python] {
            let seen = TlsSeen::parse(json_in(&answer));
            assert_eq!(seen.subject.as_deref(), Some("O=Acme,CN=alice"));
            assert_eq!(seen.certificate.as_deref(), Some(alice.der()));
        }
    }
    assert!(!curl_tls(required.addr(), &nobody, "/", &[]).status.success());
    let answer = curl_tls(optional.addr(), &nobody, "/", &[]).succeeded();
    assert_eq!(TlsSeen::parse(&answer).subject, None);
}

#[test]
fn nginx_and_s_server_ask_for_a_client_certificate() {
    let (root, leaf) = house();
    let alice = root.intermediate("gorge test people").client("alice").make();
    let (nobody, somebody) = (trusting(&root), trusting(&root).identity(&alice));
    let page = "location / { return 200 '$ssl_client_s_dn'; }";
    let required = ServerTls::new(&leaf).client_required(&root);
    let optional = ServerTls::new(&leaf).client_optional(&root);

    let nginx = Nginx::start_tls(&required, page);
    assert_eq!(curl_tls(nginx.addr(), &somebody, "/", &[]).succeeded(), "CN=alice");
    let refused = curl_tls(nginx.addr(), &nobody, "/", &[]).succeeded();
    assert!(refused.contains("No required SSL certificate was sent"), "{refused}");
    let nginx = Nginx::start_tls(&optional, page);
    assert_eq!(curl_tls(nginx.addr(), &nobody, "/", &[]).succeeded(), "");

    let s_server = SServer::start(&required, &[]);
    let page = curl_tls(s_server.addr(), &somebody, "/", &[]).succeeded();
    assert!(page.contains("Subject: CN=alice"), "{page}");
    assert!(!curl_tls(s_server.addr(), &nobody, "/", &[]).status.success());
    let s_server = SServer::start(&optional, &[]);
    curl_tls(s_server.addr(), &nobody, "/", &[]).succeeded();
}

#[test]
fn s_client_shows_a_stapled_response() {
    let root = Authority::new("gorge test root");
    let leaf = root.leaf(&["a.example"]).make();
    let folder = TempFolder::new();
    let response = folder.write("response", root.ocsp_response(&leaf, gorge_test_util::OcspStatus::Good, 1));
    let server = SServer::start(&ServerTls::new(&leaf), &["-status_file", &response.display().to_string()]);
    let report = s_client(server.addr(), &trusting(&root), "", &["-status"]).succeeded();
    assert!(report.contains("Cert Status: good"), "{report}");
}

#[test]
fn a_handler_of_ones_own_runs_over_tls() {
    let (root, leaf) = house();
    let server = PythonTlsOrigin::start_with(
        "class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.wfile.write(b'HTTP/1.1 200 OK\\r\\n\\r\\nhalf')
        self.wfile.flush()
        self.connection.shutdown(socket.SHUT_RDWR)
",
        &ServerTls::new(&leaf),
    );
    let visit = python_tls(server.addr(), &trusting(&root), GET, 1).unwrap().remove(0);
    assert!(visit.answer.ends_with("half"), "{visit:?}");
    assert!(!visit.clean_end, "{visit:?}");
}

#[test]
fn what_openssl_says_is_heard() {
    assert!(openssl(&["version"]).succeeded().starts_with("OpenSSL "));
    assert!(!openssl(&["x509", "-in", "/no/such/file"]).status.success());
}
