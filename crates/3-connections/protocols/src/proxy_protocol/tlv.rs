//! What version 2 tells besides the addresses: values with a type and a length.

use std::fmt;

use super::{Reject, crc32c};

/// Type and length before a value.
pub(super) const FRAME: usize = 3;

/// The longest unique id.
const UNIQUE_ID: usize = 128;

/// The type of a TLV.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct TlvKind(pub u8);

impl TlvKind {
    /// The protocol above, as ALPN names it (RFC 7301): `h2`, `http/1.1`.
    pub const ALPN: TlvKind = TlvKind(0x01);
    /// The host name that the client gave, as TLS has it in SNI.
    pub const AUTHORITY: TlvKind = TlvKind(0x02);
    /// The checksum over the whole header.
    pub const CRC32C: TlvKind = TlvKind(0x03);
    /// Without a meaning, to fill up.
    pub const NOOP: TlvKind = TlvKind(0x04);
    /// Up to 128 bytes that name the connection, chosen by the proxy.
    pub const UNIQUE_ID: TlvKind = TlvKind(0x05);
    /// What is known of TLS between client and proxy.
    pub const SSL: TlvKind = TlvKind(0x20);
    /// The name of the network namespace.
    pub const NETNS: TlvKind = TlvKind(0x30);

    /// Within [`SSL`](TlvKind::SSL): the version, as `TLSv1.3`.
    pub const SSL_VERSION: TlvKind = TlvKind(0x21);
    /// Within [`SSL`](TlvKind::SSL): the common name of the client's certificate.
    pub const SSL_COMMON_NAME: TlvKind = TlvKind(0x22);
    /// Within [`SSL`](TlvKind::SSL): the cipher.
    pub const SSL_CIPHER: TlvKind = TlvKind(0x23);
    /// Within [`SSL`](TlvKind::SSL): the algorithm that signed the certificate.
    pub const SSL_SIGNATURE: TlvKind = TlvKind(0x24);
    /// Within [`SSL`](TlvKind::SSL): the algorithm of the certificate's key.
    pub const SSL_KEY: TlvKind = TlvKind(0x25);

    /// Whether the value is text, for which the standard wants UTF-8 or ASCII.
    #[inline]
    const fn is_text(self) -> bool {
        matches!(
            self,
            TlvKind::AUTHORITY
                | TlvKind::NETNS
                | TlvKind::SSL_VERSION
                | TlvKind::SSL_COMMON_NAME
                | TlvKind::SSL_CIPHER
                | TlvKind::SSL_SIGNATURE
                | TlvKind::SSL_KEY
        )
    }
}

impl fmt::Debug for TlvKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:#04x}", self.0)
    }
}

/// One value with its type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tlv<'a> {
    /// Its type.
    pub kind: TlvKind,
    /// Its value.
    pub value: &'a [u8],
}

/// The TLVs of a header. All of them can be read, those of unknown types too.
///
/// They have been judged: each fits, the checksum is right if there is one, and the values have the
/// form that their types want.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub struct Tlvs<'a> {
    bytes: &'a [u8],
}

impl<'a> Tlvs<'a> {
    /// All, in the order in which they stand.
    pub fn iter(&self) -> impl Iterator<Item = Tlv<'a>> + use<'a> {
        let mut rest = self.bytes;
        std::iter::from_fn(move || {
            // What has been judged comes out even.
            let (tlv, behind) = take(rest)?;
            rest = behind;
            Some(tlv)
        })
    }

    /// The first value of that type.
    #[inline]
    pub fn find(&self, kind: TlvKind) -> Option<&'a [u8]> {
        self.iter().find(|tlv| tlv.kind == kind).map(|tlv| tlv.value)
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    /// [`TlvKind::ALPN`].
    pub fn alpn(&self) -> Option<&'a [u8]> {
        self.find(TlvKind::ALPN)
    }

    /// [`TlvKind::AUTHORITY`].
    pub fn authority(&self) -> Option<&'a str> {
        self.text(TlvKind::AUTHORITY)
    }

    /// [`TlvKind::UNIQUE_ID`].
    pub fn unique_id(&self) -> Option<&'a [u8]> {
        self.find(TlvKind::UNIQUE_ID)
    }

    /// [`TlvKind::NETNS`].
    pub fn netns(&self) -> Option<&'a str> {
        self.text(TlvKind::NETNS)
    }

    /// [`TlvKind::SSL`].
    pub fn ssl(&self) -> Option<Ssl<'a>> {
        self.find(TlvKind::SSL).and_then(Ssl::read)
    }

    /// A value that is text by its type.
    #[inline]
    fn text(&self, kind: TlvKind) -> Option<&'a str> {
        debug_assert!(kind.is_text());
        // SAFETY: `judge` and `judge_ssl` let no other value of such a type pass, and there are no TLVs
        // that were not judged.
        self.find(kind).map(|value| unsafe { std::str::from_utf8_unchecked(value) })
    }

    /// The bytes they were read from.
    pub(super) fn as_bytes(&self) -> &'a [u8] {
        self.bytes
    }

    /// Of bytes that came from [`as_bytes`](Tlvs::as_bytes).
    pub(super) fn judged(bytes: &'a [u8]) -> Self {
        Tlvs { bytes }
    }
}

