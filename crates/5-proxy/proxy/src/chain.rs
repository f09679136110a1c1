//! Filters one behind the other, as one type.

use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};

use gorge_error::Result;
use gorge_filter::{Event, Exchange, Filter, Flow, Hooks, Observer, Outcome, Role};
use gorge_http::ResponseHead;

/// How far an exchange went into a chain.
#[derive(Clone, Copy, Debug, Default)]
pub struct Entered {
    /// Filters whose `on_request` was reached: these see `on_end`.
    seen: usize,
    /// Filters that have not yet seen the response, from the outermost on.
    pub(crate) waiting: usize,
    /// The same of the filters of the route.
    routed_seen: usize,
    routed_waiting: usize,
}

impl Entered {
    pub(crate) fn enter(&mut self, depth: usize) {
        // Of several attempts the one that got furthest counts: `on_end` comes once for each filter.
        self.seen = self.seen.max(depth);
        self.waiting = depth;
    }

    /// All that were entered see another response.
    pub(crate) fn restart(&mut self) {
        self.waiting = self.seen;
        self.routed_waiting = self.routed_seen;
    }

    /// As [`enter`](Self::enter), among the filters of the route.
    pub(crate) fn enter_routed(&mut self, depth: usize) {
        self.routed_seen = depth;
        self.routed_waiting = depth;
    }

    /// The innermost filter of the route that has not yet seen the response; it has from now on.
    pub(crate) fn leave_routed(&mut self) -> Option<usize> {
        self.routed_waiting = self.routed_waiting.checked_sub(1)?;
        Some(self.routed_waiting)
    }

    /// How many filters of the route were entered.
    pub(crate) fn routed(&self) -> usize {
        self.routed_seen
    }

    /// No filter sees the response any more; all still see the end.
    pub(crate) fn forget(&mut self) {
        self.waiting = 0;
    }

    /// For another exchange.
    pub(crate) fn reset(&mut self) {
        *self = Self::default();
    }
}

/// A chain of filters, known at compile time: no box and no virtual call between them.
///
/// Implemented by `()` and [`Then`]; [`Builder`](crate::Builder) makes them.
pub trait Chain<C: Send + 'static>: Send + Sync + 'static {
    /// How many filters there are.
    const LEN: usize;

    /// Runs the request through, in order, until a filter answers or fails.
    fn on_request(
        &self,
        x: &mut Exchange<C>,
        entered: &mut Entered,
    ) -> impl Future<Output = Result<Flow>> + Send;

    /// Runs the response through those entered, in reverse. After an error the rest still waits, so
    /// that the answer to the error can be run through it.
    fn on_response(
        &self,
        x: &mut Exchange<C>,
        head: &mut ResponseHead,
        entered: &mut Entered,
    ) -> impl Future<Output = Result<()>> + Send;

    /// Tells all that were entered that it is over. Returns how many of them panicked at that, which
    /// keeps it from no other.
    fn on_end(&self, x: &Exchange<C>, end: &Outcome, entered: Entered) -> u64;

    /// The roles and type names, in order.
    fn roles(&self, out: &mut Vec<(Role, &'static str)>);
}

impl<C: Send + 'static> Chain<C> for () {
    const LEN: usize = 0;

    async fn on_request(&self, _: &mut Exchange<C>, _: &mut Entered) -> Result<Flow> {
        Ok(Flow::Continue)
    }

    async fn on_response(&self, _: &mut Exchange<C>, _: &mut ResponseHead, _: &mut Entered) -> Result<()> {
        Ok(())
    }

    fn on_end(&self, _: &Exchange<C>, _: &Outcome, _: Entered) -> u64 {
        0
    }

    fn roles(&self, _: &mut Vec<(Role, &'static str)>) {}
}

/// A chain and one more filter behind it.
#[derive(Debug)]
pub struct Then<R, F> {
    pub(crate) rest: R,
    pub(crate) filter: F,
}

impl<C: Send + 'static, R: Chain<C>, F: Filter<C>> Chain<C> for Then<R, F> {
    const LEN: usize = R::LEN + 1;

    async fn on_request(&self, x: &mut Exchange<C>, entered: &mut Entered) -> Result<Flow> {
        if R::LEN > 0 {
            match self.rest.on_request(x, entered).await? {
                Flow::Continue => {}
                respond @ Flow::Respond(_) => return Ok(respond),
            }
        }
        entered.enter(Self::LEN);
        if F::HOOKS.has(Hooks::REQUEST) { self.filter.on_request(x).await } else { Ok(Flow::Continue) }
    }

    async fn on_response(
        &self,
        x: &mut Exchange<C>,
        head: &mut ResponseHead,
        entered: &mut Entered,
    ) -> Result<()> {
        if entered.waiting == Self::LEN {
            entered.waiting = R::LEN;
            if F::HOOKS.has(Hooks::RESPONSE) {
                self.filter.on_response(x, head).await?;
            }
        }
        if R::LEN > 0 { self.rest.on_response(x, head, entered).await } else { Ok(()) }
    }

    fn on_end(&self, x: &Exchange<C>, end: &Outcome, entered: Entered) -> u64 {
        let told = entered.seen >= Self::LEN && F::HOOKS.has(Hooks::END);
        let panicked = told && panics(|| self.filter.on_end(x, end));
        u64::from(panicked) + self.rest.on_end(x, end, entered)
    }

    fn roles(&self, out: &mut Vec<(Role, &'static str)>) {
        self.rest.roles(out);
        out.push((F::ROLE, std::any::type_name::<F>()));
    }
}

/// Calls `code` and contains its panic: true if there was one.
pub(crate) fn panics(code: impl FnOnce()) -> bool {
    catch_unwind(AssertUnwindSafe(code)).is_err()
}

/// Two observers as one; `()` is none.
#[derive(Debug)]
pub struct Both<A, B>(pub(crate) A, pub(crate) B);

impl<C, A: Observer<C>, B: Observer<C>> Observer<C> for Both<A, B> {
    #[inline]
    fn event(&self, x: &Exchange<C>, event: &Event<'_>) {
        self.0.event(x, event);
        self.1.event(x, event);
    }
}

/// Sees nothing.
#[derive(Clone, Copy, Debug, Default)]
pub struct Unobserved;

impl<C> Observer<C> for Unobserved {
    #[inline]
    fn event(&self, _: &Exchange<C>, _: &Event<'_>) {}
}
