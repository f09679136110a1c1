//! What each key of `[upstream.NAME.tls]` does, with servers that others wrote.
#![cfg(feature = "openssl")]

mod served;

use gorge_test_util::{
    Authority, Leaf, Nginx, PythonTlsOrigin, SServer, ServerTls, TempFolder, TlsSeen, TlsVersion,
};
use served::{GET, HEAD, Served};

const ROUTE: &str = "[[route]]\nupstream = \"app\"\n";

/// An upstream of one server with this table.
fn file(to: std::net::SocketAddr, tls: &str) -> String {
    format!(
        "{HEAD}[upstream.app]\nservers = [\"{to}\"]\nretry = {{ attempts = 1 }}\n[upstream.app.tls]\n{tls}\n{ROUTE}"
    )
}

/// A folder with the certificate of a CA.
fn folder(root: &Authority) -> TempFolder {
    let folder = TempFolder::new();
    folder.write("ca.pem", root.pem());
    folder
}

const TRUSTS: &str = "ca = \"ca.pem\"\nsni = \"app.internal\"\n";

fn app(root: &Authority) -> Leaf {
    root.leaf(&["app.internal"]).make()
}

#[test]
fn a_server_over_tls_is_verified_and_asked_by_its_name() {
    let root = Authority::new("root");
    let origin = PythonTlsOrigin::start(&ServerTls::new(&app(&root)));
    let served = Served::start_in(folder(&root), &file(origin.addr(), TRUSTS));
    let seen = TlsSeen::parse(&served.ask(GET).text());
    assert_eq!((seen.version.as_str(), seen.name.as_deref()), ("TLSv1.3", Some("app.internal")));
}

#[test]
fn each_fault_of_a_server_is_refused_with_its_own_message() {
    let root = Authority::new("root");
    let faults: [(Leaf, &str, &str); 5] = [
        (root.leaf(&["app.internal"]).expired().make(), "tls_certificate_error", "expired"),
        (root.leaf(&["other.internal"]).make(), "tls_certificate_error", "other.internal"),
        (root.leaf(&["app.internal"]).self_signed().make(), "tls_certificate_error", "self"),
        (
            root.intermediate("between").leaf(&["app.internal"]).missing_intermediate().make(),
            "tls_certificate_error",
            "between",
        ),
        (root.leaf(&["app.internal"]).for_clients_only().make(), "tls_certificate_error", "server"),
    ];
    for (leaf, error, word) in faults {
        let origin = SServer::start(&ServerTls::new(&leaf), &["-www"]);
        let served = Served::start_in(folder(&root), &file(origin.addr(), TRUSTS));
        let answer = served.ask(GET);
        assert_eq!(answer.status, 502, "{word}");
        let proxy_status = answer.fields.get("proxy-status").unwrap_or_default().to_owned();
        assert!(proxy_status.contains(error), "{proxy_status}");
        let line = served.program.err().wait_for("app.internal");
        assert!(line.contains(word), "{word}: {line}");
    }
}

#[test]
fn verification_has_two_switches() {
    let root = Authority::new("root");
    let other = SServer::start(&ServerTls::new(&root.leaf(&["other.internal"]).make()), &["-www"]);
    let served = Served::start_in(folder(&root), &file(other.addr(), TRUSTS));
    assert_eq!(served.ask(GET).status, 502);
    served.reload(&file(other.addr(), &format!("{TRUSTS}verify_host = false\n")));
    assert_eq!(served.ask(GET).status, 200);
    served.reload(&file(other.addr(), &format!("{TRUSTS}alternative_name = \"other.internal\"\n")));
    assert_eq!(served.ask(GET).status, 200);
    let stranger = Authority::new("others");
    let unknown = SServer::start(&ServerTls::new(&app(&stranger)), &["-www"]);
    served.reload(&file(unknown.addr(), &format!("{TRUSTS}verify_host = false\n")));
    assert_eq!(served.ask(GET).status, 502);
    served.reload(&file(unknown.addr(), "verify = false\n"));
    assert_eq!(served.ask(GET).status, 200);
}

