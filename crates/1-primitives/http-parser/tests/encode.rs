//! Heads written anew.

use bytes::BytesMut;
use gorge_http::{Headers, Known, Method, RequestHead, ResponseHead, Status};
use gorge_http_parser::{Framing, HeadParser, Limits, Persist, WireFraming, encode_request, encode_response};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;

fn parse_request(bytes: &[u8]) -> (RequestHead, Framing) {
    let mut head = RequestHead::new();
    let mut buf = BytesMut::from(bytes);
    let framing = HeadParser::new().request(&mut buf, &Limits::default(), &mut head);
    (head, framing.unwrap().unwrap().body)
}

fn parse_response(bytes: &[u8]) -> (ResponseHead, Framing) {
    let mut head = ResponseHead::default();
    let mut buf = BytesMut::from(bytes);
    let framing = HeadParser::new().response(&mut buf, &Limits::default(), &Method::GET, &mut head);
    (head, framing.unwrap().unwrap().body)
}

fn request_again(text: &str, framing: WireFraming, persist: Persist<'_>) -> String {
    let mut out = BytesMut::new();
    encode_request(&parse_request(text.as_bytes()).0, None, framing, persist, &mut out);
    String::from_utf8(out.to_vec()).unwrap()
}

#[test]
fn host_comes_first_and_what_frames_is_written_anew() {
    let text = "POST http://b/x?y HTTP/1.0\r\nAccept:  */* \r\nHost: a\r\nConnection: x\r\n\
                Keep-Alive: 5\r\nUpgrade: z\r\nContent-Length: 09\r\nX: y\r\n\r\n";
    let rows = [
        (WireFraming::Length(9), Persist::Default, "Content-Length: 9\r\n"),
        (WireFraming::Chunked, Persist::Default, "Transfer-Encoding: chunked\r\n"),
        (WireFraming::None, Persist::Close, "Connection: close\r\n"),
        (WireFraming::None, Persist::KeepAlive, "Connection: keep-alive\r\n"),
        (WireFraming::AsFields, Persist::Default, "Content-Length: 09\r\n"),
        (WireFraming::None, Persist::Upgrade(b"h"), "Connection: upgrade\r\nUpgrade: h\r\n"),
        (WireFraming::None, Persist::Upgrade(b"h\r\nA: b"), ""),
    ];
    for (framing, persist, last) in rows {
        assert_eq!(
            request_again(text, framing, persist),
            format!("POST /x?y HTTP/1.1\r\nHost: b\r\nAccept: */*\r\nX: y\r\n{last}\r\n")
        );
    }
}

/// Every field is put together anew: how its line looked on the wire is gone.
#[test]
fn lines_are_written_alike_however_they_came() {
    let tight = "Host:h\r\nAccept:a\r\nX-Empty:\r\nX:1\r\nVary:v";
    let plain = "Host: h\r\nAccept: a\r\nX-Empty: \r\nX: 1\r\nVary: v";
    let loose = "Host:  h\r\nAccept: a \r\nX-Empty:  \r\nX:\t1\t\r\nVary: \tv \t ";
    for text in [tight, plain, loose] {
        let text = format!("GET / HTTP/1.1\r\n{text}\r\n\r\n");
        let written = request_again(&text, WireFraming::None, Persist::Default);
        assert_eq!(written, format!("GET / HTTP/1.1\r\n{plain}\r\n\r\n"));
    }
}

