//! Request targets and authorities: what is taken, and what is refused.

use bytes::Bytes;
use gorge_http::{Form, InvalidUri, Method, Uri, authority};

fn parse(method: &Method, text: &str) -> Result<Uri, InvalidUri> {
    Uri::parse(method, Bytes::copy_from_slice(text.as_bytes()))
}

#[test]
fn takes_the_four_forms_of_rfc_9112_3_2() {
    // method, text, form, scheme, host, port, path, query, path and query
    #[rustfmt::skip]
    let cases = [
        (Method::GET, "/", Form::Origin, None, None, None, "/", None, "/"),
        (Method::GET, "/a/b?c=d?e", Form::Origin, None, None, None, "/a/b", Some("c=d?e"), "/a/b?c=d?e"),
        (Method::GET, "/?", Form::Origin, None, None, None, "/", Some(""), "/?"),
        (Method::GET, "//a/b", Form::Origin, None, None, None, "//a/b", None, "//a/b"),
        (Method::GET, "/http://a", Form::Origin, None, None, None, "/http://a", None, "/http://a"),
        (Method::GET, "/%2F|\"<>\\^`{}", Form::Origin, None, None, None, "/%2F|\"<>\\^`{}", None, "/%2F|\"<>\\^`{}"),
        (Method::GET, "http://a/b?c", Form::Absolute, Some("http"), Some("a"), None, "/b", Some("c"), "/b?c"),
        (Method::GET, "HTTPS://A:443/", Form::Absolute, Some("https"), Some("A"), Some(443), "/", None, "/"),
        (Method::GET, "http://a", Form::Absolute, Some("http"), Some("a"), None, "/", None, "/"),
        (Method::GET, "http://a:81?b", Form::Absolute, Some("http"), Some("a"), Some(81), "/", Some("b"), "/?b"),
        (Method::GET, "http://[::1]:80/x", Form::Absolute, Some("http"), Some("[::1]"), Some(80), "/x", None, "/x"),
        (Method::OPTIONS, "http://a", Form::Absolute, Some("http"), Some("a"), None, "*", None, "*"),
        (Method::OPTIONS, "http://a?b", Form::Absolute, Some("http"), Some("a"), None, "/", Some("b"), "/?b"),
        (Method::OPTIONS, "*", Form::Asterisk, None, None, None, "*", None, "*"),
        (Method::CONNECT, "a:443", Form::Authority, None, Some("a"), Some(443), "", None, ""),
        (Method::CONNECT, "[2001:db8::1]:8443", Form::Authority, None, Some("[2001:db8::1]"), Some(8443), "", None, ""),
    ];
    for (method, text, form, scheme, host, port, path, query, path_and_query) in cases {
        let uri = parse(&method, text).unwrap_or_else(|error| panic!("{text}: {error}"));
        assert_eq!(uri.form(), form, "{text}");
        assert_eq!(uri.scheme(), scheme, "{text}");
        assert_eq!(uri.host(), host, "{text}");
        assert_eq!(uri.port(), port, "{text}");
        assert_eq!(uri.path(), path, "{text}");
        assert_eq!(uri.query(), query, "{text}");
        assert_eq!(uri.path_and_query(), path_and_query, "{text}");
    }
}

#[test]
fn authority_is_host_and_port_as_written() {
    let authority = |method, text| parse(&method, text).unwrap().authority().map(str::to_owned);
    assert_eq!(authority(Method::GET, "http://a:080/").as_deref(), Some("a:080"));
    assert_eq!(authority(Method::GET, "http://[::1]?x").as_deref(), Some("[::1]"));
    assert_eq!(authority(Method::CONNECT, "a:1").as_deref(), Some("a:1"));
    assert_eq!(authority(Method::GET, "/"), None);
}

