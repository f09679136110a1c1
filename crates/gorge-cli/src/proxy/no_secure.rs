//! In the place of `secure.rs`, for a program without a TLS library.

use gorge::protocols::Address;
use gorge::server::Listen;
use gorge::upstream::{Peer, PeerBuilder};

use crate::args::ProxyArguments;
use crate::build::logs::Log;
use crate::failure::Failure;
use crate::target::Target;

/// In the clear.
pub(super) struct Speaker;

impl Speaker {
    pub(super) fn new(arguments: &ProxyArguments, _: &Log) -> Result<Self, Failure> {
        match arguments.insecure || arguments.to.iter().any(|target| target.tls) {
            false => Ok(Self),
            true => Err(without_tls()),
        }
    }

    #[expect(clippy::unused_self, reason = "with TLS it is used")]
    pub(super) fn to(&self, _: &Target) -> impl Fn(Address) -> PeerBuilder + Send + Sync + use<> + 'static {
        Peer::builder
    }
}

pub(super) fn listen(_: &mut Listen, arguments: &ProxyArguments, _: &Log) -> Result<(), Failure> {
    match &arguments.tls_cert {
        None => Ok(()),
        Some(_) => Err(without_tls()),
    }
}

fn without_tls() -> Failure {
    Failure::usage("this gorge was built without TLS")
}
