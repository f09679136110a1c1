//! What is worth to be told of a certificate that can be used.

use std::fmt;
use std::time::SystemTime;

use openssl::pkey::Id;
use openssl::x509::X509Ref;

use super::fields::{self, Fields};
use super::{Certificate, chain, subject, time};

/// Days before the end of a certificate from which on it is told: renewal is late by then.
const SOON: i64 = 14;
/// The fewest bits of an RSA key that browsers and authorities take.
const RSA_BITS: u32 = 2048;

/// Something about a certificate that an operator wants to know. It can be used all the same.
///
/// Numbers count the certificates of the chain from 1, the one for the server or client itself.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Remark {
    /// It is one for signing certificates, and was signed by another.
    Authority,
    /// It has expired.
    Expired {
        /// Which of the chain.
        number: usize,
        /// Its subject.
        subject: String,
        /// When.
        at: SystemTime,
        /// For how many whole days.
        days: i64,
    },
    /// It expires within 14 days.
    ExpiresSoon {
        /// Which of the chain.
        number: usize,
        /// Its subject.
        subject: String,
        /// When.
        at: SystemTime,
        /// In how many whole days.
        days: i64,
    },
    /// The certificate that signed the last one is not in the chain, and an authority is rarely known to
    /// clients by what signs for servers.
    IssuerMissing {
        /// Its name.
        issuer: String,
        /// Whether it is an authority that tells everybody where its own certificates are: a public one.
        public: bool,
    },
    /// It has no names, so that no client takes it for any server.
    NoNames,
    /// It says what it is for, and clients are not among that.
    NotForClients,
    /// It says what it is for, and servers are not among that.
    NotForServers,
    /// It is not valid yet.
    NotYetValid {
        /// Which of the chain.
        number: usize,
        /// Its subject.
        subject: String,
        /// From when on it is.
        from: SystemTime,
    },
    /// The root is sent along, which each client has or must not trust.
    RootIncluded {
        /// Which of the chain.
        number: usize,
        /// Its subject.
        subject: String,
    },
    /// It signed itself.
    SelfSigned,
    /// The key is too short for browsers.
    WeakKey {
        /// Which of the chain.
        number: usize,
        /// How long it is.
        bits: u32,
    },
    /// It is signed with a hash that clients no longer take.
    WeakSignature {
        /// Which of the chain.
        number: usize,
        /// Which hash.
        hash: &'static str,
    },
}

/// The side of a connection that shows a certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Role {
    /// The one that connects.
    Client,
    /// The one that is connected to.
    Server,
}

/// How much a remark matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Level {
    /// Good to know.
    Note,
    /// Some or all of the other sides will refuse it, or soon will.
    Warning,
}

impl Remark {
    /// How much it matters.
    #[must_use]
    pub fn level(&self) -> Level {
        match self {
            Self::IssuerMissing { public: false, .. } | Self::RootIncluded { .. } | Self::SelfSigned => {
                Level::Note
            }
            _ => Level::Warning,
        }
    }
}

/// All remarks about a certificate, in the order of its chain.
pub(crate) fn remarks(certificate: &Certificate, now: SystemTime, role: Role) -> Vec<Remark> {
    let mut remarks = Vec::new();
    let chain = certificate.chain();
    for (one, number) in chain.iter().zip(1..) {
        remarks.extend(validity(one, number, now));
        remarks.extend(weakness(one, number));
    }
    let own = Fields::of(certificate.leaf());
    remarks.extend(own.as_ref().and_then(|own| purpose(own, role)));
    if role == Role::Server && certificate.names().is_empty() {
        remarks.push(Remark::NoNames);
    }
    remarks.extend(end(chain));
    // Of one that signed itself that is nothing to mind: it is what the usual commands make.
    if own.is_some_and(|own| own.is_authority()) && !chain::is_self_signed(certificate.leaf()) {
        remarks.push(Remark::Authority);
    }
    remarks
}

fn validity(one: &X509Ref, number: usize, now: SystemTime) -> Option<Remark> {
    let subject = || subject(one.subject_name());
    let from = time::from_asn1(one.not_before()).ok()?;
    let at = time::from_asn1(one.not_after()).ok()?;
    let days = time::days_between(now, at);
    if now > at {
        // `days` is rounded down: an hour ago is -1.
        Some(Remark::Expired { number, subject: subject(), at, days: -1 - days })
    } else if now < from {
        Some(Remark::NotYetValid { number, subject: subject(), from })
    } else if days < SOON {
        Some(Remark::ExpiresSoon { number, subject: subject(), at, days })
    } else {
        None
    }
}

