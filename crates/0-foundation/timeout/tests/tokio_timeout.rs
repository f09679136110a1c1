//! Timeouts on tokio. Time is paused wherever it can be: nothing here measures how long it took,
//! except that it was not too short.
#![cfg(feature = "tokio")]

use std::{
    future::{Future, pending, poll_fn},
    pin::pin,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    task::{Context, Poll, Wake, Waker},
    time::{Duration, Instant},
};

use gorge_timeout::{Elapsed, Sleep, TICK, Timeout, Timer, clock, sleep, sleep_until, timeout};
use tokio::{runtime, sync::oneshot};

const SECOND: Duration = Duration::from_secs(1);

fn current_thread() -> runtime::Runtime {
    runtime::Builder::new_current_thread().enable_time().build().unwrap()
}

async fn expired(timer: &mut Timer) {
    poll_fn(|cx| timer.poll_expired(cx)).await
}

/// A waker that counts, for polling by hand.
#[derive(Default)]
struct Count(AtomicUsize);

impl Wake for Count {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

impl Count {
    fn new() -> (Arc<Self>, Waker) {
        let count = Arc::new(Self::default());
        (count.clone(), Waker::from(count))
    }

    fn wakes(&self) -> usize {
        self.0.load(Ordering::SeqCst)
    }
}

#[test]
fn types_are_send_and_sync() {
    fn check<T: Send + Sync + 'static>() {}
    fn unpin<T: Unpin>() {}
    check::<Timer>();
    check::<Sleep>();
    check::<Elapsed>();
    check::<Timeout<std::future::Ready<()>>>();
    check::<gorge_timeout::Wheel<Waker>>();
    unpin::<Timer>();
    unpin::<Sleep>();
    assert!(size_of::<Timer>() <= 7 * size_of::<usize>());
}

#[test]
fn is_never_early_by_the_real_clock() {
    current_thread().block_on(async {
        for millis in [0, 1, 5, 10, 11, 25] {
            let span = Duration::from_millis(millis);
            let start = Instant::now();
            sleep(span).await;
            assert!(start.elapsed() >= span);

            // A worker whose clock was read long ago must not be early either.
            clock::tick();
            let start = Instant::now();
            timeout(span, pending::<()>()).await.unwrap_err();
            assert!(start.elapsed() >= span);
            clock::stop();
        }
    });
}

#[tokio::test(start_paused = true)]
async fn fires_within_one_tick_of_the_deadline() {
    for millis in [1, 9, 10, 999, 1000, 60_000, 100_000_000] {
        let span = Duration::from_millis(millis);
        let start = clock::now();
        sleep(span).await;
        let took = clock::now() - start;
        // Tokio rounds up to its own millisecond.
        assert!(took >= span && took <= span + TICK + Duration::from_millis(1), "{took:?} for {span:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_future_that_is_ready_in_time_wins() {
    assert_eq!(timeout(Duration::ZERO, async { 1 }).await, Ok(1));
    let slow = async {
        sleep(SECOND).await;
        2
    };
    assert_eq!(timeout(2 * SECOND, slow).await, Ok(2));
    let error = timeout(SECOND, pending::<()>()).await.unwrap_err();
    assert!(error.is_timeout());
    assert_eq!(error.to_string(), "the time limit has passed");
}

#[tokio::test(start_paused = true)]
async fn zero_and_past_deadlines_are_over_at_once() {
    let start = clock::now();
    timeout(Duration::ZERO, pending::<()>()).await.unwrap_err();
    sleep(Duration::ZERO).await;
    sleep_until(start).await;
    assert_eq!(clock::now(), start);
}

#[tokio::test(start_paused = true)]
async fn an_endless_duration_is_clamped() {
    assert_eq!(timeout(Duration::MAX, sleep(SECOND)).await, Ok(()));
    assert!(sleep(Duration::MAX).deadline() > clock::now() + 10_000 * 86_400 * SECOND);
}

#[tokio::test(start_paused = true)]
async fn an_earlier_deadline_armed_later_fires_first() {
    let start = clock::now();
    let late = tokio::spawn(sleep(10 * SECOND));
    tokio::task::yield_now().await;
    sleep(SECOND).await;
    assert!(clock::now() - start < 2 * SECOND);
    late.await.unwrap();
    assert!(clock::now() - start >= 10 * SECOND);
}

#[tokio::test(start_paused = true)]
async fn a_timer_moved_back_arms_anew_when_the_first_deadline_fires() {
    let (count, waker) = Count::new();
    let mut cx = Context::from_waker(&waker);
    let start = clock::now();
    let mut timer = Timer::new();
    timer.set(start + SECOND);
    assert!(timer.poll_expired(&mut cx).is_pending());
    for seconds in 2..10 {
        timer.set(start + seconds * SECOND);
        assert!(timer.poll_expired(&mut cx).is_pending());
    }
    sleep_until(start + SECOND + TICK).await;
    assert_eq!(count.wakes(), 1);
    assert!(timer.poll_expired(&mut cx).is_pending());
    sleep_until(start + 9 * SECOND + TICK).await;
    assert_eq!(count.wakes(), 2);
    assert!(timer.poll_expired(&mut cx).is_ready());
    assert!(timer.poll_expired(&mut cx).is_ready(), "stays ready");
}

#[tokio::test(start_paused = true)]
async fn a_timer_moved_forward_fires_at_the_earlier_deadline() {
    let start = clock::now();
    let mut timer = Timer::new();
    timer.set(start + 60 * SECOND);
    assert!(poll_fn(|cx| Poll::Ready(timer.poll_expired(cx))).await.is_pending());
    timer.set(start + SECOND);
    assert_eq!(timer.deadline(), Some(start + SECOND));
    expired(&mut timer).await;
    assert!(clock::now() < start + 2 * SECOND);
}

#[tokio::test(start_paused = true)]
async fn a_cleared_timer_never_fires() {
    let mut timer = Timer::default();
    assert!(timeout(SECOND, expired(&mut timer)).await.is_err());
    timer.set(clock::now() + SECOND);
    assert!(poll_fn(|cx| Poll::Ready(timer.poll_expired(cx))).await.is_pending());
    timer.clear();
    assert_eq!(timer.deadline(), None);
    assert!(timeout(10 * SECOND, expired(&mut timer)).await.is_err());
    timer.set(clock::now() + SECOND);
    expired(&mut timer).await;
}

#[tokio::test(start_paused = true)]
async fn the_last_waker_is_the_one_woken() {
    let ((first, first_waker), (second, second_waker)) = (Count::new(), Count::new());
    let mut sleep_two = sleep(SECOND);
    for waker in [&first_waker, &second_waker] {
        assert!(pin!(&mut sleep_two).poll(&mut Context::from_waker(waker)).is_pending());
    }
    assert_eq!(Arc::strong_count(&first), 2, "a stale waker is not kept");
    sleep(2 * SECOND).await;
    assert_eq!((first.wakes(), second.wakes()), (0, 1));
}

#[tokio::test(start_paused = true)]
async fn a_dropped_timeout_frees_its_waker_at_once() {
    let (count, waker) = Count::new();
    let mut future = Box::pin(timeout(SECOND, pending::<()>()));
    assert!(future.as_mut().poll(&mut Context::from_waker(&waker)).is_pending());
    assert_eq!(Arc::strong_count(&count), 3);
    drop(future);
    assert_eq!(Arc::strong_count(&count), 2);
    sleep(2 * SECOND).await;
    assert_eq!(count.wakes(), 0);
}

/// The waker of this task holds the task's own timer: freeing the one frees the other.
#[tokio::test(start_paused = true)]
async fn a_waker_that_owns_a_timer_may_be_dropped_by_the_wheel() {
    struct Owner(#[expect(dead_code, reason = "held for its drop")] Timer);
    impl Wake for Owner {
        fn wake(self: Arc<Self>) {}
    }
    let armed = || {
        let mut timer = Timer::new();
        timer.set(clock::now() + SECOND);
        assert!(timer.poll_expired(&mut Context::from_waker(Waker::noop())).is_pending());
        timer
    };
    let owner = Waker::from(Arc::new(Owner(armed())));
    let mut fired = armed();
    assert!(fired.poll_expired(&mut Context::from_waker(&owner)).is_pending());
    let mut renewed = armed();
    assert!(renewed.poll_expired(&mut Context::from_waker(&owner)).is_pending());
    drop(owner);
    assert!(renewed.poll_expired(&mut Context::from_waker(Waker::noop())).is_pending());
    sleep(2 * SECOND).await;
    let mut dropped = armed();
    let owner = Waker::from(Arc::new(Owner(armed())));
    assert!(dropped.poll_expired(&mut Context::from_waker(&owner)).is_pending());
    drop((owner, dropped));
}

#[test]
fn a_timer_may_be_polled_and_dropped_on_other_threads() {
    let runtime = runtime::Builder::new_multi_thread().worker_threads(2).enable_time().build().unwrap();
    runtime.block_on(async {
        let tasks: Vec<_> = (0..200u64)
            .map(|number| {
                tokio::spawn(async move {
                    let mut timers: Vec<_> = (0..4).map(|_| Timer::new()).collect();
                    for (step, timer) in timers.iter_mut().enumerate() {
                        timer.set(Instant::now() + Duration::from_millis(number % 7 + step as u64));
                        expired(timer).await;
                        assert!(Instant::now() >= timer.deadline().unwrap());
                        timer.set(Instant::now() + 3600 * SECOND);
                        assert!(poll_fn(|cx| Poll::Ready(timer.poll_expired(cx))).await.is_pending());
                        tokio::task::yield_now().await;
                    }
                    timers
                })
            })
            .collect();
        for task in tasks {
            let timers = task.await.unwrap();
            std::thread::spawn(move || drop(timers)).join().unwrap();
        }
    });
}

#[test]
fn the_next_runtime_of_a_thread_gets_its_own_driver() {
    let mut timer = Timer::new();
    for _ in 0..3 {
        current_thread().block_on(async {
            // Left armed on a runtime that ends.
            timer.set(Instant::now() + 3600 * SECOND);
            assert!(poll_fn(|cx| Poll::Ready(timer.poll_expired(cx))).await.is_pending());
            sleep(Duration::from_millis(1)).await;
        });
    }
    current_thread().block_on(async {
        timer.set(Instant::now() + Duration::from_millis(1));
        expired(&mut timer).await;
    });
}

#[test]
fn two_runtimes_take_turns_on_one_thread() {
    let runtimes = [current_thread(), current_thread()];
    for round in 0..6 {
        runtimes[round % 2].block_on(sleep(Duration::from_millis(1)));
    }
    // Moved to a third one without being armed anew, while the first does not run.
    let mut waiting = sleep(Duration::from_millis(20));
    runtimes[0].block_on(async {
        assert!(poll_fn(|cx| Poll::Ready(pin!(&mut waiting).poll(cx))).await.is_pending());
    });
    current_thread().block_on(waiting);
}

#[test]
fn a_thread_that_ends_leaves_its_timers_to_the_runtime() {
    let runtime = runtime::Builder::new_multi_thread().worker_threads(1).enable_time().build().unwrap();
    let handle = runtime.handle().clone();
    let (sender, receiver) = oneshot::channel();
    std::thread::spawn(move || {
        handle.block_on(async move {
            let mut sleep = sleep(Duration::from_millis(30));
            assert!(poll_fn(|cx| Poll::Ready(pin!(&mut sleep).poll(cx))).await.is_pending());
            sender.send(sleep).unwrap();
        });
    })
    .join()
    .unwrap();
    runtime.block_on(async { receiver.await.unwrap().await });
    let tasks = || runtime.metrics().num_alive_tasks();
    // Driver of the other thread: gone once nothing is armed. Driver of this thread: none was needed.
    while tasks() > 0 {
        std::thread::yield_now();
    }
}

#[tokio::test(start_paused = true)]
async fn a_pause_sets_the_wheel_aside_and_resume_takes_it_up() {
    let start = clock::now();
    let before = tokio::spawn(sleep(2 * SECOND));
    tokio::task::yield_now().await;
    gorge_timeout::pause();
    gorge_timeout::pause();
    sleep(SECOND).await;
    gorge_timeout::resume();
    gorge_timeout::resume();
    sleep(SECOND / 2).await;
    before.await.unwrap();
    assert!(clock::now() - start >= 2 * SECOND);
}

#[test]
#[should_panic = "a timeout needs a tokio runtime"]
fn waiting_outside_a_runtime_panics_in_the_caller() {
    let mut sleep = sleep(SECOND);
    let _ = pin!(&mut sleep).poll(&mut Context::from_waker(Waker::noop()));
}

#[test]
#[should_panic = "timers are disabled"]
fn waiting_in_a_runtime_without_time_panics_in_the_caller() {
    runtime::Builder::new_current_thread().build().unwrap().block_on(sleep(SECOND));
}
