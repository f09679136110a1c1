//! Who may connect, and how often.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Barrier};
use std::thread;

use gorge_protocols::{AcceptPolicy, Connections, IpNet, Networks, PeerAddr, PerAddress, Refused};
use proptest::collection::vec;
use proptest::prelude::*;

fn networks(list: &[&str]) -> Networks {
    list.iter().map(|net| net.parse::<IpNet>().unwrap()).collect()
}

fn peer(ip: &str) -> PeerAddr {
    PeerAddr::Ip((ip.parse::<IpAddr>().unwrap(), 40_000).into())
}

fn refused(policy: &AcceptPolicy, ip: &str) -> Option<Refused> {
    policy.admit(&peer(ip)).err()
}

#[test]
fn by_default_everybody_may_connect() {
    let policy = AcceptPolicy::default();
    assert!(policy.is_open());
    for ip in ["192.0.2.1", "::1", "127.0.0.1"] {
        assert!(policy.admit(&peer(ip)).unwrap().is_none());
    }
}

#[test]
fn deny_beats_allow_and_allow_alone_denies_the_rest() {
    let policy = AcceptPolicy {
        allow: networks(&["10.0.0.0/8", "2001:db8::/32"]),
        deny: networks(&["10.1.0.0/16"]),
        ..AcceptPolicy::default()
    };
    assert_eq!(refused(&policy, "10.2.0.1"), None);
    assert_eq!(refused(&policy, "::ffff:10.2.0.1"), None);
    assert_eq!(refused(&policy, "2001:db8::1"), None);
    for ip in ["10.1.0.1", "::ffff:10.1.0.1", "192.0.2.1", "2001:db9::1"] {
        assert_eq!(refused(&policy, ip), Some(Refused::Denied), "{ip}");
    }
    let denies = AcceptPolicy { deny: networks(&["10.1.0.0/16"]), ..AcceptPolicy::default() };
    assert_eq!(refused(&denies, "192.0.2.1"), None);
    assert_eq!(refused(&denies, "10.1.0.1"), Some(Refused::Denied));
}

#[test]
fn unix_peers_pass_the_lists_but_not_own_code() {
    let mut policy = AcceptPolicy { allow: networks(&["10.0.0.0/8"]), ..AcceptPolicy::default() };
    assert!(policy.admit(&PeerAddr::Unix(None)).unwrap().is_none());
    policy.own = Some(Arc::new(|peer| peer.ip().is_some()));
    assert_eq!(policy.admit(&PeerAddr::Unix(None)).err(), Some(Refused::Denied));
    assert_eq!(refused(&policy, "10.0.0.1"), None);
}

#[test]
fn own_code_can_deny_but_not_allow() {
    let policy = AcceptPolicy {
        deny: networks(&["10.1.0.0/16"]),
        own: Some(Arc::new(|_| true)),
        ..AcceptPolicy::default()
    };
    assert_eq!(refused(&policy, "10.1.0.1"), Some(Refused::Denied));
}

#[test]
fn an_address_has_so_many_connections_and_no_more() {
    let counts = PerAddress::new(2, Networks::default());
    let policy = AcceptPolicy { per_address: Some(counts.clone()), ..AcceptPolicy::default() };
    let first = policy.admit(&peer("192.0.2.1")).unwrap();
    let _second = policy.admit(&peer("::ffff:192.0.2.1")).unwrap();
    assert_eq!(refused(&policy, "192.0.2.1"), Some(Refused::TooMany));
    let other = policy.admit(&peer("192.0.2.2")).unwrap();
    assert_eq!((counts.open("192.0.2.1".parse().unwrap()), counts.addresses()), (2, 2));
    drop((first, other));
    assert_eq!(counts.addresses(), 1, "an address without connections is forgotten");
    assert!(policy.admit(&peer("192.0.2.1")).unwrap().is_some());
}

#[test]
fn ipv6_counts_by_its_first_64_bits() {
    let counts = PerAddress::new(1, Networks::default());
    let _one = counts.admit("2001:db8::1".parse().unwrap()).unwrap();
    assert_eq!(counts.admit("2001:db8::ffff:1".parse().unwrap()).err(), Some(Refused::TooMany));
    assert!(counts.admit("2001:db8:0:1::1".parse().unwrap()).is_ok());
}

#[test]
fn loopback_and_exempt_networks_are_not_counted() {
    let counts = PerAddress::new(0, networks(&["10.0.0.0/8"]));
    for ip in ["127.0.0.1", "::1", "::ffff:127.0.0.1", "10.1.2.3"] {
        assert!(counts.admit(ip.parse().unwrap()).unwrap().is_none(), "{ip}");
    }
    assert_eq!(counts.admit("192.0.2.1".parse().unwrap()).err(), Some(Refused::TooMany));
    assert_eq!(counts.addresses(), 0);
}

#[test]
fn another_limit_keeps_the_count() {
    let counts = PerAddress::new(1, Networks::default());
    let ip = "192.0.2.1".parse().unwrap();
    let old = counts.admit(ip).unwrap();
    let wider = counts.with_limit(2, Networks::default());
    let new = wider.admit(ip).unwrap();
    assert_eq!(wider.admit(ip).err(), Some(Refused::TooMany));
    drop((old, new));
    assert_eq!((counts.open(ip), wider.open(ip)), (0, 0));
}

