//! One wheel per thread, and the task that turns it.
//!
//! The first deadline armed on a thread makes its wheel, and a driver task on the runtime that is
//! current then. The driver sleeps until the wheel's next deadline and no shorter than that: an
//! earlier deadline wakes it, a later one does not, and with nothing armed it does not run at all.
//! A thread may serve several runtimes one after the other; each that arms something gets a driver
//! of its own on the same wheel, for a runtime that is not running at the moment turns nothing.

use std::{
    cell::RefCell,
    future::Future,
    mem,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, Waker},
    time::Instant,
};

use parking_lot::{Mutex, MutexGuard};
use tokio::{
    runtime::{self, Handle},
    time::Sleep,
};

use crate::{Key, Wheel, clock};

/// A deadline on some thread's wheel; dropping it disarms.
pub(crate) struct Armed {
    wheel: Arc<Shared>,
    key: Key,
    at: Instant,
}

/// What became of an [`Armed`].
pub(crate) enum Status {
    /// It will wake the task.
    Waiting,
    /// Its deadline has passed.
    Fired,
    /// The runtime that would have fired it is gone.
    Lost,
}

impl Armed {
    /// Arms `at` on this thread's wheel, for `waker`.
    ///
    /// # Panics
    /// Outside a tokio runtime, and in one without time enabled.
    pub(crate) fn new(at: Instant, waker: &Waker) -> Self {
        let wheel = local();
        let waker = waker.clone();
        let mut state = wheel.0.lock();
        let recruit = state.recruit();
        let key = state.wheel.insert(at, waker);
        announce(state);
        Recruit::start(recruit, &wheel);
        Self { wheel, key, at }
    }

    /// The deadline that is armed.
    pub(crate) fn at(&self) -> Instant {
        self.at
    }

    /// Sees to it that `waker` is woken at `deadline`, or at the armed one if that is earlier.
    pub(crate) fn refresh(&mut self, deadline: Instant, waker: &Waker) -> Status {
        let mut state = self.wheel.0.lock();
        let attended = !state.drivers.is_empty();
        let Some(current) = state.wheel.get_mut(self.key) else {
            return Status::Fired;
        };
        if !attended {
            return Status::Lost;
        }
        let stale = (!current.will_wake(waker)).then(|| mem::replace(current, waker.clone()));
        if stale.is_none() && self.at <= deadline {
            return Status::Waiting;
        }
        if deadline < self.at {
            state.wheel.reset(self.key, deadline);
            self.at = deadline;
        }
        // Another task may mean another runtime.
        let recruit = state.recruit();
        announce(state);
        Recruit::start(recruit, &self.wheel);
        // Only here, without the lock: the last waker of a task frees it, and a timer with it.
        drop(stale);
        Status::Waiting
    }
}

impl Drop for Armed {
    fn drop(&mut self) {
        let waker = self.wheel.0.lock().wheel.cancel(self.key);
        // Only here, without the lock, for the reason given in `refresh`.
        drop(waker);
    }
}

/// The wheel of one thread. Others come in to cancel or renew what was armed there.
struct Shared(Mutex<State>);

struct State {
    wheel: Wheel<Waker>,
    /// One per runtime that arms here: as good as always one.
    drivers: Vec<Seat>,
    /// The thread is gone: drivers leave once nothing is armed.
    orphan: bool,
}

/// What a wheel knows of a driver.
struct Seat {
    runtime: runtime::Id,
    /// `None` until the driver runs for the first time.
    waker: Option<Waker>,
    /// What it sleeps for; `None`: until it is woken.
    until: Option<Instant>,
}

impl State {
    /// A driver to be started if the current runtime has none on this wheel.
    ///
    /// # Panics
    /// Without a runtime, current or with a driver here, that could fire a deadline.
    fn recruit(&mut self) -> Option<Recruit> {
        let handle = match Handle::try_current() {
            Ok(handle) => handle,
            Err(_) if !self.drivers.is_empty() => return None,
            Err(error) => panic!("a timeout needs a tokio runtime: {error}"),
        };
        let runtime = handle.id();
        if self.drivers.iter().any(|seat| seat.runtime == runtime) {
            return None;
        }
        // Made here rather than in the task, so that a runtime without time panics in the caller.
        let sleep = Box::pin(tokio::time::sleep_until(tokio::time::Instant::now()));
        self.drivers.push(Seat { runtime, waker: None, until: None });
        Some(Recruit { handle, sleep })
    }
}

