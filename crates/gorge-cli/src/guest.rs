//! What is added to a configuration by a program that serves it for its own ends, as `gorge demo` does.

use gorge::protocols::Address;

use crate::build::TheRoute;

/// Somebody in the process that serves. All it sees and does goes through the interface that every
/// user of the library has.
pub(crate) trait Guest: Send + Sync {
    /// Adds to a route, before the filters that the file gives it.
    fn extend(&self, route: TheRoute) -> TheRoute;

    /// Connections are accepted at these addresses.
    fn greet(&self, addresses: &[Address]);

    /// The end has begun.
    fn stopping(&self);
}
