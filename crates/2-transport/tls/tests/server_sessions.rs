//! Sessions go on at every worker, after other certificates and other keys, and for no longer than they may.

mod peers;

use std::sync::Arc;
use std::time::Duration;

use gorge_test_util::{Authority, ClientTls, TempFolder, TlsVersion, python_tls, s_client};
use gorge_tls::{Acceptor, Certificates, KeyLog, Psk, TicketKeys, Version};
use peers::served::{REQUEST, Served, VERSIONS, acceptor, meet, only};
use peers::{certificate, endpoint, options};

/// An acceptor with these keys.
fn with(keys: &TicketKeys, root: &Authority) -> Acceptor {
    let keys = keys.clone();
    acceptor(&[&root.leaf(&["app.example"]).make()], |options| options.ticket_keys = Some(keys))
}

#[tokio::test]
async fn at_whoever_has_the_keys() {
    for version in VERSIONS {
        let root = Authority::new("root");
        let keys = TicketKeys::new().unwrap();
        let (one, other) = (with(&keys, &root), with(&keys, &root));
        let stranger = with(&TicketKeys::new().unwrap(), &root);
        let client = endpoint("app.example", options(&root, only(version)));
        assert!(!meet(&client, &one).await.resumed());
        assert!(meet(&client, &other).await.resumed(), "{version:?}");
        assert!(meet(&client, &one).await.resumed(), "{version:?}");
        assert!(!meet(&client, &stranger).await.resumed(), "{version:?}");
        // The next process has them by another way.
        assert!(!meet(&client, &one).await.resumed());
        let next = with(&TicketKeys::import(&keys.export()).unwrap(), &root);
        assert!(meet(&client, &next).await.resumed(), "{version:?}");
    }
}

#[tokio::test]
async fn after_one_change_of_keys_and_not_after_two() {
    for version in VERSIONS {
        let root = Authority::new("root");
        let keys = TicketKeys::new().unwrap();
        let server = with(&keys, &root);
        let client = endpoint("app.example", options(&root, only(version)));
        assert!(!meet(&client, &server).await.resumed());
        keys.rotate().unwrap();
        assert!(meet(&client, &server).await.resumed(), "{version:?}");
        // That brought a ticket of the new key.
        keys.rotate().unwrap();
        assert!(meet(&client, &server).await.resumed(), "{version:?}");
        keys.rotate().unwrap();
        keys.rotate().unwrap();
        assert!(!meet(&client, &server).await.resumed(), "{version:?}");
    }
}

#[tokio::test]
async fn after_other_certificates() {
    for version in VERSIONS {
        let root = Authority::new("root");
        let server = acceptor(&[&root.leaf(&["app.example"]).make()], |_| {});
        let client = endpoint("app.example", options(&root, only(version)));
        let (_client, open) = meet(&client, &server).await.both();
        let other = Certificates::new().with(certificate(&root.leaf(&["app.example"]).make()));
        server.set_certificates(other).unwrap();
        assert!(meet(&client, &server).await.resumed(), "{version:?}");
        assert!(server.set_certificates(Certificates::new()).is_err());
        assert!(meet(&client, &server).await.resumed(), "those of before stay: {version:?}");
        drop(open);
    }
}

#[tokio::test]
async fn a_resumed_one_knows_the_name_that_was_asked_for() {
    for version in VERSIONS {
        let root = Authority::new("root");
        let server = acceptor(&[&root.leaf(&["app.example"]).make()], |_| {});
        let client = endpoint("app.example", options(&root, only(version)));
        assert!(!meet(&client, &server).await.resumed());
        let (_, server) = meet(&client, &server).await.both();
        assert_eq!(server.tls_digest().sni.as_deref(), Some("app.example"), "{version:?}");
    }
}

#[test]
fn none_where_there_are_no_tickets() {
    let root = Authority::new("root");
    let leaf = root.leaf(&["app.example"]).make();
    for (tickets, expected) in [(true, [false, true, true]), (false, [false; 3])] {
        let served = Served::start(&acceptor(&[&leaf], |options| options.session_tickets = tickets));
        let client = ClientTls::new("app.example").trusting(&root);
        let visits = python_tls(served.addr, &client, REQUEST, 3).unwrap();
        let resumed: Vec<_> = visits.iter().map(|visit| visit.seen.resumed).collect();
        assert_eq!(resumed, expected);
        assert!(visits.iter().all(|visit| visit.clean_end), "{visits:?}");
    }
}

#[test]
fn clients_are_told_how_long_they_may() {
    let root = Authority::new("root");
    let leaf = root.leaf(&["app.example"]).make();
    let lifetimes = [(1_500, 1), (7_000, 7), (86_400_000_000, 604_800), (0, 1)];
    for (milliseconds, told) in lifetimes {
        let lifetime = Duration::from_millis(milliseconds);
        let served = Served::start(&acceptor(&[&leaf], |options| options.session_lifetime = lifetime));
        for version in [TlsVersion::V12, TlsVersion::V13] {
            let client = ClientTls::new("app.example").versions(version, version);
            let seen = s_client(served.addr, &client, REQUEST, &[]).stdout;
            let hint = format!("TLS session ticket lifetime hint: {told} (seconds)");
            assert!(seen.contains(&hint), "{version:?}, {lifetime:?}: {seen}");
        }
    }
}

