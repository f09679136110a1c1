//! One server, and the handshake with it.

use std::future::poll_fn;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::task::Poll;

use gorge_async_io::Stream;
use gorge_digest::TlsDigest;
use gorge_error::{Error, Kind, Result, Retryable};
use openssl::ex_data::Index;
use openssl::ssl::{Ssl, SslRef, SslSession, SslVersion};
use tokio_openssl::SslStream;

use crate::TlsStream;
use crate::client::connector::Connector;
use crate::client::failure;
use crate::client::identity::Identity;
use crate::client::name::Host;
use crate::client::options::{ClientOptions, Sni};
use crate::client::sessions::Sessions;
use crate::client::verify::{Fault, Found};
use crate::options::{library, wrong};
use crate::wire::Wire;

/// One server as a connector speaks with it, and the sessions to go on with there. A clone shares them.
#[derive(Clone)]
pub struct Endpoint(Arc<Inner>);

struct Inner {
    connector: Connector,
    identity: Arc<Identity>,
    /// `None` for a name that is none.
    host: Option<Host>,
    sessions: Sessions,
}

impl Endpoint {
    pub(crate) fn new(connector: Connector, name: &str) -> Self {
        let host = Host::parse(name);
        let name = host.as_ref().map_or_else(|| name.to_owned(), Host::to_string);
        let identity = Arc::new(Identity::new(&name, &connector.inner().options));
        Self(Arc::new(Inner { connector, identity, host, sessions: Sessions::default() }))
    }

    /// What its connections have in common.
    #[must_use]
    pub fn identity(&self) -> &Arc<Identity> {
        &self.0.identity
    }

    /// Finds out what [`connect`](Self::connect) would: whether the name is one.
    ///
    /// # Errors
    /// [`Kind::Configuration`]: it is neither a host name nor an IP address.
    pub fn check(&self) -> Result<()> {
        self.0.host().map(|_| ())
    }

    /// Sends `preface` as it is, and makes the handshake. It keeps no time.
    ///
    /// The client's last words of the handshake go out with the first write, or as soon as something is to be
    /// read; until then the server waits for them.
    ///
    /// # Errors
    /// Mostly the server's fault, with a text that says what is wrong and what can be done; another attempt is
    /// safe, for nothing was asked yet.
    /// - [`Kind::CertificateExpired`], [`Kind::CertificateMismatched`], [`Kind::CertificateInvalid`]: its
    ///   certificate, or ours in its eyes, is not valid at this time, for another name, or not good otherwise;
    /// - [`Kind::CertificateMissing`]: it showed none, or wants ours;
    /// - [`Kind::AlpnMismatched`]: it speaks none of the application protocols;
    /// - [`Kind::TlsHandshakeFailed`]: anything else.
    ///
    /// [`Kind::Configuration`]: the name is none.
    pub async fn connect<S: Stream>(&self, stream: S, preface: &[u8]) -> Result<TlsStream<S>> {
        let (ssl, resumes) = self.prepare()?;
        let mut tls = SslStream::new(ssl, Wire::new(stream, preface)).map_err(library)?;
        if let Err(error) = poll_fn(|cx| Pin::new(&mut tls).poll_connect(cx)).await {
            if resumes {
                // One of them may have been what the server stumbled over.
                self.0.sessions.clear();
            }
            let error = failure::of_handshake(error, &tls, &self.0.connector.inner().options);
            // Tells the other side why, as far as it takes it at once.
            poll_fn(|cx| {
                let _ = tls.get_mut().poll_send(cx);
                Poll::Ready(())
            })
            .await;
            return Err(error);
        }
        self.accept_outcome(tls.ssl())?;
        self.keep_renewed(tls.ssl());
        let digest = self.digest(tls.ssl(), resumes);
        Ok(TlsStream::new(tls, digest))
    }

    fn prepare(&self) -> Result<(Ssl, bool)> {
        let connector = self.0.connector.inner();
        let host = self.0.host()?;
        let mut ssl = Ssl::new(&connector.context).map_err(library)?;
        let sni = match connector.options.sni {
            Sni::Off => None,
            _ => connector.sni.as_ref().unwrap_or(host).as_sni(),
        };
        if let Some(sni) = sni {
            ssl.set_hostname(sni).map_err(library)?;
        }
        let session = self.0.sessions.take();
        if let Some(session) = &session {
            // SAFETY: it was made by a connection of this very context: an endpoint has one connector.
            unsafe { ssl.set_session(session) }.map_err(library)?;
        }
        ssl.set_ex_data(
            slot()?,
            Attempt { endpoint: self.clone(), fault: Found::new(), named: AtomicBool::new(false) },
        );
        Ok((ssl, session.is_some()))
    }

