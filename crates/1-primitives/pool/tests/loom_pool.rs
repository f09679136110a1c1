//! Every order in which threads can meet in a pool:
//! `RUSTFLAGS="--cfg loom" cargo test --test loom_pool`.
#![cfg(loom)]

use std::{
    sync::atomic::{AtomicUsize, Ordering},
    time::Instant,
};

use gorge_pool::{Entry, Id, Options, Pool, Reason, Stats};
use loom::{sync::Arc, thread};

type Conn = u32;
type Shared = Arc<Pool<u8, Conn>>;

fn put(pool: &Shared, worker: usize, conn: Conn, now: Instant) -> Id {
    pool.put(worker, &1, Entry::new(conn, now), now, |_, _| true).kept.unwrap()
}

fn take(pool: &Shared, worker: usize, now: Instant) -> Option<Conn> {
    pool.get(worker, &1, now).map(|taken| taken.entry.conn)
}

/// Each connection is where exactly one of the lists says, or still in the pool.
fn each_once(pool: &Shared, now: Instant, taken: &[Option<Conn>], all: &[Conn]) -> Stats {
    let stats = pool.stats();
    assert_eq!(stats.idle, pool.count(&1));
    let mut found: Vec<Conn> = taken.iter().flatten().copied().collect();
    found.extend(std::iter::from_fn(|| take(pool, 0, now)));
    found.sort_unstable();
    assert_eq!(found, all);
    stats
}

#[test]
fn a_connection_is_given_to_one_of_two_workers() {
    loom::model(|| {
        let (pool, now) = (Arc::new(Pool::new(2, Options::default())), Instant::now());
        put(&pool, 0, 1, now);
        let other = {
            let pool = pool.clone();
            thread::spawn(move || take(&pool, 1, now))
        };
        let own = take(&pool, 0, now);
        let stolen = other.join().unwrap();
        let stats = each_once(&pool, now, &[own, stolen], &[1]);
        // A lender that is busy may be passed by, but its own connection it always finds.
        assert!(own.is_some() || stolen.is_some());
        assert_eq!(stats.reused + stats.missed, 2);
        assert_eq!(stats.borrowed, u64::from(stolen.is_some()));
    });
}

#[test]
fn steal_and_get_and_closed_meet_on_one_connection() {
    loom::model(|| {
        let (pool, now) = (Arc::new(Pool::new(2, Options::default())), Instant::now());
        let id = put(&pool, 0, 1, now);
        let thief = {
            let pool = pool.clone();
            thread::spawn(move || take(&pool, 1, now))
        };
        let watcher = {
            let pool = pool.clone();
            thread::spawn(move || pool.closed(id, Reason::Ended))
        };
        let own = take(&pool, 0, now);
        let (stolen, closed) = (thief.join().unwrap(), watcher.join().unwrap());
        let stats = each_once(&pool, now, &[own, stolen, closed], &[1]);
        assert_eq!(stats.closed(Reason::Ended), u64::from(closed.is_some()));
        assert_eq!(stats.reused, u64::from(own.is_some()) + u64::from(stolen.is_some()));
        assert_eq!((stats.reused + stats.missed, stats.idle), (2, 0));
    });
}

#[test]
fn a_late_closed_does_not_hit_the_next_connection_of_the_slot() {
    loom::model(|| {
        let (pool, now) = (Arc::new(Pool::new(2, Options::default())), Instant::now());
        let id = put(&pool, 0, 1, now);
        let watcher = {
            let pool = pool.clone();
            thread::spawn(move || pool.with(id, |&mut conn| conn != 1))
        };
        let taken = take(&pool, 0, now);
        put(&pool, 0, 2, now);
        let closed = watcher.join().unwrap();
        assert_ne!(closed, Some(2));
        each_once(&pool, now, &[taken, closed], &[1, 2]);
    });
}

#[test]
fn put_meets_a_thief_and_a_watch_runs_before_anyone_takes() {
    loom::model(|| {
        let (pool, now) = (Arc::new(Pool::new(2, Options::default())), Instant::now());
        let thief = {
            let pool = pool.clone();
            thread::spawn(move || take(&pool, 1, now))
        };
        let entry = Entry::new(1, now);
        pool.put(0, &1, entry, now, |_, conn| {
            *conn += 100;
            true
        });
        let stolen = thief.join().unwrap();
        each_once(&pool, now, &[stolen], &[101]);
    });
}

