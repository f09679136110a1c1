//! Versions, ciphers, groups, application protocols, pre-shared keys, the client's certificate and the key log.

mod peers;

use std::os::unix::fs::PermissionsExt;

use gorge_error::{Error, Kind};
use gorge_test_util::{
    Authority, Nginx, PythonTlsOrigin, SServer, ServerTls, TempFolder, TlsSeen, TlsVersion,
};
use gorge_tls::{ClientOptions, Connector, KeyLog, Psk, Roots, Version};
use peers::{body, certificate, connect, endpoint, options, refused, said, trusting};

const NAME: &str = "app.example";

fn wrong(options: ClientOptions) -> Error {
    Connector::new(options).expect_err("it was taken")
}

#[tokio::test]
async fn versions() {
    let root = Authority::new("root");
    let server = Nginx::start_tls(&ServerTls::new(&root.leaf(&[NAME]).make()), "return 200 $ssl_protocol;");
    for (min, max, spoken) in [
        (Version::Tls12, Version::Tls13, "TLSv1.3"),
        (Version::Tls12, Version::Tls12, "TLSv1.2"),
        (Version::Tls13, Version::Tls13, "TLSv1.3"),
    ] {
        let options = options(&root, |options| (options.min_version, options.max_version) = (min, max));
        let mut stream = connect(server.addr(), &endpoint(NAME, options)).await.unwrap();
        assert_eq!(stream.tls_digest().version, Some(spoken));
        assert_eq!(body(&mut stream, "/").await, spoken);
    }
    let error = wrong(options(&root, |options| {
        (options.min_version, options.max_version) = (Version::Tls13, Version::Tls12);
    }));
    assert_eq!(error.kind(), Kind::Configuration, "{error}");
}

#[tokio::test]
async fn ciphers() {
    let root = Authority::new("root");
    let tls = ServerTls::new(&root.leaf(&[NAME]).make()).versions(TlsVersion::V12, TlsVersion::V12);
    let server = Nginx::start_tls(&tls, "return 200 $ssl_cipher;");
    for cipher in ["ECDHE-ECDSA-AES256-GCM-SHA384", "ECDHE-ECDSA-CHACHA20-POLY1305"] {
        let options = options(&root, |options| options.ciphers = Some(cipher.to_owned()));
        let mut stream = connect(server.addr(), &endpoint(NAME, options)).await.unwrap();
        assert_eq!(body(&mut stream, "/").await, cipher);
    }
    let error = wrong(options(&root, |options| options.ciphers = Some("ROT13".to_owned())));
    assert!(said(&error).contains("knows none of the ciphers \"ROT13\""), "{error}");
    let of_1_3 = options(&root, |options| options.ciphers = Some("TLS_AES_128_GCM_SHA256".to_owned()));
    let error = wrong(of_1_3);
    assert!(said(&error).ends_with("those of TLS 1.3 are all good and not to be chosen"), "{error}");
}

#[tokio::test]
async fn groups() {
    let root = Authority::new("root");
    let tls = ServerTls::new(&root.leaf(&[NAME]).make());
    let groups = |groups: &[&str]| {
        options(&root, |options| {
            options.groups = Some(groups.iter().map(|name| (*name).to_owned()).collect())
        })
    };
    for (group, ours) in [
        ("P-256", &["secp256r1", "P-256"][..]),
        ("P-384", &["x25519", "p-384"]),
        ("P-521", &["secp521r1"]),
        ("X25519", &["P-256", "curve25519"]),
    ] {
        let server = SServer::start(&tls, &["-groups", group]);
        connect(server.addr(), &endpoint(NAME, groups(ours))).await.unwrap();
        let others = groups(if group == "P-256" { &["P-384"] } else { &["P-256"] });
        let error = refused(connect(server.addr(), &endpoint(NAME, others)).await);
        assert!(said(&error).contains("group (`groups`)"), "{group}: {error:#}");
    }
    let error = wrong(groups(&["X25519", "curve99"]));
    assert_eq!(error.kind(), Kind::Configuration);
    let text = said(&error);
    assert!(
        text.starts_with("the TLS library knows no group \"curve99\" for the key exchange; it knows "),
        "{text}"
    );
    assert!(["X25519", "P-256", "P-384", "P-521"].iter().all(|name| text.contains(name)), "{text}");
    assert_eq!(wrong(groups(&[])).kind(), Kind::Configuration);
    assert_eq!(wrong(groups(&["P-256:P-384"])).kind(), Kind::Configuration);
}

