//! Which name is sent, and which names a certificate may be for.

mod peers;

use std::net::SocketAddr;

use gorge_error::Kind;
use gorge_test_util::{Authority, Nginx, ServerTls};
use gorge_tls::{ClientOptions, Sni};
use peers::{body, connect, endpoint, options, refused, said, trusting};

/// An nginx with a certificate for these names, which answers with the name that it was asked for.
fn server(root: &Authority, names: &[&str]) -> Nginx {
    Nginx::start_tls(&ServerTls::new(&root.leaf(names).make()), "return 200 \"<$ssl_server_name>\";")
}

/// The name that the server saw of a client that asks for `name`.
async fn seen(to: SocketAddr, name: &str, options: ClientOptions) -> String {
    let mut stream = connect(to, &endpoint(name, options)).await.unwrap();
    let sent = stream.tls_digest().sni.as_deref().unwrap_or_default().to_owned();
    let seen = body(&mut stream, "/").await;
    assert_eq!(seen, format!("<{sent}>"));
    sent
}

#[tokio::test]
async fn the_name_is_sent_and_verified_in_its_plain_form() {
    let root = Authority::new("root");
    let server = server(&root, &["app.example", "my_app.example"]);
    for (asked, sent) in [
        ("app.example", "app.example"),
        ("App.Example", "app.example"),
        ("app.example.", "app.example"),
        ("my_app.example", "my_app.example"),
    ] {
        assert_eq!(seen(server.addr(), asked, trusting(&root)).await, sent);
    }
}

#[tokio::test]
async fn an_address_is_verified_and_never_sent() {
    let root = Authority::new("root");
    let server = server(&root, &["127.0.0.1", "2001:db8::7"]);
    for name in ["127.0.0.1", "2001:db8::7", "[2001:DB8:0::7]"] {
        assert_eq!(seen(server.addr(), name, trusting(&root)).await, "", "{name}");
    }
    for name in ["127.0.0.2", "2001:db8::8", "app.example"] {
        let error = refused(connect(server.addr(), &endpoint(name, trusting(&root))).await);
        assert_eq!(error.kind(), Kind::CertificateMismatched, "{name}");
        assert!(said(&error).contains("is for 127.0.0.1, 2001:db8::7, not"), "{error}");
    }
}

#[tokio::test]
async fn an_address_is_not_a_name_in_a_certificate() {
    let root = Authority::new("root");
    // As text among the names, which counts for nobody who asks for the address (RFC 9525 6.5).
    let leaf = root.leaf(&[]).common_name("127.0.0.1").make();
    let server = Nginx::start_tls(&ServerTls::new(&leaf), "");
    let error = refused(connect(server.addr(), &endpoint("127.0.0.1", trusting(&root))).await);
    assert_eq!(error.kind(), Kind::CertificateMismatched);
}

#[tokio::test]
async fn a_wildcard_is_for_one_whole_label() {
    let root = Authority::new("root");
    let server = server(&root, &["*.b.example", "x*.c.example", "a.*.d.example"]);
    for name in ["a.b.example", "A.B.EXAMPLE", "xn--bcher-kva.b.example"] {
        connect(server.addr(), &endpoint(name, trusting(&root))).await.unwrap();
    }
    for name in ["b.example", "a.a.b.example", "xy.c.example", "a.x.d.example", "ab.example"] {
        let error = refused(connect(server.addr(), &endpoint(name, trusting(&root))).await);
        assert_eq!(error.kind(), Kind::CertificateMismatched, "{name}");
    }
}

#[tokio::test]
async fn another_name_is_accepted_beside() {
    let root = Authority::new("root");
    let by_name = server(&root, &["app.internal"]);
    let by_address = server(&root, &["192.0.2.1"]);
    let beside = |name: &str| options(&root, |options| options.alternative_name = Some(name.to_owned()));
    // It is for verification alone; what is sent stays the name that is asked for.
    assert_eq!(seen(by_name.addr(), "app.example", beside("App.Internal.")).await, "app.example");
    assert_eq!(seen(by_name.addr(), "127.0.0.1", beside("app.internal")).await, "");
    assert_eq!(seen(by_address.addr(), "app.example", beside("192.0.2.1")).await, "app.example");
    assert_eq!(seen(by_name.addr(), "app.internal", beside("192.0.2.1")).await, "app.internal");
    let error = refused(connect(by_name.addr(), &endpoint("app.example", beside("192.0.2.1"))).await);
    assert_eq!(error.kind(), Kind::CertificateMismatched);
}

#[tokio::test]
async fn another_name_is_sent_than_verified_when_so_asked() {
    let root = Authority::new("root");
    let server = server(&root, &["app.example"]);
    let sni = |sni| options(&root, |options| options.sni = sni);
    let front = sni(Sni::Name("Front.Example.".to_owned()));
    assert_eq!(seen(server.addr(), "app.example", front.clone()).await, "front.example");
    assert_eq!(seen(server.addr(), "app.example", sni(Sni::Off)).await, "");
    // An address is not sent this way either.
    let address = sni(Sni::Name("192.0.2.1".to_owned()));
    assert_eq!(seen(server.addr(), "app.example", address).await, "");
    // What is verified is the name that is asked for, whatever is sent.
    let error = refused(connect(server.addr(), &endpoint("other.example", front)).await);
    assert_eq!(error.kind(), Kind::CertificateMismatched);
}

#[tokio::test]
async fn what_is_no_name_is_said_before_anything_is_sent() {
    let root = Authority::new("root");
    for name in ["", ".", ".app.example", "a b", "a\0b", "app.example:443", "*.example", "bücher.example"] {
        let endpoint = endpoint(name, trusting(&root));
        let error = endpoint.check().unwrap_err();
        assert_eq!(error.kind(), Kind::Configuration);
        assert!(said(&error).ends_with("is neither a host name nor an IP address"), "{error}");
        let stream = tokio::net::UnixStream::pair().unwrap().0;
        let error = endpoint.connect(stream, &[]).await.unwrap_err();
        assert_eq!(error.kind(), Kind::Configuration, "{name:?}");
    }
    endpoint("app.example", trusting(&root)).check().unwrap();
}
