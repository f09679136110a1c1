//! Keys: what kind they are, in types and in words.

use openssl::nid::Nid;
use openssl::pkey::{HasPublic, Id, PKeyRef};

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

/// The kind of a key, or for one that TLS has no use for, what it is.
pub(crate) fn kind<T: HasPublic>(key: &PKeyRef<T>) -> Result<KeyKind, String> {
    match key.id() {
        Id::RSA | Id::RSA_PSS => Ok(KeyKind::Rsa),
        Id::EC if nist(curve(key)) => Ok(KeyKind::Ecdsa),
        Id::ED25519 => Ok(KeyKind::Eddsa),
        #[cfg(not(boringssl))]
        Id::ED448 => Ok(KeyKind::Eddsa),
        _ => Err(words(key)),
    }
}

/// The curves that TLS 1.3 has signatures for (RFC 8446 4.2.3).
fn nist(curve: Option<Nid>) -> bool {
    matches!(curve, Some(Nid::X9_62_PRIME256V1 | Nid::SECP384R1 | Nid::SECP521R1))
}

fn curve<T: HasPublic>(key: &PKeyRef<T>) -> Option<Nid> {
    key.ec_key().ok()?.group().curve_name()
}

/// A key as people call it: `RSA of 2048 bits`, `ECDSA over P-256`.
pub(crate) fn words<T: HasPublic>(key: &PKeyRef<T>) -> String {
    match key.id() {
        Id::RSA => format!("RSA of {} bits", key.bits()),
        Id::RSA_PSS => format!("RSA-PSS of {} bits", key.bits()),
        Id::EC => match curve(key) {
            Some(Nid::X9_62_PRIME256V1) => "ECDSA over P-256".to_owned(),
            Some(Nid::SECP384R1) => "ECDSA over P-384".to_owned(),
            Some(Nid::SECP521R1) => "ECDSA over P-521".to_owned(),
            Some(other) => format!("ECDSA over {}", other.short_name().unwrap_or("another curve")),
            None => "ECDSA over a curve of its own".to_owned(),
        },
        Id::ED25519 => "Ed25519".to_owned(),
        #[cfg(not(boringssl))]
        Id::ED448 => "Ed448".to_owned(),
        Id::DSA => "DSA".to_owned(),
        _ => "of a kind that does not sign".to_owned(),
    }
}
