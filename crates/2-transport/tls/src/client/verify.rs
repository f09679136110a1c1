//! Whether the certificates of a server are good, and if not, why.

use std::ffi::c_int;
use std::sync::OnceLock;

use gorge_error::Kind;
use openssl::error::ErrorStack;
use openssl::nid::Nid;
use openssl::x509::{
    X509ExtendedKeyUsage, X509NameRef, X509Ref, X509StoreContext, X509StoreContextRef, X509VerifyResult,
};
use openssl_sys as sys;

use crate::client::endpoint::{Attempt, attempt};
use crate::client::name::Host;
use crate::ffi;

/// What is wrong with a certificate, for the people who have to mend it.
#[derive(Debug)]
pub(crate) struct Fault {
    pub(crate) kind: Kind,
    pub(crate) text: String,
}

/// Asked by the library about each certificate, from the root down: whether the handshake goes on.
pub(crate) fn judge(good: bool, context: &mut X509StoreContextRef) -> bool {
    let ssl = X509StoreContext::ssl_idx().ok().and_then(|index| context.ex_data(index));
    // Nobody to answer to: nothing is good.
    let Some(attempt) = ssl.and_then(|ssl| attempt(ssl)) else { return false };
    let Some((code, fault)) = Judge { context, attempt }.fault(good) else { return true };
    attempt.refuse(fault);
    if good {
        // SAFETY: any number is one that the library can hold; these are its own.
        context.set_error(unsafe { X509VerifyResult::from_raw(code) });
    }
    false
}

struct Judge<'a> {
    context: &'a X509StoreContextRef,
    attempt: &'a Attempt,
}

impl Judge<'_> {
    /// What is wrong with the certificate that is looked at, and the library's number for it.
    fn fault(&self, good: bool) -> Option<(c_int, Fault)> {
        if !good {
            let code = self.context.error().as_raw();
            return Some((code, self.explain(code)));
        }
        // After all else was found good: the library goes from the root down to the leaf.
        let certificate = self.context.current_cert()?;
        let code = self.weakness(certificate).or_else(|| self.mismatch(certificate))?;
        Some((code, self.explain(code)))
    }

    /// OpenSSL knows by itself what is too weak, as its security level says.
    #[cfg(not(boringssl))]
    fn weakness(&self, _: &X509Ref) -> Option<c_int> {
        None
    }

    /// The same as OpenSSL's security level 2: 112 bits.
    #[cfg(boringssl)]
    fn weakness(&self, certificate: &X509Ref) -> Option<c_int> {
        use openssl::pkey::Id;
        let depth = self.context.error_depth() as usize;
        let Ok(key) = certificate.public_key() else { return None };
        let least = if key.id() == Id::RSA { 2048 } else { 224 };
        if key.bits() < least {
            return Some(if depth == 0 { EE_KEY_TOO_SMALL } else { CA_KEY_TOO_SMALL });
        }
        let is_anchor = self.context.chain().is_some_and(|chain| chain.len() == depth + 1);
        let digest = certificate.signature_algorithm().object().nid().signature_algorithms();
        let is_old = digest.is_some_and(|algorithms| [Nid::SHA1, Nid::MD5].contains(&algorithms.digest));
        (is_old && !is_anchor).then_some(CA_MD_TOO_WEAK)
    }

    fn mismatch(&self, certificate: &X509Ref) -> Option<c_int> {
        if self.context.error_depth() > 0 || !self.attempt.options().verify_host {
            return None;
        }
        self.attempt.name_was_looked_at();
        let fits = self.attempt.hosts().any(|host| match host {
            Host::Name(name) => ffi::is_for_name(certificate, name),
            Host::Address(address) => ffi::is_for_address(certificate, *address),
        });
        (!fits).then_some(sys::X509_V_ERR_HOSTNAME_MISMATCH)
    }

    fn explain(&self, code: c_int) -> Fault {
        let host = self.attempt.name();
        let depth = self.context.error_depth();
        let Some(certificate) = self.context.current_cert() else {
            let text = format!("the certificate of {host}: {}", words(code));
            return Fault { kind: Kind::CertificateInvalid, text };
        };
        let whose = match depth {
            0 => format!("the certificate of {host}"),
            _ => format!("the certificate of {} in the chain of {host}", called(certificate.subject_name())),
        };
        explain(code, &whose, certificate, self.attempt)
    }
}

// Of which openssl-sys has no names for both libraries.
const EE_KEY_TOO_SMALL: c_int = 66;
const CA_KEY_TOO_SMALL: c_int = 67;
const CA_MD_TOO_WEAK: c_int = 68;

