//! What two connections must have in common to stand in for each other.

use std::fmt;
use std::hash::{Hash, Hasher};

use openssl::sha::Sha256;

use crate::client::options::{ClientOptions, Sni};
use crate::{Roots, Version};

/// All of the options that decide who may be at the other end, how that is verified, and how we appear there:
/// connections of equal ones can stand in for each other. To compare and to hash it is a matter of a few bytes.
#[derive(Clone)]
pub struct Identity {
    name: Box<str>,
    /// SHA-256 of all the parts.
    digest: [u8; 32],
}

impl Identity {
    /// Of the endpoint of this name.
    pub(crate) fn new(name: &str, options: &ClientOptions) -> Self {
        let mut parts = Parts(Sha256::new());
        // Every option but the key log, which changes nothing for either end.
        let ClientOptions { verify, verify_host, roots, alternative_name, sni, certificate, psk, .. } =
            options;
        let ClientOptions { alpn, min_version, max_version, ciphers, groups, key_log: _, .. } = options;
        parts.add(name.as_bytes());
        parts.add(&[u8::from(*verify), u8::from(*verify_host)]);
        match roots {
            Roots::System => parts.add(b"system"),
            Roots::Pem(pem) => parts.add(&[b"pem:", &**pem].concat()),
        }
        parts.add_optional(alternative_name.as_deref().map(str::as_bytes));
        match sni {
            Sni::Same => parts.add(b"same"),
            Sni::Name(name) => parts.add(&[b"name:", name.as_bytes()].concat()),
            Sni::Off => parts.add(b"off"),
        }
        parts.add_optional(
            certificate.as_ref().map(|certificate| certificate.sha256()).as_ref().map(|sha| &sha[..]),
        );
        parts.add_optional(psk.as_ref().map(|psk| psk.identity().as_bytes()));
        parts.add_optional(psk.as_ref().map(|psk| psk.key()));
        parts.add_list(alpn);
        parts.add(&[number(*min_version), number(*max_version)]);
        parts.add_optional(ciphers.as_deref().map(str::as_bytes));
        parts.add(&[u8::from(groups.is_some())]);
        parts.add_list(groups.as_deref().unwrap_or_default());
        Self { name: name.into(), digest: parts.0.finish() }
    }

    /// The name, or IP address, that is asked for.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }
}

fn number(version: Version) -> u8 {
    match version {
        Version::Tls12 => 12,
        Version::Tls13 => 13,
    }
}

/// Each with its length, so that no two rows of parts read the same.
struct Parts(Sha256);

impl Parts {
    fn add(&mut self, part: &[u8]) {
        self.0.update(&(part.len() as u64).to_be_bytes());
        self.0.update(part);
    }

    fn add_optional(&mut self, part: Option<&[u8]>) {
        self.add(&[u8::from(part.is_some())]);
        self.add(part.unwrap_or_default());
    }

    fn add_list(&mut self, parts: &[String]) {
        self.add(&(parts.len() as u64).to_be_bytes());
        parts.iter().for_each(|part| self.add(part.as_bytes()));
    }
}

impl PartialEq for Identity {
    fn eq(&self, other: &Self) -> bool {
        self.digest == other.digest
    }
}

impl Eq for Identity {}

impl Hash for Identity {
    fn hash<H: Hasher>(&self, state: &mut H) {
        // As good as random already.
        state.write(&self.digest[..8]);
    }
}

impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Identity").field("name", &self.name).finish_non_exhaustive()
    }
}
