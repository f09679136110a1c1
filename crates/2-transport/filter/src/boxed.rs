//! A filter whose type is forgotten, for chains that are put together at run time.

use std::fmt;
use std::future::Future;
use std::pin::Pin;

use gorge_error::Result;
use gorge_http::ResponseHead;

use crate::{Exchange, Filter, Flow, Hooks, Outcome, Role};

/// A filter whose type is forgotten: filters of several types in one list.
///
/// Costs one allocation for each hook it really uses; unused ones are still never called. Chains
/// that are known at compile time need none of this.
pub struct BoxFilter<C: Send + 'static = ()>(Box<dyn Erased<C>>);

type Boxed<'a, T> = Pin<Box<dyn Future<Output = Result<T>> + Send + 'a>>;

/// [`Filter`] with its futures boxed and its constants as values.
trait Erased<C: Send + 'static>: Send + Sync {
    fn hooks(&self) -> Hooks;
    fn role(&self) -> Role;
    fn name(&self) -> &'static str;
    fn on_request<'a>(&'a self, x: &'a mut Exchange<C>) -> Boxed<'a, Flow>;
    fn on_response<'a>(&'a self, x: &'a mut Exchange<C>, head: &'a mut ResponseHead) -> Boxed<'a, ()>;
    fn on_end(&self, x: &Exchange<C>, end: &Outcome);
}

impl<C: Send + 'static, F: Filter<C>> Erased<C> for F {
    fn hooks(&self) -> Hooks {
        F::HOOKS
    }

    fn role(&self) -> Role {
        F::ROLE
    }

    fn name(&self) -> &'static str {
        std::any::type_name::<F>()
    }

    fn on_request<'a>(&'a self, x: &'a mut Exchange<C>) -> Boxed<'a, Flow> {
        Box::pin(Filter::on_request(self, x))
    }

    fn on_response<'a>(&'a self, x: &'a mut Exchange<C>, head: &'a mut ResponseHead) -> Boxed<'a, ()> {
        Box::pin(Filter::on_response(self, x, head))
    }

    fn on_end(&self, x: &Exchange<C>, end: &Outcome) {
        Filter::on_end(self, x, end);
    }
}

impl<C: Send + 'static> BoxFilter<C> {
    /// Forgets the type of `filter`.
    #[must_use]
    pub fn new(filter: impl Filter<C>) -> Self {
        Self(Box::new(filter))
    }

    /// The hooks it uses.
    #[must_use]
    pub fn hooks(&self) -> Hooks {
        self.0.hooks()
    }

    /// What it is for.
    #[must_use]
    pub fn role(&self) -> Role {
        self.0.role()
    }

    /// The name of its type, for messages.
    #[must_use]
    pub fn name(&self) -> &'static str {
        self.0.name()
    }

    /// [`Filter::on_request`].
    ///
    /// # Errors
    /// Those of the filter.
    pub fn on_request<'a>(
        &'a self,
        x: &'a mut Exchange<C>,
    ) -> impl Future<Output = Result<Flow>> + Send + use<'a, C> {
        self.0.on_request(x)
    }

    /// [`Filter::on_response`].
    ///
    /// # Errors
    /// Those of the filter.
    pub fn on_response<'a>(
        &'a self,
        x: &'a mut Exchange<C>,
        head: &'a mut ResponseHead,
    ) -> impl Future<Output = Result<()>> + Send + use<'a, C> {
        self.0.on_response(x, head)
    }

    /// [`Filter::on_end`].
    pub fn on_end(&self, x: &Exchange<C>, end: &Outcome) {
        self.0.on_end(x, end);
    }
}

impl<C: Send + 'static> fmt::Debug for BoxFilter<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("BoxFilter").field(&self.name()).finish()
    }
}
