//! Whether an answer is one to show.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use der::asn1::{BitStringRef, ObjectIdentifier};
use der::{Decode, Reader, SliceReader};
use openssl::x509::X509Ref;
use x509_cert::ext::Extension;
use x509_cert::ext::pkix::CrlReason;
use x509_cert::spki::AlgorithmIdentifierRef;
use x509_ocsp::{
    CertStatus, OcspGeneralizedTime, OcspResponse, OcspResponseStatus, ResponseData, SingleResponse,
};

use super::signature::Signed;
use super::{Fault, request, signature};
use crate::Certificate;

/// The longest response that is taken, in bytes; a few hundred to some thousand are usual. Whoever fetches
/// one need not read on.
pub const MAX_RESPONSE: usize = 64 * 1024;

/// What clocks may differ by.
const CLOCKS: Duration = Duration::from_secs(5 * 60);
/// How long an answer counts that does not say when there will be a newer one.
const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// id-pkix-ocsp-basic (RFC 6960 4.2.1).
const BASIC: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.5.5.7.48.1.1");

/// An answer that says of one certificate that it is not revoked, and that can be shown with it. Cloning
/// shares it.
#[derive(Clone, PartialEq, Eq)]
pub struct Staple {
    der: Arc<[u8]>,
    certificate: [u8; 32],
    this_update: SystemTime,
    next_update: SystemTime,
}

impl Staple {
    /// The answer as it came, in DER.
    #[must_use]
    pub fn der(&self) -> &[u8] {
        &self.der
    }

    /// The SHA-256 of the certificate it is about.
    #[must_use]
    pub fn certificate(&self) -> [u8; 32] {
        self.certificate
    }

    /// From when on it counts.
    #[must_use]
    pub fn this_update(&self) -> SystemTime {
        self.this_update
    }

    /// When there will be a newer one: it must not be shown from then on. A day after `this_update` if the
    /// responder does not say.
    #[must_use]
    pub fn next_update(&self) -> SystemTime {
        self.next_update
    }
}

impl fmt::Debug for Staple {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Staple")
            .field("bytes", &self.der.len())
            .field("this_update", &self.this_update)
            .field("next_update", &self.next_update)
            .finish_non_exhaustive()
    }
}

/// Judges a response, in DER: that it is a successful one about this certificate, that it is signed by its
/// issuer or by one whom that appointed, that its time is now, and that the certificate is good.
///
/// # Errors
/// Which of these it is not. [`Fault::Revoked`] and [`Fault::Unknown`] are said by whom may say it.
pub fn check(certificate: &Certificate, response: &[u8], now: SystemTime) -> Result<Staple, Fault> {
    if response.len() > MAX_RESPONSE {
        return Err(Fault::TooLarge);
    }
    let (leaf, issuer) = request::with_issuer(certificate).ok_or(Fault::NoIssuer)?;
    let basic = basic(response)?;
    let (signed, data) = parts(&basic).map_err(broken)?;
    signature::judge(&signed, &data.responder_id, issuer, now)?;
    no_critical(data.response_extensions.as_deref())?;
    let single = about(&data.responses, leaf, issuer).ok_or(Fault::OtherCertificate)?;
    no_critical(single.single_extensions.as_deref())?;
    let this_update = time(&single.this_update);
    if this_update.duration_since(now).is_ok_and(|ahead| ahead > CLOCKS) {
        return Err(Fault::NotYet { from: this_update });
    }
    let next_update = single.next_update.as_ref().map_or(this_update + DAY, time);
    if next_update <= now {
        return Err(Fault::Outdated { since: next_update });
    }
    match &single.cert_status {
        CertStatus::Good(_) => {
            Ok(Staple { der: response.into(), certificate: certificate.sha256(), this_update, next_update })
        }
        CertStatus::Revoked(revoked) => Err(Fault::Revoked {
            at: time(&revoked.revocation_time),
            reason: revoked.revocation_reason.map(reason),
        }),
        CertStatus::Unknown(_) => Err(Fault::Unknown),
    }
}

