//! What a name stands for in one exchange, and how it is written.

use std::fmt::Write as _;
use std::net::IpAddr;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use gorge_digest::{PeerAddr, TlsDigest};
use gorge_filter::{Exchange, Outcome};
use gorge_http::{FieldName, Headers};

use super::name::Name;
use super::{escape, stamp};
use crate::hex::put_hex;
use crate::ip_text::{IpText, put_socket_addr};

/// What a line is made from.
pub(super) struct Source<'a, C> {
    pub(super) x: &'a Exchange<C>,
    pub(super) end: &'a Outcome,
    /// The names of the routes, by their numbers.
    pub(super) routes: &'a [Box<str>],
}

/// What a name stands for in one exchange.
pub(super) enum Value<'a> {
    Address(&'a PeerAddr),
    /// Bytes in lower-case hexadecimal.
    Hex(&'a [u8]),
    Ip(IpAddr),
    /// A duration, in milliseconds.
    Millis(Duration),
    /// There is none, but if there were, it would be a number.
    NoNumber,
    NoText,
    Number(u64),
    /// What others chose.
    Text(&'a [u8]),
    /// Several fields of one name, what others chose too.
    Texts(&'a Headers, &'a Name),
    TimeCommon,
    TimeRfc3339,
    TimeUnix,
    /// What needs no escaping.
    Word(&'a str),
}

/// How text is made harmless, and what stands for a value that is not there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Style {
    /// Inside of a JSON document: an absent number is `null`, an absent text is empty.
    Json,
    /// `\xHH` and `-`.
    Text,
}

impl<'a, C> Source<'a, C> {
    pub(super) fn value(&self, name: &'a Name) -> Value<'a> {
        let Source { x, end, .. } = *self;
        let facts = &x.facts;
        match name {
            Name::Attempts => Value::Number(x.attempts().count() as u64),
            Name::Client => address(x.client()),
            Name::ClientIp => client_ip(x),
            Name::Complete => Value::Word(if end.complete { "true" } else { "false" }),
            Name::ConnectMs => millis(facts.timing.connecting()),
            Name::ConnectionRequests => Value::Number(u64::from(facts.earlier_exchanges) + 1),
            Name::DurationMs => millis(facts.timing.duration()),
            Name::Fault => word(end.error.as_ref().map(|error| error.fault().name())),
            Name::FirstByteMs => millis(facts.timing.waiting()),
            Name::Local => address(facts.local.as_ref()),
            Name::Reason => word(end.error.as_ref().map(|error| error.kind().name())),
            Name::RequestSize => Value::Number(facts.received),
            Name::ResponseSize => Value::Number(facts.sent),
            Name::Route => self.route(),
            Name::Scheme => Value::Word(facts.scheme.as_str()),
            Name::Status => Value::Number(u64::from(end.status.as_u16())),
            Name::Time => Value::TimeRfc3339,
            Name::TimeCommon => Value::TimeCommon,
            Name::TimeUnix => Value::TimeUnix,
            Name::Upstream => address(x.peer()),
            Name::UpstreamMs => millis(facts.timing.upstream()),
            Name::TlsAlpn
            | Name::TlsCipher
            | Name::TlsClientSerial
            | Name::TlsClientSha256
            | Name::TlsClientSubject
            | Name::TlsClientVerified
            | Name::TlsResumed
            | Name::TlsSni
            | Name::TlsVersion => facts.tls.as_deref().map_or(Value::NoText, |tls| self::tls(name, tls)),
            Name::UpstreamTlsResumed => resumed(facts.upstream_tls.as_deref()),
            Name::UpstreamTlsVersion => word(facts.upstream_tls.as_deref().and_then(|tls| tls.version)),
            // Of a request whose head was not read there is no first line and no field.
            _ if facts.timing.head_read.is_none() => Value::NoText,
            Name::Field(known) => field(&x.req.headers, *known, name),
            Name::OtherField(other) => field(&x.req.headers, &**other, name),
            Name::Method => Value::Word(x.req.method.as_str()),
            Name::Path => Value::Text(x.target().path().as_bytes()),
            Name::Protocol => Value::Word(x.req.version.as_str()),
            Name::Query => text(x.target().query()),
            Name::Target => Value::Text(x.target().as_str().as_bytes()),
            Name::Uri => Value::Text(x.target().path_and_query().as_bytes()),
        }
    }

    fn route(&self) -> Value<'a> {
        match self.x.facts.route {
            Some(id) => match self.routes.get(id.0 as usize) {
                Some(name) => Value::Text(name.as_bytes()),
                None => Value::Number(u64::from(id.0)),
            },
            None => Value::NoText,
        }
    }
}

/// What a name of the client's side stands for.
fn tls<'a>(name: &Name, tls: &'a TlsDigest) -> Value<'a> {
    let certificate = tls.peer_certificate.as_ref();
    match name {
        Name::TlsAlpn => tls.alpn.as_deref().map_or(Value::NoText, Value::Text),
        Name::TlsCipher => word(tls.cipher),
        Name::TlsClientSerial => text(certificate.and_then(|shown| shown.serial.as_deref())),
        Name::TlsClientSha256 => certificate
            .and_then(|shown| shown.sha256.as_ref())
            .map_or(Value::NoText, |digest| Value::Hex(digest)),
        Name::TlsClientSubject => text(certificate.and_then(|shown| shown.subject.as_deref())),
        Name::TlsClientVerified => Value::Text(tls.peer_verified().as_bytes()),
        Name::TlsResumed => resumed(Some(tls)),
        Name::TlsSni => text(tls.sni.as_deref()),
        Name::TlsVersion => word(tls.version),
        _ => Value::NoText,
    }
}

