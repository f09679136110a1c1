//! What a foreign TLS server is told, whichever it is.

use std::path::PathBuf;

use crate::certificates::{Authority, Leaf};
use crate::tls::TlsVersion;
use crate::tls::version::Versions;
use crate::tool::TempFolder;

/// The certificate and the demands of a foreign TLS server: [`Nginx::start_tls`](crate::Nginx::start_tls),
/// [`PythonTlsOrigin`](crate::PythonTlsOrigin), [`SServer`](crate::SServer).
///
/// By default it speaks TLS 1.2 and 1.3 with the ciphers of its library and asks for no client certificate.
#[derive(Clone)]
#[must_use = "these are words for a server that is yet to start"]
pub struct ServerTls {
    leaf: Leaf,
    versions: Versions,
    ciphers: Option<String>,
    client: Option<Demand>,
}

/// A client certificate is asked for.
#[derive(Clone)]
struct Demand {
    ca: Authority,
    required: bool,
}

/// The same, with everything in files.
pub(crate) struct Files {
    pub(crate) cert: PathBuf,
    pub(crate) key: PathBuf,
    /// The authorities of clients, when they are asked for a certificate.
    pub(crate) client_ca: Option<PathBuf>,
}

impl ServerTls {
    /// A server with this certificate.
    pub fn new(leaf: &Leaf) -> Self {
        Self { leaf: leaf.clone(), versions: Versions::CURRENT, ciphers: None, client: None }
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

    /// Clients must show a certificate of this authority.
    pub fn client_required(mut self, ca: &Authority) -> Self {
        self.client = Some(Demand { ca: ca.clone(), required: true });
        self
    }

    /// Clients may show a certificate, and if so of this authority.
    pub fn client_optional(mut self, ca: &Authority) -> Self {
        self.client = Some(Demand { ca: ca.clone(), required: false });
        self
    }

    pub(crate) fn files(&self, folder: &TempFolder) -> Files {
        let (cert, key) = self.leaf.write(folder);
        Files { cert, key, client_ca: self.client.as_ref().map(|demand| demand.ca.write(folder)) }
    }

    pub(crate) fn version_range(&self) -> Versions {
        self.versions
    }

    pub(crate) fn cipher_list(&self) -> Option<String> {
        self.ciphers.clone().or_else(|| self.versions.ciphers())
    }

    /// Whether a client certificate is required; `None` when none is asked for.
    pub(crate) fn client_is_required(&self) -> Option<bool> {
        self.client.as_ref().map(|demand| demand.required)
    }
}
