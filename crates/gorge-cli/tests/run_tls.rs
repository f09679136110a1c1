//! What each key of `[listen.tls]` does, as clients that others wrote see it.
#![cfg(feature = "openssl")]

mod served;

use gorge_test_util::{
    Authority, ClientTls, Leaf, TempFolder, TlsVersion, curl, curl_tls, python_tls, s_client,
};
use served::{HEAD, Served, text, until};

const REQUEST: &str = "GET / HTTP/1.1\r\nHost: a.example\r\nConnection: close\r\n\r\n";

/// A folder with the certificate `site` for a.example and below b.example, and who signed it.
fn folder() -> (TempFolder, Authority) {
    let (folder, root) = (TempFolder::new(), Authority::new("root"));
    write(&folder, "site", &root.leaf(&["a.example", "*.b.example"]).make());
    (folder, root)
}

fn write(folder: &TempFolder, name: &str, leaf: &Leaf) {
    let (_, key) = leaf.write_as(folder, name);
    let own = std::os::unix::fs::PermissionsExt::from_mode(0o600);
    std::fs::set_permissions(key, own).unwrap();
}

const SITE: &str = "certificates = [{ cert = \"site.pem\", key = \"site.key\" }]\n";

/// One listener with this table, and a route that tells what it knows of the client.
fn file(tls: &str) -> String {
    format!(
        "{HEAD}[listen.tls]\n{tls}\n[[route]]\nrespond = {{ text = \"hi\", headers = {{ \"X-A\" = \"b\" }} }}\n"
    )
}

fn serve(folder: TempFolder, tls: &str) -> Served {
    Served::start_in(folder, &file(tls))
}

#[test]
fn curl_is_served_and_told_when_it_speaks_plain_http() {
    let (folder, root) = folder();
    let served = serve(folder, SITE);
    let answer = curl_tls(served.addr(), &ClientTls::new("a.example").trusting(&root), "/", &[]);
    assert_eq!(answer.stdout, "hi", "{answer:?}");
    let plain = curl(&["-sS", "-i", &format!("http://{}/", served.addr())]);
    assert!(plain.stdout.starts_with("HTTP/1.1 400 "), "{plain:?}");
    assert!(plain.stdout.contains("https://"), "{plain:?}");
    served.program.err().wait_for("plain HTTP");
}

#[test]
fn the_certificate_follows_from_the_name() {
    let (folder, root) = folder();
    write(&folder, "exact", &root.leaf(&["x.b.example"]).make());
    write(&folder, "default", &root.leaf(&["default.example"]).make());
    let served = serve(
        folder,
        "certificates = [\n\
             { cert = \"site.pem\", key = \"site.key\" },\n\
             { cert = \"exact.pem\", key = \"exact.key\" },\n\
             { cert = \"default.pem\", key = \"default.key\", names = [\"other.example\"], default = true },\n\
         ]\n",
    );
    for (asked, shown) in [
        ("a.example", "a.example"),
        ("y.b.example", "a.example"),
        ("X.B.example", "x.b.example"),
        ("other.example", "default.example"),
        ("nobody.example", "default.example"),
    ] {
        let seen = s_client(served.addr(), &ClientTls::new(asked), REQUEST, &["-showcerts"]);
        let names = names(&seen.stdout);
        assert!(names.contains(&format!("DNS:{shown}")), "{asked}: {names}");
    }
    drop(root);
}

/// The alternative names of the first certificate in this text.
fn names(text: &str) -> String {
    let begin = text.find("-----BEGIN CERTIFICATE-----").unwrap_or_else(|| panic!("no certificate: {text}"));
    let folder = TempFolder::new();
    let file = folder.write("shown.pem", &text[begin..]);
    gorge_test_util::openssl(&["x509", "-in", served::text(&file), "-noout", "-ext", "subjectAltName"]).stdout
}

#[test]
fn rsa_stands_beside_ecdsa() {
    let (folder, root) = folder();
    write(&folder, "rsa", &root.leaf(&["a.example"]).rsa().make());
    let served = serve(
        folder,
        "certificates = [{ cert = \"rsa.pem\", key = \"rsa.key\" }, { cert = \"site.pem\", key = \"site.key\" }]\n",
    );
    let client = || ClientTls::new("a.example").trusting(&root).versions(TlsVersion::V12, TlsVersion::V12);
    for (ciphers, expected) in
        [("ECDHE-RSA-AES128-GCM-SHA256", "RSA"), ("ECDHE-ECDSA-AES128-GCM-SHA256", "ECDSA")]
    {
        let seen = s_client(served.addr(), &client().ciphers(ciphers), REQUEST, &[]);
        assert!(seen.stdout.contains(&format!("ECDHE-{expected}-")), "{seen:?}");
        assert!(seen.stdout.contains("Verify return code: 0"), "{seen:?}");
    }
}

