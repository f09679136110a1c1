//! Whatever is written, in whatever pieces, arrives as it was, in both directions at once.

mod peers;

use std::io::IoSlice;
use std::task::{Context, Poll};

use bytes::BytesMut;
use gorge_async_io::Stream;
use gorge_test_util::LIMIT;
use gorge_tls::{TlsStream, Version};
use peers::pair::Sides;
use proptest::prelude::*;
use tokio::net::UnixStream;

/// What one side does.
#[derive(Clone, Debug)]
struct Plan {
    /// Each write with the sizes of its slices.
    writes: Vec<Vec<usize>>,
    /// The room of each read, in turn.
    rooms: Vec<usize>,
    /// Whether it flushes between writes.
    flushes: bool,
}

fn size() -> impl Strategy<Value = usize> {
    prop_oneof![4 => 0..100_usize, 3 => 100..9_000_usize, 2 => 15_000..17_000_usize, 1 => 17_000..120_000_usize]
}

fn plan() -> impl Strategy<Value = Plan> {
    let writes = prop::collection::vec(prop::collection::vec(size(), 1..5), 0..8);
    let rooms = prop::collection::vec(prop_oneof![1..50_usize, 1_000..20_000_usize], 1..4);
    (writes, rooms, any::<bool>()).prop_map(|(writes, rooms, flushes)| Plan { writes, rooms, flushes })
}

/// One side on its way through its plan.
struct Side {
    stream: TlsStream<UnixStream>,
    plan: Plan,
    /// Everything it says, and how much of it was taken.
    says: Vec<u8>,
    taken: usize,
    /// The write under way and how much of that was taken.
    at: (usize, usize),
    owes_flush: bool,
    closed: bool,
    heard: BytesMut,
    reads: usize,
    ended: bool,
}

impl Side {
    fn new(stream: TlsStream<UnixStream>, plan: &Plan, first: u8) -> Self {
        let total = plan.writes.iter().flatten().sum();
        let says = (0..total).map(|at: usize| (at / 251) as u8 ^ at as u8 ^ first).collect();
        let plan = plan.clone();
        let heard = BytesMut::new();
        Self {
            stream,
            plan,
            says,
            taken: 0,
            at: (0, 0),
            owes_flush: false,
            closed: false,
            heard,
            reads: 0,
            ended: false,
        }
    }

    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let wrote = self.poll_say(cx);
        while !self.ended {
            // The slices are of the library's sizes and not of a buffer that grows.
            let room = self.plan.rooms[self.reads % self.plan.rooms.len()];
            let mut buf = BytesMut::with_capacity(room);
            match self.stream.poll_read(cx, &mut buf) {
                Poll::Pending => return Poll::Pending,
                Poll::Ready(read) => self.ended = read.unwrap() == 0,
            }
            self.reads += 1;
            self.heard.extend_from_slice(&buf);
        }
        wrote
    }

    fn poll_say(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        while !self.closed {
            if self.owes_flush {
                std::task::ready!(self.stream.poll_flush(cx)).unwrap();
                self.owes_flush = false;
            }
            let Some(sizes) = self.plan.writes.get(self.at.0) else {
                std::task::ready!(self.stream.poll_shutdown(cx)).unwrap();
                self.closed = true;
                break;
            };
            let total: usize = sizes.iter().sum();
            if self.at.1 == total {
                self.at = (self.at.0 + 1, 0);
                self.owes_flush = self.plan.flushes;
                continue;
            }
            let taken = std::task::ready!(
                self.stream.poll_write(cx, &slices(&self.says[self.taken..], sizes, self.at.1))
            );
            let taken = taken.unwrap();
            assert!(taken > 0, "nothing of {} bytes was taken", total - self.at.1);
            self.taken += taken;
            self.at.1 += taken;
        }
        Poll::Ready(())
    }
}

/// The slices of these sizes at the front of `says`, but for the first `gone` bytes.
fn slices<'a>(mut says: &'a [u8], sizes: &[usize], mut gone: usize) -> Vec<IoSlice<'a>> {
    let mut slices = Vec::new();
    for size in sizes {
        let skip = gone.min(*size);
        gone -= skip;
        let (slice, rest) = says.split_at(size - skip);
        says = rest;
        slices.push(IoSlice::new(slice));
    }
    slices
}

/// Two sockets that hold little, so that each side waits for the other all the time.
fn narrow() -> (UnixStream, UnixStream) {
    let (near, far) = UnixStream::pair().unwrap();
    for end in [&near, &far] {
        socket2::SockRef::from(end).set_send_buffer_size(1).unwrap();
    }
    (near, far)
}

fn check(version: Version, plans: &[Plan; 2]) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let (near, far) = narrow();
        let (near, far) = Sides::new(version).join(near, far).await;
        let mut sides = [Side::new(near, &plans[0], 0), Side::new(far, &plans[1], 0x55)];
        let [one, other] = &mut sides;
        let both = async {
            tokio::join!(std::future::poll_fn(|cx| one.poll(cx)), std::future::poll_fn(|cx| other.poll(cx)))
        };
        tokio::time::timeout(LIMIT, both).await.expect("it stands still");
        for (from, to) in [(0, 1), (1, 0)] {
            assert!(sides[to].heard == sides[from].says, "{version:?} {from}: {plans:?}");
        }
    });
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(48) })]

    #[test]
    fn arrives_equal(new in any::<bool>(), one in plan(), other in plan()) {
        check(if new { Version::Tls13 } else { Version::Tls12 }, &[one, other]);
    }
}

#[test]
fn at_the_edges_of_records_and_buffers() {
    for version in [Version::Tls12, Version::Tls13] {
        for size in
            [1, 7_935, 7_936, 7_937, 16_383, 16_384, 16_385, 32_768, 49_151, 49_152, 49_153, 65_536, 98_305]
        {
            let plan =
                |writes: &[usize]| Plan { writes: vec![writes.to_vec()], rooms: vec![20_000], flushes: true };
            check(version, &[plan(&[size]), plan(&[1, size, 1])]);
        }
    }
}
