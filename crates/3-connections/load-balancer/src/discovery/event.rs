//! What is worth telling about a refresh.

use std::net::SocketAddr;

use super::Place;
use super::resolve::Known;

/// What a refresh of a [`Discovery`](super::Discovery) found about one name.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum DiscoveryEvent<'a> {
    /// The name has other addresses than before, or its service gives them other weights or ranks.
    Changed {
        /// The name, as it was given.
        name: &'a str,
        /// Addresses that are new.
        added: &'a [SocketAddr],
        /// Addresses that are gone.
        removed: &'a [SocketAddr],
    },
    /// The name, or a host of its service, could not be resolved. Told once, until it can be again
    /// or the reason is another.
    Failed {
        /// The name, as it was given.
        name: &'a str,
        /// What the name server said, or did not.
        why: &'a str,
        /// How many addresses the name goes on with.
        kept: usize,
    },
    /// The name can be resolved again.
    Recovered {
        /// The name, as it was given.
        name: &'a str,
    },
}

pub(super) fn tell(name: &str, old: &Known, new: &Known, tell: &dyn Fn(&DiscoveryEvent<'_>)) {
    if old.places != new.places {
        let (added, removed) = (missing(&new.places, &old.places), missing(&old.places, &new.places));
        tell(&DiscoveryEvent::Changed { name, added: &added, removed: &removed });
    }
    match (&old.trouble, &new.trouble) {
        (old, Some(why)) if old.as_ref() != Some(why) => {
            tell(&DiscoveryEvent::Failed { name, why, kept: new.places.len() });
        }
        (Some(_), None) => tell(&DiscoveryEvent::Recovered { name }),
        _ => {}
    }
}

/// Addresses in `places` that `others` do not have.
fn missing(places: &[Place], others: &[Place]) -> Vec<SocketAddr> {
    let addresses = places.iter().map(|place| place.address);
    addresses.filter(|address| others.iter().all(|other| other.address != *address)).collect()
}
