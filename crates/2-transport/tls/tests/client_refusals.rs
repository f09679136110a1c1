//! What a server refuses, and servers that do not speak TLS: each with a message that says what to do.

mod peers;

use std::io::ErrorKind;
use std::net::SocketAddr;

use bytes::BytesMut;
use gorge_async_io::StreamExt;
use gorge_error::{Error, Fault, Kind, Retryable};
use gorge_test_util::{Authority, Nginx, PythonTlsOrigin, SServer, ServerTls, TlsVersion};
use gorge_tls::{ClientOptions, Version};
use openssl::ssl::SslVerifyMode;
use openssl::x509::X509;
use openssl::x509::store::X509StoreBuilder;
use peers::{Odd, certificate, connect, endpoint, options, refused, said, show, trusting};

const NAME: &str = "app.example";

async fn verdict(to: SocketAddr, options: ClientOptions) -> (Kind, String) {
    let error = refused(connect(to, &endpoint(NAME, options)).await);
    assert_eq!((error.fault(), error.retry()), (Fault::Upstream, Retryable::Yes), "{error:#}");
    (error.kind(), said(&error))
}

fn tls(root: &Authority) -> ServerTls {
    ServerTls::new(&root.leaf(&[NAME]).make())
}

#[tokio::test]
async fn no_version_in_common() {
    let root = Authority::new("root");
    let old = SServer::start(&tls(&root).versions(TlsVersion::V10, TlsVersion::V11), &[]);
    let text = "app.example speaks neither TLS 1.2 nor TLS 1.3 (`min_version`, `max_version`)";
    assert_eq!(verdict(old.addr(), trusting(&root)).await, (Kind::TlsHandshakeFailed, text.to_owned()));

    let new = SServer::start(&tls(&root).versions(TlsVersion::V13, TlsVersion::V13), &[]);
    let only_old = options(&root, |options| options.max_version = Version::Tls12);
    let text = "app.example speaks no TLS 1.2 (`min_version`, `max_version`)";
    assert_eq!(verdict(new.addr(), only_old).await, (Kind::TlsHandshakeFailed, text.to_owned()));

    let old = SServer::start(&tls(&root).versions(TlsVersion::V12, TlsVersion::V12), &[]);
    let only_new = options(&root, |options| options.min_version = Version::Tls13);
    let text = "app.example speaks no TLS 1.3 (`min_version`, `max_version`)";
    assert_eq!(verdict(old.addr(), only_new).await, (Kind::TlsHandshakeFailed, text.to_owned()));
}

#[tokio::test]
async fn no_cipher_or_group_in_common() {
    let root = Authority::new("root");
    let text = "app.example refused the handshake: it shares no cipher (`ciphers`) or group (`groups`) with us, or wants \
                a client certificate (`cert`, `key`)";
    let tls = tls(&root).versions(TlsVersion::V12, TlsVersion::V12);
    let cbc = SServer::start(&tls.clone().ciphers("ECDHE-ECDSA-AES128-SHA"), &[]);
    assert_eq!(verdict(cbc.addr(), trusting(&root)).await, (Kind::TlsHandshakeFailed, text.to_owned()));

    let rare = SServer::start(&tls, &["-groups", "P-521"]);
    assert_eq!(verdict(rare.addr(), trusting(&root)).await, (Kind::TlsHandshakeFailed, text.to_owned()));
}

#[tokio::test]
async fn no_application_protocol_in_common() {
    let root = Authority::new("root");
    let server = SServer::start(&tls(&root), &["-alpn", "h2"]);
    let text = "app.example speaks none of the application protocols it was offered: http/1.1";
    assert_eq!(verdict(server.addr(), trusting(&root)).await, (Kind::AlpnMismatched, text.to_owned()));

    // A server that chooses none speaks HTTP/1.1.
    let silent = SServer::start(&tls(&root), &[]);
    connect(silent.addr(), &endpoint(NAME, trusting(&root))).await.unwrap();
    let h2 = options(&root, |options| options.alpn = vec!["h2".to_owned()]);
    let text = "app.example speaks http/1.1 and none of the protocols it was offered: h2";
    assert_eq!(verdict(silent.addr(), h2).await, (Kind::AlpnMismatched, text.to_owned()));
}

