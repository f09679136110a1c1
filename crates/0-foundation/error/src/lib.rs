//! One error type for a proxy: kind, whose fault, and whether a retry is safe.
