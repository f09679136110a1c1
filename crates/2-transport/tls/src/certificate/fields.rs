//! What stands in a certificate and the `openssl` crate has no word for, read from its DER.

use der::asn1::{AnyRef, BitStringRef, ObjectIdentifier};
use der::{Decode, Reader, SliceReader, Tag, TagNumber};
use openssl::x509::X509Ref;
use x509_cert::ext::Extension;
use x509_cert::ext::pkix::name::GeneralName;
use x509_cert::ext::pkix::{AuthorityInfoAccessSyntax, BasicConstraints, ExtendedKeyUsage};

/// RFC 5280 4.2.1.9.
const BASIC_CONSTRAINTS: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.19");
/// RFC 5280 4.2.1.12.
const EXTENDED_KEY_USAGE: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.37");
const ANY_USE: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.37.0");
/// For servers of TLS.
pub(crate) const SERVER_AUTH: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.5.5.7.3.1");
/// For clients of TLS.
pub(crate) const CLIENT_AUTH: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.5.5.7.3.2");
/// For signing OCSP responses in the name of the issuer (RFC 6960 4.2.2.2).
pub(crate) const OCSP_SIGNING: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.5.5.7.3.9");
/// RFC 5280 4.2.2.1.
const AUTHORITY_INFORMATION: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.5.5.7.1.1");
/// Where its state can be asked for.
pub(crate) const ACCESS_OCSP: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.5.5.7.48.1");
/// Where the certificate of its issuer can be had.
pub(crate) const ACCESS_ISSUERS: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.5.5.7.48.2");

/// Parts of one certificate.
pub(crate) struct Fields {
    /// The public key itself, which is what key identifiers are hashes of.
    pub(crate) key_bits: Vec<u8>,
    extensions: Vec<Extension>,
}

impl Fields {
    pub(crate) fn of(certificate: &X509Ref) -> Option<Self> {
        Self::from_der(&certificate.to_der().ok()?).ok()
    }

    /// Reads no dates and no names: certificates stay readable that are odd in those.
    fn from_der(certificate: &[u8]) -> der::Result<Self> {
        let missing = || der::Error::from(der::ErrorKind::Failed);
        let whole = AnyRef::from_der(certificate)?;
        let signed = *items(whole.value())?.first().ok_or_else(missing)?;
        let signed = items(signed.value())?;
        // The version comes first, if it is not the oldest.
        let numbered = |number| Tag::ContextSpecific { constructed: true, number };
        let version = usize::from(signed.first().is_some_and(|it| tag(it) == numbered(TagNumber::N0)));
        // Serial, algorithm, issuer, validity, subject, and then the key.
        let key = items(signed.get(version + 5).ok_or_else(missing)?.value())?;
        let key: BitStringRef<'_> = (*key.get(1).ok_or_else(missing)?).try_into()?;
        let extensions = signed.iter().find(|it| tag(it) == numbered(TagNumber::N3));
        Ok(Self {
            key_bits: key.raw_bytes().to_vec(),
            extensions: extensions.map_or(Ok(Vec::new()), |it| Vec::from_der(it.value()))?,
        })
    }

    fn extension<'a, T: Decode<'a>>(&'a self, id: ObjectIdentifier) -> Option<T> {
        let found = self.extensions.iter().find(|extension| extension.extn_id == id)?;
        T::from_der(found.extn_value.as_bytes()).ok()
    }

    /// Whether it says that it signs certificates.
    pub(crate) fn is_authority(&self) -> bool {
        self.extension(BASIC_CONSTRAINTS).is_some_and(|it: BasicConstraints| it.ca)
    }

    /// Whether it is for this use. One that names no uses is for all.
    pub(crate) fn is_for(&self, usage: ObjectIdentifier) -> bool {
        self.extension(EXTENDED_KEY_USAGE)
            .is_none_or(|it: ExtendedKeyUsage| it.0.contains(&usage) || it.0.contains(&ANY_USE))
    }

    /// Whether it names this use by name.
    pub(crate) fn names_use(&self, usage: ObjectIdentifier) -> bool {
        self.extension(EXTENDED_KEY_USAGE).is_some_and(|it: ExtendedKeyUsage| it.0.contains(&usage))
    }

    /// The first address over plain HTTP that it names for this method.
    pub(crate) fn access(&self, method: ObjectIdentifier) -> Option<String> {
        let all: AuthorityInfoAccessSyntax = self.extension(AUTHORITY_INFORMATION)?;
        all.0.into_iter().filter(|it| it.access_method == method).find_map(|it| match it.access_location {
            GeneralName::UniformResourceIdentifier(address) => {
                let address = address.as_str();
                let scheme = address.get(..7)?;
                let plain =
                    scheme.eq_ignore_ascii_case("http://") && address.bytes().all(|b| b.is_ascii_graphic());
                plain.then(|| address.to_owned())
            }
            _ => None,
        })
    }
}

fn tag(item: &AnyRef<'_>) -> Tag {
    der::Tagged::tag(item)
}

/// What stands one after the other in these bytes.
fn items(bytes: &[u8]) -> der::Result<Vec<AnyRef<'_>>> {
    let mut reader = SliceReader::new(bytes)?;
    let mut items = Vec::new();
    while !reader.is_finished() {
        items.push(AnyRef::decode(&mut reader)?);
    }
    Ok(items)
}
