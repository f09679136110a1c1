//! The side that shows certificates.

use std::ffi::{c_int, c_void};
use std::future::poll_fn;
use std::pin::Pin;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use arc_swap::ArcSwap;
use foreign_types::ForeignTypeRef;
use gorge_async_io::Stream;
use gorge_digest::TlsDigest;
use gorge_error::{Error, Kind, Result};
use gorge_timeout::timeout;
use openssl::ex_data::Index;
use openssl::ssl::{
    AlpnError, NameType, Ssl, SslContext, SslContextBuilder, SslMethod, SslOptions, SslRef,
    SslSessionCacheMode,
};
use openssl_sys as sys;
use tokio_openssl::SslStream;

use crate::options::{Common, library, wrong};
use crate::wire::Wire;
use crate::{Certificate, Certificates, Roots, TicketKeys, TlsStream, Version, failure, ffi};

/// How an [`Acceptor`] speaks.
#[derive(Clone, Debug)]
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
    /// Whether clients may go on with an earlier session. Default true.
    pub session_tickets: bool,
    /// How long they may. Default 300 s.
    pub session_lifetime: Duration,
    /// The keys that such sessions are kept with; share them to resume at another acceptor. Default its
    /// own.
    pub ticket_keys: Option<TicketKeys>,
    /// For how long a handshake may take. Default 10 s.
    pub handshake_timeout: Duration,
}

/// Whether a client shows a certificate.
#[derive(Clone, Debug, Default)]
pub enum ClientAuth {
    /// It is not asked for one.
    #[default]
    Off,
    /// It is asked; the outcome is in the digest.
    Optional(Roots),
    /// The handshake fails without a good one.
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
            session_tickets: true,
            session_lifetime: Duration::from_secs(300),
            ticket_keys: None,
            handshake_timeout: Duration::from_secs(10),
        }
    }
}

/// Makes TLS of accepted connections. A clone is the same acceptor.
#[derive(Clone)]
pub struct Acceptor(Arc<Inner>);

struct Inner {
    options: ServerOptions,
    tickets: TicketKeys,
    shown: ArcSwap<Shown>,
}

/// The certificates of now, made ready for the library.
struct Shown {
    certificates: Certificates,
    /// One for each set of certificates.
    contexts: Vec<SslContext>,
}

impl Acceptor {
    /// An acceptor that shows these certificates.
    ///
    /// # Errors
    /// [`Kind::Configuration`]: there is no certificate, or the library does not know what is asked for.
    pub fn new(options: ServerOptions, certificates: Certificates) -> Result<Self> {
        let tickets = match &options.ticket_keys {
            Some(keys) => keys.clone(),
            None => TicketKeys::new()?,
        };
        let shown = Shown::new(&options, &tickets, certificates)?;
        Ok(Self(Arc::new(Inner { options, tickets, shown: ArcSwap::from_pointee(shown) })))
    }

    /// Shows other certificates from the next handshake on. Connections that stand are not touched.
    ///
    /// # Errors
    /// As for [`new`](Self::new); those of before stay.
    pub fn set_certificates(&self, certificates: Certificates) -> Result<()> {
        let Inner { options, tickets, shown } = &*self.0;
        shown.store(Arc::new(Shown::new(options, tickets, certificates)?));
        Ok(())
    }

    /// Makes the handshake.
    ///
    /// # Errors
    /// What went wrong, as the client's fault; whatever can be told to the client was told.
    pub async fn accept<S: Stream>(&self, stream: S) -> Result<TlsStream<S>> {
        let limit = self.0.options.handshake_timeout;
        match timeout(limit, self.handshake(stream)).await {
            Ok(done) => done,
            Err(_) => {
                let context = format!("the TLS handshake took longer than {limit:?}");
                Err(Error::explain(Kind::TlsTimedOut, context).into_downstream())
            }
        }
    }

    async fn handshake<S: Stream>(&self, stream: S) -> Result<TlsStream<S>> {
        let shown = self.0.shown.load_full();
        let mut ssl = Ssl::new(&shown.contexts[shown.certificates.default_set()]).map_err(library)?;
        if shown.contexts.len() > 1 {
            ssl.set_ex_data(asked()?, shown);
        }
        let mut tls = SslStream::new(ssl, Wire::new(stream, &[])).map_err(library)?;
        poll_fn(|cx| Pin::new(&mut tls).poll_accept(cx)).await.map_err(failure::of_accept)?;
        let digest = digest(tls.ssl());
        Ok(TlsStream::new(tls, digest))
    }
}

impl Shown {
    fn new(options: &ServerOptions, tickets: &TicketKeys, certificates: Certificates) -> Result<Self> {
        if certificates.sets().is_empty() {
            return Err(wrong("a server needs a certificate"));
        }
        let context = |set: &Vec<Certificate>| context(options, tickets, set);
        let contexts = certificates.sets().iter().map(context).collect::<Result<_>>()?;
        Ok(Self { certificates, contexts })
    }
}

