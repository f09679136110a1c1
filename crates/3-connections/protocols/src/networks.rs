//! A set of networks that is asked for addresses.

use std::fmt;
use std::net::{IpAddr, Ipv6Addr};

use ipnet::{IpNet, Ipv4Net};

/// A set of networks. Asking whether it holds an address takes a binary search, so lists of thousands
/// cost next to nothing.
///
/// An IPv4 address written as IPv6 (`::ffff:192.0.2.1`) is that IPv4 address, in networks as well as
/// in questions. So `::/0` is all of IPv6 and none of IPv4.
///
/// ```
/// use gorge_protocols::{IpNet, Networks};
///
/// let inside: Networks = ["10.0.0.0/8".parse::<IpNet>()?, "fd00::/8".parse()?].into_iter().collect();
/// assert!(inside.contains("10.1.2.3".parse()?));
/// assert!(inside.contains("::ffff:10.1.2.3".parse()?));
/// assert!(!inside.contains("192.0.2.1".parse()?));
/// # Ok::<_, Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Networks {
    /// Sorted, and neither overlapping nor touching.
    v4: Box<[Range<u32>]>,
    v6: Box<[Range<u128>]>,
}

/// All addresses from `first` to `last`.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Range<T> {
    first: T,
    last: T,
}

impl Networks {
    /// Whether `ip` is in one of the networks.
    #[inline]
    pub fn contains(&self, ip: IpAddr) -> bool {
        match ip.to_canonical() {
            IpAddr::V4(ip) => holds(&self.v4, u32::from(ip)),
            IpAddr::V6(ip) => holds(&self.v6, u128::from(ip)),
        }
    }

    /// Whether no address is in it.
    pub fn is_empty(&self) -> bool {
        self.v4.is_empty() && self.v6.is_empty()
    }
}

#[inline]
fn holds<T: Copy + Ord>(ranges: &[Range<T>], address: T) -> bool {
    let behind = ranges.partition_point(|range| range.first <= address);
    behind > 0 && address <= ranges[behind - 1].last
}

/// A network of IPv4 addresses written as IPv6 as what it is.
fn canonical(network: IpNet) -> IpNet {
    if let IpNet::V6(v6) = network
        && v6.prefix_len() >= 96
        && let Some(address) = v6.network().to_ipv4_mapped()
        && let Ok(v4) = Ipv4Net::new(address, v6.prefix_len() - 96)
    {
        return IpNet::V4(v4);
    }
    network
}

/// Sorts, and joins what overlaps or touches.
fn joined<T: Copy + Ord>(mut ranges: Vec<Range<T>>, next: impl Fn(T) -> Option<T>) -> Box<[Range<T>]> {
    ranges.sort_unstable_by_key(|range| range.first);
    let mut joined: Vec<Range<T>> = Vec::with_capacity(ranges.len());
    for range in ranges {
        match joined.last_mut() {
            Some(last) if next(last.last).is_none_or(|next| range.first <= next) => {
                last.last = last.last.max(range.last);
            }
            _ => joined.push(range),
        }
    }
    joined.into_boxed_slice()
}

impl FromIterator<IpNet> for Networks {
    fn from_iter<I: IntoIterator<Item = IpNet>>(networks: I) -> Self {
        let (mut v4, mut v6) = (Vec::new(), Vec::new());
        for network in networks {
            match canonical(network) {
                IpNet::V4(net) => {
                    v4.push(Range { first: net.network().into(), last: net.broadcast().into() });
                }
                IpNet::V6(net) => {
                    v6.push(Range { first: net.network().into(), last: net.broadcast().into() });
                }
            }
        }
        Networks {
            v4: joined(v4, |last: u32| last.checked_add(1)),
            v6: joined(v6, |last: u128| last.checked_add(1)),
        }
    }
}

impl From<Vec<IpNet>> for Networks {
    fn from(networks: Vec<IpNet>) -> Self {
        networks.into_iter().collect()
    }
}

impl fmt::Debug for Networks {
    /// The ranges that the networks make together.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let v4 = self.v4.iter().map(|r| (IpAddr::from(r.first.to_be_bytes()), r.last.to_be_bytes().into()));
        let v6 = self.v6.iter().map(|r| (Ipv6Addr::from(r.first).into(), Ipv6Addr::from(r.last).into()));
        let text = |(first, last): (IpAddr, IpAddr)| format!("{first}-{last}");
        f.debug_set().entries(v4.chain(v6).map(text)).finish()
    }
}
