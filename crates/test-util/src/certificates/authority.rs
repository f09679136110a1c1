//! Who signs certificates.

use std::hash::{BuildHasher, RandomState};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use rcgen::{
    BasicConstraints, Certificate, CertificateParams, DistinguishedName, DnType, IsCa, Issuer, KeyPair,
    KeyUsagePurpose, SerialNumber, date_time_ymd,
};

use crate::certificates::leaf::{LeafBuilder, Purpose, new_name, since_1970};
use crate::tool::TempFolder;

const TEN_YEARS: Duration = Duration::from_secs(10 * 365 * 24 * 60 * 60);

/// A certificate authority with an ECDSA P-256 key of its own, valid from ten years ago for twenty years.
///
/// A test that trusts it trusts nothing else: the key is made anew each time and never leaves the test. Clones are the
/// same authority.
///
/// ```
/// use gorge_test_util::{Authority, TempFolder};
///
/// let folder = TempFolder::new();
/// let root = Authority::new("gorge test root");
/// let site = root.intermediate("gorge test intermediate").leaf(&["a.example", "*.b.example", "127.0.0.1"]).make();
/// let (cert, key) = site.write(&folder); // for a server
/// let ca = root.write(&folder); // for a client
/// # assert!(cert.exists() && key.exists() && ca.exists());
/// ```
#[derive(Clone)]
pub struct Authority {
    inner: Arc<Inner>,
}

struct Inner {
    certificate: Certificate,
    issuer: Issuer<'static, KeyPair>,
    /// What a peer sends behind a certificate signed by this one: this one first, the root left out.
    chain: Vec<Sent>,
}

/// A certificate in both forms.
#[derive(Clone)]
pub(crate) struct Sent {
    pub(crate) der: Vec<u8>,
    pub(crate) pem: String,
}

impl From<&Certificate> for Sent {
    fn from(certificate: &Certificate) -> Self {
        Self { der: certificate.der().to_vec(), pem: certificate.pem() }
    }
}

impl Authority {
    /// A root of this common name, signed by itself.
    pub fn new(name: &str) -> Self {
        let (params, key) = (params(name), new_key());
        let certificate = params.self_signed(&key).expect("ring signs with its own key");
        Self::of(certificate, Issuer::new(params, key), Vec::new())
    }

    /// An authority of this common name, signed by this one. It is sent along with the certificates it signs.
    pub fn intermediate(&self, name: &str) -> Self {
        let (params, key) = (params(name), new_key());
        let certificate = params.signed_by(&key, self.issuer()).expect("ring signs with its own key");
        let mut chain = vec![Sent::from(&certificate)];
        chain.extend_from_slice(self.chain());
        Self::of(certificate, Issuer::new(params, key), chain)
    }

    fn of(certificate: Certificate, issuer: Issuer<'static, KeyPair>, chain: Vec<Sent>) -> Self {
        Self { inner: Arc::new(Inner { certificate, issuer, chain }) }
    }

    /// A certificate for a server of these names: host names, `*.` before one, or IP addresses. The first is its common
    /// name too.
    pub fn leaf(&self, names: &[&str]) -> LeafBuilder {
        LeafBuilder::new(self, names, Purpose::Server)
    }

    /// A certificate for a client of this common name, without alternative names.
    pub fn client(&self, common_name: &str) -> LeafBuilder {
        LeafBuilder::new(self, &[], Purpose::Client).common_name(common_name)
    }

    /// Its own certificate, as a file of trusted authorities holds it.
    pub fn pem(&self) -> String {
        self.inner.certificate.pem()
    }

    /// The same, in DER.
    pub fn der(&self) -> &[u8] {
        self.inner.certificate.der()
    }

    /// Its key, PKCS #8 in PEM, for programs that sign themselves.
    pub fn key_pem(&self) -> String {
        self.issuer().key().serialize_pem()
    }

    /// Writes its certificate to a file of a new name in this folder.
    pub fn write(&self, folder: &TempFolder) -> PathBuf {
        folder.write(&new_name("authority", "pem"), self.pem())
    }

    pub(crate) fn issuer(&self) -> &Issuer<'static, KeyPair> {
        &self.inner.issuer
    }

    pub(crate) fn chain(&self) -> &[Sent] {
        &self.inner.chain
    }
}

/// Twenty random bytes would be the most that RFC 5280 section 4.1.2.2 allows; these are sixteen, positive.
pub(crate) fn new_serial() -> SerialNumber {
    let random = || RandomState::new().hash_one(0).to_be_bytes();
    let mut bytes = [random(), random()].concat();
    bytes[0] = bytes[0] & 0x7f | 0x40;
    SerialNumber::from(bytes)
}

fn new_key() -> KeyPair {
    super::key::KeyKind::Ecdsa.key()
}

fn params(name: &str) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name = DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, name);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages =
        vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign, KeyUsagePurpose::DigitalSignature];
    params.use_authority_key_identifier_extension = true;
    params.serial_number = Some(new_serial());
    let now = date_time_ymd(1970, 1, 1) + since_1970();
    (params.not_before, params.not_after) = (now - TEN_YEARS, now + TEN_YEARS);
    params
}
