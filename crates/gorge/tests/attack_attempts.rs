//! What one attempt leaves behind must not reach the next.

mod common;

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use common::{GET, Setup, ok, proxy_with, run};
use gorge::filter::UpstreamTimeouts;
use gorge::prelude::*;
use gorge_test_util::{DeafPort, Origin};

const SHORT: Duration = Duration::from_millis(100);

#[test]
fn the_time_for_all_attempts_bounds_each_connect() {
    let deaf = DeafPort::new();
    let setup = Setup { connect: Some(Duration::from_secs(30)), total: Some(SHORT), ..Setup::default() };
    let proxy = proxy_with(&[deaf.addr()], setup);
    let began = Instant::now();
    let answer = proxy.ask(GET);
    assert_eq!(answer.status, 504, "{answer:?}");
    assert!(began.elapsed() < Duration::from_secs(20), "{:?}", began.elapsed());
}

#[test]
fn nobody_else_is_asked_when_the_time_for_all_attempts_is_over() {
    let (silent, other) = (Origin::silent(), Origin::silent());
    let setup = Setup { total: Some(SHORT), ..Setup::default() };
    let proxy = proxy_with(&[silent.addr(), other.addr()], setup);
    let answer = proxy.ask(GET);
    assert_eq!(answer.status, 504, "{answer:?}");
    assert_eq!((proxy.stats().attempts, silent.connections() + other.connections()), (1, 1));
}

/// Notes the time limit for the first byte that holds when a connection stands.
#[derive(Clone, Default)]
struct Limits(Arc<Mutex<Vec<Duration>>>);

impl Observer for Limits {
    fn event(&self, x: &Exchange, event: &Event<'_>) {
        if matches!(event, Event::Connected) {
            self.0.lock().unwrap().push(x.timeouts.upstream.first_byte);
        }
    }
}

#[test]
fn each_attempt_has_the_time_limits_of_its_own_peer() {
    let mute = Origin::start(|connection| drop(connection.next_request()));
    let origin = Origin::answering(ok("hi"));
    let hasty = UpstreamTimeouts { first_byte: Duration::from_secs(7), ..UpstreamTimeouts::default() };
    let peers = [
        Peer::builder(Address::from(mute.addr())).timeouts(hasty).build(),
        Peer::new(Address::from(origin.addr())),
    ];
    let (setup, limits) = (Setup::default(), Limits::default());
    let builder = setup.builder().upstream(LoadBalancer::round_robin(peers)).observe(limits.clone());
    let proxy = run(builder.build().unwrap(), &setup);
    for _ in 0..2 {
        assert_eq!(proxy.ask(GET).text(), "hi");
    }
    let usual = UpstreamTimeouts::default().first_byte;
    assert_eq!(*limits.0.lock().unwrap(), [hasty.first_byte, usual, hasty.first_byte, usual]);
}

/// Panics once the answer is there.
struct Clumsy;

impl Filter for Clumsy {
    async fn on_response(&self, x: &mut Exchange, _: &mut ResponseHead) -> Result<()> {
        assert_ne!(x.req.uri.path(), "/panic", "as asked");
        Ok(())
    }
}

#[test]
fn a_connection_lost_to_a_panic_is_not_counted_as_in_use() {
    let origin = Origin::answering(ok("hi"));
    let setup = Setup::default();
    let balancer = common::balancer(&[origin.addr()], &setup);
    let proxy = run(setup.builder().filter(Clumsy).upstream(balancer).build().unwrap(), &setup);
    assert_eq!(proxy.ask("GET /panic HTTP/1.1\r\nHost: a\r\n\r\n").status, 500);
    assert_eq!(proxy.active_upstream(), 0);
    assert_eq!(proxy.ask(GET).text(), "hi");
    proxy.wait_for("the connection to be given back", |proxy| proxy.idle_upstream() == 1);
    assert_eq!(proxy.active_upstream(), 0);
}
