//! Target for PROXY headers.

use bytes::BytesMut;
use gorge_protocols::proxy_protocol::{
    Addresses, Command, Parsed, ProxyHeader, Reject, Tlv, TlvKind, Version, encode_v1, encode_v2, parse,
};

/// Judges the parsing of `data` as a connection that begins with a PROXY header.
///
/// # Panics
/// If a promise of the parser is broken.
pub fn proxy_header(data: &[u8]) {
    let whole = parse(data);
    for piece in [1, usize::from(data.last().copied().unwrap_or(3) % 29) + 2, usize::MAX] {
        let (end, taken) = read(data, piece);
        match whole {
            Ok(Parsed::Complete(_, len)) => assert_eq!((end, taken), (Ok(true), len)),
            Ok(Parsed::Incomplete { .. }) => assert_eq!((end, taken), (Ok(false), data.len())),
            Err(reject) => assert_eq!(end, Err(reject)),
        }
    }
    let Ok(Parsed::Complete(header, len)) = whole else { return };
    match header.version {
        Version::V1 => judge_line(&data[..len]),
        Version::V2 => assert_eq!(len, 16 + usize::from(data[14]) * 256 + usize::from(data[15])),
    }
    reads_back(&header);
}

/// Takes never more than what surely belongs to the header, in pieces. Whether there is one, and how
/// many bytes were taken.
fn read(data: &[u8], piece: usize) -> (Result<bool, Reject>, usize) {
    let mut taken = 0;
    loop {
        let need = match parse(&data[..taken]) {
            Err(reject) => return (Err(reject), taken),
            Ok(Parsed::Complete(_, len)) => {
                assert_eq!(len, taken, "a byte of what follows was taken");
                return (Ok(true), taken);
            }
            Ok(Parsed::Incomplete { need }) => need,
        };
        if taken == data.len() {
            return (Ok(false), taken);
        }
        assert!(need > 0);
        taken = data.len().min(taken + need.min(piece));
    }
}

/// A second judgement of an accepted line, on its bytes alone.
fn judge_line(line: &[u8]) {
    assert!(line.len() <= 107);
    let text = line.strip_suffix(b"\r\n").expect("the line has its end");
    assert!(!text.contains(&b'\r') && !text.contains(&b'\n'));
    let parts: Vec<_> = text.split(|&byte| byte == b' ').collect();
    assert_eq!(parts[0], b"PROXY");
    if parts[1] == b"UNKNOWN" {
        return;
    }
    assert_eq!(parts.len(), 6);
    for port in &parts[4..] {
        let number: u16 = std::str::from_utf8(port).expect("digits").parse().expect("a port");
        assert_eq!(number.to_string().as_bytes(), *port);
    }
}

/// Written anew in either version it reads the same.
fn reads_back(header: &ProxyHeader<'_>) {
    let (source, destination) = (header.source(), header.destination());
    let mut out = BytesMut::new();
    if let Some(Addresses::Ip { .. }) = header.addresses {
        encode_v1(source.as_ref(), destination.as_ref(), &mut out);
        let Ok(Parsed::Complete(again, _)) = parse(&out) else { panic!("what is written can be read") };
        assert_eq!((again.source(), again.destination()), (source.clone(), destination.clone()));
        out.clear();
    }
    let tlvs: Vec<Tlv<'_>> = header.tlvs.iter().collect();
    encode_v2(source.as_ref(), destination.as_ref(), &tlvs, &mut out).expect("it fitted before");
    let Ok(Parsed::Complete(again, len)) = parse(&out) else { panic!("what is written can be read") };
    assert_eq!(len, out.len());
    assert_eq!((again.source(), again.destination()), (source.clone(), destination));
    if source.is_some() {
        assert_eq!(again.command, Command::Proxy);
        let without_sum = |header: &ProxyHeader<'_>| -> Vec<(u8, Vec<u8>)> {
            let others = header.tlvs.iter().filter(|tlv| tlv.kind != TlvKind::CRC32C);
            others.map(|tlv| (tlv.kind.0, tlv.value.to_vec())).collect()
        };
        assert_eq!(without_sum(&again), without_sum(header));
    }
    let ssl = header.tlvs.ssl();
    for tlvs in [Some(header.tlvs), ssl.map(|ssl| ssl.tlvs())].into_iter().flatten() {
        for text in [tlvs.authority(), tlvs.netns()].into_iter().flatten() {
            assert!(std::str::from_utf8(text.as_bytes()).is_ok());
        }
        assert_eq!(tlvs.ssl().is_some(), tlvs.find(TlvKind::SSL).is_some());
    }
    for text in ssl.into_iter().flat_map(|ssl| [ssl.version(), ssl.cipher(), ssl.common_name()]).flatten() {
        assert!(std::str::from_utf8(text.as_bytes()).is_ok());
    }
}
