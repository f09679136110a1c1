//! What an OCSP responder would say.

use crate::certificates::{Authority, Leaf};
use crate::tls::openssl;
use crate::tool::TempFolder;

/// What is said about a certificate (RFC 6960 section 2.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OcspStatus {
    /// Not revoked.
    Good,
    /// Revoked.
    Revoked,
    /// The responder knows of no such certificate.
    Unknown,
}

impl Authority {
    /// An OCSP response in DER about a certificate that this authority signed, signed by its key and valid for `days`
    /// from now on; the program `openssl` makes it.
    ///
    /// # Panics
    /// When the program is missing, or the certificate is not one of this authority's.
    pub fn ocsp_response(&self, leaf: &Leaf, status: OcspStatus, days: u32) -> Vec<u8> {
        let folder = TempFolder::new();
        let file = |name: &str, content: &str| folder.write(name, content).display().to_string();
        let (ca, key) = (file("ca.pem", &self.pem()), file("ca.key", &self.key_pem()));
        let cert = file("cert.pem", &leaf.cert_pem());
        let index = file("index", &index(&cert, status));
        let out = folder.path().join("response.der");
        let (response, days) = (out.display().to_string(), days.to_string());
        openssl(&[
            "ocsp",
            "-index",
            &index,
            "-CA",
            &ca,
            "-rsigner",
            &ca,
            "-rkey",
            &key,
            "-issuer",
            &ca,
            "-cert",
            &cert,
            "-ndays",
            &days,
            "-no_nonce",
            "-noverify",
            "-respout",
            &response,
        ])
        .succeeded();
        std::fs::read(&out).unwrap_or_else(|e| panic!("openssl made no {}: {e}", out.display()))
    }
}

/// The database of `openssl ca` with at most one line: state, expiry, revocation, serial, file, subject.
fn index(cert: &str, status: OcspStatus) -> String {
    let serial = openssl(&["x509", "-in", cert, "-noout", "-serial"]).succeeded();
    let serial = serial.trim().trim_start_matches("serial=").to_owned();
    let line =
        |state: &str, revoked: &str| format!("{state}\t491231235959Z\t{revoked}\t{serial}\tunknown\t/CN=x\n");
    match status {
        OcspStatus::Good => line("V", ""),
        OcspStatus::Revoked => line("R", "200101000000Z"),
        OcspStatus::Unknown => String::new(),
    }
}
