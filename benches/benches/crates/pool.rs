//! `gorge-pool` beside `pingora-pool`: 100 keys, a number in place of a connection.

use std::sync::Arc;
use std::time::Instant;

use criterion::Criterion;
use gorge_benches::{OURS, Operation, Workers};
use gorge_pool::{Entry, Options, Pool};
use pingora_pool::{ConnectionMeta, ConnectionPool};

use crate::{Cycle, scattered};

const KEYS: u64 = 100;

pub(crate) fn bench(criterion: &mut Criterion) {
    alone(criterion);
    for count in [2, 8] {
        together(criterion, count);
    }
}

/// Ours, with a connection for each key idle on each worker.
fn ours(workers: usize) -> Pool<u64, u64> {
    let pool = Pool::new(workers, Options::default());
    for worker in 0..workers {
        for key in 0..KEYS {
            put(&pool, worker, key, Instant::now());
        }
    }
    pool
}

fn put(pool: &Pool<u64, u64>, worker: usize, key: u64, now: Instant) {
    pool.put(worker, &key, Entry::new(key, now), now, |_, _| true);
}

fn theirs(workers: usize) -> ConnectionPool<u64> {
    let pool = ConnectionPool::new(1024);
    for worker in 0..workers as u64 {
        for key in 0..KEYS {
            drop(pool.put(&meta(worker, key), key));
        }
    }
    pool
}

/// Each connection has a number of its own, as a descriptor is.
fn meta(worker: u64, key: u64) -> ConnectionMeta {
    ConnectionMeta::new(key, i32::try_from(worker * KEYS + key).unwrap_or_default())
}

fn alone(criterion: &mut Criterion) {
    let (ours, theirs, now) = (ours(1), theirs(1), Instant::now());
    let mut keys = Cycle::new(scattered(1024, KEYS));
    Operation::new(criterion, "pool", "get a hit and put it back")
        .row(OURS, || {
            let key = *keys.next();
            let taken = ours.get(0, &key, now);
            put(&ours, 0, key, now);
            taken
        })
        .row("pingora-pool", || {
            let key = *keys.next();
            let taken = theirs.get(&key);
            drop(theirs.put(&meta(0, key), key));
            taken
        });

    Operation::new(criterion, "pool", "get a miss")
        .row(OURS, || ours.get(0, &(KEYS + *keys.next()), now))
        .row("pingora-pool", || theirs.get(&(KEYS + *keys.next())));

    for percent in [90, 50, 10] {
        // That share of the keys asked for is in the pool.
        let mut keys = Cycle::new(scattered(1024, KEYS * 100 / percent));
        Operation::new(criterion, "pool", &format!("get, put back after a hit: {percent} % hits"))
            .row(OURS, || {
                let key = *keys.next();
                if ours.get(0, &key, now).is_some() {
                    put(&ours, 0, key, now);
                }
            })
            .row("pingora-pool", || {
                let key = *keys.next();
                if theirs.get(&key).is_some() {
                    drop(theirs.put(&meta(0, key), key));
                }
            });
    }
}

fn together(criterion: &mut Criterion, count: usize) {
    let workers = Workers::new(count);
    let (ours, theirs, now) = (Arc::new(ours(count)), Arc::new(theirs(count)), Instant::now());
    Operation::new(criterion, "pool", &format!("get a hit and put it back, {count} workers"))
        .parallel(OURS, &workers, move |worker| {
            let (ours, mut keys) = (ours.clone(), Cycle::new(scattered(1024, KEYS)));
            move || {
                let key = *keys.next();
                std::hint::black_box(ours.get(worker, &key, now));
                put(&ours, worker, key, now);
            }
        })
        .parallel("pingora-pool", &workers, move |worker| {
            let (theirs, mut keys) = (theirs.clone(), Cycle::new(scattered(1024, KEYS)));
            move || {
                let key = *keys.next();
                std::hint::black_box(theirs.get(&key));
                drop(theirs.put(&meta(worker as u64, key), key));
            }
        });
}
