//! The pieces a proxy is made of, as one type parameter.

use std::marker::PhantomData;

use gorge_filter::{ErrorPages, Observer};
use gorge_upstream::Upstream;

use crate::chain::Chain;

/// What the user of the builder put together. One trait instead of six type parameters everywhere.
pub(crate) trait App: Send + Sync + 'static {
    type Context: Default + Send + 'static;
    type Downstream: Chain<Self::Context>;
    type Inner: Chain<Self::Context>;
    type Upstream: Upstream<Self::Context>;
    type Observer: Observer<Self::Context>;
    type Pages: ErrorPages<Self::Context>;

    /// The filters that see each exchange once.
    fn downstream(&self) -> &Self::Downstream;
    /// The filters that see each attempt.
    fn inner(&self) -> &Self::Inner;
    fn upstream(&self) -> &Self::Upstream;
    fn observer(&self) -> &Self::Observer;
    fn pages(&self) -> &Self::Pages;
}

/// The only implementation.
pub(crate) struct Parts<C, D, I, U, O, E> {
    pub(crate) downstream: D,
    pub(crate) inner: I,
    pub(crate) upstream: U,
    pub(crate) observer: O,
    pub(crate) pages: E,
    pub(crate) context: PhantomData<fn() -> C>,
}

impl<C, D, I, U, O, E> App for Parts<C, D, I, U, O, E>
where
    C: Default + Send + 'static,
    D: Chain<C>,
    I: Chain<C>,
    U: Upstream<C>,
    O: Observer<C>,
    E: ErrorPages<C>,
{
    type Context = C;
    type Downstream = D;
    type Inner = I;
    type Upstream = U;
    type Observer = O;
    type Pages = E;

    fn downstream(&self) -> &D {
        &self.downstream
    }
    fn inner(&self) -> &I {
        &self.inner
    }
    fn upstream(&self) -> &U {
        &self.upstream
    }
    fn observer(&self) -> &O {
        &self.observer
    }
    fn pages(&self) -> &E {
        &self.pages
    }
}
