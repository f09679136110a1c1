//! Requests that a client may try.

use Required::{Broken, Declined, Refused, Served};

/// One request, or several in a row, and what must become of it.
pub struct Case {
    pub name: &'static str,
    /// Where the rule is written.
    pub section: &'static str,
    pub bytes: Vec<u8>,
    pub required: Required,
}

/// The answer a request must get.
pub enum Required {
    /// This status, `Connection: close`, the close. No byte of it, nor of what follows it, reaches an origin.
    Refused(u16),
    /// The fault comes after a good head: this status and the close. An origin may have seen the beginning, but never
    /// a whole request, and nothing of what follows the fault.
    Broken(u16),
    /// Good framing, but no request for an origin: this status, and no byte reaches one. The connection may be kept,
    /// if what follows is read where the framing says it begins.
    Declined(u16),
    /// Odd but lawful: these requests reach an origin, as method, target and body, and are answered in this order.
    Served(&'static [&'static str], Then),
}

/// What becomes of the connection after the last answer.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Then {
    Kept,
    Closed,
}

/// In bodies and behind faulty requests: must never reach an origin as a request.
pub const SMUGGLED: &str = "GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n";

fn case(name: &'static str, section: &'static str, bytes: impl Into<Vec<u8>>, required: Required) -> Case {
    Case { name, section, bytes: bytes.into(), required }
}

/// A request whose head is refused with 400.
fn bad(name: &'static str, section: &'static str, bytes: impl Into<Vec<u8>>) -> Case {
    case(name, section, bytes, Refused(400))
}

/// POST with one framing field line more, and a body that hides a request.
fn framed(name: &'static str, section: &'static str, lines: &str) -> Case {
    bad(name, section, format!("POST / HTTP/1.1\r\nHost: a\r\n{lines}\r\n\r\n0\r\n\r\n{SMUGGLED}"))
}

/// POST with this Content-Length, and a body that hides a request.
fn length(name: &'static str, value: &str) -> Case {
    framed(name, "RFC 9110 8.6", &format!("Content-Length: {value}"))
}

/// POST with this Transfer-Encoding, and a body that hides a request.
fn coding(name: &'static str, value: &str) -> Case {
    framed(name, "RFC 9112 6.1", &format!("Transfer-Encoding: {value}"))
}

/// GET with this line among its fields.
fn field(name: &'static str, section: &'static str, line: impl AsRef<[u8]>) -> Case {
    let line = line.as_ref();
    bad(
        name,
        section,
        [b"GET / HTTP/1.1\r\nHost: a\r\n", line, b"\r\nX: y\r\n\r\n", SMUGGLED.as_bytes()].concat(),
    )
}

/// This request line before a good Host.
fn line(name: &'static str, section: &'static str, line: impl AsRef<[u8]>) -> Case {
    bad(name, section, [line.as_ref(), b"\r\nHost: a\r\n\r\n", SMUGGLED.as_bytes()].concat())
}

/// GET with these lines for Host.
fn host(name: &'static str, lines: &str) -> Case {
    bad(name, "RFC 9112 3.2", format!("GET / HTTP/1.1\r\n{lines}X: y\r\n\r\n{SMUGGLED}"))
}

/// A chunked POST with this body, which is faulty.
fn chunked(name: &'static str, body: impl AsRef<[u8]>) -> Case {
    let head = b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n";
    case(name, "RFC 9112 7.1", [head, body.as_ref(), SMUGGLED.as_bytes()].concat(), Broken(400))
}

/// All rows.
pub fn all() -> Vec<Case> {
    let mut all = Vec::new();
    all.extend(both_framings());
    all.extend(transfer_encodings());
    all.extend(content_lengths());
    all.extend(lines());
    all.extend(request_lines());
    all.extend(targets());
    all.extend(hosts());
    all.extend(limits());
    all.extend(chunks());
    all.extend(declined());
    all.extend(served());
    all
}

