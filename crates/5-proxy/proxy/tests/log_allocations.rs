//! A line of a log allocates nothing, in whatever format.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use bytes::Bytes;
use gorge_digest::{PeerAddr, PeerCertificate, TlsDigest};
use gorge_error::{Error, Kind};
use gorge_filter::{Attempt, Event, Exchange, Observer, Outcome, PeerId, Progress, RouteId};
use gorge_http::{Known, Method, Status, Uri};
use gorge_proxy::log::{AccessLog, ErrorLog, Format, Level, LineSink};
use gorge_test_util::AllocationCounter;

#[global_allocator]
static ALLOCATOR: AllocationCounter = AllocationCounter::new();

/// Keeps its memory, as a writer does.
#[derive(Default)]
struct Buffer(Mutex<Vec<u8>>);

impl LineSink for Buffer {
    fn line(&self, write: &mut dyn FnMut(&mut Vec<u8>)) {
        let mut buffer = self.0.lock().unwrap();
        buffer.clear();
        write(&mut buffer);
        assert!(!buffer.is_empty());
    }
}

fn exchange() -> Exchange {
    let mut x = Exchange::<()>::new();
    x.req.uri = Uri::parse(&Method::GET, Bytes::from_static(b"/a/b?c=%20\\\"")).unwrap();
    for (name, value) in
        [("Host", "shop.example"), ("User-Agent", "\"curl\""), ("X-Beta", "1"), ("X-Beta", "2")]
    {
        x.req.headers.append(name, value).unwrap();
    }
    x.req.headers.append(Known::XRequestId, "0123456789abcdef").unwrap();
    let addr = PeerAddr::Ip("192.0.2.7:4711".parse().unwrap());
    x.facts.client = Some(addr.clone());
    x.facts.local = Some(PeerAddr::Unix(Some(std::path::Path::new("/run/gorge.sock").into())));
    x.facts.route = Some(RouteId(0));
    let shown = PeerCertificate {
        subject: Some("CN=alice".into()),
        serial: Some("01af".into()),
        sha256: Some([0xab; 32]),
        ..PeerCertificate::default()
    };
    let tls = TlsDigest {
        version: Some("TLSv1.3"),
        cipher: Some("TLS_AES_128_GCM_SHA256"),
        sni: Some("shop.example".into()),
        alpn: Some(b"http/1.1".as_slice().into()),
        resumed: Some(true),
        peer_certificate: Some(shown),
        ..TlsDigest::default()
    };
    x.facts.tls = Some(Arc::new(tls.clone()));
    x.facts.upstream_tls = Some(Arc::new(tls));
    let start = Instant::now();
    let timing = &mut x.facts.timing;
    (timing.start, timing.head_read, timing.peer_selected) = (Some(start), Some(start), Some(start));
    (timing.connected, timing.first_byte) = (Some(start), Some(start));
    timing.end = Some(start + Duration::from_micros(12_345));
    x.facts.attempts.push(Attempt {
        peer: PeerId(1),
        address: addr,
        reused: false,
        progress: Progress::Nothing,
        failure: Some(Kind::ConnectRefused),
    });
    x
}

/// Runs it often enough to be warm, then counts.
fn allocates_nothing(what: &str, mut write: impl FnMut()) {
    (0..50).for_each(|_| write());
    let (made, ()) = ALLOCATOR.of_thread(|| (0..100).for_each(|_| write()));
    assert_eq!(made, 0, "{what}");
}

#[test]
fn a_line_allocates_nothing() {
    let x = exchange();
    let error = || Error::explain(Kind::ConnectRefused, "connect to the peer").into_upstream();
    let end = Outcome { status: Status::BAD_GATEWAY, error: Some(error()), complete: true };
    let template = "$time $time_common $time_unix $client $client_ip $local $method $uri $target $path $query \
                    $protocol $scheme $status $complete $request_size $response_size $duration_ms $upstream \
                    $upstream_ms $connect_ms $first_byte_ms $attempts $connection_requests $route $reason \
                    $fault $host $referer $user_agent $request_id $http_x_beta $http_x_none \
                    $tls_version $tls_cipher $tls_sni $tls_alpn $tls_resumed $tls_client_subject \
                    $tls_client_serial $tls_client_sha256 $tls_client_verified $upstream_tls_version \
                    $upstream_tls_resumed";
    let json = format!("{{\"all\":\"{template}\"}}");
    for format in ["combined", "common", "json", template, &json] {
        let names: [Box<str>; 1] = ["shop".into()];
        let log = AccessLog::new(format.parse::<Format>().unwrap(), Buffer::default()).routes(names);
        allocates_nothing(format, || log.event(&x, &Event::Done(&end)));
    }
    for log in
        [ErrorLog::new(Level::Debug, Buffer::default()), ErrorLog::json(Level::Debug, Buffer::default())]
    {
        // The first of them are written, the rest counted.
        allocates_nothing("error log", || log.event(&x, &Event::Done(&end)));
        allocates_nothing("note", || log.note(Level::Info, format_args!("{} routes", 12)));
        let retried = error();
        let (made, ()) = ALLOCATOR.of_thread(|| log.event(&x, &Event::Retried(&retried)));
        assert_eq!(made, 0, "a written line");
    }
}
