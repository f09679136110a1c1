//! Arming, moving, firing and cancelling allocate nothing once the wheel is warm.
#![cfg(feature = "tokio")]

use std::{
    alloc::{GlobalAlloc, Layout, System},
    cell::Cell,
    future::{Future, poll_fn},
    pin::{Pin, pin},
    task::{Context, Poll, Waker},
    time::{Duration, Instant},
};

use gorge_timeout::{Timer, Wheel, sleep, timeout};

struct Counting;

thread_local! {
    static ALLOCATIONS: Cell<usize> = const { Cell::new(0) };
}

// SAFETY: every call is passed on to the system's allocator unchanged; counting touches only a
// thread-local that needs neither initialisation nor destruction.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.set(ALLOCATIONS.get() + 1);
        // SAFETY: the caller's promises are the ones asked for here.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        // SAFETY: as above.
        unsafe { System.dealloc(block, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

fn allocations_of(work: impl FnOnce()) -> usize {
    let before = ALLOCATIONS.get();
    work();
    ALLOCATIONS.get() - before
}

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
    assert_eq!(allocations_of(|| (0..100).for_each(|_| round())), 0);
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
        assert_eq!(allocations_of(arm_and_cancel), 0);
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
        let before = ALLOCATIONS.get();
        for number in 10..100 {
            fire(number).await;
        }
        assert_eq!(ALLOCATIONS.get() - before, 0);
    });
}