/// Wakes the drivers that would sleep beyond the next deadline.
fn announce(mut state: MutexGuard<'_, State>) {
    let Some(next) = state.wheel.next_deadline() else { return };
    let late = |seat: &&mut Seat| seat.waker.is_some() && seat.until.is_none_or(|until| until > next);
    while let Some(seat) = state.drivers.iter_mut().find(late) {
        seat.until = Some(next);
        let waker = seat.waker.clone();
        MutexGuard::unlocked(&mut state, || waker.map(Waker::wake));
    }
}

struct Recruit {
    handle: Handle,
    sleep: Pin<Box<Sleep>>,
}

impl Recruit {
    /// To be called without the lock: a runtime that is shutting down drops the driver at once.
    fn start(recruit: Option<Self>, wheel: &Arc<Shared>) {
        if let Some(Self { handle, sleep }) = recruit {
            let (wheel, runtime) = (wheel.clone(), handle.id());
            handle.spawn(Driver { wheel, runtime, sleep, due: Vec::new() });
        }
    }
}

/// The task that turns a wheel while its runtime runs.
struct Driver {
    wheel: Arc<Shared>,
    runtime: runtime::Id,
    sleep: Pin<Box<Sleep>>,
    /// Filled under the lock, woken outside it; kept for its memory.
    due: Vec<Waker>,
}

/// What a driver does next.
enum Next {
    Leave,
    Sleep(Instant),
    Wait,
}

impl Driver {
    /// Fires what is due.
    fn turn(&mut self, waker: &Waker) -> Next {
        let now = clock::exact();
        let mut state = self.wheel.0.lock();
        let State { wheel, drivers, orphan } = &mut *state;
        wheel.advance(now, &mut self.due);
        let leave = *orphan && wheel.is_empty();
        let until = wheel.next_deadline();
        let mut stale = None;
        if let Some(seat) = drivers.iter_mut().find(|seat| seat.runtime == self.runtime) {
            seat.until = until;
            if !seat.waker.as_ref().is_some_and(|known| known.will_wake(waker)) {
                stale = seat.waker.replace(waker.clone());
            }
        }
        drop(state);
        drop(stale);
        self.due.drain(..).for_each(Waker::wake);
        match until {
            _ if leave => Next::Leave,
            Some(until) => Next::Sleep(until),
            None => Next::Wait,
        }
    }
}

impl Future for Driver {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        loop {
            match self.turn(cx.waker()) {
                Next::Leave => return Poll::Ready(()),
                Next::Wait => return Poll::Pending,
                Next::Sleep(until) => {
                    let until = tokio::time::Instant::from_std(until);
                    if self.sleep.deadline() != until {
                        self.sleep.as_mut().reset(until);
                    }
                    if self.sleep.as_mut().poll(cx).is_pending() {
                        return Poll::Pending;
                    }
                }
            }
        }
    }
}

impl Drop for Driver {
    fn drop(&mut self) {
        let mut state = self.wheel.0.lock();
        let seat = state.drivers.iter().position(|seat| seat.runtime == self.runtime);
        let seat = seat.map(|index| state.drivers.swap_remove(index));
        drop(state);
        // Only here, without the lock: it holds a waker.
        drop(seat);
    }
}

struct Local {
    wheel: RefCell<Option<Arc<Shared>>>,
    /// Set aside by [`pause`].
    aside: RefCell<Option<Arc<Shared>>>,
}

thread_local! {
    static LOCAL: Local = const { Local { wheel: RefCell::new(None), aside: RefCell::new(None) } };
}

/// This thread's wheel, made on first use.
fn local() -> Arc<Shared> {
    LOCAL
        .try_with(|local| local.wheel.borrow_mut().get_or_insert_with(|| Shared::new(false)).clone())
        // The thread is ending: a wheel for this one deadline, which nobody will find again.
        .unwrap_or_else(|_| Shared::new(true))
}

impl Shared {
    fn new(orphan: bool) -> Arc<Self> {
        let wheel = Wheel::new(clock::exact());
        Arc::new(Self(Mutex::new(State { wheel, drivers: Vec::new(), orphan })))
    }

    /// No thread will arm here again: the drivers leave as soon as nothing is armed.
    fn retire(&self) {
        let mut state = self.0.lock();
        state.orphan = true;
        let wakers: Vec<_> = state.drivers.iter().filter_map(|seat| seat.waker.clone()).collect();
        drop(state);
        wakers.into_iter().for_each(Waker::wake);
    }
}

impl Drop for Local {
    fn drop(&mut self) {
        for wheel in [&self.wheel, &self.aside] {
            if let Some(wheel) = wheel.take() {
                wheel.retire();
            }
        }
    }
}

