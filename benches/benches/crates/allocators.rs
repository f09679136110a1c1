//! `gorge-allocators` beside what one would use in its place: fresh buffers and boxes, `slab`, `typed-arena`.

use bytes::BytesMut;
use criterion::Criterion;
use gorge_allocators::{BufferPool, Recycled, RequestArena, buffers};
use gorge_benches::{OURS, Operation};
use slab::Slab;
use typed_arena::Arena;

/// As large as the state of an exchange.
type State = [u64; 128];
const VALUES: u64 = 32;

pub(crate) fn bench(criterion: &mut Criterion) {
    Operation::new(criterion, "allocators", "a buffer of 8 KiB, one byte written")
        .row(OURS, || buffers::give(touched(buffers::take_small())))
        .row("BytesMut", || touched(BytesMut::with_capacity(buffers::SMALL)));

    Operation::new(criterion, "allocators", "a buffer of 64 KiB, one byte written")
        .row(OURS, || buffers::give(touched(buffers::take_large())))
        .row("BytesMut", || touched(BytesMut::with_capacity(buffers::LARGE)));

    let mut pool = BufferPool::default();
    let mut slab = Slab::with_capacity(16);
    Operation::new(criterion, "allocators", "a buffer of 4 KiB from a pool of one's own")
        .row(OURS, || {
            let buffer = touched(pool.take());
            pool.give(buffer);
        })
        .row("BytesMut", || touched(BytesMut::with_capacity(4096)))
        .row("slab", || {
            // A slab keeps no memory of its own for what it holds, so the buffer is made anew.
            let key = slab.insert(touched(BytesMut::with_capacity(4096)));
            slab.remove(key)
        });

    Operation::new(criterion, "allocators", "a box of 1 KiB")
        .row(OURS, || Recycled::<State>::new([1; 128]))
        .row("Box", || Box::<State>::new([1; 128]));

    let mut arena = RequestArena::new(64 * 1024);
    Operation::new(criterion, "allocators", "32 values in an arena, then all freed")
        .row(OURS, || {
            for value in 0..VALUES {
                // Far below the cap of the arena.
                *arena.alloc([value; 8]).expect("there is room") = [value + 1; 8];
            }
            arena.reset();
        })
        .row("typed-arena", || {
            let arena = Arena::with_capacity(VALUES as usize);
            for value in 0..VALUES {
                *arena.alloc([value; 8]) = [value + 1; 8];
            }
        });
}

fn touched(mut buffer: BytesMut) -> BytesMut {
    buffer.extend_from_slice(b"x");
    buffer
}
