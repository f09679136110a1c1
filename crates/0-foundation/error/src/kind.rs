//! What went wrong, as one flat list, with the answer that a proxy makes for each.

use std::fmt;

use crate::Fault;

/// What the rest of this crate knows about a kind. The arrays have one column per [`Fault`], see `Fault::column`.
struct Row {
    name: &'static str,
    status: [u16; 4],
    proxy_status: [&'static str; 4],
}

impl Row {
    /// The same answer whoever is to blame.
    const fn same(name: &'static str, status: u16, proxy_status: &'static str) -> Row {
        Row { name, status: [status; 4], proxy_status: [proxy_status; 4] }
    }

    /// A message that breaks a rule: `status` if the client sent it, 502 if the upstream did.
    const fn message(name: &'static str, status: u16, upstream: &'static str) -> Row {
        Row {
            name,
            status: [status, status, 502, 500],
            proxy_status: ["http_request_error", "http_request_error", upstream, "proxy_internal_error"],
        }
    }

    /// Something between the proxy and its peer: 400 towards a client, `status` for an upstream.
    const fn connection(name: &'static str, status: u16, proxy_status: &'static str) -> Row {
        Row {
            name,
            status: [status, 400, status, 500],
            proxy_status: [proxy_status, "http_request_error", proxy_status, "proxy_internal_error"],
        }
    }

