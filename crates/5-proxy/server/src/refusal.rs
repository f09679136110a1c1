//! Connections that were closed before their handler saw them, and why.

use std::fmt;

use gorge_error::{Error, Kind};
use gorge_protocols::{Address, HeaderRefused, PeerAddr, Refused};

/// A connection that was closed before its handler saw it; its `Display` says why.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Refusal<'a> {
    /// The address that it came to, as it was bound; `None` in memory.
    pub listener: Option<&'a Address>,
    /// The other end, or who its PROXY header names.
    pub peer: &'a PeerAddr,
    /// Why.
    pub cause: Cause<'a>,
}

/// Why a connection was closed.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub enum Cause<'a> {
    /// The accept policy did not let it in.
    Address(Refused),
    /// It had no TLS handshake, for this reason. The error tells more; of one that gave way to others there
    /// is none.
    Handshake(HandshakeFailed, Option<&'a Error>),
    /// It did not begin with a good PROXY header.
    Header(HeaderRefused),
}

impl Refusal<'_> {
    /// The word for logs: that of the cause, behind what it is a cause of.
    #[must_use]
    pub fn reason(&self) -> &'static str {
        match self.cause {
            Cause::Address(refused) => refused.name(),
            Cause::Handshake(failed, _) => TLS[failed.index()],
            Cause::Header(refused) => HEADER[refused.index()],
        }
    }

    /// Whether the client only left before it had said all, as scanners and the checks of balancers do all
    /// day.
    #[must_use]
    pub fn is_ordinary(&self) -> bool {
        matches!(
            self.cause,
            Cause::Handshake(HandshakeFailed::Closed, _) | Cause::Header(HeaderRefused::Closed)
        )
    }

    /// Whether it was closed for a reason that lies here and not with the client.
    #[must_use]
    pub fn is_own_fault(&self) -> bool {
        matches!(self.cause, Cause::Handshake(_, Some(error)) if error.fault() == gorge_error::Fault::Internal)
    }
}

impl fmt::Display for Refusal<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.cause {
            Cause::Address(refused) => refused.fmt(f),
            // The whole chain of causes on one line.
            Cause::Handshake(_, Some(error)) => write!(f, "{error:#}"),
            Cause::Handshake(_, None) => f.write_str("it gave its place to another while all were taken"),
            Cause::Header(refused) => refused.fmt(f),
        }
    }
}

/// In the order of [`HandshakeFailed::NAMES`].
const TLS: [&str; HandshakeFailed::COUNT] = [
    "tls_alpn_mismatched",
    "tls_certificate_missing",
    "tls_certificate_refused",
    "tls_closed",
    "tls_failed",
    "tls_let_go",
    "tls_plain_http",
    "tls_timed_out",
];

/// In the order of [`HeaderRefused::NAMES`].
const HEADER: [&str; HeaderRefused::COUNT] = [
    "proxy_header_closed",
    "proxy_header_failed",
    "proxy_header_malformed",
    "proxy_header_missing",
    "proxy_header_timed_out",
    "proxy_header_too_long",
    "proxy_header_untrusted",
];

/// Why there was no TLS handshake with a client.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum HandshakeFailed {
    /// The client offers no application protocol that is spoken here.
    AlpnMismatched,
    /// It showed no certificate where one is required.
    CertificateMissing,
    /// Its certificate is not good.
    CertificateRefused,
    /// It left.
    Closed,
    /// Anything else.
    Failed,
    /// It was asked to give its place to others.
    LetGo,
    /// It speaks HTTP in the clear.
    PlainHttp,
    /// It took too long.
    TimedOut,
}

impl HandshakeFailed {
    /// How many names there are.
    pub const COUNT: usize = Self::NAMES.len();

    /// The words for metric labels, in the order of [`index`](HandshakeFailed::index).
    pub const NAMES: [&'static str; 8] = [
        "alpn_mismatched",
        "certificate_missing",
        "certificate_refused",
        "closed",
        "failed",
        "let_go",
        "plain_http",
        "timed_out",
    ];

    /// The place in an array of [`COUNT`](HandshakeFailed::COUNT) counters.
    #[must_use]
    pub const fn index(self) -> usize {
        match self {
            Self::AlpnMismatched => 0,
            Self::CertificateMissing => 1,
            Self::CertificateRefused => 2,
            Self::Closed => 3,
            Self::Failed => 4,
            Self::LetGo => 5,
            Self::PlainHttp => 6,
            Self::TimedOut => 7,
        }
    }

    /// The word for metric labels.
    #[must_use]
    pub const fn name(self) -> &'static str {
        Self::NAMES[self.index()]
    }

    /// What the error of a handshake means.
    #[must_use]
    pub fn of(error: &Error) -> Self {
        match error.kind() {
            Kind::AlpnMismatched => Self::AlpnMismatched,
            Kind::CertificateMissing => Self::CertificateMissing,
            Kind::CertificateInvalid | Kind::CertificateExpired | Kind::CertificateMismatched => {
                Self::CertificateRefused
            }
            Kind::ClosedEarly => Self::Closed,
            Kind::PlainHttp => Self::PlainHttp,
            Kind::TlsTimedOut => Self::TimedOut,
            _ => Self::Failed,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_of_logs_are_those_of_counters_behind_what_failed() {
        for (word, name) in TLS.into_iter().zip(HandshakeFailed::NAMES) {
            assert_eq!(word, format!("tls_{name}"));
        }
        for (word, name) in HEADER.into_iter().zip(HeaderRefused::NAMES) {
            assert_eq!(word, format!("proxy_header_{name}"));
        }
    }

    #[test]
    fn kinds_of_errors_have_their_reason() {
        for (kind, reason) in [
            (Kind::AlpnMismatched, "alpn_mismatched"),
            (Kind::CertificateMissing, "certificate_missing"),
            (Kind::CertificateExpired, "certificate_refused"),
            (Kind::ClosedEarly, "closed"),
            (Kind::TlsHandshakeFailed, "failed"),
            (Kind::PlainHttp, "plain_http"),
            (Kind::TlsTimedOut, "timed_out"),
        ] {
            assert_eq!(HandshakeFailed::of(&Error::new(kind)).name(), reason);
        }
        assert_eq!(HandshakeFailed::LetGo.name(), "let_go");
    }
}
