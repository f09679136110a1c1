//! `gorge-timeout` beside `pingora-timeout` and `tokio::time`.

use std::future::{Future, Ready, pending, ready};
use std::hint::black_box;
use std::pin::pin;
use std::task::{Context, Waker};
use std::time::{Duration, Instant};

use criterion::Criterion;
use gorge_benches::{OURS, Operation};
use gorge_timeout::Wheel;

use crate::{Cycle, scattered};

/// How many timers wait where many do.
const ARMED: usize = 1_000_000;

pub(crate) fn bench(criterion: &mut Criterion) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build();
    // Nothing can be measured without a runtime.
    let runtime = runtime.expect("a runtime starts");
    let _within = runtime.enter();
    let mut seconds = Cycle::new(1..=60);
    let mut limit = move || Duration::from_secs(*seconds.next());

    Operation::new(criterion, "timeout", "arm and drop, not fired")
        .row(OURS, || poll_once(gorge_timeout::timeout(limit(), pending::<()>())))
        .row("pingora-timeout", || {
            poll_once(pingora_timeout::fast_timeout::fast_timeout(limit(), pending::<()>()))
        })
        .row("tokio", || poll_once(tokio::time::timeout(limit(), pending::<()>())));

    // One alone is less than a nanosecond.
    Operation::new(criterion, "timeout", "100 × ready at once")
        .row(OURS, || hundred_times(|| poll_once(gorge_timeout::timeout(limit(), at_once()))))
        .row("pingora-timeout", || {
            hundred_times(|| poll_once(pingora_timeout::fast_timeout::fast_timeout(limit(), at_once())))
        })
        .row("tokio", || hundred_times(|| poll_once(tokio::time::timeout(limit(), at_once()))));

    wheel(criterion);
}

fn wheel(criterion: &mut Criterion) {
    let start = Instant::now();
    let mut wheel = Wheel::new(start);
    for milliseconds in scattered(ARMED, 3_600_000) {
        wheel.insert(start + Duration::from_millis(3_600_000 + milliseconds), ());
    }
    let mut now = start;
    let mut expired = Vec::new();
    // A tick at a time through an hour in which none is due; the wheel turns on by itself, so it begins anew.
    Operation::new(criterion, "timeout", "advance one tick, 1,000,000 armed and none due").row(OURS, || {
        now += Duration::from_millis(10);
        if now >= start + Duration::from_secs(3_599) {
            now = start;
        }
        wheel.advance(now, &mut expired)
    });

    let mut delays = Cycle::new(scattered(1024, 60_000));
    Operation::new(criterion, "timeout", "wheel: insert and cancel").row(OURS, || {
        let key = wheel.insert(start + Duration::from_millis(3_600_000 + delays.next()), ());
        wheel.cancel(key)
    });
}

fn hundred_times(mut call: impl FnMut() -> bool) {
    for _ in 0..100 {
        black_box(call());
    }
}

fn at_once() -> Ready<u64> {
    black_box(ready(1))
}

fn poll_once(future: impl Future) -> bool {
    pin!(future).poll(&mut Context::from_waker(Waker::noop())).is_ready()
}
