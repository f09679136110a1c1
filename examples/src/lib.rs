//! Runnable examples, one per capability, each a page of its own beside this folder:
//! `cargo run --example NAME`.
//!
//! | name | shows |
//! |---|---|
//! | `simple_reverse_proxy` | the shortest proxy there is |
//! | `load_balancing_proxy` | three origins with weights |
