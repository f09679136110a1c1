//! The keys of certificates.

use rcgen::KeyPair;

/// ring makes no RSA keys, and making one takes long; so two are kept, of which no secret depends.
const RSA: [&str; 2] = [include_str!("keys/rsa-1.pem"), include_str!("keys/rsa-2.pem")];

/// What kind of key a certificate is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum KeyKind {
    /// ECDSA over P-256, a new one each time.
    Ecdsa,
    /// RSA of 2048 bits, always the same one.
    Rsa,
}

impl KeyKind {
    /// The key of a certificate.
    pub(crate) fn key(self) -> KeyPair {
        match self {
            Self::Ecdsa => ecdsa(),
            Self::Rsa => rsa(0),
        }
    }

    /// Another key of the same kind than [`KeyKind::key`] gives.
    pub(crate) fn another(self) -> KeyPair {
        match self {
            Self::Ecdsa => ecdsa(),
            Self::Rsa => rsa(1),
        }
    }
}

fn ecdsa() -> KeyPair {
    KeyPair::generate().expect("the system gives random bytes")
}

fn rsa(number: usize) -> KeyPair {
    KeyPair::from_pem(RSA[number]).expect("the file holds a PKCS #8 key")
}
