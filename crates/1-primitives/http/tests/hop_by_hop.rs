//! Removal of hop-by-hop fields (RFC 9110 7.6.1).

use std::fmt::Write;

use gorge_http::{ConnectionOptions, Headers, Known};

/// A list of the fields of `text`, one a line.
fn fields(text: &str) -> Headers {
    let mut headers = Headers::new();
    for line in text.lines() {
        let (name, value) = line.split_once(':').unwrap();
        headers.append(name.trim(), value).unwrap();
    }
    headers
}

fn shown(headers: &Headers) -> String {
    headers.iter().fold(String::new(), |mut out, field| {
        let _ = writeln!(out, "{}: {}", field.name, field.value.escape_ascii());
        out
    })
}

#[track_caller]
fn check(before: &str, after: &str) -> ConnectionOptions {
    let mut headers = fields(before);
    let options = headers.remove_hop_by_hop();
    assert_eq!(shown(&headers), after);
    options
}

#[test]
fn removes_all_hop_by_hop_fields_unasked() {
    let options = check(
        "Keep-Alive: timeout=5\nHost: a\nproxy-connection: x\nProxy-Authenticate: Basic\n\
         PROXY-AUTHORIZATION: x\nTE: deflate\nTrailer: x\nTransfer-Encoding: chunked\nUpgrade: h2c\nX-A: b",
        "Host: a\nX-A: b\n",
    );
    assert_eq!(options, ConnectionOptions::default());
}

#[test]
fn removes_what_connection_names_in_whatever_case_and_place() {
    let options = check(
        "X-One: 1\nConnection: close, x-one ,X-TWO\nAuthorization: x\nx-two: 2\n\
         connection: Keep-Alive,authorization\nX-Three: 3",
        "X-Three: 3\n",
    );
    assert!(options.close && options.keep_alive && !options.upgrade);
}

#[test]
fn for_whom_a_proxy_asks_cannot_be_removed_by_name() {
    let told = "Forwarded: for=192.0.2.7\nX-Forwarded-For: 192.0.2.7\nX-Forwarded-Host: a\n\
                X-Forwarded-Proto: https\nX-Real-IP: 192.0.2.7\n";
    let named = "Connection: forwarded, x-forwarded-for, X-FORWARDED-HOST, x-forwarded-proto, x-real-ip";
    check(&format!("{told}{named}"), told);
}

#[test]
fn host_and_framing_cannot_be_removed_by_name() {
    check(
        "Host: a\nContent-Length: 3\nConnection: host, content-length, close",
        "Host: a\nContent-Length: 3\n",
    );
}

#[test]
fn upgrade_needs_both_the_option_and_the_field() {
    assert!(check("Connection: Upgrade\nUpgrade: websocket", "").upgrade);
    assert!(!check("Connection: upgrade", "").upgrade);
    assert!(!check("Upgrade: websocket", "").upgrade);
}

#[test]
fn of_te_only_trailers_stays() {
    let options = check("TE: gzip;q=0.5\nConnection: TE\nte: Trailers;q=1, x", "TE: trailers\n");
    assert!(options.te_trailers);
    assert!(!check("TE: trailers2", "").te_trailers);
}

#[test]
fn a_list_without_such_fields_is_left_as_it_is() {
    check("Host: a\nX-A: b", "Host: a\nX-A: b\n");
    check("", "");
}

#[test]
fn from_a_count_of_names_on_all_unregistered_fields_go() {
    let names = |count| (0..count).map(|n| format!("x-{n}")).collect::<Vec<_>>().join(",");
    let few = format!("X-Kept: 1\nHost: a\nConnection: {}", names(64));
    check(&few, "X-Kept: 1\nHost: a\n");
    let many = format!("X-Kept: 1\nHost: a\nConnection: {}, close", names(65));
    assert!(check(&many, "Host: a\n").close);
}

#[test]
fn every_registered_name_but_framing_host_and_who_asks_can_be_named() {
    const KEPT: [Known; 7] = [
        Known::Host,
        Known::ContentLength,
        Known::Forwarded,
        Known::XForwardedFor,
        Known::XForwardedHost,
        Known::XForwardedProto,
        Known::XRealIp,
    ];
    for known in Known::ALL {
        let mut headers = fields(&format!("{known}: 1\nConnection: {known}"));
        headers.remove_hop_by_hop();
        assert_eq!(headers.contains(known), KEPT.contains(&known), "{known}");
    }
}

/// What stays is still found at its new place, wherever in a long list the removed fields stood.
#[test]
fn what_stays_is_found_wherever_it_stood() {
    for (first, second) in [(0, 1), (3, 100), (10, 254), (254, 255), (255, 256), (100, 300), (299, 301)] {
        let mut headers = Headers::new();
        for index in 0..=302 {
            match index {
                _ if index == first => headers.append(Known::Connection, "x-gone"),
                _ if index == second => headers.append("X-Gone", "1"),
                253 => headers.append(Known::Age, "253"),
                256 => headers.append(Known::Date, "256"),
                257 => headers.append("X-Other", "257"),
                302 => headers.append(Known::Via, "302"),
                _ => headers.append(Known::Cookie, "c"),
            }
            .unwrap();
        }
        headers.remove_hop_by_hop();
        assert_eq!(headers.len(), 301);
        let age = if [first, second].contains(&253) { None } else { Some("253") };
        assert_eq!(headers.get_str(Known::Age), age);
        assert_eq!(headers.get_str(Known::Date), (second != 256).then_some("256"));
        assert_eq!(headers.get_str("x-other"), Some("257"));
        assert_eq!(headers.get_str(Known::Via), Some("302"));
        assert_eq!((headers.get(Known::Connection), headers.get("X-Gone")), (None, None));
        assert_eq!(headers.remove(Known::Via), 1);
    }
}
