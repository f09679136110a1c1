//! Certificates for names that are met at run time.

use std::future::Future;
use std::pin::Pin;

use crate::Certificate;

/// A lookup under way. What it finds may have keys of different kinds; of several with the same kind the
/// first counts, and with none the default is shown.
pub type Resolution = Pin<Box<dyn Future<Output = Vec<Certificate>> + Send>>;

/// Finds certificates for names that no certificate was added for.
///
/// A handshake waits for it within its own time limit, and others go on meanwhile. Clients choose the names:
/// whoever asks elsewhere bounds how often, and what is kept.
pub trait Resolver: Send + Sync + 'static {
    /// Looks a name up; it is in lower case and without a dot at its end.
    fn resolve(&self, name: &str) -> Resolution;
}

impl<F> Resolver for F
where
    F: Fn(&str) -> Resolution + Send + Sync + 'static,
{
    fn resolve(&self, name: &str) -> Resolution {
        self(name)
    }
}
