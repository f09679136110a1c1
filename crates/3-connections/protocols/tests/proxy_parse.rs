//! Reading and writing PROXY headers, as bytes.

use std::net::{IpAddr, SocketAddr};
use std::path::Path;

use bytes::BytesMut;
use gorge_protocols::PeerAddr;
use gorge_protocols::proxy_protocol::{
    Addresses, Command, Oversized, Parsed, ProxyHeader, Reject, Tlv, TlvKind, Version, encode_v1, encode_v2,
    parse,
};
use proptest::collection::vec;
use proptest::prelude::*;

const SIGNATURE: &[u8] = b"\r\n\r\n\0\r\nQUIT\n";

fn complete(bytes: &[u8]) -> (ProxyHeader<'_>, &[u8]) {
    match parse(bytes) {
        Ok(Parsed::Complete(header, len)) => (header, &bytes[len..]),
        other => panic!("{other:?} of {}", bytes.escape_ascii()),
    }
}

/// A header of version 2 from its thirteenth byte on.
fn v2(command: u8, family: u8, payload: &[u8]) -> Vec<u8> {
    let len = u16::try_from(payload.len()).unwrap();
    [SIGNATURE, &[command, family], &len.to_be_bytes(), payload].concat()
}

fn tlv(kind: u8, value: &[u8]) -> Vec<u8> {
    [&[kind][..], &u16::try_from(value.len()).unwrap().to_be_bytes(), value].concat()
}

const V4: [u8; 12] = [192, 0, 2, 7, 198, 51, 100, 1, 0x9c, 0x40, 0x01, 0xbb];

/// TCP over IPv4 with these TLVs.
fn with_tlvs(tlvs: &[u8]) -> Vec<u8> {
    v2(0x21, 0x11, &[&V4[..], tlvs].concat())
}

#[test]
fn version_1_is_read() {
    for (line, ends) in [
        ("TCP4 192.0.2.7 198.51.100.1 40000 443", Some(("192.0.2.7:40000", "198.51.100.1:443"))),
        ("TCP4 0.0.0.0 255.255.255.255 0 65535", Some(("0.0.0.0:0", "255.255.255.255:65535"))),
        ("TCP6 2001:db8::7 ::1 40000 443", Some(("[2001:db8::7]:40000", "[::1]:443"))),
        ("TCP6 2001:DB8:0:0:0:0:0:7 ::ffff:192.0.2.1 1 2", Some(("[2001:db8::7]:1", "[::ffff:192.0.2.1]:2"))),
        ("UNKNOWN", None),
        ("UNKNOWN ", None),
        ("UNKNOWN ffff:f...f:ffff whatever \0 else", None),
    ] {
        let text = format!("PROXY {line}\r\nGET / HTTP/1.1\r\n");
        let (header, rest) = complete(text.as_bytes());
        assert_eq!(rest, b"GET / HTTP/1.1\r\n");
        assert_eq!((header.version, header.command), (Version::V1, Command::Proxy));
        let read =
            header.source().map(|end| end.to_string()).zip(header.destination().map(|end| end.to_string()));
        assert_eq!(read, ends.map(|(source, destination)| (source.into(), destination.into())), "{line}");
        assert!(header.tlvs.is_empty());
    }
}

