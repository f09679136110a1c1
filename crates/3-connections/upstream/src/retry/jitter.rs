//! Random numbers to spread pauses with; nothing secret hangs on them.

use std::cell::Cell;
use std::hash::{BuildHasher, RandomState};

/// A number from this thread's own sequence (xorshift64).
pub(super) fn random() -> u64 {
    thread_local! {
        // Odd, hence never the 0 at which the sequence would stand still.
        static STATE: Cell<u64> = Cell::new(RandomState::new().hash_one(0) | 1);
    }
    STATE.with(|state| {
        let mut x = state.get();
        x ^= x << 13;
        x ^= x >> 7;
        x ^= x << 17;
        state.set(x);
        x
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_spread_over_the_whole_range() {
        let mean = (0..1000).map(|_| random() as f64 / u64::MAX as f64).sum::<f64>() / 1000.0;
        assert!((0.4..0.6).contains(&mean), "{mean}");
    }
}
