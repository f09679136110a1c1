//! Copying in both directions.

use std::io;
use std::time::Duration;

use bytes::BytesMut;
use gorge_async_io::{Stream, StreamExt, copy_both};
use tokio::net::{TcpListener, TcpStream};

/// A tunnel's four ends: the client, the tunnel's two, the server.
async fn ends() -> (TcpStream, TcpStream, TcpStream, TcpStream) {
    let (client, a) = pair().await;
    let (b, server) = pair().await;
    (client, a, b, server)
}

async fn pair() -> (TcpStream, TcpStream) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (near, far) = tokio::join!(TcpStream::connect(listener.local_addr().unwrap()), listener.accept());
    (near.unwrap(), far.unwrap().0)
}

async fn all(stream: &mut impl Stream) -> io::Result<Vec<u8>> {
    let mut buf = BytesMut::new();
    loop {
        buf.reserve(4096);
        if stream.read(&mut buf).await? == 0 {
            return Ok(buf.to_vec());
        }
    }
}

#[tokio::test]
async fn one_direction_goes_on_after_the_other_ended() {
    let (mut client, mut a, mut b, mut server) = ends().await;
    let mut copy = copy_both(&mut a, &mut b, None);
    let talk = async {
        client.write_all(b"ask").await.unwrap();
        client.shutdown().await.unwrap();
        assert_eq!(all(&mut server).await.unwrap(), b"ask");
        server.write_all(b"answer").await.unwrap();
        server.shutdown().await.unwrap();
        assert_eq!(all(&mut client).await.unwrap(), b"answer");
    };
    let (copied, ()) = tokio::join!(&mut copy, talk);
    copied.unwrap();
    assert_eq!((copy.a_to_b(), copy.b_to_a()), (3, 6));
}

#[tokio::test]
async fn much_goes_both_ways_at_once() {
    const MUCH: usize = 4 << 20;
    let (client, mut a, mut b, server) = ends().await;
    let sent: Vec<u8> = (0..MUCH).map(|i| (i / 7) as u8).collect();
    let copy = copy_both(&mut a, &mut b, Some(Duration::from_secs(60)));
    // Each side reads while it writes: else both would wait for the other to read.
    let mut sides = Vec::new();
    for socket in [client.into_std().unwrap(), server.into_std().unwrap()] {
        socket.set_nonblocking(false).unwrap();
        let (mut reader, mut writer) = (socket.try_clone().unwrap(), socket);
        let sent = sent.clone();
        sides.push(std::thread::spawn(move || {
            io::Write::write_all(&mut writer, &sent).unwrap();
            writer.shutdown(std::net::Shutdown::Write).unwrap();
            true
        }));
        sides.push(std::thread::spawn(move || {
            let mut read = Vec::new();
            io::Read::read_to_end(&mut reader, &mut read).unwrap();
            read.len() == MUCH && read.iter().enumerate().all(|(i, byte)| *byte == (i / 7) as u8)
        }));
    }
    copy.await.unwrap();
    assert!(sides.into_iter().all(|side| side.join().unwrap()));
}

#[tokio::test(start_paused = true)]
async fn a_tunnel_in_which_nothing_moves_times_out() {
    let (mut client, mut a, mut b, _server) = ends().await;
    client.write_all(b"still here").await.unwrap();
    let mut copy = copy_both(&mut a, &mut b, Some(Duration::from_secs(300)));
    let begun = tokio::time::Instant::now();
    let ended = (&mut copy).await.unwrap_err();
    assert_eq!((ended.kind(), copy.a_to_b()), (io::ErrorKind::TimedOut, 10));
    assert!(begun.elapsed() >= Duration::from_secs(300));
}

#[tokio::test]
async fn a_reset_ends_the_tunnel_with_an_error() {
    let (mut client, mut a, mut b, _server) = ends().await;
    client.abort();
    drop(client);
    let ended = copy_both(&mut a, &mut b, None).await.unwrap_err();
    assert_eq!(ended.kind(), io::ErrorKind::ConnectionReset);
}