    /// A stream that broke or stalled: `downstream` for the client's, `upstream` for the other.
    const fn stream(name: &'static str, downstream: u16, upstream: u16, proxy_status: &'static str) -> Row {
        Row {
            name,
            status: [upstream, downstream, upstream, 500],
            proxy_status: [proxy_status, "http_request_error", proxy_status, "proxy_internal_error"],
        }
    }
}

/// Declares the kinds once; the enum, its counters' order and its table all come from the one list.
macro_rules! kinds {
    ($( $(#[$doc:meta])* $variant:ident $(($payload:ty = $sample:expr))? => $row:expr, )+) => {
        /// What went wrong.
        ///
        /// Beside it an [`Error`](crate::Error) says whose fault it was; the same kind may be either side's.
        #[derive(Clone, Copy, PartialEq, Eq, Debug, Hash)]
        #[non_exhaustive]
        pub enum Kind {
            $( $(#[$doc])* $variant $(($payload))?, )+
        }

        /// The position of each kind, whatever it carries.
        enum Position { $( $variant, )+ }

        const ROWS: [Row; Kind::COUNT] = [$( $row, )+];

        impl Kind {
            /// How many kinds there are, those with a payload counted once: the length of an array of counters.
            pub const COUNT: usize = [$( stringify!($variant), )+].len();

            /// One of each, in the order of [`index`](Kind::index). `Rejected` and `Custom` stand here with a sample payload.
            pub const ALL: [Kind; Kind::COUNT] = [$( Kind::$variant $(($sample))?, )+];

            /// The place of this kind in an array of [`COUNT`](Kind::COUNT) counters. All `Rejected` share one place,
            /// and so do all `Custom`.
            pub const fn index(self) -> usize {
                match self {
                    $( Kind::$variant { .. } => Position::$variant as usize, )+
                }
            }
        }
    };
}

kinds! {
    // Connecting.
    /// Nobody listens at the address.
    ConnectRefused => Row::same("connect_refused", 502, "connection_refused"),
    /// The connection was reset before it stood.
    ConnectReset => Row::same("connect_reset", 502, "connection_terminated"),
    /// No connection within the time given.
    ConnectTimedOut => Row::same("connect_timed_out", 504, "connection_timeout"),
    /// No way to the network or host.
    NoRoute => Row::same("no_route", 502, "destination_ip_unroutable"),
    /// A local address could not be taken, to listen on or to connect from.
    BindFailed => Row::connection("bind_failed", 502, "proxy_internal_error"),
    /// The name has no address.
    NameNotFound => Row::same("name_not_found", 502, "dns_error"),
    /// Connecting failed for another reason.
    ConnectFailed => Row::same("connect_failed", 502, "destination_unavailable"),

    // TLS.
    /// The handshake failed.
    TlsHandshakeFailed => Row::connection("tls_handshake_failed", 502, "tls_protocol_error"),
    /// The handshake took too long.
    TlsTimedOut => Row::stream("tls_timed_out", 408, 504, "connection_timeout"),
    /// The certificate is not signed by anyone trusted, or is broken.
    CertificateInvalid => Row::connection("certificate_invalid", 502, "tls_certificate_error"),
    /// The certificate is for another name.
    CertificateMismatched => Row::connection("certificate_mismatched", 502, "tls_certificate_error"),
    /// The certificate is no longer, or not yet, valid.
    CertificateExpired => Row::connection("certificate_expired", 502, "tls_certificate_error"),
    /// A certificate was required and none came.
    CertificateMissing => Row::connection("certificate_missing", 502, "tls_certificate_error"),
    /// The two sides share no application protocol (RFC 7301).
    AlpnMismatched => Row::connection("alpn_mismatched", 502, "tls_protocol_error"),
    /// The other side speaks HTTP in the clear where TLS is spoken.
    PlainHttp => Row::connection("plain_http", 502, "tls_protocol_error"),

    // Messages.
    /// A request or response head breaks the grammar (RFC 9112 2 to 5).
    HeadInvalid => Row::message("head_invalid", 400, "http_protocol_error"),
    /// The length of a body is in doubt, or its coding is broken (RFC 9112 6 and 7).
    FramingInvalid => Row::message("framing_invalid", 400, "http_protocol_error"),
    /// A head has too many bytes or fields.
    HeadTooLarge => Row::message("head_too_large", 431, "http_response_header_section_size"),
    /// The request target is too long.
    UriTooLong => Row::message("uri_too_long", 414, "http_protocol_error"),
    /// The body is larger than allowed.
    BodyTooLarge => Row::message("body_too_large", 413, "http_response_body_size"),
    /// An HTTP version that is not spoken here.
    VersionUnsupported => Row::message("version_unsupported", 505, "http_protocol_error"),
    /// A transfer coding or another feature that is not implemented.
    NotImplemented => Row::message("not_implemented", 501, "http_response_transfer_coding"),
    /// An `Expect` other than `100-continue` (RFC 9110 10.1.1).
    ExpectationUnknown => Row::message("expectation_unknown", 417, "http_protocol_error"),
    /// The method is not allowed here.
    MethodNotAllowed => Row::same("method_not_allowed", 405, "http_request_denied"),
    /// HTTP/2 was broken (RFC 9113).
    H2 => Row::message("h2", 400, "http_protocol_error"),
    /// HTTP/3 or QUIC was broken (RFC 9114).
    H3 => Row::message("h3", 400, "http_protocol_error"),
    /// The WebSocket protocol was broken (RFC 6455).
    WebSocket => Row::message("web_socket", 400, "http_upgrade_failed"),
    /// The gRPC or gRPC-Web protocol was broken.
    Grpc => Row::message("grpc", 400, "http_protocol_error"),

    // Streams. 499 is for the log: the client is gone and nothing is sent.
    /// Reading failed.
    ReadFailed => Row::stream("read_failed", 499, 502, "connection_terminated"),
    /// Writing failed.
    WriteFailed => Row::stream("write_failed", 499, 502, "connection_terminated"),
    /// Nothing could be read for too long.
    ReadTimedOut => Row::stream("read_timed_out", 408, 504, "connection_read_timeout"),
    /// Nothing could be written for too long.
    WriteTimedOut => Row::stream("write_timed_out", 408, 504, "connection_write_timeout"),
    /// The stream ended in the middle of a message.
    ClosedEarly => Row::stream("closed_early", 499, 502, "http_response_incomplete"),
    /// The head did not arrive in time.
    HeadTimedOut => Row { status: [408, 408, 504, 500], ..Row::stream("head_timed_out", 408, 504, "http_response_timeout") },
    /// The upstream took too long to begin its answer.
    FirstByteTimedOut => Row::same("first_byte_timed_out", 504, "http_response_timeout"),
    /// The body or the tunnel stood still for too long.
    IdleTimedOut => Row::stream("idle_timed_out", 408, 504, "connection_read_timeout"),

    // The proxy's own decisions.
    /// No route takes the request.
    RouteNotFound => Row::same("route_not_found", 404, "destination_not_found"),
    /// The request is for another host than the one that the client certificate of its connection was checked
    /// for (RFC 9110 15.5.20).
    Misdirected => Row::same("misdirected", 421, "http_request_denied"),
    /// The path of the request leads above the root, or is broken otherwise.
    PathInvalid => Row::same("path_invalid", 400, "http_request_error"),
    /// The client has to say who it is (RFC 9110 15.5.2).
    AuthenticationMissing => Row::same("authentication_missing", 401, "http_request_denied"),
    /// The client has to say to this proxy who it is (RFC 9110 15.5.8).
    ProxyAuthenticationMissing => Row::same("proxy_authentication_missing", 407, "http_request_denied"),
    /// The client, or what it asks for, is on no list of those allowed, or on one of those denied.
    AccessDenied => Row::same("access_denied", 403, "http_request_denied"),
    /// The site is closed for a while.
    Maintenance => Row::same("maintenance", 503, "http_request_denied"),
    /// No upstream peer is healthy, or none is configured.
    NoPeer => Row::same("no_peer", 503, "destination_unavailable"),
    /// Every attempt failed.
    AttemptsExhausted => Row::same("attempts_exhausted", 502, "destination_unavailable"),
    /// Another attempt would be safe, but too many are being made already.
    RetryBudgetEmpty => Row::same("retry_budget_empty", 502, "destination_unavailable"),
    /// A filter refused the exchange with this status.
    Rejected(u16 = 403) => Row::same("rejected", 403, "http_request_denied"),
    /// More is going on than may.
    Overload => Row::same("overload", 503, "proxy_internal_response"),
    /// A rate or a number that is limited was passed.
    Limit => Row::same("limit", 429, "http_request_denied"),
    /// The request came through this proxy before.
    Loop => Row::same("loop", 508, "proxy_loop_detected"),
    /// The proxy is about to stop.
    Draining => Row::same("draining", 503, "proxy_internal_response"),

    // The rest.
    /// The cache or its store failed.
    Cache => Row::same("cache", 500, "proxy_internal_error"),
    /// A body could not be coded or decoded.
    Compression => Row { status: [500, 400, 502, 500], ..Row::message("compression", 400, "http_response_content_coding") },
    /// The code that handled the exchange panicked.
    Panic => Row::same("panic", 500, "proxy_internal_error"),
    /// A file could not be read or written.
    File => Row::same("file", 500, "proxy_internal_error"),
    /// A setting cannot be used.
    Configuration => Row::same("configuration", 500, "proxy_configuration_error"),
    /// A rule inside the proxy was broken.
    Internal => Row::same("internal", 500, "proxy_internal_error"),
    /// The user's own kind, under a `snake_case` name.
    Custom(&'static str = "custom") => Row { status: [500, 400, 502, 500], ..Row::message("custom", 400, "http_protocol_error") },
}

impl Kind {
    /// The word for logs and metric labels, in `snake_case`; of `Custom` the name it carries.
    pub const fn name(self) -> &'static str {
        match self {
            Kind::Custom(name) => name,
            _ => ROWS[self.index()].name,
        }
    }

    /// The status that a proxy answers when nobody said whose fault it is; better ask
    /// [`Error::status`](crate::Error::status), which knows.
    pub const fn status(self) -> u16 {
        self.status_for(Fault::Unset)
    }

    /// The status that a proxy answers for this kind and fault.
    ///
    /// 499 is for the log only: the client is gone. `Rejected` gives its own status if that can be the status of a
    /// final answer (200 to 599, RFC 9110 15), otherwise 500.
    pub const fn status_for(self, fault: Fault) -> u16 {
        match self {
            Kind::Rejected(status @ 200..=599) => status,
            Kind::Rejected(_) => 500,
            _ => ROWS[self.index()].status[fault.column()],
        }
    }

    /// The error type for `Proxy-Status` (RFC 9209 2.3) when nobody said whose fault it is.
    pub const fn proxy_status(self) -> &'static str {
        self.proxy_status_for(Fault::Unset)
    }

    /// The error type for `Proxy-Status` (RFC 9209 2.3) for this kind and fault.
    pub const fn proxy_status_for(self, fault: Fault) -> &'static str {
        ROWS[self.index()].proxy_status[fault.column()]
    }

    /// Whether a time limit ran out.
    pub const fn is_timeout(self) -> bool {
        matches!(
            self,
            Kind::ConnectTimedOut
                | Kind::TlsTimedOut
                | Kind::ReadTimedOut
                | Kind::WriteTimedOut
                | Kind::HeadTimedOut
                | Kind::FirstByteTimedOut
                | Kind::IdleTimedOut
        )
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn index_is_the_place_in_all() {
        for (place, kind) in Kind::ALL.into_iter().enumerate() {
            assert_eq!(kind.index(), place, "{kind}");
        }
    }

    #[test]
    fn names_are_unique_snake_case() {
        let mut names: Vec<_> = Kind::ALL.iter().map(|kind| kind.name()).collect();
        assert!(
            names
                .iter()
                .all(|name| name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_'))
        );
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), Kind::COUNT);
    }

    #[test]
    fn every_status_can_end_an_exchange() {
        for kind in Kind::ALL {
            for fault in [Fault::Unset, Fault::Downstream, Fault::Upstream, Fault::Internal] {
                assert!((400..=599).contains(&kind.status_for(fault)), "{kind} {fault}");
            }
        }
    }

    #[test]
    fn rejected_with_an_impossible_status_is_internal() {
        assert_eq!(Kind::Rejected(403).status(), 403);
        assert_eq!(Kind::Rejected(302).status(), 302);
        for status in [0, 100, 199, 600, u16::MAX] {
            assert_eq!(Kind::Rejected(status).status(), 500);
        }
    }
}
