//! Digests are plain values: copied without allocation, unknown where nobody knows.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use gorge_digest::{
    Digest, Extension, Flow, GetDigest, PeerAddr, PeerCertificate, ProxyDigest, ProxyProtocol, SocketDigest,
    TcpInfo, TimingDigest, TlsDigest, TrafficDigest,
};
use gorge_test_util::AllocationCounter;

#[global_allocator]
static ALLOCATOR: AllocationCounter = AllocationCounter::new();

/// A stream that knows nothing.
struct Silent;
impl GetDigest for Silent {}

fn full_socket() -> SocketDigest {
    SocketDigest {
        peer: Some(PeerAddr::from(Path::new("/run/app.sock"))),
        local: Some(PeerAddr::Ip("[2001:db8::1]:443".parse().unwrap())),
        original_destination: Some("192.0.2.1:443".parse().unwrap()),
        cookie: Some(7),
        receive_buffer: Some(1 << 17),
        send_buffer: Some(1 << 16),
    }
}

fn full_tls() -> TlsDigest {
    TlsDigest {
        version: Some("TLSv1.3"),
        cipher: Some("TLS_AES_128_GCM_SHA256"),
        group: Some("X25519"),
        alpn: Some(b"h2".as_slice().into()),
        sni: Some("example.org".into()),
        resumed: Some(false),
        early_data: Some(false),
        certificate_asked: true,
        peer_certificate: Some(PeerCertificate {
            subject: Some("CN=alice,O=Example".into()),
            issuer: Some("CN=root".into()),
            organisation: Some("Example".into()),
            serial: Some("01af".into()),
            sha256: Some([0xab; 32]),
        }),
        peer_fault: None,
        extension: Extension::new("mine"),
    }
}

#[test]
fn copying_allocates_nothing() {
    let (socket, tls) = (full_socket(), full_tls());
    let proxy = ProxyDigest {
        source: Some("192.0.2.9:1000".parse().unwrap()),
        authority: Some("example.org:443".into()),
        unique_id: Some([1, 2, 3].as_slice().into()),
        ..ProxyDigest::new(ProxyProtocol::V2)
    };
    let digest = Digest {
        timing: TimingDigest::of_connection(Instant::now()),
        socket: Some(socket.clone()),
        tls: Some(Arc::new(tls.clone())),
        proxy: Some(Arc::new(proxy.clone())),
        traffic: Some(TrafficDigest::default()),
        extension: Extension::new("mine"),
    };
    let (made, copies) =
        ALLOCATOR.of_thread(|| (socket.clone(), tls.clone(), proxy.clone(), digest.clone(), digest.digest()));
    assert_eq!(made, 0);
    assert_eq!((copies.0, copies.1, copies.2), (socket, tls, proxy));
    assert_eq!(copies.4.extension.get::<&str>(), Some(&"mine"));
}

#[test]
fn unknown_is_none() {
    assert!(
        Silent.timing_digest().is_none() && Silent.socket_digest().is_none() && Silent.tcp_info().is_none()
    );
    assert!(
        Silent.tls_digest().is_none() && Silent.proxy_digest().is_none() && Silent.traffic_digest().is_none()
    );
    assert!(Silent.extension().is_none());
    assert_eq!(Silent.digest().timing, TimingDigest::default());
    assert_eq!(TcpInfo::default().rtt, None);
    assert_eq!(SocketDigest::default().cookie, None);
    assert_eq!(Flow::default().pending, None);
}

#[test]
fn addresses_display_as_logged() {
    let table = [
        (PeerAddr::Ip("192.0.2.7:80".parse().unwrap()), "192.0.2.7:80"),
        (PeerAddr::Ip("[2001:db8::1]:80".parse().unwrap()), "[2001:db8::1]:80"),
        (PeerAddr::Name("example.com".into(), 80), "example.com:80"),
        (PeerAddr::Name("a\nb".into(), 80), r"a\nb:80"),
        (PeerAddr::from(Path::new("/run/app.sock")), "unix:/run/app.sock"),
        (PeerAddr::from(Path::new("\0name")), "unix:@name"),
        (PeerAddr::from(Path::new("/tmp/a\nb\u{1b}")), r"unix:/tmp/a\nb\u{1b}"),
        (PeerAddr::Unix(None), "unix:"),
    ];
    for (addr, text) in table {
        assert_eq!(addr.to_string(), text);
    }
}

#[test]
fn addresses_answer_for_their_family() {
    let ip = PeerAddr::from("192.0.2.7:80".parse::<std::net::SocketAddr>().unwrap());
    assert_eq!((ip.ip(), ip.path()), (Some("192.0.2.7".parse().unwrap()), None));
    let name = PeerAddr::Name("example.com".into(), 80);
    assert_eq!((name.ip(), name.path()), (None, None));
    let unix = PeerAddr::from(Path::new("/run/app.sock"));
    assert_eq!((unix.socket_addr(), unix.path()), (None, Some(Path::new("/run/app.sock"))));
}

#[test]
fn spans_need_both_ends() {
    let t = Instant::now();
    let at = |ms| Some(t + Duration::from_millis(ms));
    let span = |ms| Some(Duration::from_millis(ms));
    let mut timing = TimingDigest::of_exchange(t);
    assert_eq!((timing.duration(), timing.connecting(), timing.waiting()), (None, None, None));
    timing.peer_selected = at(10);
    timing.connected = at(15);
    timing.first_byte = at(40);
    timing.end = at(50);
    assert_eq!((timing.duration(), timing.connecting(), timing.waiting()), (span(50), span(5), span(25)));
    assert_eq!(timing.upstream(), span(40));
    timing.tls_done = at(20);
    assert_eq!((timing.connecting(), timing.waiting()), (span(10), span(20)));
    assert_eq!(timing.age(t), None);
    assert_eq!(TimingDigest::of_connection(t + Duration::from_secs(1)).age(t), Some(Duration::ZERO));
}

#[test]
fn traffic_adds_up_and_never_overflows() {
    let mut flow = Flow::default();
    flow.add(10);
    flow.add(usize::MAX);
    flow.wait(Duration::from_millis(3));
    flow.wait(Duration::MAX);
    assert_eq!((flow.bytes, flow.pending), (u64::MAX, Some(Duration::MAX)));
}

#[test]
fn the_extension_is_typed() {
    let mut slot = Extension::default();
    assert!(slot.is_empty());
    slot.set(5_u32);
    assert_eq!((slot.get::<u32>(), slot.get::<u64>()), (Some(&5), None));
    slot.set("text");
    assert_eq!((slot.get::<u32>(), slot.get::<&str>()), (None, Some(&"text")));
}

#[test]
fn certificates_are_told_in_hexadecimal() {
    let certificate = full_tls().peer_certificate.unwrap();
    assert_eq!(certificate.sha256_hex().unwrap(), "ab".repeat(32));
    assert_eq!(PeerCertificate::default().sha256_hex(), None);
}

#[test]
fn everything_is_send_and_sync() {
    fn checks<T: Send + Sync + Clone>() {}
    checks::<(
        Digest,
        Extension,
        PeerAddr,
        ProxyDigest,
        SocketDigest,
        TcpInfo,
        TimingDigest,
        TlsDigest,
        TrafficDigest,
    )>();
}

#[test]
fn a_certificate_is_ok_faulty_or_none() {
    let mut tls = full_tls();
    assert_eq!(tls.peer_verified(), "ok");
    tls.peer_fault = Some("certificate has expired");
    assert_eq!(tls.peer_verified(), "certificate has expired");
    assert_eq!(TlsDigest::default().peer_verified(), "none");
}
