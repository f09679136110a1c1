//! curl as a client.

use std::process::Command;

use crate::tool::{self, Ran};

/// Runs curl, quiet and without a user's configuration, with these arguments.
///
/// # Panics
/// When curl is missing, or runs longer than [`LIMIT`](crate::LIMIT).
pub fn curl(arguments: &[&str]) -> Ran {
    // --disable has to come first to keep .curlrc out.
    tool::run(
        Command::new("curl")
            .args(["--disable", "--silent", "--show-error", "--noproxy", "*"])
            .args(arguments),
    )
}
