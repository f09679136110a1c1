//! Asking clients for their certificates.

use std::sync::Arc;

use gorge_error::Result;
use openssl::sha::Sha256;
use openssl::ssl::{SslContextBuilder, SslVerifyMode};
use openssl::x509::{X509StoreContextRef, X509VerifyResult};
use openssl_sys as sys;

use crate::client::is_self_signed;
use crate::options::library;
use crate::roots::Trusted;
use crate::{ClientAuth, Roots, ServerOptions};

/// Sets how clients are asked. The roots are shared with others that have the same, as long as they are held.
pub(super) fn ask(context: &mut SslContextBuilder, options: &ServerOptions) -> Result<Option<Arc<Trusted>>> {
    context.set_session_id_context(&session_context(options)).map_err(library)?;
    let roots = match &options.client_auth {
        ClientAuth::Off => {
            context.set_verify(SslVerifyMode::NONE);
            return Ok(None);
        }
        ClientAuth::Optional(roots) => {
            // What was found wrong stays to be read as the outcome.
            context.set_verify_callback(SslVerifyMode::PEER, |good, found| {
                judge(good, found);
                true
            });
            roots
        }
        ClientAuth::Required(roots) => {
            let must = SslVerifyMode::PEER | SslVerifyMode::FAIL_IF_NO_PEER_CERT;
            context.set_verify_callback(must, judge);
            roots
        }
    };
    context.set_verify_depth(options.client_depth);
    let trusted = roots.store()?;
    context.set_cert_store(trusted.store());
    if *roots != Roots::System {
        // Clients choose among their certificates by these; of the system's there are too many to send.
        for certificate in trusted.certificates() {
            context.add_client_ca(certificate).map_err(library)?;
        }
    }
    Ok(Some(trusted))
}

/// Leaves the judgement as it is, and calls one thing by one name: of a certificate that signed itself BoringSSL
/// says that its issuer is missing.
fn judge(good: bool, found: &mut X509StoreContextRef) -> bool {
    let missing = found.error().as_raw() == sys::X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY;
    if !good && missing && found.current_cert().is_some_and(is_self_signed) {
        // SAFETY: a number that the library has.
        found.set_error(unsafe { X509VerifyResult::from_raw(sys::X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT) });
    }
    good
}

/// What two listeners must have in common so that a session of one may go on at the other: how clients are
/// verified. A ticket is none the better for being readable.
fn session_context(options: &ServerOptions) -> [u8; 32] {
    let mut hash = Sha256::new();
    let mut add = |how: &[u8], roots: &Roots| {
        hash.update(how);
        hash.update(&options.client_depth.to_be_bytes());
        if let Roots::Pem(pem) = roots {
            hash.update(pem);
        }
    };
    match &options.client_auth {
        ClientAuth::Off => hash.update(b"off"),
        ClientAuth::Optional(roots) => add(b"optional", roots),
        ClientAuth::Required(roots) => add(b"required", roots),
    }
    hash.finish()
}
