//! When to ask a responder again.

use std::time::{Duration, SystemTime};

use super::{Fault, Request, check};
use crate::Certificate;

/// The shortest time between two good answers.
const LEAST: Duration = Duration::from_secs(5 * 60);
/// The first pause after a failure; it doubles up to the longest.
const PAUSE: Duration = Duration::from_secs(60);
const LONGEST_PAUSE: Duration = Duration::from_secs(60 * 60);
/// The longest time without a look at the clock, which somebody may have set.
const LOOK: Duration = Duration::from_secs(60 * 60);
/// What a clock may be set back by without consequences.
const SET_BACK: Duration = Duration::from_secs(5 * 60);

/// Keeps the OCSP response of one certificate fresh, as far as that goes without sockets and clocks.
///
/// Ask [`next`](Self::next) what to do. A response is renewed when half of its time is over, at least five
/// minutes after the last; after a failure, or a response that is not good, one minute later, and twice as
/// long each time up to an hour. A response that goes out of date before there is a newer one is withdrawn:
/// a client that is shown an old one refuses, while most are content without.
#[derive(Clone, Debug)]
pub struct Refresh {
    certificate: Certificate,
    request: Request,
    /// Until when there is a response to show.
    until: Option<SystemTime>,
    /// The last time that something came of a request, and how long to wait from then on.
    since: SystemTime,
    wait: Duration,
    failures: u32,
}

/// What is to be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// Send the request, and tell what came of it.
    Fetch,
    /// Nothing for this long; then ask again.
    Wait(Duration),
    /// Show the certificate [without a response](Refresh::bare), and ask again.
    Withdraw,
}

impl Refresh {
    /// For a certificate, with the response that it carries or without. `None` if it names no responder, or
    /// if its chain has no issuer.
    #[must_use]
    pub fn new(certificate: &Certificate, now: SystemTime) -> Option<Self> {
        let request = Request::for_certificate(certificate)?;
        let until = certificate.staple().map(super::Staple::next_update);
        let mut refresh = Self {
            certificate: certificate.without_ocsp(),
            request,
            until,
            since: now,
            wait: Duration::ZERO,
            failures: 0,
        };
        if let Some(until) = until {
            refresh.wait = refresh.half(until, now);
        }
        Some(refresh)
    }

    /// What to send.
    #[must_use]
    pub fn request(&self) -> &Request {
        &self.request
    }

    /// The certificate without a response.
    #[must_use]
    pub fn bare(&self) -> &Certificate {
        &self.certificate
    }

    /// What is to be done now.
    pub fn next(&mut self, now: SystemTime) -> Step {
        if self.until.is_some_and(|until| until <= now) {
            self.until = None;
            return Step::Withdraw;
        }
        let over = match now.duration_since(self.since) {
            Ok(over) => over,
            // The clock was set back so far that nothing planned by it can be believed.
            Err(back) if back.duration() > SET_BACK => return Step::Fetch,
            Err(_) => Duration::ZERO,
        };
        let left = self.wait.saturating_sub(over);
        if left.is_zero() {
            return Step::Fetch;
        }
        let shown = self.until.and_then(|until| until.duration_since(now).ok());
        Step::Wait(left.min(LOOK).min(shown.unwrap_or(LOOK)))
    }

    /// A response came: the certificate that carries it.
    ///
    /// # Errors
    /// The response is not one to show. It counts as a failure; what was shown before may be shown further.
    pub fn answered(&mut self, response: &[u8], now: SystemTime) -> Result<Certificate, Fault> {
        match check(&self.certificate, response, now) {
            Ok(staple) => {
                self.until = Some(staple.next_update());
                self.failures = 0;
                self.since = now;
                self.wait = self.half(staple.next_update(), now);
                Ok(self.certificate.with_ocsp(&staple))
            }
            Err(fault) => {
                self.failed(now);
                Err(fault)
            }
        }
    }

    /// No response came.
    pub fn failed(&mut self, now: SystemTime) {
        let pause = PAUSE * 2u32.pow(self.failures.min(6));
        self.failures = self.failures.saturating_add(1);
        self.since = now;
        self.wait = self.spread(pause.min(LONGEST_PAUSE));
    }

    /// Half of the time from now on, at least the least.
    fn half(&self, until: SystemTime, now: SystemTime) -> Duration {
        let left = until.duration_since(now).unwrap_or_default();
        // Shorter than the half by the spread, so that it is never later.
        let half = left / 2;
        (half - (self.spread(half) - half)).max(LEAST)
    }

    /// Longer by up to an eighth, differently for each certificate: those that were read at the same moment
    /// are not all asked for at the same moment for ever.
    fn spread(&self, time: Duration) -> Duration {
        time + time / 8 * u32::from(self.certificate.sha256()[0]) / 255
    }
}