fn weakness(one: &X509Ref, number: usize) -> impl Iterator<Item = Remark> {
    let key = one.public_key().ok();
    let short = key.filter(|key| matches!(key.id(), Id::RSA | Id::RSA_PSS) && key.bits() < RSA_BITS);
    // Nobody verifies what a root says of itself.
    let hash = chain::weak_hash(one).filter(|_| !chain::is_self_signed(one));
    let key = short.map(|key| Remark::WeakKey { number, bits: key.bits() });
    key.into_iter().chain(hash.map(|hash| Remark::WeakSignature { number, hash }))
}

fn purpose(own: &Fields, role: Role) -> Option<Remark> {
    match role {
        Role::Client if !own.is_for(fields::CLIENT_AUTH) => Some(Remark::NotForClients),
        Role::Server if !own.is_for(fields::SERVER_AUTH) => Some(Remark::NotForServers),
        _ => None,
    }
}

/// About where the chain ends.
fn end(chain: &[openssl::x509::X509]) -> Option<Remark> {
    let last = chain.last()?;
    match (chain::is_self_signed(last), chain.len()) {
        (true, 1) => Some(Remark::SelfSigned),
        (true, number) => Some(Remark::RootIncluded { number, subject: subject(last.subject_name()) }),
        (false, 1) => Some(Remark::IssuerMissing {
            issuer: subject(last.issuer_name()),
            public: Fields::of(last).is_some_and(|last| last.access(fields::ACCESS_ISSUERS).is_some()),
        }),
        (false, _) => None,
    }
}

impl fmt::Display for Remark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Authority => {
                f.write_str("the certificate is one for signing others: clients may refuse it here")
            }
            Self::Expired { number, subject, at, days } => {
                let which = Which(*number, subject);
                write!(f, "{which} expired on {} ({}): renew it", time::date(*at), Days(*days, "ago"))
            }
            Self::ExpiresSoon { number, subject, at, days } => {
                let which = Which(*number, subject);
                write!(f, "{which} expires on {} ({}): renew it", time::date(*at), Days(*days, "left"))
            }
            Self::IssuerMissing { issuer, public: true } => write!(
                f,
                "the chain ends with the certificate itself: add the one of its issuer, {issuer}, behind it, or \
                 many clients will not know it"
            ),
            Self::IssuerMissing { issuer, public: false } => write!(
                f,
                "the chain ends with the certificate itself: right if clients know its issuer, {issuer}, else \
                 add the one of that behind it"
            ),
            Self::NoNames => f.write_str(
                "the certificate has no name (subjectAltName), and one in its subject alone does not count: \
                 clients refuse it",
            ),
            Self::NotForClients => f.write_str("the certificate is not for clients: servers refuse it"),
            Self::NotForServers => f.write_str("the certificate is not for servers: clients refuse it"),
            Self::NotYetValid { number, subject, from } => write!(
                f,
                "{} is valid from {} on, not yet: is the clock right?",
                Which(*number, subject),
                time::date(*from)
            ),
            Self::RootIncluded { number, subject } => {
                let which = Which(*number, subject);
                write!(f, "{which} is a root, which clients have already: it can be left out")
            }
            Self::SelfSigned => f.write_str(
                "the certificate signed itself: clients refuse it unless they were told to trust it",
            ),
            Self::WeakKey { number, bits } => {
                let which = Which(*number, "");
                write!(f, "{which} has an RSA key of {bits} bits: browsers want {RSA_BITS} at least")
            }
            Self::WeakSignature { number, hash } => {
                let which = Which(*number, "");
                write!(f, "{which} is signed with {hash}, which is no longer safe: clients refuse it")
            }
        }
    }
}

/// Which certificate of a chain, with its subject unless it is the first.
struct Which<'a>(usize, &'a str);

impl fmt::Display for Which<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self(1, _) => f.write_str("the certificate"),
            Self(number, "") => write!(f, "certificate {number} of the chain"),
            Self(number, subject) => write!(f, "certificate {number} of the chain, {subject},"),
        }
    }
}

/// Days in words.
struct Days(i64, &'static str);

impl fmt::Display for Days {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self(0, _) => f.write_str("today"),
            Self(1, then) => write!(f, "1 day {then}"),
            Self(days, then) => write!(f, "{days} days {then}"),
        }
    }
}