#[test]
fn two_workers_steal_from_each_other_without_a_deadlock() {
    loom::model(|| {
        let (pool, now) = (Arc::new(Pool::new(2, Options::default())), Instant::now());
        let other = {
            let pool = pool.clone();
            thread::spawn(move || {
                put(&pool, 1, 2, now);
                [take(&pool, 1, now), take(&pool, 1, now)]
            })
        };
        put(&pool, 0, 1, now);
        let own = [take(&pool, 0, now), take(&pool, 0, now)];
        let others = other.join().unwrap();
        let taken: Vec<_> = own.into_iter().chain(others).collect();
        let stats = each_once(&pool, now, &taken, &[1, 2]);
        assert_eq!(stats.reused + stats.missed, 4);
        assert_eq!(stats.idle as u64 + stats.reused, 2);
    });
}

#[test]
fn limits_change_while_another_worker_takes() {
    loom::model(|| {
        let (pool, now) = (Arc::new(Pool::new(2, Options::default())), Instant::now());
        put(&pool, 0, 1, now);
        let thief = {
            let pool = pool.clone();
            thread::spawn(move || [take(&pool, 1, now), take(&pool, 1, now)])
        };
        let one = Options { max_idle: 1, ..Options::default() };
        let evicted = pool.put_with(0, &1, Entry::new(2, now), &one, now, |_, _| true).evicted;
        let [first, second] = thief.join().unwrap();
        assert!(pool.count(&1) <= 1);
        let stats = each_once(&pool, now, &[evicted, first, second], &[1, 2]);
        // The first is evicted only if nobody took it before.
        assert!(evicted.is_none_or(|conn| conn == 1));
        assert_eq!(stats.closed(Reason::Evicted), u64::from(evicted.is_some()));
    });
}

#[test]
fn a_thief_meets_stricter_limits_and_gets_nothing_that_is_past_them() {
    loom::model(|| {
        let (pool, now) = (Arc::new(Pool::new(2, Options::default())), Instant::now());
        let used = Entry { uses: 5, ..Entry::new(1, now) };
        pool.put(0, &1, used, now, |_, _| true);
        let thief = {
            let pool = pool.clone();
            thread::spawn(move || take(&pool, 1, now))
        };
        let few = Options { max_uses: Some(5), ..Options::default() };
        // Refused, for it was used too often; from here on this holds for the first one too.
        let spent = Entry { uses: 5, ..Entry::new(2, now) };
        assert_eq!(pool.put_with(0, &1, spent, &few, now, |_, _| true).evicted, Some(2));
        assert_eq!(take(&pool, 0, now), None);
        let stolen = thief.join().unwrap();
        let stats = pool.stats();
        assert_eq!((stats.idle, stats.reused), (0, u64::from(stolen.is_some())));
        assert_eq!(stats.closed(Reason::Spent), 2 - stats.reused);
    });
}

#[test]
fn draining_drops_each_connection_that_nobody_took() {
    struct Counted(std::sync::Arc<AtomicUsize>);
    impl Drop for Counted {
        fn drop(&mut self) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }
    loom::model(|| {
        let (pool, now) = (Arc::new(Pool::new(2, Options::default())), Instant::now());
        let dropped = std::sync::Arc::new(AtomicUsize::new(0));
        let put = |worker| {
            pool.put(worker, &1u8, Entry::new(Counted(dropped.clone()), now), now, |_, _| true);
        };
        put(0);
        let other = {
            let pool = pool.clone();
            thread::spawn(move || pool.get(1, &1, now).is_some())
        };
        let drained = pool.drain();
        put(1);
        let taken = usize::from(other.join().unwrap());
        let stats = pool.stats();
        assert_eq!(dropped.load(Ordering::Relaxed), drained + taken);
        assert_eq!(stats.closed(Reason::Drained) as usize, drained);
        assert_eq!(stats.idle, 2 - drained - taken);
        drop(pool);
        assert_eq!(dropped.load(Ordering::Relaxed), 2);
    });
}
