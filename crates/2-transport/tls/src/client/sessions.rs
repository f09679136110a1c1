//! Sessions to go on with.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use openssl::asn1::{Asn1Time, Asn1TimeRef};
use openssl::ssl::{SslRef, SslSession, SslVersion};
use parking_lot::Mutex;

/// Sessions kept for each endpoint: enough for connections that are made at the same time.
const SESSIONS: usize = 8;

/// For how long one is used at most; servers say less.
const LIFETIME: Duration = Duration::from_secs(24 * 60 * 60);

/// The newest sessions of an endpoint.
///
/// One of TLS 1.3 is used once (RFC 8446 C.4), a connection brings new ones; one of TLS 1.2 serves for as long
/// as the server takes it. None is used after the certificate that began it has expired, for with a session
/// the server shows none.
#[derive(Default)]
pub(crate) struct Sessions(Mutex<VecDeque<Kept>>);

struct Kept {
    session: SslSession,
    single_use: bool,
    until: Instant,
}

impl Sessions {
    /// Keeps a session that this connection was given.
    pub(crate) fn keep(&self, ssl: &SslRef, session: SslSession) {
        let single_use = ssl.version2() != Some(SslVersion::TLS1_2);
        let kept = Kept { session, single_use, until: Instant::now() + lifetime(ssl) };
        let mut all = self.0.lock();
        if !single_use {
            all.clear();
        }
        if all.len() == SESSIONS {
            all.pop_front();
        }
        all.push_back(kept);
    }

    /// The newest one.
    pub(crate) fn take(&self) -> Option<SslSession> {
        let mut all = self.0.lock();
        let now = Instant::now();
        all.retain(|kept| now < kept.until);
        match all.back() {
            Some(kept) if !kept.single_use => Some(kept.session.clone()),
            _ => all.pop_back().map(|kept| kept.session),
        }
    }

    /// Forgets all of them.
    pub(crate) fn clear(&self) {
        self.0.lock().clear();
    }
}

/// How long a session of this connection may be used: until its certificate expires.
fn lifetime(ssl: &SslRef) -> Duration {
    ssl.peer_certificate().map_or(LIFETIME, |certificate| left(certificate.not_after()))
}

/// The time until then, as far as it is within a session's life.
fn left(end: &Asn1TimeRef) -> Duration {
    let Ok(left) = Asn1Time::days_from_now(0).and_then(|now| now.diff(end)) else { return Duration::ZERO };
    let seconds = i64::from(left.days) * 86_400 + i64::from(left.secs);
    // One that has expired already was taken unverified.
    u64::try_from(seconds).map_or(LIFETIME, |seconds| LIFETIME.min(Duration::from_secs(seconds)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_session_does_not_outlive_its_certificate() {
        let hour = 60 * 60;
        for (end, least, most) in [(hour, hour - 5, hour), (3 * 24 * hour, 24 * hour, 24 * hour)] {
            let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs();
            let left = left(&Asn1Time::from_unix((now + end) as _).unwrap()).as_secs();
            assert!((least..=most).contains(&left), "{end}: {left}");
        }
        assert_eq!(left(&Asn1Time::from_unix(1_000_000_000).unwrap()), LIFETIME);
    }
}
