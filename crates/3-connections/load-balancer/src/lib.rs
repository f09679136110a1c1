//! Selection of peers without locks.
