//! What a proxy answers for an error (the table of statuses) and says in `Proxy-Status`.

use gorge_error::{Error, Fault, Kind};

fn blamed(kind: Kind, fault: Fault) -> Error {
    match fault {
        Fault::Unset => Error::new(kind),
        Fault::Downstream => Error::new(kind).into_downstream(),
        Fault::Upstream => Error::new(kind).into_upstream(),
        Fault::Internal => Error::new(kind).into_internal(),
    }
}

#[test]
fn status_follows_kind_and_fault() {
    use Fault::{Downstream, Internal, Unset, Upstream};
    let table = [
        (Kind::HeadInvalid, Downstream, 400),
        (Kind::HeadInvalid, Upstream, 502),
        (Kind::HeadInvalid, Internal, 500),
        (Kind::FramingInvalid, Unset, 400),
        (Kind::MethodNotAllowed, Downstream, 405),
        (Kind::HeadTimedOut, Unset, 408),
        (Kind::ReadTimedOut, Downstream, 408),
        (Kind::ReadTimedOut, Upstream, 504),
        (Kind::IdleTimedOut, Downstream, 408),
        (Kind::BodyTooLarge, Downstream, 413),
        (Kind::BodyTooLarge, Upstream, 502),
        (Kind::UriTooLong, Downstream, 414),
        (Kind::ExpectationUnknown, Downstream, 417),
        (Kind::Limit, Downstream, 429),
        (Kind::HeadTooLarge, Downstream, 431),
        (Kind::HeadTooLarge, Upstream, 502),
        (Kind::ClosedEarly, Downstream, 499),
        (Kind::ClosedEarly, Upstream, 502),
        (Kind::Panic, Internal, 500),
        (Kind::NotImplemented, Downstream, 501),
        (Kind::ConnectRefused, Upstream, 502),
        (Kind::NoRoute, Upstream, 502),
        (Kind::ConnectReset, Upstream, 502),
        (Kind::TlsHandshakeFailed, Upstream, 502),
        (Kind::CertificateExpired, Upstream, 502),
        (Kind::AttemptsExhausted, Upstream, 502),
        (Kind::NoPeer, Unset, 503),
        (Kind::Overload, Internal, 503),
        (Kind::Draining, Internal, 503),
        (Kind::ConnectTimedOut, Upstream, 504),
        (Kind::TlsTimedOut, Upstream, 504),
        (Kind::FirstByteTimedOut, Upstream, 504),
        (Kind::VersionUnsupported, Downstream, 505),
        (Kind::Loop, Downstream, 508),
        (Kind::Rejected(403), Downstream, 403),
        (Kind::Rejected(421), Unset, 421),
    ];
    for (kind, fault, status) in table {
        assert_eq!(blamed(kind, fault).status(), status, "{kind} {fault}");
    }
}

#[test]
fn proxy_status_uses_only_registered_types() {
    // RFC 9209 2.3.
    let registered = [
        "connection_limit_reached",
        "connection_read_timeout",
        "connection_refused",
        "connection_terminated",
        "connection_timeout",
        "connection_write_timeout",
        "destination_ip_prohibited",
        "destination_ip_unroutable",
        "destination_not_found",
        "destination_unavailable",
        "dns_error",
        "dns_timeout",
        "http_protocol_error",
        "http_request_denied",
        "http_request_error",
        "http_response_body_size",
        "http_response_content_coding",
        "http_response_header_section_size",
        "http_response_header_size",
        "http_response_incomplete",
        "http_response_timeout",
        "http_response_trailer_section_size",
        "http_response_trailer_size",
        "http_response_transfer_coding",
        "http_upgrade_failed",
        "proxy_configuration_error",
        "proxy_internal_error",
        "proxy_internal_response",
        "proxy_loop_detected",
        "tls_alert_received",
        "tls_certificate_error",
        "tls_protocol_error",
    ];
    for kind in Kind::ALL {
        for fault in [Fault::Unset, Fault::Downstream, Fault::Upstream, Fault::Internal] {
            let error = blamed(kind, fault);
            assert!(registered.contains(&error.proxy_status()), "{error}");
        }
    }
    assert_eq!(blamed(Kind::ClosedEarly, Fault::Upstream).proxy_status(), "http_response_incomplete");
    assert_eq!(blamed(Kind::ClosedEarly, Fault::Downstream).proxy_status(), "http_request_error");
}

#[test]
fn a_client_is_never_blamed_with_a_5xx_nor_an_upstream_with_a_4xx() {
    let own_decision = |kind| {
        matches!(kind, Kind::MethodNotAllowed | Kind::Limit | Kind::Rejected(_))
            || Error::new(kind).status() == blamed(kind, Fault::Internal).status()
    };
    for kind in Kind::ALL.into_iter().filter(|kind| !own_decision(*kind)) {
        assert!(matches!(blamed(kind, Fault::Upstream).status(), 502 | 504), "{kind}");
        let status = blamed(kind, Fault::Downstream).status();
        assert!(status < 500 || matches!(status, 501 | 505), "{kind}");
    }
}
