//! Who may connect at all, judged before any byte is read.

use std::fmt;
use std::sync::Arc;

use gorge_digest::PeerAddr;

use crate::{AddressPermit, Networks, PerAddress};

/// Code of one's own that says whether a peer may connect.
pub type OwnJudge = Arc<dyn Fn(&PeerAddr) -> bool + Send + Sync>;

/// Who may connect, judged by the address alone: before TLS and before any byte is read. The default
/// lets everybody in.
///
/// The lists and the count are about internet addresses; a peer on a Unix socket passes them, for
/// there the permissions of the file decide. [`own`](AcceptPolicy::own) judges every peer.
///
/// Behind another proxy the address is that proxy's. Ask again with the source that its PROXY header
/// tells, if the lists are meant for clients.
#[derive(Clone, Default)]
pub struct AcceptPolicy {
    /// Who may connect; everybody if it is empty.
    pub allow: Networks,
    /// Who may not, even if `allow` has it.
    pub deny: Networks,
    /// What else there is to judge: `false` denies.
    pub own: Option<OwnJudge>,
    /// How many connections one address may have; without it, as many as it likes.
    pub per_address: Option<PerAddress>,
}

impl AcceptPolicy {
    /// Lets `peer` in or not. The permit counts the connection at its address and must live as long as
    /// it does ([`Permit::with_address`](crate::Permit::with_address)); `None` for one that is not
    /// counted.
    ///
    /// # Errors
    /// [`Refused`]; the connection is to be closed without an answer.
    pub fn admit(&self, peer: &PeerAddr) -> Result<Option<AddressPermit>, Refused> {
        let listed = peer
            .ip()
            .is_none_or(|ip| !self.deny.contains(ip) && (self.allow.is_empty() || self.allow.contains(ip)));
        if !listed || self.own.as_ref().is_some_and(|own| !own(peer)) {
            return Err(Refused::Denied);
        }
        match (&self.per_address, peer.ip()) {
            (Some(per_address), Some(ip)) => per_address.admit(ip),
            _ => Ok(None),
        }
    }

    /// Whether it lets everybody in without a look, so that asking can be spared.
    pub fn is_open(&self) -> bool {
        self.allow.is_empty() && self.deny.is_empty() && self.own.is_none() && self.per_address.is_none()
    }
}

impl fmt::Debug for AcceptPolicy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AcceptPolicy")
            .field("allow", &self.allow)
            .field("deny", &self.deny)
            .field("own", &self.own.is_some())
            .field("per_address", &self.per_address)
            .finish()
    }
}

/// Why a connection was not let in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Refused {
    /// By a list, or by own code.
    Denied,
    /// Its address has as many connections as it may have.
    TooMany,
}

impl Refused {
    /// The word for logs and metric labels.
    pub const fn name(self) -> &'static str {
        match self {
            Refused::Denied => "denied",
            Refused::TooMany => "too_many",
        }
    }
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Refused::Denied => "the address is not allowed to connect",
            Refused::TooMany => "the address has too many connections",
        })
    }
}

impl std::error::Error for Refused {}
