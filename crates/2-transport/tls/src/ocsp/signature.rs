//! Who signed an answer, and whether that one may.

use std::time::SystemTime;

use der::Encode;
use der::asn1::ObjectIdentifier;
use openssl::error::ErrorStack;
use openssl::hash::{MessageDigest, hash};
use openssl::pkey::{Id, PKey, Public};
use openssl::sign::Verifier;
use openssl::x509::{X509, X509Ref};
use x509_ocsp::ResponderId;

use super::Fault;
use crate::certificate::{self, Fields};

/// What an answer says about its own signature.
pub(crate) struct Signed<'a> {
    /// What is signed, as it came.
    pub(crate) data: &'a [u8],
    pub(crate) algorithm: ObjectIdentifier,
    pub(crate) signature: &'a [u8],
    /// Certificates that came along, in DER.
    pub(crate) certificates: Vec<&'a [u8]>,
}

/// Judges that whoever `responder` names signed, and that it is the issuer or was appointed by it.
pub(crate) fn judge(
    signed: &Signed<'_>,
    responder: &ResponderId,
    issuer: &X509Ref,
    now: SystemTime,
) -> Result<(), Fault> {
    if is_named(responder, issuer) {
        return signed.is_by(issuer);
    }
    let came = signed.certificates.iter().filter_map(|der| X509::from_der(der).ok());
    let named = came.into_iter().find(|one| is_named(responder, one)).ok_or(Fault::UnknownSigner)?;
    appointed(&named, issuer, now)?;
    signed.is_by(&named)
}

/// RFC 6960 4.2.1, ResponderID.
fn is_named(responder: &ResponderId, certificate: &X509Ref) -> bool {
    match responder {
        ResponderId::ByName(name) => match (name.to_der(), certificate.subject_name().to_der()) {
            (Ok(wanted), Ok(is)) => wanted == is,
            _ => false,
        },
        ResponderId::ByKey(wanted) => Fields::of(certificate)
            .and_then(|fields| hash(MessageDigest::sha1(), &fields.key_bits).ok())
            .is_some_and(|is| *is == *wanted.as_bytes()),
    }
}

/// RFC 6960 4.2.2.2.
fn appointed(responder: &X509Ref, issuer: &X509Ref, now: SystemTime) -> Result<(), Fault> {
    let missing = |why| Err(Fault::NotAppointed { why });
    if !certificate::issued(issuer, responder) {
        return missing("its certificate is not of the issuer");
    }
    if !Fields::of(responder).is_some_and(|fields| fields.names_use(certificate::OCSP_SIGNING)) {
        return missing("its certificate is not for signing OCSP responses");
    }
    let valid = certificate::from_asn1(responder.not_before()).is_ok_and(|from| from <= now)
        && certificate::from_asn1(responder.not_after()).is_ok_and(|to| now <= to);
    if valid { Ok(()) } else { missing("its certificate has expired, or is not valid yet") }
}

impl Signed<'_> {
    fn is_by(&self, signer: &X509Ref) -> Result<(), Fault> {
        let (wanted, digest) = algorithm(self.algorithm)?;
        let verified = signer.public_key().and_then(|key| self.verify(&key, wanted, digest));
        match verified {
            Ok(true) => Ok(()),
            Ok(false) => Err(Fault::BadSignature),
            Err(_) => {
                // What the library says stays in a queue of the thread, and is no news.
                drop(ErrorStack::get());
                Err(Fault::BadSignature)
            }
        }
    }

    fn verify(
        &self,
        key: &PKey<Public>,
        wanted: Id,
        digest: Option<MessageDigest>,
    ) -> Result<bool, ErrorStack> {
        if key.id() != wanted {
            return Ok(false);
        }
        let mut verifier = match digest {
            Some(digest) => Verifier::new(digest, key)?,
            None => Verifier::new_without_digest(key)?,
        };
        verifier.verify_oneshot(self.signature, self.data)
    }
}

/// The algorithms of signatures that clients take. SHA-1 is not among them any more.
fn algorithm(id: ObjectIdentifier) -> Result<(Id, Option<MessageDigest>), Fault> {
    let arcs = id.to_string();
    Ok(match &*arcs {
        "1.2.840.113549.1.1.11" => (Id::RSA, Some(MessageDigest::sha256())),
        "1.2.840.113549.1.1.12" => (Id::RSA, Some(MessageDigest::sha384())),
        "1.2.840.113549.1.1.13" => (Id::RSA, Some(MessageDigest::sha512())),
        "1.2.840.10045.4.3.2" => (Id::EC, Some(MessageDigest::sha256())),
        "1.2.840.10045.4.3.3" => (Id::EC, Some(MessageDigest::sha384())),
        "1.2.840.10045.4.3.4" => (Id::EC, Some(MessageDigest::sha512())),
        "1.3.101.112" => (Id::ED25519, None),
        "1.2.840.113549.1.1.5" => return unsupported("RSA with SHA-1"),
        "1.2.840.10045.4.1" => return unsupported("ECDSA with SHA-1"),
        _ => return unsupported(&arcs),
    })
}

fn unsupported<T>(algorithm: &str) -> Result<T, Fault> {
    Err(Fault::UnsupportedSignature { algorithm: algorithm.to_owned() })
}
