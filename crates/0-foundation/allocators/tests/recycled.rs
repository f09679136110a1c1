//! Recycled boxes: no allocation after warm-up, every value dropped once, on whatever thread.

use std::cell::Cell;
use std::future::{Future, ready};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use gorge_allocators::{Recycled, RecycledFuture, blocks};
use gorge_test_util::AllocationCounter;

#[global_allocator]
static ALLOCATOR: AllocationCounter = AllocationCounter::new();

fn now<F: Future>(future: F) -> F::Output {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(output) => output,
        Poll::Pending => panic!("the future is not ready"),
    }
}

#[test]
fn allocates_nothing_after_warm_up() {
    let cycle = || {
        let held: [_; 8] = std::array::from_fn(|n| Recycled::new([n; 40]));
        let other = Recycled::new(7_u8);
        assert_eq!(held.iter().map(|value| value[39]).sum::<usize>() + usize::from(*other), 35);
        now(Recycled::pin(async { ready(1).await }))
    };
    cycle();
    assert_eq!(ALLOCATOR.of_thread(|| (0..1000).map(|_| cycle()).sum::<i32>()), (0, 1000));
}

#[test]
fn erased_futures_allocate_nothing_after_warm_up() {
    fn erased<'a>(text: &'a str, long: bool) -> RecycledFuture<'a, usize> {
        match long {
            true => Recycled::future(async move { text.len() * 2 }),
            false => Recycled::future(ready(text.len())),
        }
    }
    let text = String::from("four");
    let cycle = || now(erased(&text, false)) + now(erased(&text, true));
    cycle();
    assert_eq!(ALLOCATOR.of_thread(|| (0..1000).map(|_| cycle()).sum::<usize>()), (0, 12_000));
}

#[test]
fn pinned_future_keeps_its_place_across_polls() {
    struct Once(Option<*const Once>);
    impl Future for Once {
        type Output = bool;
        fn poll(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<bool> {
            let here = &*self as *const Once;
            match self.0 {
                Some(before) => Poll::Ready(before == here),
                None => {
                    self.0 = Some(here);
                    Poll::Pending
                }
            }
        }
    }
    let mut cx = Context::from_waker(Waker::noop());
    let mut future = Recycled::pin(Once(None));
    assert!(future.as_mut().poll(&mut cx).is_pending());
    let mut moved = Some(future);
    let future = moved.as_mut().unwrap();
    assert_eq!(future.as_mut().poll(&mut cx), Poll::Ready(true));
}

#[test]
fn drops_each_value_once() {
    let value = Rc::new(());
    let boxed: Vec<_> = (0..10).map(|_| Recycled::new(value.clone())).collect();
    assert_eq!(Rc::strong_count(&value), 11);
    let out: Vec<_> = boxed.into_iter().map(Recycled::into_inner).collect();
    assert_eq!(Rc::strong_count(&value), 11);
    drop(out);
    drop(Recycled::new(value.clone()));
    assert_eq!(Rc::strong_count(&value), 1);
}

#[test]
fn recycles_even_if_dropping_the_value_panics() {
    struct Panics([u64; 9]);
    impl Drop for Panics {
        fn drop(&mut self) {
            panic!("dropped {}", self.0[0]);
        }
    }
    blocks::shrink();
    let value = Recycled::new(Panics([3; 9]));
    assert!(catch_unwind(AssertUnwindSafe(|| drop(value))).is_err());
    assert_eq!(blocks::idle(), 1);
}

#[test]
fn values_without_size_take_no_memory() {
    thread_local!(static DROPPED: Cell<u32> = const { Cell::new(0) });
    struct Nothing;
    impl Drop for Nothing {
        fn drop(&mut self) {
            DROPPED.set(DROPPED.get() + 1);
        }
    }
    let (made, ()) = ALLOCATOR.of_thread(|| drop(Recycled::new(Nothing)));
    assert_eq!((made, DROPPED.get()), (0, 1));
}

#[test]
fn keeps_large_alignments() {
    #[repr(align(256))]
    struct Wide(u8);
    for n in 0..4 {
        let value = Recycled::new(Wide(n));
        assert_eq!((&raw const *value).addr() % 256, 0);
        assert_eq!(value.0, n);
    }
}

#[test]
fn may_be_dropped_on_another_thread() {
    let counted = Arc::new(());
    let made: Vec<_> = (0..1000).map(|n| Recycled::new((counted.clone(), n))).collect();
    std::thread::spawn(move || {
        drop(made);
        // What the other thread made is now this one's to use, up to the bound.
        assert_eq!(blocks::idle(), blocks::KEPT);
    })
    .join()
    .unwrap();
    assert_eq!(Arc::strong_count(&counted), 1);
}

#[test]
fn may_be_made_and_dropped_while_a_thread_ends() {
    struct AtEnd(Option<Recycled<u64>>);
    impl Drop for AtEnd {
        fn drop(&mut self) {
            drop(Recycled::new(self.0.take()));
        }
    }
    thread_local!(static LATE: Cell<Option<AtEnd>> = const { Cell::new(None) });
    std::thread::spawn(|| {
        LATE.set(Some(AtEnd(Some(Recycled::new(5)))));
        drop(Recycled::new(6_u64));
    })
    .join()
    .unwrap();
}

#[test]
fn is_one_pointer_wide_and_as_thread_safe_as_its_value() {
    fn send_sync<T: Send + Sync + Unpin>() {}
    send_sync::<Recycled<u8>>();
    fn send<T: Send>() {}
    send::<Recycled<Cell<u8>>>();
    send::<RecycledFuture<'static, ()>>();
    assert_eq!(size_of::<Recycled<[u8; 100]>>(), size_of::<usize>());
    assert_eq!(size_of::<Option<Recycled<[u8; 100]>>>(), size_of::<usize>());
}
