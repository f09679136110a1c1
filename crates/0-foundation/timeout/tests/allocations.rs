//! Arming, moving, firing and cancelling allocate nothing once the wheel is warm.
#![cfg(feature = "tokio")]

use std::{
    future::{Future, poll_fn},
    pin::{Pin, pin},
    task::{Context, Poll, Waker},
    time::{Duration, Instant},
};

use gorge_test_util::AllocationCounter;
use gorge_timeout::{Timer, Wheel, sleep, timeout};

#[global_allocator]
static ALLOCATOR: AllocationCounter = AllocationCounter::new();

#[test]
fn a_warm_wheel_allocates_nothing() {
    let start = Instant::now();
    let mut now = start;
    let mut wheel = Wheel::new(start);
    let mut expired = Vec::with_capacity(1000);
    let mut round = || {
        for number in 0..1000 {
            let key = wheel.insert(now + Duration::from_millis(number), number);
            match number % 3 {
                0 => assert!(wheel.cancel(key).is_some()),
                1 => assert!(wheel.reset(key, now + Duration::from_millis(500))),
                _ => {}
            }
        }
        now += Duration::from_secs(2);
        expired.clear();
        wheel.advance(now, &mut expired);
    };
    round();
    assert_eq!(ALLOCATOR.of_thread(|| (0..100).for_each(|_| round())).0, 0);
}

#[test]
fn arm_and_cancel_of_a_timeout_allocate_nothing() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    runtime.block_on(async {
        let waker = poll_fn(|cx| Poll::Ready(cx.waker().clone())).await;
        let arm_and_cancel = || {
            for _ in 0..100 {
                let mut future = pin!(timeout(Duration::from_secs(5), std::future::pending::<()>()));
                assert!(future.as_mut().poll(&mut Context::from_waker(&waker)).is_pending());
                assert!(future.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
            }
        };
        arm_and_cancel();
        tokio::task::yield_now().await;
        assert_eq!(ALLOCATOR.of_thread(arm_and_cancel).0, 0);
    });
}

#[test]
fn a_timer_that_fires_and_is_armed_again_allocates_nothing() {
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
    runtime.block_on(async {
        let mut timer = Timer::new();
        let mut clock = sleep(Duration::ZERO);
        let start = clock.deadline();
        let mut fire = async |number: u32| {
            timer.set(start + number * Duration::from_millis(700));
            poll_fn(|cx| timer.poll_expired(cx)).await;
            clock.reset(start + number * Duration::from_millis(700) + Duration::from_millis(100));
            Pin::new(&mut clock).await;
        };
        for number in 1..10 {
            fire(number).await;
        }
        let before = ALLOCATOR.count_of_thread();
        for number in 10..100 {
            fire(number).await;
        }
        assert_eq!(ALLOCATOR.count_of_thread() - before, 0);
    });
}
