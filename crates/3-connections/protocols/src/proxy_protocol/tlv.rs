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
        // What has been judged has no errors.
        split(self.bytes).map_while(Result::ok)
    }

    /// The first value of that type.
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
        self.find(TlvKind::AUTHORITY).and_then(|value| std::str::from_utf8(value).ok())
    }

    /// [`TlvKind::UNIQUE_ID`].
    pub fn unique_id(&self) -> Option<&'a [u8]> {
        self.find(TlvKind::UNIQUE_ID)
    }

    /// [`TlvKind::NETNS`].
    pub fn netns(&self) -> Option<&'a str> {
        self.find(TlvKind::NETNS).and_then(|value| std::str::from_utf8(value).ok())
    }

    /// [`TlvKind::SSL`].
    pub fn ssl(&self) -> Option<Ssl<'a>> {
        self.find(TlvKind::SSL).and_then(Ssl::read)
    }

    /// The bytes they were read from.
    pub(super) fn as_bytes(&self) -> &'a [u8] {
        self.bytes
    }

    /// What was judged before.
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
        self.text(TlvKind::SSL_VERSION)
    }

    /// [`TlvKind::SSL_CIPHER`].
    pub fn cipher(&self) -> Option<&'a str> {
        self.text(TlvKind::SSL_CIPHER)
    }

    /// [`TlvKind::SSL_COMMON_NAME`].
    pub fn common_name(&self) -> Option<&'a str> {
        self.text(TlvKind::SSL_COMMON_NAME)
    }

    fn text(&self, kind: TlvKind) -> Option<&'a str> {
        self.tlvs.find(kind).and_then(|value| std::str::from_utf8(value).ok())
    }
}

/// Judges the TLVs that stand in `header` from `start` on.
pub(super) fn judge(header: &[u8], start: usize) -> Result<Tlvs<'_>, Reject> {
    let mut at = start;
    let mut checksum = None;
    for tlv in split(&header[start..]) {
        let Tlv { kind, value } = tlv?;
        let place = at + FRAME;
        at = place + value.len();
        match kind {
            TlvKind::CRC32C if checksum.is_some() => return Err(Reject::Checksum),
            TlvKind::CRC32C => {
                checksum = Some((place, <[u8; 4]>::try_from(value).map_err(|_| Reject::Tlv)?));
            }
            TlvKind::UNIQUE_ID if value.len() > UNIQUE_ID => return Err(Reject::Tlv),
            TlvKind::AUTHORITY | TlvKind::NETNS => _ = text(value)?,
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
    for tlv in split(ssl.tlvs.bytes) {
        let Tlv { kind, value } = tlv?;
        if (TlvKind::SSL_VERSION.0..=TlvKind::SSL_KEY.0).contains(&kind.0) {
            text(value)?;
        }
    }
    Ok(())
}

fn text(value: &[u8]) -> Result<&str, Reject> {
    std::str::from_utf8(value).map_err(|_| Reject::Tlv)
}

/// The checksum of a header in which it stands itself at `place`, where zeros are counted.
pub(super) fn sum(header: &[u8], place: usize) -> u32 {
    crc32c::checksum([&header[..place], &[0; 4], &header[place + 4..]])
}

/// Takes `bytes` apart; an error is the last thing it gives.
fn split(bytes: &[u8]) -> impl Iterator<Item = Result<Tlv<'_>, Reject>> {
    let mut rest = bytes;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let whole = std::mem::take(&mut rest);
        let Some((&[kind, high, low], behind)) = whole.split_first_chunk::<FRAME>() else {
            return Some(Err(Reject::Tlv));
        };
        let Some((value, behind)) = behind.split_at_checked(u16::from_be_bytes([high, low]).into()) else {
            return Some(Err(Reject::Tlv));
        };
        rest = behind;
        Some(Ok(Tlv { kind: TlvKind(kind), value }))
    })
}
