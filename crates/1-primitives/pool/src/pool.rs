//! The pool: one shelf per worker, and who may look into whose.

use std::{fmt, hash::Hash, sync::atomic::Ordering::Relaxed, time::Instant};

use crossbeam_utils::CachePadded;

use crate::{
    Entry, Id, Options, Put, Reason, Stats, Taken,
    shelf::{Found, Shelf},
    sync::{AtomicUsize, Mutex, MutexGuard},
};

/// Idle connections of type `C` grouped by keys of type `K`, one pool for all workers.
///
/// `K` must tell apart everything that decides who is at the other end and how it is spoken to. A
/// worker is a number below the one given to [`new`](Self::new); a greater one counts as 0.
///
/// Each worker has a lock of its own. [`get`](Self::get) asks the other workers only if its own has
/// nothing, and passes by whoever is busy; [`count`](Self::count), [`remove_all`](Self::remove_all),
/// [`drain`](Self::drain) and [`stats`](Self::stats) visit all of them and are not for the hot path.
/// No connection is dropped while a lock is held.
pub struct Pool<K, C> {
    workers: Box<[CachePadded<Worker<K, C>>]>,
    options: Options,
}

struct Worker<K, C> {
    shelf: Mutex<Shelf<K, C>>,
    /// Connections on the shelf, to be read without the lock: a hint whether looking is worth it.
    idle: AtomicUsize,
}

impl<K: Hash + Eq + Clone, C: Send> Pool<K, C> {
    /// An empty pool for so many workers, at least one.
    pub fn new(workers: usize, options: Options) -> Self {
        let worker = |_| {
            let shelf = Mutex::new(Shelf::new(options.idle));
            CachePadded::new(Worker { shelf, idle: AtomicUsize::new(0) })
        };
        Self { workers: (0..workers.max(1)).map(worker).collect(), options }
    }

    /// The limits it was made with: those of every key that is only given connections by
    /// [`put`](Self::put).
    pub fn options(&self) -> &Options {
        &self.options
    }

    /// Gives a connection back, or a new one in, as the newest of `key` on `worker`.
    ///
    /// It is refused if it may not be used again by its age, uses or the other side's keep-alive time,
    /// if nothing may be idle, or if `watch` returns false. `watch` is called under the worker's lock
    /// once the connection has its name, and before anyone can take it: there the caller registers
    /// itself with the connection, to be told when data or an end arrives; it must not call the pool.
    /// What comes back in [`Put::evicted`] is out of the pool and counted; drop it.
    pub fn put(
        &self,
        worker: usize,
        key: &K,
        entry: Entry<C>,
        now: Instant,
        watch: impl FnOnce(Id, &mut C) -> bool,
    ) -> Put<C> {
        self.put_with(worker, key, entry, &self.options, now, watch)
    }

    /// [`put`](Self::put) with limits for `key` instead of the pool's.
    ///
    /// They hold for all connections of this key on this worker, also for those that were idle before,
    /// until the next put of this key there brings others, even if this put is refused. What is idle
    /// beyond a smaller [`max_idle`](Options::max_idle) leaves with the next [`expire`](Self::expire).
    pub fn put_with(
        &self,
        worker: usize,
        key: &K,
        entry: Entry<C>,
        options: &Options,
        now: Instant,
        watch: impl FnOnce(Id, &mut C) -> bool,
    ) -> Put<C> {
        let (worker, place) = self.worker(worker);
        let mut shelf = place.shelf.lock();
        shelf.counters.puts += 1;
        let due = shelf.due();
        let refused = options.forbid(&entry, now);
        if let Some(reason) = refused.or((options.max_idle == 0).then_some(Reason::Evicted)) {
            shelf.counters.closed[reason.index()] += 1;
            shelf.limit(key, now, options);
            return Put { kept: None, evicted: Some(entry.conn), sooner: shelf.due() != due };
        }
        let (slot, generation) = shelf.insert(key, entry, now, options);
        let id = Id { worker, slot, generation };
        let sooner = shelf.due() != due;
        let wanted = shelf.peek(slot, generation).is_some_and(|conn| watch(id, conn));
        let put = if wanted {
            Put { kept: Some(id), evicted: shelf.evict_beside(slot), sooner }
        } else {
            Put { kept: None, evicted: shelf.close(slot, generation, Reason::Refused), sooner }
        };
        place.publish(shelf);
        put
    }

    /// Takes out the newest usable connection of `key`: of `worker`, else of another worker.
    ///
    /// Connections that are overdue at `now` are dropped on the way, and counted.
    pub fn get(&self, worker: usize, key: &K, now: Instant) -> Option<Taken<C>> {
        let (worker, own) = self.worker(worker);
        loop {
            let mut shelf = own.shelf.lock();
            match shelf.take(key, now) {
                Found::Hit(entry) => {
                    shelf.counters.hits += 1;
                    own.publish(shelf);
                    return Some(Taken { entry, from: worker });
                }
                Found::Overdue(conn) => {
                    own.publish(shelf);
                    drop(conn);
                }
                Found::Nothing => {
                    shelf.counters.misses += 1;
                    break;
                }
            }
        }
        // Starting behind oneself spreads the borrowers over the lenders.
        let (before, behind) = self.workers.split_at(worker);
        let others = behind[1..].iter().chain(before);
        let numbers = (worker + 1..self.workers.len()).chain(0..worker);
        others.zip(numbers).find_map(|(other, from)| self.borrow(other, from, key, now))
    }

