//! Whether certificates make a chain.

use openssl::hash::MessageDigest;
use openssl::nid::Nid;
use openssl::x509::{X509, X509Ref};

use super::fault::CertificateFault;
use super::subject;

/// More than any chain has: five are rare.
pub(crate) const LIMIT: usize = 16;

/// Each must be signed by the next, and none be there twice.
pub(crate) fn judge(chain: &[X509]) -> Result<(), CertificateFault> {
    if chain.len() > LIMIT {
        return Err(CertificateFault::TooMany { found: chain.len(), limit: LIMIT });
    }
    for (at, one) in chain.iter().enumerate() {
        let same = |other: &X509| other.to_der().ok() == one.to_der().ok();
        if let Some(first) = chain[..at].iter().position(same) {
            return Err(CertificateFault::Twice { first: first + 1, second: at + 1 });
        }
    }
    for (at, pair) in chain.windows(2).enumerate() {
        let [below, above] = pair else { continue };
        if signed(above, below) {
            continue;
        }
        let signer = chain.iter().position(|one| signed(one, below) && !std::ptr::eq(one, below));
        return Err(CertificateFault::OutOfOrder {
            number: at + 2,
            subject: subject(above.subject_name()),
            wanted: subject(below.issuer_name()),
            signer: signer.map(|signer| signer + 1),
        });
    }
    Ok(())
}

/// Whether `above` signed `below`. Of a hash that a library no longer verifies, the name decides.
pub(crate) fn signed(above: &X509Ref, below: &X509Ref) -> bool {
    is_named(above, below) && (weak_hash(below).is_some() || verifies(above, below))
}

/// Whether `above` signed `below`, and with a hash that is good.
pub(crate) fn issued(above: &X509Ref, below: &X509Ref) -> bool {
    is_named(above, below) && weak_hash(below).is_none() && verifies(above, below)
}

fn is_named(above: &X509Ref, below: &X509Ref) -> bool {
    above.subject_name().to_der().ok() == below.issuer_name().to_der().ok()
}

fn verifies(above: &X509Ref, below: &X509Ref) -> bool {
    above.public_key().and_then(|key| below.verify(&key)).unwrap_or_else(|_| {
        // What it says stays in a queue of the thread, and is no news.
        drop(openssl::error::ErrorStack::get());
        false
    })
}

/// The hash that it is signed with, if that is one that is no longer good.
pub(crate) fn weak_hash(certificate: &X509Ref) -> Option<&'static str> {
    let hash = certificate.signature_algorithm().object().nid().signature_algorithms()?.digest;
    match hash {
        Nid::MD4 => Some("MD4"),
        Nid::MD5 => Some("MD5"),
        Nid::SHA1 => Some("SHA-1"),
        _ => None,
    }
}

/// Whether it signed itself, as roots do.
pub(crate) fn is_self_signed(certificate: &X509Ref) -> bool {
    signed(certificate, certificate)
}

/// The SHA-256 of it in DER.
pub(crate) fn sha256(certificate: &X509Ref) -> Result<[u8; 32], openssl::error::ErrorStack> {
    let digest = certificate.digest(MessageDigest::sha256())?;
    let mut sha256 = [0; 32];
    sha256.copy_from_slice(&digest);
    Ok(sha256)
}
