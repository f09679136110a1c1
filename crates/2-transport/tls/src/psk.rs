//! Keys that both sides were given beforehand.

use std::fmt;
use std::sync::Arc;

use gorge_error::Result;
use openssl::ssl::SslContextBuilder;

use crate::options::wrong;

/// Most bytes of an identity and of a key that both libraries take.
const MAX_IDENTITY: usize = 128;
const MAX_KEY: usize = 256;

/// Cipher suites for TLS 1.2 with a pre-shared key that keep earlier sessions secret when the key gets out.
pub(crate) const CIPHERS: &str = "ECDHE-PSK-CHACHA20-POLY1305:ECDHE-PSK-AES128-CBC-SHA";

/// A key that both sides were given beforehand, in place of certificates (RFC 4279, RFC 8446 2.2). Cloning
/// shares it.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Psk(Arc<Inner>);

#[derive(PartialEq, Eq, Hash)]
struct Inner {
    identity: Box<str>,
    key: Box<[u8]>,
}

impl Psk {
    /// A key, and the identity by which the other side finds it.
    ///
    /// # Errors
    /// [`Kind::Configuration`](gorge_error::Kind::Configuration): the identity has not 1 to 128 bytes or a
    /// NUL among them, or the key not 16 to 256.
    pub fn new(identity: &str, key: &[u8]) -> Result<Self> {
        if !(1..=MAX_IDENTITY).contains(&identity.len()) || identity.contains('\0') {
            return Err(wrong("the identity of a pre-shared key has 1 to 128 bytes, none of them NUL"));
        }
        if !(16..=MAX_KEY).contains(&key.len()) {
            return Err(wrong(format!("a pre-shared key has 16 to 256 bytes, not {}", key.len())));
        }
        Ok(Self(Arc::new(Inner { identity: identity.into(), key: key.into() })))
    }

    /// By what the other side finds the key.
    #[must_use]
    pub fn identity(&self) -> &str {
        &self.0.identity
    }

    pub(crate) fn key(&self) -> &[u8] {
        &self.0.key
    }

    /// Lets the client's connections of a context show it.
    pub(crate) fn install_client(&self, context: &mut SslContextBuilder) -> Result<()> {
        // A key goes with one hash, by default this (RFC 8446 4.2.11); with suites of others it is passed over.
        #[cfg(not(boringssl))]
        context
            .set_ciphersuites("TLS_AES_128_GCM_SHA256:TLS_CHACHA20_POLY1305_SHA256")
            .map_err(crate::options::library)?;
        let psk = self.clone();
        context.set_psk_client_callback(move |_, _, identity, key| {
            let named =
                put(identity, psk.identity().as_bytes()).and_then(|at| put(&mut identity[at..], &[0]));
            // 0 tells the library that there is no key; it then fails by itself.
            Ok(named.and_then(|_| put(key, psk.key())).unwrap_or(0))
        });
        Ok(())
    }
}

/// Copies to the front, if there is room, and says how much.
fn put(into: &mut [u8], bytes: &[u8]) -> Option<usize> {
    into.get_mut(..bytes.len())?.copy_from_slice(bytes);
    Some(bytes.len())
}

impl fmt::Debug for Psk {
    /// Without the key.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Psk").field("identity", &self.identity()).finish_non_exhaustive()
    }
}
