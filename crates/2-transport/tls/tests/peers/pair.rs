//! Both ends of a TLS connection over a pair of sockets.

use gorge_async_io::{Stream, StreamExt};
use gorge_test_util::Authority;
use gorge_tls::{Acceptor, Certificates, Endpoint, ServerOptions, TlsStream, Version};
use tokio::net::UnixStream;

use super::{certificate, endpoint, options};

/// The two sides as gorge speaks them, in this version alone.
pub(crate) struct Sides {
    pub(crate) client: Endpoint,
    pub(crate) server: Acceptor,
}

impl Sides {
    pub(crate) fn new(version: Version) -> Self {
        let root = Authority::new("root");
        let shown = Certificates::new().with(certificate(&root.leaf(&["app.example"]).make()));
        let server = Acceptor::new(ServerOptions::default(), shown).unwrap();
        let versions = |options: &mut gorge_tls::ClientOptions| {
            (options.min_version, options.max_version) = (version, version);
        };
        Self { client: endpoint("app.example", options(&root, versions)), server }
    }

    /// Makes the handshake over these two ends, until nothing of it is left to be sent.
    pub(crate) async fn join<S: Stream>(&self, near: S, far: S) -> (TlsStream<S>, TlsStream<S>) {
        let client = async {
            let mut stream = self.client.connect(near, &[]).await.unwrap();
            stream.write_all(&[]).await.unwrap();
            stream
        };
        let server = async {
            let mut stream = self.server.accept(far).await.unwrap();
            stream.write_all(&[]).await.unwrap();
            stream
        };
        tokio::join!(client, server)
    }

    /// The same over a pair of sockets of this machine.
    pub(crate) async fn pair(&self) -> (TlsStream<UnixStream>, TlsStream<UnixStream>) {
        let (near, far) = UnixStream::pair().unwrap();
        self.join(near, far).await
    }
}