    /// With TLS 1.2 a session that is gone on with may have got a new ticket, of which the library does not tell.
    fn keep_renewed(&self, ssl: &SslRef) {
        if ssl.session_reused()
            && ssl.version2() == Some(SslVersion::TLS1_2)
            && let Some(session) = ssl.session()
        {
            self.0.sessions.keep(ssl, session.to_owned());
        }
    }

    /// The handshake is done; what the library did not look at itself.
    fn accept_outcome(&self, ssl: &SslRef) -> Result<()> {
        let name = self.identity().name();
        let ClientOptions { verify, verify_host, psk, alpn, .. } = &self.0.connector.inner().options;
        let refused = |kind, text| Err(Error::explain(kind, text).into_upstream().retryable(Retryable::Yes));
        if psk.is_some() {
            // A session goes on with one that was begun with the key.
            if !ssl.session_reused() && ssl.psk_identity().is_none() {
                let text = format!("{name} did not use the pre-shared key, and showed a certificate");
                return refused(Kind::TlsHandshakeFailed, text);
            }
        } else if *verify && *verify_host && !ssl.session_reused() {
            // That it was is due to the library's way of asking; nothing but good may come of a change there.
            let named = attempt(ssl).is_some_and(|attempt| attempt.named.load(Ordering::Relaxed));
            if !named {
                return refused(
                    Kind::CertificateMissing,
                    format!("{name} showed no certificate that was verified"),
                );
            }
        }
        let spoken = ssl.selected_alpn_protocol().unwrap_or(b"http/1.1");
        if !alpn.is_empty() && !alpn.iter().any(|offered| offered.as_bytes() == spoken) {
            let text = format!(
                "{name} speaks {} and none of the protocols it was offered: {}",
                String::from_utf8_lossy(spoken).escape_debug(),
                alpn.join(", ")
            );
            return refused(Kind::AlpnMismatched, text);
        }
        Ok(())
    }

    fn digest(&self, ssl: &SslRef, resumes: bool) -> TlsDigest {
        let mut digest = crate::digest::digest(ssl, ssl.servername(openssl::ssl::NameType::HOST_NAME));
        // For the library a pre-shared key is a session too.
        digest.resumed = Some(resumes && ssl.session_reused());
        digest
    }
}

impl Inner {
    fn host(&self) -> Result<&Host> {
        self.host.as_ref().ok_or_else(|| {
            let name = crate::client::verify::printable(self.identity.name());
            wrong(format!("\"{name}\" is neither a host name nor an IP address"))
        })
    }
}

/// What a connection knows of its own beginning.
pub(crate) struct Attempt {
    endpoint: Endpoint,
    fault: Found,
    /// The name in the certificate was looked at.
    named: AtomicBool,
}

impl Attempt {
    /// What it asks for.
    pub(crate) fn name(&self) -> &str {
        self.endpoint.identity().name()
    }

    pub(crate) fn options(&self) -> &ClientOptions {
        &self.endpoint.0.connector.inner().options
    }

    /// What the certificate may be for.
    pub(crate) fn hosts(&self) -> impl Iterator<Item = &Host> {
        self.endpoint.0.host.iter().chain(&self.endpoint.0.connector.inner().alternative)
    }

    pub(crate) fn name_was_looked_at(&self) {
        self.named.store(true, Ordering::Relaxed);
    }

    /// The first fault counts.
    pub(crate) fn refuse(&self, fault: Fault) {
        let _ = self.fault.set(fault);
    }

    /// What was found wrong.
    pub(crate) fn fault(&self) -> Option<&Fault> {
        self.fault.get()
    }
}

/// The beginning of a connection of a connector.
pub(crate) fn attempt(ssl: &SslRef) -> Option<&Attempt> {
    ssl.ex_data(slot().ok()?)
}

/// The library has a session to keep.
pub(crate) fn keep_session(ssl: &mut SslRef, session: SslSession) {
    if let Some(attempt) = attempt(ssl) {
        attempt.endpoint.0.sessions.keep(ssl, session);
    }
}

/// Where a connection keeps it.
fn slot() -> Result<Index<Ssl, Attempt>> {
    static INDEX: OnceLock<Index<Ssl, Attempt>> = OnceLock::new();
    if let Some(index) = INDEX.get() {
        return Ok(*index);
    }
    let made = Ssl::new_ex_index().map_err(library)?;
    Ok(*INDEX.get_or_init(|| made))
}

impl std::fmt::Debug for Endpoint {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Endpoint").field("identity", self.identity()).finish_non_exhaustive()
    }
}