#[tokio::test]
async fn application_protocols() {
    let root = Authority::new("root");
    let server = PythonTlsOrigin::start(&ServerTls::new(&root.leaf(&[NAME]).make()));
    for (offered, spoken) in
        [(&["h2", "http/1.1"][..], Some("http/1.1")), (&["http/1.1"], Some("http/1.1")), (&[], None)]
    {
        let offer = offered.iter().map(|protocol| (*protocol).to_owned()).collect();
        let options = options(&root, |options| options.alpn = offer);
        let mut stream = connect(server.addr(), &endpoint(NAME, options)).await.unwrap();
        assert_eq!(stream.tls_digest().alpn.as_deref(), spoken.map(str::as_bytes));
        assert_eq!(TlsSeen::parse(&body(&mut stream, "/").await).alpn.as_deref(), spoken);
    }
    for wrong_name in [String::new(), "x".repeat(256)] {
        let error = wrong(options(&root, |options| options.alpn = vec![wrong_name]));
        assert_eq!(error.kind(), Kind::Configuration);
    }
}

#[tokio::test]
async fn keys_of_every_kind_that_servers_have() {
    for kind in [
        "rsa:2048",
        "ec -pkeyopt ec_paramgen_curve:P-256",
        "ec -pkeyopt ec_paramgen_curve:P-384",
        "ec -pkeyopt ec_paramgen_curve:P-521",
        "ed25519",
    ] {
        // Signed by itself, so that a key of this kind signs the certificate too.
        let folder = TempFolder::new();
        let file = |name| folder.path().join(name).display().to_string();
        let (cert, key) = (file("cert.pem"), file("key.pem"));
        let names = format!("subjectAltName=DNS:{NAME}");
        let arguments = ["-nodes", "-subj", "/CN=x", "-addext", &names, "-keyout", &key, "-out", &cert];
        let kind_of_key: Vec<_> = kind.split(' ').collect();
        gorge_test_util::openssl(&[&["req", "-x509", "-newkey"], &kind_of_key[..], &arguments].concat())
            .succeeded();
        let directives = format!("ssl_certificate {cert}; ssl_certificate_key {key};");
        let server = Nginx::start_with("ssl", &directives);
        let mut options = ClientOptions::default();
        options.roots = Roots::read(cert.as_ref()).unwrap();
        if kind.contains("P-521") {
            // The curve of the server's key has to be among the groups too (RFC 8422 5.1).
            options.groups = Some(vec!["X25519".to_owned(), "P-521".to_owned()]);
        }
        for version in [Version::Tls12, Version::Tls13] {
            options.max_version = version;
            let done = connect(server.addr(), &endpoint(NAME, options.clone())).await;
            assert!(done.is_ok(), "{kind} {version:?}: {:#}", done.unwrap_err());
        }
    }
}

