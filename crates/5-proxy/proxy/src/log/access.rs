//! One line per exchange.

use std::str::FromStr;
use std::sync::Arc;

use gorge_error::{Error, Kind};
use gorge_filter::{Event, Exchange, Observer};
use gorge_http::Known;

use super::name::Name;
use super::value::{Source, Style};
use super::{LineSink, Template};

/// How a line of the access log looks.
///
/// Read from `combined`, `common`, `json`, or a [`Template`], which is whatever holds a `$`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Format {
    /// Apache's and nginx's `combined`: the common one, then referer and user agent.
    #[default]
    Combined,
    /// The Common Log Format.
    Common,
    /// One JSON object, with the reason of each answer that the proxy made itself.
    Json,
    /// A format of the user's own.
    Template(Arc<Template>),
}

impl FromStr for Format {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        match text {
            "combined" => Ok(Self::Combined),
            "common" => Ok(Self::Common),
            "json" => Ok(Self::Json),
            _ if text.contains('$') => Ok(Self::Template(Arc::new(text.parse()?))),
            _ => {
                let context = format!(
                    "{text:?} is no access log format: use combined, common, json, or a template with $names"
                );
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
    routes: Arc<[Box<str>]>,
}

impl<S: LineSink> AccessLog<S> {
    /// Lines of this format, into this sink.
    pub fn new(format: Format, sink: S) -> Self {
        Self { format, sink, routes: Arc::new([]) }
    }

