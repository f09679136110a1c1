//! A known key allocates nothing, on the way in and on the way out.

use std::time::{Duration, Instant};

use gorge_pool::{Entry, Options, Pool};
use gorge_test_util::AllocationCounter;

#[global_allocator]
static ALLOCATOR: AllocationCounter = AllocationCounter::new();

#[test]
fn a_known_key_allocates_nothing() {
    let pool = Pool::new(2, Options { max_idle: 2, ..Options::default() });
    let keys: Vec<String> = (0..100).map(|number| format!("http://peer-{number}:80")).collect();
    let mut now = Instant::now();
    // The first half of the keys has limits of its own, which change all the time.
    let limits = [1, 2].map(|max_idle| Options { max_idle, idle: Duration::from_secs(3), ..*pool.options() });
    let mut rounds = 0;
    let mut round = || {
        rounds += 1;
        for key in &keys[..50] {
            for put in 0..4 {
                let options = &limits[(rounds + put / 2) % 2];
                pool.put_with(0, key, Entry::new(put, now), options, now, |_, _| true);
            }
            while pool.get(1, key, now).is_some() {}
        }
        for key in &keys[50..] {
            // Also where the connection taken is the only one of its key, and where one is evicted.
            for conn in 0..3 {
                pool.put(0, key, Entry::new(conn, now), now, |_, _| true);
            }
            assert_eq!(pool.get(0, key, now).map(|taken| taken.from), Some(0));
            assert_eq!(pool.get(1, key, now).map(|taken| taken.from), Some(0));
            assert!(pool.get(1, key, now).is_none());
            assert!(pool.get(0, key, now).is_none());
        }
        now += Duration::from_millis(100);
    };
    round();
    assert_eq!(ALLOCATOR.of_thread(|| (0..100).for_each(|_| round())).0, 0);
}