#[tokio::test]
async fn a_certificate_of_ours_with_its_chain() {
    let (root, clients) = (Authority::new("root"), Authority::new("clients"));
    let below = clients.intermediate("below");
    let shown = [
        ("alice", below.client("alice").organisation("Example").make()),
        ("bob", below.client("bob").organisation("Example").rsa().make()),
    ];
    for version in [TlsVersion::V12, TlsVersion::V13] {
        let tls =
            ServerTls::new(&root.leaf(&[NAME]).make()).versions(version, version).client_required(&clients);
        let (nginx, python) =
            (Nginx::start_tls(&tls, "return 200 $ssl_client_s_dn;"), PythonTlsOrigin::start(&tls));
        for (name, leaf) in &shown {
            let endpoint =
                endpoint(NAME, options(&root, |options| options.certificate = Some(certificate(leaf))));
            let mut stream = connect(nginx.addr(), &endpoint).await.unwrap();
            assert_eq!(body(&mut stream, "/").await, format!("CN={name},O=Example"));
            // And once more with the session, which the server knows us by too.
            let mut stream = connect(nginx.addr(), &endpoint).await.unwrap();
            assert_eq!(stream.tls_digest().resumed, Some(true), "{version:?} {name}");
            assert_eq!(body(&mut stream, "/").await, format!("CN={name},O=Example"));

            let mut stream = connect(python.addr(), &endpoint).await.unwrap();
            let seen = TlsSeen::parse(&body(&mut stream, "/").await);
            assert_eq!(seen.subject, Some(format!("O=Example,CN={name}")));
        }
    }
}

#[tokio::test]
async fn a_certificate_of_ours_that_nobody_asks_for_is_not_shown() {
    let root = Authority::new("root");
    let server = PythonTlsOrigin::start(&ServerTls::new(&root.leaf(&[NAME]).make()));
    let leaf = root.client("alice").make();
    let options = options(&root, |options| options.certificate = Some(certificate(&leaf)));
    let mut stream = connect(server.addr(), &endpoint(NAME, options)).await.unwrap();
    assert_eq!(TlsSeen::parse(&body(&mut stream, "/").await).certificate, None);
}

const KEY: [u8; 32] = [0x2a; 32];

/// An `openssl s_server` that knows this key for the identity `gorge`, and has a certificate or none.
fn psk_server(tls: &ServerTls, more: &[&str]) -> SServer {
    let key = "2a".repeat(32);
    SServer::start(tls, &[&["-psk", &key, "-psk_identity", "gorge"], more].concat())
}

fn with_psk(psk: Psk) -> ClientOptions {
    let mut options = ClientOptions::default();
    options.psk = Some(psk);
    // It is not looked at.
    options.roots = Roots::from_pem(Authority::new("unused").pem().as_bytes()).unwrap();
    options
}

#[tokio::test]
async fn a_pre_shared_key() {
    let root = Authority::new("root");
    let tls = ServerTls::new(&root.leaf(&["other.example"]).make());
    for version in [TlsVersion::V12, TlsVersion::V13] {
        // BoringSSL has none in TLS 1.3.
        if version == TlsVersion::V13 && gorge_tls::library().contains("BoringSSL") {
            continue;
        }
        let server = psk_server(&tls.clone().versions(version, version), &[]);
        let endpoint = endpoint(NAME, with_psk(Psk::new("gorge", &KEY).unwrap()));
        for resumed in [false, true] {
            let mut stream = connect(server.addr(), &endpoint).await.unwrap();
            assert_eq!(stream.tls_digest().resumed, Some(resumed), "{version:?}");
            assert!(body(&mut stream, "/").await.contains("s_server"));
        }
    }
}

#[tokio::test]
async fn a_pre_shared_key_that_the_server_has_not() {
    let root = Authority::new("root");
    let tls = ServerTls::new(&root.leaf(&[NAME]).make());
    for version in [TlsVersion::V12, TlsVersion::V13] {
        let server = psk_server(&tls.clone().versions(version, version), &[]);
        let other = Psk::new("gorge", &[7; 32]).unwrap();
        let error = refused(connect(server.addr(), &endpoint(NAME, with_psk(other))).await);
        assert_eq!(error.kind(), Kind::TlsHandshakeFailed, "{version:?} {error:#}");
    }
    // A server with a good certificate, and no key, is no other end for this.
    let server = Nginx::start_tls(&tls, "");
    let mut options = with_psk(Psk::new("gorge", &KEY).unwrap());
    options.roots = trusting(&root).roots;
    let error = refused(connect(server.addr(), &endpoint(NAME, options.clone())).await);
    assert_eq!(error.kind(), Kind::TlsHandshakeFailed, "{error:#}");
    options.ciphers = Some("ECDHE+AESGCM:PSK".to_owned());
    options.max_version = Version::Tls12;
    let error = refused(connect(server.addr(), &endpoint(NAME, options)).await);
    assert_eq!(said(&error), "app.example did not use the pre-shared key, and showed a certificate");
}

