//! The side that verifies.

use std::collections::VecDeque;
use std::future::poll_fn;
use std::net::IpAddr;
use std::pin::Pin;
use std::sync::{Arc, OnceLock};

use gorge_async_io::Stream;
use gorge_digest::TlsDigest;
use gorge_error::Result;
use openssl::ex_data::Index;
use openssl::ssl::{
    Ssl, SslContext, SslMethod, SslRef, SslSession, SslSessionCacheMode, SslVerifyMode, SslVersion,
};
use openssl::x509::X509;
use openssl::x509::store::X509StoreBuilder;
use openssl::x509::verify::X509CheckFlags;
use parking_lot::Mutex;
use tokio_openssl::SslStream;

use crate::options::{Common, alpn_wire, because, library};
use crate::wire::Wire;
use crate::{Certificate, TlsStream, Version, failure};

/// Whose signature makes a certificate good.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Roots {
    /// Those of the system.
    #[default]
    System,
    /// These, in PEM.
    Pem(Arc<[u8]>),
}

/// How a [`Connector`] speaks.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ClientOptions {
    /// Whether the other side's certificate must lead to one of `roots` and be valid. Default true.
    pub verify: bool,
    /// Whether it must be for the name that is asked for. Default true; without effect unless `verify`.
    pub verify_host: bool,
    /// Whose signature makes it good. Default the system's.
    pub roots: Roots,
    /// Another name that the certificate may be for. Default none.
    pub alternative_name: Option<String>,
    /// What is shown to a server that asks. Default nothing.
    pub certificate: Option<Certificate>,
    /// Application protocols, the preferred first (RFC 7301). Default `http/1.1`.
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
}

impl Default for ClientOptions {
    fn default() -> Self {
        Self {
            verify: true,
            verify_host: true,
            roots: Roots::System,
            alternative_name: None,
            certificate: None,
            alpn: vec!["http/1.1".to_owned()],
            min_version: Version::Tls12,
            max_version: Version::Tls13,
            ciphers: None,
            groups: None,
        }
    }
}

/// All of the options that decide who may be at the other end and how we appear there: connections of
/// equal ones can stand in for each other.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Identity {
    name: Box<str>,
    verify: bool,
    verify_host: bool,
    roots: Roots,
    alternative_name: Option<String>,
    certificate: Option<[u8; 32]>,
    alpn: Vec<String>,
    versions: (Version, Version),
    ciphers: Option<String>,
    groups: Option<Vec<String>>,
}

/// Makes TLS of connections to servers. A clone is the same connector.
#[derive(Clone)]
pub struct Connector(Arc<Inner>);

struct Inner {
    options: ClientOptions,
    context: SslContext,
}

impl Connector {
    /// A connector of these options.
    ///
    /// # Errors
    /// [`Kind::Configuration`](gorge_error::Kind::Configuration): the library does not know what is asked for.
    pub fn new(options: ClientOptions) -> Result<Self> {
        let mut context = SslContext::builder(SslMethod::tls_client()).map_err(library)?;
        let ClientOptions { min_version, max_version, ciphers, groups, .. } = &options;
        Common {
            min_version: *min_version,
            max_version: *max_version,
            ciphers: ciphers.as_deref(),
            groups: groups.as_deref(),
        }
        .apply(&mut context)?;
        context.set_alpn_protos(&alpn_wire(&options.alpn)?).map_err(library)?;
        if options.verify {
            match &options.roots {
                Roots::System => context.set_default_verify_paths().map_err(library)?,
                Roots::Pem(pem) => context.set_cert_store(store(pem)?.build()),
            }
            context.set_verify(SslVerifyMode::PEER);
        } else {
            context.set_verify(SslVerifyMode::NONE);
        }
        if let Some(certificate) = &options.certificate
            && let [leaf, above @ ..] = certificate.chain()
        {
            context.set_certificate(leaf).map_err(library)?;
            context.set_private_key(certificate.key()).map_err(library)?;
            above.iter().try_for_each(|one| context.add_extra_chain_cert(one.clone())).map_err(library)?;
        }
        let index = slot()?;
        context.set_session_cache_mode(SslSessionCacheMode::CLIENT | SslSessionCacheMode::NO_INTERNAL);
        context.set_new_session_callback(move |ssl, session| {
            if let Some(sessions) = ssl.ex_data(index) {
                sessions.keep(session);
            }
        });
        Ok(Self(Arc::new(Inner { context: context.build(), options })))
    }

    /// The other end that has this name, or IP address: it is sent (RFC 6066 3) and verified.
    #[must_use]
    pub fn to(&self, name: &str) -> Endpoint {
        let options = &self.0.options;
        let identity = Identity {
            name: name.into(),
            verify: options.verify,
            verify_host: options.verify_host,
            roots: options.roots.clone(),
            alternative_name: options.alternative_name.clone(),
            certificate: options.certificate.as_ref().map(Certificate::sha256),
            alpn: options.alpn.clone(),
            versions: (options.min_version, options.max_version),
            ciphers: options.ciphers.clone(),
            groups: options.groups.clone(),
        };
        Endpoint { connector: self.clone(), identity: Arc::new(identity), sessions: Sessions::default() }
    }
}

