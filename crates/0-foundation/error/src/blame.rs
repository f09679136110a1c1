//! The two axes beside the kind: whose fault it is, and whether another attempt is safe.

use std::fmt;

/// Whose fault an error is. Decides the status of the answer, the log line and the counter.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Hash)]
pub enum Fault {
    /// Nobody said yet. The default.
    #[default]
    Unset,
    /// The client side.
    Downstream,
    /// The origin side.
    Upstream,
    /// The proxy itself, or code that runs inside it.
    Internal,
}

impl Fault {
    /// The word for logs and metric labels.
    pub const fn name(self) -> &'static str {
        match self {
            Fault::Unset => "unset",
            Fault::Downstream => "downstream",
            Fault::Upstream => "upstream",
            Fault::Internal => "internal",
        }
    }

    /// The column of this fault in the tables of [`Kind`](crate::Kind).
    pub(crate) const fn column(self) -> usize {
        match self {
            Fault::Unset => 0,
            Fault::Downstream => 1,
            Fault::Upstream => 2,
            Fault::Internal => 3,
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// Whether the attempt that failed may be made again, as far as the failure itself tells.
///
/// The method and the body of the request have their own say; this is only the verdict of the place that failed.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Hash)]
pub enum Retryable {
    /// Nothing of the request can have been acted on.
    Yes,
    /// It may have been acted on, or nobody decided. The default.
    #[default]
    No,
    /// Only if the connection had been used before: it was probably closed while idle.
    IfReused,
}

impl Retryable {
    /// The verdict once it is known whether the connection had been `reused`.
    pub const fn allows(self, reused: bool) -> bool {
        match self {
            Retryable::Yes => true,
            Retryable::No => false,
            Retryable::IfReused => reused,
        }
    }
}
