//! Which certificates are shown for which name.

use std::borrow::Cow;
use std::collections::HashMap;
use std::net::IpAddr;

use crate::{Certificate, KeyKind};

/// Certificates by the names they are shown for.
///
/// Names compare without case and without a dot at their end. An exact one comes before a wildcard
/// (`*.example.org`, which stands for one label), and for any other name, or none, the default is shown. For
/// one name there may be a certificate of each kind of key: a client gets one that it can verify. A client
/// that asks for no name, as those do that connect to an IP address, gets what is for the address it came to.
#[derive(Clone, Debug, Default)]
pub struct Certificates {
    all: Vec<Certificate>,
    exact: Names,
    /// By what follows `*.`.
    wildcard: Names,
    /// Whether an IP address is among the exact names.
    addresses: bool,
    chosen: Set,
    first: First,
    clashes: Vec<Clash>,
}

type Names = HashMap<Box<str>, Set, foldhash::fast::RandomState>;

/// Two certificates with the same kind of key for one name: the second is never shown for it.
#[derive(Clone, Debug)]
pub struct Clash {
    /// The name; `None` for the default.
    pub name: Option<Box<str>>,
    /// The one that is shown: the one that was added first.
    pub shown: Certificate,
    /// The one that is not.
    pub left_out: Certificate,
}

/// What is the default as long as none was chosen.
#[derive(Clone, Debug, Default)]
enum First {
    #[default]
    Nothing,
    /// The certificates of this name.
    Name(Box<str>),
    /// These, for they have no name.
    Nameless(Set),
}

/// What is shown for one name: a certificate for each kind of key, at most.
#[derive(Clone, Debug, Default)]
pub(crate) struct Set([Option<Certificate>; 3]);

impl Set {
    /// Adds a certificate; if there is one with such a key already, returns that one instead.
    fn add(&mut self, certificate: &Certificate) -> Option<&Certificate> {
        let place = match certificate.key_kind() {
            // The order in which they are tried: the cheap ones first.
            KeyKind::Ecdsa => 0,
            KeyKind::Eddsa => 1,
            KeyKind::Rsa => 2,
        };
        match &mut self.0[place] {
            Some(there) => Some(there),
            free => {
                *free = Some(certificate.clone());
                None
            }
        }
    }

    /// Of several with the same kind of key, the first.
    pub(crate) fn of(certificates: &[Certificate]) -> Self {
        let mut set = Self::default();
        for certificate in certificates {
            set.add(certificate);
        }
        set
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Certificate> {
        self.0.iter().flatten()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.iter().next().is_none()
    }

    /// Whether it is made of the very same certificates.
    pub(crate) fn is(&self, other: &Self) -> bool {
        self.0.iter().zip(&other.0).all(|pair| match pair {
            (Some(one), Some(another)) => one.is(another),
            (one, another) => one.is_none() && another.is_none(),
        })
    }
}

impl Certificates {
    /// None yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds certificates that are shown for `names`: one, or several with keys of different kinds. What is
    /// shown for the first name of all is the default, unless [another](Self::with_default) is chosen.
    ///
    /// A certificate with another kind of key for a name that is there already goes beside that one; one
    /// with the same kind is not shown for this name, see [`clashes`](Self::clashes).
    #[must_use]
    pub fn with_names<'a>(
        mut self,
        certificates: Vec<Certificate>,
        names: impl IntoIterator<Item = &'a str>,
    ) -> Self {
        let mut nameless = true;
        for name in names {
            nameless = false;
            let name = normal(name);
            if matches!(self.first, First::Nothing) {
                self.first = First::Name(name.as_ref().into());
            }
            self.addresses |= name.parse::<IpAddr>().is_ok();
            let set = match name.strip_prefix("*.") {
                Some(rest) => self.wildcard.entry(rest.into()).or_default(),
                None => self.exact.entry(name.as_ref().into()).or_default(),
            };
            certificates.iter().for_each(|one| add(set, one, Some(&name), &mut self.clashes));
        }
        if nameless && matches!(self.first, First::Nothing) {
            self.first = First::Nameless(Set::of(&certificates));
        }
        self.all.extend(certificates);
        self
    }

    /// Adds a certificate for the names that are in it.
    #[must_use]
    pub fn with(self, certificate: Certificate) -> Self {
        let names = certificate.names().to_vec();
        self.with_names(vec![certificate], names.iter().map(String::as_str))
    }

    /// Chooses the default: this certificate, beside others with different kinds of keys that were chosen
    /// in the same way. It need not have been added under a name.
    #[must_use]
    pub fn with_default(mut self, certificate: Certificate) -> Self {
        add(&mut self.chosen, &certificate, None, &mut self.clashes);
        if !self.all.iter().any(|there| there.is(&certificate)) {
            self.all.push(certificate);
        }
        self
    }

    /// All that were added, in order.
    pub fn iter(&self) -> impl Iterator<Item = &Certificate> {
        self.all.iter()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.all.is_empty()
    }

    /// Those that are left out somewhere, because another with the same kind of key was there first.
    #[must_use]
    pub fn clashes(&self) -> &[Clash] {
        &self.clashes
    }

    /// What is shown to a client that asks for this name, the default if it is in none.
    pub fn for_name(&self, name: &str) -> impl Iterator<Item = &Certificate> {
        self.find(name).unwrap_or_else(|| self.default_set()).iter()
    }

    pub(crate) fn default_set(&self) -> &Set {
        static EMPTY: Set = Set([None, None, None]);
        if !self.chosen.is_empty() {
            return &self.chosen;
        }
        match &self.first {
            First::Nothing => &EMPTY,
            First::Nameless(set) => set,
            First::Name(name) => {
                let named = match name.strip_prefix("*.") {
                    Some(rest) => self.wildcard.get(rest),
                    None => self.exact.get(name),
                };
                named.unwrap_or(&EMPTY)
            }
        }
    }

    /// What is shown for this name; `None` for one that nothing is for.
    pub(crate) fn find(&self, name: &str) -> Option<&Set> {
        let name = normal(name);
        self.exact.get(&*name).or_else(|| match name.split_once('.')? {
            ("", _) => None,
            (_, rest) => self.wildcard.get(rest),
        })
    }

    /// Whether something is for IP addresses.
    pub(crate) fn has_addresses(&self) -> bool {
        self.addresses
    }
}

fn add(set: &mut Set, certificate: &Certificate, name: Option<&str>, clashes: &mut Vec<Clash>) {
    let Some(shown) = set.add(certificate) else { return };
    // The same one twice does no harm.
    if shown.sha256() != certificate.sha256() {
        let (shown, left_out) = (shown.clone(), certificate.clone());
        clashes.push(Clash { name: name.map(Into::into), shown, left_out });
    }
}

/// A name as the tables have it: in lower case, without a dot at its end; an IP address in its usual form.
pub(crate) fn normal(name: &str) -> Cow<'_, str> {
    let name = name.strip_suffix('.').unwrap_or(name);
    if name.contains(':') {
        return name.parse::<IpAddr>().map_or(name.into(), |ip| ip.to_string().into());
    }
    if name.bytes().any(|byte| byte.is_ascii_uppercase()) {
        return name.to_ascii_lowercase().into();
    }
    name.into()
}