#[test]
fn a_permit_of_the_connection_frees_its_address() {
    let (counts, connections) = (PerAddress::new(1, Networks::default()), Connections::new(1, 10));
    let ip = "192.0.2.1".parse().unwrap();
    let permit = connections.permit().with_address(counts.admit(ip).unwrap());
    assert_eq!((connections.open(), counts.open(ip)), (1, 1));
    drop(permit);
    assert_eq!((connections.open(), counts.open(ip)), (0, 0));
}

/// Threads that admit and free at the same time never pass the limit, and in the end nothing is left.
#[test]
fn the_count_is_exact_under_threads() {
    const THREADS: usize = 8;
    const LIMIT: u32 = 3;
    const ADDRESSES: u8 = 4;
    let counts = PerAddress::new(LIMIT, Networks::default());
    let held: Vec<_> = (0..ADDRESSES).map(|_| AtomicU32::new(0)).collect();
    let barrier = Barrier::new(THREADS);
    thread::scope(|scope| {
        for thread in 0..THREADS {
            let (counts, held, barrier) = (&counts, &held, &barrier);
            scope.spawn(move || {
                barrier.wait();
                let mut kept = std::collections::VecDeque::new();
                for round in 0..5_000 {
                    let host = ((round * 7 + thread) % usize::from(ADDRESSES)) as u8;
                    if let Ok(permit) = counts.admit(Ipv4Addr::new(192, 0, 2, host).into()) {
                        let now = held[usize::from(host)].fetch_add(1, Ordering::SeqCst) + 1;
                        assert!(now <= LIMIT);
                        kept.push_back((host, permit));
                    }
                    if kept.len() > 2 {
                        let (host, permit) = kept.pop_front().unwrap();
                        held[usize::from(host)].fetch_sub(1, Ordering::SeqCst);
                        drop(permit);
                    }
                }
                for (host, permit) in kept {
                    held[usize::from(host)].fetch_sub(1, Ordering::SeqCst);
                    drop(permit);
                }
            });
        }
    });
    assert_eq!(counts.addresses(), 0);
    let full: Vec<_> = (0..LIMIT).map(|_| counts.admit("192.0.2.0".parse().unwrap())).collect();
    assert!(full.iter().all(Result::is_ok));
}

#[test]
fn networks_join_where_they_touch() {
    let joined = networks(&["10.0.0.0/9", "10.128.0.0/9", "255.0.0.0/8", "0.0.0.0/32"]);
    assert_eq!(joined, networks(&["10.0.0.0/8", "10.1.0.0/16", "255.0.0.0/8", "0.0.0.0/32"]));
    for (ip, inside) in [
        ("10.0.0.0", true),
        ("10.255.255.255", true),
        ("11.0.0.0", false),
        ("255.255.255.255", true),
        ("0.0.0.0", true),
        ("9.255.255.255", false),
    ] {
        assert_eq!(joined.contains(ip.parse().unwrap()), inside, "{ip}");
    }
    let all = networks(&["0.0.0.0/0", "::/0"]);
    assert!(all.contains("255.255.255.255".parse().unwrap()) && all.contains("ffff::".parse().unwrap()));
    assert!(!networks(&["::/0"]).contains("::ffff:1.2.3.4".parse().unwrap()));
    assert!(networks(&[]).is_empty() && !networks(&["::ffff:10.0.0.0/104"]).is_empty());
    assert!(networks(&["::ffff:10.0.0.0/104"]).contains("10.1.2.3".parse().unwrap()));
}

/// Close together, so that networks and addresses meet.
fn near() -> impl Strategy<Value = IpAddr> {
    prop_oneof![
        (0u32..64).prop_map(|low| Ipv4Addr::from(0x0a00_0000 + low * 3).into()),
        (0u128..64).prop_map(|low| Ipv6Addr::from((0xfd << 120) + low * 3).into()),
        (0u32..64).prop_map(|low| Ipv4Addr::from(0x0a00_0000 + low * 3).to_ipv6_mapped().into()),
    ]
}

fn net() -> impl Strategy<Value = IpNet> {
    (near(), 0u8..=10).prop_map(|(ip, short)| {
        let longest = if ip.is_ipv4() { 32 } else { 128 };
        IpNet::new(ip, longest - short).unwrap()
    })
}

proptest! {
    #[test]
    fn a_linear_search_agrees(nets in vec(net(), 0..30), ips in vec(near(), 1..40)) {
        let set: Networks = nets.iter().copied().collect();
        for ip in ips {
            // Each network in both forms, as is each address.
            let mapped = |ip: IpAddr| match ip {
                IpAddr::V4(ip) => IpAddr::V6(ip.to_ipv6_mapped()),
                v6 => v6,
            };
            let expected = nets.iter().any(|net| net.contains(&ip) || net.contains(&mapped(ip)) || net.contains(&ip.to_canonical()));
            prop_assert_eq!(set.contains(ip), expected, "{} in {:?}", ip, nets);
        }
    }
}