fn both_framings() -> Vec<Case> {
    vec![
        framed("cl_te", "RFC 9112 6.1", "Content-Length: 5\r\nTransfer-Encoding: chunked"),
        framed("te_cl", "RFC 9112 6.1", "Transfer-Encoding: chunked\r\nContent-Length: 5"),
        framed("cl_0_beside_te", "RFC 9112 6.1", "Content-Length: 0\r\nTransfer-Encoding: chunked"),
        framed("cl_beside_unknown_te", "RFC 9112 6.1", "Content-Length: 5\r\nTransfer-Encoding: identity"),
        framed(
            "cl_beside_te_far_apart",
            "RFC 9112 6.1",
            "Content-Length: 5\r\nA: b\r\nC: d\r\nTransfer-Encoding: chunked",
        ),
        framed(
            "cl_beside_te_named_in_connection",
            "RFC 9110 7.6.1",
            "Connection: Transfer-Encoding\r\nContent-Length: 5\r\nTransfer-Encoding: chunked",
        ),
        framed(
            "te_with_space_before_colon",
            "RFC 9112 5.1",
            "Content-Length: 5\r\nTransfer-Encoding : chunked",
        ),
        framed(
            "te_with_tab_before_colon",
            "RFC 9112 5.1",
            "Content-Length: 5\r\nTransfer-Encoding\t: chunked",
        ),
        framed("te_folded", "RFC 9112 5.2", "Content-Length: 5\r\nTransfer-Encoding:\r\n chunked"),
        framed(
            "te_as_continuation",
            "RFC 9112 5.2",
            "Content-Length: 5\r\nX: y\r\n Transfer-Encoding: chunked",
        ),
        framed("te_behind_bare_lf", "RFC 9112 2.2", "Content-Length: 5\r\nX: y\nTransfer-Encoding: chunked"),
        framed("te_behind_bare_cr", "RFC 9112 2.2", "Content-Length: 5\r\nX: y\rTransfer-Encoding: chunked"),
        framed("te_with_nul_in_name", "RFC 9110 5.5", "Content-Length: 5\r\nTransfer\0-Encoding: chunked"),
        framed("te_with_quoted_name", "RFC 9110 5.1", "Content-Length: 5\r\n\"Transfer-Encoding\": chunked"),
    ]
}

fn transfer_encodings() -> Vec<Case> {
    let in_10 =
        format!("POST / HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n{SMUGGLED}");
    let in_10_kept = format!(
        "POST / HTTP/1.0\r\nHost: a\r\nConnection: keep-alive\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n{SMUGGLED}"
    );
    let unsupported =
        format!("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n{SMUGGLED}");
    vec![
        framed("te_twice", "RFC 9112 6.1", "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked"),
        framed(
            "te_then_identity_line",
            "RFC 9112 6.1",
            "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity",
        ),
        framed(
            "identity_line_then_te",
            "RFC 9112 6.1",
            "Transfer-Encoding: identity\r\nTransfer-Encoding: chunked",
        ),
        coding("chunked_identity", "chunked, identity"),
        coding("identity_chunked", "identity, chunked"),
        coding("identity", "identity"),
        coding("xchunked", "xchunked"),
        coding("chunkedx", "chunkedx"),
        coding("chunked_chunked", "chunked, chunked"),
        coding("gzip_alone", "gzip"),
        coding("chunked_gzip", "chunked, gzip"),
        coding("chunked_with_parameter", "chunked;q=1"),
        coding("chunked_quoted", "\"chunked\""),
        coding("chunked_listed_with_nothing_behind", "chunked,"),
        coding("chunked_listed_with_nothing_before", ", chunked"),
        coding("te_empty", ""),
        coding("te_comma", ","),
        coding("te_vertical_tab", "\x0bchunked"),
        coding("te_form_feed", "chunked\x0c"),
        coding("te_inner_tab", "chun\tked"),
        coding("te_inner_space", "chunked chunked"),
        coding("te_nul", "chunked\0"),
        coding("te_in_other_script", "\u{ff43}hunked"),
        bad("te_in_http_1_0", "RFC 9112 6.1", in_10),
        bad("te_in_http_1_0_kept_alive", "RFC 9112 6.1", in_10_kept),
        case("gzip_chunked", "RFC 9112 6.1", unsupported, Refused(501)),
    ]
}

