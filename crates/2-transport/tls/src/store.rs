//! Which certificates are shown for which name.

use std::collections::HashMap;

use crate::Certificate;

/// Certificates by the names they are shown for. Names compare without case; an exact one comes before
/// a wildcard (`*.example.org`, one label), and for any other name, or none, the default is shown. For one
/// name there may be a certificate of each kind of key.
#[derive(Clone, Debug, Default)]
pub struct Certificates {
    sets: Vec<Vec<Certificate>>,
    exact: HashMap<Box<str>, usize, foldhash::fast::RandomState>,
    /// By what follows `*.`.
    wildcard: HashMap<Box<str>, usize, foldhash::fast::RandomState>,
    default: usize,
}

impl Certificates {
    /// None yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds certificates that are shown for `names`: one, or several with keys of different kinds. The
    /// first that are added are the default.
    #[must_use]
    pub fn with_names<'a>(
        mut self,
        certificates: Vec<Certificate>,
        names: impl IntoIterator<Item = &'a str>,
    ) -> Self {
        let set = self.sets.len();
        for name in names {
            let name = name.to_ascii_lowercase();
            match name.strip_prefix("*.") {
                Some(rest) => self.wildcard.entry(rest.into()).or_insert(set),
                None => self.exact.entry(name.into()).or_insert(set),
            };
        }
        self.sets.push(certificates);
        self
    }

    /// Adds a certificate for the names that are in it.
    #[must_use]
    pub fn with(self, certificate: Certificate) -> Self {
        let names = certificate.names().to_vec();
        self.with_names(vec![certificate], names.iter().map(String::as_str))
    }

    pub(crate) fn sets(&self) -> &[Vec<Certificate>] {
        &self.sets
    }

    pub(crate) fn default_set(&self) -> usize {
        self.default
    }

    /// The place of the set for this name; `None` for one that is not named.
    pub(crate) fn find(&self, name: &str) -> Option<usize> {
        let lower;
        let name = if name.bytes().any(|byte| byte.is_ascii_uppercase()) {
            lower = name.to_ascii_lowercase();
            &lower
        } else {
            name
        };
        let exact = self.exact.get(name);
        exact.or_else(|| self.wildcard.get(name.split_once('.')?.1)).copied()
    }
}
