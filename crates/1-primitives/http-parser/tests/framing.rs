//! The framing decision: where messages end, and whether their connection lives on (RFC 9112 6.3,
//! 9.3).

use std::time::Duration;

use bytes::BytesMut;
use gorge_http::{Form, Known, Method, RequestHead, ResponseHead, Version};
use gorge_http_parser::{
    Expect, Framing, HeadParser, Limits, Reason, Reject, RequestFraming, ResponseFraming,
};

fn request(text: &str) -> (RequestHead, RequestFraming) {
    let mut head = RequestHead::new();
    let mut buf = BytesMut::from(text);
    let framing = HeadParser::new().request(&mut buf, &Limits::default(), &mut head);
    let framing = framing.unwrap_or_else(|reject| panic!("{text:?}: {reject}"));
    (head, framing.expect("the head is complete"))
}

fn response(text: &str, method: &Method) -> (ResponseHead, ResponseFraming) {
    let mut head = ResponseHead::default();
    let mut buf = BytesMut::from(text);
    let framing = HeadParser::new().response(&mut buf, &Limits::default(), method, &mut head);
    let framing = framing.unwrap_or_else(|reject| panic!("{text:?}: {reject}"));
    (head, framing.expect("the head is complete"))
}

#[test]
fn a_request_ends_as_its_fields_say_whatever_its_method() {
    for method in ["GET", "HEAD", "POST", "DELETE", "OPTIONS", "BREW"] {
        let rows = [
            ("", Framing::None),
            ("Content-Length: 0\r\n", Framing::Length(0)),
            ("Content-Length: 007\r\n", Framing::Length(7)),
            ("content-length:18446744073709551615 \r\n", Framing::Length(u64::MAX)),
            ("Transfer-Encoding: chunked\r\n", Framing::Chunked),
            ("TRANSFER-ENCODING:\tCHUNKED \t\r\n", Framing::Chunked),
        ];
        for (fields, body) in rows {
            let (_, framing) = request(&format!("{method} / HTTP/1.1\r\nHost: a\r\n{fields}\r\n"));
            assert_eq!(framing.body, body, "{method} {fields}");
        }
    }
    let (_, framing) = request("POST / HTTP/1.0\r\n\r\n");
    assert_eq!(framing.body, Framing::None, "a request is never close-delimited");
    let (_, framing) = request("CONNECT a:443 HTTP/1.1\r\nHost: a:443\r\nContent-Length: 0\r\n\r\n");
    assert_eq!(framing.body, Framing::Length(0));
}

#[test]
fn persistence_follows_version_and_connection() {
    let rows = [
        ("1.1", "", true),
        ("1.1", "Connection: close\r\n", false),
        ("1.1", "Connection: foo, CLOSE\r\n", false),
        ("1.1", "Connection: keep-alive\r\nConnection: close\r\n", false),
        ("1.1", "Connection: closed\r\n", true),
        ("1.0", "", false),
        ("1.0", "Connection: Keep-Alive\r\n", true),
        ("1.0", "Connection: keep-alive, close\r\n", false),
        ("1.0", "Proxy-Connection: keep-alive\r\n", false),
    ];
    for (version, fields, keep_alive) in rows {
        let (head, framing) = request(&format!("GET / HTTP/{version}\r\nHost: a\r\n{fields}\r\n"));
        assert_eq!(framing.keep_alive, keep_alive, "{version} {fields}");
        assert_eq!(head.version.number(), version);
        let text = format!("HTTP/{version} 200 OK\r\nContent-Length: 0\r\n{fields}\r\n");
        assert_eq!(response(&text, &Method::GET).1.keep_alive, keep_alive, "{version} {fields}");
    }
}

#[test]
fn expectations_are_known_or_not() {
    let rows = [
        ("1.1", "", Expect::None),
        ("1.1", "Expect: 100-Continue\r\n", Expect::Continue),
        ("1.1", "Expect: 100-continue\r\nExpect: 100-continue\r\n", Expect::Unknown),
        ("1.1", "Expect: 200-ok\r\n", Expect::Unknown),
        ("1.1", "Expect:\r\n", Expect::Unknown),
        ("1.0", "Expect: 100-continue\r\n", Expect::None),
    ];
    for (version, fields, expect) in rows {
        let (_, framing) = request(&format!("POST / HTTP/{version}\r\nHost: a\r\n{fields}\r\n"));
        assert_eq!(framing.expect, expect, "{version} {fields}");
    }
}

