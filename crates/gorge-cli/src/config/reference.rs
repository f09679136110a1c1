//! The page of the user guide that lists every key.
