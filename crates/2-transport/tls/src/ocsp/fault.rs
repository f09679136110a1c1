//! Why an answer of a responder is not shown.

use std::fmt;
use std::time::SystemTime;

use gorge_error::{Error, Kind};

use crate::certificate::date;

/// Why an answer of a responder is not to be shown to clients.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Fault {
    /// It is signed, but not with the key of whom it names.
    BadSignature,
    /// It is no OCSP response, or has parts that nobody here understands and that must be understood.
    Broken {
        /// What is wrong with it.
        why: String,
    },
    /// The certificate's chain has no issuer, whose key is needed to judge it.
    NoIssuer,
    /// It is signed by somebody whom the issuer of the certificate did not appoint (RFC 6960 4.2.2.2).
    NotAppointed {
        /// What is missing.
        why: &'static str,
    },
    /// It is from the future by more than five minutes.
    NotYet {
        /// From when on it counts.
        from: SystemTime,
    },
    /// It is about other certificates.
    OtherCertificate,
    /// There is a newer one by now.
    Outdated {
        /// Since when.
        since: SystemTime,
    },
    /// The responder has no answer (RFC 6960 4.2.1).
    Refused {
        /// Its word: `tryLater`.
        status: &'static str,
    },
    /// The certificate is revoked.
    Revoked {
        /// When.
        at: SystemTime,
        /// Why, if it is said (RFC 5280 5.3.1): `keyCompromise`.
        reason: Option<&'static str>,
    },
    /// It is longer than [`MAX_RESPONSE`](super::MAX_RESPONSE).
    TooLarge,
    /// The responder does not know the certificate.
    Unknown,
    /// It is signed by somebody whose certificate is not there.
    UnknownSigner,
    /// It is signed in a way that clients do not take, or that the library does not know.
    UnsupportedSignature {
        /// Which, as a number of ASN.1 or a word.
        algorithm: String,
    },
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::BadSignature => f.write_str("the OCSP response has a wrong signature"),
            Self::Broken { why } => write!(f, "the OCSP response is broken: {why}"),
            Self::NoIssuer => f.write_str(
                "the issuer of the certificate is not in its chain, and an OCSP response cannot be judged without: \
                 add the issuer's certificate behind it",
            ),
            Self::NotAppointed { why } => {
                write!(f, "the OCSP response is signed by one whom the issuer did not appoint: {why}")
            }
            Self::NotYet { from } => {
                write!(f, "the OCSP response counts from {} on, not yet: is the clock right?", date(*from))
            }
            Self::OtherCertificate => f.write_str("the OCSP response is about another certificate"),
            Self::Outdated { since } => {
                write!(f, "the OCSP response is out of date since {}: fetch a new one", date(*since))
            }
            Self::Refused { status } => write!(f, "the OCSP responder has no answer: {status}"),
            Self::Revoked { at, reason } => {
                write!(f, "the certificate was revoked on {}", date(*at))?;
                if let Some(reason) = reason {
                    write!(f, " ({reason})")?;
                }
                f.write_str(": clients refuse it; get another one")
            }
            Self::TooLarge => write!(f, "the OCSP response is longer than {} bytes", super::MAX_RESPONSE),
            Self::Unknown => f.write_str("the OCSP responder does not know the certificate"),
            Self::UnknownSigner => {
                f.write_str("the OCSP response is signed by one whose certificate is not there")
            }
            Self::UnsupportedSignature { algorithm } => {
                write!(f, "the OCSP response is signed in a way that clients do not take: {algorithm}")
            }
        }
    }
}

impl std::error::Error for Fault {}

impl From<Fault> for Error {
    /// Of [`Kind::CertificateInvalid`].
    fn from(fault: Fault) -> Self {
        Self::explain(Kind::CertificateInvalid, fault.to_string())
    }
}
