//! How grave a line of the error log is.

use std::str::FromStr;

use gorge_error::{Error, Fault, Kind};

/// How grave a line is, and from which gravity on lines are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Level {
    /// Everything.
    Debug,
    /// What clients did wrong, and attempts that were repeated.
    #[default]
    Info,
    /// What upstreams did wrong.
    Warn,
    /// What went wrong here.
    Error,
}

impl Level {
    /// The word for it, which is also how it is read.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Debug => "debug",
            Self::Info => "info",
            Self::Warn => "warn",
            Self::Error => "error",
        }
    }

    /// That of an error that ended an exchange.
    pub(super) fn of(error: &Error) -> Self {
        match error.fault() {
            Fault::Downstream => Self::Info,
            Fault::Upstream => Self::Warn,
            Fault::Internal | Fault::Unset => Self::Error,
        }
    }
}

impl FromStr for Level {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self, Error> {
        [Self::Debug, Self::Info, Self::Warn, Self::Error]
            .into_iter()
            .find(|level| level.name() == name)
            .ok_or_else(|| {
                let context = format!("{name:?} is no log level: use debug, info, warn or error");
                Error::explain(Kind::Configuration, context).into_internal()
            })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn levels_are_ordered_and_named() {
        assert!(Level::Error > Level::Warn && Level::Info > Level::Debug);
        assert_eq!("warn".parse::<Level>().unwrap(), Level::Warn);
        assert!(
            "warning".parse::<Level>().unwrap_err().to_string().contains("use debug, info, warn or error")
        );
    }
}
