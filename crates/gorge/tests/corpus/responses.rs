//! Responses that an origin may try.

use Required::{BadGateway, Cut, Either, Relayed};

/// One answer of an origin and what the client must see of it.
pub struct Case {
    pub name: &'static str,
    /// Where the rule is written.
    pub section: &'static str,
    /// The method it answers.
    pub method: &'static str,
    /// What the origin sends, all at once.
    pub bytes: Vec<u8>,
    /// How its connection then ends.
    pub ending: Ending,
    pub required: Required,
    /// Whether the proxy may send the next request on the same connection.
    pub reuse: Reuse,
}

/// What the origin does after its bytes.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    /// It waits for the next request.
    Open,
    Close,
    Reset,
}

/// What the client must see.
pub enum Required {
    /// 502, the origin asked once, no byte of its answer shown.
    BadGateway,
    /// The head is good and went out, the body breaks: the client must see that, or a 502, but never a whole message.
    Cut,
    /// This status and body, whole.
    Relayed(u16, &'static str),
    /// This status with an empty body, or a 502: where the message ends is clear, that the origin knew it is not.
    Either(u16),
}

/// What may become of the origin's connection.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Reuse {
    Must,
    Never,
}

/// Behind a message's end: must never be taken for an answer.
pub const POISON: &str = "HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\npoison";

fn case(name: &'static str, section: &'static str, bytes: impl Into<Vec<u8>>, required: Required) -> Case {
    let (method, bytes) = ("GET", bytes.into());
    Case { name, section, method, bytes, ending: Ending::Open, required, reuse: Reuse::Never }
}

impl Case {
    fn to(self, method: &'static str) -> Self {
        Self { method, ..self }
    }

    fn then(self, ending: Ending) -> Self {
        Self { ending, ..self }
    }

    fn reused(self) -> Self {
        Self { reuse: Reuse::Must, ..self }
    }
}

/// A head that is refused.
fn bad(name: &'static str, section: &'static str, bytes: impl Into<Vec<u8>>) -> Case {
    case(name, section, bytes, BadGateway)
}

/// 200 with these lines before a body.
fn lines(name: &'static str, section: &'static str, lines: impl AsRef<[u8]>) -> Case {
    bad(name, section, [b"HTTP/1.1 200 OK\r\n", lines.as_ref(), b"\r\n\r\nhello"].concat())
}

/// 200, chunked, with this body, which is faulty.
fn chunked(name: &'static str, body: impl AsRef<[u8]>) -> Case {
    let head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
    case(name, "RFC 9112 7.1", [head, body.as_ref()].concat(), Cut)
}

/// All rows.
pub fn all() -> Vec<Case> {
    let mut all = status_lines();
    all.extend(fields());
    all.extend(framings());
    all.extend(bodies());
    all.extend(interim());
    all.extend(surplus());
    all.extend(lawful());
    all
}

fn status_lines() -> Vec<Case> {
    let rest = "Content-Length: 5\r\n\r\nhello";
    let line = |name, line: &str| bad(name, "RFC 9112 4", format!("{line}\r\n{rest}"));
    vec![
        line("no_http", "220 mail.example ESMTP"),
        line("status_missing", "HTTP/1.1"),
        line("status_two_digits", "HTTP/1.1 20 OK"),
        line("status_four_digits", "HTTP/1.1 2000 OK"),
        line("status_below_100", "HTTP/1.1 099 No"),
        line("status_signed", "HTTP/1.1 +200 OK"),
        line("status_of_letters", "HTTP/1.1 abc OK"),
        line("version_2_0", "HTTP/2.0 200 OK"),
        line("version_lower_case", "http/1.1 200 OK"),
        line("two_spaces_before_status", "HTTP/1.1  200 OK"),
        line("control_byte_in_reason", "HTTP/1.1 200 O\x01K"),
        bad("empty_line_first", "RFC 9112 2.2", format!("\r\nHTTP/1.1 200 OK\r\n{rest}")),
        bad("lf_ends_status_line", "RFC 9112 2.2", format!("HTTP/1.1 200 OK\n{rest}")),
        bad("http_0_9", "RFC 9112 2.3", "<html>hello</html>\r\n\r\n").then(Ending::Close),
        bad("head_cut_short", "RFC 9112 8", "HTTP/1.1 200 OK\r\nContent-Le").then(Ending::Close),
        bad("head_reset", "RFC 9112 8", "HTTP/1.1 200 OK\r\nContent-Le").then(Ending::Reset),
    ]
}