#[test]
fn an_upgrade_needs_both_fields_and_http_1_1() {
    let rows = [
        ("1.1", "Connection: Upgrade\r\nUpgrade: websocket\r\n", true),
        ("1.1", "Upgrade: websocket\r\nConnection: keep-alive, upgrade\r\n", true),
        ("1.1", "Connection: upgrade\r\n", false),
        ("1.1", "Upgrade: websocket\r\n", false),
        ("1.0", "Connection: upgrade\r\nUpgrade: websocket\r\n", false),
    ];
    for (version, fields, upgrade) in rows {
        let (_, framing) = request(&format!("GET / HTTP/{version}\r\nHost: a\r\n{fields}\r\n"));
        assert_eq!((framing.upgrade, framing.body), (upgrade, Framing::None), "{version} {fields}");
    }
}

#[test]
fn an_absolute_target_replaces_host_rfc_9112_3_2_2() {
    let (head, _) = request("GET http://b:8080/x?y HTTP/1.1\r\nA: 1\r\nHost: a\r\nB: 2\r\n\r\n");
    assert_eq!(head.uri.form(), Form::Absolute);
    assert_eq!(head.uri.path_and_query(), "/x?y");
    let names: Vec<_> = head.headers.iter().map(|field| field.name).collect();
    assert_eq!(names, ["A", "Host", "B"]);
    assert_eq!(head.headers.get(Known::Host), Some(&b"b:8080"[..]));
    let (head, _) = request("GET http://b/ HTTP/1.0\r\n\r\n");
    assert_eq!(head.headers.get(Known::Host), Some(&b"b"[..]));
    let (head, _) = request("GET / HTTP/1.0\r\n\r\n");
    assert_eq!((head.version, head.headers.len()), (Version::Http10, 0));
}

