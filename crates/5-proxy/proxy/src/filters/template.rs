//! Text with `$names` of the exchange in it.

use gorge_filter::Exchange;
use gorge_http::{Known, Status, authority};

use super::client::write_client_ip;
use super::scratch;
use super::tls_fact::TlsFact;

/// Text in which `$name` or `${name}` stands for something of the exchange, and `$$` for a dollar sign.
/// Read once; writing it allocates nothing but what `out` needs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Template {
    pieces: Box<[Piece]>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Piece {
    Text(Box<str>),
    Name(Name),
}

/// What a name stands for. None of them can have a control character: heads that do are refused, and in
/// certificates they are escaped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Name {
    /// `Host` as it came, with its port.
    Authority,
    ClientIp,
    /// `Host` without its port.
    Host,
    Method,
    Path,
    Query,
    RequestId,
    Scheme,
    Status,
    Tls(TlsFact),
    Uri,
}

/// By the alphabet.
const NAMES: [(&str, Name); 19] = [
    ("authority", Name::Authority),
    ("client_ip", Name::ClientIp),
    ("host", Name::Host),
    ("method", Name::Method),
    ("path", Name::Path),
    ("query", Name::Query),
    ("request_id", Name::RequestId),
    ("scheme", Name::Scheme),
    ("status", Name::Status),
    ("tls_alpn", Name::Tls(TlsFact::Alpn)),
    ("tls_cipher", Name::Tls(TlsFact::Cipher)),
    ("tls_client_serial", Name::Tls(TlsFact::ClientSerial)),
    ("tls_client_sha256", Name::Tls(TlsFact::ClientSha256)),
    ("tls_client_subject", Name::Tls(TlsFact::ClientSubject)),
    ("tls_client_verified", Name::Tls(TlsFact::ClientVerified)),
    ("tls_resumed", Name::Tls(TlsFact::Resumed)),
    ("tls_sni", Name::Tls(TlsFact::Sni)),
    ("tls_version", Name::Tls(TlsFact::Version)),
    ("uri", Name::Uri),
];

impl Template {
    /// Takes it apart. `$status` is there only `with_status`.
    ///
    /// The error says what is wrong with it.
    pub(super) fn parse(text: &str, with_status: bool) -> Result<Self, String> {
        let mut pieces = Vec::new();
        let mut literal = String::new();
        let mut rest = text;
        while let Some((before, behind)) = rest.split_once('$') {
            literal.push_str(before);
            if let Some(behind) = behind.strip_prefix('$') {
                literal.push('$');
                rest = behind;
                continue;
            }
            let (name, behind) = split_name(behind)?;
            let name = find(name, with_status)?;
            finish(&mut literal, &mut pieces);
            pieces.push(Piece::Name(name));
            rest = behind;
        }
        literal.push_str(rest);
        finish(&mut literal, &mut pieces);
        Ok(Self { pieces: pieces.into() })
    }

    pub(super) fn pieces(&self) -> &[Piece] {
        &self.pieces
    }

    /// The text, if there is no name in it.
    pub(super) fn literal(&self) -> Option<&str> {
        match &*self.pieces {
            [] => Some(""),
            [Piece::Text(text)] => Some(text),
            _ => None,
        }
    }

    /// Gives what it says of this exchange to `take`, which may change the exchange.
    pub(super) fn give<C, T>(
        &self,
        x: &mut Exchange<C>,
        status: Option<Status>,
        take: impl FnOnce(&mut Exchange<C>, &[u8]) -> T,
    ) -> T {
        match self.literal() {
            Some(text) => take(x, text.as_bytes()),
            None => scratch::with(|out| {
                self.write(x, status, out);
                take(x, out)
            }),
        }
    }

    /// Appends what it says of this exchange. What is not there is empty.
    pub(super) fn write<C>(&self, x: &Exchange<C>, status: Option<Status>, out: &mut Vec<u8>) {
        for piece in &self.pieces {
            match piece {
                Piece::Text(text) => out.extend_from_slice(text.as_bytes()),
                Piece::Name(name) => name.write(x, status, out),
            }
        }
    }
}

impl Name {
    fn write<C>(self, x: &Exchange<C>, status: Option<Status>, out: &mut Vec<u8>) {
        let uri = &x.req.uri;
        let host = x.req.headers.get(Known::Host).unwrap_or_default();
        match self {
            Self::Authority => out.extend_from_slice(host),
            Self::ClientIp => write_client_ip(x, out),
            Self::Host => {
                // A Host that is none was refused, or is a filter's own.
                let name = authority::validate(host).map_or(host, |authority| authority.host().as_bytes());
                out.extend_from_slice(name);
            }
            Self::Method => out.extend_from_slice(x.req.method.as_str().as_bytes()),
            Self::Path => out.extend_from_slice(uri.path().as_bytes()),
            Self::Query => out.extend_from_slice(uri.query().unwrap_or_default().as_bytes()),
            Self::RequestId => {
                out.extend_from_slice(x.req.headers.get(Known::XRequestId).unwrap_or_default());
            }
            Self::Scheme => out.extend_from_slice(x.facts.scheme.as_str().as_bytes()),
            Self::Tls(fact) => fact.write(x, out),
            Self::Status => out.extend(status.map(Status::digits).iter().flatten()),
            Self::Uri => out.extend_from_slice(uri.path_and_query().as_bytes()),
        }
    }
}

