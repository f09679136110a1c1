//! Which filter refused, so that it alone adds what its answer must say.

use std::marker::PhantomData;

use gorge_filter::Exchange;

/// Set by a filter of type `F` that refuses. Such a one is the innermost that was entered, so it is also
/// the first to see the answer, and whoever takes the mark is the one who left it.
struct Refused<F>(PhantomData<fn() -> F>);

/// Leaves the mark.
pub(super) fn mark<F: 'static, C>(x: &mut Exchange<C>) {
    x.set(Refused::<F>(PhantomData));
}

/// Whether there was one; it is gone then.
pub(super) fn take<F: 'static, C>(x: &mut Exchange<C>) -> bool {
    x.take::<Refused<F>>().is_some()
}
