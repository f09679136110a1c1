//! Handshakes that fail: each says why, keeps nothing, and the next client is served.

mod peers;

use std::future::pending;
use std::io::{Read, Write};
use std::net::TcpStream as StdTcpStream;
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use gorge_error::{Error, Kind};
use gorge_test_util::{Authority, ClientTls, LIMIT, RawClient, TlsVersion, curl, s_client};
use gorge_tls::{Acceptor, Certificates, Resolution, ServerOptions, Version};
use openssl::ssl::{SslConnector, SslMethod, SslVerifyMode};
use peers::served::{REQUEST, Served, accept_from, acceptor, chain_shown, meet, only, peer_sha256};
use peers::{certificate, endpoint, options};
use tokio::net::UnixStream;

fn server(root: &Authority, change: impl FnOnce(&mut ServerOptions)) -> Acceptor {
    acceptor(&[&root.leaf(&["app.example"]).make()], change)
}

fn refused(outcome: gorge_error::Result<gorge_tls::TlsStream<UnixStream>>) -> Error {
    match outcome {
        Ok(stream) => panic!("it was taken: {:?}", stream.tls_digest()),
        Err(error) => error,
    }
}

#[tokio::test]
async fn what_is_no_tls_is_refused_in_words() {
    let root = Authority::new("root");
    let server = server(&root, |_| {});
    let cases: [(&[u8], Kind, &str); 5] = [
        (b"PROPFIND / HTTP/1.1\r\n\r\n", Kind::TlsHandshakeFailed, "something else than TLS"),
        (b"SSH-2.0-x\r\n", Kind::TlsHandshakeFailed, "something else than TLS"),
        (b"\x00\x01\x02\x03\x04\x05\x06", Kind::TlsHandshakeFailed, "something else than TLS"),
        (b"\x16\x03\x01\xff\xff\x01\x00\xff\xff", Kind::TlsHandshakeFailed, "too long"),
        (b"GET / HTTP/1.1\r\nHost: a\r\n\r\n", Kind::PlainHttp, "plain HTTP"),
    ];
    for (bytes, kind, word) in cases {
        let error = refused(
            accept_from(&server, move |mut client| {
                client.write_all(bytes).unwrap();
                let mut answer = Vec::new();
                let _ = client.read_to_end(&mut answer);
            })
            .await,
        );
        let text = format!("{error:#}");
        assert_eq!(error.kind(), kind, "{bytes:?}: {text}");
        assert!(text.contains(word), "{bytes:?}: {text}");
    }
}

#[tokio::test]
async fn whoever_leaves_has_left() {
    let root = Authority::new("root");
    let server = server(&root, |_| {});
    for bytes in [&b""[..], b"\x16", b"\x16\x03\x01\x02\x00abc", b"GE"] {
        let error = refused(accept_from(&server, move |mut client| client.write_all(bytes).unwrap()).await);
        assert_eq!(error.kind(), Kind::ClosedEarly, "{bytes:?}: {error:#}");
    }
}

#[tokio::test]
async fn whoever_says_nothing_or_half_has_his_time() {
    let root = Authority::new("root");
    let server = server(&root, |options| options.handshake_timeout = Duration::from_millis(30));
    for bytes in [&b""[..], b"\x16\x03\x01\x02\x00abc"] {
        let error = refused(
            accept_from(&server, move |mut client| {
                client.write_all(bytes).unwrap();
                let _ = client.read(&mut [0]);
            })
            .await,
        );
        assert_eq!(error.kind(), Kind::TlsTimedOut, "{bytes:?}: {error:#}");
    }
}

#[test]
fn plain_http_is_answered_whole_whatever_follows_the_request() {
    let root = Authority::new("root");
    let served = Served::start(&server(&root, |_| {}));
    let answer = curl(&["-sS", "-i", &format!("http://{}/", served.addr)]);
    assert!(answer.stdout.starts_with("HTTP/1.1 400 ") && answer.stdout.contains("https://"), "{answer:?}");
    assert_eq!(served.error().kind(), Kind::PlainHttp);
    for _ in 0..10 {
        let mut client = RawClient::connect(served.addr);
        let requests =
            "GET / HTTP/1.1\r\nHost: x\r\nX-Fill: abcdefghijklmnopqrstuvwxyz\r\n\r\n".repeat(1_800);
        assert!(requests.len() > 100 * 1024);
        client.send(&requests);
        let answer = client.response();
        assert!(answer.complete && answer.body.ends_with(b".\r\n"), "{answer:?}");
        assert_eq!((answer.status, answer.fields.get("connection")), (400, Some("close")));
        assert!(client.is_closed());
        drop(client);
        assert_eq!(served.error().kind(), Kind::PlainHttp);
    }
}

