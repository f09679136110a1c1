//! Pooled buffers: steady cycles allocate nothing, and nothing grows without bound.

use std::collections::VecDeque;

use bytes::{BufMut, Bytes, BytesMut};
use gorge_allocators::{BufferPool, Config, buffers};
use gorge_test_util::AllocationCounter;

#[global_allocator]
static ALLOCATOR: AllocationCounter = AllocationCounter::new();

/// Runs `cycle` until it is warm, then says how many allocations 1000 more make.
fn steady(mut cycle: impl FnMut()) -> usize {
    (0..200).for_each(|_| cycle());
    ALLOCATOR.of_thread(|| (0..1000).for_each(|_| cycle())).0
}

/// Fills `buffer` with so many bytes and splits them off.
fn read(buffer: &mut BytesMut, bytes: usize) -> Bytes {
    buffer.put_bytes(b'x', bytes);
    buffer.split().freeze()
}

#[test]
fn plain_cycles_allocate_nothing() {
    let made = steady(|| {
        let (small, large) = (buffers::take_small(), buffers::take_large());
        assert!(small.is_empty() && small.capacity() >= buffers::SMALL);
        assert!(large.is_empty() && large.capacity() >= buffers::LARGE);
        buffers::give(small);
        buffers::give(large);
    });
    assert_eq!(made, 0);
}

#[test]
fn parts_dropped_before_the_buffer_is_given_back_cost_nothing() {
    let made = steady(|| {
        let mut buffer = buffers::take_small();
        assert!(buffer.capacity() >= buffers::SMALL);
        let head = read(&mut buffer, 300);
        let body = read(&mut buffer, 1024);
        drop((head, body));
        buffers::give(buffer);
    });
    assert_eq!(made, 0);
}

#[test]
fn parts_that_outlive_the_giving_back_cost_nothing() {
    // Two heads and bodies are always in flight when their buffers go back.
    let mut flying = VecDeque::from(vec![Bytes::new(); 4]);
    let made = steady(|| {
        let mut small = buffers::take_small();
        let mut large = buffers::take_large();
        assert!(small.capacity() >= buffers::SMALL && large.capacity() >= buffers::LARGE);
        flying.push_back(read(&mut small, 300));
        flying.push_back(read(&mut large, 20_000));
        drop((flying.pop_front(), flying.pop_front()));
        buffers::give(small);
        buffers::give(large);
    });
    assert_eq!(made, 0);
}

#[test]
fn large_buffers_filled_to_the_brim_come_back() {
    let mut flying = Bytes::new();
    let made = steady(|| {
        let mut buffer = buffers::take_large();
        assert!(buffer.capacity() >= buffers::LARGE);
        flying = read(&mut buffer, buffers::LARGE);
        buffers::give(buffer);
    });
    assert_eq!(made, 0);
    assert_eq!(flying.len(), buffers::LARGE);
}

#[test]
fn keeps_a_bounded_number() {
    let taken: Vec<_> = (0..500).flat_map(|_| [buffers::take_small(), buffers::take_large()]).collect();
    taken.into_iter().for_each(buffers::give);
    assert_eq!(buffers::kept(), 128);

    let taken: Vec<_> = (0..500).map(|_| buffers::take_small()).collect();
    let parts: Vec<_> = taken
        .into_iter()
        .map(|mut buffer| {
            let part = read(&mut buffer, 1);
            buffers::give(buffer);
            part
        })
        .collect();
    assert!(buffers::kept() <= 3 * 64);
    drop(parts);
    buffers::shrink();
    assert_eq!(buffers::kept(), 0);
}

#[test]
fn neither_placeholders_nor_giants_are_kept() {
    buffers::give(BytesMut::new());
    buffers::give(BytesMut::with_capacity(1 << 20));
    let mut grown = buffers::take_small();
    grown.put_bytes(0, 1 << 20);
    buffers::give(grown);
    assert_eq!(buffers::kept(), 0);
}

#[test]
fn a_buffer_that_is_never_released_does_not_stay_for_ever() {
    let mut buffer = buffers::take_small();
    let pinned = read(&mut buffer, 10);
    buffers::give(buffer);
    assert_eq!(buffers::kept(), 1);
    for _ in 0..100 {
        drop(buffers::take_small());
    }
    assert_eq!(buffers::kept(), 0);
    assert_eq!(&pinned[..], b"xxxxxxxxxx");
}

#[test]
fn never_gives_out_memory_that_is_still_seen() {
    let mut parts = Vec::new();
    for n in 0..200_u8 {
        let mut buffer = buffers::take_small();
        assert!(buffer.capacity() >= buffers::SMALL);
        buffer.put_bytes(n, 100);
        parts.push((n, buffer.split().freeze()));
        buffers::give(buffer);
        if n % 3 == 0 {
            parts.remove(0);
        }
        assert!(parts.iter().all(|(n, part)| part.iter().all(|byte| byte == n)));
    }
}

#[test]
fn pool_cycles_allocate_nothing() {
    let mut pool = BufferPool::default();
    let mut flying = VecDeque::from(vec![Bytes::new(); 10]);
    let made = steady(|| {
        let mut buffer = pool.take();
        assert!(buffer.is_empty() && buffer.capacity() >= 4096);
        flying.push_back(read(&mut buffer, 1000));
        flying.pop_front();
        pool.give(buffer);
    });
    assert_eq!(made, 0);
}

#[test]
fn pool_keeps_its_cap_and_shrinks_to_its_size() {
    let mut pool = BufferPool::new(Config { buffers: 2, size: 100, cap: 5, max_size: 1000 });
    let taken: Vec<_> = (0..9).map(|_| pool.take()).collect();
    taken.into_iter().for_each(|buffer| pool.give(buffer));
    assert_eq!(pool.len(), 5);
    pool.give(BytesMut::with_capacity(2000));
    pool.shrink();
    assert_eq!(pool.len(), 2);
}

#[test]
fn shrinking_counts_the_shared_ones_that_are_free_by_now() {
    let mut pool = BufferPool::new(Config { buffers: 1, size: 100, cap: 5, max_size: 1000 });
    let mut parts = Vec::new();
    let taken: Vec<_> = (0..4).map(|_| pool.take()).collect();
    for mut buffer in taken {
        parts.push(read(&mut buffer, 10));
        pool.give(buffer);
    }
    parts.truncate(1);
    pool.shrink();
    assert_eq!(pool.len(), 2, "one ready, one still shared");
}

#[test]
fn a_pool_without_room_still_serves() {
    let mut pool = BufferPool::new(Config { buffers: 0, size: 0, cap: 0, max_size: usize::MAX });
    let mut buffer = pool.take();
    let part = read(&mut buffer, 10);
    pool.give(buffer);
    drop(part);
    assert!(pool.is_empty());
}

#[test]
fn is_send_and_sync() {
    fn send_sync<T: Send + Sync>() {}
    send_sync::<BufferPool>();
}