fn resumed(tls: Option<&TlsDigest>) -> Value<'static> {
    match tls.and_then(|tls| tls.resumed) {
        Some(true) => Value::Word("true"),
        Some(false) => Value::Word("false"),
        None => Value::NoText,
    }
}

fn address(addr: Option<&PeerAddr>) -> Value<'_> {
    addr.map_or(Value::NoText, Value::Address)
}

fn client_ip<C>(x: &Exchange<C>) -> Value<'_> {
    match (x.client_ip(), x.client()) {
        (Some(ip), _) => Value::Ip(ip),
        (None, Some(_)) => Value::Word("unix:"),
        (None, None) => Value::NoText,
    }
}

fn millis<'a>(duration: Option<Duration>) -> Value<'a> {
    duration.map_or(Value::NoNumber, Value::Millis)
}

fn word(word: Option<&str>) -> Value<'_> {
    word.map_or(Value::NoText, Value::Word)
}

fn text(text: Option<&str>) -> Value<'_> {
    text.map_or(Value::NoText, |text| Value::Text(text.as_bytes()))
}

fn field<'a>(headers: &'a Headers, key: impl FieldName + Copy, name: &'a Name) -> Value<'a> {
    match headers.get(key) {
        None => Value::NoText,
        Some(value) if headers.count(key) == 1 => Value::Text(value),
        Some(_) => Value::Texts(headers, name),
    }
}

impl Value<'_> {
    /// Writes it bare, without quotes.
    pub(super) fn write(&self, out: &mut Vec<u8>, style: Style) {
        match self {
            // Writing to a Vec cannot fail, here and below.
            Value::Address(PeerAddr::Ip(addr)) => put_socket_addr(*addr, out),
            Value::Address(addr) => _ = write!(escape::Json(out), "{addr}"),
            Value::Hex(bytes) => put_hex(bytes, out),
            Value::Ip(ip) => out.extend_from_slice(IpText::of(*ip).as_bytes()),
            Value::Millis(duration) => fixed(out, duration.as_micros() as u64),
            Value::NoNumber if style == Style::Json => out.extend_from_slice(b"null"),
            Value::NoText if style == Style::Json => {}
            Value::NoNumber | Value::NoText => out.push(b'-'),
            Value::Number(n) => number(out, *n),
            Value::Text(text) => escaped(out, text, style),
            Value::Texts(headers, name) => match name {
                Name::Field(known) => listed(out, headers.get_all(*known), style),
                Name::OtherField(other) => listed(out, headers.get_all(&**other), style),
                // Only fields come in numbers.
                _ => {}
            },
            Value::TimeCommon => stamp::common(out),
            Value::TimeRfc3339 => stamp::rfc3339(out),
            Value::TimeUnix => {
                let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
                fixed(out, since.as_millis() as u64);
            }
            Value::Word(word) => out.extend_from_slice(word.as_bytes()),
        }
    }

    /// Writes it as a whole JSON value: text in quotes, `null` for what is not there.
    pub(super) fn write_json(&self, out: &mut Vec<u8>) {
        match self {
            Value::NoText | Value::NoNumber => out.extend_from_slice(b"null"),
            Value::Millis(_) | Value::Number(_) | Value::TimeUnix => self.write(out, Style::Json),
            _ => {
                out.push(b'"');
                self.write(out, Style::Json);
                out.push(b'"');
            }
        }
    }
}

fn listed<'v>(out: &mut Vec<u8>, values: impl Iterator<Item = &'v [u8]>, style: Style) {
    for (at, value) in values.enumerate() {
        if at > 0 {
            out.extend_from_slice(b", ");
        }
        escaped(out, value, style);
    }
}

fn escaped(out: &mut Vec<u8>, text: &[u8], style: Style) {
    match style {
        Style::Json => escape::json(out, text),
        Style::Text => escape::text(out, text),
    }
}

fn number(out: &mut Vec<u8>, n: u64) {
    out.extend_from_slice(itoa::Buffer::new().format(n).as_bytes());
}

/// Thousandths as a number with three decimals.
fn fixed(out: &mut Vec<u8>, thousandths: u64) {
    number(out, thousandths / 1000);
    let rest = thousandths % 1000;
    out.push(b'.');
    out.extend([rest / 100, rest / 10 % 10, rest % 10].map(|digit| b'0' + digit as u8));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thousandths_have_three_decimals() {
        for (n, text) in [(0, "0.000"), (7, "0.007"), (1_234_567, "1234.567"), (10_020, "10.020")] {
            let mut out = Vec::new();
            fixed(&mut out, n);
            assert_eq!(String::from_utf8(out).unwrap(), text);
        }
    }
}
