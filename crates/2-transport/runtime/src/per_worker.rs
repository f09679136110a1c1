//! One value per worker, each in cache lines of its own.

use crate::worker::worker_id;

/// A value for each worker. A worker reads and changes its own without another core's cache noticing;
/// whoever wants the whole picture goes over all of them.
///
/// The values are shared (`&T`), so a `T` that changes is made of atomics or of a lock that nobody
/// else takes.
#[derive(Debug)]
pub struct PerWorker<T>(Box<[Padded<T>]>);

/// Two lines of 64 bytes, for adjacent lines are fetched in pairs.
#[derive(Debug)]
#[repr(align(128))]
struct Padded<T>(T);

impl<T> PerWorker<T> {
    /// Makes a value for each of `workers` workers, and at least one.
    pub fn new(workers: usize, make: impl FnMut(usize) -> T) -> Self {
        PerWorker((0..workers.max(1)).map(make).map(Padded).collect())
    }

    /// The value of `worker`. Numbers beyond the last begin again at the first.
    #[inline]
    pub fn get(&self, worker: usize) -> &T {
        let index = if worker < self.0.len() { worker } else { worker % self.0.len() };
        &self.0[index].0
    }

    /// The value of the worker this is called on; outside of workers, the first.
    #[inline]
    pub fn local(&self) -> &T {
        self.get(worker_id())
    }

    /// All values, in the order of the workers.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &T> {
        self.0.iter().map(|padded| &padded.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_share_no_cache_line() {
        let counts = PerWorker::new(2, |worker| worker as u8);
        let at = |worker| std::ptr::from_ref(counts.get(worker)).addr();
        assert!(at(1) - at(0) >= 128);
    }

    #[test]
    fn any_number_finds_a_value() {
        let values = PerWorker::new(0, |worker| worker);
        assert_eq!((*values.get(7), values.iter().len()), (0, 1));
        let values = PerWorker::new(3, |worker| worker);
        assert_eq!((*values.get(2), *values.get(4)), (2, 1));
        assert_eq!(*values.local(), 0);
    }
}
