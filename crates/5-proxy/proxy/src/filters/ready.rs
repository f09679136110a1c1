//! The ready filters as one type, for chains that are put together at run time.

use std::fmt;

use gorge_error::Result;
use gorge_filter::{BoxFilter, Exchange, Filter, Flow, Hooks, Outcome, Role};
use gorge_http::ResponseHead;

use super::{
    AccessList, BasicAuth, BearerAuth, BodyLimit, Cors, Deadline, ForwardedHeaders, Inflight, Maintenance,
    MethodGuard, NoUpgrade, Redirect, RequestHeaderEdit, RequestId, Respond, ResponseHeaderEdit, Rewrite,
    SecurityHeaders,
};

/// Makes the enum and passes each hook on to what is in it.
macro_rules! ready {
    ($($(#[$doc:meta])* $filter:ident),+ $(,)?) => {
        /// One of the ready filters, or one of the user's own in a box: what a
        /// [route](crate::route::Route) has a list of.
        ///
        /// Calling a ready one takes a `match` and no allocation.
        pub enum Ready<C: Send + 'static = ()> {
            $( $(#[$doc])* $filter($filter), )+
            /// A filter of the user's own.
            Custom(BoxFilter<C>),
        }

        $( impl<C: Send + 'static> From<$filter> for Ready<C> {
            fn from(filter: $filter) -> Self {
                Self::$filter(filter)
            }
        } )+

        impl<C: Send + 'static> Ready<C> {
            /// The hooks it uses.
            #[must_use]
            pub fn hooks(&self) -> Hooks {
                match self {
                    $( Self::$filter(_) => <$filter as Filter<C>>::HOOKS, )+
                    Self::Custom(filter) => filter.hooks(),
                }
            }

            /// What it is for.
            #[must_use]
            pub fn role(&self) -> Role {
                match self {
                    $( Self::$filter(_) => <$filter as Filter<C>>::ROLE, )+
                    Self::Custom(filter) => filter.role(),
                }
            }

            /// Its name, for messages.
            #[must_use]
            pub fn name(&self) -> &'static str {
                match self {
                    $( Self::$filter(_) => stringify!($filter), )+
                    Self::Custom(filter) => filter.name(),
                }
            }

            pub(crate) async fn on_request(&self, x: &mut Exchange<C>) -> Result<Flow> {
                match self {
                    $( Self::$filter(filter) => filter.on_request(x).await, )+
                    Self::Custom(filter) => filter.on_request(x).await,
                }
            }

            pub(crate) async fn on_response(
                &self,
                x: &mut Exchange<C>,
                head: &mut ResponseHead,
            ) -> Result<()> {
                match self {
                    $( Self::$filter(filter) => filter.on_response(x, head).await, )+
                    Self::Custom(filter) => filter.on_response(x, head).await,
                }
            }

            pub(crate) fn on_end(&self, x: &Exchange<C>, end: &Outcome) {
                match self {
                    $( Self::$filter(filter) => filter.on_end(x, end), )+
                    Self::Custom(filter) => filter.on_end(x, end),
                }
            }
        }
    };
}

ready! {
    /// Who may ask, by address.
    AccessList,
    /// Who may ask, by name and password.
    BasicAuth,
    /// Who may ask, by token.
    BearerAuth,
    /// How long a request body may be.
    BodyLimit,
    /// Which pages of other origins may ask.
    Cors,
    /// How long the head of the answer may take.
    Deadline,
    /// Tells the upstream who asks.
    ForwardedHeaders,
    /// How many exchanges run at a time.
    Inflight,
    /// Answers everything with 503 for a while.
    Maintenance,
    /// Which methods are taken.
    MethodGuard,
    /// No WebSocket and no other upgrade.
    NoUpgrade,
    /// Leads somewhere else.
    Redirect,
    /// Changes fields of the request.
    RequestHeaderEdit,
    /// Gives each request a name.
    RequestId,
    /// Answers.
    Respond,
    /// Changes fields of the answer.
    ResponseHeaderEdit,
    /// Changes the path.
    Rewrite,
    /// Tells browsers to be careful.
    SecurityHeaders,
}

impl<C: Send + 'static> fmt::Debug for Ready<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl<C: Send + 'static> From<BoxFilter<C>> for Ready<C> {
    fn from(filter: BoxFilter<C>) -> Self {
        Self::Custom(filter)
    }
}
