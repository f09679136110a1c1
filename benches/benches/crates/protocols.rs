//! `gorge-protocols`: PROXY headers beside `ppp` and `proxy-header`, and what is asked of each new connection beside a
//! plain list.

use std::hint::black_box;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use bytes::BytesMut;
use criterion::Criterion;
use gorge_benches::{OURS, Operation};
use gorge_protocols::proxy_protocol::{Addresses, Parsed, Tlv, TlvKind, encode_v1, encode_v2, parse};
use gorge_protocols::{IpNet, Networks, PeerAddr, PerAddress};

use crate::{Cycle, scattered};

/// Headers of one operation, so that no two in a row are the same.
const HEADERS: u16 = 64;

pub(crate) fn bench(criterion: &mut Criterion) {
    version_1(criterion, "PROXY v1, IPv4", |n| [ends_v4(n), ends_v4(n + 1)]);
    version_1(criterion, "PROXY v1, IPv6", |n| [ends_v6(n), ends_v6(n + 1)]);
    version_2(criterion, "PROXY v2, IPv4", &[]);
    let tlvs = [
        Tlv { kind: TlvKind::ALPN, value: b"h2" },
        Tlv { kind: TlvKind::AUTHORITY, value: b"shop.example" },
        Tlv { kind: TlvKind::UNIQUE_ID, value: b"0123456789abcdef" },
    ];
    version_2(criterion, "PROXY v2, IPv4, three TLVs", &tlvs);
    networks(criterion);
    per_address(criterion);
}

fn ends_v4(n: u16) -> PeerAddr {
    let [high, low] = n.wrapping_mul(40_503).to_be_bytes();
    PeerAddr::Ip(SocketAddr::from(([203, 0, high, low], n.wrapping_mul(977))))
}

fn ends_v6(n: u16) -> PeerAddr {
    PeerAddr::Ip(SocketAddr::from(([0x2001, 0xdb8, n, 0, 0, 0, n.wrapping_mul(977), 1], n.wrapping_mul(977))))
}

fn headers(write: impl Fn(u16, &mut BytesMut)) -> Cycle<Vec<u8>> {
    Cycle::new((0..HEADERS).map(|n| {
        let mut out = BytesMut::new();
        write(n, &mut out);
        out.extend_from_slice(b"GET / HTTP/1.1\r\n");
        out.to_vec()
    }))
}

fn ours(bytes: &[u8]) -> (SocketAddr, usize) {
    let Ok(Parsed::Complete(header, len)) = parse(bytes) else { panic!("a header") };
    let Some(Addresses::Ip { source, .. }) = header.addresses else { panic!("a source") };
    black_box(header.tlvs.authority());
    (source, len)
}

fn proxy_header(bytes: &[u8]) -> (SocketAddr, usize) {
    let (header, len) =
        proxy_header::ProxyHeader::parse(bytes, proxy_header::ParseConfig::default()).expect("a header");
    let source = header.proxied_address().expect("a source").source;
    black_box(header.authority());
    (source, len)
}

fn version_1(criterion: &mut Criterion, operation: &str, ends: impl Fn(u16) -> [PeerAddr; 2]) {
    let cycle = || {
        headers(|n, out| {
            let [source, destination] = ends(n);
            encode_v1(Some(&source), Some(&destination), out);
        })
    };
    let (mut a, mut b, mut c) = (cycle(), cycle(), cycle());
    Operation::new(criterion, "protocols", operation)
        .row(OURS, || ours(black_box(a.next())))
        .row("ppp", || {
            let header = ppp::v1::Header::try_from(black_box(&b.next()[..])).expect("a header");
            let source = match header.addresses {
                ppp::v1::Addresses::Tcp4(ip) => SocketAddr::from((ip.source_address, ip.source_port)),
                ppp::v1::Addresses::Tcp6(ip) => SocketAddr::from((ip.source_address, ip.source_port)),
                ppp::v1::Addresses::Unknown => panic!("a source"),
            };
            (source, header.header.len())
        })
        .row("proxy-header", || proxy_header(black_box(c.next())));
}

fn version_2(criterion: &mut Criterion, operation: &str, tlvs: &[Tlv<'_>]) {
    let cycle = || {
        headers(|n, out| {
            encode_v2(Some(&ends_v4(n)), Some(&ends_v4(n + 1)), tlvs, out).expect("few TLVs");
        })
    };
    let (mut a, mut b, mut c) = (cycle(), cycle(), cycle());
    Operation::new(criterion, "protocols", operation)
        .row(OURS, || ours(black_box(a.next())))
        .row("ppp", || {
            let header = ppp::v2::Header::try_from(black_box(&b.next()[..])).expect("a header");
            let source = match header.addresses {
                ppp::v2::Addresses::IPv4(ip) => SocketAddr::from((ip.source_address, ip.source_port)),
                _ => panic!("a source"),
            };
            let authority = u8::from(ppp::v2::Type::Authority);
            black_box(header.tlvs().flatten().find(|tlv| tlv.kind == authority));
            (source, header.len())
        })
        .row("proxy-header", || proxy_header(black_box(c.next())));
}

/// A list of a thousand networks, half of the addresses in none.
fn networks(criterion: &mut Criterion) {
    let nets: Vec<IpNet> = scattered(1000, 1 << 24)
        .into_iter()
        .map(|n| IpNet::new_assert(Ipv4Addr::from((n as u32) << 8 & !0x100).into(), 24))
        .collect();
    let set: Networks = nets.iter().copied().collect();
    let asked = |offset: u32| {
        let addresses: Vec<IpAddr> = nets
            .iter()
            .enumerate()
            .map(|(place, net)| {
                let IpAddr::V4(ip) = net.network() else { unreachable!("IPv4 alone") };
                Ipv4Addr::from(u32::from(ip) + offset + (place as u32 & 1) * 0x100).into()
            })
            .collect();
        Cycle::new(addresses)
    };
    let (mut a, mut b) = (asked(7), asked(7));
    Operation::new(criterion, "protocols", "address in 1000 networks")
        .row(OURS, || set.contains(*black_box(a.next())))
        .row("list of ipnet", || {
            let ip = black_box(b.next());
            nets.iter().any(|net| net.contains(ip))
        });
}

fn per_address(criterion: &mut Criterion) {
    let counts = PerAddress::new(1000, Networks::default());
    let mut clients = Cycle::new(scattered(1000, 1 << 32).into_iter().map(|n| Ipv4Addr::from(n as u32)));
    Operation::new(criterion, "protocols", "connection counted at its address and freed")
        .row(OURS, || drop(counts.admit((*clients.next()).into())));
}
