//! Reading a PROXY header allocates nothing.

use std::hint::black_box;

use gorge_protocols::proxy_protocol::{Parsed, Tlv, TlvKind, encode_v2, parse};
use gorge_protocols::{Credentials, Networks, PeerAddr};
use gorge_test_util::AllocationCounter;

#[global_allocator]
static ALLOCATOR: AllocationCounter = AllocationCounter::new();

#[test]
fn headers_of_both_versions() {
    let end = PeerAddr::Ip("192.0.2.7:40000".parse().unwrap());
    let tlvs = [
        Tlv { kind: TlvKind::CRC32C, value: b"" },
        Tlv { kind: TlvKind::AUTHORITY, value: b"shop.example" },
        Tlv { kind: TlvKind::SSL, value: &[1, 0, 0, 0, 0, 0x21, 0, 3, b'T', b'L', b'S'] },
    ];
    let mut binary = bytes::BytesMut::new();
    encode_v2(Some(&end), Some(&end), &tlvs, &mut binary).unwrap();
    let unix = [&b"\r\n\r\n\0\r\nQUIT\n!\x31\0\xd8/run/a.sock"[..], &[0; 205]].concat();
    let text = b"PROXY TCP6 2001:db8::7 2001:db8::1 40000 443\r\n";
    let (allocations, ()) = ALLOCATOR.of_thread(|| {
        for bytes in [&text[..], &binary, &unix] {
            let Ok(Parsed::Complete(header, _)) = parse(black_box(bytes)) else { panic!("a header") };
            black_box((header.addresses, header.tlvs.authority(), header.tlvs.ssl()));
        }
    });
    assert_eq!(allocations, 0);
}

#[test]
fn judgements() {
    let users = Credentials::basic([("alice", "secret"), ("bob", "other")]).unwrap();
    let networks: Networks = vec!["10.0.0.0/8".parse().unwrap()].into();
    let ip = "10.1.2.3".parse().unwrap();
    let (allocations, ()) = ALLOCATOR.of_thread(|| {
        assert!(users.check(black_box(Some(b"Basic YWxpY2U6c2VjcmV0"))).is_some());
        assert!(networks.contains(black_box(ip)));
    });
    assert_eq!(allocations, 0);
}
