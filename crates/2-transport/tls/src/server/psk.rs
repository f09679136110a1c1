//! Keys that clients were given beforehand.

use std::sync::Arc;

use openssl::ssl::SslContextBuilder;

use crate::Psk;

/// Knows the keys of clients that show no certificate and ask for none (RFC 4279).
pub trait PskFinder: Send + Sync + 'static {
    /// The key of this identity; it comes from the network. `None`: it has none.
    fn find(&self, identity: &[u8]) -> Option<Psk>;
}

/// One key, for whoever has it.
impl PskFinder for Psk {
    fn find(&self, identity: &[u8]) -> Option<Psk> {
        (self.identity().as_bytes() == identity).then(|| self.clone())
    }
}

/// Lets the connections of a context ask `finder`.
pub(super) fn install(finder: Arc<dyn PskFinder>, context: &mut SslContextBuilder) {
    context.set_psk_server_callback(move |_, identity, room| {
        let found = identity.and_then(|identity| finder.find(identity));
        let Some(room) = found.as_ref().and_then(|psk| room.get_mut(..psk.key().len())) else {
            // No key: the library refuses the client, or goes on with a certificate.
            return Ok(0);
        };
        // There is one: `room` was made from it.
        let key = found.as_ref().map_or(&[][..], Psk::key);
        room.copy_from_slice(key);
        Ok(key.len())
    });
}
