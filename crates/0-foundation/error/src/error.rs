//! The error type itself.

use std::any::Any;
use std::error::Error as StdError;
use std::fmt::{self, Write};
use std::io;

use crate::chain::{Causes, OneLine};
use crate::context::Contexts;
use crate::io::closes;
use crate::{Context, Fault, Kind, Retryable};

/// An error: its [`Kind`], whose [`Fault`] it is, whether a retry is safe, what was being done, and the cause.
///
/// One pointer wide, `Send` and `Sync`. `{}` prints this level only, as error reporters expect; `{:#}` prints the whole
/// chain on one line, control characters escaped, for a log.
pub struct Error(Box<Inner>);

struct Inner {
    kind: Kind,
    fault: Fault,
    retry: Retryable,
    contexts: Contexts,
    source: Option<Source>,
}

/// The cause. One of ours is not boxed a second time.
enum Source {
    Ours(Error),
    Other(Box<dyn StdError + Send + Sync>),
}

impl Source {
    fn of<E: Into<Box<dyn StdError + Send + Sync>> + 'static>(error: E) -> Self {
        match into_ours(error) {
            Ok(ours) => Source::Ours(ours),
            Err(other) => Source::Other(other.into()),
        }
    }

    fn as_dyn(&self) -> &(dyn StdError + 'static) {
        match self {
            Source::Ours(error) => error,
            Source::Other(error) => error.as_ref(),
        }
    }
}

/// Asks by type, before anything is boxed, whether an error is one of ours.
pub(crate) fn into_ours<E: 'static>(error: E) -> Result<Error, E> {
    let mut slot = Some(error);
    let ours = (&mut slot as &mut dyn Any).downcast_mut::<Option<Error>>().and_then(Option::take);
    match (ours, slot) {
        (None, Some(other)) => Err(other),
        (Some(ours), _) => Ok(ours),
        // The slot is emptied only by taking one of ours out.
        (None, None) => Ok(Error::new(Kind::Internal)),
    }
}

impl Error {
    /// An error of this kind, without a word more.
    #[cold]
    pub fn new(kind: Kind) -> Self {
        Error::without_cause(kind, Contexts::none())
    }

    /// An error of this kind, and what was being done.
    #[cold]
    pub fn explain(kind: Kind, context: impl Into<Context>) -> Self {
        Error::without_cause(kind, Contexts::one(context.into()))
    }

    /// An error of this kind, what was being done, and the error that caused it.
    ///
    /// If the cause is an [`Error`] too, its fault is taken over, for wrapping does not shift the blame. Its verdict on
    /// retries is not: a new kind is a new statement, and undecided means no.
    #[cold]
    pub fn because(
        kind: Kind,
        context: impl Into<Context>,
        source: impl Into<Box<dyn StdError + Send + Sync>> + 'static,
    ) -> Self {
        let source = Source::of(source);
        let fault = match &source {
            Source::Ours(error) => error.fault(),
            Source::Other(_) => Fault::Unset,
        };
        let contexts = Contexts::one(context.into());
        Error(Box::new(Inner { kind, fault, retry: Retryable::No, contexts, source: Some(source) }))
    }

    #[inline]
    fn without_cause(kind: Kind, contexts: Contexts) -> Self {
        Error(Box::new(Inner { kind, fault: Fault::Unset, retry: Retryable::No, contexts, source: None }))
    }

    /// Adds what was being done further out. Kind, fault and retry stay; static text allocates nothing
    /// for the first two.
    #[must_use]
    pub fn context(mut self, context: impl Into<Context>) -> Self {
        self.0.contexts.push(context.into());
        self
    }

    /// Lays the blame on the client side.
    #[must_use]
    pub fn into_downstream(self) -> Self {
        self.with_fault(Fault::Downstream)
    }

    /// Lays the blame on the origin side.
    #[must_use]
    pub fn into_upstream(self) -> Self {
        self.with_fault(Fault::Upstream)
    }

    /// Lays the blame on the proxy itself.
    #[must_use]
    pub fn into_internal(self) -> Self {
        self.with_fault(Fault::Internal)
    }

    fn with_fault(mut self, fault: Fault) -> Self {
        self.0.fault = fault;
        self
    }

    /// Decides whether the attempt may be made again.
    #[must_use]
    pub fn retryable(mut self, retry: Retryable) -> Self {
        self.0.retry = retry;
        self
    }

    /// What went wrong.
    pub fn kind(&self) -> Kind {
        self.0.kind
    }

    /// Whose fault it is.
    pub fn fault(&self) -> Fault {
        self.0.fault
    }

    /// Whether the attempt may be made again; undecided reads as [`Retryable::No`].
    pub fn retry(&self) -> Retryable {
        self.0.retry
    }

    /// The status that a proxy answers by default. 499 means that the client is gone: it is logged and never sent.
    pub fn status(&self) -> u16 {
        self.0.kind.status_for(self.0.fault)
    }

    /// The error type for `Proxy-Status` (RFC 9209 2.3).
    pub fn proxy_status(&self) -> &'static str {
        self.0.kind.proxy_status_for(self.0.fault)
    }

    /// Whether a time limit ran out.
    pub fn is_timeout(&self) -> bool {
        self.0.kind.is_timeout()
    }

    /// Whether the other side closed or reset the connection.
    pub fn is_closed(&self) -> bool {
        matches!(self.0.kind, Kind::ClosedEarly | Kind::ConnectReset)
            || self.cause::<io::Error>().is_some_and(|error| closes(error.kind()))
    }

    /// Whether an error of this type is among the causes.
    pub fn is_caused_by<E: StdError + 'static>(&self) -> bool {
        self.cause::<E>().is_some()
    }

    /// The nearest cause of this type.
    pub fn cause<E: StdError + 'static>(&self) -> Option<&E> {
        Causes::of(self).find_map(|cause| cause.downcast_ref::<E>())
    }

    /// The innermost cause; the error itself if nothing caused it.
    pub fn root_cause(&self) -> &(dyn StdError + 'static) {
        Causes::of(self).last().unwrap_or(self)
    }

    /// What was being done, outermost first.
    pub fn contexts(&self) -> impl Iterator<Item = &str> {
        self.0.contexts.iter().map(Context::as_str)
    }

    /// Kind, fault if known, contexts: the part that belongs to this error and not to its causes.
    fn write_level(&self, out: &mut dyn Write) -> fmt::Result {
        out.write_str(self.0.kind.name())?;
        if let Kind::Rejected(status) = self.0.kind {
            write!(out, " {status}")?;
        }
        if self.0.fault != Fault::Unset {
            write!(out, " ({})", self.0.fault)?;
        }
        self.contexts().try_for_each(|context| write!(out, ": {context}"))
    }
}

impl From<Kind> for Error {
    fn from(kind: Kind) -> Self {
        Error::new(kind)
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.0.source.as_ref().map(Source::as_dyn)
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !f.alternate() {
            return self.write_level(f);
        }
        let mut out = OneLine(f);
        self.write_level(&mut out)?;
        let mut cause = self.source();
        while let Some(error) = cause {
            write!(out, ": {error}")?;
            cause = error.source();
        }
        Ok(())
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Error")
            .field("kind", &self.0.kind)
            .field("fault", &self.0.fault)
            .field("retry", &self.0.retry)
            .field("contexts", &self.contexts().collect::<Vec<_>>())
            .field("source", &self.source())
            .finish()
    }
}
