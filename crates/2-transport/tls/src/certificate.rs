//! Certificates with their chains and keys, as data.

use std::fmt;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use gorge_error::{Error, Kind, Result};
use openssl::asn1::{Asn1Time, Asn1TimeRef};
use openssl::hash::MessageDigest;
use openssl::pkey::{Id, PKey, Private};
use openssl::x509::{X509, X509Ref};

/// A certificate with the chain above it and its private key. Cloning shares it.
#[derive(Clone)]
pub struct Certificate(Arc<Inner>);

struct Inner {
    /// The leaf first.
    chain: Vec<X509>,
    key: PKey<Private>,
    kind: KeyKind,
    names: Vec<String>,
    not_before: SystemTime,
    not_after: SystemTime,
    sha256: [u8; 32],
    ocsp: Option<Vec<u8>>,
}

/// What a key signs with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum KeyKind {
    /// RSA.
    Rsa,
    /// ECDSA over a curve of NIST.
    Ecdsa,
    /// Ed25519 or Ed448 (RFC 8032).
    Eddsa,
}

impl Certificate {
    /// From PEM: the certificate, behind it those above it up to the root or just below, and the key.
    ///
    /// # Errors
    /// [`Kind::CertificateInvalid`]: one of them is none, or the key is that of another certificate.
    pub fn from_pem(chain: &[u8], key: &[u8]) -> Result<Self> {
        let chain =
            X509::stack_from_pem(chain).map_err(|error| invalid("the certificate is no PEM", error))?;
        let key = PKey::private_key_from_pem_callback(key, |_| Ok(0))
            .map_err(|error| invalid("the private key is no PEM, or is encrypted", error))?;
        Self::new(chain, key)
    }

    /// From files in PEM.
    ///
    /// # Errors
    /// [`Kind::File`]: one cannot be read; else as for [`from_pem`](Self::from_pem).
    pub fn read(chain: &Path, key: &Path) -> Result<Self> {
        let read = |path: &Path| {
            std::fs::read(path)
                .map_err(|error| Error::because(Kind::File, format!("read {}", path.display()), error))
        };
        Self::from_pem(&read(chain)?, &read(key)?)
    }

    fn new(chain: Vec<X509>, key: PKey<Private>) -> Result<Self> {
        let Some(leaf) = chain.first() else {
            return Err(Error::explain(Kind::CertificateInvalid, "there is no certificate in it"));
        };
        let public = leaf.public_key().map_err(|error| invalid("the certificate's public key", error))?;
        if !public.public_eq(&key) {
            let context = "the private key does not belong to the certificate";
            return Err(Error::explain(Kind::CertificateInvalid, context));
        }
        let kind = match key.id() {
            Id::RSA | Id::RSA_PSS => KeyKind::Rsa,
            Id::EC => KeyKind::Ecdsa,
            _ => KeyKind::Eddsa,
        };
        let digest =
            leaf.digest(MessageDigest::sha256()).map_err(|error| invalid("the certificate", error))?;
        let mut sha256 = [0; 32];
        sha256.copy_from_slice(&digest);
        let (not_before, not_after) = (time(leaf.not_before())?, time(leaf.not_after())?);
        let names = names(leaf);
        Ok(Self(Arc::new(Inner { kind, names, not_before, not_after, sha256, key, chain, ocsp: None })))
    }

    /// The names it is for, in lower case: of hosts, with `*.` before the rest where it is for all below,
    /// and IP addresses.
    #[must_use]
    pub fn names(&self) -> &[String] {
        &self.0.names
    }

    /// From when on it is valid.
    #[must_use]
    pub fn not_before(&self) -> SystemTime {
        self.0.not_before
    }

    /// Until when it is valid.
    #[must_use]
    pub fn not_after(&self) -> SystemTime {
        self.0.not_after
    }

    /// What its key signs with.
    #[must_use]
    pub fn key_kind(&self) -> KeyKind {
        self.0.kind
    }

    /// The SHA-256 of it in DER.
    #[must_use]
    pub fn sha256(&self) -> [u8; 32] {
        self.0.sha256
    }

    pub(crate) fn chain(&self) -> &[X509] {
        &self.0.chain
    }

    pub(crate) fn key(&self) -> &PKey<Private> {
        &self.0.key
    }

    pub(crate) fn ocsp(&self) -> Option<&[u8]> {
        self.0.ocsp.as_deref()
    }
}

impl fmt::Debug for Certificate {
    /// Without the key.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Certificate")
            .field("names", &self.names())
            .field("key", &self.key_kind())
            .field("not_after", &self.not_after())
            .finish_non_exhaustive()
    }
}

fn invalid(context: &'static str, error: openssl::error::ErrorStack) -> Error {
    Error::because(Kind::CertificateInvalid, context, error)
}

pub(crate) fn names(leaf: &X509Ref) -> Vec<String> {
    let Some(names) = leaf.subject_alt_names() else { return Vec::new() };
    let ip = |bytes: &[u8]| match bytes.len() {
        4 => <[u8; 4]>::try_from(bytes).ok().map(|ip| std::net::IpAddr::from(ip).to_string()),
        _ => <[u8; 16]>::try_from(bytes).ok().map(|ip| std::net::IpAddr::from(ip).to_string()),
    };
    let name = |name: &openssl::x509::GeneralNameRef| match name.dnsname() {
        Some(name) => Some(name.to_ascii_lowercase()),
        None => name.ipaddress().and_then(ip),
    };
    names.iter().filter_map(name).collect()
}

fn time(time: &Asn1TimeRef) -> Result<SystemTime> {
    let epoch = Asn1Time::from_unix(0).map_err(|error| invalid("the epoch", error))?;
    let since = epoch.diff(time).map_err(|error| invalid("a date of the certificate", error))?;
    let seconds = i64::from(since.days) * 86_400 + i64::from(since.secs);
    let distance = Duration::from_secs(seconds.unsigned_abs());
    let at = if seconds >= 0 {
        SystemTime::UNIX_EPOCH.checked_add(distance)
    } else {
        SystemTime::UNIX_EPOCH.checked_sub(distance)
    };
    Ok(at.unwrap_or(SystemTime::UNIX_EPOCH))
}
