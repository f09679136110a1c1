//! Certificates of servers and clients.

use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, SystemTime};

use rcgen::{
    CertificateParams, CustomExtension, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa, KeyPair,
    KeyUsagePurpose, date_time_ymd,
};

use crate::certificates::authority::{Authority, Sent, new_serial};
use crate::certificates::key::KeyKind;
use crate::tool::TempFolder;

const HOUR: Duration = Duration::from_secs(60 * 60);
const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// A certificate about to be made; begun by [`Authority::leaf`] or [`Authority::client`].
///
/// Without further words it is a right one: an ECDSA P-256 key, valid since yesterday and for 90 days and an hour.
/// Each fault is one word, and they can be combined.
#[derive(Clone)]
#[must_use = "nothing is made before `make`"]
pub struct LeafBuilder {
    authority: Authority,
    names: Vec<String>,
    common_name: Option<String>,
    organisation: Option<String>,
    kind: KeyKind,
    purposes: Vec<Purpose>,
    validity: Validity,
    ocsp_responder: Option<String>,
    self_signed: bool,
    alone: bool,
    foreign_key: bool,
}

/// A certificate, what is sent behind it, and its key.
#[derive(Clone)]
pub struct Leaf {
    /// The certificate first, the root left out.
    chain: Vec<Sent>,
    key_pem: String,
    key_der: Vec<u8>,
}

/// What a certificate may be used for (RFC 5280 section 4.2.1.12).
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Purpose {
    Client,
    Server,
}

#[derive(Clone, Copy)]
enum Validity {
    Days(u32),
    Expired,
    NotYet,
}

impl LeafBuilder {
    pub(crate) fn new(authority: &Authority, names: &[&str], purpose: Purpose) -> Self {
        Self {
            authority: authority.clone(),
            names: names.iter().map(|name| (*name).to_owned()).collect(),
            common_name: names.first().map(|name| (*name).to_owned()),
            organisation: None,
            kind: KeyKind::Ecdsa,
            purposes: vec![purpose],
            validity: Validity::Days(90),
            ocsp_responder: None,
            self_signed: false,
            alone: false,
            foreign_key: false,
        }
    }

    /// The common name of the subject.
    pub fn common_name(mut self, name: &str) -> Self {
        self.common_name = Some(name.to_owned());
        self
    }

    /// The organisation of the subject; absent by default.
    pub fn organisation(mut self, name: &str) -> Self {
        self.organisation = Some(name.to_owned());
        self
    }

    /// An RSA key of 2048 bits, the same one for all such certificates.
    pub fn rsa(mut self) -> Self {
        self.kind = KeyKind::Rsa;
        self
    }

    /// Valid for so many whole days and an hour from now, so that the days left read `days` throughout the test.
    pub fn days(mut self, days: u32) -> Self {
        self.validity = Validity::Days(days);
        self
    }

    /// The address of an OCSP responder, put into the authority information access (RFC 5280 section 4.2.2.1).
    ///
    /// # Panics
    /// When making the certificate, if the address is longer than 100 bytes.
    pub fn ocsp_responder(mut self, url: &str) -> Self {
        self.ocsp_responder = Some(url.to_owned());
        self
    }

    /// Good for servers and clients alike.
    pub fn for_both(mut self) -> Self {
        self.purposes = vec![Purpose::Server, Purpose::Client];
        self
    }

    /// Good for clients alone: the wrong purpose on a server.
    pub fn for_clients_only(mut self) -> Self {
        self.purposes = vec![Purpose::Client];
        self
    }

    /// Good for servers alone: the wrong purpose on a client.
    pub fn for_servers_only(mut self) -> Self {
        self.purposes = vec![Purpose::Server];
        self
    }

    /// Fault: valid until yesterday, 30 days long.
    pub fn expired(mut self) -> Self {
        self.validity = Validity::Expired;
        self
    }

    /// Fault: valid from tomorrow on, 30 days long.
    pub fn not_yet_valid(mut self) -> Self {
        self.validity = Validity::NotYet;
        self
    }

    /// Fault: signed by its own key and by no authority.
    pub fn self_signed(mut self) -> Self {
        self.self_signed = true;
        self
    }

    /// Fault: sent without the intermediates that signed it.
    pub fn missing_intermediate(mut self) -> Self {
        self.alone = true;
        self
    }

    /// Fault: the key beside it, of the same kind, is that of another certificate.
    pub fn key_of_another(mut self) -> Self {
        self.foreign_key = true;
        self
    }

    /// Makes it.
    ///
    /// # Panics
    /// When a name is not ASCII.
    pub fn make(self) -> Leaf {
        let (params, key) = (self.params(), self.kind.key());
        let made = if self.self_signed {
            params.self_signed(&key)
        } else {
            params.signed_by(&key, self.authority.issuer())
        };
        let mut chain = vec![Sent::from(&made.expect("ring signs with its own and with the RSA keys"))];
        if !self.self_signed && !self.alone {
            chain.extend_from_slice(self.authority.chain());
        }
        Leaf::new(chain, &if self.foreign_key { self.kind.another() } else { key })
    }