#[test]
fn versions_and_ciphers_are_those_of_the_file() {
    let (folder, root) = folder();
    let served = serve(folder, &format!("{SITE}min_version = \"1.3\"\n"));
    let ask = |served: &Served, version, ciphers: &str| {
        let mut client = ClientTls::new("a.example").trusting(&root).versions(version, version);
        if !ciphers.is_empty() {
            client = client.ciphers(ciphers);
        }
        s_client(served.addr(), &client, REQUEST, &[]).stdout.contains("HTTP/1.1 200")
    };
    assert!(ask(&served, TlsVersion::V13, "") && !ask(&served, TlsVersion::V12, ""));
    served.program.err().wait_for("speaks no TLS 1.3");
    served.reload(&file(&format!(
        "{SITE}max_version = \"1.2\"\nciphers = \"ECDHE-ECDSA-AES256-GCM-SHA384\"\n"
    )));
    assert!(!ask(&served, TlsVersion::V13, ""));
    assert!(ask(&served, TlsVersion::V12, "ECDHE-ECDSA-AES256-GCM-SHA384"));
    assert!(!ask(&served, TlsVersion::V12, "ECDHE-ECDSA-AES128-GCM-SHA256"));
    served.program.err().wait_for("shares no cipher");
}

#[test]
fn versions_that_are_broken_are_not_spoken() {
    let (folder, root) = folder();
    let served = serve(folder, SITE);
    for version in [TlsVersion::V10, TlsVersion::V11] {
        let client = ClientTls::new("a.example").trusting(&root).versions(version, version);
        let seen = s_client(served.addr(), &client, REQUEST, &[]);
        assert!(!seen.stdout.contains("HTTP/1.1"), "{seen:?}");
    }
    served.program.err().wait_for("neither TLS 1.2 nor TLS 1.3");
}

#[test]
fn groups_are_those_of_the_file() {
    let (folder, root) = folder();
    let served = serve(folder, &format!("{SITE}groups = [\"P-384\"]\n"));
    let ask = |group: &str| {
        let client = ClientTls::new("a.example").trusting(&root);
        s_client(served.addr(), &client, REQUEST, &["-groups", group]).stdout
    };
    assert!(ask("P-384").contains("Server Temp Key: ECDH, secp384r1"));
    assert!(!ask("X25519").contains("HTTP/1.1"));
    served.program.err().wait_for("shares no group");
}

#[test]
fn sessions_are_gone_on_with_unless_the_file_says_otherwise() {
    let (folder, root) = folder();
    let served = serve(folder, SITE);
    let client = ClientTls::new("a.example").trusting(&root);
    let resumed = |served: &Served| {
        let visits = python_tls(served.addr(), &client, REQUEST, 3).unwrap();
        assert!(visits.iter().all(|visit| visit.clean_end), "{visits:?}");
        visits.iter().map(|visit| visit.seen.resumed).collect::<Vec<_>>()
    };
    assert_eq!(resumed(&served), [false, true, true]);
    served.reload(&file(&format!("{SITE}session_tickets = false\n")));
    assert_eq!(resumed(&served), [false, false, false]);
}

#[test]
fn sessions_outlive_a_reload_and_another_certificate() {
    let (folder, root) = folder();
    let served = serve(folder, SITE);
    let session = served.path("session");
    let visit = |arguments: &[&str]| {
        s_client(served.addr(), &ClientTls::new("a.example").trusting(&root), REQUEST, arguments).stdout
    };
    let first = visit(&["-sess_out", text(&session)]);
    assert!(first.contains("New, TLSv1.3"), "{first}");
    write(&served.folder, "site", &root.leaf(&["a.example", "new.example"]).make());
    assert_eq!(served.verb(&["reload"]).code, 0);
    let second = visit(&["-sess_in", text(&session)]);
    assert!(second.contains("Reused, TLSv1.3"), "{second}");
    assert!(names(&visit(&["-showcerts"])).contains("DNS:new.example"));
}

#[test]
fn a_reload_with_a_wrong_certificate_changes_nothing() {
    let (folder, root) = folder();
    let served = serve(folder, SITE);
    served.addr();
    write(&served.folder, "site", &root.leaf(&["a.example"]).key_of_another().make());
    let ended = served.verb(&["reload"]);
    ended.expect(1, "the private key is that of another certificate");
    ended.expect(1, "site.key");
    let answer = curl_tls(served.addr(), &ClientTls::new("a.example").trusting(&root), "/", &[]);
    assert_eq!(answer.stdout, "hi");
    served.program.err().wait_for("not reloaded, the configuration stays");
}

#[test]
fn certificates_are_watched_like_the_file() {
    let (folder, root) = folder();
    let config = file(SITE).replace("[server]", "[server]\nwatch = true");
    let served = Served::start_in(folder, &config);
    served.addr();
    write(&served.folder, "site", &root.leaf(&["new.example"]).make());
    served.program.err().wait_for("info reloaded in ");
    let shows = || {
        let client = ClientTls::new("new.example").trusting(&root);
        curl_tls(served.addr(), &client, "/", &[]).stdout == "hi"
    };
    until("the new certificate is shown", shows);
}

