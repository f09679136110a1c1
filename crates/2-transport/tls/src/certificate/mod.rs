//! Certificates with their chains and keys, as data.

mod chain;
mod fault;
mod fields;
mod key;
mod names;
mod pem;
mod read;
mod remark;
mod self_signed;
mod time;

use std::fmt;
use std::path::Path;
use std::sync::Arc;
use std::time::SystemTime;

use openssl::pkey::{PKey, Private};
use openssl::x509::X509;

pub(crate) use chain::issued;
pub use fault::{CertificateFault, Part};
pub(crate) use fields::{Fields, OCSP_SIGNING};
pub use key::KeyKind;
pub(crate) use names::{names, subject};
pub use remark::{Level, Remark, Role};
pub(crate) use time::{date, from_asn1};

use crate::ocsp::Staple;

/// A certificate with the chain above it and its private key. Cloning shares it.
#[derive(Clone)]
pub struct Certificate(Arc<Inner>);

struct Inner {
    facts: Arc<Facts>,
    ocsp: Option<Staple>,
    /// All of that as BoringSSL wants it, made when it is first shown.
    #[cfg(boringssl)]
    credential: std::sync::OnceLock<crate::ffi::Credential>,
}

/// What is there from the start and never changes.
struct Facts {
    /// The leaf first.
    chain: Vec<X509>,
    key: PKey<Private>,
    kind: KeyKind,
    names: Vec<String>,
    not_before: SystemTime,
    not_after: SystemTime,
    sha256: [u8; 32],
}

impl Certificate {
    /// From PEM: the certificate, behind it those above it up to the root or just below, and the key
    /// (PKCS #8, SEC 1 or PKCS #1).
    ///
    /// Words between the blocks are left out, and so are blocks of another kind, so that both may be in
    /// one file. Instead of PEM either may be DER.
    ///
    /// # Errors
    /// What is wrong, and where. [`CertificateFault`] becomes a [`gorge_error::Error`] by `?`.
    pub fn from_pem(chain: &[u8], key: &[u8]) -> Result<Self, CertificateFault> {
        Self::new(read::chain(chain)?, || read::key(key))
    }

    /// From DER: the certificate, behind it those above it, and the key (PKCS #8, SEC 1 or PKCS #1).
    ///
    /// # Errors
    /// As for [`from_pem`](Self::from_pem).
    pub fn from_der(chain: &[impl AsRef<[u8]>], key: &[u8]) -> Result<Self, CertificateFault> {
        let all = chain.iter().zip(1..);
        let all = all.map(|(der, number)| read::certificate(der.as_ref(), number, None));
        Self::new(all.collect::<Result<_, _>>()?, || read::key_der(key, None))
    }

    /// From files, in PEM or DER. Both may be the same file.
    ///
    /// # Errors
    /// [`CertificateFault::Unreadable`], or as for [`from_pem`](Self::from_pem).
    pub fn read(chain: &Path, key: &Path) -> Result<Self, CertificateFault> {
        let chain = read::chain(&read::file(Part::Certificate, chain)?)?;
        Self::new(chain, || read::key(&read::file(Part::Key, key)?))
    }

    /// The certificate's own faults are told first: of them its key knows nothing.
    fn new(
        chain: Vec<X509>,
        key: impl FnOnce() -> Result<PKey<Private>, CertificateFault>,
    ) -> Result<Self, CertificateFault> {
        let Some(leaf) = chain.first() else {
            return Err(CertificateFault::Empty { part: Part::Certificate });
        };
        let broken = |what: &str| CertificateFault::BrokenCertificate {
            number: 1,
            line: None,
            why: format!("the library cannot read {what}"),
        };
        let public = leaf.public_key().map_err(|_| broken("its key"))?;
        let unsupported = |part| move |found| CertificateFault::UnsupportedKey { part, found };
        let kind = key::kind(&public).map_err(unsupported(Part::Certificate))?;
        let key = key()?;
        key::kind(&key).map_err(unsupported(Part::Key))?;
        if !public.public_eq(&key) {
            return Err(key_of_other(&chain, &key, key::words(&public)));
        }
        chain::judge(&chain)?;
        let facts = Facts {
            kind,
            names: names(leaf),
            not_before: time::from_asn1(leaf.not_before()).map_err(|_| broken("its dates"))?,
            not_after: time::from_asn1(leaf.not_after()).map_err(|_| broken("its dates"))?,
            sha256: chain::sha256(leaf).map_err(|_| broken("it"))?,
            key,
            chain,
        };
        Ok(Self::of(Arc::new(facts), None))
    }

    fn of(facts: Arc<Facts>, ocsp: Option<Staple>) -> Self {
        Self(Arc::new(Inner {
            facts,
            ocsp,
            #[cfg(boringssl)]
            credential: std::sync::OnceLock::new(),
        }))
    }