#[tokio::test]
async fn no_site_of_that_name() {
    let root = Authority::new("root");
    let server = Nginx::start_tls(&tls(&root), "ssl_reject_handshake on;");
    let text = "app.example serves no site of the name it was asked for (`sni`)";
    assert_eq!(verdict(server.addr(), trusting(&root)).await, (Kind::TlsHandshakeFailed, text.to_owned()));
}

#[tokio::test]
async fn plain_http() {
    let root = Authority::new("root");
    let server = Nginx::start("");
    let text =
        "app.example speaks plain HTTP at this port, not TLS; is it the right one, or is TLS to be off?";
    assert_eq!(verdict(server.addr(), trusting(&root)).await, (Kind::PlainHttp, text.to_owned()));
    // Byte by byte too, and whatever the version.
    let slow = peers::serve(|mut stream| {
        use std::io::Write;
        stream.set_nodelay(true).unwrap();
        let answer = b"HTTP/1.0 400 Bad Request\r\n\r\n";
        let _ = answer.iter().try_for_each(|byte| stream.write_all(&[*byte]));
        let _ = std::io::Read::read_to_end(&mut stream, &mut Vec::new());
    });
    assert_eq!(verdict(slow, trusting(&root)).await, (Kind::PlainHttp, text.to_owned()));
}

#[tokio::test]
async fn something_else_altogether() {
    let root = Authority::new("root");
    let text = "app.example speaks something else than TLS at this port";
    for greeting in [&b"SSH-2.0-OpenSSH_9.2\r\n"[..], b"220 mail.example ESMTP\r\n", b"\0\0\0\0\0\0\0\0\0\0"]
    {
        let verdict = verdict(peers::says(greeting), trusting(&root)).await;
        assert_eq!(verdict, (Kind::TlsHandshakeFailed, text.to_owned()), "{greeting:?}");
    }
}

#[tokio::test]
async fn no_certificate_at_all() {
    // A server hello of TLS 1.2 with ECDHE-ECDSA-AES128-GCM-SHA256 and an empty renegotiation_info, and a list of no
    // certificates (RFC 5246 7.4.2).
    const FLIGHT: &[u8] = b"\x16\x03\x03\x00\x31\
        \x02\x00\x00\x2d\x03\x03................................\x00\xc0\x2b\x00\x00\x05\xff\x01\x00\x01\x00\
        \x16\x03\x03\x00\x07\x0b\x00\x00\x03\x00\x00\x00";
    let root = Authority::new("root");
    let verdict = verdict(peers::says(FLIGHT), trusting(&root)).await;
    let text = "app.example showed no certificate, or none that can be read";
    assert_eq!(verdict, (Kind::CertificateMissing, text.to_owned()));
}

#[tokio::test]
async fn an_end_in_the_middle() {
    let root = Authority::new("root");
    let text = "app.example closed the connection in the middle of the TLS handshake";
    // At once, and in the middle of a record.
    for beginning in [&b""[..], b"\x16\x03\x03\x01\x00\x02"] {
        let verdict = verdict(peers::says(beginning), trusting(&root)).await;
        assert_eq!(verdict, (Kind::TlsHandshakeFailed, text.to_owned()), "{beginning:?}");
    }
    let reset = peers::serve(|stream| {
        socket2::SockRef::from(&stream).set_linger(Some(std::time::Duration::ZERO)).unwrap();
        // Once the client hello is there, so that the client is reading.
        let _ = stream.peek(&mut [0]);
    });
    let text = "app.example reset the connection in the middle of the TLS handshake";
    assert_eq!(verdict(reset, trusting(&root)).await, (Kind::TlsHandshakeFailed, text.to_owned()));
}

