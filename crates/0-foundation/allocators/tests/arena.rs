//! The arena: a cap that is kept, and no allocation once it knows its load.

use gorge_allocators::{ArenaFull, RequestArena};
use gorge_test_util::AllocationCounter;

#[global_allocator]
static ALLOCATOR: AllocationCounter = AllocationCounter::new();

#[test]
fn allocates_nothing_after_warm_up() {
    let mut arena = RequestArena::default();
    let mut cycle = || {
        let mut bytes = 0;
        for n in 0..100_u64 {
            bytes += arena.alloc_str("some header value").unwrap().len();
            bytes += arena.alloc_bytes(b"raw").unwrap().len();
            bytes += *arena.alloc(n).unwrap() as usize;
            bytes += arena.alloc_slice(&[n; 4]).unwrap().len();
        }
        arena.reset();
        bytes
    };
    (0..20).for_each(|_| assert_eq!(cycle(), 7350));
    let (made, bytes) = ALLOCATOR.of_thread(|| (0..100).map(|_| cycle()).sum::<usize>());
    assert_eq!((made, bytes), (0, 100 * (1700 + 300 + 4950 + 400)));
}

#[test]
fn over_the_cap_is_an_error_and_changes_nothing() {
    let mut arena = RequestArena::new(10);
    let kept = arena.alloc_str("12345678").unwrap();
    assert_eq!(arena.alloc_bytes(&[0; 3]), Err(ArenaFull { wanted: 3, left: 2 }));
    assert_eq!(arena.alloc(0_u64), Err(ArenaFull { wanted: 8, left: 2 }));
    assert!(arena.alloc_bytes(&[0; 2]).is_ok());
    assert!(arena.alloc(()).is_ok());
    assert_eq!(kept, "12345678");
    arena.reset();
    assert!(arena.alloc_bytes(&[0; 10]).is_ok());
    assert_eq!(
        arena.alloc_slice(&[0_u16; 9]).unwrap_err().to_string(),
        "arena full: 18 bytes wanted, 0 left"
    );
}

#[test]
fn counts_what_it_did() {
    let mut arena = RequestArena::new(1000);
    arena.alloc_bytes(&[1; 300]).unwrap();
    arena.reset();
    arena.alloc_bytes(&[1; 20]).unwrap();
    let stats = arena.stats();
    assert_eq!((stats.used, stats.peak, stats.cap, stats.resets), (20, 300, 1000, 1));
    assert!(stats.reserved >= 300);
}

#[test]
fn values_stay_writable_and_apart() {
    let arena = RequestArena::new(1000);
    let (a, b) = (arena.alloc([1; 4]).unwrap(), arena.alloc([2; 4]).unwrap());
    a[0] = 9;
    b[3] = 8;
    assert_eq!((*a, *b), ([9, 1, 1, 1], [2, 2, 2, 8]));
}

#[test]
fn is_send() {
    fn send<T: Send>() {}
    send::<RequestArena>();
}
