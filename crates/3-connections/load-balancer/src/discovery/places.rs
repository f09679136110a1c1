//! Addresses with their weight and rank, worked out from what name servers say.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

/// Addresses that one name brings at most.
const MOST_PLACES: usize = 1024;

/// Factor up to which weights are scaled to be divided among addresses exactly.
const MOST_SCALE: u64 = 10_000;

/// A host and a port to be resolved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Target {
    pub(super) host: Arc<str>,
    pub(super) port: u16,
    /// `None` if nobody says.
    pub(super) weight: Option<u16>,
    pub(super) backup: bool,
}

/// Where a peer is.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Place {
    pub(super) address: SocketAddr,
    pub(super) weight: Option<u64>,
    pub(super) backup: bool,
}

/// The places of all targets, each address once and in an order that the name server's does not
/// change.
pub(super) fn places(targets: &[(Target, Arc<[IpAddr]>)]) -> Vec<Place> {
    let scale = scale(targets.iter().map(|(_, ips)| ips.len() as u64));
    let mut places: Vec<_> = targets.iter().flat_map(|target| of_target(target, scale)).collect();
    // Primaries before backups, so that of an address that is both the primary stays.
    places.sort_by_key(|place| (place.address, place.backup));
    places.dedup_by_key(|place| place.address);
    places.truncate(MOST_PLACES);
    places
}

fn of_target((target, ips): &(Target, Arc<[IpAddr]>), scale: u64) -> impl Iterator<Item = Place> + '_ {
    let share = |weight: u16| (u64::from(weight.max(1)) * scale / ips.len().max(1) as u64).max(1);
    let weight = target.weight.map(share);
    ips.iter().map(move |ip| Place {
        address: SocketAddr::new(*ip, target.port),
        weight,
        backup: target.backup,
    })
}

/// The least number that can be divided by each of these; 1 if it is too large.
fn scale(counts: impl Iterator<Item = u64>) -> u64 {
    let mut scale = 1;
    for count in counts.filter(|count| *count > 0) {
        let (mut a, mut b) = (scale, count);
        while b > 0 {
            (a, b) = (b, a % b);
        }
        scale *= count / a;
        if scale > MOST_SCALE {
            return 1;
        }
    }
    scale
}

#[cfg(test)]
mod tests {
    use super::*;

    fn target(host: &str, weight: u16, backup: bool, ips: &[&str]) -> (Target, Arc<[IpAddr]>) {
        let ips = ips.iter().map(|ip| ip.parse().unwrap()).collect();
        (Target { host: host.into(), port: 80, weight: Some(weight), backup }, ips)
    }

    fn shown(targets: &[(Target, Arc<[IpAddr]>)]) -> Vec<(String, u64, bool)> {
        let one = |place: Place| (place.address.to_string(), place.weight.unwrap(), place.backup);
        places(targets).into_iter().map(one).collect()
    }

    #[test]
    fn addresses_of_one_host_share_its_weight() {
        let targets = [
            target("a", 3, false, &["192.0.2.1", "192.0.2.2"]),
            target("b", 3, false, &["192.0.2.3"]),
            target("c", 0, true, &["192.0.2.4"]),
        ];
        let expected = [(1, 3, false), (2, 3, false), (3, 6, false), (4, 2, true)];
        assert_eq!(
            shown(&targets),
            expected.map(|(n, weight, backup)| (format!("192.0.2.{n}:80"), weight, backup))
        );
    }

    #[test]
    fn an_address_counts_once_and_rather_as_a_primary() {
        let targets =
            [target("a", 1, true, &["192.0.2.1"]), target("b", 5, false, &["192.0.2.1", "192.0.2.1"])];
        assert_eq!(shown(&targets), [("192.0.2.1:80".to_owned(), 5, false)]);
    }

    #[test]
    fn the_scale_stays_small() {
        assert_eq!(scale([2, 3, 4, 0].into_iter()), 12);
        assert_eq!(scale([97, 101, 103].into_iter()), 1);
        assert_eq!(scale(std::iter::empty()), 1);
    }
}
