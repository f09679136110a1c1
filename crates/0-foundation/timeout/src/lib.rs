//! A hierarchical timer wheel, and timeouts on it that cost nanoseconds.
