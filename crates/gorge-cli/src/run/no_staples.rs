//! In the place of `staples.rs`, for a program without a TLS library.

use std::sync::Arc;

use gorge::runtime::Handle;

use crate::build::{Shown, logs::Log};

/// Nobody to ask.
#[derive(Default)]
pub(crate) struct Staples;

impl Staples {
    pub(crate) fn start(_: &[Arc<Shown>], _: &Log, _: &Handle) -> Self {
        Self
    }
}
