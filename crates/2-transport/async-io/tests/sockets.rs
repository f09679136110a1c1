//! The trait on real sockets: what is read, what is seen without reading, how a connection ends.

use std::future::poll_fn;
use std::io::{self, IoSlice};
use std::task::Poll;

use bytes::BytesMut;
use gorge_async_io::{Stream, StreamExt};
use tokio::net::{TcpListener, TcpStream, UnixStream};

fn run(test: impl Future<Output = io::Result<()>>) {
    tokio::runtime::Builder::new_current_thread().enable_io().build().unwrap().block_on(test).unwrap();
}

async fn tcp() -> io::Result<(TcpStream, TcpStream)> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let (client, server) = tokio::join!(TcpStream::connect(listener.local_addr()?), listener.accept());
    Ok((client?, server?.0))
}

async fn all(stream: &mut impl Stream) -> io::Result<Vec<u8>> {
    let mut buf = BytesMut::new();
    loop {
        buf.reserve(64);
        if stream.read(&mut buf).await? == 0 {
            return Ok(buf.to_vec());
        }
    }
}

#[test]
fn reads_only_into_spare_capacity() {
    run(async {
        let (mut a, mut b) = tcp().await?;
        a.write_all(b"abcdef").await?;
        let mut buf = BytesMut::with_capacity(4);
        let room = buf.capacity();
        assert_eq!(b.read(&mut buf).await?, room.min(6));
        assert_eq!(buf.capacity(), room, "the buffer was grown");
        assert_eq!(&buf[..], &b"abcdef"[..room.min(6)]);
        Ok(())
    });
}

#[test]
fn a_full_buffer_is_an_error_and_not_the_end() {
    run(async {
        let (_a, mut b) = tcp().await?;
        let err = b.read(&mut BytesMut::new()).await.unwrap_err();
        assert_eq!(err.kind(), io::ErrorKind::InvalidInput);
        Ok(())
    });
}

#[test]
fn half_close_ends_one_direction_only() {
    run(async {
        let (mut a, mut b) = tcp().await?;
        a.write_all(b"ask").await?;
        a.shutdown().await?;
        assert_eq!(all(&mut b).await?, b"ask");
        b.write_all(b"answer").await?;
        b.shutdown().await?;
        assert_eq!(all(&mut a).await?, b"answer");
        Ok(())
    });
}

#[test]
fn several_slices_go_out_in_one_write() {
    run(async {
        let (mut a, mut b) = tcp().await?;
        let slices = [IoSlice::new(b"one "), IoSlice::new(b""), IoSlice::new(b"two")];
        assert_eq!(poll_fn(|cx| a.poll_write(cx, &slices)).await?, 7);
        a.shutdown().await?;
        assert_eq!(all(&mut b).await?, b"one two");
        Ok(())
    });
}

#[test]
fn write_buf_empties_the_buffer() {
    run(async {
        let (mut a, mut b) = tcp().await?;
        let mut out = BytesMut::from(&vec![7; 1 << 20][..]);
        let write = async {
            poll_fn(|cx| a.poll_write_buf(cx, &mut out)).await?;
            a.shutdown().await
        };
        let (written, read) = tokio::join!(write, all(&mut b));
        written?;
        assert_eq!(read?.len(), 1 << 20);
        assert!(out.is_empty());
        Ok(())
    });
}

#[test]
fn a_quiet_connection_is_not_closed() {
    run(async {
        let (mut a, mut b) = tcp().await?;
        assert!(!a.is_closed() && !b.is_closed());
        // Readiness left over from a read that filled the buffer must not be taken for news.
        a.write_all(b"x").await?;
        let mut one = BytesMut::with_capacity(1);
        while b.read(&mut one).await? == 0 {}
        one.clear();
        assert!(!b.is_closed());
        Ok(())
    });
}

#[test]
fn the_end_is_seen_without_reading() {
    run(async {
        let (a, mut b) = tcp().await?;
        drop(a);
        b.readable().await?;
        assert!(b.is_closed());
        Ok(())
    });
}

#[test]
fn unexpected_data_counts_as_closed_and_stays_readable() {
    run(async {
        let (mut a, mut b) = tcp().await?;
        a.write_all(b"HTTP/1.1 408 \r\n").await?;
        b.readable().await?;
        assert!(b.is_closed());
        drop(a);
        assert_eq!(all(&mut b).await?, b"HTTP/1.1 408 \r\n");
        Ok(())
    });
}

#[test]
fn abort_resets_the_connection() {
    run(async {
        let (mut a, mut b) = tcp().await?;
        a.write_all(b"half a bo").await?;
        a.abort();
        drop(a);
        let ended = all(&mut b).await;
        assert_eq!(ended.unwrap_err().kind(), io::ErrorKind::ConnectionReset);
        assert!(b.is_closed());
        Ok(())
    });
}

#[test]
fn a_dropped_read_loses_nothing() {
    run(async {
        let (mut a, mut b) = tcp().await?;
        let mut buf = BytesMut::with_capacity(16);
        poll_fn(|cx| {
            assert!(b.poll_read(cx, &mut buf).is_pending());
            Poll::Ready(())
        })
        .await;
        a.write_all(b"later").await?;
        assert_eq!(b.read(&mut buf).await?, 5);
        assert_eq!(&buf[..], b"later");
        Ok(())
    });
}

#[test]
fn unix_streams_behave_alike() {
    run(async {
        let (mut a, mut b) = UnixStream::pair()?;
        assert!(!b.is_closed());
        a.write_all(b"over").await?;
        a.shutdown().await?;
        b.readable().await?;
        assert!(b.is_closed());
        assert_eq!(all(&mut b).await?, b"over");
        assert!(b.raw_fd().is_some() && b.tcp_info().is_none());
        Ok(())
    });
}

#[test]
fn a_boxed_stream_is_a_stream() {
    run(async {
        let (a, b) = tcp().await?;
        let (mut a, mut b): (Box<dyn Stream>, Box<dyn Stream>) = (Box::new(a), Box::new(b));
        a.write_all(b"boxed").await?;
        a.shutdown().await?;
        assert_eq!(all(&mut b).await?, b"boxed");
        assert!(a.raw_fd().is_some());
        Ok(())
    });
}

#[test]
fn a_socket_tells_its_addresses_and_the_kernels_view() {
    run(async {
        let (a, b) = tcp().await?;
        assert_eq!(a.socket_digest().peer, b.socket_digest().local);
        assert_eq!(a.socket_digest().local, b.socket_digest().peer);
        assert!(a.socket_digest().peer.is_some());
        Ok(())
    });
}

#[cfg(target_os = "linux")]
#[test]
fn the_kernel_tells_what_it_measured() {
    run(async {
        let (mut a, mut b) = tcp().await?;
        a.write_all(b"there and back").await?;
        b.read(&mut BytesMut::with_capacity(64)).await?;
        let info = a.tcp_info().unwrap();
        assert!(info.congestion_window.unwrap() > 0 && info.send_mss.unwrap() > 0, "{info:?}");
        assert_eq!(info.retransmits, Some(0));
        assert!(info.rtt.unwrap() > std::time::Duration::ZERO, "{info:?}");
        Ok(())
    });
}
