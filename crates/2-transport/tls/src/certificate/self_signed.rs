//! Certificates made on the spot.

use std::net::IpAddr;
use std::time::{Duration, SystemTime};

use gorge_error::{Error, Kind, OrErr, Result};
use openssl::asn1::Asn1Time;
use openssl::bn::{BigNum, MsbOption};
use openssl::ec::{EcGroup, EcKey};
use openssl::error::ErrorStack;
use openssl::hash::MessageDigest;
use openssl::nid::Nid;
use openssl::pkey::{PKey, Private};
use openssl::x509::extension::{
    BasicConstraints, ExtendedKeyUsage, KeyUsage, SubjectAlternativeName, SubjectKeyIdentifier,
};
use openssl::x509::{X509, X509Name};

use super::{Certificate, time};

/// The last second that a certificate can name.
const LAST: i64 = 253_402_300_799;
/// Clocks of clients may be late by this much.
const LATE: i64 = 3600;
/// The longest common name (RFC 5280, ub-common-name).
const COMMON_NAME: usize = 64;

impl Certificate {
    /// A certificate that signs itself, for these names: of hosts, with `*.` before one or not, and IP
    /// addresses. It has a new key (ECDSA over P-256), a random serial number, is for servers, and valid
    /// from an hour ago for `lifetime` from now on.
    ///
    /// Clients trust it if they are given [`to_pem`](Self::to_pem): `curl --cacert`.
    ///
    /// # Errors
    /// [`Kind::Configuration`]: there is no name, or one that is not ASCII. [`Kind::Internal`]: the library
    /// fails, as when it has no random numbers.
    pub fn self_signed(names: &[&str], lifetime: Duration) -> Result<Self> {
        let named = !names.is_empty() && names.iter().all(|name| is_name(name));
        if !named {
            let context = format!("a certificate needs names of hosts or IP addresses, in ASCII: {names:?}");
            return Err(Error::explain(Kind::Configuration, context));
        }
        let (leaf, key) = make(names, lifetime).or_err(Kind::Internal, "make a certificate")?;
        Ok(Self::new(vec![leaf], || Ok(key))?)
    }

    /// The certificate and its chain in PEM, as clients and servers read them from files.
    ///
    /// # Errors
    /// [`Kind::Internal`]: the library has no memory.
    pub fn to_pem(&self) -> Result<String> {
        let mut all = String::new();
        for one in self.chain() {
            let pem = one.to_pem().or_err(Kind::Internal, "write a certificate")?;
            all += &String::from_utf8_lossy(&pem);
        }
        Ok(all)
    }

    /// The private key in PEM (PKCS #8). Keep it where nobody else reads it.
    ///
    /// # Errors
    /// [`Kind::Internal`]: the library has no memory.
    pub fn key_to_pem(&self) -> Result<String> {
        let pem = self.key().private_key_to_pem_pkcs8().or_err(Kind::Internal, "write a private key")?;
        Ok(String::from_utf8_lossy(&pem).into_owned())
    }
}

fn is_name(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_graphic())
}

fn make(names: &[&str], lifetime: Duration) -> std::result::Result<(X509, PKey<Private>), ErrorStack> {
    let group = EcGroup::from_curve_name(Nid::X9_62_PRIME256V1)?;
    let key = PKey::from_ec_key(EcKey::generate(&group)?)?;
    let mut certificate = X509::builder()?;
    // Counted from 0: the third, with extensions.
    certificate.set_version(2)?;
    let mut serial = BigNum::new()?;
    serial.rand(127, MsbOption::ONE, false)?;
    let serial = serial.to_asn1_integer()?;
    certificate.set_serial_number(&serial)?;
    let subject = subject(names)?;
    certificate.set_subject_name(&subject)?;
    certificate.set_issuer_name(&subject)?;
    let now = time::unix(SystemTime::now());
    let end = now.saturating_add(i64::try_from(lifetime.as_secs()).unwrap_or(i64::MAX));
    let from = Asn1Time::from_unix(now - LATE)?;
    certificate.set_not_before(&from)?;
    let end = Asn1Time::from_unix(end.min(LAST))?;
    certificate.set_not_after(&end)?;
    certificate.set_pubkey(&key)?;
    certificate.append_extension(BasicConstraints::new().critical().build()?)?;
    certificate.append_extension(KeyUsage::new().critical().digital_signature().build()?)?;
    certificate.append_extension(ExtendedKeyUsage::new().server_auth().build()?)?;
    let id = SubjectKeyIdentifier::new().build(&certificate.x509v3_context(None, None))?;
    certificate.append_extension(id)?;
    let mut alternative = SubjectAlternativeName::new();
    for name in names {
        match name.parse::<IpAddr>() {
            Ok(ip) => alternative.ip(&ip.to_string()),
            Err(_) => alternative.dns(name),
        };
    }
    let alternative = alternative.build(&certificate.x509v3_context(None, None))?;
    certificate.append_extension(alternative)?;
    certificate.sign(&key, MessageDigest::sha256())?;
    Ok((certificate.build(), key))
}

/// The first name that fits; names in full are elsewhere.
fn subject(names: &[&str]) -> std::result::Result<X509Name, ErrorStack> {
    let mut subject = X509Name::builder()?;
    if let Some(name) = names.iter().find(|name| name.len() <= COMMON_NAME) {
        subject.append_entry_by_nid(Nid::COMMONNAME, name)?;
    }
    Ok(subject.build())
}