fn finish(literal: &mut String, pieces: &mut Vec<Piece>) {
    if !literal.is_empty() {
        pieces.push(Piece::Text(std::mem::take(literal).into()));
    }
}

/// The name behind a dollar sign, and what follows it.
fn split_name(rest: &str) -> Result<(&str, &str), String> {
    let (name, behind) = match rest.strip_prefix('{') {
        Some(inside) => inside.split_once('}').ok_or("the brace of a ${name} is not closed")?,
        None => {
            let end = rest.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_'));
            rest.split_at(end.unwrap_or(rest.len()))
        }
    };
    if name.is_empty() {
        return Err("a name belongs behind $; write $$ for the sign itself".into());
    }
    Ok((name, behind))
}

fn find(name: &str, with_status: bool) -> Result<Name, String> {
    match NAMES.iter().find(|(known, _)| *known == name) {
        Some((_, Name::Status)) if !with_status => {
            Err("$status is known only of a response, and this is made before there is one".into())
        }
        Some((_, found)) => Ok(*found),
        None => {
            let names: Vec<_> = NAMES.iter().map(|(name, _)| format!("${name}")).collect();
            Err(format!("there is no ${name}; there are {}", names.join(", ")))
        }
    }
}

#[cfg(test)]
mod tests {
    use gorge_digest::PeerAddr;
    use gorge_http::{Method, Uri};

    use super::*;

    fn exchange(target: &'static str) -> Exchange {
        let mut x = Exchange::<()>::new();
        x.facts.client = Some(PeerAddr::Ip("192.0.2.7:99".parse().unwrap()));
        x.req.uri = Uri::parse(&Method::GET, target.into()).unwrap();
        x.req.headers.append(Known::Host, "shop.example:8080").unwrap();
        x.req.headers.append(Known::XRequestId, "abc").unwrap();
        x
    }

    fn written(text: &str, x: &Exchange) -> String {
        let mut out = Vec::new();
        Template::parse(text, true).unwrap().write(x, Some(Status::NOT_FOUND), &mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn names_stand_for_what_they_say() {
        let x = exchange("/a/b?c=$d");
        for (text, expected) in [
            ("", ""),
            ("plain", "plain"),
            ("$$5 and ${path}x", "$5 and /a/bx"),
            ("$client_ip", "192.0.2.7"),
            ("$host $authority", "shop.example shop.example:8080"),
            ("$path|$query|$uri", "/a/b|c=$d|/a/b?c=$d"),
            ("$method-$scheme", "GET-http"),
            ("$request_id.$status", "abc.404"),
            ("${scheme}://${host}$uri", "http://shop.example/a/b?c=$d"),
        ] {
            assert_eq!(written(text, &x), expected, "{text}");
        }
        assert_eq!(written("$uri|$path|$query|", &exchange("http://a.example?q")), "/?q|/|q|");
    }

    #[test]
    fn what_is_not_there_is_empty() {
        let x = Exchange::<()>::new();
        assert_eq!(written("[$client_ip$host$authority$query$request_id]", &x), "[]");
        let mut x = exchange("/");
        x.facts.client = Some(PeerAddr::Unix(None));
        x.req.headers.insert(Known::Host, "[2001:db8::1]:80").unwrap();
        assert_eq!(written("$client_ip $host", &x), "unix: [2001:db8::1]");
    }

    #[test]
    fn mistakes_are_told() {
        for (text, told) in [
            ("a $", "write $$"),
            ("$-", "write $$"),
            ("${host", "not closed"),
            ("${}", "write $$"),
            ("$hots", "there is no $hots; there are $authority, $client_ip, $host,"),
            ("$hostname", "there is no $hostname"),
        ] {
            let error = Template::parse(text, true).unwrap_err();
            assert!(error.contains(told), "{text}: {error}");
        }
        assert!(Template::parse("$status", false).unwrap_err().contains("only of a response"));
    }

    #[test]
    fn text_alone_is_known_as_such() {
        assert_eq!(Template::parse("a$$b", false).unwrap().literal(), Some("a$b"));
        assert_eq!(Template::parse("", false).unwrap().literal(), Some(""));
        assert_eq!(Template::parse("a$host", false).unwrap().literal(), None);
    }
}
