//! How the lines of the error log look, in text and in JSON.

use std::fmt::{self, Write as _};
use std::io::Write;

use gorge_digest::PeerAddr;
use gorge_error::{Error, Kind};
use gorge_filter::{Exchange, Outcome, RouteId};
use gorge_http::Known;
use gorge_protocols::Address;

use super::error::Refused;
use super::repeats::{Kept, Sort};
use super::{Level, escape, stamp};

/// Text, or a JSON object per line.
#[derive(Clone, Copy, Debug)]
pub(super) enum Form {
    Json,
    Text,
}

/// A line about one exchange.
pub(super) struct Failure<'a, C> {
    pub(super) x: &'a Exchange<C>,
    pub(super) error: &'a Error,
    pub(super) level: Level,
    /// None if another attempt followed.
    pub(super) end: Option<&'a Outcome>,
    /// The names of the routes, by their numbers.
    pub(super) routes: &'a [Box<str>],
}

// Writing to a Vec cannot fail, here and below.

/// `2026-.. info reloaded: 12 routes`.
pub(super) fn note(form: Form, out: &mut Vec<u8>, level: Level, text: &dyn fmt::Display) {
    match form {
        Form::Json => {
            json_begin(out, level, "note");
            json_text(out, "message", text);
            out.push(b'}');
        }
        Form::Text => {
            text_begin(out, level);
            let _ = write!(escape::OneLine(out), "{text}");
        }
    }
}

pub(super) fn failure<C>(form: Form, out: &mut Vec<u8>, failure: &Failure<'_, C>) {
    match form {
        Form::Json => failure_json(out, failure),
        Form::Text => failure_text(out, failure),
    }
}

/// `2026-.. warn 502 connect_refused client=.. request="GET /" host=".." upstream=.. attempt=1: why`.
fn failure_text<C>(out: &mut Vec<u8>, failure: &Failure<'_, C>) {
    let Failure { x, error, level, end, routes } = *failure;
    text_begin(out, level);
    text_what(out, status(end), error.kind());
    match (x.facts.named_client, x.client()) {
        (Some(ip), _) => _ = write!(out, " client={ip}"),
        (None, Some(client)) => _ = write!(out, " client={client}"),
        (None, None) => {}
    }
    if x.facts.timing.head_read.is_some() {
        out.extend_from_slice(b" request=\"");
        escape::text(out, x.req.method.as_str().as_bytes());
        out.push(b' ');
        escape::text(out, x.target().as_str().as_bytes());
        out.extend_from_slice(b"\" host=\"");
        escape::text(out, x.req.headers.get(Known::Host).unwrap_or(b""));
        out.push(b'"');
    }
    text_where(out, x.facts.route, x.peer(), routes);
    if x.peer().is_some() {
        let _ = write!(out, " attempt={}", x.attempts().count());
    }
    if let Some(id) = x.req.headers.get(Known::XRequestId) {
        out.extend_from_slice(b" request_id=");
        escape::text(out, id);
    }
    // The alternate form is the whole chain on one line, control characters escaped.
    let _ = write!(out, ": {error:#}");
}

fn failure_json<C>(out: &mut Vec<u8>, failure: &Failure<'_, C>) {
    let Failure { x, error, level, end, routes } = *failure;
    json_begin(out, level, if end.is_some() { "failure" } else { "retry" });
    json_what(out, status(end), error.kind());
    json_text(out, "fault", &error.fault());
    match (x.facts.named_client, x.client()) {
        (Some(ip), _) => json_text(out, "client", &ip),
        (None, Some(client)) => json_text(out, "client", client),
        (None, None) => {}
    }
    if x.facts.timing.head_read.is_some() {
        json_bytes(out, "method", x.req.method.as_str().as_bytes());
        json_bytes(out, "target", x.target().as_str().as_bytes());
        json_bytes(out, "host", x.req.headers.get(Known::Host).unwrap_or(b""));
    }
    json_where(out, x.facts.route, x.peer(), routes);
    if x.peer().is_some() {
        let _ = write!(out, ",\"attempt\":{}", x.attempts().count());
    }
    if let Some(id) = x.req.headers.get(Known::XRequestId) {
        json_bytes(out, "request_id", id);
    }
    json_text(out, "message", &format_args!("{error:#}"));
    out.push(b'}');
}

/// `2026-.. info refused tls_failed listener=.. client=..: why`.
pub(super) fn refused(form: Form, out: &mut Vec<u8>, level: Level, refused: &Refused<'_>) {
    let Refused { reason, listener, client, text } = *refused;
    match form {
        Form::Json => {
            json_begin(out, level, "refusal");
            json_refusal(out, reason, listener);
            json_text(out, "client", client);
            json_text(out, "message", text);
            out.push(b'}');
        }
        Form::Text => {
            text_begin(out, level);
            text_refusal(out, reason, listener);
            let _ = write!(out, " client={client}: ");
            let _ = write!(escape::OneLine(out), "{text}");
        }
    }
}

