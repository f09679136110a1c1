//! TLS on both sides of `gorge proxy`.

use gorge::error::Error;
use gorge::protocols::Address;
use gorge::proxy::Level;
use gorge::server::Listen;
use gorge::tls::{Acceptor, Certificate, Certificates, ClientOptions, Connector, ServerOptions};
use gorge::upstream::{Peer, PeerBuilder};

use crate::args::ProxyArguments;
use crate::build::logs::Log;
use crate::failure::Failure;
use crate::target::Target;
use crate::{certificates, tls};

/// How origins are spoken to.
pub(super) struct Speaker(Option<Connector>);

impl Speaker {
    pub(super) fn new(arguments: &ProxyArguments, log: &Log) -> Result<Self, Failure> {
        if !arguments.to.iter().any(|target| target.tls) {
            return match arguments.insecure {
                false => Ok(Self(None)),
                true => Err(Failure::usage(
                    "--insecure is for origins over TLS, and there is none; write it as in --to https://127.0.0.1:8443",
                )),
            };
        }
        let mut options = ClientOptions::default();
        options.verify = !arguments.insecure;
        if arguments.insecure {
            let text =
                "--insecure: certificates of origins are not verified, so nobody knows who answers there";
            log.note(Level::Warn, text);
        }
        Connector::new(options).map(|connector| Self(Some(connector))).map_err(refused)
    }

    /// What makes a peer of an address of this origin, which is asked for as it was typed.
    pub(super) fn to(
        &self,
        target: &Target,
    ) -> impl Fn(Address) -> PeerBuilder + Send + Sync + use<> + 'static {
        let connector = self.0.clone().filter(|_| target.tls);
        let name = match &target.address {
            Address::Name(host, _) => host.to_string(),
            Address::Ip(address) => address.ip().to_string(),
            // Has no name, and no TLS.
            _ => String::new(),
        };
        move |address| match &connector {
            Some(connector) => Peer::builder(address).tls(connector.to(&name)),
            None => Peer::builder(address),
        }
    }
}

/// Clients are shown the certificate of the command line, if there is one.
pub(super) fn listen(listen: &mut Listen, arguments: &ProxyArguments, log: &Log) -> Result<(), Failure> {
    let (Some(cert), Some(key)) = (&arguments.tls_cert, &arguments.tls_key) else { return Ok(()) };
    let certificate = Certificate::read(cert, key)
        .map_err(|fault| Failure::configuration(tls::why_unusable(&fault, cert, key)))?;
    certificates::tell_one(&certificate, log, true);
    if tls::is_readable_by_all(key) {
        let text = format!("everybody on this machine may read the private key {}", key.display());
        log.note(Level::Warn, text);
    }
    let acceptor = Acceptor::new(ServerOptions::default(), Certificates::new().with(certificate));
    listen.tls = Some(acceptor.map_err(refused)?);
    Ok(())
}

#[expect(clippy::needless_pass_by_value, reason = "for map_err")]
fn refused(error: Error) -> Failure {
    Failure::refused(&error)
}
