//! Once warm, ready filters ask for no memory.

use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use gorge::digest::{PeerCertificate, TlsDigest};
use gorge::filter::{BodyLength, Scheme};
use gorge::http::{Known, Uri};
use gorge::prelude::*;
use gorge::protocols::{IpNet, Networks, PeerAddr};
use gorge::proxy::filters::{
    AccessList, BasicAuth, BodyLimit, Cors, Deadline, Inflight, Maintenance, MethodGuard, NoUpgrade,
    RequestHeaderEdit, RequestId, ResponseHeaderEdit, SecurityHeaders,
};
use gorge_test_util::AllocationCounter;

#[global_allocator]
static ALLOCATOR: AllocationCounter = AllocationCounter::new();

/// None of them waits for anything.
fn at_once<T>(future: impl Future<Output = Result<T>>) -> T {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(result) => result.unwrap(),
        Poll::Pending => panic!("a ready filter waited"),
    }
}

fn tls() -> TlsDigest {
    TlsDigest {
        version: Some("TLSv1.3"),
        sni: Some("shop.example".into()),
        peer_certificate: Some(PeerCertificate {
            subject: Some("CN=alice".into()),
            serial: Some("01af".into()),
            sha256: Some([0xab; 32]),
            ..PeerCertificate::default()
        }),
        ..TlsDigest::default()
    }
}

/// Lets many exchanges through one filter and says how often one of the later ones asked for memory.
fn allocations(filter: &impl Filter) -> usize {
    let mut x = Exchange::<()>::new();
    let mut head = ResponseHead::new(Status::OK);
    let mut made = 0;
    let tls = Arc::new(tls());
    for round in 0..100 {
        x.facts.client = Some(PeerAddr::Ip("[2001:db8::1]:4711".parse().unwrap()));
        x.facts.scheme = Scheme::Https;
        x.facts.tls = Some(tls.clone());
        x.facts.request_length = BodyLength::Known(3);
        x.req.uri = Uri::parse(&Method::GET, "/a/b?c".into()).unwrap();
        for (name, value) in [
            (Known::Host, "shop.example:8080"),
            (Known::Origin, "https://a.shop.example"),
            (Known::Authorization, "Basic YWxpY2U6c2VjcmV0"),
            (Known::XForwardedFor, "10.0.0.9, 192.0.2.1"),
        ] {
            x.req.headers.append(name, value).unwrap();
        }
        head.headers.append(Known::Server, "origin").unwrap();
        let (now, ()) = ALLOCATOR.of_thread(|| {
            assert!(matches!(at_once(filter.on_request(&mut x)), Flow::Continue));
            at_once(filter.on_response(&mut x, &mut head));
            filter.on_end(&x, &Outcome { status: Status::OK, error: None, complete: true });
            x.clear();
            head.clear();
        });
        if round >= 50 {
            made += now;
        }
    }
    made
}

fn networks(list: &[&str]) -> Networks {
    list.iter().map(|net| net.parse::<IpNet>().unwrap()).collect()
}

#[test]
fn ready_filters_ask_for_no_memory_once_warm() {
    let all = networks(&["::/0", "0.0.0.0/0"]);
    let proxies = networks(&["2001:db8::/32"]);
    let names = "$client_ip $host $authority $path $query $uri $scheme $method $request_id $tls_version \
                 $tls_cipher $tls_sni $tls_alpn $tls_resumed $tls_client_subject $tls_client_serial \
                 $tls_client_sha256 $tls_client_verified";
    let edit = RequestHeaderEdit::new().set("X-A", names).unwrap().set("X-B", "b").unwrap();
    let edit = edit.add("Accept", "c").unwrap().remove("Origin").unwrap();
    let back = ResponseHeaderEdit::new().set("X-A", &format!("{names} $status")).unwrap();
    let back = back.remove("Server").unwrap();
    let cors = Cors::origins(["https://*.shop.example"]).unwrap().credentials().unwrap();
    let made = [
        ("AccessList", allocations(&AccessList::new().allow(all.clone()).trust(proxies.clone()))),
        ("BasicAuth", allocations(&BasicAuth::new("r", [("alice", "secret")]).unwrap())),
        ("BodyLimit", allocations(&BodyLimit::new(10))),
        ("Cors", allocations(&cors)),
        ("Deadline", allocations(&Deadline::new(Duration::from_secs(1)))),
        ("Inflight", allocations(&Inflight::new(1))),
        ("Maintenance", allocations(&Maintenance::new().pass(all))),
        ("MethodGuard", allocations(&MethodGuard::new([Method::GET]).unwrap())),
        ("NoUpgrade", allocations(&NoUpgrade)),
        ("RequestHeaderEdit", allocations(&edit)),
        ("RequestId", allocations(&RequestId::new().trust(proxies).echo())),
        ("ResponseHeaderEdit", allocations(&back)),
        ("SecurityHeaders", allocations(&SecurityHeaders::new())),
    ];
    for (filter, made) in made {
        assert_eq!(made, 0, "{filter}");
    }
}

/// A filter that would be caught.
struct Wasteful;

impl Filter for Wasteful {
    async fn on_request(&self, x: &mut Exchange) -> Result<Flow> {
        std::hint::black_box(x.req.uri.path().to_owned());
        Ok(Flow::Continue)
    }
}

#[test]
fn one_that_asks_for_memory_is_noticed() {
    assert_eq!(allocations(&Wasteful), 50);
}
