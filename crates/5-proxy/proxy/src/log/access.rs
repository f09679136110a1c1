//! One line per exchange.

use std::io::Write;
use std::str::FromStr;

use gorge_digest::PeerAddr;
use gorge_error::{Error, Kind};
use gorge_filter::{Event, Exchange, Observer, Outcome};
use gorge_http::Known;

use super::{LineSink, escape, stamp};

/// How a line of the access log looks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Format {
    /// Apache's and nginx's `combined`: the common one, then referer and user agent.
    #[default]
    Combined,
    /// The Common Log Format.
    Common,
    /// One JSON object, with the reason of each answer that the proxy made itself.
    Json,
}

impl FromStr for Format {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self, Error> {
        match name {
            "combined" => Ok(Self::Combined),
            "common" => Ok(Self::Common),
            "json" => Ok(Self::Json),
            _ => {
                let context = format!("{name:?} is no access log format: use combined, common or json");
                Err(Error::explain(Kind::Configuration, context).into_internal())
            }
        }
    }
}

/// Writes one line per exchange, when it is over. Bodies, cookies and credentials are never in it,
/// control characters of others' values are escaped.
#[derive(Debug)]
pub struct AccessLog<S> {
    format: Format,
    sink: S,
}

impl<S: LineSink> AccessLog<S> {
    /// Lines of this format, into this sink.
    pub fn new(format: Format, sink: S) -> Self {
        Self { format, sink }
    }
}

impl<C: 'static, S: LineSink> Observer<C> for AccessLog<S> {
    #[inline]
    fn event(&self, x: &Exchange<C>, event: &Event<'_>) {
        if let Event::Done(end) = event {
            self.sink.line(&mut |out| match self.format {
                Format::Combined => {
                    common(out, x, end);
                    quoted_field(out, x, Known::Referer);
                    quoted_field(out, x, Known::UserAgent);
                }
                Format::Common => common(out, x, end),
                Format::Json => json(out, x, end),
            });
        }
    }
}

/// `127.0.0.1 - - [10/Oct/2000:13:55:36 +0000] "GET / HTTP/1.1" 200 2326`.
fn common<C>(out: &mut Vec<u8>, x: &Exchange<C>, end: &Outcome) {
    client_ip(out, x, b"-");
    out.extend_from_slice(b" - - ");
    stamp::common(out);
    out.extend_from_slice(b" \"");
    if x.facts.timing.head_read.is_some() {
        escape::text(out, x.req.method.as_str().as_bytes());
        out.push(b' ');
        escape::text(out, x.req.uri.as_str().as_bytes());
        out.push(b' ');
        out.extend_from_slice(x.req.version.as_str().as_bytes());
    } else {
        out.push(b'-');
    }
    out.extend_from_slice(b"\" ");
    number(out, u64::from(end.status.as_u16()));
    out.push(b' ');
    number(out, x.facts.sent);
}

fn quoted_field<C>(out: &mut Vec<u8>, x: &Exchange<C>, name: Known) {
    out.extend_from_slice(b" \"");
    escape::text(out, x.req.headers.get(name).unwrap_or(b"-"));
    out.push(b'"');
}

fn json<C>(out: &mut Vec<u8>, x: &Exchange<C>, end: &Outcome) {
    let read = x.facts.timing.head_read.is_some();
    out.extend_from_slice(b"{\"time\":\"");
    stamp::rfc3339(out);
    out.extend_from_slice(b"\",\"client_ip\":\"");
    client_ip(out, x, b"");
    out.push(b'"');
    string(out, "method", read.then(|| x.req.method.as_str().as_bytes()));
    string(out, "host", x.req.headers.get(Known::Host).filter(|_| read));
    string(out, "path", read.then(|| x.req.uri.path().as_bytes()));
    string(out, "protocol", read.then(|| x.req.version.as_str().as_bytes()));
    out.extend_from_slice(b",\"status\":");
    number(out, u64::from(end.status.as_u16()));
    out.extend_from_slice(b",\"request_size\":");
    number(out, x.facts.received);
    out.extend_from_slice(b",\"response_size\":");
    number(out, x.facts.sent);
    millis(out, "duration_ms", x.facts.timing.duration());
    out.extend_from_slice(b",\"upstream\":");
    match x.peer() {
        // Writing to a Vec cannot fail.
        Some(peer) => _ = write!(out, "\"{peer}\""),
        None => out.extend_from_slice(b"null"),
    }
    millis(out, "upstream_ms", x.facts.timing.upstream());
    out.extend_from_slice(b",\"attempts\":");
    number(out, x.attempts().count() as u64);
    string(out, "request_id", x.req.headers.get(Known::XRequestId));
    string(out, "reason", end.error.as_ref().map(|error| error.kind().name().as_bytes()));
    out.push(b'}');
}

