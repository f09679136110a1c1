//! Making the handshake with clients.

use std::fmt;
use std::future::poll_fn;
use std::net::IpAddr;
use std::panic::AssertUnwindSafe;
use std::pin::Pin;
use std::sync::Arc;
use std::task::Poll;

use arc_swap::ArcSwap;
use gorge_async_io::Stream;
use gorge_digest::TlsDigest;
use gorge_error::{Error, Kind, Result};
use gorge_timeout::timeout;
use openssl::ssl::{self, NameType, Ssl, SslContext};
use openssl_sys as sys;
use tokio_openssl::SslStream;

use crate::options::{library, wrong};
use crate::roots::Trusted;
use crate::server::choose::{self, Choice, Wanted};
use crate::server::{context, failure, linger, plain_http};
use crate::store::Set;
use crate::wire::Wire;
use crate::{Certificate, Certificates, ClientAuth, ServerOptions, TicketKeys, TlsStream, digest};

/// Makes TLS of accepted connections. A clone is the same acceptor.
#[derive(Clone)]
pub struct Acceptor(Arc<Inner>);

struct Inner {
    options: ServerOptions,
    tickets: TicketKeys,
    shown: ArcSwap<Shown>,
}

/// The certificates of now, made ready for the library.
pub(super) struct Shown {
    pub(super) certificates: Certificates,
    context: SslContext,
    /// Kept for others to share.
    _trusted: Option<Arc<Trusted>>,
}

impl Acceptor {
    /// An acceptor that shows these certificates.
    ///
    /// # Errors
    /// [`Kind::Configuration`]: there is no certificate, or the library does not know what is asked for;
    /// [`Kind::CertificateInvalid`]: the roots for clients are broken.
    pub fn new(options: ServerOptions, certificates: Certificates) -> Result<Self> {
        let tickets = match &options.ticket_keys {
            Some(keys) => keys.clone(),
            None => TicketKeys::new()?,
        };
        let shown = Shown::new(&options, &tickets, certificates)?;
        Ok(Self(Arc::new(Inner { options, tickets, shown: ArcSwap::from_pointee(shown) })))
    }

    /// Shows other certificates from the next handshake on. Connections that stand, and handshakes under
    /// way, are not touched; sessions go on.
    ///
    /// # Errors
    /// As for [`new`](Self::new); those of before stay.
    pub fn set_certificates(&self, certificates: Certificates) -> Result<()> {
        let Inner { options, tickets, shown } = &*self.0;
        shown.store(Arc::new(Shown::new(options, tickets, certificates)?));
        Ok(())
    }

    /// The certificates of now.
    #[must_use]
    pub fn certificates(&self) -> Certificates {
        self.0.shown.load().certificates.clone()
    }

    /// The keys of sessions.
    #[must_use]
    pub fn ticket_keys(&self) -> &TicketKeys {
        &self.0.tickets
    }

    /// Makes the handshake.
    ///
    /// # Errors
    /// What went wrong, mostly as the client's fault; whatever can be told to the client was told.
    /// - [`Kind::PlainHttp`]: the client speaks HTTP in the clear. It was answered with 400;
    /// - [`Kind::ClosedEarly`]: it left;
    /// - [`Kind::CertificateMissing`], [`Kind::CertificateInvalid`], [`Kind::CertificateExpired`]: its
    ///   certificate is missing or not good;
    /// - [`Kind::AlpnMismatched`]: it offers no application protocol that is spoken here;
    /// - [`Kind::TlsTimedOut`]: it took too long;
    /// - [`Kind::TlsHandshakeFailed`]: anything else.
    pub async fn accept<S: Stream>(&self, stream: S) -> Result<TlsStream<S>> {
        let options = &self.0.options;
        let ssl = self.prepare()?;
        let mut tls = SslStream::new(ssl, Wire::new(stream, &[])).map_err(library)?;
        let limit = options.handshake_timeout;
        match timeout(limit, self.handshake(&mut tls)).await {
            Ok(Ok(())) => {
                let digest = self.digest(&tls);
                Ok(TlsStream::new(tls, digest))
            }
            // Outside of the limit, for what is told then is this error.
            Ok(Err(error)) => Err(refuse(error, tls, options).await),
            Err(_) => {
                let context = format!("the TLS handshake took longer than {limit:?}");
                Err(Error::explain(Kind::TlsTimedOut, context).into_downstream())
            }
        }
    }