#[test]
fn version_1_is_strict() {
    for (line, reason) in [
        ("TCP4 192.0.2.7 198.51.100.1 40000 0443", Reject::Port),
        ("TCP4 192.0.2.7 198.51.100.1 00 443", Reject::Port),
        ("TCP4 192.0.2.7 198.51.100.1 +1 443", Reject::Port),
        ("TCP4 192.0.2.7 198.51.100.1 1 65536", Reject::Port),
        ("TCP4 192.0.2.7 198.51.100.1 1 100000", Reject::Port),
        ("TCP4 192.0.2.7 198.51.100.1 1 ", Reject::Port),
        ("TCP4 192.0.2.7 198.51.100.1 1", Reject::Spacing),
        ("TCP4 192.0.2.7 198.51.100.1 1 2 ", Reject::Spacing),
        ("TCP4 192.0.2.7 198.51.100.1 1 2 3", Reject::Spacing),
        ("TCP4 192.0.2.7 198.51.100.1 1 2\r", Reject::Spacing),
        ("TCP4 192.0.2.7\t198.51.100.1 1 2", Reject::Spacing),
        ("TCP4 192.0.2.7  198.51.100.1 1 2", Reject::Address),
        ("TCP4  192.0.2.7 198.51.100.1 1 2", Reject::Address),
        ("TCP4 192.0.2.07 198.51.100.1 1 2", Reject::Address),
        ("TCP4 192.0.2.256 198.51.100.1 1 2", Reject::Address),
        ("TCP4 192.0.2 198.51.100.1 1 2", Reject::Address),
        ("TCP4 192.0.2.7.1 198.51.100.1 1 2", Reject::Spacing),
        ("TCP4 ::1 ::1 1 2", Reject::Address),
        ("TCP6 192.0.2.7 198.51.100.1 1 2", Reject::Address),
        ("TCP6 [::1] [::1] 1 2", Reject::Address),
        ("TCP6 fe80::1%eth0 ::1 1 2", Reject::Address),
        ("TCP6 ::1 \u{e9} 1 2", Reject::Address),
        ("TCP4", Reject::Protocol),
        ("tcp4 192.0.2.7 198.51.100.1 1 2", Reject::Protocol),
        ("TCP5 192.0.2.7 198.51.100.1 1 2", Reject::Protocol),
        ("UDP4 192.0.2.7 198.51.100.1 1 2", Reject::Protocol),
        ("UNKNOWNS", Reject::Protocol),
        ("UNKNOWN a\rb", Reject::LineEnd),
        ("UNKNOWN a\nb", Reject::LineEnd),
        ("", Reject::Protocol),
    ] {
        assert_eq!(parse(format!("PROXY {line}\r\n").as_bytes()), Err(reason), "{line:?}");
    }
    assert_eq!(parse(b"PROXY UNKNOWN\n"), Err(Reject::LineEnd));
    assert_eq!(parse(b"PROXY \n"), Err(Reject::LineEnd));
}

#[test]
fn version_1_has_at_most_107_bytes() {
    let line = |len: usize| format!("PROXY UNKNOWN {}\r\n", "x".repeat(len - 16));
    assert_eq!(line(107).len(), 107);
    complete(line(107).as_bytes());
    assert_eq!(parse(line(108).as_bytes()), Err(Reject::TooLong));
    let endless = "PROXY UNKNOWN ".to_owned() + &"x".repeat(200);
    assert!(matches!(parse(&endless.as_bytes()[..106]), Ok(Parsed::Incomplete { .. })));
    assert_eq!(parse(&endless.as_bytes()[..107]), Err(Reject::TooLong));
}

#[test]
fn what_is_no_header_is_missing_as_soon_as_it_shows() {
    for bytes in
        [&b"G"[..], b"GET / HTTP/1.1\r\n\r\n", b"PO", b"PROXYTCP4", b"\x16\x03\x01", b"\r\n\r\nG", b" PROXY"]
    {
        assert_eq!(parse(bytes), Err(Reject::Missing), "{}", bytes.escape_ascii());
    }
    assert_eq!(parse(b""), Ok(Parsed::Incomplete { need: 15 }));
}

#[test]
fn version_2_is_read() {
    let v6: Vec<u8> = (0..32).chain([0, 80, 1, 187]).collect();
    for (family, payload, ends, datagram) in [
        (0x11, V4.to_vec(), ("192.0.2.7:40000", "198.51.100.1:443"), false),
        (0x12, V4.to_vec(), ("192.0.2.7:40000", "198.51.100.1:443"), true),
        (
            0x21,
            v6.clone(),
            ("[1:203:405:607:809:a0b:c0d:e0f]:80", "[1011:1213:1415:1617:1819:1a1b:1c1d:1e1f]:443"),
            false,
        ),
        (
            0x22,
            v6,
            ("[1:203:405:607:809:a0b:c0d:e0f]:80", "[1011:1213:1415:1617:1819:1a1b:1c1d:1e1f]:443"),
            true,
        ),
        (0x31, unix(b"/run/a.sock", b"\0name"), ("unix:/run/a.sock", "unix:@name"), false),
        (0x32, unix(b"", &[b'x'; 108]), ("unix:", &format!("unix:{}", "x".repeat(108))), true),
    ] {
        let bytes = [v2(0x21, family, &payload), b"rest".to_vec()].concat();
        let (header, rest) = complete(&bytes);
        assert_eq!(rest, b"rest");
        assert_eq!((header.version, header.command), (Version::V2, Command::Proxy));
        let (source, destination) = (header.source().unwrap(), header.destination().unwrap());
        assert_eq!((source.to_string().as_str(), destination.to_string().as_str()), ends);
        let (Some(Addresses::Ip { datagram: told, .. }) | Some(Addresses::Unix { datagram: told, .. })) =
            header.addresses
        else {
            panic!("no addresses")
        };
        assert_eq!(told, datagram);
    }
}