#[test]
fn a_certificate_is_shown_to_a_server_that_asks() {
    let root = Authority::new("root");
    let clients = Authority::new("clients");
    let tls = ServerTls::new(&app(&root)).client_required(&clients);
    let origin = Nginx::start_tls(&tls, "return 200 $ssl_client_s_dn;");
    let folder = folder(&root);
    clients.client("gorge").make().write_as(&folder, "client");
    let served = Served::start_in(folder, &file(origin.addr(), TRUSTS));
    assert_eq!(served.ask(GET).status, 400, "nginx wants a certificate");
    let with = format!("{TRUSTS}cert = \"client.pem\"\nkey = \"client.key\"\n");
    served.reload(&file(origin.addr(), &with));
    let answer = served.ask(GET);
    assert_eq!(answer.status, 200);
    assert!(answer.text().contains("CN=gorge"), "{}", answer.text());
}

#[test]
fn versions_ciphers_and_groups_are_those_of_the_file() {
    let root = Authority::new("root");
    let origin = Nginx::start_tls(
        &ServerTls::new(&app(&root)).versions(TlsVersion::V12, TlsVersion::V13),
        "return 200 \"$ssl_protocol $ssl_cipher $ssl_curves\";",
    );
    let served =
        Served::start_in(folder(&root), &file(origin.addr(), &format!("{TRUSTS}groups = [\"P-384\"]\n")));
    let text = served.ask(GET).text();
    assert!(text.starts_with("TLSv1.3 ") && text.ends_with(" secp384r1"), "{text}");
    let old = "max_version = \"1.2\"\nciphers = \"ECDHE-ECDSA-AES256-GCM-SHA384\"\n";
    served.reload(&file(origin.addr(), &format!("{TRUSTS}{old}")));
    let text = served.ask(GET).text();
    assert!(text.starts_with("TLSv1.2 ECDHE-ECDSA-AES256-GCM-SHA384"), "{text}");
}

#[test]
fn sessions_and_connections_are_used_again() {
    let root = Authority::new("root");
    let origin =
        Nginx::start_tls(&ServerTls::new(&app(&root)), "return 200 \"$connection $ssl_session_reused\";");
    let config = file(origin.addr(), TRUSTS).replace("workers = 2", "workers = 1");
    let config = config.replace("retry =", "pool = { max_uses = 2 }\nretry =");
    let served = Served::start_in(folder(&root), &config);
    let seen: Vec<_> = (0..6).map(|_| served.ask(GET).text()).collect();
    let (connections, reused): (Vec<_>, Vec<_>) = seen.iter().filter_map(|text| text.split_once(' ')).unzip();
    assert_eq!(connections[0], connections[1], "{seen:?}");
    assert_eq!(reused, [".", ".", "r", "r", "r", "r"], "{seen:?}");
}

#[test]
fn a_name_in_servers_is_the_name_that_is_verified() {
    let root = Authority::new("root");
    let origin = SServer::start(&ServerTls::new(&root.leaf(&["localhost"]).make()), &["-www"]);
    let to = format!("localhost:{}", origin.addr().port());
    let config = file(origin.addr(), "ca = \"ca.pem\"\n").replace(&origin.addr().to_string(), &to);
    let served = Served::start_in(folder(&root), &config);
    assert_eq!(served.ask(GET).status, 200);
    // An address has to be in the certificate as such.
    served.reload(&file(origin.addr(), "ca = \"ca.pem\"\n"));
    assert_eq!(served.ask(GET).status, 502);
    let check = served.verb(&["check"]);
    assert!(check.err.contains("must be for 127.0.0.1 itself"), "{check:#?}");
}

#[test]
fn a_server_in_the_clear_is_told_from_one_over_tls() {
    let root = Authority::new("root");
    let origin = gorge_test_util::Origin::start(|connection| {
        connection.send("HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n");
        connection.close();
    });
    let served = Served::start_in(folder(&root), &file(origin.addr(), TRUSTS));
    assert_eq!(served.ask(GET).status, 502);
    served.program.err().wait_for("speaks plain HTTP at this port");
}