fn content_lengths() -> Vec<Case> {
    vec![
        length("cl_empty", ""),
        length("cl_plus", "+5"),
        length("cl_minus", "-5"),
        length("cl_hexadecimal", "0x5"),
        length("cl_underscore", "1_0"),
        length("cl_letters_behind", "5a"),
        length("cl_spaced", "5 5"),
        length("cl_tabbed", "5\t5"),
        length("cl_decimal_point", "5.0"),
        length("cl_exponent", "5e0"),
        length("cl_quoted", "\"5\""),
        length("cl_semicolon", "5;a"),
        length("cl_listed_equal", "5, 5"),
        length("cl_listed_different", "5, 6"),
        length("cl_listed_with_nothing_behind", "5,"),
        length("cl_overflows_64_bits", "18446744073709551616"),
        length("cl_overflows_by_far", "99999999999999999999999999999999999999999"),
        length("cl_with_nul", "5\0"),
        length("cl_in_other_digits", "\u{0665}"),
        length("cl_with_bare_cr", "5\r"),
        framed("cl_repeated_equal", "RFC 9112 6.3", "Content-Length: 5\r\nContent-Length: 5"),
        framed("cl_repeated_different", "RFC 9112 6.3", "Content-Length: 5\r\nContent-Length: 0"),
        framed("cl_repeated_in_other_case", "RFC 9112 6.3", "Content-Length: 5\r\ncontent-length: 5"),
        framed("cl_with_space_before_colon", "RFC 9112 5.1", "Content-Length : 5"),
        framed("cl_folded", "RFC 9112 5.2", "Content-Length:\r\n 5"),
        framed("cl_as_continuation", "RFC 9112 5.2", "X: y\r\n\tContent-Length: 5"),
    ]
}

fn lines() -> Vec<Case> {
    vec![
        bad("lf_ends_request_line", "RFC 9112 2.2", format!("GET / HTTP/1.1\nHost: a\r\n\r\n{SMUGGLED}")),
        bad(
            "lf_ends_field_line",
            "RFC 9112 2.2",
            format!("GET / HTTP/1.1\r\nHost: a\nX: y\r\n\r\n{SMUGGLED}"),
        ),
        bad("lf_ends_head", "RFC 9112 2.2", format!("GET / HTTP/1.1\r\nHost: a\r\n\n{SMUGGLED}")),
        bad("lf_only", "RFC 9112 2.2", format!("GET / HTTP/1.1\nHost: a\n\n{SMUGGLED}")),
        bad("cr_only", "RFC 9112 2.2", format!("GET / HTTP/1.1\rHost: a\r\r{SMUGGLED}")),
        bad("cr_cr_lf", "RFC 9112 2.2", format!("GET / HTTP/1.1\r\nHost: a\r\r\n\r\n{SMUGGLED}")),
        bad("lf_first", "RFC 9112 2.2", format!("\nGET / HTTP/1.1\r\nHost: a\r\n\r\n{SMUGGLED}")),
        bad("space_first", "RFC 9112 2.2", format!(" GET / HTTP/1.1\r\nHost: a\r\n\r\n{SMUGGLED}")),
        bad(
            "two_empty_lines_first",
            "RFC 9112 2.2",
            format!("\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n{SMUGGLED}"),
        ),
        bad(
            "space_before_first_field",
            "RFC 9112 2.2",
            format!("GET / HTTP/1.1\r\n Host: a\r\n\r\n{SMUGGLED}"),
        ),
        field("cr_in_value", "RFC 9110 5.5", "A: b\rc"),
        field("nul_in_value", "RFC 9110 5.5", "A: b\0c"),
        field("nul_in_name", "RFC 9110 5.1", "A\0B: c"),
        field("control_byte_in_value", "RFC 9110 5.5", "A: b\x01c"),
        field("escape_in_value", "RFC 9110 5.5", "A: \x1b[2J"),
        field("del_in_value", "RFC 9110 5.5", "A: b\x7f"),
        field("name_empty", "RFC 9110 5.1", ": b"),
        field("colon_missing", "RFC 9112 5", "A"),
        field("space_in_name", "RFC 9112 5.1", "A B: c"),
        field("space_before_colon", "RFC 9112 5.1", "A : b"),
        field("bracket_in_name", "RFC 9110 5.1", "A(b): c"),
        field("slash_in_name", "RFC 9110 5.1", "A/b: c"),
        field("obs_text_in_name", "RFC 9110 5.1", b"A\xff: b"),
        field("obs_fold_with_space", "RFC 9112 5.2", "A: b\r\n c"),
        field("obs_fold_with_tab", "RFC 9112 5.2", "A: b\r\n\tc"),
        field("obs_fold_of_nothing", "RFC 9112 5.2", "A: b\r\n "),
    ]
}