fn unix(source: &[u8], destination: &[u8]) -> Vec<u8> {
    let mut payload = vec![0; 216];
    payload[..source.len()].copy_from_slice(source);
    payload[108..108 + destination.len()].copy_from_slice(destination);
    payload
}

#[test]
fn version_2_local_says_nothing_whatever_it_carries() {
    for (family, payload) in [(0x00, &b""[..]), (0x11, &V4), (0x11, b"short"), (0xff, b"anything at all")] {
        let bytes = v2(0x20, family, payload);
        let (header, rest) = complete(&bytes);
        assert_eq!((header.command, header.addresses, rest), (Command::Local, None, &b""[..]));
        assert!(header.tlvs.is_empty());
    }
}

#[test]
fn version_2_unspecified_has_tlvs_alone() {
    let bytes = v2(0x21, 0x00, &tlv(0x02, b"a.example"));
    let (header, _) = complete(&bytes);
    assert_eq!((header.addresses, header.tlvs.authority()), (None, Some("a.example")));
}

#[test]
fn version_2_is_strict() {
    let other_version = v2(0x11, 0x11, &V4);
    for (bytes, reason) in [
        (other_version.clone(), Reject::Version),
        (v2(0x01, 0x11, &V4), Reject::Version),
        (v2(0x22, 0x11, &V4), Reject::Command),
        (v2(0x21, 0x10, &V4), Reject::Family),
        (v2(0x21, 0x13, &V4), Reject::Family),
        (v2(0x21, 0x03, b""), Reject::Family),
        (v2(0x21, 0x41, &V4), Reject::Family),
        (v2(0x21, 0x11, &V4[..11]), Reject::Length),
        (v2(0x21, 0x21, &V4), Reject::Length),
        (v2(0x21, 0x31, &[0; 215]), Reject::Length),
    ] {
        assert_eq!(parse(&bytes), Err(reason), "{}", bytes.escape_ascii());
    }
    // The reason shows with the byte at fault.
    assert_eq!(parse(&other_version[..13]), Err(Reject::Version));
    assert_eq!(parse(&v2(0x21, 0x41, &V4)[..14]), Err(Reject::Family));
    assert_eq!(parse(&v2(0x21, 0x21, &V4)[..16]), Err(Reject::Length));
}

#[test]
fn tlvs_are_read_the_unknown_too() {
    let ssl = [
        &[0b101, 0, 0, 0, 0][..],
        &tlv(0x21, b"TLSv1.3"),
        &tlv(0x22, b"client.example"),
        &tlv(0x23, b"TLS_AES_128_GCM_SHA256"),
    ]
    .concat();
    let bytes = with_tlvs(
        &[
            tlv(0x01, b"h2"),
            tlv(0x02, b"shop.example"),
            tlv(0x04, b"\0\0\0"),
            tlv(0x05, b"unique"),
            tlv(0x20, &ssl),
            tlv(0x30, b"blue"),
            tlv(0xea, b"vendor"),
        ]
        .concat(),
    );
    let (header, _) = complete(&bytes);
    let tlvs = header.tlvs;
    assert_eq!(tlvs.alpn(), Some(&b"h2"[..]));
    assert_eq!(tlvs.authority(), Some("shop.example"));
    assert_eq!(tlvs.unique_id(), Some(&b"unique"[..]));
    assert_eq!(tlvs.netns(), Some("blue"));
    assert_eq!(tlvs.find(TlvKind(0xea)), Some(&b"vendor"[..]));
    assert_eq!(tlvs.find(TlvKind(0xeb)), None);
    assert_eq!(tlvs.iter().count(), 7);
    let ssl = tlvs.ssl().unwrap();
    assert!(
        ssl.is_tls() && !ssl.certificate_on_connection() && ssl.certificate_in_session() && ssl.verified()
    );
    assert_eq!((ssl.version(), ssl.cipher()), (Some("TLSv1.3"), Some("TLS_AES_128_GCM_SHA256")));
    assert_eq!((ssl.common_name(), ssl.tlvs().iter().count()), (Some("client.example"), 3));
}