    /// Looks at the connection of `id`, if it is still idle; `look` returning false takes it out, counted
    /// as [`Reason::Refused`], and returns it.
    ///
    /// `look` runs under the lock of the connection's worker; it must not call the pool.
    pub fn with(&self, id: Id, look: impl FnOnce(&mut C) -> bool) -> Option<C> {
        let place = self.workers.get(id.worker)?;
        let mut shelf = place.shelf.lock();
        if look(shelf.peek(id.slot, id.generation)?) {
            return None;
        }
        let conn = shelf.close(id.slot, id.generation, Reason::Refused);
        place.publish(shelf);
        conn
    }

    /// Takes out the connection of `id`, on which something has happened; `None` if it was not idle any
    /// more, for then it belongs to whoever has it.
    pub fn closed(&self, id: Id, reason: Reason) -> Option<C> {
        let place = self.workers.get(id.worker)?;
        let mut shelf = place.shelf.lock();
        let conn = shelf.close(id.slot, id.generation, reason);
        place.publish(shelf);
        conn
    }

    /// Drops the connections of `worker` that are overdue at `now` and returns how many there were.
    ///
    /// Call it at [`next_expiry`](Self::next_expiry); before that it costs a lock and a look at the time.
    /// It also forgets keys that have had no connection for one to two of the pool's own idle times.
    pub fn expire(&self, worker: usize, now: Instant) -> usize {
        let (_, place) = self.worker(worker);
        let mut shelf = place.shelf.lock();
        let overdue = shelf.expire(now);
        place.publish(shelf);
        overdue.len()
    }

    /// When to call [`expire`](Self::expire) for `worker`: not later than the first connection becomes
    /// overdue, rounded up by at most a second (a 64th of its key's idle time, if that is less) after a
    /// call of it, or after a put that has changed the limits of its key. `None`: there is nothing to do.
    pub fn next_expiry(&self, worker: usize) -> Option<Instant> {
        self.worker(worker).1.shelf.lock().next_expiry()
    }

    /// Idle connections of `key`, on all workers.
    pub fn count(&self, key: &K) -> usize {
        self.workers.iter().map(|place| place.shelf.lock().count(key)).sum()
    }

    /// Drops all idle connections of `key` and returns how many there were.
    pub fn remove_all(&self, key: &K) -> usize {
        self.remove(|shelf| shelf.remove_all(key))
    }

    /// Drops all idle connections and returns how many there were. The pool can be used further.
    pub fn drain(&self) -> usize {
        self.remove(|shelf| shelf.drain())
    }

    /// Counts a connection that was established because [`get`](Self::get) found none.
    pub fn created(&self, worker: usize) {
        self.worker(worker).1.shelf.lock().counters.created += 1;
    }

    /// Counts a connection that was in use and is closed instead of given back.
    pub fn discard(&self, worker: usize, reason: Reason) {
        let counters = &mut self.worker(worker).1.shelf.lock().counters;
        counters.discarded += 1;
        counters.closed[reason.index()] += 1;
    }

    /// What happened so far.
    pub fn stats(&self) -> Stats {
        let mut stats = Stats::default();
        let (mut misses, mut returned) = (0u64, 0u64);
        for place in &self.workers {
            let shelf = place.shelf.lock();
            let counters = &shelf.counters;
            stats.idle += shelf.idle();
            stats.created += counters.created;
            stats.reused += counters.hits + counters.lent;
            stats.borrowed += counters.lent;
            misses += counters.misses;
            returned += counters.puts + counters.discarded;
            for (sum, count) in stats.closed.iter_mut().zip(counters.closed) {
                *sum += count;
            }
        }
        // What one worker missed and another lent was no miss. The workers go on while they are read,
        // so that a difference may be short by what happened meanwhile.
        stats.missed = misses.saturating_sub(stats.borrowed);
        stats.active = (stats.created + stats.reused).saturating_sub(returned);
        stats
    }

    fn worker(&self, number: usize) -> (usize, &Worker<K, C>) {
        // There is always a first worker, see `new`.
        self.workers.get(number).map_or((0, &self.workers[0]), |worker| (number, worker))
    }

    /// Takes a connection from another worker's shelf, if that is not in use at the moment.
    fn borrow(&self, other: &Worker<K, C>, from: usize, key: &K, now: Instant) -> Option<Taken<C>> {
        while other.idle.load(Relaxed) > 0 {
            let mut shelf = other.shelf.try_lock()?;
            match shelf.take(key, now) {
                Found::Hit(entry) => {
                    shelf.counters.lent += 1;
                    other.publish(shelf);
                    return Some(Taken { entry, from });
                }
                Found::Overdue(conn) => {
                    other.publish(shelf);
                    drop(conn);
                }
                Found::Nothing => return None,
            }
        }
        None
    }

    fn remove(&self, mut each: impl FnMut(&mut Shelf<K, C>) -> Vec<C>) -> usize {
        let visit = |place: &CachePadded<Worker<K, C>>| {
            let mut shelf = place.shelf.lock();
            let removed = each(&mut shelf);
            place.publish(shelf);
            removed.len()
        };
        self.workers.iter().map(visit).sum()
    }
}

impl<K: Hash + Eq + Clone, C> Worker<K, C> {
    /// Tells others how many there are, and leaves.
    fn publish(&self, shelf: MutexGuard<'_, Shelf<K, C>>) {
        self.idle.store(shelf.idle(), Relaxed);
    }
}

impl<K, C> fmt::Debug for Pool<K, C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let idle: Vec<_> = self.workers.iter().map(|worker| worker.idle.load(Relaxed)).collect();
        f.debug_struct("Pool").field("idle", &idle).field("options", &self.options).finish()
    }
}