fn explain(code: c_int, whose: &str, certificate: &X509Ref, attempt: &Attempt) -> Fault {
    let issuer = called(certificate.issuer_name());
    let code = match code {
        // The libraries differ in what they take for self-signed.
        sys::X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY if is_self_signed(certificate) => {
            sys::X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT
        }
        code => code,
    };
    let text = match code {
        sys::X509_V_ERR_CERT_HAS_EXPIRED => {
            let text = format!("{whose} expired on {}; it has to be renewed there", certificate.not_after());
            return Fault { kind: Kind::CertificateExpired, text };
        }
        sys::X509_V_ERR_CERT_NOT_YET_VALID => {
            let from = certificate.not_before();
            let text = format!("{whose} is not valid before {from}; one of the two clocks may be wrong");
            return Fault { kind: Kind::CertificateExpired, text };
        }
        sys::X509_V_ERR_HOSTNAME_MISMATCH => {
            let text = format!("{whose} is for {}, not for that name; {HINT_NAME}", names(certificate));
            return Fault { kind: Kind::CertificateMismatched, text };
        }
        sys::X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT => {
            format!("{whose} is signed by nobody but itself; if it is the right one, trust it (`ca`)")
        }
        sys::X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN => {
            let root = called(certificate.subject_name());
            format!(
                "the certificate of {} comes from the CA {root}, which is not trusted here (`ca`)",
                attempt.name()
            )
        }
        sys::X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT
        | sys::X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY
        | sys::X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE => format!(
            "{whose} is signed by {issuer}, and the certificate of that one is missing: it is neither trusted here \
             (`ca`) nor sent along (the server's chain of certificates may lack an intermediate)"
        ),
        sys::X509_V_ERR_INVALID_PURPOSE => match whose.contains(" in the chain of ") {
            false => format!("{whose} is not for servers{}", purposes(certificate)),
            true => format!("{whose} may not sign those of servers"),
        },
        sys::X509_V_ERR_INVALID_CA => format!("{whose} has signed another and is not that of a CA"),
        sys::X509_V_ERR_PATH_LENGTH_EXCEEDED => format!("{whose} may not have so many below it"),
        sys::X509_V_ERR_CERT_SIGNATURE_FAILURE => format!("the signature of {issuer} under {whose} is wrong"),
        EE_KEY_TOO_SMALL | CA_KEY_TOO_SMALL => {
            let bits = certificate.public_key().map_or(0, |key| key.bits());
            format!("{whose} has a key of {bits} bits, which is too weak; RSA has 2048 at least")
        }
        CA_MD_TOO_WEAK => format!("{whose} is signed with a hash that is too weak, SHA-1 or MD5"),
        _ => format!("{whose}: {}", words(code)),
    };
    Fault { kind: Kind::CertificateInvalid, text }
}

const HINT_NAME: &str = "if it is the right one, ask for a name it has (`sni`), accept one beside \
     (`alternative_name`), or do not look at the name (`verify_host`)";

/// The library's own.
fn words(code: c_int) -> &'static str {
    // SAFETY: any number is one that the library can hold.
    unsafe { X509VerifyResult::from_raw(code) }.error_string()
}

pub(crate) fn is_self_signed(certificate: &X509Ref) -> bool {
    let signed = certificate.public_key().and_then(|key| certificate.verify(&key)).unwrap_or(false);
    // A signature that is not its own leaves a report behind, which the next call on this thread, of whatever
    // connection, would take for its own failure.
    drop(ErrorStack::get());
    signed
}

/// Names shown of a certificate.
const SHOWN: usize = 5;

fn names(certificate: &X509Ref) -> String {
    let all = crate::certificate::names(certificate);
    if all.is_empty() {
        // A name in the subject does not count (RFC 9525 6.2).
        return "no name at all (one in its subject alone does not count)".to_owned();
    }
    let mut text = all.iter().take(SHOWN).map(|name| printable(name)).collect::<Vec<_>>().join(", ");
    if all.len() > SHOWN {
        text += &format!(" and {} more", all.len() - SHOWN);
    }
    text
}

fn purposes(certificate: &X509Ref) -> &'static str {
    match certificate.extended_key_usage() {
        Some(usage) if usage.contains(X509ExtendedKeyUsage::SSL_CLIENT) => ", it is for clients",
        _ => "",
    }
}

/// The name of a subject or issuer that people know it by.
fn called(name: &X509NameRef) -> String {
    let entry = [Nid::COMMONNAME, Nid::ORGANIZATIONALUNITNAME, Nid::ORGANIZATIONNAME]
        .into_iter()
        .find_map(|nid| name.entries_by_nid(nid).next());
    match entry.and_then(|entry| entry.data().to_string().ok()) {
        Some(text) => format!("\"{}\"", printable(&text)),
        None => "one without a name".to_owned(),
    }
}

/// What others wrote, so that it can stand in a log.
pub(crate) fn printable(text: &str) -> String {
    text.chars().take(100).flat_map(char::escape_debug).collect()
}

/// Where a fault is put.
pub(crate) type Found = OnceLock<Fault>;