#[test]
fn what_is_no_pre_shared_key() {
    for (identity, key) in
        [("", &KEY[..]), ("a\0b", &KEY), (&"x".repeat(129), &KEY), ("a", &[1; 15]), ("a", &[1; 257])]
    {
        assert_eq!(Psk::new(identity, key).unwrap_err().kind(), Kind::Configuration);
    }
    let psk = Psk::new("gorge", &KEY).unwrap();
    assert_eq!(format!("{psk:?}"), "Psk { identity: \"gorge\", .. }");
    let mut options = with_psk(psk);
    options.min_version = Version::Tls13;
    assert_eq!(Connector::new(options).is_err(), gorge_tls::library().contains("BoringSSL"));
}

#[tokio::test]
async fn the_key_log() {
    let root = Authority::new("root");
    let server = Nginx::start_tls(&ServerTls::new(&root.leaf(&[NAME]).make()), "");
    let folder = TempFolder::new();
    let path = folder.path().join("keys");
    let log = KeyLog::open(&path).unwrap();
    let mode = std::fs::metadata(&path).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    for version in [Version::Tls12, Version::Tls13] {
        let options = options(&root, |options| {
            options.key_log = Some(log.clone());
            options.max_version = version;
        });
        connect(server.addr(), &endpoint(NAME, options)).await.unwrap();
    }
    let text = std::fs::read_to_string(&path).unwrap();
    let lines: Vec<_> = text.lines().map(|line| line.split(' ').next().unwrap()).collect();
    for label in ["CLIENT_RANDOM", "CLIENT_TRAFFIC_SECRET_0", "SERVER_TRAFFIC_SECRET_0"] {
        assert_eq!(lines.iter().filter(|line| **line == label).count(), 1, "{label} in {text}");
    }
    assert!(text.lines().all(|line| line.split(' ').count() == 3), "{text}");
    assert_eq!(log.failed(), 0);
    // What is there stays.
    KeyLog::open(&path).unwrap();
    assert_eq!(std::fs::read_to_string(&path).unwrap(), text);
}

#[tokio::test]
async fn a_key_log_that_cannot_be_written_harms_no_connection() {
    let root = Authority::new("root");
    let server = Nginx::start_tls(&ServerTls::new(&root.leaf(&[NAME]).make()), "");
    let log = KeyLog::open("/dev/full".as_ref()).unwrap();
    let options = options(&root, |options| options.key_log = Some(log.clone()));
    connect(server.addr(), &endpoint(NAME, options)).await.unwrap();
    assert!(log.failed() > 0);
    let error = KeyLog::open("/nowhere/keys".as_ref()).unwrap_err();
    assert_eq!((error.kind(), said(&error).as_str()), (Kind::File, "open the key log /nowhere/keys"));
}

#[test]
fn a_name_that_is_none() {
    let root = Authority::new("root");
    let error = wrong(options(&root, |options| options.alternative_name = Some("a b".to_owned())));
    assert_eq!(said(&error), "`alternative_name`: \"a b\" is neither a host name nor an IP address");
    let error = wrong(options(&root, |options| options.sni = gorge_tls::Sni::Name("*.example".to_owned())));
    assert_eq!(said(&error), "`sni`: \"*.example\" is neither a host name nor an IP address");
}
