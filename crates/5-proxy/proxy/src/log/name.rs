//! The names that a template may use, and what to say of those that it may not.

use gorge_http::{Known, list};

/// One thing that a line can tell of an exchange.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Name {
    Attempts,
    Client,
    ClientIp,
    Complete,
    ConnectMs,
    ConnectionRequests,
    DurationMs,
    Fault,
    /// A field of the request that has a number.
    Field(Known),
    FirstByteMs,
    Local,
    Method,
    /// Any other field of the request.
    OtherField(Box<str>),
    Path,
    Protocol,
    Query,
    Reason,
    RequestSize,
    ResponseSize,
    Route,
    Scheme,
    Status,
    Target,
    Time,
    TimeCommon,
    TimeUnix,
    TlsAlpn,
    TlsCipher,
    TlsClientSerial,
    TlsClientSha256,
    TlsClientSubject,
    TlsClientVerified,
    TlsResumed,
    TlsSni,
    TlsVersion,
    Upstream,
    UpstreamMs,
    UpstreamTlsResumed,
    UpstreamTlsVersion,
    Uri,
}

/// All but `http_NAME`, by the alphabet.
const NAMES: [(&str, Name); 42] = [
    ("attempts", Name::Attempts),
    ("client", Name::Client),
    ("client_ip", Name::ClientIp),
    ("complete", Name::Complete),
    ("connect_ms", Name::ConnectMs),
    ("connection_requests", Name::ConnectionRequests),
    ("duration_ms", Name::DurationMs),
    ("fault", Name::Fault),
    ("first_byte_ms", Name::FirstByteMs),
    ("host", Name::Field(Known::Host)),
    ("local", Name::Local),
    ("method", Name::Method),
    ("path", Name::Path),
    ("protocol", Name::Protocol),
    ("query", Name::Query),
    ("reason", Name::Reason),
    ("referer", Name::Field(Known::Referer)),
    ("request_id", Name::Field(Known::XRequestId)),
    ("request_size", Name::RequestSize),
    ("response_size", Name::ResponseSize),
    ("route", Name::Route),
    ("scheme", Name::Scheme),
    ("status", Name::Status),
    ("target", Name::Target),
    ("time", Name::Time),
    ("time_common", Name::TimeCommon),
    ("time_unix", Name::TimeUnix),
    ("tls_alpn", Name::TlsAlpn),
    ("tls_cipher", Name::TlsCipher),
    ("tls_client_serial", Name::TlsClientSerial),
    ("tls_client_sha256", Name::TlsClientSha256),
    ("tls_client_subject", Name::TlsClientSubject),
    ("tls_client_verified", Name::TlsClientVerified),
    ("tls_resumed", Name::TlsResumed),
    ("tls_sni", Name::TlsSni),
    ("tls_version", Name::TlsVersion),
    ("upstream", Name::Upstream),
    ("upstream_ms", Name::UpstreamMs),
    ("upstream_tls_resumed", Name::UpstreamTlsResumed),
    ("upstream_tls_version", Name::UpstreamTlsVersion),
    ("uri", Name::Uri),
    ("user_agent", Name::Field(Known::UserAgent)),
];

/// What nginx calls the same thing.
const ELSEWHERE: [(&str, &str); 30] = [
    ("args", "query"),
    ("body_bytes_sent", "response_size"),
    ("bytes_sent", "response_size"),
    ("connection_requests_count", "connection_requests"),
    ("http_host", "host"),
    ("msec", "time_unix"),
    ("query_string", "query"),
    ("remote_addr", "client_ip"),
    ("remote_port", "client"),
    ("request_length", "request_size"),
    ("request_method", "method"),
    ("request_time", "duration_ms"),
    ("request_uri", "target"),
    ("server_addr", "local"),
    ("server_port", "local"),
    ("server_protocol", "protocol"),
    ("ssl_alpn_protocol", "tls_alpn"),
    ("ssl_cipher", "tls_cipher"),
    ("ssl_client_fingerprint", "tls_client_sha256"),
    ("ssl_client_s_dn", "tls_client_subject"),
    ("ssl_client_serial", "tls_client_serial"),
    ("ssl_client_verify", "tls_client_verified"),
    ("ssl_protocol", "tls_version"),
    ("ssl_server_name", "tls_sni"),
    ("ssl_session_reused", "tls_resumed"),
    ("time_iso8601", "time"),
    ("time_local", "time_common"),
    ("upstream_addr", "upstream"),
    ("upstream_connect_time", "connect_ms"),
    ("upstream_response_time", "upstream_ms"),
];

