//! What a pool gives, keeps and lets go, on one thread and with a mock clock.

use std::{
    collections::VecDeque,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use gorge_pool::{Entry, Id, Options, Pool, Put, Reason, Stats, Taken};
use proptest::prelude::*;

const SECOND: Duration = Duration::from_secs(1);

/// Puts a connection that was established now, unwatched.
fn put<C: Send>(pool: &Pool<&'static str, C>, key: &'static str, conn: C, now: Instant) -> Put<C> {
    pool.put(0, &key, Entry::new(conn, now), now, |_, _| true)
}

fn get<C: Send>(pool: &Pool<&'static str, C>, key: &'static str, now: Instant) -> Option<C> {
    pool.get(0, &key, now).map(|taken| taken.entry.conn)
}

#[test]
fn types_are_send_and_sync() {
    fn check<T: Send + Sync + 'static>() {}
    // What is pooled need only be `Send`.
    check::<Pool<String, std::cell::Cell<u8>>>();
    check::<(Entry<u8>, Id, Options, Put<u8>, Reason, Stats, Taken<u8>)>();
}

#[test]
fn the_newest_is_taken_first_and_keys_are_kept_apart() {
    let (pool, now) = (Pool::new(1, Options::default()), Instant::now());
    for conn in 1..=3 {
        assert!(put(&pool, "a", conn, now).kept.is_some());
    }
    put(&pool, "b", 4, now);
    assert_eq!((pool.count(&"a"), pool.count(&"b"), pool.count(&"c")), (3, 1, 0));
    let taken: Vec<_> = std::iter::from_fn(|| get(&pool, "a", now)).collect();
    assert_eq!(taken, [3, 2, 1]);
    assert_eq!(get(&pool, "c", now), None);
    assert_eq!(get(&pool, "b", now), Some(4));
}

#[test]
fn the_one_idle_for_longest_leaves_when_there_are_too_many() {
    let pool = Pool::new(1, Options { max_idle: 2, ..Options::default() });
    let now = Instant::now();
    assert_eq!(put(&pool, "a", 1, now).evicted, None);
    assert_eq!(put(&pool, "a", 2, now).evicted, None);
    assert_eq!(put(&pool, "b", 9, now).evicted, None, "the limit is per key");
    assert_eq!(put(&pool, "a", 3, now).evicted, Some(1));
    assert_eq!((pool.count(&"a"), pool.stats().closed(Reason::Evicted)), (2, 1));

    let none = Pool::new(1, Options { max_idle: 0, ..Options::default() });
    assert_eq!(put(&none, "a", 1, now), Put { kept: None, evicted: Some(1), sooner: false });
}

#[test]
fn an_overdue_connection_is_never_handed_out() {
    let now = Instant::now();
    let options = Options { idle: 10 * SECOND, max_age: Some(30 * SECOND), ..Options::default() };
    let pool = Pool::new(1, options);
    let entry = |conn, created, expires| Entry { expires, ..Entry::new(conn, created) };
    let cases = [
        (entry(1, now, None), 10 * SECOND, Reason::Idle),
        (entry(2, now, Some(now + 3 * SECOND)), 3 * SECOND, Reason::KeepAlive),
    ];
    for (entry, limit, reason) in cases {
        for (after, usable) in [(limit - Duration::from_nanos(1), true), (limit, false)] {
            pool.put(0, &"a", entry.clone(), now, |_, _| true);
            assert_eq!(pool.next_expiry(0), Some(now + limit));
            assert_eq!(get(&pool, "a", now + after).is_some(), usable, "{reason:?}");
            pool.drain();
        }
        assert_eq!(pool.stats().closed(reason), 1);
    }
    // Used again and again, it still grows old.
    let later = now + 25 * SECOND;
    pool.put(0, &"a", entry(3, now, None), later, |_, _| true);
    assert_eq!(pool.next_expiry(0), Some(now + 30 * SECOND));
    assert_eq!(get(&pool, "a", now + 30 * SECOND), None);
    assert_eq!(pool.stats().closed(Reason::Age), 1);
}

#[test]
fn a_connection_that_may_not_be_used_again_is_refused() {
    let now = Instant::now();
    let options = Options { max_age: Some(10 * SECOND), max_uses: Some(3), ..Options::default() };
    let pool = Pool::new(1, options);
    let old = pool.put(0, &"a", Entry::new(1, now), now + 10 * SECOND, |_, _| true);
    assert_eq!(old, Put { kept: None, evicted: Some(1), sooner: false });
    let expired = Entry { expires: Some(now), ..Entry::new(2, now) };
    assert_eq!(pool.put(0, &"a", expired, now, |_, _| true).evicted, Some(2));

    let mut entry = Entry::new(3, now);
    for uses in 1..3 {
        assert_eq!(entry.uses, uses);
        assert!(pool.put(0, &"a", entry, now, |_, _| true).kept.is_some());
        entry = pool.get(0, &"a", now).unwrap().entry;
    }
    assert_eq!(pool.put(0, &"a", entry, now, |_, _| true).evicted, Some(3));
    let stats = pool.stats();
    assert_eq!([Reason::Age, Reason::KeepAlive, Reason::Spent].map(|reason| stats.closed(reason)), [1; 3]);
    assert_eq!(stats.idle, 0);
}

#[test]
fn the_watcher_knows_the_name_and_may_refuse() {
    let (pool, now) = (Pool::new(2, Options::default()), Instant::now());
    let mut seen = None;
    let watched = pool.put(1, &"a", Entry::new(1, now), now, |id, conn| {
        *conn += 10;
        seen = Some(id);
        true
    });
    assert_eq!(watched.kept, seen);
    assert_eq!(seen.map(|id| (id.worker, id.slot)), Some((1, 0)));
    let refused = pool.put(1, &"a", Entry::new(2, now), now, |_, _| false);
    assert_eq!(refused, Put { kept: None, evicted: Some(2), sooner: false });
    assert_eq!(pool.closed(seen.unwrap(), Reason::Data), Some(11));
    assert_eq!((pool.stats().closed(Reason::Refused), pool.stats().closed(Reason::Data)), (1, 1));
}

#[test]
fn a_name_matches_nothing_after_its_connection_left() {
    let (pool, now) = (Pool::new(1, Options::default()), Instant::now());
    let first = put(&pool, "a", 1, now).kept.unwrap();
    assert_eq!(pool.with(first, |_| true), None);
    assert_eq!(get(&pool, "a", now), Some(1));
    let second = put(&pool, "b", 2, now).kept.unwrap();
    assert_eq!(first.slot, second.slot);
    assert_eq!(pool.closed(first, Reason::Ended), None);
    assert_eq!(pool.with(first, |_| panic!("called for another")), None);
    assert_eq!(pool.with(second, |_| false), Some(2));
    assert_eq!(pool.with(second, |_| false), None);
    assert_eq!(pool.closed(Id { worker: 7, slot: 0, generation: 0 }, Reason::Ended), None);
    assert_eq!(pool.closed(Id { worker: 0, slot: 99, generation: 0 }, Reason::Ended), None);
    assert_eq!(pool.stats().closed_total(), 1);
}

#[test]
fn another_worker_is_asked_only_when_the_own_has_none() {
    let (pool, now) = (Pool::new(3, Options::default()), Instant::now());
    for (worker, conn) in [(0, 'x'), (1, 'y'), (2, 'z')] {
        pool.put(worker, &"a", Entry::new(conn, now), now, |_, _| true);
    }
    let take = || pool.get(1, &"a", now).map(|taken| (taken.entry.conn, taken.from));
    assert_eq!(take(), Some(('y', 1)));
    assert_eq!(take(), Some(('z', 2)));
    assert_eq!(take(), Some(('x', 0)));
    assert_eq!(take(), None);
    let stats = pool.stats();
    assert_eq!((stats.reused, stats.borrowed, stats.missed), (3, 2, 1));
    assert_eq!(stats.reuse_ratio(), Some(0.75));
}

#[test]
fn a_worker_that_does_not_exist_counts_as_the_first() {
    let (pool, now) = (Pool::new(0, Options::default()), Instant::now());
    let put = pool.put(9, &"a", Entry::new(1, now), now, |_, _| true);
    assert_eq!(put.kept.unwrap().worker, 0);
    assert_eq!(pool.get(5, &"a", now).unwrap().from, 0);
    assert_eq!((pool.expire(8, now), pool.next_expiry(8).is_some()), (0, true));
}

#[test]
fn expiry_removes_what_is_overdue_and_tells_when_to_come_back() {
    let (pool, now) = (Pool::new(1, Options { idle: 64 * SECOND, ..Options::default() }), Instant::now());
    assert_eq!(pool.next_expiry(0), None);
    for second in 0..10 {
        put(&pool, "a", second, now + second * SECOND);
    }
    assert_eq!(pool.next_expiry(0), Some(now + 64 * SECOND));
    assert_eq!(pool.expire(0, now + 63 * SECOND), 0);
    assert_eq!(pool.expire(0, now + 66 * SECOND), 3);
    assert_eq!(pool.next_expiry(0), Some(now + 67 * SECOND));
    assert_eq!(pool.expire(0, now + 1000 * SECOND), 7);
    assert_eq!((pool.count(&"a"), pool.stats().closed(Reason::Idle)), (0, 10));
}

#[test]
fn the_newest_stay_warm_beyond_their_idle_time() {
    let now = Instant::now();
    let options = Options { min_idle: 2, max_age: Some(100 * SECOND), ..Options::default() };
    let pool = Pool::new(1, options);
    for conn in 0..4 {
        put(&pool, "a", conn, now);
    }
    let later = now + 90 * SECOND;
    assert_eq!(pool.expire(0, later), 2);
    assert_eq!(pool.next_expiry(0), Some(now + 100 * SECOND));
    // A new one takes the place of the oldest, which is overdue with that.
    pool.put(0, &"a", Entry::new(4, later), later, |_, _| true);
    assert_eq!(pool.next_expiry(0), Some(now + 60 * SECOND));
    assert_eq!(pool.expire(0, later + SECOND), 1);
    assert_eq!(get(&pool, "a", later + 70 * SECOND), Some(4));
    assert_eq!(get(&pool, "a", later), Some(3));
}

/// Puts a connection that was established now, unwatched, with limits of its own.
fn put_with(pool: &Pool<&'static str, u32>, key: &'static str, options: &Options, now: Instant) -> Put<u32> {
    pool.put_with(0, &key, Entry::new(7, now), options, now, |_, _| true)
}

#[test]
fn each_key_has_the_limits_of_its_latest_put() {
    let (pool, now) = (Pool::new(1, Options::default()), Instant::now());
    let strict = Options { max_idle: 1, idle: 5 * SECOND, ..Options::default() };
    put(&pool, "a", 1, now);
    put(&pool, "a", 2, now);
    put_with(&pool, "b", &strict, now);
    assert!(put_with(&pool, "b", &strict, now).evicted.is_some());
    assert_eq!((pool.count(&"a"), pool.count(&"b")), (2, 1));
    let later = now + 5 * SECOND;
    assert_eq!((get(&pool, "b", later), get(&pool, "a", later)), (None, Some(2)));
    // A group that was empty takes other limits too.
    put(&pool, "b", 3, later);
    put(&pool, "b", 4, later);
    assert_eq!((pool.count(&"b"), get(&pool, "b", later + 59 * SECOND)), (2, Some(4)));
    assert_eq!(pool.options(), &Options::default());
}

#[test]
fn other_limits_hold_for_what_was_idle_before() {
    let now = Instant::now();
    let cases = [
        (Options { idle: 10 * SECOND, ..Options::default() }, Reason::Idle, 2),
        (Options { max_age: Some(10 * SECOND), ..Options::default() }, Reason::Age, 2),
        (Options { max_uses: Some(2), ..Options::default() }, Reason::Spent, 1),
        (Options { max_idle: 1, ..Options::default() }, Reason::Evicted, 2),
        (Options { max_idle: 0, ..Options::default() }, Reason::Evicted, 3),
    ];
    for (options, reason, overdue) in cases {
        let pool = Pool::new(1, Options::default());
        put(&pool, "a", 1, now);
        pool.put(0, &"a", Entry { uses: 2, ..Entry::new(2, now) }, now, |_, _| true);
        let later = now + 10 * SECOND;
        assert!(put_with(&pool, "a", &options, later).sooner);
        let soon = pool.next_expiry(0).unwrap();
        assert!(soon > later && soon <= later + SECOND, "{reason:?}");
        pool.expire(0, soon);
        assert_eq!(pool.stats().closed(reason), overdue, "{reason:?}");
        assert_eq!(pool.stats().idle as u64, 3 - overdue, "{reason:?}");
    }
}

#[test]
fn other_limits_hold_at_once_for_who_takes() {
    let now = Instant::now();
    let (strict, later) = (Options { max_uses: Some(3), ..Options::default() }, now + SECOND);
    let pool = Pool::new(1, Options::default());
    pool.put(0, &"a", Entry { uses: 3, ..Entry::new(1, now) }, now, |_, _| true);
    // Refused itself, a put changes the limits all the same.
    let entry = Entry { uses: 3, ..Entry::new(2, now) };
    assert_eq!(pool.put_with(0, &"a", entry, &strict, later, |_, _| true).evicted, Some(2));
    assert_eq!((get(&pool, "a", later), pool.stats().closed(Reason::Spent)), (None, 2));
    // And longer ones keep what was overdue before, if nobody has looked.
    put_with(&pool, "a", &Options { idle: SECOND, ..strict }, later);
    put_with(&pool, "a", &Options { idle: 9 * SECOND, ..strict }, later + 5 * SECOND);
    let taken = || get(&pool, "a", later + 5 * SECOND);
    assert_eq!([taken(), taken(), taken()], [Some(7), Some(7), None]);
}

#[test]
fn expiry_keeps_to_the_idle_time_of_each_key() {
    let pool = Pool::new(1, Options { idle: 1000 * SECOND, ..Options::default() });
    let now = Instant::now();
    let idle = |seconds| Options { idle: seconds * SECOND, ..Options::default() };
    // The order of putting is not that of expiry.
    let sooner = |key, seconds| put_with(&pool, key, &idle(seconds), now).sooner;
    assert_eq!([sooner("a", 600), sooner("b", 32), sooner("c", 64)], [true, true, false]);
    assert_eq!(pool.next_expiry(0), Some(now + 32 * SECOND));
    let at = now + 40 * SECOND;
    assert!(!put_with(&pool, "b", &idle(32), at).sooner);
    assert_eq!(pool.expire(0, at), 1);
    assert_eq!(pool.next_expiry(0), Some(now + 64 * SECOND));
    assert_eq!(pool.expire(0, now + 64 * SECOND), 1);
    assert_eq!(pool.next_expiry(0), Some(at + 32 * SECOND));
    // What is due a moment later waits for a 64th of its key's idle time, and not of another's.
    put_with(&pool, "b", &idle(32), at + SECOND / 64);
    assert_eq!(pool.expire(0, at + 32 * SECOND), 1);
    assert_eq!(pool.next_expiry(0), Some(at + 32 * SECOND + SECOND / 2));
    assert_eq!(pool.expire(0, at + 33 * SECOND), 1);
    assert_eq!(pool.next_expiry(0), Some(now + 600 * SECOND));
    assert_eq!(pool.expire(0, now + 600 * SECOND), 1);
}

#[test]
fn two_that_share_a_key_cannot_put_expiry_off() {
    let (pool, now) = (Pool::new(1, Options::default()), Instant::now());
    for tenth in 0..100 {
        let at = now + tenth * SECOND / 10;
        let idle = if tenth % 2 == 0 { SECOND } else { 2 * SECOND };
        put_with(&pool, "a", &Options { idle, ..*pool.options() }, at);
        if pool.next_expiry(0).unwrap() <= at {
            pool.expire(0, at);
        }
        // By the limits of either.
        assert!(pool.stats().idle <= 22);
    }
}

#[test]
fn removed_and_drained_connections_are_really_dropped() {
    let (pool, now) = (Pool::new(2, Options::default()), Instant::now());
    let live = Arc::new(());
    for worker in [0, 0, 1] {
        pool.put(worker, &"a", Entry::new(live.clone(), now), now, |_, _| true);
        pool.put(worker, &"b", Entry::new(live.clone(), now), now, |_, _| true);
    }
    assert_eq!(Arc::strong_count(&live), 7);
    assert_eq!((pool.remove_all(&"a"), pool.remove_all(&"a"), pool.remove_all(&"c")), (3, 0, 0));
    assert_eq!((Arc::strong_count(&live), pool.count(&"a"), pool.count(&"b")), (4, 0, 3));
    assert_eq!(pool.drain(), 3);
    assert_eq!(Arc::strong_count(&live), 1);
    assert_eq!(pool.stats().closed(Reason::Drained), 6);
    put(&pool, "a", live.clone(), now);
    drop(pool);
    assert_eq!(Arc::strong_count(&live), 1);
}

#[test]
fn a_connection_that_uses_the_pool_when_dropped_meets_no_lock() {
    struct Conn(Arc<Pool<u8, Conn>>);
    impl Drop for Conn {
        fn drop(&mut self) {
            self.0.discard(0, Reason::Failed);
        }
    }
    let pool = Arc::new(Pool::new(2, Options { max_idle: 1, ..Options::default() }));
    let now = Instant::now();
    let put = |worker| pool.put(worker, &1, Entry::new(Conn(pool.clone()), now), now, |_, _| true);
    put(0);
    drop(put(0));
    put(1);
    assert!(pool.get(0, &1, now + 60 * SECOND).is_none());
    put(0);
    assert_eq!(pool.expire(0, now + 60 * SECOND), 1);
    put(0);
    assert_eq!(pool.remove_all(&1), 1);
    assert_eq!(pool.stats().closed(Reason::Failed), 5);
}

#[test]
fn empty_groups_vanish() {
    let pool = Pool::new(1, Options::default());
    let now = Instant::now();
    let key = Arc::new(());
    let touch = |number: u32, at| {
        pool.put(0, &(number, key.clone()), Entry::new((), at), at, |_, _| true);
        assert!(pool.get(0, &(number, key.clone()), at).is_some());
    };
    // Without anyone calling `expire`, only so many stay.
    (0..10_000).for_each(|number| touch(number, now));
    assert!(Arc::strong_count(&key) <= 258);
    // With it, those that are in use stay, and the others go after one to two idle times.
    let mut at = now;
    for _ in 0..2 {
        at = pool.next_expiry(0).unwrap().max(at);
        touch(1, at);
        pool.expire(0, at);
    }
    assert_eq!(Arc::strong_count(&key), 2);
    pool.expire(0, pool.next_expiry(0).unwrap());
    assert_eq!((Arc::strong_count(&key), pool.next_expiry(0)), (1, None));
}

#[test]
fn connections_in_use_are_counted_when_told() {
    let (pool, now) = (Pool::new(2, Options::default()), Instant::now());
    assert_eq!(pool.stats().reuse_ratio(), None);
    pool.created(0);
    pool.created(1);
    assert_eq!(pool.stats().active, 2);
    put(&pool, "a", 1, now);
    assert_eq!((pool.stats().active, pool.stats().idle), (1, 1));
    pool.get(1, &"a", now).unwrap();
    pool.discard(1, Reason::Unusable);
    assert_eq!((pool.stats().active, pool.stats().idle, pool.stats().closed(Reason::Unusable)), (1, 0, 1));
}

/// A connection that counts itself.
struct Conn(u32, Arc<AtomicUsize>);

impl Conn {
    fn new(number: u32, live: &Arc<AtomicUsize>) -> Self {
        live.fetch_add(1, Ordering::Relaxed);
        Self(number, live.clone())
    }
}

impl Drop for Conn {
    fn drop(&mut self) {
        self.1.fetch_sub(1, Ordering::Relaxed);
    }
}

#[derive(Clone, Debug)]
enum Step {
    Put { worker: usize, key: u8, limits: usize, age: u64, uses: u32, expires: Option<u64> },
    Get { worker: usize, key: u8 },
    Close(usize),
    Expire(usize),
    Remove(u8),
    Drain,
    Pass(u64),
}

fn step() -> impl Strategy<Value = Step> {
    let (worker, key) = (|| 0..3usize, || 0..4u8);
    let expires = prop::option::weighted(0.2, 1..20u64);
    // Those of the key's number, mostly.
    let limits = prop_oneof![9 => Just(LIMITS.len()), 1 => 0..LIMITS.len()];
    prop_oneof![
        12 => (worker(), key(), limits, 0..40u64, 0..5u32, expires)
            .prop_map(|(worker, key, limits, age, uses, expires)| {
                let limits = if limits == LIMITS.len() { usize::from(key) } else { limits };
                Step::Put { worker, key, limits, age, uses, expires }
            }),
        6 => (worker(), key()).prop_map(|(worker, key)| Step::Get { worker, key }),
        2 => any::<usize>().prop_map(Step::Close),
        2 => worker().prop_map(Step::Expire),
        1 => key().prop_map(Step::Remove),
        1 => Just(Step::Drain),
        3 => (0..15u64).prop_map(Step::Pass),
    ]
}

/// Limits that differ in all that they say; the first are the pool's.
const LIMITS: [Options; 4] = [
    Options { max_idle: 3, min_idle: 0, idle: seconds(20), max_age: Some(seconds(35)), max_uses: Some(4) },
    Options { max_idle: 5, min_idle: 2, idle: seconds(5), max_age: None, max_uses: None },
    Options { max_idle: 1, min_idle: 0, idle: seconds(12), max_age: Some(seconds(30)), max_uses: Some(3) },
    Options { max_idle: 4, min_idle: 1, idle: seconds(40), max_age: Some(seconds(20)), max_uses: None },
];

const fn seconds(number: u64) -> Duration {
    Duration::from_secs(number)
}

#[derive(Clone)]
struct Kept {
    number: u32,
    id: Id,
    created: Instant,
    uses: u32,
    since: Instant,
    expires: Option<Instant>,
}

impl Kept {
    fn overdue(&self, now: Instant, warm: bool, limits: &Options) -> bool {
        self.due(warm, limits).is_some_and(|due| due <= now)
            || limits.max_uses.is_some_and(|limit| self.uses >= limit)
    }

    fn due(&self, warm: bool, limits: &Options) -> Option<Instant> {
        let idle = (!warm).then_some(self.since + limits.idle);
        let age = limits.max_age.map(|age| self.created + age);
        [self.expires, idle, age].into_iter().flatten().min()
    }
}

/// One queue per worker and key, newest at the back.
#[derive(Clone, Default)]
struct Queue {
    kept: VecDeque<Kept>,
    limits: Options,
}

impl Queue {
    /// Removes what is overdue, oldest first: the newest of what remains stay warm.
    fn expire(&mut self, now: Instant) -> usize {
        let before = self.kept.len();
        let (mut rest, mut len) = (VecDeque::new(), before);
        for kept in std::mem::take(&mut self.kept) {
            if kept.overdue(now, len <= self.limits.min_idle, &self.limits) || len > self.limits.max_idle {
                len -= 1;
            } else {
                rest.push_back(kept);
            }
        }
        self.kept = rest;
        before - len
    }

    /// The time before which [`expire`](Self::expire) removes nothing.
    fn due(&self) -> Option<Instant> {
        let warm = self.kept.len() <= self.limits.min_idle;
        self.kept.iter().filter_map(|kept| kept.due(warm, &self.limits)).min()
    }
}

/// The naive model.
struct Model {
    queues: Vec<Queue>,
    /// When each worker's expiry was looked for, or limits changed there.
    looked: [Option<Instant>; 3],
}

impl Model {
    fn new() -> Self {
        Self { queues: vec![Queue::default(); 3 * 4], looked: [None; 3] }
    }

    fn queue(&mut self, worker: usize, key: u8) -> &mut Queue {
        &mut self.queues[worker * 4 + usize::from(key)]
    }

    fn get(&mut self, worker: usize, key: u8, now: Instant) -> Option<(u32, usize)> {
        for from in (worker..3).chain(0..worker) {
            let queue = self.queue(from, key);
            while let Some(kept) = queue.kept.pop_back() {
                if !kept.overdue(now, queue.limits.min_idle > 0, &queue.limits) {
                    return Some((kept.number, from));
                }
            }
        }
        None
    }

    fn expire(&mut self, worker: usize, now: Instant) -> usize {
        self.looked[worker] = Some(now);
        (0..4).map(|key| self.queue(worker, key).expire(now)).sum()
    }

    /// The latest time that a pool may name for expiry.
    fn next_expiry(&mut self, worker: usize) -> Option<Instant> {
        let due = (0..4).filter_map(|key| self.queue(worker, key).due()).min();
        due.max(due.and(self.looked[worker].map(|looked| looked + SECOND)))
    }

    fn ids(&self) -> Vec<Id> {
        self.queues.iter().flat_map(|queue| queue.kept.iter().map(|kept| kept.id)).collect()
    }

    fn idle(&self) -> usize {
        self.queues.iter().map(|queue| queue.kept.len()).sum()
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn behaves_like_queues(steps in prop::collection::vec(step(), 1..200)) {
        let mut model = Model::new();
        let pool = Pool::new(3, LIMITS[0]);
        let live = Arc::new(AtomicUsize::new(0));
        let mut now = Instant::now() + 100 * SECOND;
        let mut numbers = 0..;
        for step in steps {
            match step {
                Step::Put { worker, key, limits, age, uses, expires } => {
                    let number = numbers.next().unwrap();
                    let created = now - seconds(age);
                    let expires = expires.map(|after| now + seconds(after));
                    let entry = Entry { conn: Conn::new(number, &live), created, uses, expires };
                    let watch = |_, conn: &mut Conn| conn.0 == number;
                    let limits = LIMITS[limits];
                    let put = if limits == LIMITS[0] {
                        pool.put(worker, &key, entry, now, watch)
                    } else {
                        pool.put_with(worker, &key, entry, &limits, now, watch)
                    };
                    let evicted = put.evicted.as_ref().map(|conn| conn.0);
                    let queue = model.queue(worker, key);
                    let changed = queue.limits != limits && !queue.kept.is_empty();
                    queue.limits = limits;
                    let id = put.kept.unwrap_or(Id { worker, slot: 0, generation: 0 });
                    let kept = Kept { number, id, created, uses, since: now, expires };
                    if kept.overdue(now, true, &limits) {
                        prop_assert_eq!((put.kept, evicted), (None, Some(number)));
                    } else {
                        prop_assert!(put.kept.is_some());
                        queue.kept.push_back(kept);
                        let full = queue.kept.len() > limits.max_idle;
                        let oldest = if full { queue.kept.pop_front() } else { None };
                        prop_assert_eq!(evicted, oldest.map(|kept| kept.number));
                    }
                    if changed {
                        model.looked[worker] = Some(now);
                        // From then on expiry is exact, for it is rounded to less than a second here.
                        now += SECOND;
                    }
                }
                Step::Get { worker, key } => {
                    let taken = pool.get(worker, &key, now).map(|taken| (taken.entry.conn.0, taken.from));
                    prop_assert_eq!(taken, model.get(worker, key, now));
                }
                Step::Close(which) => {
                    let ids = model.ids();
                    if !ids.is_empty() {
                        let id = ids[which % ids.len()];
                        prop_assert!(pool.closed(id, Reason::Ended).is_some());
                        prop_assert!(pool.closed(id, Reason::Ended).is_none());
                        model.queues.iter_mut().for_each(|queue| queue.kept.retain(|kept| kept.id != id));
                    }
                }
                Step::Expire(worker) => {
                    if let Some(at) = pool.next_expiry(worker) {
                        now = now.max(at);
                    }
                    prop_assert_eq!(pool.expire(worker, now), model.expire(worker, now));
                }
                Step::Remove(key) => {
                    let mut take = |worker| std::mem::take(&mut model.queue(worker, key).kept).len();
                    prop_assert_eq!(pool.remove_all(&key), take(0) + take(1) + take(2));
                }
                Step::Drain => {
                    prop_assert_eq!(pool.drain(), model.idle());
                    model.queues.iter_mut().for_each(|queue| queue.kept.clear());
                }
                Step::Pass(time) => now += seconds(time),
            }
            prop_assert_eq!(pool.stats().idle, model.idle());
            prop_assert_eq!(live.load(Ordering::Relaxed), model.idle());
            for key in 0..4u8 {
                let expected: usize = (0..3).map(|worker| model.queue(worker, key).kept.len()).sum();
                prop_assert_eq!(pool.count(&key), expected);
            }
            for worker in 0..3 {
                if let Some(latest) = model.next_expiry(worker) {
                    prop_assert!(pool.next_expiry(worker).is_some_and(|at| at <= latest));
                }
            }
        }
    }
}
