//! The locks and atomics of this crate: parking_lot's and std's, or loom's where threads are modelled.

#[cfg(not(loom))]
pub(crate) use parking_lot::{Mutex, MutexGuard};
#[cfg(not(loom))]
pub(crate) use std::sync::atomic::AtomicUsize;

#[cfg(loom)]
pub(crate) use loom::sync::{MutexGuard, atomic::AtomicUsize};
#[cfg(loom)]
pub(crate) use modelled::Mutex;

#[cfg(loom)]
mod modelled {
    //! Loom's mutex with the interface of parking_lot's.

    pub(crate) struct Mutex<T>(loom::sync::Mutex<T>);

    impl<T> Mutex<T> {
        pub(crate) fn new(value: T) -> Self {
            Self(loom::sync::Mutex::new(value))
        }

        pub(crate) fn lock(&self) -> super::MutexGuard<'_, T> {
            // A poisoned lock means that the model has failed already.
            self.0.lock().unwrap()
        }

        pub(crate) fn try_lock(&self) -> Option<super::MutexGuard<'_, T>> {
            self.0.try_lock().ok()
        }
    }
}