/// `2026-.. warn 502 connect_refused upstream=..: 4711 more like this in the last second`.
pub(super) fn sum(form: Form, out: &mut Vec<u8>, kept: &Kept, routes: &[Box<str>]) {
    let lines = kept.lines;
    match (form, &kept.sort) {
        (Form::Json, Sort::Failure { level, kind, status, upstream, route }) => {
            json_begin(out, *level, "sum");
            json_what(out, *status, *kind);
            json_where(out, *route, upstream.as_ref(), routes);
            json_more(out, lines);
        }
        (Form::Text, Sort::Failure { level, kind, status, upstream, route }) => {
            text_begin(out, *level);
            text_what(out, *status, *kind);
            text_where(out, *route, upstream.as_ref(), routes);
            let _ = write!(out, ": {lines} more like this in the last second");
        }
        (Form::Json, Sort::Refusal { level, reason, listener }) => {
            json_begin(out, *level, "sum");
            json_refusal(out, reason, listener.as_ref());
            json_more(out, lines);
        }
        (Form::Text, Sort::Refusal { level, reason, listener }) => {
            text_begin(out, *level);
            text_refusal(out, reason, listener.as_ref());
            let _ = write!(out, ": {lines} more like this in the last second");
        }
        (Form::Json, Sort::Other) => {
            json_begin(out, Level::Warn, "sum");
            let _ = write!(
                out,
                ",\"more\":{lines},\"message\":\"{lines} more of many sorts in the last second\"}}"
            );
        }
        (Form::Text, Sort::Other) => {
            text_begin(out, Level::Warn);
            let _ = write!(out, "{lines} more of many sorts in the last second");
        }
    }
}

fn text_refusal(out: &mut Vec<u8>, reason: &str, listener: Option<&Address>) {
    let _ = write!(out, "refused {reason}");
    if let Some(listener) = listener {
        let _ = write!(escape::OneLine(out), " listener={listener}");
    }
}

fn json_refusal(out: &mut Vec<u8>, reason: &str, listener: Option<&Address>) {
    let _ = write!(out, ",\"reason\":\"{reason}\"");
    if let Some(listener) = listener {
        json_text(out, "listener", listener);
    }
}

fn json_more(out: &mut Vec<u8>, lines: u64) {
    let _ = write!(out, ",\"more\":{lines},\"message\":\"{lines} more like this in the last second\"}}");
}

fn status(end: Option<&Outcome>) -> Option<u16> {
    end.map(|end| end.status.as_u16())
}

fn text_begin(out: &mut Vec<u8>, level: Level) {
    stamp::rfc3339(out);
    let _ = write!(out, " {} ", level.name());
}

fn text_what(out: &mut Vec<u8>, status: Option<u16>, kind: Kind) {
    let _ = match status {
        Some(status) => write!(out, "{status} {}", kind.name()),
        None => write!(out, "retry {}", kind.name()),
    };
}

fn text_where(out: &mut Vec<u8>, route: Option<RouteId>, upstream: Option<&PeerAddr>, routes: &[Box<str>]) {
    if let Some(RouteId(number)) = route {
        out.extend_from_slice(b" route=\"");
        match routes.get(number as usize) {
            Some(name) => escape::text(out, name.as_bytes()),
            None => _ = write!(out, "{number}"),
        }
        out.push(b'"');
    }
    if let Some(upstream) = upstream {
        let _ = write!(out, " upstream={upstream}");
    }
}

fn json_begin(out: &mut Vec<u8>, level: Level, event: &str) {
    out.extend_from_slice(b"{\"time\":\"");
    stamp::rfc3339(out);
    let _ = write!(out, "\",\"level\":\"{}\",\"event\":\"{event}\"", level.name());
}

fn json_what(out: &mut Vec<u8>, status: Option<u16>, kind: Kind) {
    if let Some(status) = status {
        let _ = write!(out, ",\"status\":{status}");
    }
    let _ = write!(out, ",\"reason\":\"{}\"", kind.name());
}

fn json_where(out: &mut Vec<u8>, route: Option<RouteId>, upstream: Option<&PeerAddr>, routes: &[Box<str>]) {
    if let Some(RouteId(number)) = route {
        match routes.get(number as usize) {
            Some(name) => json_text(out, "route", name),
            None => json_text(out, "route", &number),
        }
    }
    if let Some(upstream) = upstream {
        json_text(out, "upstream", upstream);
    }
}

fn json_text(out: &mut Vec<u8>, key: &str, text: &dyn fmt::Display) {
    let _ = write!(out, ",\"{key}\":\"");
    let _ = write!(escape::Json(out), "{text}");
    out.push(b'"');
}