    /// What the routes are called, in the order of their numbers. Default: by these numbers.
    #[must_use]
    pub fn routes(mut self, names: impl Into<Arc<[Box<str>]>>) -> Self {
        self.routes = names.into();
        self
    }
}

impl<C: 'static, S: LineSink> Observer<C> for AccessLog<S> {
    #[inline]
    fn event(&self, x: &Exchange<C>, event: &Event<'_>) {
        if let Event::Done(end) = event {
            let source = Source { x, end, routes: &self.routes };
            self.sink.line(&mut |out| match &self.format {
                Format::Combined => combined(out, &source),
                Format::Common => common(out, &source),
                Format::Json => json(out, &source),
                Format::Template(template) => template.write(out, &source),
            });
        }
    }
}

/// The common one and ` "referer" "user agent"`.
fn combined<C>(out: &mut Vec<u8>, source: &Source<'_, C>) {
    common(out, source);
    out.extend_from_slice(b" \"");
    put(out, source, &Name::Field(Known::Referer));
    out.extend_from_slice(b"\" \"");
    put(out, source, &Name::Field(Known::UserAgent));
    out.push(b'"');
}

/// `127.0.0.1 - - [10/Oct/2000:13:55:36 +0000] "GET / HTTP/1.1" 200 2326`.
fn common<C>(out: &mut Vec<u8>, source: &Source<'_, C>) {
    put(out, source, &Name::ClientIp);
    out.extend_from_slice(b" - - [");
    put(out, source, &Name::TimeCommon);
    out.extend_from_slice(b"] \"");
    put(out, source, &Name::Method);
    if source.x.facts.timing.head_read.is_some() {
        out.push(b' ');
        put(out, source, &Name::Target);
        out.push(b' ');
        put(out, source, &Name::Protocol);
    }
    out.extend_from_slice(b"\" ");
    put(out, source, &Name::Status);
    out.push(b' ');
    put(out, source, &Name::ResponseSize);
}

fn put<C>(out: &mut Vec<u8>, source: &Source<'_, C>, name: &Name) {
    source.value(name).write(out, Style::Text);
}

/// The members of the JSON object, in order.
static MEMBERS: [(&str, Name); 24] = [
    ("{\"time\":", Name::Time),
    (",\"client_ip\":", Name::ClientIp),
    (",\"method\":", Name::Method),
    (",\"host\":", Name::Field(Known::Host)),
    (",\"path\":", Name::Path),
    (",\"protocol\":", Name::Protocol),
    (",\"status\":", Name::Status),
    (",\"request_size\":", Name::RequestSize),
    (",\"response_size\":", Name::ResponseSize),
    (",\"duration_ms\":", Name::DurationMs),
    (",\"upstream\":", Name::Upstream),
    (",\"upstream_ms\":", Name::UpstreamMs),
    (",\"attempts\":", Name::Attempts),
    (",\"route\":", Name::Route),
    (",\"request_id\":", Name::Field(Known::XRequestId)),
    (",\"tls_version\":", Name::TlsVersion),
    (",\"tls_cipher\":", Name::TlsCipher),
    (",\"tls_sni\":", Name::TlsSni),
    (",\"tls_resumed\":", Name::TlsResumed),
    (",\"tls_client_subject\":", Name::TlsClientSubject),
    (",\"tls_client_verified\":", Name::TlsClientVerified),
    (",\"upstream_tls_version\":", Name::UpstreamTlsVersion),
    (",\"upstream_tls_resumed\":", Name::UpstreamTlsResumed),
    (",\"reason\":", Name::Reason),
];

fn json<C>(out: &mut Vec<u8>, source: &Source<'_, C>) {
    for (key, name) in &MEMBERS {
        out.extend_from_slice(key.as_bytes());
        source.value(name).write_json(out);
    }
    out.push(b'}');
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;
    use std::time::{Duration, Instant};

    use bytes::Bytes;
    use gorge_digest::{PeerAddr, PeerCertificate, TlsDigest};
    use gorge_filter::{Outcome, RouteId};
    use gorge_http::{Method, Status, Uri};

    use super::*;

    #[derive(Clone, Default)]
    struct Lines(Arc<Mutex<Vec<u8>>>);

    impl LineSink for Lines {
        fn line(&self, write: &mut dyn FnMut(&mut Vec<u8>)) {
            write(&mut self.0.lock().unwrap());
        }
    }

    impl Lines {
        fn text(&self) -> String {
            String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
        }
    }

    fn line(format: &str, x: &Exchange, end: &Outcome) -> String {
        let lines = Lines::default();
        AccessLog::new(format.parse().unwrap(), lines.clone()).event(x, &Event::Done(end));
        lines.text()
    }

    fn exchange() -> (Exchange, Outcome) {
        let mut x = Exchange::new();
        x.req.uri = Uri::parse(&Method::GET, Bytes::from_static(b"/a?b=1")).unwrap();
        x.req.headers.append("User-Agent", "curl \"8\"").unwrap();
        x.req.headers.append("Authorization", "Basic c2VjcmV0").unwrap();
        x.facts.client = Some(PeerAddr::Ip("192.0.2.7:80".parse().unwrap()));
        x.facts.timing.start = Some(Instant::now());
        x.facts.timing.head_read = x.facts.timing.start;
        x.facts.timing.end = x.facts.timing.start.map(|start| start + Duration::from_micros(12_345));
        x.facts.sent = 12;
        (x, Outcome { status: Status::OK, error: None, complete: true })
    }

    #[test]
    fn combined_has_the_fields_everyone_parses() {
        let (mut x, end) = exchange();
        let text = line("combined", &x, &end);
        assert!(text.starts_with("192.0.2.7 - - ["), "{text}");
        assert!(text.ends_with(r#"] "GET /a?b=1 HTTP/1.1" 200 12 "-" "curl \x228\x22""#), "{text}");
        x.facts.timing.head_read = None;
        let text = line("common", &x, &end);
        assert!(text.ends_with(r#"] "-" 200 12"#), "{text}");
    }

    #[test]
    fn json_says_why_and_keeps_secrets() {
        let (x, mut end) = exchange();
        end.error = Some(Error::new(Kind::ConnectRefused).into_upstream());
        let text = line("json", &x, &end);
        assert!(
            text.contains(r#""path":"/a","#) && text.contains(r#""reason":"connect_refused"}"#),
            "{text}"
        );
        assert!(text.contains(r#""duration_ms":12.345,"upstream":null,"upstream_ms":null,"#), "{text}");
        assert!(!text.contains("c2VjcmV0"), "{text}");
    }

    #[test]
    fn a_template_gives_the_values_of_its_names() {
        let (mut x, end) = exchange();
        for value in ["one", "t\"w\no"] {
            let _ = x.req.headers.append("X-Beta", value);
        }
        x.req.headers.append("X-Beta", "two\t2").unwrap();
        let template = "$client|$client_ip|$method|${uri}|$target|$path|$query|$scheme|$status|$complete|$$|\
                        $duration_ms|$upstream|$upstream_ms|$attempts|$http_x_beta|$referer|$user_agent|\
                        $fault|$route|$connection_requests";
        let expected = r#"192.0.2.7:80|192.0.2.7|GET|/a?b=1|/a?b=1|/a|b=1|http|200|true|$|12.345|-|-|0|"#;
        let text = line(template, &x, &end);
        assert_eq!(text, format!(r#"{expected}one, two\x092|-|curl \x228\x22|-|-|1"#));
    }

    #[test]
    fn a_template_that_begins_with_a_brace_writes_json() {
        let (mut x, end) = exchange();
        x.req.headers.append("X-Bad", b"\xe9\"").unwrap();
        let text = line(r#"{"agent":"$user_agent","ms":$upstream_ms,"bad":"$http_x_bad"}"#, &x, &end);
        assert_eq!(text, r#"{"agent":"curl \"8\"","ms":null,"bad":"\u00e9\""}"#);
        assert_eq!(line(r#"{"referer":"$referer"}"#, &x, &end), r#"{"referer":""}"#);
    }

    #[test]
    fn routes_go_by_their_names() {
        let (mut x, end) = exchange();
        x.facts.route = Some(RouteId(1));
        assert_eq!(line("$route", &x, &end), "1");
        let lines = Lines::default();
        let names: [Box<str>; 2] = ["a".into(), "b \"2\"".into()];
        let log = AccessLog::new("json".parse().unwrap(), lines.clone()).routes(names);
        log.event(&x, &Event::Done(&end));
        assert!(lines.text().contains(r#""route":"b \"2\"""#), "{}", lines.text());
    }

    #[test]
    fn tls_is_told_of_both_sides() {
        let (mut x, end) = exchange();
        let names = "$tls_version|$tls_cipher|$tls_sni|$tls_alpn|$tls_resumed|$tls_client_subject|\
                     $tls_client_serial|$tls_client_sha256|$tls_client_verified|$upstream_tls_version|\
                     $upstream_tls_resumed";
        assert_eq!(line(names, &x, &end), "-|-|-|-|-|-|-|-|-|-|-");
        let mut tls = TlsDigest {
            version: Some("TLSv1.3"),
            cipher: Some("TLS_AES_128_GCM_SHA256"),
            sni: Some("a\"b".into()),
            alpn: Some(b"http/1.1".as_slice().into()),
            resumed: Some(false),
            ..TlsDigest::default()
        };
        x.facts.tls = Some(Arc::new(tls.clone()));
        let plain = r"TLSv1.3|TLS_AES_128_GCM_SHA256|a\x22b|http/1.1|false|";
        assert_eq!(line(names, &x, &end), format!("{plain}-|-|-|none|-|-"));
        tls.peer_certificate = Some(PeerCertificate {
            subject: Some("CN=alice".into()),
            serial: Some("01af".into()),
            sha256: Some([0xab; 32]),
            ..PeerCertificate::default()
        });
        x.facts.upstream_tls = Some(Arc::new(TlsDigest { resumed: Some(true), ..tls.clone() }));
        x.facts.tls = Some(Arc::new(tls.clone()));
        let sha256 = "ab".repeat(32);
        assert_eq!(line(names, &x, &end), format!("{plain}CN=alice|01af|{sha256}|ok|TLSv1.3|true"));
        tls.peer_fault = Some("certificate has expired");
        x.facts.tls = Some(Arc::new(tls));
        let json = line("json", &x, &end);
        let expected = concat!(
            r#","tls_version":"TLSv1.3","tls_cipher":"TLS_AES_128_GCM_SHA256","tls_sni":"a\"b","#,
            r#""tls_resumed":"false","tls_client_subject":"CN=alice","#,
            r#""tls_client_verified":"certificate has expired","upstream_tls_version":"TLSv1.3","#,
            r#""upstream_tls_resumed":"true","reason":"#,
        );
        assert!(json.contains(expected), "{json}");
    }

    #[test]
    fn the_target_is_the_one_that_the_client_sent() {
        let (mut x, end) = exchange();
        x.keep_target();
        x.req.uri.set_path("/rewritten").unwrap();
        x.keep_target();
        let line = line("common", &x, &end);
        assert!(line.contains("\"GET /a?b=1 HTTP/1.1\""), "{line}");
    }

    #[test]
    fn what_is_no_format_is_told() {
        for (text, told) in
            [("jsn", "use combined, common, json, or a template with $names"), ("$jsn", "there is no $jsn")]
        {
            let error = text.parse::<Format>().unwrap_err().to_string();
            assert!(error.contains(told), "{error}");
        }
    }
}