#[test]
fn clients_show_certificates() {
    let (folder, root) = folder();
    let clients = Authority::new("clients");
    folder.write("clients.pem", clients.pem());
    let told =
        "access_log = { to = \"stdout\", format = \"$tls_client_verified|$tls_client_subject|$status\" }";
    let asks = |mode: &str| {
        file(&format!("{SITE}client_ca = \"clients.pem\"\n{mode}"))
            .replace("[server]", &format!("[server]\n{told}"))
    };
    let served = Served::start_in(folder, &asks(""));
    let plain = ClientTls::new("a.example").trusting(&root);
    let alice = clients.client("alice").organisation("Example").make();
    let stranger = Authority::new("others").client("mallory").make();
    let status = |client: &ClientTls| {
        curl_tls(served.addr(), client, "/", &["-o", "/dev/null", "-w", "%{http_code}"]).stdout
    };
    assert_eq!(status(&plain), "000");
    served.program.err().wait_for("showed no certificate");
    assert_eq!(status(&plain.clone().identity(&stranger)), "000");
    served.program.err().wait_for("the client's certificate is refused");
    assert_eq!(status(&plain.clone().identity(&alice)), "200");
    let line = served.program.out().wait_for("|200");
    assert!(line.starts_with("ok|") && line.contains("CN=alice"), "{line}");
    served.reload(&asks("client_auth = \"optional\"\n"));
    assert_eq!(status(&plain), "200");
    assert_eq!(status(&plain.clone().identity(&stranger)), "200");
    served.program.out().wait_for("none|");
    served.program.out().wait_for("CN=mallory");
}

#[test]
fn the_answer_of_a_responder_is_shown_along() {
    let (folder, root) = folder();
    let leaf = root.leaf(&["a.example"]).make();
    // The responder's answer is about the issuer too: it has to be in the chain.
    let chain = format!("{}{}", leaf.cert_pem(), root.pem());
    folder.write("site.pem", chain);
    let key = folder.write("site.key", leaf.key_pem());
    std::fs::set_permissions(key, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
    let answer = root.ocsp_response(&leaf, gorge_test_util::OcspStatus::Good, 3);
    std::fs::write(folder.path().join("site.ocsp"), answer).unwrap();
    let served =
        serve(folder, "certificates = [{ cert = \"site.pem\", key = \"site.key\", ocsp = \"site.ocsp\" }]\n");
    let client = ClientTls::new("a.example").trusting(&root);
    let seen = s_client(served.addr(), &client, REQUEST, &["-status"]);
    assert!(seen.stdout.contains("OCSP Response Status: successful"), "{seen:?}");
}

#[test]
fn secrets_are_logged_only_when_asked_for() {
    let (folder, root) = folder();
    let served = serve(folder, &format!("{SITE}key_log = \"keys.log\"\n"));
    let client = ClientTls::new("a.example").trusting(&root);
    curl_tls(served.addr(), &client, "/", &[]);
    let log = std::fs::read_to_string(served.path("keys.log")).unwrap();
    assert!(log.contains("CLIENT_TRAFFIC_SECRET_0 "), "{log}");
    let mode = std::fs::metadata(served.path("keys.log")).unwrap().permissions();
    assert_eq!(std::os::unix::fs::PermissionsExt::mode(&mode) & 0o777, 0o600);
}

#[test]
fn a_handshake_has_its_time() {
    let (folder, _root) = folder();
    let served = serve(folder, &format!("{SITE}handshake_timeout = \"50ms\"\n"));
    let mut silent = served.client();
    assert!(silent.is_closed());
    served.program.err().wait_for("took longer than 50ms");
}

#[test]
fn certificates_are_told_of() {
    let (folder, root) = folder();
    write(&folder, "soon", &root.leaf(&["soon.example"]).days(3).make());
    write(&folder, "late", &root.leaf(&["late.example"]).expired().make());
    let config = file(
        "certificates = [\n\
             { cert = \"site.pem\", key = \"site.key\" },\n\
             { cert = \"soon.pem\", key = \"soon.key\" },\n\
             { cert = \"late.pem\", key = \"late.key\" },\n\
         ]\n",
    );
    let served = Served::start_in(folder, &config);
    let err = served.program.err();
    err.wait_for("info certificate for a.example, *.b.example (ECDSA over P-256) expires in 90 days");
    err.wait_for("expires in 3 days");
    err.wait_for("has expired");
    let check = served.verb(&["check"]);
    assert!(check.out.contains("certificate for a.example, *.b.example"), "{check:#?}");
    assert!(check.err.contains("late.pem") && check.err.contains("expired"), "{check:#?}");
    assert!(check.err.contains("soon.pem") && check.err.contains("3 days"), "{check:#?}");
}

#[test]
fn groups_that_nobody_knows_are_told_of_with_those_that_are() {
    let (folder, _root) = folder();
    let file = folder.write("gorge.toml", file(&format!("{SITE}groups = [\"X25519\", \"P-257\"]\n")));
    let ended = served::gorge(&["check", "-c", text(&file)]);
    ended.expect(1, "no group \"P-257\"");
    assert!(ended.err.contains("X25519, ") && ended.err.contains("P-256"), "{ended:#?}");
}
