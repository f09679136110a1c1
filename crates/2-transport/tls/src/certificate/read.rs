//! From bytes to certificates and keys.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use openssl::error::ErrorStack;
use openssl::pkey::{PKey, Private};
use openssl::x509::X509;

use super::fault::{CertificateFault, Part};
use super::pem::{self, Block};

/// A file larger than this is refused: it is none.
const LARGEST: u64 = 1 << 20;

/// The bytes of a file.
pub(crate) fn file(part: Part, path: &Path) -> Result<Vec<u8>, CertificateFault> {
    let mut bytes = Vec::new();
    // One more than allowed, so that a device without an end has one here.
    let read = File::open(path).and_then(|file| file.take(LARGEST + 1).read_to_end(&mut bytes));
    match read {
        Ok(_) if bytes.len() as u64 > LARGEST => Err(CertificateFault::TooLarge { part }),
        Ok(_) => Ok(bytes),
        Err(error) => Err(CertificateFault::Unreadable {
            part,
            path: path.to_owned(),
            kind: error.kind(),
            why: error.to_string(),
        }),
    }
}

/// The certificates of a PEM file, or the one of a file in DER.
pub(crate) fn chain(bytes: &[u8]) -> Result<Vec<X509>, CertificateFault> {
    let part = Part::Certificate;
    if let Some(der) = as_der(bytes) {
        if is_pkcs12(der) {
            return Err(CertificateFault::WrongBlock { part, line: None, found: "PKCS12".to_owned() });
        }
        return Ok(vec![certificate(der, 1, None)?]);
    }
    let blocks = pem_blocks(part, bytes)?;
    let is_certificate = |block: &&Block| matches!(&*block.label, "CERTIFICATE" | "X509 CERTIFICATE");
    // Private keys may stand beside them: some programs want all in one file.
    let found: Vec<_> = blocks.iter().filter(is_certificate).collect();
    match (&found[..], &blocks[..]) {
        ([], [other, ..]) => Err(wrong_block(part, other)),
        _ => {
            let all = found.into_iter().zip(1..);
            all.map(|(block, number)| certificate(&block.der, number, Some(block.line))).collect()
        }
    }
}

/// One certificate, in DER.
pub(crate) fn certificate(der: &[u8], number: usize, line: Option<usize>) -> Result<X509, CertificateFault> {
    let broken = |why| CertificateFault::BrokenCertificate { number, line, why };
    if der_length(der) != Some(der.len()) {
        return Err(broken("it is cut off, or something stands behind it".to_owned()));
    }
    X509::from_der(der).map_err(|error| broken(words(&error)))
}

/// The one private key of a file in PEM or DER.
pub(crate) fn key(bytes: &[u8]) -> Result<PKey<Private>, CertificateFault> {
    let part = Part::Key;
    if let Some(der) = as_der(bytes) {
        return key_der(der, None);
    }
    let blocks = pem_blocks(part, bytes)?;
    let mut keys = blocks.iter().filter(|block| {
        let label = &*block.label;
        label.ends_with("PRIVATE KEY") && label != "OPENSSH PRIVATE KEY"
    });
    let Some(block) = keys.next() else {
        // `openssl ecparam` writes a curve before the key.
        let other = blocks.iter().find(|block| block.label != "EC PARAMETERS").or(blocks.first());
        return Err(other.map_or(CertificateFault::NotPem { part }, |other| wrong_block(part, other)));
    };
    if let Some(second) = keys.next() {
        return Err(CertificateFault::SeveralKeys { line: second.line });
    }
    if block.encrypted || block.label == "ENCRYPTED PRIVATE KEY" {
        return Err(CertificateFault::EncryptedKey);
    }
    key_der(&block.der, Some(block.line))
}

/// A private key as PKCS #8 (RFC 5958), SEC 1 (RFC 5915) or PKCS #1 (RFC 8017).
pub(crate) fn key_der(der: &[u8], line: Option<usize>) -> Result<PKey<Private>, CertificateFault> {
    let part = Part::Key;
    if der.is_empty() {
        return Err(CertificateFault::Empty { part });
    }
    if is_pkcs12(der) {
        return Err(CertificateFault::WrongBlock { part, line, found: "PKCS12".to_owned() });
    }
    if X509::from_der(der).is_ok() {
        return Err(CertificateFault::WrongBlock { part, line, found: "CERTIFICATE".to_owned() });
    }
    // Keys begin with a number, their version; encrypted ones with the method (RFC 5958 3).
    if content(der).is_some_and(|content| content.first() == Some(&0x30)) {
        return Err(CertificateFault::EncryptedKey);
    }
    let broken = |why| CertificateFault::BrokenKey { line, why };
    if der_length(der) != Some(der.len()) {
        return Err(broken("it is cut off, or something stands behind it".to_owned()));
    }
    PKey::private_key_from_der(der).map_err(|error| broken(words(&error)))
}

fn pem_blocks(part: Part, bytes: &[u8]) -> Result<Vec<Block>, CertificateFault> {
    if bytes.trim_ascii().is_empty() {
        return Err(CertificateFault::Empty { part });
    }
    let blocks = pem::blocks(bytes).map_err(|damage| CertificateFault::BrokenPem {
        part,
        line: damage.line,
        why: damage.why,
    })?;
    if blocks.is_empty() { Err(CertificateFault::NotPem { part }) } else { Ok(blocks) }
}

fn wrong_block(part: Part, block: &Block) -> CertificateFault {
    CertificateFault::WrongBlock { part, line: Some(block.line), found: block.label.clone() }
}

/// The bytes, if they are DER rather than text: a sequence as long as the file.
fn as_der(bytes: &[u8]) -> Option<&[u8]> {
    (bytes.first() == Some(&0x30) && der_length(bytes).is_some_and(|length| length <= bytes.len()))
        .then_some(bytes)
}

/// A sequence that begins with version 3 and a sequence (RFC 7292 4).
fn is_pkcs12(der: &[u8]) -> bool {
    content(der).is_some_and(|content| content.starts_with(&[0x02, 0x01, 0x03, 0x30]))
}

/// What is in the sequence at the beginning.
fn content(der: &[u8]) -> Option<&[u8]> {
    let (_, header) = lengths(der)?;
    der.get(header..)
}

/// How long the value at the beginning is, with its header.
fn der_length(der: &[u8]) -> Option<usize> {
    let (length, header) = lengths(der)?;
    length.checked_add(header)
}

/// The length of the value at the beginning, and that of its header.
fn lengths(der: &[u8]) -> Option<(usize, usize)> {
    let first = usize::from(*der.get(1)?);
    if first < 0x80 {
        return Some((first, 2));
    }
    let bytes = der.get(2..2 + (first - 0x80))?;
    // Longer lengths are of no file that we read.
    let fits = (1..=4).contains(&bytes.len());
    let length = bytes.iter().fold(0, |length, byte| length << 8 | usize::from(*byte));
    fits.then_some((length, 2 + bytes.len()))
}

/// What the library says first: the rest is where it was at that moment.
fn words(error: &ErrorStack) -> String {
    let first = error.errors().first().and_then(|error| error.reason());
    first.unwrap_or("the library cannot read it").to_owned()
}
