//! Our own server's side, for clients of every kind.

use std::io;
use std::net::SocketAddr;
use std::os::unix::net::UnixStream as StdUnixStream;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;

use bytes::BytesMut;
use gorge_async_io::{Stream, StreamExt};
use gorge_digest::TlsDigest;
use gorge_error::{Error, Result};
use gorge_test_util::{ClientTls, LIMIT, Leaf, Ran, s_client};
use gorge_tls::{Acceptor, Certificates, ClientOptions, Endpoint, ServerOptions, TlsStream, Version};
use openssl::x509::X509;
use tokio::net::{TcpListener, UnixStream};
use tokio::sync::oneshot;

/// What a request looks like that is answered with "hello" and the end.
pub(crate) const REQUEST: &str = "GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";

/// Both versions, with their names.
pub(crate) const VERSIONS: [Version; 2] = [Version::Tls12, Version::Tls13];

/// An acceptor of these options, with certificates of these leaves.
pub(crate) fn acceptor(leaves: &[&Leaf], change: impl FnOnce(&mut ServerOptions)) -> Acceptor {
    let mut options = ServerOptions::default();
    change(&mut options);
    let all = leaves.iter().fold(Certificates::new(), |all, leaf| all.with(super::certificate(leaf)));
    Acceptor::new(options, all).unwrap()
}

/// Speaks this version alone.
pub(crate) fn only(version: Version) -> impl Fn(&mut ClientOptions) {
    move |options| (options.min_version, options.max_version) = (version, version)
}

/// A listener of this machine whose connections an acceptor makes TLS of, on a thread of its own.
pub(crate) struct Served {
    pub(crate) addr: SocketAddr,
    outcomes: Receiver<Result<Arc<TlsDigest>>>,
    _stop: oneshot::Sender<()>,
}

impl Served {
    pub(crate) fn start(acceptor: &Acceptor) -> Self {
        Self::at("127.0.0.1:0", acceptor)
    }

    /// At this address.
    pub(crate) fn at(addr: &str, acceptor: &Acceptor) -> Self {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let listener = runtime.block_on(TcpListener::bind(addr)).unwrap();
        let addr = listener.local_addr().unwrap();
        let (report, outcomes) = channel();
        let (stop, stopped) = oneshot::channel();
        let acceptor = acceptor.clone();
        thread::spawn(move || {
            runtime.block_on(async {
                tokio::select! {
                    () = serve(listener, acceptor, report) => {}
                    _ = stopped => {}
                }
            });
        });
        Self { addr, outcomes, _stop: stop }
    }

    /// What became of the next handshake.
    pub(crate) fn outcome(&self) -> Result<Arc<TlsDigest>> {
        self.outcomes.recv_timeout(LIMIT).expect("no handshake came to an end")
    }

    /// The next handshake succeeded.
    #[track_caller]
    pub(crate) fn digest(&self) -> Arc<TlsDigest> {
        self.outcome().unwrap_or_else(|error| panic!("{error}"))
    }

    /// The next handshake failed.
    #[track_caller]
    pub(crate) fn error(&self) -> Error {
        match self.outcome() {
            Ok(digest) => panic!("it was taken: {digest:?}"),
            Err(error) => error,
        }
    }
}

async fn serve(listener: TcpListener, acceptor: Acceptor, report: Sender<Result<Arc<TlsDigest>>>) {
    loop {
        let (stream, _) = listener.accept().await.unwrap();
        let (acceptor, report) = (acceptor.clone(), report.clone());
        tokio::spawn(async move {
            match acceptor.accept(stream).await {
                Ok(mut stream) => {
                    let _ = report.send(Ok(stream.tls_digest().clone()));
                    // The client may have seen enough.
                    let _ = answer(&mut stream).await;
                }
                Err(error) => drop(report.send(Err(error))),
            }
        });
    }
}

/// Reads a request, says hello and the end, and waits for the client's.
async fn answer<S: Stream>(stream: &mut TlsStream<S>) -> io::Result<()> {
    let mut request = BytesMut::with_capacity(64 * 1024);
    while !request.ends_with(b"\r\n\r\n") {
        if stream.read(&mut request).await? == 0 {
            return Ok(());
        }
    }
    stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nConnection: close\r\n\r\nhello").await?;
    stream.shutdown().await?;
    while stream.read(&mut request).await? > 0 {
        request.clear();
    }
    Ok(())
}

