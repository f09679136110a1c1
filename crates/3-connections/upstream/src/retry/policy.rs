//! The rules for another attempt, as a table turned into code. Sans-IO: no clock, no chance, no
//! waiting.

use std::time::Duration;

use gorge_error::{Error, Fault, Kind, Retryable};
use gorge_filter::{Attempts, Progress, Retry};
use gorge_http::Status;

use super::Budget;

/// When a failed attempt is followed by another.
///
/// In short: what is known not to have reached the upstream is repeated for any method; what may
/// have reached it only for idempotent ones (RFC 9110 9.2.2); what was answered with a broken
/// message, or of which the client has seen a byte, never.
#[derive(Clone, Debug, PartialEq)]
pub struct RetryPolicy {
    /// Attempts per exchange, the first included. Default 3; 0 reads as 1.
    pub attempts: u32,
    /// Answers that are dropped for an attempt at another peer, if the method is idempotent and
    /// there is one. Default 502, 503, 504.
    pub statuses: Vec<Status>,
    /// The longest pause before a peer is asked a second time. Default 100 ms.
    pub backoff: Duration,
    /// By how much that grows each further time. Default 2.
    pub factor: f64,
    /// What it never grows beyond. Default 5 s.
    pub max_backoff: Duration,
    /// What may be repeated when a reused connection turns out closed. Default idempotent methods.
    pub stale: Stale,
    /// What bounds repeated attempts of all exchanges together; `None` = nothing does. Default
    /// 20 % of the exchanges of the last 10 s plus 10 per second.
    pub budget: Option<Budget>,
}

impl Default for RetryPolicy {
    fn default() -> Self {
        Self {
            attempts: 3,
            statuses: vec![Status::BAD_GATEWAY, Status::SERVICE_UNAVAILABLE, Status::GATEWAY_TIMEOUT],
            backoff: Duration::from_millis(100),
            factor: 2.0,
            max_backoff: Duration::from_secs(5),
            stale: Stale::Idempotent,
            budget: Some(Budget::default()),
        }
    }
}

/// What may be repeated when a reused connection turns out to be closed before an answer came.
///
/// Most likely the upstream closed it while idle and saw nothing of the request; but it may have
/// acted on it and died.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Stale {
    /// Every request that can be sent again.
    Any,
    /// Idempotent methods only.
    #[default]
    Idempotent,
}

/// What is known of an exchange when an attempt of it failed.
#[derive(Clone, Copy, Debug)]
pub struct Situation<'a> {
    /// All attempts; the one that failed is the last.
    pub attempts: &'a Attempts,
    /// Whether doing it twice does what doing it once does (RFC 9110 9.2.2).
    pub idempotent: bool,
    /// Whether the client was sent a byte of a final response.
    pub answered: bool,
    /// Whether there is a peer that was not tried.
    pub another: bool,
}

/// What a failure says about the request that met it.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Class {
    /// No connection stood on which it could have been sent.
    Connect,
    /// The connection broke.
    Broken,
    /// No byte of an answer came in time.
    Silent,
    /// The connection stood still.
    Stalled,
    /// The answer, or something here, was wrong: it would be again.
    Final,
}

impl RetryPolicy {
    /// One attempt, whatever happens.
    #[must_use]
    pub fn never() -> Self {
        Self { attempts: 1, statuses: Vec::new(), budget: None, ..Self::default() }
    }

    /// What follows the failure `e` of the last attempt. `random` spreads the pause, if one is due,
    /// evenly between nothing and the longest (full jitter).
    #[must_use]
    pub fn on_failure(&self, now: &Situation<'_>, e: &Error, random: u64) -> Retry {
        let Some(last) = now.attempts.last().filter(|_| self.may_repeat(now)) else {
            return Retry::GiveUp;
        };
        if e.fault() == Fault::Downstream {
            return Retry::GiveUp;
        }
        // The place that failed knows that the upstream did not act (REFUSED_STREAM and the like).
        if e.retry() == Retryable::Yes {
            return self.again(now, random);
        }
        let class = class(e.kind());
        let closed = class == Class::Broken || e.retry() == Retryable::IfReused;
        let stale = last.reused && closed && last.progress < Progress::Answered;
        if e.fault() == Fault::Internal || (class == Class::Final && !stale) {
            return Retry::GiveUp;
        }
        match class {
            _ if last.progress == Progress::Nothing => self.again(now, random),
            Class::Silent if now.idempotent => self.elsewhere(now),
            _ if now.idempotent || (stale && self.stale == Stale::Any) => self.again(now, random),
            _ => Retry::GiveUp,
        }
    }

