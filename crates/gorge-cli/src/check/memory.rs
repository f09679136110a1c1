//! How much memory a connection can take at worst.

use std::fmt::Write;

use gorge::allocators::buffers;
use gorge::http_parser::Limits;

use crate::config::{Config, ListenTable};

/// Of a request body what is kept for another attempt (SPEC: the replay buffer).
const REPLAY: u64 = 64 * 1024;

/// What an exchange holds beside buffers and heads: its state, fields and ranges, the sockets'
/// bookkeeping in the reactor.
const STATE: u64 = 16 * 1024;

/// Says it for each listener, and for all connections together.
pub(crate) fn of(config: &Config) -> String {
    let mut text = String::new();
    let mut worst = 0;
    for listen in &config.listen {
        let bytes = one(listen);
        worst = worst.max(bytes);
        // Writing to a String cannot fail.
        let _ = writeln!(
            text,
            "listen {}: a connection takes at worst {} while an exchange runs (heads, buffers both ways, what is \
             kept for another attempt), and some 2 KiB while it waits",
            listen.address.value.0,
            size(bytes)
        );
    }
    let connections = config.server.max_connections as u64;
    let _ = write!(
        text,
        "all {connections} connections at their worst: {}",
        size(worst.saturating_mul(connections))
    );
    text
}

fn one(listen: &ListenTable) -> u64 {
    let buffer = buffers::LARGE as u64;
    // The head of the request and the base that attempts begin from; the head of the response.
    let heads = 2 * listen.limits.head_size.0 + Limits::new().head as u64;
    // One buffer to read into and one to write from, each way.
    heads + 4 * buffer + REPLAY + STATE
}

fn size(bytes: u64) -> String {
    match bytes {
        0..1024 => format!("{bytes} B"),
        1024..1_048_576 => format!("{} KiB", bytes.div_ceil(1024)),
        1_048_576..1_073_741_824 => format!("{} MiB", bytes.div_ceil(1024 * 1024)),
        _ => format!("{:.1} GiB", bytes as f64 / 1_073_741_824.0),
    }
}