/// What a successful response has in it.
fn basic(response: &[u8]) -> Result<Vec<u8>, Fault> {
    let response = OcspResponse::from_der(response).map_err(broken)?;
    let status = match response.response_status {
        OcspResponseStatus::Successful => None,
        OcspResponseStatus::MalformedRequest => Some("malformedRequest"),
        OcspResponseStatus::InternalError => Some("internalError"),
        OcspResponseStatus::TryLater => Some("tryLater"),
        OcspResponseStatus::SigRequired => Some("sigRequired"),
        OcspResponseStatus::Unauthorized => Some("unauthorized"),
    };
    if let Some(status) = status {
        return Err(Fault::Refused { status });
    }
    let bytes = response.response_bytes.filter(|bytes| bytes.response_type == BASIC);
    let bytes = bytes.ok_or(Fault::Broken { why: "it is of no form that is known".to_owned() })?;
    Ok(bytes.response.as_bytes().to_vec())
}

/// A BasicOCSPResponse (RFC 6960 4.2.1). What is signed is taken as it came, and certificates are not looked
/// into: only the one that signed has to be in order.
fn parts(basic: &[u8]) -> der::Result<(Signed<'_>, ResponseData)> {
    let mut reader = SliceReader::new(basic)?;
    let (data, algorithm, signature, certificates) = reader.sequence(|reader| {
        let data = reader.tlv_bytes()?;
        let algorithm = AlgorithmIdentifierRef::decode(reader)?;
        let signature = BitStringRef::decode(reader)?;
        let certificates = if reader.is_finished() { &[][..] } else { reader.tlv_bytes()? };
        Ok((data, algorithm.oid, signature, certificates))
    })?;
    let signed = Signed {
        data,
        algorithm,
        signature: signature.as_bytes().unwrap_or_default(),
        certificates: certificates_in(certificates)?,
    };
    let data = ResponseData::from_der(data)?;
    reader.finish((signed, data))
}

/// `[0] EXPLICIT SEQUENCE OF Certificate`, if it is there.
fn certificates_in(bytes: &[u8]) -> der::Result<Vec<&[u8]>> {
    let mut certificates = Vec::new();
    if bytes.is_empty() {
        return Ok(certificates);
    }
    let outer = der::asn1::AnyRef::from_der(bytes)?;
    let mut reader = SliceReader::new(outer.value())?;
    reader.sequence(|reader| {
        while !reader.is_finished() {
            certificates.push(reader.tlv_bytes()?);
        }
        Ok(())
    })?;
    reader.finish(certificates)
}

/// What is said about the certificate; the newest, should it be there more than once.
fn about<'a>(
    responses: &'a [SingleResponse],
    leaf: &X509Ref,
    issuer: &X509Ref,
) -> Option<&'a SingleResponse> {
    let about = responses.iter().filter(|single| request::names(&single.cert_id, leaf, issuer));
    about.max_by_key(|single| time(&single.this_update))
}

/// An extension that must be understood is one that is not: none is asked for (RFC 6960 4.4).
fn no_critical(extensions: Option<&[Extension]>) -> Result<(), Fault> {
    match extensions.unwrap_or_default().iter().find(|extension| extension.critical) {
        Some(critical) => {
            let why = format!("it has an extension that nobody here understands, {}", critical.extn_id);
            Err(Fault::Broken { why })
        }
        None => Ok(()),
    }
}

fn time(time: &OcspGeneralizedTime) -> SystemTime {
    UNIX_EPOCH + time.0.to_unix_duration()
}

/// RFC 5280 5.3.1.
fn reason(reason: CrlReason) -> &'static str {
    match reason {
        CrlReason::Unspecified => "unspecified",
        CrlReason::KeyCompromise => "keyCompromise",
        CrlReason::CaCompromise => "cACompromise",
        CrlReason::AffiliationChanged => "affiliationChanged",
        CrlReason::Superseded => "superseded",
        CrlReason::CessationOfOperation => "cessationOfOperation",
        CrlReason::CertificateHold => "certificateHold",
        CrlReason::RemoveFromCRL => "removeFromCRL",
        CrlReason::PrivilegeWithdrawn => "privilegeWithdrawn",
        CrlReason::AaCompromise => "aACompromise",
    }
}

fn broken(error: der::Error) -> Fault {
    Fault::Broken { why: error.to_string() }
}