#[test]
fn a_certificate_that_failed_or_is_none_is_not_verified() {
    for (flags, verify) in [(0b101, 1), (0b001, 0), (0, 0)] {
        let bytes = with_tlvs(&tlv(0x20, &[flags, 0, 0, 0, verify]));
        assert!(!complete(&bytes).0.tlvs.ssl().unwrap().verified());
    }
}

#[test]
fn tlvs_are_judged() {
    for (tlvs, reason) in [
        (b"\x01".to_vec(), Reject::Tlv),
        (b"\x01\0".to_vec(), Reject::Tlv),
        (b"\x01\0\x02a".to_vec(), Reject::Tlv),
        ([tlv(0x01, b"h2"), b"\x04".to_vec()].concat(), Reject::Tlv),
        (tlv(0x02, b"\xff"), Reject::Tlv),
        (tlv(0x05, &[0; 129]), Reject::Tlv),
        (tlv(0x20, &[1, 0, 0, 0]), Reject::Tlv),
        (tlv(0x20, &[1, 0, 0, 0, 0, 0x21]), Reject::Tlv),
        (tlv(0x20, &[&[1, 0, 0, 0, 0][..], &tlv(0x22, b"\xff")].concat()), Reject::Tlv),
        (tlv(0x20, &[&[1, 0, 0, 0, 0][..], &tlv(0x02, b"\xff")].concat()), Reject::Tlv),
        (tlv(0x20, &[&[1, 0, 0, 0, 0][..], &tlv(0x20, &[1, 0, 0, 0, 0])].concat()), Reject::Tlv),
        (tlv(0x30, b"\xff"), Reject::Tlv),
        (tlv(0x03, &[0; 3]), Reject::Tlv),
        (tlv(0x03, &[0; 4]), Reject::Checksum),
        ([tlv(0x03, &[0; 4]), tlv(0x03, &[0; 4])].concat(), Reject::Checksum),
    ] {
        assert_eq!(parse(&with_tlvs(&tlvs)), Err(reason), "{}", tlvs.escape_ascii());
    }
}

#[test]
fn the_checksum_covers_every_byte() {
    let mut out = BytesMut::new();
    let (source, destination) = (ip("192.0.2.7:40000"), ip("198.51.100.1:443"));
    let tlvs = [
        Tlv { kind: TlvKind::AUTHORITY, value: b"a.example" },
        Tlv { kind: TlvKind::CRC32C, value: b"" },
        Tlv { kind: TlvKind(0xe0), value: b"x" },
    ];
    encode_v2(Some(&source), Some(&destination), &tlvs, &mut out).unwrap();
    complete(&out);
    // Addresses, and the values of the TLVs.
    for place in (16..28).chain(31..40).chain(43..47).chain([50]) {
        let mut broken = out.clone();
        broken[place] ^= 1;
        assert_eq!(parse(&broken), Err(Reject::Checksum), "byte {place}");
    }
}

/// What HAProxy 2.6.12 sends with `send-proxy-v2 proxy-v2-options crc32c`.
const HAPROXY: &[u8] =
    b"\r\n\r\n\0\r\nQUIT\n!\x11\0\x13\x7f\0\0\x01\x7f\0\0\x01\xecL\xb1\xe9\x03\0\x04\xd8?I\0";

#[test]
fn a_header_of_haproxy_is_read_and_written() {
    let (header, rest) = complete(HAPROXY);
    assert!(rest.is_empty());
    let (source, destination) = (header.source().unwrap(), header.destination().unwrap());
    assert_eq!((&source, &destination), (&ip("127.0.0.1:60492"), &ip("127.0.0.1:45545")));
    let mut out = BytesMut::new();
    let checksum = Tlv { kind: TlvKind::CRC32C, value: b"" };
    encode_v2(Some(&source), Some(&destination), &[checksum], &mut out).unwrap();
    assert_eq!(out, HAPROXY);
}