/// What one set of certificates is shown with.
fn context(options: &ServerOptions, tickets: &TicketKeys, set: &[Certificate]) -> Result<SslContext> {
    let mut context = SslContext::builder(SslMethod::tls_server()).map_err(library)?;
    let ServerOptions { min_version, max_version, ciphers, groups, .. } = options;
    Common {
        min_version: *min_version,
        max_version: *max_version,
        ciphers: ciphers.as_deref(),
        groups: groups.as_deref(),
    }
    .apply(&mut context)?;
    set.iter().try_for_each(|certificate| show(&mut context, certificate))?;
    let protocols = options.alpn.clone();
    context.set_alpn_select_callback(move |_, offered| {
        select_protocol(&protocols, offered).ok_or(AlpnError::ALERT_FATAL)
    });
    resumption(&mut context, options, tickets)?;
    ffi::set_certificate_callback(&mut context, choose_certificate);
    Ok(context.build())
}

/// The first of ours that the client offers too.
fn select_protocol<'a>(ours: &[String], offered: &'a [u8]) -> Option<&'a [u8]> {
    let mut rest = offered;
    let offers = std::iter::from_fn(|| {
        let (length, behind) = rest.split_first()?;
        let (offer, behind) = behind.split_at_checked(usize::from(*length))?;
        rest = behind;
        Some(offer)
    });
    let offers: Vec<_> = offers.collect();
    ours.iter().find_map(|our| offers.iter().copied().find(|offer| *offer == our.as_bytes()))
}

/// Adds a certificate to those of a context.
fn show(context: &mut SslContextBuilder, certificate: &Certificate) -> Result<()> {
    #[cfg(not(boringssl))]
    {
        let [leaf, above @ ..] = certificate.chain() else { return Err(wrong("a certificate without one")) };
        context.set_certificate(leaf).map_err(library)?;
        context.set_private_key(certificate.key()).map_err(library)?;
        above.iter().try_for_each(|one| ffi::add_chain_certificate(context, one)).map_err(library)
    }
    #[cfg(boringssl)]
    {
        let der: std::result::Result<Vec<_>, _> =
            certificate.chain().iter().map(|one| one.to_der()).collect();
        ffi::add_credential(context, &der.map_err(library)?, certificate.key(), certificate.ocsp())
            .map_err(library)
    }
}

/// Lets clients go on with earlier sessions, by tickets alone: nothing is kept here.
fn resumption(context: &mut SslContextBuilder, options: &ServerOptions, tickets: &TicketKeys) -> Result<()> {
    context.set_session_cache_mode(SslSessionCacheMode::OFF);
    context.set_session_id_context(b"gorge").map_err(library)?;
    let seconds = u32::try_from(options.session_lifetime.as_secs()).unwrap_or(u32::MAX);
    ffi::set_session_lifetime(context, seconds);
    if options.session_tickets {
        return tickets.install(context);
    }
    context.set_options(SslOptions::NO_TICKET);
    #[cfg(not(boringssl))]
    context.set_num_tickets(0).map_err(library)?;
    Ok(())
}

/// Where a connection keeps what it can show.
fn asked() -> Result<Index<Ssl, Arc<Shown>>> {
    static INDEX: OnceLock<Index<Ssl, Arc<Shown>>> = OnceLock::new();
    if let Some(index) = INDEX.get() {
        return Ok(*index);
    }
    let made = Ssl::new_ex_index().map_err(library)?;
    Ok(*INDEX.get_or_init(|| made))
}

/// The library needs a certificate: the one for the name that the client asked for.
unsafe extern "C" fn choose_certificate(raw: *mut sys::SSL, _: *mut c_void) -> c_int {
    // SAFETY: the library calls with a live connection.
    let ssl = unsafe { SslRef::from_ptr(raw) };
    let Some(shown) = asked().ok().and_then(|index| ssl.ex_data(index)) else { return 1 };
    let Some(set) = ssl.servername(NameType::HOST_NAME).and_then(|name| shown.certificates.find(name)) else {
        return 1;
    };
    if set == shown.certificates.default_set() {
        return 1;
    }
    // SAFETY: the connection is alive; nothing borrowed from it is used after this.
    c_int::from(unsafe { ffi::switch_context(raw, &shown.contexts[set]) })
}

fn digest(ssl: &SslRef) -> TlsDigest {
    TlsDigest {
        version: Some(ssl.version_str()),
        cipher: ssl.current_cipher().map(openssl::ssl::SslCipherRef::name),
        alpn: ssl.selected_alpn_protocol().map(Into::into),
        sni: ssl.servername(NameType::HOST_NAME).map(Into::into),
        resumed: Some(ssl.session_reused()),
        early_data: None,
        certificate_asked: false,
        peer_certificate: None,
        peer_fault: None,
        ..TlsDigest::default()
    }
}

impl std::fmt::Debug for Acceptor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Acceptor").field("options", &self.0.options).finish_non_exhaustive()
    }
}