    async fn handshake<S: Stream>(
        &self,
        tls: &mut SslStream<Wire<S>>,
    ) -> std::result::Result<(), ssl::Error> {
        while let Err(error) = poll_fn(|cx| Pin::new(&mut *tls).poll_accept(cx)).await {
            if error.code().as_raw() != sys::SSL_ERROR_WANT_X509_LOOKUP {
                return Err(error);
            }
            self.look_up(tls).await;
        }
        Ok(())
    }

    fn prepare(&self) -> Result<Ssl> {
        let shown = self.0.shown.load_full();
        let mut ssl = Ssl::new(&shown.context).map_err(library)?;
        ssl.set_ex_data(choose::slot()?, Choice::new(shown, self.0.options.resolver.is_some()));
        Ok(ssl)
    }

    /// Finds the certificates that the handshake waits for. A lookup that panics has found none.
    async fn look_up<S: Stream>(&self, tls: &mut SslStream<Wire<S>>) {
        let Some(choice) = choose::of(tls.ssl()) else { return };
        match choice.wanted() {
            Some(Wanted::Address) => choice.came_to(tls.get_ref().stream().and_then(local_address)),
            Some(Wanted::Name(name)) => {
                let found = match &self.0.options.resolver {
                    Some(resolver) => caught(|| resolver.resolve(&name)).await,
                    None => Vec::new(),
                };
                choice.found(Set::of(&found));
            }
            None => choice.found(Set::default()),
        }
    }

    fn digest<S: Stream>(&self, tls: &SslStream<Wire<S>>) -> TlsDigest {
        let ssl = tls.ssl();
        let mut digest = digest::digest(ssl, ssl.servername(NameType::HOST_NAME));
        digest.certificate_asked = self.0.options.client_auth != ClientAuth::Off;
        if let Some(told) = &self.0.options.on_handshake {
            told(&mut digest);
        }
        digest
    }
}

/// What the future finds; nothing if it, or the making of it, panics.
async fn caught(make: impl FnOnce() -> crate::Resolution) -> Vec<Certificate> {
    let Ok(mut lookup) = std::panic::catch_unwind(AssertUnwindSafe(make)) else { return Vec::new() };
    poll_fn(|cx| {
        let polled = std::panic::catch_unwind(AssertUnwindSafe(|| lookup.as_mut().poll(cx)));
        polled.unwrap_or(Poll::Ready(Vec::new()))
    })
    .await
}

fn local_address<S: Stream>(stream: &S) -> Option<IpAddr> {
    Some(stream.socket_digest().local?.ip()?.to_canonical())
}

/// Tells the client why, as far as it takes it, and says it to whoever asked.
async fn refuse<S: Stream>(error: ssl::Error, mut tls: SslStream<Wire<S>>, options: &ServerOptions) -> Error {
    let first = tls.get_ref().first_bytes();
    if plain_http::is(first) {
        plain_http::answer(tls.get_mut());
        linger::close(tls.get_mut()).await;
        let context = "the client speaks plain HTTP where TLS is spoken";
        return Error::because(Kind::PlainHttp, context, error).into_downstream();
    }
    let is_gone = error.io_error().is_some();
    let error = failure::of_handshake(error, tls.ssl(), first, options);
    if !is_gone {
        linger::close(tls.get_mut()).await;
    }
    error
}

impl Shown {
    fn new(options: &ServerOptions, tickets: &TicketKeys, certificates: Certificates) -> Result<Self> {
        if certificates.is_empty() && options.psk.is_none() {
            return Err(wrong("a server needs a certificate"));
        }
        // Those for other names are first needed in a handshake, which is too late to hear of it.
        context::try_to_show(options, certificates.iter())?;
        let (context, trusted) = context::build(options, tickets, certificates.default_set())?;
        Ok(Self { certificates, context, _trusted: trusted })
    }
}

impl fmt::Debug for Acceptor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Acceptor").field("options", &self.0.options).finish_non_exhaustive()
    }
}