    fn params(&self) -> CertificateParams {
        let mut params = CertificateParams::new(self.names.clone()).expect("a name is ASCII");
        params.distinguished_name = self.subject();
        params.is_ca = IsCa::ExplicitNoCa;
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        if self.kind == KeyKind::Rsa {
            params.key_usages.push(KeyUsagePurpose::KeyEncipherment);
        }
        params.extended_key_usages = self.purposes.iter().map(|purpose| purpose.usage()).collect();
        params.use_authority_key_identifier_extension = true;
        params.serial_number = Some(new_serial());
        let now = date_time_ymd(1970, 1, 1) + since_1970();
        (params.not_before, params.not_after) = match self.validity {
            Validity::Days(days) => (now - DAY, now + DAY * days + HOUR),
            Validity::Expired => (now - DAY * 31, now - DAY),
            Validity::NotYet => (now + DAY, now + DAY * 31),
        };
        params.custom_extensions.extend(self.ocsp_responder.as_deref().map(information_access));
        params
    }

    fn subject(&self) -> DistinguishedName {
        let mut subject = DistinguishedName::new();
        if let Some(organisation) = &self.organisation {
            subject.push(DnType::OrganizationName, organisation);
        }
        if let Some(name) = &self.common_name {
            subject.push(DnType::CommonName, name);
        }
        subject
    }
}

impl Purpose {
    fn usage(self) -> ExtendedKeyUsagePurpose {
        match self {
            Self::Client => ExtendedKeyUsagePurpose::ClientAuth,
            Self::Server => ExtendedKeyUsagePurpose::ServerAuth,
        }
    }
}

impl Leaf {
    fn new(chain: Vec<Sent>, key: &KeyPair) -> Self {
        Self { chain, key_pem: key.serialize_pem(), key_der: key.serialize_der() }
    }

    /// The chain as a peer sends it: the certificate first, then the intermediates, without the root.
    pub fn cert_pem(&self) -> String {
        self.chain.iter().map(|sent| sent.pem.as_str()).collect()
    }

    /// The certificate alone, in DER.
    pub fn der(&self) -> &[u8] {
        &self.chain[0].der
    }

    /// Every certificate of the chain in DER, in the order of [`Leaf::cert_pem`].
    pub fn chain_der(&self) -> Vec<Vec<u8>> {
        self.chain.iter().map(|sent| sent.der.clone()).collect()
    }

    /// The key, PKCS #8 in PEM.
    pub fn key_pem(&self) -> &str {
        &self.key_pem
    }

    /// The key, PKCS #8 in DER.
    pub fn key_der(&self) -> &[u8] {
        &self.key_der
    }

    /// Writes chain and key to files of new names in this folder and returns both paths, that of the chain first.
    pub fn write(&self, folder: &TempFolder) -> (PathBuf, PathBuf) {
        self.write_as(folder, &new_name("leaf", ""))
    }

    /// Writes them to `name.pem` and `name.key`, over what is there, as one does before a reload.
    pub fn write_as(&self, folder: &TempFolder, name: &str) -> (PathBuf, PathBuf) {
        let cert = folder.write(&format!("{name}.pem"), self.cert_pem());
        (cert, folder.write(&format!("{name}.key"), self.key_pem()))
    }
}

/// A file name that no other has.
pub(crate) fn new_name(what: &str, ending: &str) -> String {
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    if ending.is_empty() { format!("{what}-{number}") } else { format!("{what}-{number}.{ending}") }
}

/// The time since 1970 in whole seconds; rcgen's own type reads a clock only with a feature that rcgen leaves out.
pub(crate) fn since_1970() -> Duration {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).expect("a clock behind 1970");
    Duration::from_secs(since.as_secs())
}

/// A sequence of one access description: id-ad-ocsp and the address.
fn information_access(url: &str) -> CustomExtension {
    const OCSP: &[u8] = &[0x06, 0x08, 0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x30, 0x01];
    const ACCESS: &[u64] = &[1, 3, 6, 1, 5, 5, 7, 1, 1];
    assert!(url.len() <= 100, "longer than the short form of a DER length: {url}");
    let description = [OCSP, &der(0x86, url.as_bytes())].concat();
    CustomExtension::from_oid_content(ACCESS, der(0x30, &der(0x30, &description)))
}

/// A value of fewer than 128 bytes with its tag and length.
fn der(tag: u8, value: &[u8]) -> Vec<u8> {
    let length = u8::try_from(value.len()).expect("a short value");
    [&[tag, length], value].concat()
}
