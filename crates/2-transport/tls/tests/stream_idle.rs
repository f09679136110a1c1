//! A connection that waits: it holds no buffer, tells whether it is still there, and can move to another worker.

mod peers;

use bytes::BytesMut;
use gorge_allocators::buffers;
use gorge_async_io::{Stream, StreamExt};
use gorge_test_util::{Authority, LIMIT, Nginx, ServerTls, TlsVersion};
use gorge_tls::{TlsStream, Version};
use peers::pair::Sides;
use peers::{connect, endpoint, trusting};
use tokio::net::TcpStream;

const NAME: &str = "app.example";
const BOTH: [Version; 2] = [Version::Tls12, Version::Tls13];

/// Waits until something is there.
async fn something<S: Stream>(stream: &mut TlsStream<S>) {
    tokio::time::timeout(LIMIT, stream.readable()).await.expect("nothing comes").unwrap();
}

#[tokio::test]
async fn tickets_are_no_news() {
    let root = Authority::new("root");
    let tls = ServerTls::new(&root.leaf(&[NAME]).make()).versions(TlsVersion::V13, TlsVersion::V13);
    let server = Nginx::start_tls(&tls, "keepalive_timeout 60;");
    let mut stream = connect(server.addr(), &endpoint(NAME, trusting(&root))).await.unwrap();
    // The last flight goes out, and the tickets come.
    stream.write_all(&[]).await.unwrap();
    something(&mut stream).await;
    assert!(!stream.is_closed());
    assert!(!stream.is_closed());
}

#[tokio::test]
async fn an_end_or_data_that_nobody_asked_for_is() {
    for version in BOTH {
        let sides = Sides::new(version);
        for how in ["end", "cut", "data"] {
            let (mut near, mut far) = sides.pair().await;
            // The tickets, if there are any, are taken in.
            assert!(!near.is_closed() && !far.is_closed(), "{version:?} {how}");
            match how {
                "end" => far.shutdown().await.unwrap(),
                "cut" => drop(far),
                _ => far.write_all(b"surprise").await.unwrap(),
            }
            something(&mut near).await;
            assert!(near.is_closed(), "{version:?} {how}");
            assert!(near.is_closed(), "{version:?} {how}");
            if how == "data" {
                // The look at it took nothing away.
                let mut data = BytesMut::with_capacity(64);
                near.read(&mut data).await.unwrap();
                assert_eq!(data, "surprise");
            }
        }
    }
}

#[test]
fn it_moves_to_another_reactor_with_bytes_in_between() {
    let runtime = || tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    for version in BOTH {
        let sent: Vec<u8> = (0..40_000_u32).map(|i| (i / 7) as u8).collect();
        let here = runtime();
        let (mut near, mut far, mut received) = here.block_on(async {
            let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
            let near = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
            let (mut near, mut far) =
                Sides::new(version).join(near, listener.accept().await.unwrap().0).await;
            far.write_all(&sent).await.unwrap();
            // Some of a record, so that there is plain text in the library, and records behind it.
            let mut some = BytesMut::with_capacity(1000);
            near.read(&mut some).await.unwrap();
            near.write_all(b"before").await.unwrap();
            (near, far, some)
        });
        let there = runtime();
        near = there.block_on(async { near.map(|below| TcpStream::from_std(below.into_std()?)) }).unwrap();
        there.block_on(async {
            assert!(near.is_closed(), "what is there counts as unasked for");
            while received.len() < sent.len() {
                received.reserve(10_000);
                assert!(
                    tokio::time::timeout(LIMIT, near.read(&mut received)).await.expect("lost").unwrap() > 0
                );
            }
            assert!(received == sent);
            near.write_all(b"-behind").await.unwrap();
        });
        here.block_on(async {
            let mut received = BytesMut::with_capacity(64);
            while received.len() < 13 {
                tokio::time::timeout(LIMIT, far.read(&mut received)).await.expect("lost").unwrap();
            }
            assert_eq!(received, "before-behind");
        });
    }
}

#[tokio::test]
async fn it_holds_no_buffer() {
    for version in BOTH {
        let sides = Sides::new(version);
        let mut waiting = Vec::new();
        for _ in 0..10 {
            let (mut near, mut far) = sides.pair().await;
            for size in [10, 100_000] {
                let data = vec![7; size];
                let mut received = BytesMut::with_capacity(size);
                let receive = async {
                    while received.len() < size {
                        far.read(&mut received).await.unwrap();
                    }
                };
                tokio::join!(async { near.write_all(&data).await.unwrap() }, receive);
            }
            far.write_all(b"thanks").await.unwrap();
            near.read(&mut BytesMut::with_capacity(64)).await.unwrap();
            // Each waits for the other to speak.
            for stream in [&mut near, &mut far] {
                let waits = std::future::poll_fn(|cx| std::task::Poll::Ready(stream.poll_readable(cx))).await;
                assert!(waits.is_pending(), "{version:?}");
            }
            waiting.push((near, far));
        }
        let kept = buffers::kept();
        drop(waiting);
        assert_eq!(buffers::kept(), kept, "{version:?}: some were given back only now");
    }
}