#[test]
fn refuses_bad_targets() {
    let cases = [
        (Method::GET, "", InvalidUri::Empty),
        (Method::GET, "/a b", InvalidUri::Byte),
        (Method::GET, "/a\r\nb", InvalidUri::Byte),
        (Method::GET, "/\0", InvalidUri::Byte),
        (Method::GET, "/\t", InvalidUri::Byte),
        (Method::GET, "/\x7F", InvalidUri::Byte),
        (Method::GET, "/\u{e9}", InvalidUri::Byte),
        (Method::GET, "/a#b", InvalidUri::Byte),
        (Method::GET, "a", InvalidUri::Form),
        (Method::GET, "a/b", InvalidUri::Form),
        (Method::GET, "?a", InvalidUri::Form),
        (Method::GET, "*", InvalidUri::Form),
        (Method::OPTIONS, "*a", InvalidUri::Form),
        (Method::GET, "a:443", InvalidUri::Form),
        (Method::GET, "http:/a", InvalidUri::Form),
        (Method::GET, "ftp://a/", InvalidUri::Scheme),
        (Method::GET, "://a/", InvalidUri::Scheme),
        (Method::GET, "http:///", InvalidUri::Host),
        (Method::GET, "http://", InvalidUri::Host),
        (Method::GET, "http://?a", InvalidUri::Host),
        (Method::GET, "http://:80/", InvalidUri::Host),
        (Method::GET, "http://a@b/", InvalidUri::Userinfo),
        (Method::GET, "http://a:b@c/", InvalidUri::Userinfo),
        (Method::GET, "http://a\\b/", InvalidUri::Host),
        (Method::GET, "http://a:/", InvalidUri::Port),
        (Method::GET, "http://a:65536/", InvalidUri::Port),
        (Method::CONNECT, "a", InvalidUri::Port),
        (Method::CONNECT, "a:", InvalidUri::Port),
        (Method::CONNECT, "/", InvalidUri::Host),
        (Method::CONNECT, "*", InvalidUri::Port),
        (Method::CONNECT, "a:80/", InvalidUri::Port),
        (Method::CONNECT, "http://a:80", InvalidUri::Port),
        (Method::CONNECT, "u@a:80", InvalidUri::Userinfo),
    ];
    for (method, text, expected) in cases {
        assert_eq!(parse(&method, text), Err(expected), "{method} {text:?}");
    }
}

#[test]
fn only_printable_ascii_without_a_number_sign_passes() {
    for byte in 0..=255u8 {
        let legal = (0x21..=0x7E).contains(&byte) && byte != b'#';
        let text = Bytes::copy_from_slice(&[b'/', byte]);
        assert_eq!(Uri::parse(&Method::GET, text).is_ok(), legal, "{byte:#x}");
    }
}

#[test]
fn takes_valid_authorities() {
    let cases = [
        ("a", "a", None),
        ("example.org:8080", "example.org", Some(8080)),
        ("under_score.example", "under_score.example", None),
        ("192.0.2.1:1", "192.0.2.1", Some(1)),
        ("a%20b", "a%20b", None),
        ("a!$&'()*+,;=~", "a!$&'()*+,;=~", None),
        ("[::1]", "[::1]", None),
        ("[2001:DB8::1]:65535", "[2001:DB8::1]", Some(65535)),
        ("[::ffff:192.0.2.1]:0", "[::ffff:192.0.2.1]", Some(0)),
    ];
    for (text, host, port) in cases {
        let authority = authority::validate(text.as_bytes()).unwrap();
        assert_eq!((authority.host(), authority.port()), (host, port), "{text}");
        assert_eq!(authority.to_string(), text);
    }
    let ip = |text: &str| authority::validate(text.as_bytes()).unwrap().ip().map(|ip| ip.to_string());
    assert_eq!(ip("[::1]:1").as_deref(), Some("::1"));
    assert_eq!(ip("192.0.2.1").as_deref(), Some("192.0.2.1"));
    assert_eq!(ip("example.org"), None);
}