/// Fields whose values nobody but their two ends should read.
const SECRET: [&str; 4] = ["authorization", "cookie", "cookie2", "proxy-authorization"];

impl Name {
    /// What `name` stands for, or what is wrong with it.
    pub(super) fn parse(name: &str) -> Result<Self, String> {
        if let Some(found) = NAMES.iter().find(|(known, _)| *known == name) {
            return Ok(found.1.clone());
        }
        if let Some(field) = name.strip_prefix("http_") {
            return Self::field(&field.replace('_', "-"));
        }
        if name.starts_with("cookie_") || name == "remote_user" {
            return Err("cookies and credentials are never logged".into());
        }
        if name == "request" {
            return Err("there is no $request: write $method $target $protocol".into());
        }
        let elsewhere = ELSEWHERE.iter().find(|(theirs, _)| *theirs == name).map(|(_, ours)| *ours);
        Err(match elsewhere.or_else(|| nearest(name)) {
            Some(ours) => format!("there is no ${name}: did you mean ${ours}?"),
            None => {
                let names: Vec<_> = NAMES.iter().map(|(name, _)| *name).collect();
                format!("there is no ${name}: use $http_NAME or one of {}", names.join(", "))
            }
        })
    }

    fn field(name: &str) -> Result<Self, String> {
        if SECRET.iter().any(|secret| secret.eq_ignore_ascii_case(name)) {
            return Err("cookies and credentials are never logged".into());
        }
        if !list::is_token(name.as_bytes()) {
            return Err("$http_ must be followed by the name of a request field, as in $http_accept".into());
        }
        Ok(match Known::classify(name.as_bytes()) {
            Some(known) => Self::Field(known),
            None => Self::OtherField(name.into()),
        })
    }
}

/// A name that differs by a slip or two.
fn nearest(name: &str) -> Option<&'static str> {
    let slips = |known: &&str| distance(name.as_bytes(), known.as_bytes());
    let nearest = NAMES.iter().map(|(known, _)| *known).min_by_key(slips)?;
    (slips(&nearest) <= 2).then_some(nearest)
}

/// How many bytes must be put in, taken out or changed to make one of the other (Levenshtein).
fn distance(a: &[u8], b: &[u8]) -> usize {
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, from) in a.iter().enumerate() {
        let mut diagonal = std::mem::replace(&mut row[0], i + 1);
        for (j, to) in b.iter().enumerate() {
            let changed = diagonal + usize::from(!from.eq_ignore_ascii_case(to));
            diagonal = row[j + 1];
            row[j + 1] = changed.min(diagonal + 1).min(row[j] + 1);
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The page that users read, when the whole repository is there.
    fn page() -> Option<String> {
        std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../../../docs/user_guide/logs.md")).ok()
    }

    #[test]
    fn every_name_is_read_and_in_the_user_guide() {
        assert!(NAMES.is_sorted_by_key(|(name, _)| *name));
        let page = page();
        for (name, meaning) in NAMES {
            assert_eq!(Name::parse(name), Ok(meaning));
            if let Some(page) = &page {
                assert!(page.contains(&format!("\n| `${name}` |")), "docs/user_guide/logs.md lacks ${name}");
            }
        }
        for (_, ours) in ELSEWHERE {
            assert!(Name::parse(ours).is_ok(), "{ours}");
        }
    }

    #[test]
    fn unknown_names_get_a_suggestion() {
        for (name, told) in [
            ("remote_addr", "there is no $remote_addr: did you mean $client_ip?"),
            ("ssl_client_s_dn", "did you mean $tls_client_subject?"),
            ("statsu", "did you mean $status?"),
            ("Method", "did you mean $method?"),
            ("request", "write $method $target $protocol"),
            ("zzzzzzzz", "use $http_NAME or one of attempts, client,"),
            ("http_", "name of a request field"),
            ("http_cookie", "never logged"),
            ("http_Authorization", "never logged"),
            ("http_proxy_authorization", "never logged"),
            ("cookie_session", "never logged"),
            ("remote_user", "never logged"),
        ] {
            let error = Name::parse(name).unwrap_err();
            assert!(error.contains(told), "{name}: {error}");
        }
        assert_eq!(Name::parse("http_user_agent"), Ok(Name::Field(Known::UserAgent)));
        assert_eq!(Name::parse("http_x_beta"), Ok(Name::OtherField("x-beta".into())));
    }
}
