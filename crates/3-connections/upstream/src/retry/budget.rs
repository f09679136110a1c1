//! How many repeated attempts an upstream bears: a share of what it gets anyway.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

/// Seconds that are looked back upon.
const WINDOW: u32 = 10;

/// Slots of a window: one per second looked back upon, rounded up to a power of two.
const SLOTS: usize = 16;

/// Parts in which exchanges are counted, so that workers do not write to each other's.
const SHARDS: usize = 32;

/// How large a [`RetryBudget`] is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Budget {
    /// Repeated attempts per hundred exchanges of the last 10 s. Default 20.
    pub percent: u32,
    /// Repeated attempts per second that are allowed beyond that, for upstreams with little
    /// traffic. Default 10.
    pub per_second: u32,
}

impl Default for Budget {
    fn default() -> Self {
        Self { percent: 20, per_second: 10 }
    }
}

/// Counts exchanges and repeated attempts over 10 s and says when there are too many of the latter.
///
/// Without it, an upstream that fails under load would be given several times that load. Sans-IO:
/// the time is an argument. No locks; counting an exchange touches memory of one shard only, and a
/// fixed few kilobytes are all it ever holds. Racing threads may pass the budget by as many
/// attempts as there are of them.
pub struct RetryBudget {
    size: Budget,
    /// When counting began.
    start: OnceLock<Instant>,
    exchanges: Box<[Window; SHARDS]>,
    retries: Window,
    refused: AtomicU64,
}

impl RetryBudget {
    /// Nothing counted yet.
    #[must_use]
    pub fn new(size: Budget) -> Self {
        Self {
            size,
            start: OnceLock::new(),
            exchanges: Box::default(),
            retries: Window::default(),
            refused: AtomicU64::new(0),
        }
    }

    /// An exchange begins at `now`. `shard` is any number that threads have to themselves.
    pub fn exchange(&self, shard: usize, now: Instant) {
        self.exchanges[shard % SHARDS].add(self.second(now));
    }

    /// Takes one repeated attempt out of the budget; false if it is used up.
    pub fn withdraw(&self, now: Instant) -> bool {
        let second = self.second(now);
        let exchanges: u64 = self.exchanges.iter().map(|shard| shard.sum(second)).sum();
        let share = exchanges.saturating_mul(self.size.percent.into()) / 100;
        let reserve = u64::from(self.size.per_second) * u64::from(WINDOW);
        let granted = self.retries.sum(second) < share.saturating_add(reserve);
        if granted {
            self.retries.add(second);
        } else {
            self.refused.fetch_add(1, Ordering::Relaxed);
        }
        granted
    }

    /// How often there was nothing left to take.
    #[must_use]
    pub fn refused(&self) -> u64 {
        self.refused.load(Ordering::Relaxed)
    }

    /// Seconds since counting began, from 1, so that 0 marks a slot never used.
    fn second(&self, now: Instant) -> u32 {
        let start = *self.start.get_or_init(|| now);
        (now.saturating_duration_since(start).as_secs() as u32).saturating_add(1)
    }
}

impl std::fmt::Debug for RetryBudget {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RetryBudget")
            .field("size", &self.size)
            .field("refused", &self.refused())
            .finish_non_exhaustive()
    }
}

/// Counts of the last seconds. A slot holds the second it is for in its upper half and the count in
/// its lower, so that both change together.
#[repr(align(128))]
#[derive(Default)]
struct Window([AtomicU64; SLOTS]);

impl Window {
    fn add(&self, second: u32) {
        let slot = &self.0[second as usize % SLOTS];
        // Nothing is counted for a thread whose clock lags so far that its slot is in use again.
        let _ = slot.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |old| {
            match second_of(old).cmp(&second) {
                std::cmp::Ordering::Greater => None,
                std::cmp::Ordering::Equal if count_of(old) == u32::MAX => None,
                std::cmp::Ordering::Equal => Some(old + 1),
                std::cmp::Ordering::Less => Some(u64::from(second) << 32 | 1),
            }
        });
    }

    fn sum(&self, second: u32) -> u64 {
        let slots = self.0.iter().map(|slot| slot.load(Ordering::Relaxed));
        let recent = slots.filter(|slot| second_of(*slot) > 0 && second.abs_diff(second_of(*slot)) < WINDOW);
        recent.map(|slot| u64::from(count_of(slot))).sum()
    }
}

fn second_of(slot: u64) -> u32 {
    (slot >> 32) as u32
}

fn count_of(slot: u64) -> u32 {
    slot as u32
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn granted(budget: &RetryBudget, now: Instant) -> u64 {
        (0..100_000).take_while(|_| budget.withdraw(now)).count() as u64
    }

    #[test]
    fn a_fifth_of_the_exchanges_beyond_the_reserve() {
        let (budget, now) = (RetryBudget::new(Budget::default()), Instant::now());
        for i in 0..1000 {
            budget.exchange(i, now);
        }
        assert_eq!(granted(&budget, now), 200 + 100);
        assert_eq!(budget.refused(), 1);
    }

    #[test]
    fn what_is_older_than_ten_seconds_is_forgotten() {
        let (budget, start) = (RetryBudget::new(Budget { percent: 50, per_second: 0 }), Instant::now());
        let at = |seconds| start + Duration::from_secs(seconds);
        for _ in 0..10 {
            budget.exchange(0, at(0));
        }
        assert_eq!(granted(&budget, at(9)), 5);
        budget.exchange(0, at(10));
        budget.exchange(0, at(10));
        // One is earned by the two new exchanges; the five taken at 9 s still stand against it.
        assert_eq!(granted(&budget, at(10)), 0);
        budget.exchange(0, at(19));
        budget.exchange(0, at(19));
        assert_eq!(granted(&budget, at(19)), 2);
    }

    #[test]
    fn idle_upstreams_have_the_reserve_and_no_more() {
        let (budget, start) = (RetryBudget::new(Budget { percent: 20, per_second: 1 }), Instant::now());
        assert_eq!(granted(&budget, start), 10);
        assert_eq!(granted(&budget, start + Duration::from_secs(5)), 0);
        assert_eq!(granted(&budget, start + Duration::from_secs(60)), 10);
    }

    #[test]
    fn time_that_goes_backwards_or_far_ahead_is_harmless() {
        let (budget, start) = (RetryBudget::new(Budget::default()), Instant::now());
        budget.exchange(0, start + Duration::from_secs(3600));
        budget.exchange(0, start);
        assert!(budget.withdraw(start));
        assert!(budget.withdraw(start + Duration::from_secs(100 * 365 * 86_400)));
    }

    #[test]
    fn an_unlimited_share_does_not_overflow() {
        let (budget, now) =
            (RetryBudget::new(Budget { percent: u32::MAX, per_second: u32::MAX }), Instant::now());
        budget.exchange(usize::MAX, now);
        assert!(budget.withdraw(now));
    }
}
