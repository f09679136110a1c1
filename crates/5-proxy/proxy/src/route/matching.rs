//! What a request must be like for a route to take it.

use std::fmt;
use std::str::FromStr;

use gorge_error::{Error, Kind, Result};
use gorge_http::{Method, RequestHead, path};

/// What a request must be like for a route to take it: all that is said here holds.
///
/// The default takes every request.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Matching {
    /// One of these hosts; empty: any.
    pub hosts: Vec<HostPattern>,
    /// Such a path.
    pub path: PathPattern,
    /// One of these methods; empty: any. GET includes HEAD.
    pub methods: Vec<Method>,
    /// All of these fields.
    pub fields: Vec<FieldPattern>,
}

impl Matching {
    /// Takes this path and what lies below it, of any host.
    ///
    /// # Errors
    /// As for [`PathPattern::prefix`].
    pub fn below(path: &str) -> Result<Self> {
        Ok(Self { path: PathPattern::prefix(path)?, ..Self::default() })
    }

    /// How much is asked beside host and path: of two routes for the same those come first that ask
    /// for more.
    pub(crate) fn conditions(&self) -> (bool, usize) {
        (!self.methods.is_empty(), self.fields.len())
    }

    /// Whether both take the same requests, as far as method and fields go.
    pub(crate) fn same_conditions(&self, other: &Self) -> bool {
        fn same<T: PartialEq>(a: &[T], b: &[T]) -> bool {
            a.len() == b.len() && a.iter().all(|a| b.contains(a))
        }
        same(&self.methods, &other.methods) && same(&self.fields, &other.fields)
    }

    pub(crate) fn takes_method(&self, method: &Method) -> bool {
        self.methods.is_empty()
            || self.methods.contains(method)
            || (*method == Method::HEAD && self.methods.contains(&Method::GET))
    }

    pub(crate) fn takes_fields(&self, head: &RequestHead) -> bool {
        self.fields.iter().all(|field| field.takes(head))
    }
}

/// A host by name, or all hosts below a name.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum HostPattern {
    /// This one, in lower case.
    Exact(String),
    /// All below this one, however many labels deep, but not itself: `*.example.org`.
    Below(String),
}

impl FromStr for HostPattern {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let refuse = |why: &str| {
            Err(Error::explain(Kind::Configuration, format!("the host {text:?} {why}")).into_internal())
        };
        let (below, name) = match text.strip_prefix("*.") {
            Some(name) => (true, name),
            None => (false, text),
        };
        if name.contains('*') {
            return refuse("may have a `*` only as its whole first label, as in \"*.example.org\"");
        }
        let authority = match gorge_http::authority::validate(name.as_bytes()) {
            Ok(authority) if !authority.host().is_empty() => authority,
            _ => return refuse("is no host name; write it as in \"shop.example\""),
        };
        if authority.port().is_some() || name.ends_with(':') {
            return refuse("names a port: routes look at the name alone, the port is that of a [[listen]]");
        }
        let name = name.trim_end_matches('.').to_ascii_lowercase();
        if name.len() > LONGEST_HOST {
            return refuse("is longer than a host name can be (253 characters)");
        }
        Ok(if below { Self::Below(name) } else { Self::Exact(name) })
    }
}

impl fmt::Display for HostPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Exact(name) => f.write_str(name),
            Self::Below(name) => write!(f, "*.{name}"),
        }
    }
}

/// The longest name that DNS knows (RFC 1035 2.3.4), as text.
pub(crate) const LONGEST_HOST: usize = 253;

/// A path in normal form, alone or with all below it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum PathPattern {
    /// This path and no other.
    Exact(String),
    /// This path and what lies below it: `/api` takes `/api`, `/api/` and `/api/x`, but not `/apix`. A
    /// slash at the end makes no difference. Kept without one; the root is empty.
    Prefix(String),
}

/// Every path.
impl Default for PathPattern {
    fn default() -> Self {
        Self::Prefix(String::new())
    }
}