fn store(pem: &[u8]) -> Result<X509StoreBuilder> {
    let roots =
        X509::stack_from_pem(pem).map_err(|error| because("the CA certificates are no PEM", error))?;
    let mut store = X509StoreBuilder::new().map_err(library)?;
    roots.into_iter().try_for_each(|root| store.add_cert(root)).map_err(library)?;
    Ok(store)
}

/// One server as a connector speaks with it, and the session to go on with there. A clone shares it.
#[derive(Clone)]
pub struct Endpoint {
    connector: Connector,
    identity: Arc<Identity>,
    sessions: Sessions,
}

impl Endpoint {
    /// What its connections have in common.
    #[must_use]
    pub fn identity(&self) -> &Arc<Identity> {
        &self.identity
    }

    /// Sends `preface` as it is, and makes the handshake. It keeps no time.
    ///
    /// # Errors
    /// The server's fault, and another attempt is safe: nothing was asked yet.
    pub async fn connect<S: Stream>(&self, stream: S, preface: &[u8]) -> Result<TlsStream<S>> {
        let ssl = self.prepare()?;
        let mut tls = SslStream::new(ssl, Wire::new(stream, preface)).map_err(library)?;
        let done = poll_fn(|cx| Pin::new(&mut tls).poll_connect(cx)).await;
        if let Err(error) = done {
            return Err(failure::of_connect(error, &self.identity.name, tls.ssl().verify_result()));
        }
        let ssl = tls.ssl();
        if ssl.session_reused()
            && ssl.version2() == Some(SslVersion::TLS1_2)
            && let Some(session) = ssl.session()
        {
            // TLS 1.2 brings none anew, and allows this one again.
            self.sessions.keep(session.to_owned());
        }
        let digest = digest(ssl, &self.identity.name);
        Ok(TlsStream::new(tls, digest))
    }

    fn prepare(&self) -> Result<Ssl> {
        let Inner { options, context } = &*self.connector.0;
        let name = &*self.identity.name;
        let mut ssl = Ssl::new(context).map_err(library)?;
        let ip: Option<IpAddr> = name.parse().ok();
        if ip.is_none() {
            ssl.set_hostname(name).map_err(library)?;
        }
        if options.verify && options.verify_host {
            let param = ssl.param_mut();
            param.set_hostflags(X509CheckFlags::NO_PARTIAL_WILDCARDS);
            match ip {
                Some(ip) => param.set_ip(ip).map_err(library)?,
                None => param.set_host(name).map_err(library)?,
            }
        }
        ssl.set_ex_data(slot()?, self.sessions.clone());
        if let Some(session) = self.sessions.take() {
            // SAFETY: it was made by a connection of this very context: an endpoint has one connector.
            unsafe { ssl.set_session(&session) }.map_err(library)?;
        }
        Ok(ssl)
    }
}

impl std::fmt::Debug for Connector {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Connector").field("options", &self.0.options).finish_non_exhaustive()
    }
}

impl std::fmt::Debug for Endpoint {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Endpoint").field("identity", &self.identity).finish_non_exhaustive()
    }
}

/// Sessions kept for each endpoint: enough for connections that are made at the same time.
const SESSIONS: usize = 8;

/// The newest sessions of an endpoint. Each is used once, as TLS 1.3 wants it (RFC 8446 C.4); a connection
/// brings new ones.
#[derive(Clone, Default)]
struct Sessions(Arc<Mutex<VecDeque<SslSession>>>);

impl Sessions {
    fn keep(&self, session: SslSession) {
        let mut sessions = self.0.lock();
        if sessions.len() == SESSIONS {
            sessions.pop_front();
        }
        sessions.push_back(session);
    }

    fn take(&self) -> Option<SslSession> {
        self.0.lock().pop_back()
    }
}

/// Where a connection keeps whose sessions it makes.
fn slot() -> Result<Index<Ssl, Sessions>> {
    static INDEX: OnceLock<Index<Ssl, Sessions>> = OnceLock::new();
    if let Some(index) = INDEX.get() {
        return Ok(*index);
    }
    let made = Ssl::new_ex_index().map_err(library)?;
    Ok(*INDEX.get_or_init(|| made))
}

fn digest(ssl: &SslRef, name: &str) -> TlsDigest {
    TlsDigest {
        version: Some(ssl.version_str()),
        cipher: ssl.current_cipher().map(openssl::ssl::SslCipherRef::name),
        alpn: ssl.selected_alpn_protocol().map(Into::into),
        sni: Some(name.into()),
        resumed: Some(ssl.session_reused()),
        early_data: None,
        certificate_asked: false,
        peer_certificate: None,
        peer_fault: None,
        ..TlsDigest::default()
    }
}
