//! What the tests of the client have in common: the client's side in a few words, and servers that no honest
//! program is.
#![allow(dead_code, reason = "each test binary uses a part of it")]

pub(crate) mod pair;
pub(crate) mod served;

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream as StdTcpStream};
use std::sync::mpsc::{Receiver, channel};
use std::thread;

use bytes::BytesMut;
use gorge_async_io::StreamExt;
use gorge_error::{Error, Result};
use gorge_test_util::{Authority, LIMIT};
use gorge_tls::{Certificate, ClientOptions, Connector, Endpoint, Roots, TlsStream};
use openssl::pkey::{PKey, Private};
use openssl::ssl::{SslContext, SslContextBuilder, SslMethod};
use openssl::x509::X509;
use tokio::net::TcpStream;

/// Options that trust this authority alone.
pub(crate) fn trusting(ca: &Authority) -> ClientOptions {
    let mut options = ClientOptions::default();
    options.roots = Roots::from_pem(ca.pem().as_bytes()).unwrap();
    options
}

/// The same with a change.
pub(crate) fn options(ca: &Authority, change: impl FnOnce(&mut ClientOptions)) -> ClientOptions {
    let mut options = trusting(ca);
    change(&mut options);
    options
}

/// The server of this name, for a client of these options.
pub(crate) fn endpoint(name: &str, options: ClientOptions) -> Endpoint {
    Connector::new(options).unwrap().to(name)
}

/// A certificate as the client takes it.
pub(crate) fn certificate(leaf: &gorge_test_util::Leaf) -> Certificate {
    Certificate::from_pem(leaf.cert_pem().as_bytes(), leaf.key_pem().as_bytes()).unwrap()
}

/// Connects and makes the handshake.
pub(crate) async fn connect(to: SocketAddr, endpoint: &Endpoint) -> Result<TlsStream<TcpStream>> {
    let stream = TcpStream::connect(to).await.expect("somebody listens");
    tokio::time::timeout(LIMIT, endpoint.connect(stream, &[])).await.expect("a handshake stands still")
}

/// The error of a handshake that must fail.
#[track_caller]
pub(crate) fn refused(outcome: Result<TlsStream<TcpStream>>) -> Error {
    match outcome {
        Ok(stream) => panic!("it was taken: {:?}", stream.tls_digest()),
        Err(error) => error,
    }
}

/// Sends a GET that asks for the end of the connection, and reads the answer to its end.
pub(crate) async fn get(stream: &mut TlsStream<TcpStream>, path: &str) -> String {
    let request = format!("GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = BytesMut::with_capacity(64 * 1024);
    loop {
        let read = tokio::time::timeout(LIMIT, stream.read(&mut answer)).await.expect("no answer");
        match read {
            Ok(0) => break,
            Ok(_) => answer.reserve(4096),
            Err(error) => panic!("{error} behind {}", String::from_utf8_lossy(&answer)),
        }
    }
    String::from_utf8(answer.to_vec()).unwrap()
}

/// The same, and of the answer the body alone.
pub(crate) async fn body(stream: &mut TlsStream<TcpStream>, path: &str) -> String {
    let answer = get(stream, path).await;
    answer.split_once("\r\n\r\n").expect("a head and a body").1.to_owned()
}

/// A server that reads something and then says this, whatever was asked.
pub(crate) fn says(answer: &'static [u8]) -> SocketAddr {
    serve(move |mut stream| {
        let _ = stream.read(&mut [0; 4096]);
        let _ = stream.write_all(answer);
        // Until the other side is gone too: a close with bytes unread would reset the connection.
        let _ = stream.shutdown(std::net::Shutdown::Write);
        let _ = stream.read_to_end(&mut Vec::new());
    })
}

/// A server that does this with each connection, one after the other.
pub(crate) fn serve(mut each: impl FnMut(StdTcpStream) + Send + 'static) -> SocketAddr {
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let addr = listener.local_addr().unwrap();
    thread::spawn(move || {
        for stream in listener.incoming() {
            let stream = stream.unwrap();
            // A test that failed leaves nobody waiting for ever.
            stream.set_read_timeout(Some(LIMIT)).unwrap();
            each(stream);
        }
    });
    addr
}

/// A TLS server that can be set up in any way; each connection is greeted and then read to its end.
pub(crate) struct Odd {
    pub(crate) addr: SocketAddr,
    /// Whether each handshake succeeded, in the server's eyes.
    pub(crate) handshakes: Receiver<std::result::Result<(), String>>,
}

impl Odd {
    pub(crate) fn start(set_up: impl FnOnce(&mut SslContextBuilder)) -> Self {
        let mut context = SslContext::builder(SslMethod::tls_server()).unwrap();
        set_up(&mut context);
        let context = context.build();
        let (report, handshakes) = channel();
        let addr = serve(move |stream| {
            let ssl = openssl::ssl::Ssl::new(&context).unwrap();
            match ssl.accept(stream) {
                Ok(mut stream) => {
                    let _ = report.send(Ok(()));
                    let _ = stream.write_all(b"hello");
                    let _ = stream.read(&mut [0; 4096]);
                    let _ = stream.shutdown();
                }
                Err(error) => drop(report.send(Err(error.to_string()))),
            }
        });
        Self { addr, handshakes }
    }

    /// With this certificate and key, and those above it.
    pub(crate) fn with(chain: &[X509], key: &PKey<Private>) -> Self {
        Self::start(|context| show(context, chain, key))
    }
}

/// Shows these, whatever the security level says.
pub(crate) fn show(context: &mut SslContextBuilder, chain: &[X509], key: &PKey<Private>) {
    #[cfg(not(feature = "quiche"))]
    context.set_security_level(0);
    context.set_certificate(&chain[0]).unwrap();
    context.set_private_key(key).unwrap();
    chain[1..].iter().for_each(|one| context.add_extra_chain_cert(one.clone()).unwrap());
}

/// What an error says, without its kind and whose fault it is.
pub(crate) fn said(error: &Error) -> String {
    error.contexts().next().expect("an error that says something").to_owned()
}
