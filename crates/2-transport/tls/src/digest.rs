//! What is told of a connection after its handshake, on either side.

use std::fmt::Write;
use std::sync::{Arc, LazyLock};

use gorge_digest::{PeerCertificate, TlsDigest};
use openssl::hash::MessageDigest;
use openssl::nid::Nid;
use openssl::ssl::{SslCipherRef, SslRef};
use openssl::x509::{X509NameRef, X509Ref, X509VerifyResult};

use crate::ffi;

/// The longest name of a subject or issuer, in bytes, that is told. One that is longer is left out whole,
/// for half a name might be somebody else's.
const NAME: usize = 4096;

/// What was agreed on. `sni` is the name that the client sent.
pub(crate) fn digest(ssl: &SslRef, sni: Option<&str>) -> TlsDigest {
    let fault = ssl.verify_result();
    let peer_certificate = ssl.peer_certificate().map(|certificate| peer(&certificate));
    TlsDigest {
        version: Some(ssl.version_str()),
        cipher: ssl.current_cipher().map(cipher),
        group: ffi::group(ssl).and_then(group),
        alpn: ssl.selected_alpn_protocol().map(protocol),
        sni: sni.map(Into::into),
        resumed: Some(ssl.session_reused()),
        early_data: None,
        certificate_asked: false,
        peer_fault: match &peer_certificate {
            Some(_) if fault != X509VerifyResult::OK => Some(fault.error_string()),
            _ => None,
        },
        peer_certificate,
        ..TlsDigest::default()
    }
}

/// The name that the standards have for it.
fn cipher(cipher: &SslCipherRef) -> &'static str {
    ffi::cipher_name(cipher).unwrap_or_else(|| cipher.name())
}

/// The usual ones are there already; only others take memory.
fn protocol(name: &[u8]) -> Arc<[u8]> {
    static USUAL: LazyLock<[Arc<[u8]>; 2]> = LazyLock::new(|| [b"http/1.1"[..].into(), b"h2"[..].into()]);
    let usual = USUAL.iter().find(|usual| ***usual == *name);
    usual.cloned().unwrap_or_else(|| name.into())
}

/// The name of a group (IANA's registry "TLS Supported Groups").
fn group(id: u16) -> Option<&'static str> {
    Some(match id {
        23 => "P-256",
        24 => "P-384",
        25 => "P-521",
        29 => "X25519",
        30 => "X448",
        256 => "ffdhe2048",
        257 => "ffdhe3072",
        4587 => "SecP256r1MLKEM768",
        4588 => "X25519MLKEM768",
        4589 => "SecP384r1MLKEM1024",
        _ => return None,
    })
}

fn peer(certificate: &X509Ref) -> PeerCertificate {
    let organisation = certificate.subject_name().entries_by_nid(Nid::ORGANIZATIONNAME).next();
    let organisation = organisation.and_then(|entry| Some(Arc::from(entry.data().to_string().ok()?)));
    let serial = certificate.serial_number().to_bn().and_then(|number| number.to_hex_str());
    let sha256 = certificate.digest(MessageDigest::sha256());
    PeerCertificate {
        subject: name(certificate.subject_name()),
        issuer: name(certificate.issuer_name()),
        organisation: organisation.filter(|organisation: &Arc<str>| organisation.len() <= NAME),
        serial: serial.ok().map(|hex| hex.to_ascii_lowercase().into()),
        sha256: sha256.ok().and_then(|digest| <[u8; 32]>::try_from(&*digest).ok()),
    }
}

/// A name as RFC 4514 writes it, the most specific part first. `None` for an empty one.
pub(crate) fn name(name: &X509NameRef) -> Option<Arc<str>> {
    let mut text = String::new();
    let mut entries: Vec<_> = name.entries().collect();
    entries.reverse();
    let mut part = None;
    for entry in entries {
        let this = Some(ffi::name_part(entry));
        if !text.is_empty() {
            text.push(if part == this { '+' } else { ',' });
        }
        part = this;
        let nid = entry.object().nid();
        match nid.short_name() {
            Ok(short) if nid != Nid::UNDEF => text.push_str(short),
            // The dotted number.
            _ => write!(text, "{}", entry.object()).ok()?,
        }
        text.push('=');
        push_escaped(&mut text, &entry.data().to_string().ok()?);
        if text.len() > NAME {
            return None;
        }
    }
    (!text.is_empty()).then(|| text.into())
}

/// A value with everything escaped that would end it, or hide (RFC 4514 2.4).
fn push_escaped(text: &mut String, value: &str) {
    let last = value.chars().count().saturating_sub(1);
    for (at, char) in value.chars().enumerate() {
        match char {
            '"' | '+' | ',' | ';' | '<' | '>' | '\\' => text.extend(['\\', char]),
            '#' | ' ' if at == 0 => text.extend(['\\', char]),
            ' ' if at == last => text.push_str("\\ "),
            // Writing to a `String` cannot fail.
            '\0'..='\u{1f}' | '\u{7f}' => drop(write!(text, "\\{:02X}", u32::from(char))),
            _ => text.push(char),
        }
    }
}
