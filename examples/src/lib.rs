//! Runnable examples, one per capability.