/// The room is measured before anything is written: were it too small, this would panic.
#[test]
fn the_longest_of_everything_finds_room() {
    let long = "v".repeat(3000);
    let upgrade = format!("{}\n", "u".repeat(3000));
    let framings = [
        WireFraming::Length(u64::MAX),
        WireFraming::Chunked,
        WireFraming::None,
        WireFraming::AsFields,
        WireFraming::UntilClose,
    ];
    let values = [long.as_bytes(), upgrade.as_bytes()];
    let upgrades = values.map(Persist::Upgrade);
    let persists = [Persist::Default, Persist::Close, Persist::KeepAlive].into_iter().chain(upgrades);
    for (framing, persist) in persists.flat_map(|persist| framings.map(|framing| (framing, persist))) {
        for fields in 0..3 {
            let mut request = RequestHead::new();
            request.method = Method::from_bytes(long.as_bytes()).unwrap();
            request.uri.set_path(&format!("/{long}")).unwrap();
            let mut response = ResponseHead::new(Status::OK);
            response.set_reason(long.clone().into()).unwrap();
            for _ in 0..fields {
                for headers in [&mut request.headers, &mut response.headers] {
                    headers.append(Known::Te, "trailers").unwrap();
                    headers.append(Known::Host, &long).unwrap();
                    headers.append(Known::ContentLength, &long).unwrap();
                    headers.append(&*long, &long).unwrap();
                }
            }
            // A buffer of its own, so that no spare capacity hides a fault.
            let mut out = BytesMut::new();
            encode_request(&request, None, framing, persist, &mut out);
            assert!(out.starts_with(long.as_bytes()) && out.ends_with(b"\r\n\r\n"));
            let mut out = BytesMut::new();
            encode_response(&response, framing, persist, &mut out);
            assert!(out.starts_with(b"HTTP/1.1 200 vvv") && out.ends_with(b"\r\n\r\n"));
        }
    }
}

#[test]
fn each_form_of_target_is_written_as_an_origin_wants_it() {
    let rows = [
        ("GET /a?b", "GET /a?b"),
        ("GET http://h", "GET /"),
        ("GET http://h?q", "GET /?q"),
        ("OPTIONS http://h", "OPTIONS *"),
        ("OPTIONS *", "OPTIONS *"),
        ("CONNECT h:1", "CONNECT h:1"),
    ];
    for (from, to) in rows {
        let text = format!("{from} HTTP/1.1\r\nHost: h\r\n\r\n");
        let again = request_again(&text, WireFraming::None, Persist::Default);
        assert_eq!(again, format!("{to} HTTP/1.1\r\nHost: h\r\n\r\n"));
    }
}

#[test]
fn host_is_written_even_if_there_is_none() {
    let again = request_again("GET / HTTP/1.0\r\n\r\n", WireFraming::None, Persist::Default);
    assert_eq!(again, "GET / HTTP/1.1\r\nHost: \r\n\r\n");
    let (mut head, _) = parse_request(b"CONNECT h:1 HTTP/1.0\r\n\r\n");
    head.headers.append(Known::Te, "trailers").unwrap();
    let mut out = BytesMut::new();
    encode_request(&head, None, WireFraming::None, Persist::Close, &mut out);
    let expected = "CONNECT h:1 HTTP/1.1\r\nHost: h:1\r\nTE: trailers\r\nConnection: close, TE\r\n\r\n";
    assert_eq!(out, expected);
    out.clear();
    encode_request(&head, None, WireFraming::None, Persist::Default, &mut out);
    assert!(out.ends_with(b"\r\nConnection: TE\r\n\r\n"));
}

#[test]
fn responses_are_http_1_1_and_keep_their_reason() {
    let (head, _) =
        parse_response(b"HTTP/1.0 200 Fine\r\nconnection: close\r\ncontent-length: 5\r\nX-a:b\r\n\r\n");
    let rows = [
        (WireFraming::Length(5), "Content-Length: 5\r\n"),
        (WireFraming::AsFields, "Content-Length: 5\r\n"),
        (WireFraming::Chunked, "Transfer-Encoding: chunked\r\n"),
        (WireFraming::None, ""),
        (WireFraming::UntilClose, ""),
    ];
    for (framing, line) in rows {
        let mut out = BytesMut::from("before ");
        encode_response(&head, framing, Persist::Close, &mut out);
        let lines = format!("before HTTP/1.1 200 Fine\r\nX-a: b\r\n{line}Connection: close\r\n\r\n");
        assert_eq!(out, lines.as_bytes());
    }
    let mut out = BytesMut::new();
    let odd = ResponseHead::new(Status::new(999).unwrap());
    encode_response(&odd, WireFraming::Length(u64::MAX), Persist::Default, &mut out);
    assert_eq!(&out[..], b"HTTP/1.1 999 \r\nContent-Length: 18446744073709551615\r\n\r\n");
}

