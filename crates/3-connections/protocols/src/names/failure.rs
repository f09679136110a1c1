//! Why a name has no addresses, as a value that several who wait for one lookup can have.

use std::sync::Arc;

use gorge_error::{Error, Kind, Retryable};

/// A lookup without a result.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Failure {
    pub(crate) why: Why,
    /// Names the name, and what was heard of it.
    pub(crate) text: Arc<str>,
}

/// What kind of failure: an answer that there is nothing, or no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Why {
    /// More lookups run than names are remembered.
    Busy,
    /// The name has no record of this kind, or does not exist: an answer, and as good as another.
    Nothing,
    /// Nobody answered, or not with an answer.
    Unanswered,
}

impl Failure {
    pub(crate) fn new(why: Why, text: impl Into<Arc<str>>) -> Self {
        Failure { why, text: text.into() }
    }

    /// The lookup ended without saying anything: its task is gone.
    pub(crate) fn abandoned(name: &str) -> Self {
        Failure::new(Why::Unanswered, format!("{name}: the lookup was broken off"))
    }

    pub(crate) fn busy(name: &str) -> Self {
        Failure::new(Why::Busy, format!("{name}: too many names are being looked up"))
    }

    pub(crate) fn not_a_name(name: &str) -> Self {
        Failure::new(Why::Nothing, format!("{} is not a host name", name.escape_debug()))
    }

    /// The upstream's fault, except for what we refuse to do; nothing was sent, so another attempt
    /// is safe.
    pub(crate) fn into_error(self) -> Error {
        let text = self.text.to_string();
        match self.why {
            Why::Busy => Error::explain(Kind::Overload, text).into_internal().retryable(Retryable::No),
            Why::Nothing | Why::Unanswered => {
                Error::explain(Kind::NameNotFound, text).into_upstream().retryable(Retryable::Yes)
            }
        }
    }
}
