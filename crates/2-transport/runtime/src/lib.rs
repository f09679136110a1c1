//! Workers: one current-thread runtime each, with state, time and drain.
