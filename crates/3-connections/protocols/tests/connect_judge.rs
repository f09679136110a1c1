//! Who may have a tunnel, and where to.

use bytes::Bytes;
use gorge_error::{Error, Fault, Kind};
use gorge_http::{Method, RequestHead, Uri};
use gorge_protocols::{Address, ConnectPolicy, Credentials, Networks, Target};

fn ask(policy: &ConnectPolicy, target: &str, field: &[&str]) -> Result<Target, Error> {
    let mut head = RequestHead::new();
    head.method = Method::CONNECT;
    head.uri = Uri::parse(&head.method, Bytes::copy_from_slice(target.as_bytes())).unwrap();
    for value in field {
        head.headers.append("proxy-authorization", value).unwrap();
    }
    policy.judge(&head)
}

fn kind(policy: &ConnectPolicy, target: &str) -> Option<Kind> {
    let error = ask(policy, target, &[]).err()?;
    assert_eq!(error.fault(), Fault::Downstream);
    Some(error.kind())
}

#[test]
fn there_are_no_tunnels_unless_asked_for() {
    let error = ask(&ConnectPolicy::default(), "example.com:443", &[]).unwrap_err();
    assert_eq!((error.kind(), error.status()), (Kind::MethodNotAllowed, 405));
    let mut head = RequestHead::new();
    head.uri = Uri::parse(&head.method, "http://example.com/".into()).unwrap();
    assert_eq!(ConnectPolicy::on().judge(&head).unwrap_err().kind(), Kind::MethodNotAllowed);
}

#[test]
fn names_and_public_addresses_are_targets() {
    let policy = ConnectPolicy::on();
    for (target, address) in [
        ("example.com:443", Address::Name("example.com".into(), 443)),
        ("Example.COM.:443", Address::Name("example.com.".into(), 443)),
        ("1.1.1.1:443", Address::Ip("1.1.1.1:443".parse().unwrap())),
        ("[2606:4700::1111]:443", Address::Ip("[2606:4700::1111]:443".parse().unwrap())),
    ] {
        assert_eq!(ask(&policy, target, &[]).unwrap(), Target { address, identity: None }, "{target}");
    }
}

#[test]
fn only_allowed_ports_are_reached() {
    let policy = ConnectPolicy { ports: vec![443, 8443], ..ConnectPolicy::on() };
    assert_eq!(kind(&policy, "example.com:8443"), None);
    assert_eq!(kind(&policy, "example.com:80"), Some(Kind::AccessDenied));
    assert_eq!(kind(&ConnectPolicy::on(), "example.com:22"), Some(Kind::AccessDenied));
    assert_eq!(
        kind(&ConnectPolicy { ports: vec![0], ..ConnectPolicy::on() }, "a:0"),
        Some(Kind::HeadInvalid)
    );
}

/// No spelling of an inside address is taken for a public one: it is judged, is a name that has yet to
/// be resolved, or is nothing.
#[test]
fn odd_spellings_of_addresses_do_not_slip_through() {
    let policy = ConnectPolicy::on();
    for target in [
        "127.0.0.1:443",
        "[::1]:443",
        "[::ffff:127.0.0.1]:443",
        "[64:ff9b::a00:1]:443",
        "169.254.169.254:443",
    ] {
        assert_eq!(kind(&policy, target), Some(Kind::AccessDenied), "{target}");
    }
    for target in [
        "2130706433:443",
        "127.1:443",
        "127.0.0.1.:443",
        "0177.0.0.1:443",
        "%31%32%37.0.0.1:443",
        "1.2.3:443",
        "a..b:443",
        "a,b:443",
    ] {
        assert_eq!(kind(&policy, target), Some(Kind::HeadInvalid), "{target}");
    }
    for target in ["0x7f.1:443", "0x7f000001:443", "127.0.0.1.nip.example:443", "localhost:443"] {
        let address = ask(&policy, target, &[]).unwrap().address;
        assert!(matches!(address, Address::Name(..)), "{target}");
    }
}

#[test]
fn inside_is_reached_only_where_it_is_allowed_and_own_networks_never() {
    let blocked: Networks = vec!["10.9.0.0/16".parse().unwrap(), "1.1.1.0/24".parse().unwrap()].into();
    let policy = ConnectPolicy { private: true, blocked, ..ConnectPolicy::on() };
    assert_eq!(kind(&policy, "10.1.0.1:443"), None);
    assert_eq!(kind(&policy, "[::1]:443"), None);
    for target in [
        "10.9.0.1:443",
        "1.1.1.1:443",
        "[::ffff:10.9.0.1]:443",
        "[64:ff9b::10.9.0.1]:443",
        "[2002:101:101::]:443",
    ] {
        assert_eq!(kind(&policy, target), Some(Kind::AccessDenied), "{target}");
    }
    let error = policy.judge_address("10.9.0.1".parse().unwrap()).unwrap_err();
    assert_eq!((error.kind(), error.status(), error.fault()), (Kind::AccessDenied, 403, Fault::Downstream));
}

#[test]
fn credentials_come_first() {
    let auth = Credentials::basic([("alice", "secret")]).unwrap();
    let policy = ConnectPolicy { auth: Some(auth), realm: "gate".into(), ..ConnectPolicy::on() };
    let right = "Basic YWxpY2U6c2VjcmV0";
    let target = ask(&policy, "example.com:443", &[right]).unwrap();
    assert_eq!(target.identity.unwrap().name().map(|name| &**name), Some("alice"));
    assert_eq!(ask(&policy, "127.0.0.1:443", &[right]).unwrap_err().kind(), Kind::AccessDenied);
    for fields in [&[][..], &["Basic YWxpY2U6b3RoZXI="], &["Bearer secret"], &[right, right]] {
        let error = ask(&policy, "127.0.0.1:22", fields).unwrap_err();
        assert_eq!((error.kind(), error.status()), (Kind::ProxyAuthenticationMissing, 407), "{fields:?}");
    }
    assert_eq!(policy.challenge().as_deref(), Some(r#"Basic realm="gate", charset="UTF-8""#));
    assert_eq!(ConnectPolicy::on().challenge(), None);
}