fn json_bytes(out: &mut Vec<u8>, key: &str, value: &[u8]) {
    let _ = write!(out, ",\"{key}\":\"");
    escape::json(out, value);
    out.push(b'"');
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use gorge_http::{Method, Status, Uri};

    use super::*;

    fn lines(form: Form, write: impl Fn(Form, &mut Vec<u8>)) -> String {
        let mut out = Vec::new();
        write(form, &mut out);
        String::from_utf8(out).unwrap()
    }

    fn exchange() -> Exchange {
        let mut x = Exchange::<()>::new();
        x.req.uri = Uri::parse(&Method::GET, Bytes::from_static(b"/a?b=1")).unwrap();
        x.req.headers.append(Known::Host, "shop.example").unwrap();
        x.facts.client = Some(PeerAddr::Ip("192.0.2.7:80".parse().unwrap()));
        x.facts.timing.head_read = Some(std::time::Instant::now());
        x.facts.route = Some(RouteId(0));
        x
    }

    #[test]
    fn a_failure_says_what_where_and_why() {
        let x = exchange();
        let error = Error::explain(Kind::ConnectRefused, "connect to \"127.0.0.1:9\"\n").into_upstream();
        let end = Outcome { status: Status::BAD_GATEWAY, error: None, complete: true };
        let names = ["sh\"op".into()];
        let about = |end, routes| Failure { x: &x, error: &error, level: Level::Warn, end, routes };
        let line = lines(Form::Text, |form, out| failure(form, out, &about(Some(&end), &names)));
        let expected =
            r#" warn 502 connect_refused client=192.0.2.7:80 request="GET /a?b=1" host="shop.example" "#;
        assert_eq!(
            line[24..],
            format!(
                "{expected}{}",
                r#"route="sh\x22op": connect_refused (upstream): connect to "127.0.0.1:9"\n"#
            )
        );
        let line = lines(Form::Json, |form, out| failure(form, out, &about(None, &[])));
        let expected = concat!(
            r#"Z","level":"warn","event":"retry","reason":"connect_refused","fault":"upstream","#,
            r#""client":"192.0.2.7:80","method":"GET","target":"/a?b=1","host":"shop.example","#,
            r#""route":"0","message":"connect_refused (upstream): connect to \"127.0.0.1:9\"\\n"}"#,
        );
        assert_eq!(line[32..], *expected);
    }

    #[test]
    fn a_sum_begins_like_what_it_sums_up() {
        let sort = Sort::Failure {
            level: Level::Warn,
            kind: Kind::ConnectRefused,
            status: Some(502),
            upstream: Some(PeerAddr::Ip("10.0.0.1:80".parse().unwrap())),
            route: None,
        };
        let kept = Kept { sort, lines: 4711 };
        let line = lines(Form::Text, |form, out| sum(form, out, &kept, &[]));
        let expected =
            " warn 502 connect_refused upstream=10.0.0.1:80: 4711 more like this in the last second";
        assert_eq!(line[24..], *expected);
        let line = lines(Form::Json, |form, out| sum(form, out, &kept, &[]));
        let expected = concat!(
            r#"Z","level":"warn","event":"sum","status":502,"reason":"connect_refused","#,
            r#""upstream":"10.0.0.1:80","more":4711,"message":"4711 more like this in the last second"}"#,
        );
        assert_eq!(line[32..], *expected);
        let kept = Kept { sort: Sort::Other, lines: 3 };
        let line = lines(Form::Text, |form, out| sum(form, out, &kept, &[]));
        assert!(line.ends_with(" warn 3 more of many sorts in the last second"), "{line}");
        let line = lines(Form::Json, |form, out| sum(form, out, &kept, &[]));
        assert!(
            line.ends_with(r#""event":"sum","more":3,"message":"3 more of many sorts in the last second"}"#)
        );
    }

    #[test]
    fn a_refusal_says_where_who_and_why() {
        let listener = "unix:/run/a.sock".parse().unwrap();
        let client = PeerAddr::Ip("192.0.2.7:80".parse().unwrap());
        let about = Refused { reason: "denied", listener: Some(&listener), client: &client, text: &"a\"b" };
        let line = lines(Form::Json, |form, out| refused(form, out, Level::Info, &about));
        let expected = concat!(
            r#"Z","level":"info","event":"refusal","reason":"denied","listener":"unix:/run/a.sock","#,
            r#""client":"192.0.2.7:80","message":"a\"b"}"#,
        );
        assert_eq!(line[32..], *expected);
        let sort = Sort::Refusal { level: Level::Info, reason: "denied", listener: Some(listener) };
        let line = lines(Form::Json, |form, out| sum(form, out, &Kept { sort: sort.clone(), lines: 7 }, &[]));
        assert!(line.contains(r#""event":"sum","reason":"denied","listener":"unix:/run/a.sock","more":7,"#));
    }

    #[test]
    fn notes_stay_on_one_line() {
        let line = lines(Form::Text, |form, out| note(form, out, Level::Error, &"one\ntwo\x1b"));
        assert_eq!(line[24..], *r" error one\ntwo\u{1b}");
        let line = lines(Form::Json, |form, out| note(form, out, Level::Info, &"\"one\"\ntwo"));
        assert_eq!(line[32..], *r#"Z","level":"info","event":"note","message":"\"one\"\ntwo"}"#);
    }
}