fn request_lines() -> Vec<Case> {
    let preface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
    let hello = b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n";
    vec![
        line("version_missing", "RFC 9112 3", "GET /"),
        line("version_lower_case", "RFC 9112 2.3", "GET / http/1.1"),
        line("version_one_number", "RFC 9112 2.3", "GET / HTTP/1"),
        line("version_two_digits", "RFC 9112 2.3", "GET / HTTP/1.10"),
        line("version_leading_zero", "RFC 9112 2.3", "GET / HTTP/01.1"),
        line("version_comma", "RFC 9112 2.3", "GET / HTTP/1,1"),
        line("version_other_protocol", "RFC 9112 2.3", "GET / ICAP/1.0"),
        line("words_behind_version", "RFC 9112 3", "GET / HTTP/1.1 x"),
        line("space_behind_version", "RFC 9112 3", "GET / HTTP/1.1 "),
        line("two_spaces_before_target", "RFC 9112 3", "GET  / HTTP/1.1"),
        line("two_spaces_behind_target", "RFC 9112 3", "GET /  HTTP/1.1"),
        line("tab_before_target", "RFC 9112 3", "GET\t/ HTTP/1.1"),
        line("tab_behind_target", "RFC 9112 3", "GET /\tHTTP/1.1"),
        line("method_alone", "RFC 9112 3", "GET"),
        line("method_with_bracket", "RFC 9112 3.1", "GE(T / HTTP/1.1"),
        line("method_with_obs_text", "RFC 9112 3.1", b"G\xc4T / HTTP/1.1"),
        line("method_with_nul", "RFC 9112 3.1", "GE\0T / HTTP/1.1"),
        line("method_with_colon", "RFC 9112 3.1", "GET: / HTTP/1.1"),
        bad("proxy_protocol_header", "SPEC 11", format!("PROXY TCP4 1.2.3.4 5.6.7.8 1 2\r\n{SMUGGLED}")),
        bad("tls_client_hello", "SPEC 11", hello),
        case(
            "version_0_9",
            "RFC 9112 2.3",
            format!("GET / HTTP/0.9\r\nHost: a\r\n\r\n{SMUGGLED}"),
            Refused(505),
        ),
        case(
            "version_1_2",
            "RFC 9112 2.3",
            format!("GET / HTTP/1.2\r\nHost: a\r\n\r\n{SMUGGLED}"),
            Refused(505),
        ),
        case(
            "version_2_0",
            "RFC 9112 2.3",
            format!("GET / HTTP/2.0\r\nHost: a\r\n\r\n{SMUGGLED}"),
            Refused(505),
        ),
        case("h2_preface", "RFC 9113 3.4", preface, Refused(505)),
    ]
}

fn targets() -> Vec<Case> {
    vec![
        line("target_with_space", "RFC 9112 3.2", "GET /a b HTTP/1.1"),
        line("target_with_fragment", "RFC 9112 3.2.1", "GET /a#b HTTP/1.1"),
        line("target_with_obs_text", "RFC 9112 3.2", b"GET /\xe4 HTTP/1.1"),
        line("target_with_nul", "RFC 9112 3.2", "GET /a\0b HTTP/1.1"),
        line("target_with_control_byte", "RFC 9112 3.2", "GET /a\x01 HTTP/1.1"),
        line("target_with_bare_lf", "RFC 9112 3.2", "GET /a\nX: HTTP/1.1"),
        line("target_without_slash", "RFC 9112 3.2.1", "GET a HTTP/1.1"),
        line("target_of_a_dot", "RFC 9112 3.2.1", "GET ../a HTTP/1.1"),
        line("authority_form_with_get", "RFC 9112 3.2.3", "GET a:80 HTTP/1.1"),
        line("asterisk_form_with_get", "RFC 9112 3.2.4", "GET * HTTP/1.1"),
        line("asterisk_with_path", "RFC 9112 3.2.4", "OPTIONS *a HTTP/1.1"),
        line("absolute_form_without_host", "RFC 9110 4.2.1", "GET http:///a HTTP/1.1"),
        line("absolute_form_with_port_alone", "RFC 9110 4.2.1", "GET http://:80/a HTTP/1.1"),
        line("absolute_form_with_userinfo", "RFC 9110 4.2.4", "GET http://u:p@a/ HTTP/1.1"),
        line("absolute_form_of_other_scheme", "RFC 9112 3.2.2", "GET ftp://a/ HTTP/1.1"),
        line("absolute_form_of_file", "RFC 9112 3.2.2", "GET file:///etc/passwd HTTP/1.1"),
        line("absolute_form_with_bad_port", "RFC 3986 3.2.3", "GET http://a:x/ HTTP/1.1"),
        line("absolute_form_with_backslash", "RFC 3986 3.2.2", "GET http://a\\b/ HTTP/1.1"),
        line("absolute_form_with_two_ports", "RFC 3986 3.2.3", "GET http://a:1:2/ HTTP/1.1"),
        line("absolute_form_with_open_bracket", "RFC 3986 3.2.2", "GET http://[::1/ HTTP/1.1"),
        line("scheme_without_slashes", "RFC 9112 3.2.2", "GET http:a HTTP/1.1"),
        line("connect_without_port", "RFC 9110 9.3.6", "CONNECT a HTTP/1.1"),
        line("connect_with_path", "RFC 9112 3.2.3", "CONNECT /a HTTP/1.1"),
    ]
}