fn ip(text: &str) -> PeerAddr {
    PeerAddr::Ip(text.parse().unwrap())
}

#[test]
fn version_1_is_written() {
    let named = PeerAddr::Unix(Some(Path::new("/run/a.sock").into()));
    let (v4, v6) = (ip("192.0.2.7:40000"), ip("[2001:db8::1]:443"));
    for (source, destination, line) in [
        (Some(&v4), Some(&ip("198.51.100.1:443")), "TCP4 192.0.2.7 198.51.100.1 40000 443"),
        (Some(&v6), Some(&v6), "TCP6 2001:db8::1 2001:db8::1 443 443"),
        (Some(&v4), Some(&v6), "TCP6 ::ffff:192.0.2.7 2001:db8::1 40000 443"),
        (Some(&v4), None, "TCP4 192.0.2.7 0.0.0.0 40000 0"),
        (Some(&v6), None, "TCP6 2001:db8::1 :: 443 0"),
        (Some(&v4), Some(&named), "UNKNOWN"),
        (Some(&named), Some(&named), "UNKNOWN"),
        (None, Some(&v4), "UNKNOWN"),
        (None, None, "UNKNOWN"),
    ] {
        let mut out = BytesMut::from("before");
        encode_v1(source, destination, &mut out);
        assert_eq!(out, format!("beforePROXY {line}\r\n"));
    }
}

#[test]
fn version_2_is_written() {
    let named = PeerAddr::Unix(Some(Path::new("/run/a.sock").into()));
    let v4 = ip("192.0.2.7:40000");
    for (source, destination, bytes) in [
        (Some(&v4), Some(&ip("198.51.100.1:443")), v2(0x21, 0x11, &V4)),
        (Some(&named), Some(&PeerAddr::Unix(None)), v2(0x21, 0x31, &unix(b"/run/a.sock", b""))),
        (Some(&named), None, v2(0x21, 0x31, &unix(b"/run/a.sock", b""))),
        (Some(&named), Some(&v4), v2(0x21, 0x00, b"")),
        (None, None, v2(0x20, 0x00, b"")),
    ] {
        let mut out = BytesMut::from("before");
        encode_v2(source, destination, &[], &mut out).unwrap();
        assert_eq!(out[6..], bytes);
    }
}

#[test]
fn what_does_not_fit_is_not_written() {
    let value = vec![0; 65_535 - 3 - 12];
    let (v4, mut out) = (ip("192.0.2.7:40000"), BytesMut::new());
    let fits = [Tlv { kind: TlvKind::NOOP, value: &value }];
    encode_v2(Some(&v4), None, &fits, &mut out).unwrap();
    complete(&out);
    out.clear();
    let more = [fits[0], Tlv { kind: TlvKind::NOOP, value: b"" }];
    assert_eq!(encode_v2(Some(&v4), None, &more, &mut out), Err(Oversized));
    let twice = [Tlv { kind: TlvKind::CRC32C, value: b"" }; 2];
    assert_eq!(encode_v2(Some(&v4), None, &twice, &mut out), Err(Oversized));
    assert!(out.is_empty());
}

fn any_addr() -> impl Strategy<Value = SocketAddr> {
    (any::<IpAddr>(), any::<u16>()).prop_map(|(ip, port)| SocketAddr::new(ip, port))
}

/// As in a header whose ends are of these two families.
fn unified(end: SocketAddr, other: SocketAddr) -> PeerAddr {
    match end.ip() {
        IpAddr::V4(ip) if other.is_ipv6() => {
            PeerAddr::Ip(SocketAddr::new(ip.to_ipv6_mapped().into(), end.port()))
        }
        _ => PeerAddr::Ip(end),
    }
}

