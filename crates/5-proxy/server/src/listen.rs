//! An address, and how its connections are served.

use std::fmt;
use std::sync::Arc;

use gorge_protocols::{Address, Handler, ListenOptions};

/// One listening address of a service. Make one with [`Listen::new`] and change what is to differ.
#[derive(Clone)]
#[non_exhaustive]
pub struct Listen {
    /// Where.
    pub address: Address,
    /// How to bind, and what accepted connections inherit.
    pub options: ListenOptions,
    /// Who serves the connections.
    pub handler: Arc<dyn Handler>,
}

impl Listen {
    /// Listens on `address` with all defaults.
    pub fn new(address: Address, handler: impl Handler) -> Self {
        Listen::shared(address, Arc::new(handler))
    }

    pub(crate) fn shared(address: Address, handler: Arc<dyn Handler>) -> Self {
        Listen { address, options: ListenOptions::default(), handler }
    }
}

impl fmt::Debug for Listen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Listen")
            .field("address", &self.address)
            .field("options", &self.options)
            .finish_non_exhaustive()
    }
}
