//! Whether a peer is given new exchanges, as its operator decided.

use std::sync::atomic::{AtomicU8, Ordering};

/// Whether a peer is given new exchanges. Set by an operator, never by what exchanges meet.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum State {
    /// It is. The default.
    #[default]
    Enabled,
    /// It is not; what runs may finish. A weight of 0 means the same.
    Draining,
    /// It is not, and nothing is to be kept for it: idle connections may be closed at once.
    Disabled,
}

/// A [`State`] that all workers see.
#[derive(Debug)]
pub(crate) struct SharedState(AtomicU8);

impl SharedState {
    pub(crate) const fn new(state: State) -> Self {
        Self(AtomicU8::new(state as u8))
    }

    pub(crate) fn get(&self) -> State {
        // Relaxed: the state guards no other data, and a worker may learn of it a little later.
        match self.0.load(Ordering::Relaxed) {
            0 => State::Enabled,
            1 => State::Draining,
            _ => State::Disabled,
        }
    }

    pub(crate) fn set(&self, state: State) {
        self.0.store(state as u8, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_state_survives_being_stored() {
        let shared = SharedState::new(State::Enabled);
        for state in [State::Draining, State::Disabled, State::Enabled] {
            shared.set(state);
            assert_eq!(shared.get(), state);
        }
    }
}
