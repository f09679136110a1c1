//! What routes look at: hosts, paths, methods, fields.

use std::hash::{Hash, Hasher};

use gorge::http::{Headers, Method};
use gorge::proxy::route::{FieldValue, HostPattern, PathPattern};

use super::collection::FreeName;
use super::{FromText, Kind, Value, Wrong};
use crate::config::reader::Reader;
use crate::config::tree::{Node, What};

impl FromText for HostPattern {
    const EXPECTED: &'static str = "a host, as in \"shop.example\" or \"*.shop.example\"";

    fn from_text(text: &str, _: &Reader<'_>) -> Result<Self, Wrong> {
        let wrong = |error: gorge::error::Error| {
            let wrong = Wrong::new(error.contexts().next().unwrap_or("this is no host").to_owned());
            match instead_of_host(text) {
                Some(host) => wrong.help(format!("did you mean \"{host}\"?")),
                None if text == "*" => wrong.help("leave the key out for any host"),
                None => wrong,
            }
        };
        text.parse().map_err(wrong)
    }
}

/// The host in `https://shop.example:8080/path`.
fn instead_of_host(text: &str) -> Option<String> {
    let behind = text.split_once("://").map_or(text, |(_, behind)| behind);
    let authority = behind.split(['/', '?']).next()?;
    let host = match authority.rsplit_once(':') {
        Some((host, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => host,
        _ => authority,
    };
    (host != text && host.parse::<HostPattern>().is_ok()).then(|| host.to_owned())
}

impl FromText for PathPattern {
    const EXPECTED: &'static str = "a path, as in \"/api/\"";

    fn from_text(text: &str, _: &Reader<'_>) -> Result<Self, Wrong> {
        prefix(text)
    }
}

fn prefix(text: &str) -> Result<PathPattern, Wrong> {
    PathPattern::prefix(text).map_err(|error| wrong_path(text, &error))
}

fn wrong_path(text: &str, error: &gorge::error::Error) -> Wrong {
    let wrong = Wrong::new(error.contexts().next().unwrap_or("this is no path").to_owned());
    if text.contains(['*', '^', '~']) {
        return wrong.help("a path takes all that is below it, without a pattern: write \"/api/\"");
    }
    wrong
}

/// A path alone, which takes nothing below it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExactPath(
    /// The path.
    pub PathPattern,
);

impl FromText for ExactPath {
    const EXPECTED: &'static str = "a path, as in \"/favicon.ico\"";

    fn from_text(text: &str, _: &Reader<'_>) -> Result<Self, Wrong> {
        PathPattern::exact(text).map(Self).map_err(|error| wrong_path(text, &error))
    }
}

/// A path to put in the place of another one: it begins with a slash, and is written as it is sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PathText(
    /// The path.
    pub String,
);

impl FromText for PathText {
    const EXPECTED: &'static str = "a path, as in \"/v2/\"";

    fn from_text(text: &str, reader: &Reader<'_>) -> Result<Self, Wrong> {
        PathPattern::from_text(text, reader).map(|_| Self(text.to_owned()))
    }
}

impl FromText for Method {
    const EXPECTED: &'static str = "a method, as in \"GET\"";

    fn from_text(text: &str, _: &Reader<'_>) -> Result<Self, Wrong> {
        let upper = text.to_ascii_uppercase();
        let usual = ["GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "CONNECT", "TRACE"];
        if upper != text && usual.contains(&upper.as_str()) {
            let message = format!("methods are written in capitals, and {text:?} is not");
            return Err(Wrong::new(message).help(format!("did you mean \"{upper}\"?")));
        }
        if text == "*" {
            return Err(Wrong::new("\"*\" is no method").help("leave the key out for any method"));
        }
        Method::from_bytes(text.as_bytes()).map_err(|_| Wrong::new(format!("{text:?} is no method")))
    }
}

/// The name of a field of a head. Two that differ only by case are equal.
#[derive(Clone, Debug)]
pub struct HeaderName(
    /// As it was written.
    pub String,
);

impl PartialEq for HeaderName {
    fn eq(&self, other: &Self) -> bool {
        self.0.eq_ignore_ascii_case(&other.0)
    }
}

impl Eq for HeaderName {}

impl Hash for HeaderName {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.to_ascii_lowercase().hash(state);
    }
}

impl FromText for HeaderName {
    const EXPECTED: &'static str = "the name of a field, as in \"X-Beta\"";

    fn from_text(text: &str, _: &Reader<'_>) -> Result<Self, Wrong> {
        match Headers::new().append(text, "") {
            Ok(()) => Ok(Self(text.to_owned())),
            Err(_) => {
                let wrong = Wrong::new(format!("{text:?} is no name of a field"));
                Err(wrong.help("letters, digits and hyphens make a name, without a colon behind it"))
            }
        }
    }
}

impl FreeName for HeaderName {
    const PLACEHOLDER: &'static str = "FIELD";
}

/// What a field of a request must be like: a value, or true for there, false for not there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FieldMatch(
    /// What is asked of it.
    pub FieldValue,
);

impl Value for FieldMatch {
    fn kind() -> Kind {
        Kind::Plain("a value, or true for there, false for not there".into())
    }

    fn read(node: &Node, reader: &mut Reader<'_>) -> Option<Self> {
        match (&node.what, node.as_text()) {
            (What::Boolean(true), _) => Some(Self(FieldValue::Present)),
            (What::Boolean(false), _) => Some(Self(FieldValue::Absent)),
            (_, Some(text)) if Headers::new().append("x", &text.value).is_ok() => {
                Some(Self(FieldValue::Is(text.value.clone())))
            }
            (_, Some(text)) => {
                let why = Wrong::new("no field has a value with such characters in it");
                reader.wrong(node.span, Some(text), "the value of a field", why);
                None
            }
            _ => {
                reader.mismatch(node, "a string, true or false", None);
                None
            }
        }
    }
}