/// Bytes that are nearly a header.
fn nearly() -> impl Strategy<Value = Vec<u8>> {
    let line = "PROXY (TCP4|TCP6|UNKNOWN) ?[0-9a-f:.]{0,15} ?[0-9.:]{0,15} ?[0-9]{0,6} ?[0-9]{0,6}[\r]?[\n]?[a-z]{0,9}";
    let binary = (
        0x1fu8..0x23,
        prop_oneof![Just(0u8), Just(0x11), any::<u8>()],
        vec(any::<u8>(), 0..40),
        vec(0u8..6, 0..30),
    )
        .prop_map(|(command, family, payload, tail)| v2(command, family, &[payload, tail].concat()));
    prop_oneof![line.prop_map(String::into_bytes), binary, vec(any::<u8>(), 0..40)]
}

/// What came out, without pointing into the bytes.
type Outcome = Result<Option<(Option<PeerAddr>, Option<PeerAddr>, Vec<u8>)>, Reject>;

/// Reads in pieces, never more than what surely belongs to the header.
fn read_exactly(bytes: &[u8], piece: usize) -> (Outcome, usize) {
    let mut len = 0;
    loop {
        let need = match parse(&bytes[..len]) {
            Err(reject) => return (Err(reject), len),
            Ok(Parsed::Complete(header, taken)) => {
                assert_eq!(taken, len, "no byte more than the header's was taken");
                let tlvs = header.tlvs.iter().flat_map(|tlv| tlv.value.to_vec()).collect();
                return (Ok(Some((header.source(), header.destination(), tlvs))), taken);
            }
            Ok(Parsed::Incomplete { need }) => need,
        };
        assert!(need > 0);
        if len == bytes.len() {
            return (Ok(None), len);
        }
        len = bytes.len().min(len + need.min(piece));
    }
}

proptest! {
    #[test]
    fn version_1_reads_back(source in any_addr(), destination in any_addr(), rest in vec(any::<u8>(), 0..20)) {
        let mut out = BytesMut::new();
        encode_v1(Some(&PeerAddr::Ip(source)), Some(&PeerAddr::Ip(destination)), &mut out);
        prop_assert!(out.len() <= 107);
        out.extend_from_slice(&rest);
        let (header, behind) = complete(&out);
        prop_assert_eq!(behind, &rest[..]);
        prop_assert_eq!(header.source(), Some(unified(source, destination)));
        prop_assert_eq!(header.destination(), Some(unified(destination, source)));
    }

    #[test]
    fn version_2_reads_back(
        source in any_addr(),
        destination in any_addr(),
        values in vec((0x80u8..=0xff, vec(any::<u8>(), 0..40)), 0..5),
        checked: bool,
        rest in vec(any::<u8>(), 0..20),
    ) {
        let mut tlvs: Vec<Tlv> =
            values.iter().map(|(kind, value)| Tlv { kind: TlvKind(*kind), value }).collect();
        if checked {
            tlvs.insert(tlvs.len() / 2, Tlv { kind: TlvKind::CRC32C, value: b"" });
        }
        let mut out = BytesMut::new();
        encode_v2(Some(&PeerAddr::Ip(source)), Some(&PeerAddr::Ip(destination)), &tlvs, &mut out).unwrap();
        out.extend_from_slice(&rest);
        let (header, behind) = complete(&out);
        prop_assert_eq!(behind, &rest[..]);
        prop_assert_eq!(header.source(), Some(unified(source, destination)));
        prop_assert_eq!(header.destination(), Some(unified(destination, source)));
        let read: Vec<_> = header.tlvs.iter().filter(|tlv| tlv.kind != TlvKind::CRC32C).collect();
        tlvs.retain(|tlv| tlv.kind != TlvKind::CRC32C);
        prop_assert_eq!(read, tlvs);
    }

    #[test]
    fn any_split_comes_to_the_same_end(bytes in nearly(), piece in 1usize..40) {
        let (outcome, _) = read_exactly(&bytes, piece);
        prop_assert_eq!(&outcome, &read_exactly(&bytes, 1).0);
        match parse(&bytes) {
            Err(reject) => prop_assert_eq!(outcome, Err(reject)),
            Ok(Parsed::Incomplete { .. }) => prop_assert_eq!(outcome, Ok(None)),
            Ok(Parsed::Complete(header, _)) => {
                let outcome = outcome.unwrap().unwrap();
                prop_assert_eq!((outcome.0, outcome.1), (header.source(), header.destination()));
            }
        }
    }
}