/// What both sides of a handshake over a pair of sockets saw.
pub(crate) struct Met {
    pub(crate) client: Result<TlsStream<UnixStream>>,
    pub(crate) server: Result<TlsStream<UnixStream>>,
    /// The client's first read, of a greeting; nothing where its handshake failed.
    pub(crate) read: Option<io::Result<usize>>,
}

impl Met {
    /// Both agree that it is done.
    #[track_caller]
    pub(crate) fn both(self) -> (TlsStream<UnixStream>, TlsStream<UnixStream>) {
        match (self.client, self.server, self.read) {
            (Ok(client), Ok(server), Some(Ok(5))) => (client, server),
            (client, server, read) => {
                panic!("client {:?}, server {:?}, {read:?}", client.err(), server.err())
            }
        }
    }

    /// The server refused; what it says of it.
    #[track_caller]
    pub(crate) fn refused(&self) -> &Error {
        match &self.server {
            Ok(server) => panic!("it was taken: {:?}", server.tls_digest()),
            Err(error) => error,
        }
    }

    /// Whether both resumed; panics unless they agree.
    #[track_caller]
    pub(crate) fn resumed(self) -> bool {
        let (client, server) = self.both();
        let resumed = client.tls_digest().resumed.unwrap();
        assert_eq!(server.tls_digest().resumed, Some(resumed));
        resumed
    }
}

/// Makes the handshake; the server then greets, and the client reads that.
pub(crate) async fn meet(client: &Endpoint, server: &Acceptor) -> Met {
    let (near, far) = UnixStream::pair().unwrap();
    let client = async {
        let mut stream = match client.connect(near, &[]).await {
            Ok(stream) => stream,
            Err(error) => return (Err(error), None),
        };
        let mut greeting = BytesMut::with_capacity(64);
        let read = stream.read(&mut greeting).await;
        if read.is_err() {
            // The server waits for the end of whom it refuses.
            stream = stream.map(end).unwrap();
        }
        (Ok(stream), Some(read))
    };
    let server = async {
        let mut stream = server.accept(far).await?;
        // The client may think otherwise of the handshake.
        let _ = stream.write_all(b"hello").await;
        Ok(stream)
    };
    let both = async { tokio::join!(client, server) };
    let ((client, read), server) = tokio::time::timeout(LIMIT, both).await.expect("both wait");
    Met { client, server, read }
}

fn end(stream: UnixStream) -> io::Result<UnixStream> {
    let stream = stream.into_std()?;
    stream.shutdown(std::net::Shutdown::Write)?;
    UnixStream::from_std(stream)
}

/// The handshake with a client that is no honest program; it runs on a thread of its own.
pub(crate) async fn accept_from(
    server: &Acceptor,
    client: impl FnOnce(StdUnixStream) + Send + 'static,
) -> Result<TlsStream<UnixStream>> {
    let (near, far) = StdUnixStream::pair().unwrap();
    far.set_nonblocking(true).unwrap();
    thread::spawn(move || client(near));
    let accepted = server.accept(UnixStream::from_std(far).unwrap());
    tokio::time::timeout(LIMIT, accepted).await.expect("a handshake stands still")
}

/// The SHA-256 of the certificate that the other side showed.
pub(crate) fn peer_sha256<S: Stream>(stream: &TlsStream<S>) -> [u8; 32] {
    stream.tls_digest().peer_certificate.as_ref().expect("a certificate").sha256.unwrap()
}

/// The chain that `openssl s_client` is shown, in DER.
pub(crate) fn chain_shown(to: SocketAddr, tls: &ClientTls, arguments: &[&str]) -> Vec<Vec<u8>> {
    let ran = s_client(to, tls, "", &[&["-showcerts"], arguments].concat());
    shown(&ran)
}

/// The certificates in what a program printed, in DER.
pub(crate) fn shown(ran: &Ran) -> Vec<Vec<u8>> {
    let Some(at) = ran.stdout.find("-----BEGIN CERTIFICATE-----") else {
        panic!("no certificate: {}{}", ran.stdout, ran.stderr)
    };
    let all = X509::stack_from_pem(&ran.stdout.as_bytes()[at..]).unwrap();
    all.iter().map(|one| one.to_der().unwrap()).collect()
}