/// A server of TLS 1.2, which says in the handshake what it thinks of a client's certificate, or of none.
fn demanding(root: &Authority) -> Odd {
    let leaf = root.leaf(&[NAME]).make();
    let (ca, root) = (X509::from_der(root.der()).unwrap(), X509::from_der(root.der()).unwrap());
    Odd::start(move |context| {
        let key = openssl::pkey::PKey::private_key_from_pem(leaf.key_pem().as_bytes()).unwrap();
        show(context, &[X509::from_der(leaf.der()).unwrap()], &key);
        context.set_max_proto_version(Some(openssl::ssl::SslVersion::TLS1_2)).unwrap();
        context.set_verify(SslVerifyMode::PEER | SslVerifyMode::FAIL_IF_NO_PEER_CERT);
        context.add_client_ca(&ca).unwrap();
        let mut store = X509StoreBuilder::new().unwrap();
        store.add_cert(root).unwrap();
        context.set_cert_store(store.build());
    })
}

#[tokio::test]
async fn our_certificate() {
    let (root, other) = (Authority::new("root"), Authority::new("other"));
    let server = demanding(&root);
    let shows = |leaf| options(&root, |options| options.certificate = Some(certificate(&leaf)));
    connect(server.addr, &endpoint(NAME, shows(root.client("alice").make()))).await.unwrap();

    let text = "app.example refuses the client certificate (`cert`): it is not valid at this time";
    let expired = verdict(server.addr, shows(root.client("alice").expired().make())).await;
    assert_eq!(expired, (Kind::CertificateExpired, text.to_owned()));

    let text = "app.example refuses the client certificate (`cert`): it does not know its CA";
    let unknown = verdict(server.addr, shows(other.client("alice").make())).await;
    assert_eq!(unknown, (Kind::CertificateInvalid, text.to_owned()));

    let text = "app.example refuses the client certificate (`cert`)";
    let for_servers = verdict(server.addr, shows(root.client("alice").for_servers_only().make())).await;
    assert_eq!(for_servers, (Kind::CertificateInvalid, text.to_owned()));
}

#[tokio::test]
async fn that_we_show_no_certificate() {
    let root = Authority::new("root");
    let (kind, text) = verdict(demanding(&root).addr, trusting(&root)).await;
    // Before TLS 1.3 there is no word for it.
    assert_eq!(kind, Kind::TlsHandshakeFailed);
    assert!(text.contains("wants a client certificate (`cert`, `key`)"), "{text}");
}

#[tokio::test]
async fn that_we_show_none_or_a_wrong_one_is_read_with_tls_1_3() {
    let (root, other) = (Authority::new("root"), Authority::new("other"));
    let tls = tls(&root).versions(TlsVersion::V13, TlsVersion::V13).client_required(&root);
    let server = PythonTlsOrigin::start(&tls);
    let stranger = certificate(&other.client("alice").make());
    for (shown, kind, text) in [
        (None, Kind::CertificateMissing, "app.example wants a client certificate (`cert`, `key`)"),
        (
            Some(stranger),
            Kind::CertificateInvalid,
            "app.example refuses the client certificate (`cert`): it does not know its CA",
        ),
    ] {
        let endpoint = endpoint(NAME, options(&root, |options| options.certificate = shown));
        let mut stream = connect(server.addr(), &endpoint).await.unwrap();
        let error = stream.read(&mut BytesMut::with_capacity(64)).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::ConnectionAborted, "{error}");
        let inner = error.get_ref().unwrap().downcast_ref::<Error>().unwrap();
        assert_eq!((inner.kind(), said(inner).as_str()), (kind, text));
    }
}

#[tokio::test]
async fn the_other_side_is_told_what_is_wrong() {
    let (root, other) = (Authority::new("root"), Authority::new("other"));
    let leaf = root.leaf(&[NAME]).make();
    let key = openssl::pkey::PKey::private_key_from_pem(leaf.key_pem().as_bytes()).unwrap();
    let server = Odd::with(&[X509::from_der(leaf.der()).unwrap()], &key);
    refused(connect(server.addr, &endpoint(NAME, trusting(&other))).await);
    let told = server.handshakes.recv().unwrap().unwrap_err().to_ascii_lowercase();
    assert!(told.contains("alert") && told.contains("unknown"), "{told}");
}