fn hosts() -> Vec<Case> {
    vec![
        host("host_missing", ""),
        host("host_twice_equal", "Host: a\r\nHost: a\r\n"),
        host("host_twice_different", "Host: a\r\nHost: b\r\n"),
        host("host_twice_in_other_case", "Host: a\r\nhost: a\r\n"),
        host("host_empty", "Host:\r\n"),
        host("host_with_userinfo", "Host: u@a\r\n"),
        host("host_with_path", "Host: a/b\r\n"),
        host("host_with_query", "Host: a?b\r\n"),
        host("host_with_fragment", "Host: a#b\r\n"),
        host("host_with_scheme", "Host: http://a\r\n"),
        host("host_with_space", "Host: a b\r\n"),
        host("host_with_backslash", "Host: a\\b\r\n"),
        host("host_with_bad_port", "Host: a:x\r\n"),
        host("host_with_port_out_of_range", "Host: a:65536\r\n"),
        host("host_with_two_ports", "Host: a:80:80\r\n"),
        host("host_port_alone", "Host: :80\r\n"),
        host("host_with_open_bracket", "Host: [::1\r\n"),
        host("host_with_bad_ipv6", "Host: [::g]\r\n"),
        host("host_with_bytes_behind_bracket", "Host: [::1]a\r\n"),
        host("host_with_comma_list", "Host: a, b\r\n"),
        host("host_with_quote", "Host: a\"b\r\n"),
        host("host_with_obs_fold_before", "X: y\r\n Host: a\r\n"),
        host("host_folded", "Host:\r\n a\r\n"),
        bad("absolute_form_and_no_host", "RFC 9112 3.2", format!("GET http://a/ HTTP/1.1\r\n\r\n{SMUGGLED}")),
        bad(
            "absolute_form_and_two_hosts",
            "RFC 9112 3.2",
            format!("GET http://a/ HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n{SMUGGLED}"),
        ),
    ]
}

fn limits() -> Vec<Case> {
    let fields = |count: usize| "A: b\r\n".repeat(count);
    let long = "x".repeat(70_000);
    let target = "x".repeat(16 * 1024 + 1);
    vec![
        case(
            "field_over_64_kib",
            "SPEC http-parser",
            format!("GET / HTTP/1.1\r\nHost: a\r\nA: {long}\r\n\r\n"),
            Refused(431),
        ),
        case(
            "name_over_64_kib",
            "SPEC http-parser",
            format!("GET / HTTP/1.1\r\nHost: a\r\n{long}: b\r\n\r\n"),
            Refused(431),
        ),
        case(
            "head_that_never_ends",
            "SPEC http-parser",
            format!("GET / HTTP/1.1\r\nHost: a\r\nA: {long}"),
            Refused(431),
        ),
        case(
            "fields_over_128",
            "SPEC http-parser",
            format!("GET / HTTP/1.1\r\nHost: a\r\n{}\r\n", fields(128)),
            Refused(431),
        ),
        case(
            "target_over_16_kib",
            "SPEC http-parser",
            format!("GET /{target} HTTP/1.1\r\nHost: a\r\n\r\n"),
            Refused(414),
        ),
        case("target_that_never_ends", "SPEC http-parser", format!("GET /{target}"), Refused(414)),
    ]
}