#[test]
fn one_empty_line_before_a_request_is_skipped_rfc_9112_2_2() {
    let mut buf = BytesMut::from("\r");
    let (mut parser, mut head) = (HeadParser::new(), RequestHead::new());
    let limits = Limits::default();
    assert_eq!(parser.request(&mut buf, &limits, &mut head), Ok(None));
    buf.extend_from_slice(b"\n");
    assert_eq!(parser.request(&mut buf, &limits, &mut head), Ok(None));
    assert!(buf.is_empty(), "an idle connection holds no bytes");
    buf.extend_from_slice(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n");
    for _ in 0..2 {
        assert!(parser.request(&mut buf, &limits, &mut head).unwrap().is_some());
    }
    assert!(buf.is_empty());
}

#[test]
fn a_response_ends_by_rfc_9112_6_3() {
    use Framing::{Chunked, Length, None, Tunnel, UntilClose};
    let (get, head, connect) = (Method::GET, Method::HEAD, Method::CONNECT);
    let length = "Content-Length: 5\r\n";
    let chunked = "Transfer-Encoding: chunked\r\n";
    let rows = [
        (&get, "200 OK", length, Length(5), true, true),
        (&get, "200 OK", "Content-Length: 0\r\n", Length(0), true, true),
        (&get, "200 OK", chunked, Chunked, true, true),
        (&get, "200 OK", "", UntilClose, false, true),
        (&get, "999 Odd", length, Length(5), true, true),
        (&head, "200 OK", length, None, true, true),
        (&head, "200 OK", chunked, None, true, true),
        (&head, "200 OK", "", None, true, true),
        (&get, "304 Not Modified", length, None, true, true),
        (&get, "304 Not Modified", "", None, true, true),
        (&get, "204 No Content", "", None, true, true),
        (&get, "204 No Content", "Content-Length: 0\r\n", None, true, true),
        (&get, "204 No Content", length, None, false, false),
        (&get, "204 No Content", chunked, None, false, false),
        (&get, "100 Continue", "", None, true, true),
        (&get, "103 Early Hints", "", None, true, true),
        (&get, "103 Early Hints", length, None, false, false),
        (&get, "101 Switching Protocols", "", Tunnel, false, true),
        (&connect, "200 OK", "", Tunnel, false, true),
        (&connect, "200 OK", length, Tunnel, false, true),
        (&connect, "299 OK", chunked, Tunnel, false, true),
        (&connect, "407 No", length, Length(5), true, true),
        (&connect, "100 Continue", "", None, true, true),
    ];
    for (method, status, fields, body, keep_alive, clean) in rows {
        let (_, framing) = response(&format!("HTTP/1.1 {status}\r\n{fields}\r\n"), method);
        let found = (framing.body, framing.keep_alive, framing.clean);
        assert_eq!(found, (body, keep_alive, clean), "{method} {status} {fields}");
    }
}

#[test]
fn a_length_beside_chunked_is_dropped_and_the_connection_not_reused() {
    for method in [Method::GET, Method::HEAD] {
        let text = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\nA: b\r\n\r\n";
        let (head, framing) = response(text, &method);
        assert!(!framing.clean && !framing.keep_alive);
        assert!(!head.headers.contains(Known::ContentLength) && head.headers.contains("a"));
    }
}

#[test]
fn keep_alive_parameters_are_read_and_nonsense_is_skipped() {
    let rows = [
        ("timeout=5, max=100", Some(5), Some(100)),
        ("TIMEOUT = 5", Some(5), None),
        ("max=1", None, Some(1)),
        ("timeout=-1, max=", None, None),
        ("timeout=99999999999", Some(u64::from(u32::MAX)), None),
        ("timeout, =, ,", None, None),
    ];
    for (value, timeout, max) in rows {
        let text = format!("HTTP/1.1 200 OK\r\nKeep-Alive: {value}\r\nContent-Length: 0\r\n\r\n");
        let (_, framing) = response(&text, &Method::GET);
        assert_eq!(framing.keep_alive_timeout, timeout.map(Duration::from_secs), "{value}");
        assert_eq!(framing.keep_alive_max, max, "{value}");
    }
}

#[test]
fn interim_heads_come_one_by_one() {
    let mut buf = BytesMut::from(
        "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n\
         HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx",
    );
    let (mut parser, mut head) = (HeadParser::new(), ResponseHead::default());
    let mut seen = Vec::new();
    while !head.status.is_success() || seen.is_empty() {
        let framing = parser.response(&mut buf, &Limits::default(), &Method::GET, &mut head);
        seen.push((head.status.as_u16(), framing.unwrap().unwrap().body));
    }
    assert_eq!(seen, [(100, Framing::None), (103, Framing::None), (200, Framing::Length(1))]);
    assert_eq!(&buf[..], b"x");
}

#[test]
fn reason_phrases_are_kept() {
    let rows = [
        ("200 OK", "OK"),
        ("200 Fine by me", "Fine by me"),
        ("200 ", "OK"),
        ("200", "OK"),
        ("404 \u{e9}\tx ", "\u{e9}\tx "),
    ];
    for (line, reason) in rows {
        let (head, _) = response(&format!("HTTP/1.1 {line}\r\n\r\n"), &Method::GET);
        assert_eq!(head.reason(), reason.as_bytes(), "{line}");
    }
}

#[test]
fn more_fields_than_usual_are_a_matter_of_limits() {
    let limits = Limits { fields: 300, ..Limits::default() };
    let text = format!("GET / HTTP/1.1\r\nHost: a\r\n{}\r\n", "A: b\r\n".repeat(299));
    let mut head = RequestHead::new();
    let framing = HeadParser::new().request(&mut BytesMut::from(&text[..]), &limits, &mut head);
    assert!(framing.unwrap().is_some() && head.headers.len() == 300);
    let few = HeadParser::new().request(&mut BytesMut::from(&text[..]), &Limits::default(), &mut head);
    assert_eq!(few, Err(Reject::new(Reason::TooManyFields, 25 + 127 * 6)));
    let boundless = Limits { fields: usize::MAX, head: usize::MAX, uri: usize::MAX, ..limits };
    let all = HeadParser::new().request(&mut BytesMut::from(&text[..]), &boundless, &mut head);
    assert!(all.unwrap().is_some());
    let body = BytesMut::from("GET /a HTTP/1.1\r\nHost: a");
    assert_eq!(HeadParser::new().request(&mut body.clone(), &boundless, &mut head), Ok(None));
}