fn client_ip<C>(out: &mut Vec<u8>, x: &Exchange<C>, unknown: &[u8]) {
    match x.client() {
        Some(PeerAddr::Ip(addr)) => _ = write!(out, "{}", addr.ip()),
        Some(PeerAddr::Unix(_)) => out.extend_from_slice(b"unix:"),
        // No accepted connection comes from a name.
        Some(PeerAddr::Name(..)) | None => out.extend_from_slice(unknown),
    }
}

fn number(out: &mut Vec<u8>, n: u64) {
    out.extend_from_slice(itoa::Buffer::new().format(n).as_bytes());
}

fn string(out: &mut Vec<u8>, key: &str, value: Option<&[u8]>) {
    let _ = write!(out, ",\"{key}\":");
    match value {
        Some(value) => {
            out.push(b'"');
            escape::json(out, value);
            out.push(b'"');
        }
        None => out.extend_from_slice(b"null"),
    }
}

fn millis(out: &mut Vec<u8>, key: &str, duration: Option<std::time::Duration>) {
    let _ = match duration {
        Some(duration) => write!(out, ",\"{key}\":{:.3}", duration.as_secs_f64() * 1000.0),
        None => write!(out, ",\"{key}\":null"),
    };
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};
    use std::time::Instant;

    use bytes::Bytes;
    use gorge_http::{Method, Status, Uri};

    use super::*;

    #[derive(Clone, Default)]
    struct Lines(Arc<Mutex<Vec<u8>>>);

    impl LineSink for Lines {
        fn line(&self, write: &mut dyn FnMut(&mut Vec<u8>)) {
            write(&mut self.0.lock().unwrap());
        }
    }

    fn line(format: Format, x: &Exchange, end: &Outcome) -> String {
        let lines = Lines::default();
        AccessLog::new(format, lines.clone()).event(x, &Event::Done(end));
        String::from_utf8(lines.0.lock().unwrap().clone()).unwrap()
    }

    fn exchange() -> (Exchange, Outcome) {
        let mut x = Exchange::new();
        x.req.uri = Uri::parse(&Method::GET, Bytes::from_static(b"/a?b=1")).unwrap();
        x.req.headers.append("User-Agent", "curl \"8\"").unwrap();
        x.req.headers.append("Authorization", "Basic c2VjcmV0").unwrap();
        x.facts.client = Some(PeerAddr::Ip("192.0.2.7:80".parse().unwrap()));
        x.facts.timing.start = Some(Instant::now());
        x.facts.timing.head_read = x.facts.timing.start;
        x.facts.timing.end = x.facts.timing.start;
        x.facts.sent = 12;
        (x, Outcome { status: Status::OK, error: None, complete: true })
    }

    #[test]
    fn combined_has_the_fields_everyone_parses() {
        let (x, end) = exchange();
        let line = line(Format::Combined, &x, &end);
        assert!(line.starts_with("192.0.2.7 - - ["), "{line}");
        assert!(line.ends_with(r#"] "GET /a?b=1 HTTP/1.1" 200 12 "-" "curl \x228\x22""#), "{line}");
    }

    #[test]
    fn json_says_why_and_keeps_secrets() {
        let (x, mut end) = exchange();
        end.error = Some(Error::new(Kind::ConnectRefused).into_upstream());
        let line = line(Format::Json, &x, &end);
        assert!(
            line.contains(r#""path":"/a","#) && line.contains(r#""reason":"connect_refused"}"#),
            "{line}"
        );
        assert!(line.contains(r#""duration_ms":0.000,"#), "{line}");
        assert!(!line.contains("c2VjcmV0"), "{line}");
    }
}
