//! Options made ready for the library.

use std::sync::Arc;

use gorge_error::Result;
use openssl::ssl::{SslContext, SslContextBuilder, SslMethod, SslSessionCacheMode, SslVerifyMode};

use crate::client::endpoint::{self, Endpoint};
use crate::client::name::Host;
use crate::client::options::{ClientOptions, Sni};
use crate::client::verify;
use crate::options::{Common, alpn_wire, because, library, wrong};
use crate::roots::Trusted;
use crate::{Certificate, Version, psk};

/// Makes TLS of connections to servers. A clone is the same connector.
#[derive(Clone)]
pub struct Connector(Arc<Inner>);

pub(crate) struct Inner {
    pub(crate) options: ClientOptions,
    pub(crate) context: SslContext,
    /// The other name that a certificate may be for.
    pub(crate) alternative: Option<Host>,
    /// What is sent in place of the name that is asked for.
    pub(crate) sni: Option<Host>,
    /// Kept for other connectors to share.
    _trusted: Option<Arc<Trusted>>,
}

impl Connector {
    /// A connector of these options.
    ///
    /// # Errors
    /// [`Kind::Configuration`](gorge_error::Kind::Configuration): the library does not know what is asked for,
    /// or a name is none; [`Kind::CertificateInvalid`](gorge_error::Kind::CertificateInvalid): there are no CA
    /// certificates to verify with, or they are broken.
    pub fn new(options: ClientOptions) -> Result<Self> {
        let mut context = SslContext::builder(SslMethod::tls_client()).map_err(library)?;
        common(&mut context, &options)?;
        if !options.alpn.is_empty() {
            context.set_alpn_protos(&alpn_wire(&options.alpn)?).map_err(library)?;
        }
        let trusted = verification(&mut context, &options)?;
        if let Some(certificate) = &options.certificate {
            show(&mut context, certificate)?;
        }
        if let Some(psk) = &options.psk {
            psk.install_client(&mut context)?;
        }
        if let Some(key_log) = &options.key_log {
            key_log.install(&mut context);
        }
        context.set_session_cache_mode(SslSessionCacheMode::CLIENT | SslSessionCacheMode::NO_INTERNAL);
        context.set_new_session_callback(endpoint::keep_session);
        let alternative =
            options.alternative_name.as_deref().map(|name| host("alternative_name", name)).transpose()?;
        let sni = match &options.sni {
            Sni::Name(name) => Some(host("sni", name)?),
            Sni::Same | Sni::Off => None,
        };
        let inner = Inner { context: context.build(), alternative, sni, options, _trusted: trusted };
        Ok(Self(Arc::new(inner)))
    }

    /// The other end that has this name, or IP address: it is sent and verified, as the options say.
    #[must_use]
    pub fn to(&self, name: &str) -> Endpoint {
        Endpoint::new(self.clone(), name)
    }

    pub(crate) fn inner(&self) -> &Inner {
        &self.0
    }
}

fn host(option: &str, text: &str) -> Result<Host> {
    Host::parse(text)
        .ok_or_else(|| wrong(format!("`{option}`: {text:?} is neither a host name nor an IP address")))
}

fn common(context: &mut SslContextBuilder, options: &ClientOptions) -> Result<()> {
    let mut common = Common {
        min_version: options.min_version,
        max_version: options.max_version,
        ciphers: options.ciphers.as_deref(),
        groups: options.groups.as_deref(),
    };
    if options.psk.is_some() {
        common.ciphers = common.ciphers.or(Some(psk::CIPHERS));
        // BoringSSL has keys of this kind in TLS 1.2 alone.
        if cfg!(boringssl) {
            if options.min_version > Version::Tls12 {
                return Err(wrong(
                    "BoringSSL, which this program runs on, takes pre-shared keys in TLS 1.2 alone",
                ));
            }
            common.max_version = Version::Tls12;
        }
    }
    common.apply(context)
}

fn verification(context: &mut SslContextBuilder, options: &ClientOptions) -> Result<Option<Arc<Trusted>>> {
    if !options.verify || options.psk.is_some() {
        context.set_verify(SslVerifyMode::NONE);
        return Ok(None);
    }
    let trusted = options.roots.store()?;
    context.set_cert_store(trusted.store());
    context.set_verify_callback(SslVerifyMode::PEER, verify::judge);
    Ok(Some(trusted))
}

/// The certificate for servers that ask for one, with its chain.
fn show(context: &mut SslContextBuilder, certificate: &Certificate) -> Result<()> {
    let [leaf, above @ ..] = certificate.chain() else { return Ok(()) };
    let refused = |error| because("the TLS library refuses the client certificate", error);
    context.set_certificate(leaf).map_err(refused)?;
    context.set_private_key(certificate.key()).map_err(refused)?;
    above.iter().try_for_each(|one| context.add_extra_chain_cert(one.clone())).map_err(refused)
}

impl std::fmt::Debug for Connector {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Connector").field("options", &self.0.options).finish_non_exhaustive()
    }
}
