//! TLS between two ends of a pair of sockets.

use std::future::poll_fn;
use std::io::IoSlice;

use bytes::BytesMut;
use gorge_async_io::Stream;
use gorge_test_util::{Authority, Leaf};
use gorge_tls::{
    Acceptor, Certificate, Certificates, ClientOptions, Connector, Endpoint, Roots, ServerOptions,
};
use tokio::net::UnixStream;

/// What both ends of each connection are made with.
#[derive(Clone)]
pub(crate) struct Sides {
    acceptor: Acceptor,
    endpoint: Endpoint,
}

impl Sides {
    pub(crate) fn new(authority: &Authority, leaf: &Leaf) -> Self {
        let certificate =
            Certificate::from_pem(leaf.cert_pem().as_bytes(), leaf.key_pem().as_bytes()).unwrap();
        let certificates = Certificates::new().with(certificate);
        let mut options = ClientOptions::default();
        options.roots = Roots::Pem(authority.pem().into_bytes().into());
        Self {
            acceptor: Acceptor::new(ServerOptions::default(), certificates).unwrap(),
            endpoint: Connector::new(options).unwrap().to("guard.example"),
        }
    }

    /// Makes a handshake, and sends `text` there and back.
    pub(crate) async fn exchange(&self, text: &[u8]) {
        let (ours, theirs) = UnixStream::pair().unwrap();
        let server = async {
            let mut server = self.acceptor.accept(ours).await.unwrap();
            assert_eq!(server.tls_digest().version, Some("TLSv1.3"));
            let received = receive(&mut server).await;
            send(&mut server, &received).await;
        };
        // The client's last word of the handshake goes out with what it sends first.
        let client = async {
            let mut client = self.endpoint.connect(theirs, b"").await.unwrap();
            send(&mut client, text).await;
            assert_eq!(receive(&mut client).await, text);
        };
        tokio::join!(server, client);
    }
}

async fn send(stream: &mut impl Stream, text: &[u8]) {
    let written = poll_fn(|cx| stream.poll_write(cx, &[IoSlice::new(text)])).await.unwrap();
    assert_eq!(written, text.len());
    poll_fn(|cx| stream.poll_flush(cx)).await.unwrap();
}

/// One record: none here is longer than that.
async fn receive(stream: &mut impl Stream) -> BytesMut {
    let mut buffer = BytesMut::with_capacity(64);
    poll_fn(|cx| stream.poll_read(cx, &mut buffer)).await.unwrap();
    buffer
}
