//! Virtual sockets behave like real ones, and connections are counted.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, Wake, Waker};

use bytes::BytesMut;
use gorge_async_io::{Stream, StreamExt};
use gorge_protocols::{Connections, Transport, VirtualListener, WorkerListener, virtual_pair};

fn run<T>(test: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(test)
}

#[derive(Default)]
struct Count(AtomicUsize);

impl Wake for Count {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
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

#[test]
fn a_slow_reader_stops_the_writer() {
    run(async {
        let (mut a, mut b) = virtual_pair();
        let body = vec![7; 1 << 20];
        let write = async {
            a.write_all(&body).await.unwrap();
            a.shutdown().await.unwrap();
        };
        let mut write = std::pin::pin!(write);
        let cx = &mut Context::from_waker(Waker::noop());
        assert!(write.as_mut().poll(cx).is_pending(), "a megabyte went into 64 KiB");
        let ((), read) = tokio::join!(write, all(&mut b));
        assert_eq!(read.unwrap().len(), 1 << 20);
    });
}

#[test]
fn each_direction_ends_for_itself() {
    run(async {
        let (mut a, mut b) = virtual_pair();
        a.write_all(b"ask").await.unwrap();
        a.shutdown().await.unwrap();
        assert_eq!(all(&mut b).await.unwrap(), b"ask");
        b.write_all(b"answer").await.unwrap();
        drop(b);
        assert!(a.is_closed());
        assert_eq!(all(&mut a).await.unwrap(), b"answer");
        assert_eq!(a.write_all(b"late").await.unwrap_err().kind(), io::ErrorKind::BrokenPipe);
    });
}

#[test]
fn an_abort_is_an_error_on_the_other_side() {
    run(async {
        let (mut a, mut b) = virtual_pair();
        a.write_all(b"half a bo").await.unwrap();
        a.abort();
        drop(a);
        assert_eq!(all(&mut b).await.unwrap_err().kind(), io::ErrorKind::ConnectionReset);
        assert_eq!(b.write_all(b"x").await.unwrap_err().kind(), io::ErrorKind::ConnectionReset);
    });
}

#[test]
fn waiting_ends_wake_up() {
    let count = Arc::new(Count::default());
    let waker = Waker::from(count.clone());
    let cx = &mut Context::from_waker(&waker);
    let (mut a, mut b) = virtual_pair();
    assert!(b.poll_readable(cx).is_pending() && !b.is_closed());
    assert!(a.poll_write(cx, &[io::IoSlice::new(b"x")]).is_ready());
    assert_eq!(count.0.load(Ordering::SeqCst), 1);
    assert!(a.poll_readable(cx).is_pending());
    drop(b);
    assert_eq!(count.0.load(Ordering::SeqCst), 2);
    assert!(matches!(a.poll_readable(cx), Poll::Ready(Ok(()))));
}

#[test]
fn a_full_read_buffer_is_an_error() {
    run(async {
        let (_a, mut b) = virtual_pair();
        assert_eq!(b.read(&mut BytesMut::new()).await.unwrap_err().kind(), io::ErrorKind::InvalidInput);
    });
}

#[test]
fn a_virtual_listener_stands_in_for_a_real_one() {
    run(async {
        let (listener, connector) = VirtualListener::new(2);
        let mut acceptor = WorkerListener::from(listener).start().unwrap();
        assert!(acceptor.is_shared() && acceptor.local().is_none());
        let mut client = connector.connect().unwrap();
        let (mut server, _) = acceptor.accept().await.unwrap();
        assert!(matches!(server, Transport::Virtual(_)));
        client.write_all(b"hello").await.unwrap();
        drop(client);
        assert_eq!(all(&mut server).await.unwrap(), b"hello");

        let mut queued = connector.connect().unwrap();
        let _also = connector.connect().unwrap();
        assert_eq!(connector.connect().unwrap_err().kind(), io::ErrorKind::ConnectionRefused);
        assert!(acceptor.accept_queued().unwrap().is_some());
        drop(acceptor);
        assert_eq!(connector.connect().unwrap_err().kind(), io::ErrorKind::ConnectionRefused);
        assert_eq!(all(&mut queued).await.unwrap(), b"", "accepted and dropped");
    });
}

#[test]
fn connections_are_counted_and_room_is_waited_for() {
    let connections = Connections::new(2, 2);
    let count = Arc::new(Count::default());
    let waker = Waker::from(count.clone());
    let cx = &mut Context::from_waker(&waker);
    let first = connections.permit();
    assert!(connections.poll_room(cx).is_ready());
    let second = connections.permit();
    assert_eq!(connections.open(), 2);
    assert!(connections.poll_room(cx).is_pending() && connections.poll_room(cx).is_pending());
    drop(first);
    assert_eq!(count.0.load(Ordering::SeqCst), 1);
    assert!(connections.poll_room(cx).is_ready());
    drop(second);
    assert_eq!((connections.open(), count.0.load(Ordering::SeqCst)), (0, 1));
}

#[test]
fn a_higher_maximum_wakes_who_waits_for_room() {
    let connections = Connections::new(1, 0);
    let wakes = Arc::new(Count::default());
    let waker = Waker::from(wakes.clone());
    let cx = &mut Context::from_waker(&waker);
    assert!(connections.poll_room(cx).is_pending());
    connections.set_max(1);
    assert_eq!((wakes.0.load(Ordering::SeqCst), connections.max()), (1, 1));
    assert!(connections.poll_room(cx).is_ready());
    let permit = connections.permit();
    connections.set_max(0);
    assert!(connections.poll_room(cx).is_pending());
    drop(permit);
    assert!(connections.poll_room(cx).is_pending());
}