impl PathPattern {
    /// This path and what lies below it.
    ///
    /// # Errors
    /// It is no path, or has another normal form, which is what requests are compared with.
    pub fn prefix(text: &str) -> Result<Self> {
        Ok(Self::Prefix(normal(text)?.trim_end_matches('/').to_owned()))
    }

    /// This path alone.
    ///
    /// # Errors
    /// As for [`prefix`](Self::prefix).
    pub fn exact(text: &str) -> Result<Self> {
        normal(text).map(|path| Self::Exact(path.to_owned()))
    }
}

fn normal(text: &str) -> Result<&str> {
    let refuse = |why: String| {
        Err(Error::explain(Kind::Configuration, format!("the path {text:?} {why}")).into_internal())
    };
    if !text.starts_with('/') {
        return refuse(format!("must begin with a slash, as in \"/{}\"", text.trim_start_matches('/')));
    }
    if let Some(wrong) = text.chars().find(|&c| !c.is_ascii_graphic() || c == '?' || c == '#') {
        return refuse(format!(
            "holds {wrong:?}; a query is not part of it, and other characters are escaped"
        ));
    }
    let mut form = String::new();
    match path::normalize(text, &mut form) {
        Err(why) => refuse(format!("cannot be: {why}")),
        Ok(()) if form != text => {
            refuse(format!("is written {form:?} in its normal form, which is what counts"))
        }
        Ok(()) => Ok(text),
    }
}

impl fmt::Display for PathPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Exact(path) => write!(f, "{path} alone"),
            Self::Prefix(path) if path.is_empty() => f.write_str("/"),
            Self::Prefix(path) => f.write_str(path),
        }
    }
}

/// What a field of the request must be like.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FieldPattern {
    /// Its name.
    pub name: String,
    /// What is asked of it.
    pub value: FieldValue,
}

/// What is asked of a field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FieldValue {
    /// It is not there.
    Absent,
    /// One of its lines has exactly this value.
    Is(String),
    /// It is there.
    Present,
}

impl FieldPattern {
    fn takes(&self, head: &RequestHead) -> bool {
        let name = self.name.as_str();
        match &self.value {
            FieldValue::Absent => !head.headers.contains(name),
            FieldValue::Is(value) => head.headers.get_all(name).any(|line| line == value.as_bytes()),
            FieldValue::Present => head.headers.contains(name),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_are_read_as_people_write_them() {
        for (text, expected) in [
            ("Shop.Example", HostPattern::Exact("shop.example".into())),
            ("shop.example.", HostPattern::Exact("shop.example".into())),
            ("*.example.org", HostPattern::Below("example.org".into())),
            ("[::1]", HostPattern::Exact("[::1]".into())),
        ] {
            assert_eq!(text.parse::<HostPattern>().unwrap(), expected, "{text}");
        }
        for (text, hint) in [
            ("a*.example.org", "first label"),
            ("*.*.org", "first label"),
            ("shop.example:80", "names a port"),
            ("http://shop.example", "no host name"),
            ("", "no host name"),
            (&"a".repeat(254), "253"),
        ] {
            let message = text.parse::<HostPattern>().unwrap_err().to_string();
            assert!(message.contains(hint), "{text}: {message}");
        }
    }

    #[test]
    fn paths_must_be_normal() {
        assert_eq!(PathPattern::prefix("/api/").unwrap(), PathPattern::Prefix("/api".into()));
        assert_eq!(PathPattern::prefix("/").unwrap(), PathPattern::default());
        assert_eq!(PathPattern::exact("/api/").unwrap(), PathPattern::Exact("/api/".into()));
        for (text, hint) in [
            ("api", "\"/api\""),
            ("", "slash"),
            ("/a b", "' '"),
            ("/a?b", "'?'"),
            ("/a/../b", "\"/b\""),
            ("/%61", "\"/a\""),
            ("/..", "above the root"),
        ] {
            let message = PathPattern::prefix(text).unwrap_err().to_string();
            assert!(message.contains(hint), "{text}: {message}");
        }
    }
}
