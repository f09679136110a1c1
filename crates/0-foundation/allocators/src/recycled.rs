//! A box whose memory is recycled by the thread.

use std::alloc::Layout;
use std::fmt;
use std::future::Future;
use std::marker::PhantomData;
use std::mem::ManuallyDrop;
use std::ops::{Deref, DerefMut};
use std::pin::Pin;
use std::ptr::NonNull;
use std::task::{Context, Poll};

use crate::blocks;

/// A box whose memory comes from, and goes back to, a free list of the thread, by layout.
///
/// After warm-up making and dropping one allocates nothing, as long as about as many are dropped on a thread as are made
/// there. It may be dropped on another thread, whose list then takes the memory. Each list is bounded
/// ([`blocks::KEPT`]). `Send` and `Sync` if `T` is.
pub struct Recycled<T: ?Sized> {
    value: NonNull<T>,
    /// Owns a `T`, for the drop check and for variance.
    owns: PhantomData<T>,
}

/// A pinned future behind a pointer, of any type, in recycled memory.
pub type RecycledFuture<'a, T> = Pin<Recycled<dyn Future<Output = T> + Send + 'a>>;

// SAFETY: a `Recycled` owns its value and nothing else; its memory belongs to the global allocator, which is thread-safe.
unsafe impl<T: ?Sized + Send> Send for Recycled<T> {}
// SAFETY: as above, a shared reference gives out shared references to the value only.
unsafe impl<T: ?Sized + Sync> Sync for Recycled<T> {}
/// Moving the box does not move the value.
impl<T: ?Sized> Unpin for Recycled<T> {}

impl<T> Recycled<T> {
    /// Moves `value` into recycled memory.
    pub fn new(value: T) -> Self {
        let layout = Layout::new::<T>();
        let memory = if layout.size() == 0 { NonNull::dangling() } else { blocks::take(layout).cast::<T>() };
        // SAFETY: `memory` is a block of this layout that nobody else has, or `T` has no size and any aligned pointer will do.
        unsafe { memory.write(value) };
        Recycled { value: memory, owns: PhantomData }
    }

    /// Moves `value` into recycled memory and pins it there.
    pub fn pin(value: T) -> Pin<Self> {
        Recycled::new(value).into_pin()
    }

    /// Moves the value out again; the memory is recycled.
    pub fn into_inner(self) -> T {
        let this = ManuallyDrop::new(self);
        // SAFETY: the value is initialised and, `this` never being dropped, read exactly once.
        let value = unsafe { this.value.read() };
        // SAFETY: the memory came from `new` with this layout, and the value has left it.
        unsafe { recycle(this.value, Layout::new::<T>()) };
        value
    }
}

impl<T: ?Sized> Recycled<T> {
    /// Pins the value, which stays where it is.
    pub fn into_pin(self) -> Pin<Self> {
        // SAFETY: the value lives in memory of its own that is not reused before the value is dropped, and `Pin` gives
        // out neither the box nor a `&mut T` from which it could be moved.
        unsafe { Pin::new_unchecked(self) }
    }
}

impl<'a, T> Recycled<dyn Future<Output = T> + Send + 'a> {
    /// Pins a future in recycled memory and forgets its type: what `Box::pin` would do, without the allocation.
    pub fn future(future: impl Future<Output = T> + Send + 'a) -> RecycledFuture<'a, T> {
        let typed = ManuallyDrop::new(Recycled::new(future));
        let value: NonNull<dyn Future<Output = T> + Send + 'a> = typed.value;
        Recycled { value, owns: PhantomData }.into_pin()
    }
}

/// # Safety
/// `memory` came from `Recycled::new` for a value of this layout, which is gone.
unsafe fn recycle<T: ?Sized>(memory: NonNull<T>, layout: Layout) {
    if layout.size() != 0 {
        // SAFETY: by contract; `new` took a block for every layout that has a size.
        unsafe { blocks::give(memory.cast(), layout) };
    }
}

impl<T: ?Sized> Drop for Recycled<T> {
    fn drop(&mut self) {
        /// Gives the memory back even if dropping the value panics.
        struct Guard<T: ?Sized>(NonNull<T>, Layout);
        impl<T: ?Sized> Drop for Guard<T> {
            fn drop(&mut self) {
                // SAFETY: made below, for the memory of a `Recycled` whose value has just been dropped.
                unsafe { recycle(self.0, self.1) };
            }
        }
        // The layout of a `dyn` value is read before it is dropped.
        let guard = Guard(self.value, Layout::for_value::<T>(self));
        // SAFETY: the value is initialised, and after `drop` nobody reaches it.
        unsafe { guard.0.drop_in_place() };
    }
}

impl<T: ?Sized> Deref for Recycled<T> {
    type Target = T;

    fn deref(&self) -> &T {
        // SAFETY: the value is initialised and ours for as long as `self` lives.
        unsafe { self.value.as_ref() }
    }
}

impl<T: ?Sized> DerefMut for Recycled<T> {
    fn deref_mut(&mut self) -> &mut T {
        // SAFETY: as in `deref`, and `self` is borrowed exclusively.
        unsafe { self.value.as_mut() }
    }
}

impl<F: Future + Unpin + ?Sized> Future for Recycled<F> {
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        Pin::new(&mut **self).poll(cx)
    }
}

impl<T: fmt::Debug + ?Sized> fmt::Debug for Recycled<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&**self, f)
    }
}

impl<T> From<T> for Recycled<T> {
    fn from(value: T) -> Self {
        Recycled::new(value)
    }
}

impl<T: Default> Default for Recycled<T> {
    fn default() -> Self {
        Recycled::new(T::default())
    }
}
