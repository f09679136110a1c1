//! What a server is told.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use gorge_digest::TlsDigest;

use crate::server::psk::PskFinder;
use crate::server::resolver::Resolver;
use crate::{KeyLog, Roots, TicketKeys, Version};

/// Called with what was agreed on, which it may add its own value to, when a handshake is done.
pub(crate) type OnHandshake = dyn Fn(&mut TlsDigest) + Send + Sync;

/// How an [`Acceptor`](crate::Acceptor) speaks.
#[derive(Clone)]
#[non_exhaustive]
pub struct ServerOptions {
    /// Application protocols, the preferred first (RFC 7301). Default `http/1.1`. A client that offers
    /// only others is refused; one that offers none is not.
    pub alpn: Vec<String>,
    /// The oldest version spoken. Default TLS 1.2.
    pub min_version: Version,
    /// The newest version spoken. Default TLS 1.3.
    pub max_version: Version,
    /// Cipher suites for TLS 1.2, in the library's words. Default those of Mozilla's intermediate
    /// configuration.
    pub ciphers: Option<String>,
    /// Groups for the key exchange, in order. Default X25519MLKEM768 where the library has it, X25519,
    /// P-256, P-384.
    pub groups: Option<Vec<String>>,
    /// Whether clients show a certificate too. Default off.
    pub client_auth: ClientAuth,
    /// How many certificates may stand between a client's and one of the roots. Default 2; without effect
    /// where clients show none.
    pub client_depth: u32,
    /// Whether clients may go on with an earlier session. Default true.
    pub session_tickets: bool,
    /// How long they may, in whole seconds. Default 300 s.
    pub session_lifetime: Duration,
    /// The keys that such sessions are kept with; share them to resume at another acceptor, too. Default
    /// its own.
    pub ticket_keys: Option<TicketKeys>,
    /// For how long a handshake may take. Default 10 s.
    pub handshake_timeout: Duration,
    /// Who finds certificates for names that no certificate is for. Default nobody: the default is shown.
    pub resolver: Option<Arc<dyn Resolver>>,
    /// Who knows keys that were given to clients beforehand. Default nobody.
    pub psk: Option<Arc<dyn PskFinder>>,
    /// Where the secrets of sessions are written. Default nowhere.
    pub key_log: Option<KeyLog>,
    /// Called with what was agreed on, at the end of each handshake; its
    /// [`extension`](TlsDigest::extension) is free for a value of one's own. It must not block.
    pub on_handshake: Option<Arc<OnHandshake>>,
}

/// Whether a client shows a certificate.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub enum ClientAuth {
    /// It is not asked for one.
    #[default]
    Off,
    /// It is asked. What became of it is in the digest ([`TlsDigest::peer_verified`]), and nothing is
    /// refused.
    Optional(Roots),
    /// The handshake fails without one that leads to these.
    Required(Roots),
}

impl Default for ServerOptions {
    fn default() -> Self {
        Self {
            alpn: vec!["http/1.1".to_owned()],
            min_version: Version::Tls12,
            max_version: Version::Tls13,
            ciphers: None,
            groups: None,
            client_auth: ClientAuth::Off,
            client_depth: 2,
            session_tickets: true,
            session_lifetime: Duration::from_secs(300),
            ticket_keys: None,
            handshake_timeout: Duration::from_secs(10),
            resolver: None,
            psk: None,
            key_log: None,
            on_handshake: None,
        }
    }
}

impl fmt::Debug for ServerOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ServerOptions")
            .field("alpn", &self.alpn)
            .field("min_version", &self.min_version)
            .field("max_version", &self.max_version)
            .field("client_auth", &self.client_auth)
            .field("session_tickets", &self.session_tickets)
            .field("key_log", &self.key_log)
            .finish_non_exhaustive()
    }
}
