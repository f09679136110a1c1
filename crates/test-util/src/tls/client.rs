//! What a foreign TLS client is told, whichever it is.

use std::path::PathBuf;

use crate::certificates::{Authority, Leaf};
use crate::tls::TlsVersion;
use crate::tls::version::Versions;
use crate::tool::TempFolder;

/// The name a foreign TLS client asks for, and what it trusts: [`s_client`](crate::s_client),
/// [`python_tls`](crate::python_tls), [`curl_tls`](crate::curl_tls).
///
/// By default it speaks TLS 1.2 and 1.3 with the ciphers of its library, verifies nothing, offers no ALPN but what curl
/// offers by itself, and has no certificate.
#[derive(Clone)]
#[must_use = "these are words for a client that is yet to run"]
pub struct ClientTls {
    pub(crate) name: String,
    pub(crate) sends_name: bool,
    pub(crate) alpn: Vec<String>,
    ca: Option<Authority>,
    identity: Option<Leaf>,
    versions: Versions,
    ciphers: Option<String>,
}

/// The same, with everything in files.
pub(crate) struct Files {
    /// What is trusted, when anything is verified.
    pub(crate) ca: Option<PathBuf>,
    /// The client's own certificate and key.
    pub(crate) identity: Option<(PathBuf, PathBuf)>,
}

impl ClientTls {
    /// A client of this host name, which it sends (SNI) and, once it trusts somebody, verifies.
    pub fn new(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            sends_name: true,
            alpn: Vec::new(),
            ca: None,
            identity: None,
            versions: Versions::CURRENT,
            ciphers: None,
        }
    }

    /// Verifies the server's chain up to this authority, and its name.
    pub fn trusting(mut self, ca: &Authority) -> Self {
        self.ca = Some(ca.clone());
        self
    }

    /// Sends no name. [`python_tls`](crate::python_tls) then verifies the chain alone, and
    /// [`curl_tls`](crate::curl_tls) the address in place of the name.
    pub fn without_name(mut self) -> Self {
        self.sends_name = false;
        self
    }

    /// The application protocols it offers, the most wanted first. curl knows `http/1.1` and `h2` alone.
    pub fn alpn(mut self, protocols: &[&str]) -> Self {
        self.alpn = protocols.iter().map(|protocol| (*protocol).to_owned()).collect();
        self
    }

    /// The oldest and the newest version it speaks.
    pub fn versions(mut self, min: TlsVersion, max: TlsVersion) -> Self {
        self.versions = Versions { min, max };
        self
    }

    /// Its ciphers up to TLS 1.2, in OpenSSL's words.
    pub fn ciphers(mut self, list: &str) -> Self {
        self.ciphers = Some(list.to_owned());
        self
    }

    /// The certificate it shows when it is asked for one.
    pub fn identity(mut self, leaf: &Leaf) -> Self {
        self.identity = Some(leaf.clone());
        self
    }

    pub(crate) fn files(&self, folder: &TempFolder) -> Files {
        Files {
            ca: self.ca.as_ref().map(|ca| ca.write(folder)),
            identity: self.identity.as_ref().map(|leaf| leaf.write(folder)),
        }
    }

    pub(crate) fn version_range(&self) -> Versions {
        self.versions
    }

    pub(crate) fn cipher_list(&self) -> Option<String> {
        self.ciphers.clone().or_else(|| self.versions.ciphers())
    }
}