/// The client does not leave when it has been told.
#[tokio::test]
async fn what_is_told_of_a_refusal_is_not_that_its_time_is_over() {
    let root = Authority::new("root");
    let server = server(&root, |options| options.handshake_timeout = Duration::from_millis(300));
    let (done, wait) = std::sync::mpsc::channel::<()>();
    let error = refused(
        accept_from(&server, move |mut client| {
            client.write_all(b"GET / HTTP/1.1\r\n\r\n").unwrap();
            let _ = wait.recv();
        })
        .await,
    );
    drop(done);
    assert_eq!(error.kind(), Kind::PlainHttp, "{error:#}");
}

#[test]
fn an_alert_arrives_whatever_the_client_sends_meanwhile() {
    let root = Authority::new("root");
    let roots = gorge_tls::Roots::from_pem(root.pem().as_bytes()).unwrap();
    let served = Served::start(&server(&root, |options| {
        options.client_auth = gorge_tls::ClientAuth::Required(roots);
    }));
    for _ in 0..10 {
        let mut connector = SslConnector::builder(SslMethod::tls()).unwrap();
        connector.set_verify(SslVerifyMode::NONE);
        let stream = StdTcpStream::connect(served.addr).unwrap();
        stream.set_read_timeout(Some(LIMIT)).unwrap();
        let mut tls = connector.build().connect("app.example", stream).unwrap();
        // With TLS 1.3 the client is done before the server has judged.
        let _ = tls.write_all(&[b'x'; 30_000]);
        let error = tls.read(&mut [0; 10]).unwrap_err();
        let text = error.to_string().to_lowercase().replace('_', " ");
        assert!(text.contains("certificate required"), "{text}");
        drop(tls);
        assert_eq!(served.error().kind(), Kind::CertificateMissing);
    }
}

#[test]
fn what_the_client_cannot_is_said() {
    let root = Authority::new("root");
    let served = Served::start(&server(&root, |options| {
        options.ciphers = Some("ECDHE-ECDSA-AES256-GCM-SHA384".to_owned());
        options.groups = Some(vec!["P-384".to_owned()]);
    }));
    let client = || ClientTls::new("app.example").trusting(&root);
    let old = client().versions(TlsVersion::V10, TlsVersion::V11);
    s_client(served.addr, &old, REQUEST, &[]);
    let error = format!("{:#}", served.error());
    assert!(error.contains("neither TLS 1.2 nor TLS 1.3"), "{error}");
    let other = client().versions(TlsVersion::V12, TlsVersion::V12).ciphers("ECDHE-ECDSA-AES128-GCM-SHA256");
    s_client(served.addr, &other, REQUEST, &[]);
    let error = format!("{:#}", served.error());
    assert!(error.contains("no cipher"), "{error}");
    s_client(
        served.addr,
        &client().versions(TlsVersion::V13, TlsVersion::V13),
        REQUEST,
        &["-groups", "X25519"],
    );
    let error = format!("{:#}", served.error());
    assert!(error.contains("no group"), "{error}");
    s_client(served.addr, &client().alpn(&["h3", "spdy/1"]), REQUEST, &["-groups", "P-384"]);
    let error = served.error();
    assert_eq!(error.kind(), Kind::AlpnMismatched, "{error}");
    let stranger = ClientTls::new("app.example").trusting(&Authority::new("others"));
    for version in [TlsVersion::V12, TlsVersion::V13] {
        // In TLS 1.2 the curve of the certificate is one of the groups.
        let groups = ["-groups", "P-384:P-256"];
        s_client(served.addr, &stranger.clone().versions(version, version), REQUEST, &groups);
        let error = format!("{:#}", served.error());
        // In TLS 1.3 s_client says so in the clear, which BoringSSL takes for a record that is broken.
        let unread = version == TlsVersion::V13 && cfg!(feature = "quiche");
        let word = if unread { "perhaps it refused our certificate" } else { "does not know its CA" };
        assert!(error.contains(word), "{version:?}: {error}");
    }
    let fine = s_client(served.addr, &client(), REQUEST, &["-groups", "P-384"]);
    assert!(fine.stdout.contains("hello"), "the next honest client is served: {fine:?}");
}

