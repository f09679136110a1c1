//! Peers and functions as upstreams, and what handles share.

use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use gorge_digest::PeerAddr;
use gorge_error::{Error, Kind};
use gorge_filter::{Attempt, Exchange, PeerId, Progress, Retry};
use gorge_http::{Method, Status};
use gorge_protocols::Address;
use gorge_upstream::{Budget, Peer, Retries, RetryPolicy, State, Upstream, Verdict, from_fn};

/// None of the upstreams here waits, so one poll is enough.
fn now<T>(future: impl Future<Output = T> + Send) -> T {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(value) => value,
        Poll::Pending => panic!("it waits"),
    }
}

fn peer(address: &str) -> Peer {
    address.parse().unwrap()
}

fn tried(x: &mut Exchange, peer: &Peer, progress: Progress) {
    let address = peer.digest_address().clone();
    x.facts.attempts.push(Attempt { peer: peer.id(), address, reused: false, progress, failure: None });
    x.facts.attempts.set_replayable(true);
}

#[test]
fn handles_are_send_and_small() {
    fn shared<T: Send + Sync + 'static>() {}
    shared::<Peer>();
    shared::<Retries>();
    assert_eq!(size_of::<Peer>(), size_of::<usize>());
}

#[test]
fn settings_come_back_as_given() {
    let address: Address = "127.0.0.1:80".parse().unwrap();
    let built = Peer::builder(address.clone())
        .weight(7)
        .max_connections(3)
        .group("g")
        .backup(true)
        .value(42_u8)
        .build();
    assert_eq!((built.weight(), built.max_connections(), built.group()), (7, Some(3), Some("g")));
    assert_eq!((built.address(), built.value::<u8>(), built.value::<u16>()), (&address, Some(&42), None));
    assert!(built.is_backup());
    assert_eq!(built.digest_address(), &PeerAddr::Ip("127.0.0.1:80".parse().unwrap()));
    let plain = peer("127.0.0.1:80");
    assert_eq!((plain.weight(), plain.max_connections(), plain.is_backup()), (1, None, false));
    assert_ne!(plain.id(), built.id());
    assert_ne!(plain.reuse_key(), built.reuse_key());
}

#[test]
fn state_is_shared_by_all_handles_and_weight_zero_drains() {
    let one = peer("127.0.0.1:80");
    let other = one.clone();
    assert_eq!(one.state(), State::Enabled);
    other.set_state(State::Disabled);
    assert_eq!(one.state(), State::Disabled);
    let drained = Peer::builder("127.0.0.1:80".parse::<Address>().unwrap()).weight(0).build();
    assert_eq!(drained.state(), State::Draining);
    assert!(!drained.is_selectable());
}

#[test]
fn a_peer_continued_keeps_identity_counters_and_state() {
    let old = peer("127.0.0.1:80");
    old.clone().begin().end(Verdict::Failure, Duration::ZERO);
    old.set_state(State::Draining);
    let new = Peer::builder("127.0.0.1:80".parse::<Address>().unwrap()).weight(9).build().continuing(&old);
    assert_eq!((new.id(), new.weight(), new.state()), (old.id(), 9, State::Draining));
    assert_eq!(new.stats().failures(), 1);
    new.set_state(State::Enabled);
    assert_eq!(old.state(), State::Enabled);
}

#[test]
fn an_attempt_that_is_dropped_counts_as_abandoned() {
    let peer = Peer::builder("127.0.0.1:80".parse::<Address>().unwrap()).max_connections(1).build();
    let attempt = peer.clone().begin();
    assert!(!peer.is_selectable());
    drop(attempt);
    assert!(peer.is_selectable());
    assert_eq!((peer.stats().active(), peer.stats().abandoned(), peer.stats().failures()), (0, 1, 0));
}

