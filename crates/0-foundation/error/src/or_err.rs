//! Turning what other code returns into an [`Error`], with the place's own words.

use std::error::Error as StdError;

use crate::error::into_ours;
use crate::{Context, Error, Kind, Result};

/// Extends `Result` and `Option` with the ways into [`Error`].
pub trait OrErr<T>: Sized {
    /// Wraps the failure as the cause of an error of this kind; of `None` it makes an error without a cause.
    ///
    /// # Errors
    /// If `self` is `Err` or `None`.
    fn or_err(self, kind: Kind, context: impl Into<Context>) -> Result<T>;

    /// As [`or_err`](OrErr::or_err), with a text that is only made when needed.
    ///
    /// # Errors
    /// If `self` is `Err` or `None`.
    fn or_err_with<C: Into<Context>>(self, kind: Kind, context: impl FnOnce() -> C) -> Result<T>;

    /// Adds a context. An [`Error`] keeps its kind, fault and retry; anything else becomes the cause of [`Kind::Internal`].
    ///
    /// # Errors
    /// If `self` is `Err` or `None`.
    fn explain(self, context: impl Into<Context>) -> Result<T>;

    /// As [`explain`](OrErr::explain), with a text that is only made when needed.
    ///
    /// # Errors
    /// If `self` is `Err` or `None`.
    fn explain_with<C: Into<Context>>(self, context: impl FnOnce() -> C) -> Result<T>;
}

impl<T, E: Into<Box<dyn StdError + Send + Sync>> + 'static> OrErr<T> for Result<T, E> {
    fn or_err(self, kind: Kind, context: impl Into<Context>) -> Result<T> {
        self.map_err(|error| Error::because(kind, context, error))
    }

    fn or_err_with<C: Into<Context>>(self, kind: Kind, context: impl FnOnce() -> C) -> Result<T> {
        self.map_err(|error| Error::because(kind, context(), error))
    }

    fn explain(self, context: impl Into<Context>) -> Result<T> {
        self.map_err(|error| explained(error, context.into()))
    }

    fn explain_with<C: Into<Context>>(self, context: impl FnOnce() -> C) -> Result<T> {
        self.map_err(|error| explained(error, context().into()))
    }
}

impl<T> OrErr<T> for Option<T> {
    fn or_err(self, kind: Kind, context: impl Into<Context>) -> Result<T> {
        self.ok_or_else(|| Error::explain(kind, context))
    }

    fn or_err_with<C: Into<Context>>(self, kind: Kind, context: impl FnOnce() -> C) -> Result<T> {
        self.ok_or_else(|| Error::explain(kind, context()))
    }

    fn explain(self, context: impl Into<Context>) -> Result<T> {
        self.or_err(Kind::Internal, context)
    }

    fn explain_with<C: Into<Context>>(self, context: impl FnOnce() -> C) -> Result<T> {
        self.or_err_with(Kind::Internal, context)
    }
}

#[cold]
fn explained<E: Into<Box<dyn StdError + Send + Sync>> + 'static>(error: E, context: Context) -> Error {
    match into_ours(error) {
        Ok(ours) => ours.context(context),
        Err(other) => Error::because(Kind::Internal, context, other),
    }
}
