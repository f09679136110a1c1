//! What a responder is asked.

use der::Encode;
use der::asn1::{Null, ObjectIdentifier, OctetString};
use openssl::hash::{MessageDigest, hash};
use openssl::x509::X509Ref;
use x509_cert::serial_number::SerialNumber;
use x509_cert::spki::AlgorithmIdentifierOwned;
use x509_ocsp::{CertId, OcspRequest, TbsRequest};

use crate::Certificate;
use crate::certificate::Fields;

const SHA1: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.14.3.2.26");
const SHA256: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.2.1");
const SHA384: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.2.2");
const SHA512: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.2.3");

/// A question for a responder: post `body` as [`CONTENT_TYPE`](Self::CONTENT_TYPE) to `url`.
///
/// It is of the plain form that responders keep answers ready for (RFC 5019 2.1): one certificate, named by
/// SHA-1 hashes, without a nonce.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// Where to: an address over plain HTTP, as the certificate names it. The answer is signed.
    pub url: String,
    /// An OCSPRequest (RFC 6960 4.1.1) in DER.
    pub body: Vec<u8>,
}

impl Request {
    /// The type of `body`.
    pub const CONTENT_TYPE: &'static str = "application/ocsp-request";

    /// What to ask about a certificate. `None` if it names no responder, or if its chain has no issuer.
    #[must_use]
    pub fn for_certificate(certificate: &Certificate) -> Option<Self> {
        let url = certificate.ocsp_url()?;
        let (leaf, issuer) = with_issuer(certificate)?;
        let id = Id::of(leaf, issuer, MessageDigest::sha1())?;
        let request = x509_ocsp::Request {
            req_cert: CertId {
                hash_algorithm: AlgorithmIdentifierOwned { oid: SHA1, parameters: Some(Null.into()) },
                issuer_name_hash: OctetString::new(id.name).ok()?,
                issuer_key_hash: OctetString::new(id.key).ok()?,
                serial_number: SerialNumber::new(&id.serial).ok()?,
            },
            single_request_extensions: None,
        };
        let tbs_request = TbsRequest { request_list: vec![request], ..TbsRequest::default() };
        let body = OcspRequest { tbs_request, optional_signature: None }.to_der().ok()?;
        Some(Self { url, body })
    }
}

/// A certificate and the one that signed it.
pub(crate) fn with_issuer(certificate: &Certificate) -> Option<(&X509Ref, &X509Ref)> {
    match certificate.chain() {
        [leaf, issuer, ..] => Some((leaf, issuer)),
        _ => None,
    }
}

/// What names a certificate among all (RFC 6960 4.1.1, CertID).
#[derive(Debug, PartialEq)]
struct Id {
    name: Vec<u8>,
    key: Vec<u8>,
    /// Without zeros before it.
    serial: Vec<u8>,
}

impl Id {
    fn of(leaf: &X509Ref, issuer: &X509Ref, by: MessageDigest) -> Option<Self> {
        let name = issuer.subject_name().to_der().ok()?;
        let key = Fields::of(issuer)?.key_bits;
        Some(Self {
            name: hash(by, &name).ok()?.to_vec(),
            key: hash(by, &key).ok()?.to_vec(),
            serial: leaf.serial_number().to_bn().ok()?.to_vec(),
        })
    }
}

/// Whether this is the name of `leaf`, by whichever hash.
pub(crate) fn names(id: &CertId, leaf: &X509Ref, issuer: &X509Ref) -> bool {
    let by = match id.hash_algorithm.oid {
        SHA1 => MessageDigest::sha1(),
        SHA256 => MessageDigest::sha256(),
        SHA384 => MessageDigest::sha384(),
        SHA512 => MessageDigest::sha512(),
        _ => return false,
    };
    let serial = id.serial_number.as_bytes();
    let zeros = serial.iter().take_while(|byte| **byte == 0).count();
    let named = Id {
        name: id.issuer_name_hash.as_bytes().to_vec(),
        key: id.issuer_key_hash.as_bytes().to_vec(),
        serial: serial[zeros..].to_vec(),
    };
    Id::of(leaf, issuer, by).is_some_and(|ours| ours == named)
}