#[test]
fn a_peer_selects_itself_unless_it_takes_nothing() {
    let mut x = Exchange::<()>::new();
    let peer = Arc::new(peer("127.0.0.1:80"));
    assert_eq!(now(peer.select(&mut x)).unwrap().id(), peer.id());
    peer.set_state(State::Disabled);
    let error = now(peer.select(&mut x)).unwrap_err();
    assert_eq!((error.kind(), error.status()), (Kind::NoPeer, 503));
}

#[test]
fn a_single_peer_is_asked_again_after_a_pause() {
    let mut x = Exchange::<()>::new();
    let peer = peer("127.0.0.1:80");
    tried(&mut x, &peer, Progress::Nothing);
    match peer.on_failure(&x, &Error::new(Kind::ConnectRefused)) {
        Retry::Again(pause) => assert!(pause <= Duration::from_millis(100)),
        other => panic!("{other:?}"),
    }
    assert_eq!(peer.on_status(&x, Status::SERVICE_UNAVAILABLE), Retry::GiveUp, "there is no other peer");
}

#[test]
fn the_method_decides() {
    let mut x = Exchange::<()>::new();
    let peer = peer("127.0.0.1:80");
    tried(&mut x, &peer, Progress::Sent);
    x.req.method = Method::POST;
    assert_eq!(peer.on_failure(&x, &Error::new(Kind::ClosedEarly)), Retry::GiveUp);
    x.req.method = Method::PUT;
    assert!(matches!(peer.on_failure(&x, &Error::new(Kind::ClosedEarly)), Retry::Again(_)));
    x.facts.status = Some(Status::OK);
    assert_eq!(peer.on_failure(&x, &Error::new(Kind::ClosedEarly)), Retry::GiveUp);
}

#[test]
fn the_budget_bounds_what_the_policy_allows() {
    let budget = Some(Budget { percent: 50, per_second: 0 });
    let policy = RetryPolicy { budget, ..RetryPolicy::default() };
    let peer = Peer::builder("127.0.0.1:80".parse::<Address>().unwrap()).retry(policy).build();
    let mut x = Exchange::<()>::new();
    tried(&mut x, &peer, Progress::Nothing);
    let refused = Error::new(Kind::ConnectRefused);
    assert_eq!(peer.on_failure(&x, &refused), Retry::GiveUp);
    for _ in 0..2 {
        peer.retries(&x).begin_exchange();
    }
    assert!(matches!(peer.on_failure(&x, &refused), Retry::Again(_)));
    assert_eq!(peer.on_failure(&x, &refused), Retry::GiveUp);
    assert_eq!(peer.retries(&x).budget().unwrap().refused(), 2);
}

#[test]
fn a_function_chooses_by_the_exchange() {
    let (a, b) = (peer("127.0.0.1:1"), peer("127.0.0.1:2"));
    let ids: [PeerId; 2] = [a.id(), b.id()];
    let upstream = from_fn(move |x: &Exchange<bool>| if x.ctx { Ok(b.clone()) } else { Ok(a.clone()) });
    let upstream = Arc::new(upstream.retry(RetryPolicy::never()));
    let mut x = Exchange::<bool>::new();
    assert_eq!(now(upstream.select(&mut x)).unwrap().id(), ids[0]);
    x.ctx = true;
    assert_eq!(now(upstream.select(&mut x)).unwrap().id(), ids[1]);
    assert_eq!(upstream.retries(&x).policy(), &RetryPolicy::never());
}

#[test]
fn own_upstreams_need_select_only() {
    struct Mine(Peer);
    impl Upstream for Mine {
        async fn select(&self, _: &mut Exchange) -> gorge_error::Result<Peer> {
            Ok(self.0.clone())
        }
    }
    let mine = Mine(peer("127.0.0.1:1"));
    let mut x = Exchange::new();
    let chosen = now(mine.select(&mut x)).unwrap();
    tried(&mut x, &chosen, Progress::Nothing);
    assert!(matches!(mine.on_failure(&x, &Error::new(Kind::ConnectRefused)), Retry::Again(_)));
    assert!(std::ptr::eq(mine.retries(&x), Retries::shared()));
}