    /// What follows an answer with this status.
    ///
    /// A status of [`statuses`](Self::statuses) leads to another peer or nowhere, which is also how
    /// the `Retry-After` of an answer is respected: within the exchange its peer is not asked again.
    /// 421 (RFC 9110 15.5.20) says that nothing was done, so any method is repeated, once; the
    /// driver uses a new connection for that.
    #[must_use]
    pub fn on_status(&self, now: &Situation<'_>, status: Status, random: u64) -> Retry {
        if !self.may_repeat(now) {
            return Retry::GiveUp;
        }
        if status == Status::MISDIRECTED_REQUEST {
            return if was_misdirected(now.attempts) { Retry::GiveUp } else { self.again(now, random) };
        }
        if now.idempotent && self.statuses.contains(&status) {
            return self.elsewhere(now);
        }
        Retry::GiveUp
    }

    /// What no failure changes: attempts left, nothing sent to the client, a request still at hand.
    fn may_repeat(&self, now: &Situation<'_>) -> bool {
        let made = now.attempts.count();
        (1..self.attempts as usize).contains(&made) && !now.answered && now.attempts.replayable()
    }

    fn again(&self, now: &Situation<'_>, random: u64) -> Retry {
        Retry::Again(if now.another { Duration::ZERO } else { self.pause(repeats(now.attempts), random) })
    }

    fn elsewhere(&self, now: &Situation<'_>) -> Retry {
        if now.another { Retry::Elsewhere } else { Retry::GiveUp }
    }

    /// The pause before the attempt that is the `n`-th (from 0) at a peer already tried.
    fn pause(&self, n: u32, random: u64) -> Duration {
        let grown = self.backoff.as_secs_f64() * self.factor.max(0.0).powi(n.min(1000) as i32);
        // What is out of range, or not a number (0 × ∞), is too long rather than too short.
        let longest =
            Duration::try_from_secs_f64(grown).map_or(self.max_backoff, |d| d.min(self.max_backoff));
        let nanos = u64::try_from(longest.as_nanos()).unwrap_or(u64::MAX);
        // The upper half of the product is `random` scaled to the range.
        Duration::from_nanos(((u128::from(nanos) * u128::from(random)) >> 64) as u64)
    }
}

fn class(kind: Kind) -> Class {
    match kind {
        Kind::ConnectRefused
        | Kind::ConnectReset
        | Kind::ConnectTimedOut
        | Kind::NoRoute
        | Kind::BindFailed
        | Kind::NameNotFound
        | Kind::ConnectFailed
        | Kind::TlsHandshakeFailed
        | Kind::TlsTimedOut
        | Kind::CertificateInvalid
        | Kind::CertificateMismatched
        | Kind::CertificateExpired
        | Kind::CertificateMissing
        | Kind::AlpnMismatched => Class::Connect,
        Kind::ReadFailed | Kind::WriteFailed | Kind::ClosedEarly => Class::Broken,
        Kind::FirstByteTimedOut => Class::Silent,
        Kind::ReadTimedOut | Kind::WriteTimedOut | Kind::HeadTimedOut | Kind::IdleTimedOut => Class::Stalled,
        _ => Class::Final,
    }
}

/// How many attempts went to a peer that had been asked before.
fn repeats(attempts: &Attempts) -> u32 {
    let repeated =
        |(i, a): &(usize, &gorge_filter::Attempt)| attempts.iter().take(*i).any(|b| b.peer == a.peer);
    // Fits: there are at most `u32::MAX` attempts.
    attempts.iter().enumerate().filter(repeated).count() as u32
}

/// Whether an attempt before the last was answered with 421. A driver marks such an attempt as
/// rejected with its status; the last may not be marked yet.
fn was_misdirected(attempts: &Attempts) -> bool {
    let earlier = attempts.count().saturating_sub(1);
    attempts.iter().take(earlier).any(|a| a.failure == Some(Kind::Rejected(421)))
}