/// Makes it safe to fork this process from this thread: sets the thread's wheel aside.
///
/// A child of `fork` has only the thread that called it. If another thread was just cancelling a
/// timer of this thread's wheel, the wheel would stay locked in the child for ever. After `pause`
/// the child starts with a wheel of its own. It must not poll or drop timers armed before (exit with
/// `_exit`, or replace the program); new ones are fine, on a new runtime. Before its first deadline a
/// thread has no wheel, and a fork needs no pause.
///
/// In the parent, call [`resume`] after the fork; timers armed before go on as if nothing had been.
pub fn pause() {
    LOCAL.with(|local| {
        let (wheel, mut aside) = (local.wheel.take(), local.aside.borrow_mut());
        match wheel {
            Some(wheel) if aside.is_some() => wheel.retire(),
            Some(wheel) => *aside = Some(wheel),
            None => {}
        }
    });
}

/// Takes up again what [`pause`] set aside; without a pause it does nothing.
pub fn resume() {
    LOCAL.with(|local| {
        let Some(wheel) = local.aside.take() else { return };
        if let Some(between) = local.wheel.replace(Some(wheel)) {
            between.retire();
        }
    });
}

#[cfg(test)]
mod tests {
    use std::{
        sync::atomic::{AtomicUsize, Ordering},
        task::Wake,
        time::Duration,
    };

    use super::*;

    #[derive(Default)]
    struct Count(AtomicUsize);

    impl Wake for Count {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Takes the place of the runtime: polls the driver by hand and counts what wakes it.
    struct Seated {
        driver: Driver,
        count: Arc<Count>,
        waker: Waker,
    }

    impl Seated {
        fn new() -> Self {
            let wheel = local();
            let Recruit { handle, sleep } = wheel.0.lock().recruit().unwrap();
            let count = Arc::new(Count::default());
            let waker = Waker::from(count.clone());
            let driver = Driver { wheel, runtime: handle.id(), sleep, due: Vec::new() };
            let mut seated = Self { driver, count, waker };
            assert!(seated.poll().is_pending());
            seated
        }

        fn poll(&mut self) -> Poll<()> {
            Pin::new(&mut self.driver).poll(&mut Context::from_waker(&self.waker))
        }

        fn wakes(&self) -> usize {
            self.count.0.swap(0, Ordering::Relaxed)
        }
    }

    fn arm(seconds: u64) -> Armed {
        Armed::new(clock::exact() + Duration::from_secs(seconds), Waker::noop())
    }

    #[tokio::test(start_paused = true)]
    async fn only_an_earlier_deadline_wakes_the_driver() {
        let mut driver = Seated::new();
        assert_eq!(driver.wakes(), 0);
        let first = arm(100);
        assert_eq!(driver.wakes(), 1);
        // Told once, it needs not be told again before it has run.
        let others: Vec<_> = (100..200).map(arm).collect();
        assert!(driver.poll().is_pending());
        drop((others, arm(100), arm(101)));
        assert_eq!(driver.wakes(), 0);
        let mut earlier = arm(50);
        assert_eq!(driver.wakes(), 1);
        assert!(driver.poll().is_pending());
        let at = earlier.at() - Duration::from_secs(20);
        assert!(matches!(earlier.refresh(at, Waker::noop()), Status::Waiting));
        assert_eq!(driver.wakes(), 1);
        drop((first, earlier));
        assert_eq!(driver.wakes(), 0);
    }

    #[tokio::test(start_paused = true)]
    async fn a_driver_sleeps_until_the_deadline_and_not_in_between() {
        let mut driver = Seated::new();
        // Far enough to lie on an upper level, where entries move down on their way.
        let _armed = arm(3600);
        assert!(driver.poll().is_pending());
        driver.wakes();
        tokio::time::sleep(Duration::from_secs(3599)).await;
        assert_eq!(driver.wakes(), 0);
        tokio::time::sleep(Duration::from_secs(2)).await;
        assert_eq!(driver.wakes(), 1);
        assert!(driver.poll().is_pending());
        tokio::time::sleep(Duration::from_secs(86_400)).await;
        assert_eq!(driver.wakes(), 0);
    }

    #[tokio::test(start_paused = true)]
    async fn a_driver_leaves_a_retired_wheel_when_nothing_is_armed() {
        let mut driver = Seated::new();
        let armed = arm(10);
        driver.wakes();
        driver.driver.wheel.retire();
        assert_eq!(driver.wakes(), 1);
        assert!(driver.poll().is_pending());
        drop(armed);
        assert!(driver.poll().is_ready());
    }

    #[tokio::test(start_paused = true)]
    async fn a_deadline_is_lost_with_its_last_driver() {
        let driver = Seated::new();
        let mut armed = arm(10);
        let at = armed.at();
        drop(driver);
        assert!(matches!(armed.refresh(at, Waker::noop()), Status::Lost));
    }
}
