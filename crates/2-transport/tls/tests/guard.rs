//! The library that this was built with is the one that the features ask for, and it makes a handshake.
//! (With QUIC beside it: `bssl-sys/tests/guard.rs`.)

use std::future::poll_fn;

use gorge_async_io::Stream;
use gorge_test_util::Authority;
use gorge_tls::{Acceptor, Certificate, Certificates, ClientOptions, Connector, Roots, ServerOptions};
use tokio::net::UnixStream;

#[test]
fn the_library_is_the_one_that_the_features_ask_for() {
    let library = gorge_tls::library();
    let expected = if cfg!(feature = "quiche") { "BoringSSL" } else { "OpenSSL " };
    assert!(library.starts_with(expected), "{library}");
}

#[tokio::test]
async fn it_makes_a_handshake() {
    let authority = Authority::new("Guard");
    let leaf = authority.leaf(&["guard.example"]).make();
    let certificate = Certificate::from_pem(leaf.cert_pem().as_bytes(), leaf.key_pem().as_bytes()).unwrap();
    let acceptor = Acceptor::new(ServerOptions::default(), Certificates::new().with(certificate)).unwrap();
    let mut options = ClientOptions::default();
    options.roots = Roots::Pem(authority.pem().into_bytes().into());
    let endpoint = Connector::new(options).unwrap().to("guard.example");

    let (ours, theirs) = UnixStream::pair().unwrap();
    let client = async {
        let mut client = endpoint.connect(theirs, b"").await.unwrap();
        // Its last word waits for what comes first after the handshake.
        poll_fn(|cx| client.poll_flush(cx)).await.unwrap();
        client
    };
    let (server, client) = tokio::join!(acceptor.accept(ours), client);
    let server = server.unwrap();
    assert_eq!(server.tls_digest().version, Some("TLSv1.3"));
    assert_eq!(server.tls_digest().sni.as_deref(), Some("guard.example"));
    assert_eq!(client.tls_digest().cipher, server.tls_digest().cipher);
}
