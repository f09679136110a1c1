//! The variables of the environment, as the configuration sees them.

use std::collections::BTreeMap;
use std::ffi::OsString;

/// The variables of the environment: for `${NAME}` in the file, and those that set keys.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Environment {
    variables: BTreeMap<OsString, OsString>,
}

impl Environment {
    /// Those of this process, as they are now.
    #[must_use]
    pub fn process() -> Self {
        Self { variables: std::env::vars_os().collect() }
    }

    /// The value of a variable.
    ///
    /// # Errors
    /// It is not set, or no UTF-8.
    pub(crate) fn get(&self, name: &str) -> Result<&str, NoVariable> {
        let value = self.variables.get(OsString::from(name).as_os_str()).ok_or(NoVariable::Missing)?;
        value.to_str().ok_or(NoVariable::NotText)
    }

    /// All whose name is UTF-8 and begins so, by name, with the value if that is UTF-8 too.
    pub(crate) fn beginning_with<'a>(
        &'a self,
        prefix: &'a str,
    ) -> impl Iterator<Item = (&'a str, Option<&'a str>)> {
        let named = self.variables.iter().filter_map(|(name, value)| Some((name.to_str()?, value.to_str())));
        named.filter(move |(name, _)| name.starts_with(prefix))
    }
}

/// Given ones, for tests and for programs that have their own.
impl<N: Into<OsString>, V: Into<OsString>> FromIterator<(N, V)> for Environment {
    fn from_iter<I: IntoIterator<Item = (N, V)>>(variables: I) -> Self {
        let pair = |(name, value): (N, V)| (name.into(), value.into());
        Self { variables: variables.into_iter().map(pair).collect() }
    }
}

/// Why a variable has no value to use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NoVariable {
    Missing,
    NotText,
}
