//! Certificates from files, and what OCSP responders say of them.

use std::sync::LazyLock;
use std::time::{Duration, SystemTime};

use gorge_tls::{Certificate, Role, ocsp};

/// When the seeds of the corpus are good.
const NOW: Duration = Duration::from_secs(1_800_000_000);

fn now() -> SystemTime {
    SystemTime::UNIX_EPOCH + NOW
}

/// Certificate and key in one file: a good one can be asked for everything, a bad one says why.
///
/// # Panics
/// When a promise is broken.
pub fn certificate(data: &[u8]) {
    for read in [Certificate::from_pem(data, data), Certificate::from_der(&[data], data)] {
        match read {
            Ok(certificate) => {
                let _ = certificate.days_left(now());
                certificate
                    .remarks(now(), Role::Server)
                    .iter()
                    .for_each(|remark| assert!(!remark.to_string().is_empty()));
                assert!(certificate.names().iter().all(|name| !name.is_empty()));
                let _ = (
                    certificate.subject(),
                    certificate.issuer(),
                    certificate.serial(),
                    certificate.ocsp_url(),
                );
            }
            Err(fault) => assert!(!fault.to_string().is_empty()),
        }
    }
}

static ABOUT: LazyLock<Certificate> = LazyLock::new(|| {
    Certificate::from_pem(include_bytes!("ocsp/chain.pem"), include_bytes!("ocsp/key.pem"))
        .expect("a good certificate")
});

/// Whether a response is taken.
pub fn is_good_response(data: &[u8]) -> bool {
    ocsp::check(&ABOUT, data, now()).is_ok()
}

/// A response about one certificate: what is taken carries that certificate, and has a time to come.
///
/// # Panics
/// When a promise is broken.
pub fn ocsp_response(data: &[u8]) {
    match ocsp::check(&ABOUT, data, now()) {
        Ok(staple) => {
            assert_eq!(staple.certificate(), ABOUT.sha256());
            assert_eq!(staple.der(), data);
            assert!(staple.next_update() > now());
        }
        Err(fault) => assert!(!fault.to_string().is_empty()),
    }
}