impl fmt::Debug for Tlvs<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}

/// What is known of TLS between client and proxy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ssl<'a> {
    flags: u8,
    verify: u32,
    tlvs: Tlvs<'a>,
}

impl<'a> Ssl<'a> {
    /// Flags, and the outcome of the verification.
    const FIXED: usize = 5;

    fn read(value: &'a [u8]) -> Option<Self> {
        let (&[flags, a, b, c, d], bytes) = value.split_first_chunk::<{ Ssl::FIXED }>()?;
        Some(Ssl { flags, verify: u32::from_be_bytes([a, b, c, d]), tlvs: Tlvs { bytes } })
    }

    /// Whether the client speaks TLS to the proxy.
    pub fn is_tls(&self) -> bool {
        self.flags & 1 != 0
    }

    /// Whether the client showed a certificate on this connection.
    pub fn certificate_on_connection(&self) -> bool {
        self.flags & 2 != 0
    }

    /// Whether the client showed a certificate at least once in this TLS session.
    pub fn certificate_in_session(&self) -> bool {
        self.flags & 4 != 0
    }

    /// Whether the client showed a certificate and it was verified.
    pub fn verified(&self) -> bool {
        self.certificate_in_session() && self.verify == 0
    }

    /// What stands within, such as [`TlvKind::SSL_VERSION`].
    pub fn tlvs(&self) -> Tlvs<'a> {
        self.tlvs
    }

    /// [`TlvKind::SSL_VERSION`].
    pub fn version(&self) -> Option<&'a str> {
        self.tlvs.text(TlvKind::SSL_VERSION)
    }

    /// [`TlvKind::SSL_CIPHER`].
    pub fn cipher(&self) -> Option<&'a str> {
        self.tlvs.text(TlvKind::SSL_CIPHER)
    }

    /// [`TlvKind::SSL_COMMON_NAME`].
    pub fn common_name(&self) -> Option<&'a str> {
        self.tlvs.text(TlvKind::SSL_COMMON_NAME)
    }
}

/// Judges the TLVs that stand in `header` from `start` on.
pub(super) fn judge(header: &[u8], start: usize) -> Result<Tlvs<'_>, Reject> {
    let mut rest = &header[start..];
    let mut checksum = None;
    while !rest.is_empty() {
        let place = header.len() - rest.len() + FRAME;
        let (Tlv { kind, value }, behind) = take(rest).ok_or(Reject::Tlv)?;
        rest = behind;
        match kind {
            TlvKind::CRC32C if checksum.is_some() => return Err(Reject::Checksum),
            TlvKind::CRC32C => {
                checksum = Some((place, <[u8; 4]>::try_from(value).map_err(|_| Reject::Tlv)?));
            }
            TlvKind::UNIQUE_ID if value.len() > UNIQUE_ID => return Err(Reject::Tlv),
            _ if kind.is_text() => judge_text(value)?,
            TlvKind::SSL => judge_ssl(value)?,
            _ => {}
        }
    }
    if let Some((place, told)) = checksum
        && u32::from_be_bytes(told) != sum(header, place)
    {
        return Err(Reject::Checksum);
    }
    Ok(Tlvs { bytes: &header[start..] })
}

fn judge_ssl(value: &[u8]) -> Result<(), Reject> {
    let ssl = Ssl::read(value).ok_or(Reject::Tlv)?;
    let mut rest = ssl.tlvs.bytes;
    while !rest.is_empty() {
        let (Tlv { kind, value }, behind) = take(rest).ok_or(Reject::Tlv)?;
        rest = behind;
        match kind {
            // One within the other has no meaning, and would not be judged.
            TlvKind::SSL => return Err(Reject::Tlv),
            _ if kind.is_text() => judge_text(value)?,
            _ => {}
        }
    }
    Ok(())
}

#[inline]
fn judge_text(value: &[u8]) -> Result<(), Reject> {
    if value.is_ascii() || std::str::from_utf8(value).is_ok() { Ok(()) } else { Err(Reject::Tlv) }
}

/// The checksum of a header in which it stands itself at `place`, where zeros are counted.
pub(super) fn sum(header: &[u8], place: usize) -> u32 {
    crc32c::checksum([&header[..place], &[0; 4], &header[place + 4..]])
}

/// The first of `bytes`, and what is behind it.
#[inline]
fn take(bytes: &[u8]) -> Option<(Tlv<'_>, &[u8])> {
    let (&[kind, high, low], rest) = bytes.split_first_chunk::<FRAME>()?;
    let (value, rest) = rest.split_at_checked(u16::from_be_bytes([high, low]).into())?;
    Some((Tlv { kind: TlvKind(kind), value }, rest))
}