#[test]
fn refuses_bad_authorities() {
    let cases = [
        ("", InvalidUri::Host),
        (":80", InvalidUri::Host),
        ("a b", InvalidUri::Host),
        ("a/b", InvalidUri::Host),
        ("a?b", InvalidUri::Host),
        ("a\0", InvalidUri::Host),
        ("a\r", InvalidUri::Host),
        ("\u{e9}", InvalidUri::Host),
        ("%", InvalidUri::Host),
        ("%2", InvalidUri::Host),
        ("%zz", InvalidUri::Host),
        ("a[", InvalidUri::Host),
        ("[", InvalidUri::Host),
        ("[]", InvalidUri::Host),
        ("[::1", InvalidUri::Host),
        ("[::1]a", InvalidUri::Host),
        ("[192.0.2.1]", InvalidUri::Host),
        ("[fe80::1%25eth0]", InvalidUri::Host),
        ("[v1.a]", InvalidUri::Host),
        ("::1", InvalidUri::Host),
        ("user@a", InvalidUri::Userinfo),
        ("user:password@a:80", InvalidUri::Userinfo),
        ("a:", InvalidUri::Port),
        ("a:+1", InvalidUri::Port),
        ("a:-1", InvalidUri::Port),
        ("a: 1", InvalidUri::Port),
        ("a:0x1", InvalidUri::Port),
        ("a:65536", InvalidUri::Port),
        ("a:000080", InvalidUri::Port),
        ("a:80:80", InvalidUri::Port),
        ("a:80/", InvalidUri::Port),
    ];
    for (text, expected) in cases {
        assert_eq!(authority::validate(text.as_bytes()), Err(expected), "{text:?}");
    }
}

#[test]
fn path_and_query_can_be_replaced() {
    let mut uri = parse(&Method::GET, "http://a:1/old?q").unwrap();
    uri.set_path("/new").unwrap();
    assert_eq!(uri.as_str(), "http://a:1/new?q");
    uri.set_query(Some("r=s?t")).unwrap();
    assert_eq!((uri.as_str(), uri.query()), ("http://a:1/new?r=s?t", Some("r=s?t")));
    uri.set_query(None).unwrap();
    assert_eq!((uri.as_str(), uri.query()), ("http://a:1/new", None));
    uri.set_path_and_query("/x?y").unwrap();
    assert_eq!((uri.path(), uri.query(), uri.host()), ("/x", Some("y"), Some("a")));
    let before = uri.clone();
    for bad in ["", "a", "?a", "*", "/a b", "/a#b", "/a\r\nb", "/\u{e9}"] {
        assert!(uri.set_path(bad).is_err() && uri.set_path_and_query(bad).is_err(), "{bad:?}");
    }
    assert_eq!(uri.set_path("/a?b"), Err(InvalidUri::Path));
    for bad in ["a b", "#", "\n"] {
        assert_eq!(uri.set_query(Some(bad)), Err(InvalidUri::Byte));
    }
    assert_eq!(uri, before);
    for (method, text) in [(Method::OPTIONS, "*"), (Method::CONNECT, "a:1")] {
        let mut uri = parse(&method, text).unwrap();
        assert_eq!(uri.set_path("/"), Err(InvalidUri::Form));
        assert_eq!(uri.set_query(None), Err(InvalidUri::Form));
    }
}

#[test]
fn an_absolute_options_target_without_a_path_stays_as_written() {
    let mut uri = parse(&Method::OPTIONS, "http://a:1").unwrap();
    assert_eq!((uri.as_str(), uri.host(), uri.path_and_query()), ("http://a:1", Some("a"), "*"));
    uri.set_query(Some("q")).unwrap();
    assert_eq!((uri.as_str(), uri.path_and_query()), ("http://a:1/?q", "/?q"));
}

#[test]
fn an_absolute_target_is_put_together_from_its_parts() {
    let uri = Uri::absolute(true, "a:8443", "/b?c").unwrap();
    assert_eq!(uri.as_str(), "https://a:8443/b?c");
    assert_eq!((uri.scheme(), uri.port(), uri.path()), (Some("https"), Some(8443), "/b"));
    assert_eq!(Uri::absolute(false, "a/b", "/"), Err(InvalidUri::Host));
    assert_eq!(Uri::absolute(false, "u@a", "/"), Err(InvalidUri::Userinfo));
    assert_eq!(Uri::absolute(false, "a", "b"), Err(InvalidUri::Path));
    assert_eq!(Uri::absolute(false, "a", "/ b"), Err(InvalidUri::Byte));
}
