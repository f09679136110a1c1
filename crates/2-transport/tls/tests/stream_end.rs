//! The end of a stream: said by the other side, or cut by somebody on the way.

mod peers;

use std::io::{self, ErrorKind};

use bytes::BytesMut;
use gorge_async_io::{Stream, StreamExt};
use gorge_test_util::LIMIT;
use gorge_tls::{TlsStream, Version};
use peers::pair::Sides;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpStream, UnixStream};
use tokio::sync::oneshot;

const BOTH: [Version; 2] = [Version::Tls12, Version::Tls13];

/// Reads to the end; what came, and how it ended.
async fn rest<S: Stream>(stream: &mut TlsStream<S>) -> (Vec<u8>, io::Result<()>) {
    let mut all = BytesMut::with_capacity(1024);
    let end = loop {
        match tokio::time::timeout(LIMIT, stream.read(&mut all)).await.expect("it stands still") {
            Ok(0) => break Ok(()),
            Ok(_) => all.reserve(1024),
            Err(error) => break Err(error),
        }
    };
    (all.to_vec(), end)
}

#[tokio::test]
async fn one_that_is_said_reads_as_the_end_and_again() {
    for version in BOTH {
        let (mut near, mut far) = Sides::new(version).pair().await;
        far.write_all(b"all").await.unwrap();
        far.shutdown().await.unwrap();
        let (all, end) = rest(&mut near).await;
        assert_eq!(all, b"all");
        end.unwrap();
        rest(&mut near).await.1.unwrap();
        // The other direction goes on.
        near.write_all(b"still here").await.unwrap();
        near.shutdown().await.unwrap();
        assert_eq!(rest(&mut far).await.0, b"still here");
    }
}

#[tokio::test]
async fn one_without_a_word_is_an_error() {
    for version in BOTH {
        let (mut near, mut far) = Sides::new(version).pair().await;
        far.write_all(b"all").await.unwrap();
        drop(far);
        let (all, end) = rest(&mut near).await;
        assert_eq!(all, b"all");
        assert_eq!(end.unwrap_err().kind(), ErrorKind::UnexpectedEof, "{version:?}");
        assert_eq!(rest(&mut near).await.1.unwrap_err().kind(), ErrorKind::UnexpectedEof, "{version:?}");
    }
}

/// Hands on what both say until `cut` is told: then the far end is heard out, and so many of its last bytes are
/// kept back.
async fn on_the_way(mut near: UnixStream, mut far: UnixStream, cut: oneshot::Receiver<usize>) {
    let cut = tokio::select! {
        _ = tokio::io::copy_bidirectional(&mut near, &mut far) => panic!("an end too early"),
        cut = cut => cut.unwrap(),
    };
    let mut last = Vec::new();
    AsyncReadExt::read_to_end(&mut far, &mut last).await.unwrap();
    AsyncWriteExt::write_all(&mut near, &last[..last.len() - cut]).await.unwrap();
}

#[tokio::test]
async fn one_that_somebody_cuts_is_an_error_wherever_it_is_cut() {
    for version in BOTH {
        let sides = Sides::new(version);
        // A close_notify has 24 bytes at least; it is left whole, cut, and missing together with data.
        for (cut, whole) in [(0, true), (1, false), (20, false), (24, false), (100, false), (1_000, false)] {
            let ((near, one), (two, far)) = (UnixStream::pair().unwrap(), UnixStream::pair().unwrap());
            let (begin, begun) = oneshot::channel();
            let middle = tokio::spawn(on_the_way(one, two, begun));
            let (mut near, mut far) = sides.join(near, far).await;
            far.write_all(b"0").await.unwrap();
            near.read(&mut BytesMut::with_capacity(1)).await.unwrap();
            begin.send(cut).unwrap();
            far.write_all(&[7; 2_000]).await.unwrap();
            far.shutdown().await.unwrap();
            let (_, end) = rest(&mut near).await;
            assert_eq!(end.is_ok(), whole, "{version:?} {cut}: {end:?}");
            if let Err(error) = end {
                assert_eq!(error.kind(), ErrorKind::UnexpectedEof, "{version:?} {cut}");
            }
            middle.await.unwrap();
        }
    }
}

#[tokio::test]
async fn a_reset_is_an_error_of_its_own() {
    for version in BOTH {
        let sides = Sides::new(version);
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let near = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        let (mut near, mut far) = sides.join(near, listener.accept().await.unwrap().0).await;
        far.abort();
        drop(far);
        assert_eq!(rest(&mut near).await.1.unwrap_err().kind(), ErrorKind::ConnectionReset);
    }
}

#[tokio::test]
async fn what_was_not_flushed_goes_out_before_the_end() {
    for version in BOTH {
        let (mut near, mut far) = Sides::new(version).pair().await;
        let sent: Vec<u8> = (0..3_000_000_u32).map(|i| i as u8).collect();
        let send = async {
            let mut left = &sent[..];
            while !left.is_empty() {
                let bufs = [io::IoSlice::new(left)];
                let taken = std::future::poll_fn(|cx| near.poll_write(cx, &bufs)).await.unwrap();
                left = &left[taken..];
            }
            near.shutdown().await.unwrap();
        };
        let ((), (received, end)) = tokio::join!(send, rest(&mut far));
        end.unwrap();
        assert!(received == sent);
    }
}