fn fields() -> Vec<Case> {
    let length = "Content-Length: 5\r\n";
    let field = |name, section, line: &str| lines(name, section, format!("{length}{line}"));
    let long = format!("{length}A: {}", "x".repeat(70_000));
    let many = format!("{length}{}", "A: b\r\n".repeat(128).trim_end());
    vec![
        field("lf_ends_field_line", "RFC 9112 2.2", "A: b\nC: d"),
        field("cr_in_value", "RFC 9110 5.5", "A: b\rc"),
        field("nul_in_value", "RFC 9110 5.5", "A: b\0c"),
        field("control_byte_in_value", "RFC 9110 5.5", "A: b\x08"),
        field("space_before_colon", "RFC 9112 5.1", "A : b"),
        field("obs_fold", "RFC 9112 5.2", "A: b\r\n c"),
        field("name_empty", "RFC 9110 5.1", ": b"),
        field("colon_missing", "RFC 9112 5", "A"),
        lines("head_over_64_kib", "SPEC http-parser", long),
        lines("fields_over_128", "SPEC http-parser", many),
    ]
}

fn framings() -> Vec<Case> {
    let length = |name, value: &str| lines(name, "RFC 9110 8.6", format!("Content-Length: {value}"));
    let coding = |name, value: &str| lines(name, "RFC 9112 6.1", format!("Transfer-Encoding: {value}"));
    vec![
        length("cl_empty", ""),
        length("cl_plus", "+5"),
        length("cl_minus", "-1"),
        length("cl_hexadecimal", "0x5"),
        length("cl_listed_equal", "5, 5"),
        length("cl_overflows_64_bits", "18446744073709551616"),
        lines("cl_repeated_equal", "RFC 9112 6.3", "Content-Length: 5\r\nContent-Length: 5"),
        lines("cl_repeated_different", "RFC 9112 6.3", "Content-Length: 5\r\nContent-Length: 1"),
        coding("te_identity", "identity"),
        coding("te_gzip_alone", "gzip"),
        coding("te_chunked_gzip", "chunked, gzip"),
        coding("te_chunked_twice", "chunked, chunked"),
        coding("te_gzip_chunked", "gzip, chunked"),
        coding("te_empty", ""),
        lines("te_lines_twice", "RFC 9112 6.1", "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked"),
        bad(
            "te_in_http_1_0",
            "RFC 9112 6.1",
            "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
        ),
    ]
}

fn bodies() -> Vec<Case> {
    let sized = "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf";
    let extension = format!("5;{}\r\nhello\r\n0\r\n\r\n", "e".repeat(4200));
    vec![
        case("length_cut_short", "RFC 9112 8", sized, Cut).then(Ending::Close),
        case("length_reset", "RFC 9112 8", sized, Cut).then(Ending::Reset),
        case("until_close_reset", "RFC 9112 8", "HTTP/1.1 200 OK\r\n\r\nhalf", Cut).then(Ending::Reset),
        chunked("chunk_cut_short", "9\r\nhalf").then(Ending::Close),
        chunked("chunks_without_last", "4\r\nhalf\r\n").then(Ending::Close),
        chunked("trailers_cut_short", "4\r\nhalf\r\n0\r\nT: t").then(Ending::Close),
        chunked("chunk_size_of_letters", "g\r\nhello\r\n0\r\n\r\n"),
        chunked("chunk_size_overflows", "10000000000000000\r\nhello\r\n0\r\n\r\n"),
        chunked("chunk_size_minus", "-5\r\nhello\r\n0\r\n\r\n"),
        chunked("chunk_size_0x", "0x5\r\nhello\r\n0\r\n\r\n"),
        chunked("chunk_size_ends_in_lf", "5\nhello\r\n0\r\n\r\n"),
        chunked("chunk_data_without_crlf", "5\r\nhello0\r\n\r\n"),
        chunked("chunk_data_longer_than_said", "5\r\nhello you\r\n0\r\n\r\n"),
        chunked("chunk_extension_over_4_kib", extension),
        chunked("trailer_space_before_colon", "5\r\nhello\r\n0\r\nT : t\r\n\r\n"),
        chunked("trailer_folded", "5\r\nhello\r\n0\r\nT: t\r\n u\r\n\r\n"),
    ]
}

fn interim() -> Vec<Case> {
    let ok = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello";
    let early = "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n";
    vec![
        bad("interim_without_end", "SPEC 11", early.repeat(33) + ok),
        bad(
            "switching_protocols_unasked",
            "RFC 9110 15.2.2",
            "HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n",
        ),
        bad("interim_alone", "RFC 9110 15.2", early).then(Ending::Close),
        case("interim_32_times", "SPEC 11", early.repeat(32) + ok, Relayed(200, "hello")).reused(),
    ]
}