fn chunks() -> Vec<Case> {
    let extension = format!("1;{}\r\nx\r\n0\r\n\r\n", "e".repeat(4200));
    let extensions = format!("{}0\r\n\r\n", "1;eeeeeeeeeeeeeeeeeeeee\r\nx\r\n".repeat(300));
    let trailer = format!("0\r\nT: {}\r\n\r\n", "t".repeat(70_000));
    let trailers = format!("0\r\n{}\r\n", "T: t\r\n".repeat(129));
    vec![
        chunked("chunk_size_overflows", "10000000000000000\r\nx\r\n0\r\n\r\n"),
        chunked("chunk_size_overflows_by_far", format!("{}\r\nx\r\n0\r\n\r\n", "f".repeat(64))),
        chunked("chunk_size_of_many_zeros", "00000000000000000\r\n\r\n"),
        chunked("chunk_size_minus", "-1\r\nx\r\n0\r\n\r\n"),
        chunked("chunk_size_plus", "+1\r\nx\r\n0\r\n\r\n"),
        chunked("chunk_size_0x", "0x1\r\nx\r\n0\r\n\r\n"),
        chunked("chunk_size_underscore", "0_1\r\nx\r\n0\r\n\r\n"),
        chunked("chunk_size_empty", "\r\nx\r\n0\r\n\r\n"),
        chunked("chunk_size_of_letters", "g\r\nx\r\n0\r\n\r\n"),
        chunked("chunk_size_space_before", " 1\r\nx\r\n0\r\n\r\n"),
        chunked("chunk_size_space_behind", "1 \r\nx\r\n0\r\n\r\n"),
        chunked("chunk_size_tab_behind", "1\t\r\nx\r\n0\r\n\r\n"),
        chunked("chunk_size_listed", "1, 1\r\nx\r\n0\r\n\r\n"),
        chunked("chunk_size_ends_in_lf", "1\nx\r\n0\r\n\r\n"),
        chunked("chunk_size_ends_in_cr", "1\rx\r\n0\r\n\r\n"),
        chunked("chunk_extension_ends_in_lf", "1;a\nx\r\n0\r\n\r\n"),
        chunked("chunk_extension_with_cr", "1;a\rb\r\nx\r\n0\r\n\r\n"),
        chunked("chunk_extension_with_nul", "1;a\0\r\nx\r\n0\r\n\r\n"),
        chunked("chunk_extension_over_4_kib", extension),
        chunked("chunk_extensions_over_4_kib_together", extensions),
        chunked("chunk_line_without_end", "1".to_owned() + &"0".repeat(9000)),
        chunked("chunk_data_without_crlf", "1\r\nx0\r\n\r\n"),
        chunked("chunk_data_ends_in_lf", "1\r\nx\n0\r\n\r\n"),
        chunked("chunk_data_ends_in_cr", "1\r\nx\r0\r\n\r\n"),
        chunked("chunk_data_longer_than_said", "1\r\nxyz\r\n0\r\n\r\n"),
        chunked("last_chunk_ends_in_lf", "1\r\nx\r\n0\n\r\n"),
        chunked("body_ends_in_lf", "1\r\nx\r\n0\r\n\n"),
        chunked("trailer_space_before_colon", "0\r\nT : t\r\n\r\n"),
        chunked("trailer_folded", "0\r\nT: t\r\n u\r\n\r\n"),
        chunked("trailer_ends_in_lf", "0\r\nT: t\n\r\n"),
        chunked("trailer_with_nul", "0\r\nT: \0\r\n\r\n"),
        chunked("trailer_without_colon", "0\r\nT\r\n\r\n"),
        chunked("trailers_over_64_kib", trailer),
        chunked("trailers_over_128", trailers),
    ]
}

fn declined() -> Vec<Case> {
    let hidden = SMUGGLED.len();
    let expect = |value: &str| format!("GET / HTTP/1.1\r\nHost: a\r\nExpect: {value}\r\n\r\n");
    vec![
        case("expect_unknown", "RFC 9110 10.1.1", expect("the-unexpected"), Declined(417)),
        case("expect_more_than_100", "RFC 9110 10.1.1", expect("100-continue, more"), Declined(417)),
        case("expect_near_100", "RFC 9110 10.1.1", expect("100-continued"), Declined(417)),
        case(
            "expect_unknown_with_body",
            "RFC 9110 10.1.1",
            format!("POST / HTTP/1.1\r\nHost: a\r\nExpect: x\r\nContent-Length: {hidden}\r\n\r\n{SMUGGLED}"),
            Declined(417),
        ),
        case(
            "connect",
            "RFC 9931",
            format!("CONNECT a:443 HTTP/1.1\r\nHost: a:443\r\n\r\n{SMUGGLED}"),
            Refused(405),
        ),
        case(
            "connect_to_inside",
            "RFC 9931",
            format!("CONNECT 127.0.0.1:22 HTTP/1.1\r\nHost: a\r\n\r\n{SMUGGLED}"),
            Refused(405),
        ),
        case("trace", "SPEC proxy", "TRACE / HTTP/1.1\r\nHost: a\r\nCookie: secret\r\n\r\n", Declined(405)),
    ]
}

