//! An HTTP proxy framework: every gorge crate under one name.
