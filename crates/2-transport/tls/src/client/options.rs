//! What a connector can be told.

use crate::{Certificate, KeyLog, Psk, Roots, Version};

/// How a [`Connector`](crate::Connector) speaks.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ClientOptions {
    /// Whether the other side's certificate must lead to one of `roots` and be valid. Default true.
    pub verify: bool,
    /// Whether it must be for the name that is asked for, among its subject alternative names (RFC 9525 6).
    /// Default true; without effect unless `verify`.
    pub verify_host: bool,
    /// Whose signature makes it good; `ca` in the messages of errors. Default the system's.
    pub roots: Roots,
    /// Another name, or IP address, that the certificate may be for. Default none.
    pub alternative_name: Option<String>,
    /// The name that is sent ahead for the other side to choose its certificate by (RFC 6066 3). Default the
    /// one that is asked for. An IP address is never sent.
    pub sni: Sni,
    /// What is shown to a server that asks; `cert` and `key` in the messages of errors. Default nothing.
    pub certificate: Option<Certificate>,
    /// A key that the server has too: it then proves itself with that, and one that shows a certificate in its
    /// place is refused. `verify` and `verify_host` are without effect. On BoringSSL this is TLS 1.2 alone.
    /// Default none.
    pub psk: Option<Psk>,
    /// Application protocols, the preferred first (RFC 7301). Default `http/1.1`. A server that chooses none
    /// speaks `http/1.1`; if that is not among them, the handshake fails. Empty: none are offered.
    pub alpn: Vec<String>,
    /// The oldest version spoken. Default TLS 1.2.
    pub min_version: Version,
    /// The newest version spoken. Default TLS 1.3.
    pub max_version: Version,
    /// Cipher suites for TLS 1.2, in the library's words. Default those of Mozilla's intermediate
    /// configuration; with `psk` those that use it and keep earlier sessions secret.
    pub ciphers: Option<String>,
    /// Groups for the key exchange, in order. Default X25519MLKEM768 where the library has it, X25519,
    /// P-256, P-384. Other names of these, as `secp256r1`, are understood too.
    pub groups: Option<Vec<String>>,
    /// Where the secrets of all sessions are written. Default nowhere.
    pub key_log: Option<KeyLog>,
}

/// Which name a client sends ahead (RFC 6066 3).
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Sni {
    /// The one it asks for and verifies.
    #[default]
    Same,
    /// This one.
    Name(String),
    /// None.
    Off,
}

impl Default for ClientOptions {
    fn default() -> Self {
        Self {
            verify: true,
            verify_host: true,
            roots: Roots::System,
            alternative_name: None,
            sni: Sni::Same,
            certificate: None,
            psk: None,
            alpn: vec!["http/1.1".to_owned()],
            min_version: Version::Tls12,
            max_version: Version::Tls13,
            ciphers: None,
            groups: None,
            key_log: None,
        }
    }
}