fn served() -> Vec<Case> {
    let hidden = SMUGGLED.len();
    let with_body = |line: &str| format!("{line}\r\nHost: a\r\nContent-Length: {hidden}\r\n\r\n{SMUGGLED}");
    let post = |fields: &str, body: &str| format!("POST /p HTTP/1.1\r\nHost: a\r\n{fields}\r\n\r\n{body}");
    let next = "GET /next HTTP/1.1\r\nHost: a\r\n\r\n";
    let trailers = "1\r\nx\r\n0\r\nContent-Length: 9\r\nTransfer-Encoding: chunked\r\nHost: b\r\nAuthorization: c\r\n\r\n";
    vec![
        case(
            "scheme_in_upper_case",
            "RFC 3986 3.1",
            "GET HTTP://A/m HTTP/1.1\r\nHost: a\r\n\r\n",
            Served(&["GET /m "], Then::Kept),
        ),
        case(
            "te_named_in_connection",
            "RFC 9110 7.6.1",
            post("Connection: Transfer-Encoding\r\nTransfer-Encoding: chunked", "2\r\nhi\r\n0\r\n\r\n"),
            Served(&["POST /p hi"], Then::Kept),
        ),
        case(
            "te_with_white_space_around",
            "RFC 9112 5.1",
            post("Transfer-Encoding: \t chunked \t", "2\r\nhi\r\n0\r\n\r\n"),
            Served(&["POST /p hi"], Then::Kept),
        ),
        case(
            "close_among_empty_elements",
            "RFC 9110 5.6.1",
            format!("GET /m HTTP/1.1\r\nHost: a\r\nConnection: , ,close ,\r\n\r\n{SMUGGLED}"),
            Served(&["GET /m "], Then::Closed),
        ),
        case(
            "close_in_a_second_line",
            "RFC 9110 5.3",
            format!("GET /m HTTP/1.1\r\nHost: a\r\nConnection: x\r\nConnection: Close\r\n\r\n{SMUGGLED}"),
            Served(&["GET /m "], Then::Closed),
        ),
        case(
            "connection_near_close_is_not_close",
            "RFC 9110 7.6.1",
            "GET /m HTTP/1.1\r\nHost: a\r\nConnection: closed\r\n\r\n",
            Served(&["GET /m "], Then::Kept),
        ),
        case("empty_line_first", "RFC 9112 2.2", format!("\r\n{next}"), Served(&["GET /next "], Then::Kept)),
        case(
            "get_with_body",
            "RFC 9110 9.3.1",
            with_body("GET /g HTTP/1.1"),
            Served(&[HIDDEN_GET], Then::Kept),
        ),
        case(
            "delete_with_body",
            "RFC 9110 9.3.5",
            with_body("DELETE /d HTTP/1.1"),
            Served(&[HIDDEN_DELETE], Then::Kept),
        ),
        case(
            "options_with_body",
            "RFC 9110 9.3.7",
            with_body("OPTIONS /o HTTP/1.1"),
            Served(&[HIDDEN_OPTIONS], Then::Kept),
        ),
        case(
            "get_with_chunked_body",
            "RFC 9110 9.3.1",
            format!(
                "GET /g HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n{next}"
            ),
            Served(&["GET /g hi", "GET /next "], Then::Kept),
        ),
        case(
            "method_in_lower_case",
            "RFC 9110 9.1",
            "get /m HTTP/1.1\r\nHost: a\r\n\r\n",
            Served(&["get /m "], Then::Kept),
        ),
        case(
            "method_unknown",
            "RFC 9110 9.1",
            "BREW /m HTTP/1.1\r\nHost: a\r\n\r\n",
            Served(&["BREW /m "], Then::Kept),
        ),
        case(
            "path_with_two_slashes",
            "RFC 9112 3.2.1",
            "GET //b/m HTTP/1.1\r\nHost: a\r\n\r\n",
            Served(&["GET //b/m "], Then::Kept),
        ),
        case(
            "path_with_encoded_crlf",
            "SPEC 11",
            "GET /m%0d%0aX:%20y HTTP/1.1\r\nHost: a\r\n\r\n",
            Served(&["GET /m%0d%0aX:%20y "], Then::Kept),
        ),
        case(
            "cl_with_leading_zeros",
            "RFC 9110 8.6",
            post("Content-Length: 0002", "hi"),
            Served(&["POST /p hi"], Then::Kept),
        ),
        case(
            "cl_with_white_space_around",
            "RFC 9112 5.1",
            post("Content-Length: \t 2 \t", "hi"),
            Served(&["POST /p hi"], Then::Kept),
        ),
        case(
            "cl_named_in_connection",
            "RFC 9110 7.6.1",
            post("Connection: Content-Length, Host\r\nContent-Length: 2", "hi"),
            Served(&["POST /p hi"], Then::Kept),
        ),
        case(
            "cl_with_underscore_is_another_field",
            "RFC 9110 5.1",
            post("Content_Length: 99\r\nContent-Length: 2", "hi"),
            Served(&["POST /p hi"], Then::Kept),
        ),
        case(
            "te_in_upper_case",
            "RFC 9112 7",
            post("Transfer-Encoding: CHUNKED", "2\r\nhi\r\n0\r\n\r\n"),
            Served(&["POST /p hi"], Then::Kept),
        ),
        case(
            "chunk_extension",
            "RFC 9112 7.1.1",
            post("Transfer-Encoding: chunked", "2;a=b;c=\"d;e\"\r\nhi\r\n0;x\r\n\r\n"),
            Served(&["POST /p hi"], Then::Kept),
        ),
        case(
            "chunk_size_with_leading_zeros",
            "RFC 9112 7.1",
            post("Transfer-Encoding: chunked", "002\r\nhi\r\n000\r\n\r\n"),
            Served(&["POST /p hi"], Then::Kept),
        ),
        case(
            "chunk_size_in_upper_case",
            "RFC 9112 7.1",
            post("Transfer-Encoding: chunked", "A\r\n0123456789\r\n0\r\n\r\n"),
            Served(&["POST /p 0123456789"], Then::Kept),
        ),
        case(
            "trailers_with_framing",
            "RFC 9110 6.5.1",
            post("Transfer-Encoding: chunked", &format!("{trailers}{next}")),
            Served(&["POST /p x", "GET /next "], Then::Kept),
        ),
        case(
            "post_without_length_has_no_body",
            "RFC 9112 6.3",
            format!("POST /p HTTP/1.1\r\nHost: a\r\n\r\n{next}"),
            Served(&["POST /p ", "GET /next "], Then::Kept),
        ),
        case(
            "http_1_0_without_length_has_no_body",
            "RFC 9112 6.3",
            format!("POST /p HTTP/1.0\r\n\r\n{SMUGGLED}"),
            Served(&["POST /p "], Then::Closed),
        ),
        case(
            "close_ends_the_pipeline",
            "RFC 9112 9.6",
            format!("GET /m HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n{SMUGGLED}"),
            Served(&["GET /m "], Then::Closed),
        ),
        case(
            "close_wins_over_keep_alive",
            "RFC 9112 9.3",
            format!("GET /m HTTP/1.1\r\nHost: a\r\nConnection: keep-alive, close\r\n\r\n{SMUGGLED}"),
            Served(&["GET /m "], Then::Closed),
        ),
        case(
            "fields_of_exactly_128",
            "SPEC http-parser",
            format!("GET /m HTTP/1.1\r\nHost: a\r\n{}\r\n", "A: b\r\n".repeat(127)),
            Served(&["GET /m "], Then::Kept),
        ),
        case(
            "obs_text_in_value",
            "RFC 9110 5.5",
            b"GET /m HTTP/1.1\r\nHost: a\r\nA: \x80\xff\r\n\r\n",
            Served(&["GET /m "], Then::Kept),
        ),
        case(
            "host_of_ipv6_and_port",
            "RFC 9112 3.2",
            "GET /m HTTP/1.1\r\nHost: [::1]:80\r\n\r\n",
            Served(&["GET /m "], Then::Kept),
        ),
        case(
            "absolute_form_wins_over_host",
            "RFC 9112 3.2.2",
            "GET http://b/m HTTP/1.1\r\nHost: a\r\n\r\n",
            Served(&["GET /m "], Then::Kept),
        ),
        case(
            "h2c_upgrade_is_not_answered",
            "RFC 9113 3.1",
            "GET /m HTTP/1.1\r\nHost: a\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n\r\n",
            Served(&["GET /m "], Then::Kept),
        ),
    ]
}

const HIDDEN_GET: &str = "GET /g GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n";
const HIDDEN_DELETE: &str = "DELETE /d GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n";
const HIDDEN_OPTIONS: &str = "OPTIONS /o GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n";