#[tokio::test]
async fn certificates_are_swapped_under_load() {
    let root = Authority::new("root");
    let server = acceptor(&[&root.leaf(&["app.example"]).make()], |_| {});
    let others: Vec<_> = (0..4).map(|_| certificate(&root.leaf(&["app.example"]).make())).collect();
    let (client, mut open) = (options(&root, |_| {}), Vec::new());
    let client = endpoint("app.example", client);
    for round in 0..40 {
        let (one, two, three) = tokio::join!(meet(&client, &server), meet(&client, &server), async {
            tokio::task::yield_now().await;
            server.set_certificates(Certificates::new().with(others[round % 4].clone()))
        });
        three.unwrap();
        open.push((one.both(), two.both()));
    }
    for ((client, server), _) in &mut open {
        use gorge_async_io::StreamExt;
        server.write_all(b"still").await.unwrap();
        let mut read = bytes::BytesMut::with_capacity(16);
        client.read(&mut read).await.unwrap();
        assert_eq!(&read[..], b"still");
    }
}

#[tokio::test]
async fn what_was_agreed_on_is_told() {
    let root = Authority::new("root");
    let told = Arc::new(std::sync::atomic::AtomicUsize::new(0));
    let server = acceptor(&[&root.leaf(&["app.example"]).make()], |options| {
        let told = told.clone();
        options.on_handshake = Some(Arc::new(move |digest| {
            let number = told.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
            digest.extension.set(number);
        }));
    });
    let client = endpoint("app.example", options(&root, only(Version::Tls13)));
    let (client, server) = meet(&client, &server).await.both();
    let digest = server.tls_digest();
    assert_eq!(digest.extension.get::<usize>(), Some(&0));
    assert_eq!(digest.version, Some("TLSv1.3"));
    assert!(digest.cipher.is_some_and(|cipher| cipher.starts_with("TLS_")), "{digest:?}");
    let group = if gorge_tls::library() == "BoringSSL" { "X25519MLKEM768" } else { "X25519" };
    assert_eq!(digest.group, Some(group));
    assert_eq!(client.tls_digest().group, Some(group));
    assert_eq!((digest.alpn.as_deref(), digest.peer_verified()), (Some(&b"http/1.1"[..]), "none"));
    assert_eq!(client.tls_digest().peer_verified(), "ok");
}

#[tokio::test]
async fn ciphers_have_the_names_of_their_standards() {
    let root = Authority::new("root");
    let server = acceptor(&[&root.leaf(&["app.example"]).make()], |_| {});
    let suites = [
        ("ECDHE-ECDSA-AES128-GCM-SHA256", "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256"),
        ("ECDHE-ECDSA-AES256-GCM-SHA384", "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384"),
        ("ECDHE-ECDSA-CHACHA20-POLY1305", "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256"),
    ];
    for (asked, told) in suites {
        let client = options(&root, |options| {
            only(Version::Tls12)(options);
            options.ciphers = Some(asked.to_owned());
        });
        let (client, server) = meet(&endpoint("app.example", client), &server).await.both();
        assert_eq!(server.tls_digest().cipher, Some(told));
        assert_eq!(client.tls_digest().cipher, Some(told));
    }
}

#[tokio::test]
async fn secrets_are_written_where_they_are_asked_for() {
    let (root, folder) = (Authority::new("root"), TempFolder::new());
    let path = folder.path().join("keys");
    let log = KeyLog::open(&path).unwrap();
    let server = acceptor(&[&root.leaf(&["app.example"]).make()], |options| options.key_log = Some(log));
    for version in VERSIONS {
        meet(&endpoint("app.example", options(&root, only(version))), &server).await.both();
    }
    let text = std::fs::read_to_string(path).unwrap();
    // The words of TLS 1.2 and of TLS 1.3, each with the client's random number and a secret.
    for word in ["CLIENT_RANDOM ", "CLIENT_TRAFFIC_SECRET_0 ", "SERVER_TRAFFIC_SECRET_0 "] {
        let lines: Vec<_> = text.lines().filter_map(|line| line.strip_prefix(word)).collect();
        let [line] = lines[..] else { panic!("{word} in {text}") };
        let (random, secret) = line.split_once(' ').unwrap();
        let is_hex = |part: &str| part.bytes().all(|byte| byte.is_ascii_hexdigit());
        assert!(random.len() == 64 && secret.len() >= 64 && is_hex(random) && is_hex(secret), "{line}");
    }
}

#[tokio::test]
async fn a_key_given_beforehand_takes_the_place_of_certificates() {
    let root = Authority::new("root");
    let psk = Psk::new("device-7", &[7; 32]).unwrap();
    let server = acceptor(&[&root.leaf(&["app.example"]).make()], |options| {
        options.psk = Some(Arc::new(psk.clone()));
    });
    let to = |psk: Psk, version| {
        endpoint(
            "device.example",
            options(&root, |options| {
                only(version)(options);
                options.psk = Some(psk);
            }),
        )
    };
    let versions = if gorge_tls::library() == "BoringSSL" { &VERSIONS[..1] } else { &VERSIONS[..] };
    for &version in versions {
        meet(&to(psk.clone(), version), &server).await.both();
        let wrong = Psk::new("device-7", &[8; 32]).unwrap();
        let met = meet(&to(wrong, version), &server).await;
        assert!(met.client.is_err() || met.server.is_err(), "{version:?}");
        let unknown = Psk::new("device-8", &[7; 32]).unwrap();
        let met = meet(&to(unknown, version), &server).await;
        assert!(met.client.is_err() || met.server.is_err(), "{version:?}");
    }
    // Others are shown the certificate.
    meet(&endpoint("app.example", options(&root, |_| {})), &server).await.both();
}