/// Name and value of what is sent on, sorted, for Host moves to the front.
fn sent_on(headers: &Headers) -> Vec<(String, Vec<u8>)> {
    const OWN: [&str; 5] = ["connection", "keep-alive", "transfer-encoding", "content-length", "upgrade"];
    let mut fields: Vec<_> = headers
        .iter()
        .filter(|field| !OWN.contains(&&*field.name.to_ascii_lowercase()))
        .map(|field| (field.name.to_owned(), field.value.to_vec()))
        .collect();
    fields.sort_by_key(|(name, _)| !name.eq_ignore_ascii_case("host"));
    fields
}

fn wire(framing: Framing) -> WireFraming {
    match framing {
        Framing::Length(length) => WireFraming::Length(length),
        Framing::Chunked => WireFraming::Chunked,
        _ => WireFraming::None,
    }
}

fn fields() -> impl Strategy<Value = Vec<u8>> {
    let name = "[!#$%&'*+.^_`|~0-9A-Za-z-]{1,12}".prop_map(|name| format!("x{name}").into_bytes());
    let known = select(&Known::ALL[..]).prop_filter("checked elsewhere", |known| {
        !matches!(known, Known::Host | Known::ContentLength | Known::TransferEncoding)
    });
    let known = known.prop_map(|known| known.as_str().to_ascii_uppercase().into_bytes());
    let byte = prop_oneof![10 => 0x20_u8..0x7f, 1 => 0x80_u8.., 1 => Just(b'\t')];
    let value = vec(byte, 0..20);
    let field = (prop_oneof![name, known], value)
        .prop_map(|(name, value)| [&name[..], b":", &value, b"\r\n"].concat());
    let framing = select(&["", "Content-Length: 12\r\n", "Transfer-Encoding: chunked\r\n"][..]);
    (vec(field, 0..12), framing).prop_map(|(fields, framing)| [&fields.concat(), framing.as_bytes()].concat())
}

proptest! {
    #[test]
    fn a_request_written_anew_reads_the_same(
        target in select(&["/", "/a/b?c=d&e", "http://h/x", "http://h:81"][..]),
        fields in fields(),
    ) {
        let text = [b"PUT ", target.as_bytes(), b" HTTP/1.1\r\nhost: h:82\r\n", &fields, b"\r\n"].concat();
        let (head, framing) = parse_request(&text);
        let mut out = BytesMut::new();
        encode_request(&head, None, wire(framing), Persist::Default, &mut out);
        let (again, framing_again) = parse_request(&out);
        prop_assert_eq!(&again.method, &head.method);
        prop_assert_eq!(again.uri.path_and_query(), head.uri.path_and_query());
        prop_assert_eq!(framing_again, framing);
        // The case of Host's name is ours.
        let lower = |fields: Vec<(String, Vec<u8>)>| {
            fields.into_iter().map(|(name, value)| (name.replace("host", "Host"), value)).collect::<Vec<_>>()
        };
        prop_assert_eq!(lower(sent_on(&again.headers)), lower(sent_on(&head.headers)));
    }

    #[test]
    fn a_response_written_anew_reads_the_same(reason in "[ -~]{0,9}", fields in fields()) {
        let text = [b"HTTP/1.1 207 ", reason.as_bytes(), b"\r\n", &fields, b"\r\n"].concat();
        let (head, framing) = parse_response(&text);
        let mut out = BytesMut::new();
        encode_response(&head, wire(framing), Persist::Default, &mut out);
        let (again, framing_again) = parse_response(&out);
        prop_assert_eq!((again.status, again.reason()), (head.status, head.reason()));
        prop_assert_eq!(framing_again, framing);
        prop_assert_eq!(sent_on(&again.headers), sent_on(&head.headers));
    }
}
