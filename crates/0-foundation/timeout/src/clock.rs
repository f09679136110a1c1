//! The time of a worker's loop: read once per turn, then only remembered.
//!
//! Reading the clock costs some twenty nanoseconds, and an exchange asks for the time more often
//! than it needs a new one. A worker runtime calls [`tick`] whenever it unparks; on its thread
//! [`now`] then answers from memory, and reads anew every 64 calls in case the loop never parks.
//! On any other thread [`now`] simply reads the clock.

use std::{
    cell::Cell,
    time::{Duration, Instant},
};

/// Calls of [`now`] that one reading may answer.
const CALLS_PER_READING: u32 = 64;

/// What a duration becomes that would overflow `Instant`: some thirty years.
const FAR: Duration = Duration::from_secs(30 * 365 * 86_400);

struct Cache {
    /// `None` while this thread does not cache.
    reading: Cell<Option<Instant>>,
    calls: Cell<u32>,
}

thread_local! {
    static CACHE: Cache = const { Cache { reading: Cell::new(None), calls: Cell::new(0) } };
}

/// The time, at most one loop turn (or 64 calls) old where a worker ticks, exact elsewhere.
///
/// It never runs ahead of the real time and never goes backwards on one thread.
pub fn now() -> Instant {
    CACHE.with(|cache| {
        let calls = cache.calls.get() + 1;
        match cache.reading.get() {
            Some(reading) if calls < CALLS_PER_READING => {
                cache.calls.set(calls);
                reading
            }
            Some(_) => {
                tick();
                cache.reading.get().unwrap_or_else(read)
            }
            None => read(),
        }
    })
}

/// Reads the clock for this thread and makes [`now`] remember it.
///
/// To be called by whoever runs this thread's loop, each time it wakes up.
pub fn tick() {
    CACHE.with(|cache| {
        cache.reading.set(Some(read()));
        cache.calls.set(0);
    });
}

/// Ends what [`tick`] began: [`now`] reads the clock each time again.
///
/// For a thread that goes on after its loop ended, where a remembered time would only grow stale.
pub fn stop() {
    CACHE.with(|cache| cache.reading.set(None));
}

/// The exact time; a thread that caches remembers it.
pub(crate) fn exact() -> Instant {
    let reading = read();
    CACHE.with(|cache| {
        if cache.reading.get().is_some() {
            cache.reading.set(Some(reading));
            cache.calls.set(0);
        }
    });
    reading
}

/// `duration` after `now`; some thirty years if that is beyond what `Instant` can tell, where `+` panics:
/// so [`Duration::MAX`] may stand for "never" everywhere.
pub fn add(now: Instant, duration: Duration) -> Instant {
    let far = || now.checked_add(FAR).unwrap_or(now);
    now.checked_add(duration).unwrap_or_else(far)
}

/// Through tokio, so that its paused clock (feature `test-util`) moves this one too.
fn read() -> Instant {
    tokio::time::Instant::now().into_std()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_each_time_until_a_tick() {
        let first = now();
        while now() == first {}
    }

    #[test]
    fn answers_from_memory_after_a_tick_and_reads_every_64_calls() {
        tick();
        let first = now();
        let same = (0..1000).take_while(|_| now() == first).count() as u32;
        assert!(same <= CALLS_PER_READING, "{same}");
        tick();
        let ticked = now();
        let real = Instant::now();
        while Instant::now() == real {}
        assert_eq!(now(), ticked);
        stop();
        assert!(now() > ticked);
    }

    #[test]
    fn an_endless_duration_is_clamped() {
        let now = Instant::now();
        assert_eq!(add(now, Duration::MAX), now + FAR);
    }
}