#[test]
fn nobody_begins_anew_in_the_middle() {
    let root = Authority::new("root");
    let served = Served::start(&server(&root, |options| options.max_version = Version::Tls12));
    // The letter R at the beginning of a line asks s_client for it.
    let ask = format!("echo R | openssl s_client -connect {} -tls1_2 2>&1", served.addr);
    let seen = Command::new("sh").args(["-c", &ask]).output().unwrap();
    let all = String::from_utf8_lossy(&seen.stdout).to_lowercase();
    assert!(all.contains("renegotiating"), "it was tried: {all}");
    assert!(all.contains("no renegotiation") || all.contains("unexpected eof"), "{all}");
    let client = ClientTls::new("app.example").trusting(&root);
    served.digest();
    assert!(s_client(served.addr, &client, REQUEST, &[]).stdout.contains("hello"));
}

#[tokio::test]
async fn a_lookup_finds_certificates_while_the_handshake_waits() {
    let root = Authority::new("root");
    let found = certificate(&root.leaf(&["new.example"]).make());
    let sha256 = found.sha256();
    let server = server(&root, |options| {
        options.resolver = Some(Arc::new(move |name: &str| -> Resolution {
            let (found, name) = (found.clone(), name.to_owned());
            Box::pin(async move {
                for _ in 0..3 {
                    tokio::task::yield_now().await;
                }
                match name.as_str() {
                    "new.example" => vec![found],
                    "panic.example" => panic!("in a lookup"),
                    _ => Vec::new(),
                }
            })
        }));
    });
    for version in [Version::Tls12, Version::Tls13] {
        let to = |name: &str| {
            endpoint(
                name,
                options(&root, |options| {
                    only(version)(options);
                    options.verify_host = name == "New.Example.";
                }),
            )
        };
        let (client, _) = meet(&to("New.Example."), &server).await.both();
        assert_eq!(peer_sha256(&client), sha256);
        for other in ["old.example", "panic.example", "app.example"] {
            let (client, _) = meet(&to(other), &server).await.both();
            assert_ne!(peer_sha256(&client), sha256, "{other} is shown the default");
        }
    }
}

#[tokio::test]
async fn a_lookup_that_never_ends_ends_with_the_handshake() {
    let root = Authority::new("root");
    let server = server(&root, |options| {
        options.resolver = Some(Arc::new(|_: &str| -> Resolution { Box::pin(pending()) }));
        options.handshake_timeout = Duration::from_millis(30);
    });
    let met = meet(&endpoint("new.example", options(&root, |_| {})), &server).await;
    assert_eq!(met.refused().kind(), Kind::TlsTimedOut);
}

#[test]
fn a_lookup_may_find_both_kinds_of_keys() {
    let root = Authority::new("root");
    let leaf = || root.intermediate("below").leaf(&["new.example"]);
    let (ecdsa, rsa) = (leaf().make(), leaf().rsa().make());
    let found = vec![certificate(&rsa), certificate(&ecdsa)];
    let served = Served::start(&server(&root, |options| {
        options.resolver = Some(Arc::new(move |_: &str| -> Resolution {
            let found = found.clone();
            Box::pin(async move { found })
        }));
    }));
    let rsa_alone: [(_, &[&str]); 2] = [
        (TlsVersion::V12, &["-cipher", "ECDHE-RSA-AES128-GCM-SHA256"]),
        (TlsVersion::V13, &["-sigalgs", "rsa_pss_rsae_sha256"]),
    ];
    for (version, arguments) in rsa_alone {
        let tls = ClientTls::new("new.example").trusting(&root).versions(version, version);
        assert_eq!(chain_shown(served.addr, &tls, arguments), rsa.chain_der(), "{version:?}");
        assert_eq!(chain_shown(served.addr, &tls, &[]), ecdsa.chain_der(), "{version:?}");
    }
}

#[test]
fn without_a_certificate_there_is_no_server() {
    let error = Acceptor::new(ServerOptions::default(), Certificates::new()).unwrap_err();
    assert_eq!(error.kind(), Kind::Configuration, "{error}");
}
