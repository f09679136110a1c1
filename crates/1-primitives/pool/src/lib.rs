//! Idle things grouped by key, own worker first, sans-IO.