    /// The names it is for, in lower case: of hosts, with `*.` before the rest where it is for all below,
    /// and IP addresses. A name in the subject alone is none (RFC 9525 2).
    #[must_use]
    pub fn names(&self) -> &[String] {
        &self.0.facts.names
    }

    /// Whom it is about, as RFC 4514 writes it: `CN=a.example,O=Example`. Empty if it does not say.
    #[must_use]
    pub fn subject(&self) -> String {
        subject(self.leaf().subject_name())
    }

    /// Who signed it, written in the same way.
    #[must_use]
    pub fn issuer(&self) -> String {
        subject(self.leaf().issuer_name())
    }

    /// Its serial number, in hexadecimal and lower case.
    #[must_use]
    pub fn serial(&self) -> String {
        let number = self.leaf().serial_number().to_bn().and_then(|number| number.to_hex_str());
        number.map(|hex| hex.to_ascii_lowercase()).unwrap_or_default()
    }

    /// From when on it is valid.
    #[must_use]
    pub fn not_before(&self) -> SystemTime {
        self.0.facts.not_before
    }

    /// Until when it is valid.
    #[must_use]
    pub fn not_after(&self) -> SystemTime {
        self.0.facts.not_after
    }

    /// Whole days until it expires, 0 on the last one, negative afterwards.
    #[must_use]
    pub fn days_left(&self, now: SystemTime) -> i64 {
        time::days_between(now, self.not_after())
    }

    /// What its key signs with.
    #[must_use]
    pub fn key_kind(&self) -> KeyKind {
        self.0.facts.kind
    }

    /// Its key in words: `RSA of 2048 bits`, `ECDSA over P-256`.
    #[must_use]
    pub fn key_words(&self) -> String {
        key::words(self.key())
    }

    /// The SHA-256 of it in DER.
    #[must_use]
    pub fn sha256(&self) -> [u8; 32] {
        self.0.facts.sha256
    }

    /// Where its state can be asked for, if it names an address over HTTP (RFC 5280 4.2.2.1).
    #[must_use]
    pub fn ocsp_url(&self) -> Option<String> {
        fields::Fields::of(self.leaf())?.access(fields::ACCESS_OCSP)
    }

    /// Whether it signed itself. No client knows such a one unless it was told of it.
    #[must_use]
    pub fn is_self_signed(&self) -> bool {
        chain::is_self_signed(self.leaf())
    }

    /// What is worth to be told of it, although it can be used, for one side of a connection.
    #[must_use]
    pub fn remarks(&self, now: SystemTime, role: Role) -> Vec<Remark> {
        remark::remarks(self, now, role)
    }

    /// The same certificate with an OCSP response that servers show along with it (RFC 6066 8). Without one
    /// if the response is about another certificate.
    #[must_use]
    pub fn with_ocsp(&self, staple: &Staple) -> Self {
        let ours = Some(staple).filter(|staple| staple.certificate() == self.sha256());
        Self::of(self.0.facts.clone(), ours.cloned())
    }

    /// The same certificate without an OCSP response.
    #[must_use]
    pub fn without_ocsp(&self) -> Self {
        Self::of(self.0.facts.clone(), None)
    }

    /// The OCSP response that it carries.
    #[must_use]
    pub fn staple(&self) -> Option<&Staple> {
        self.0.ocsp.as_ref()
    }

    fn leaf(&self) -> &X509 {
        // `new` lets none without one pass.
        &self.0.facts.chain[0]
    }

    pub(crate) fn chain(&self) -> &[X509] {
        &self.0.facts.chain
    }

    pub(crate) fn key(&self) -> &PKey<Private> {
        &self.0.facts.key
    }

    /// Whether it is the very same value, and not just an equal one.
    pub(crate) fn is(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }

    #[cfg(boringssl)]
    pub(crate) fn credential(
        &self,
    ) -> std::result::Result<&crate::ffi::Credential, openssl::error::ErrorStack> {
        if let Some(credential) = self.0.credential.get() {
            return Ok(credential);
        }
        let chain: std::result::Result<Vec<_>, _> = self.chain().iter().map(|one| one.to_der()).collect();
        let made = crate::ffi::Credential::new(&chain?, self.key(), self.ocsp())?;
        Ok(self.0.credential.get_or_init(|| made))
    }

    pub(crate) fn ocsp(&self) -> Option<&[u8]> {
        self.staple().map(Staple::der)
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

/// The key is not that of the first certificate: perhaps it is that of a later one.
fn key_of_other(chain: &[X509], key: &PKey<Private>, certificate: String) -> CertificateFault {
    let is_its = |one: &X509| one.public_key().is_ok_and(|public| public.public_eq(key));
    match chain.iter().position(is_its) {
        Some(at) => {
            CertificateFault::KeyOfLater { number: at + 1, subject: subject(chain[at].subject_name()) }
        }
        None => CertificateFault::KeyOfOther { key: key::words(key), certificate },
    }
}