fn surplus() -> Vec<Case> {
    let sized = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello";
    let chunked = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n";
    let both =
        "HTTP/1.1 200 OK\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n";
    vec![
        case("surplus_behind_length", "SPEC 11", format!("{sized}{POISON}"), Relayed(200, "hello")),
        case("surplus_behind_chunks", "SPEC 11", format!("{chunked}{POISON}"), Relayed(200, "hello")),
        case(
            "surplus_behind_length_0",
            "SPEC 11",
            format!("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n{POISON}"),
            Relayed(200, ""),
        ),
        case(
            "body_on_204",
            "RFC 9110 15.3.5",
            format!("HTTP/1.1 204 No Content\r\n\r\n{POISON}"),
            Either(204),
        ),
        case(
            "length_and_body_on_204",
            "RFC 9110 8.6",
            "HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\nhello",
            Either(204),
        ),
        case(
            "chunked_body_on_204",
            "RFC 9112 6.1",
            "HTTP/1.1 204 No Content\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
            Either(204),
        ),
        case(
            "body_on_304",
            "RFC 9110 15.4.5",
            format!("HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n{POISON}"),
            Either(304),
        ),
        case(
            "body_to_head",
            "RFC 9110 9.3.2",
            format!("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n{POISON}"),
            Either(200),
        )
        .to("HEAD"),
        case("length_beside_chunked", "RFC 9112 6.3", both, Relayed(200, "hello")),
    ]
}

fn lawful() -> Vec<Case> {
    let lawful = |name, section, bytes: &str| case(name, section, bytes, Relayed(200, "hello"));
    let forbidden = "Content-Length: 9\r\nTransfer-Encoding: chunked\r\nHost: b\r\nSet-Cookie: c=d";
    vec![
        lawful("reason_missing", "RFC 9112 4", "HTTP/1.1 200\r\nContent-Length: 5\r\n\r\nhello").reused(),
        lawful("reason_empty", "RFC 9112 4", "HTTP/1.1 200 \r\nContent-Length: 5\r\n\r\nhello").reused(),
        lawful(
            "length_with_leading_zeros",
            "RFC 9110 8.6",
            "HTTP/1.1 200 OK\r\nContent-Length: 005\r\n\r\nhello",
        )
        .reused(),
        lawful("until_close", "RFC 9112 6.3", "HTTP/1.1 200 OK\r\n\r\nhello").then(Ending::Close),
        lawful("http_1_0_until_close", "RFC 9112 6.3", "HTTP/1.0 200 OK\r\n\r\nhello").then(Ending::Close),
        lawful("http_1_0_with_length", "RFC 9112 9.3", "HTTP/1.0 200 OK\r\nContent-Length: 5\r\n\r\nhello"),
        lawful(
            "http_1_0_kept_alive",
            "RFC 9112 9.3",
            "HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 5\r\n\r\nhello",
        )
        .reused(),
        lawful(
            "connection_close",
            "RFC 9112 9.6",
            "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 5\r\n\r\nhello",
        ),
        lawful(
            "trailers_with_framing",
            "RFC 9110 6.5.1",
            &format!(
                "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n{forbidden}\r\n\r\n"
            ),
        )
        .reused(),
        lawful(
            "obs_text_in_value",
            "RFC 9110 5.5",
            "HTTP/1.1 200 OK\r\nA: \u{e4}\r\nContent-Length: 5\r\n\r\nhello",
        )
        .reused(),
        lawful("obs_text_in_reason", "RFC 9112 4", "HTTP/1.1 200 G\u{fc}t\r\nContent-Length: 5\r\n\r\nhello")
            .reused(),
        lawful(
            "te_in_upper_case",
            "RFC 9112 7",
            "HTTP/1.1 200 OK\r\nTRANSFER-ENCODING: Chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
        )
        .reused(),
        lawful(
            "close_among_others",
            "RFC 9110 7.6.1",
            "HTTP/1.1 200 OK\r\nConnection: x, Close\r\nX: y\r\nContent-Length: 5\r\n\r\nhello",
        ),
        case(
            "length_0_on_204",
            "RFC 9110 8.6",
            "HTTP/1.1 204 No Content\r\nContent-Length: 0\r\n\r\n",
            Relayed(204, ""),
        )
        .reused(),
        case(
            "coding_on_304",
            "RFC 9112 6.1",
            "HTTP/1.1 304 Not Modified\r\nTransfer-Encoding: chunked\r\n\r\n",
            Relayed(304, ""),
        )
        .reused(),
        case(
            "length_on_304",
            "RFC 9110 15.4.5",
            "HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n",
            Relayed(304, ""),
        )
        .reused(),
        case(
            "status_unknown",
            "RFC 9110 15",
            "HTTP/1.1 799 Odd\r\nContent-Length: 5\r\n\r\nhello",
            Relayed(799, "hello"),
        )
        .reused(),
    ]
}
