//! A client that asks for answers and takes none of them makes the server keep no more than a bounded amount.

mod peers;

use std::ffi::c_int;
use std::io::{self, Read, Write};
use std::os::unix::net::UnixStream as StdUnixStream;

use bytes::BytesMut;
use foreign_types::ForeignTypeRef;
use gorge_async_io::StreamExt;
use gorge_test_util::Authority;
use openssl::ssl::{Ssl, SslContext, SslMethod, SslMode, SslStream, SslVersion};
use openssl_sys as sys;
use peers::served::{accept_from, acceptor};

#[cfg(not(feature = "quiche"))]
unsafe extern "C" {
    // <openssl/ssl.h>: int SSL_key_update(SSL *s, int updatetype);
    fn SSL_key_update(ssl: *mut sys::SSL, kind: c_int) -> c_int;
}
#[cfg(feature = "quiche")]
use sys::SSL_key_update;

/// The other side is to change its keys too (update_requested, RFC 8446 4.6.3).
const REQUESTED: c_int = 1;

/// Asks for new keys, with a byte of data behind.
fn ask(client: &mut SslStream<StdUnixStream>) -> io::Result<()> {
    // SAFETY: the connection is alive.
    assert_eq!(unsafe { SSL_key_update(client.ssl().as_ptr(), REQUESTED) }, 1);
    client.write_all(b"x")
}

fn is_full(written: &io::Result<()>) -> bool {
    written.as_ref().is_err_and(|error| error.kind() == io::ErrorKind::WouldBlock)
}

/// Lets all others run until they have nothing left to do: both ends are in this process.
async fn until_nothing_moves() {
    for _ in 0..2_000 {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn answers_that_nobody_takes_stop_the_reading() {
    /// Answers to so many would be 1 MB.
    const MANY: usize = 40_000;
    /// Of these two, the unsent and what a pair of sockets holds, is room for less.
    const MOST: usize = 640 * 1024;

    let root = Authority::new("root");
    let server = acceptor(&[&root.leaf(&["app.example"]).make()], |_| {});
    let (give, take) = std::sync::mpsc::channel();
    let mut server = accept_from(&server, move |stream| {
        let mut context = SslContext::builder(SslMethod::tls_client()).unwrap();
        context.set_min_proto_version(Some(SslVersion::TLS1_3)).unwrap();
        context.set_mode(SslMode::ACCEPT_MOVING_WRITE_BUFFER);
        give.send(Ssl::new(&context.build()).unwrap().connect(stream).unwrap()).unwrap();
    })
    .await
    .unwrap();
    let mut client = take.recv().unwrap();
    client.get_ref().set_nonblocking(true).unwrap();
    let reading = tokio::spawn(async move {
        let mut data = BytesMut::with_capacity(64 * 1024);
        while server.read(&mut data).await.is_ok_and(|read| read > 0) {
            data.clear();
        }
    });

    let mut asked = 0;
    while asked < MANY {
        let mut done = ask(&mut client);
        if is_full(&done) {
            until_nothing_moves().await;
            // What was not sent yet, once more.
            done = client.write_all(b"x");
        }
        if is_full(&done) {
            break;
        }
        done.unwrap();
        asked += 1;
    }
    let mut kept = 0;
    let mut block = vec![0; 64 * 1024];
    loop {
        until_nothing_moves().await;
        match client.get_mut().read(&mut block) {
            Ok(read) if read > 0 => kept += read,
            _ => break,
        }
    }
    assert!(kept < MOST, "{kept} bytes of answers to {asked} questions");
    assert!(!reading.is_finished(), "the connection goes on");
}
