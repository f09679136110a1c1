//! What may stand behind a key, type by type.

mod choice;
mod collection;
mod duration;
mod field;
mod network;
mod number;
mod secret;
mod size;
mod template;
mod text;
mod tls;

pub use choice::{Balance, ErrorFormat, Frame, HostMode, ProxyVersion};
pub(crate) use collection::Switch;
pub use collection::{Named, OneOrMany, Toggle};
pub use field::{ExactPath, FieldMatch, HeaderName, PathText};
pub use network::{ListenAddress, NameServer, ServerAddress, Source};
pub use number::{Mode, Percent, Port};
pub use secret::{Secret, UserName};
pub use size::{Rate, Size};
pub use template::{FieldTemplate, Origin, Realm, RedirectTemplate};
pub use text::{FieldText, FilePath, LogTarget, Name, Token};
pub use tls::{ClientAuthMode, TlsVersion};

use std::borrow::Cow;

use super::reader::Reader;
use super::span::At;
use super::table::Table;
use super::tree::{Node, What};

/// What may be written behind a key, as the page tells it.
#[derive(Clone, Debug)]
pub enum Kind {
    /// A list of such values.
    List(Box<Kind>),
    /// A table with free names; the first text is what they name.
    Named(&'static str, Box<Kind>),
    /// One value of such form, or a list of them.
    OneOrMany(Box<Kind>),
    /// A value, as a noun with its article.
    Plain(Cow<'static, str>),
    /// A declared table.
    Table(&'static Table),
    /// A declared table, or true for all its defaults.
    Toggle(&'static Table),
}

impl Kind {
    /// As a noun with its article: `a duration`, `a list of networks`.
    #[must_use]
    pub fn phrase(&self) -> String {
        match self {
            Kind::List(kind) => format!("a list, each {}", kind.phrase()),
            Kind::Named(name, kind) => format!("a table, {name} = {}", kind.phrase()),
            Kind::OneOrMany(kind) => format!("{}, or a list of them", kind.phrase()),
            Kind::Plain(text) => text.to_string(),
            Kind::Table(table) => match table.short.and_then(|short| table.key(short)) {
                Some(short) => format!("{}, or a table", (short.kind)().phrase()),
                None => "a table".to_owned(),
            },
            Kind::Toggle(_) => "true, false or a table".to_owned(),
        }
    }

    /// The declared table in it.
    #[must_use]
    pub fn table(&self) -> Option<&'static Table> {
        match self {
            Kind::List(kind) | Kind::Named(_, kind) | Kind::OneOrMany(kind) => kind.table(),
            Kind::Plain(_) => None,
            Kind::Table(table) | Kind::Toggle(table) => Some(table),
        }
    }
}

/// What may stand behind a key.
pub(crate) trait Value: Sized {
    /// What it is called.
    fn kind() -> Kind;

    /// Reads it. What is wrong is told to the reader, and `None` returned.
    fn read(node: &Node, reader: &mut Reader<'_>) -> Option<Self>;

    /// The value of an absent key without a default.
    fn unset() -> Option<Self> {
        None
    }
}

/// A value that may be zero.
pub(crate) trait Zero {
    /// Whether it is.
    fn is_zero(&self) -> bool;
}

impl<T: Zero> Zero for Option<T> {
    fn is_zero(&self) -> bool {
        self.as_ref().is_some_and(Zero::is_zero)
    }
}

/// A value that is written as a string.
pub(crate) trait FromText: Sized {
    /// What it is called, as a noun with its article.
    const EXPECTED: &'static str;

    /// Reads it.
    ///
    /// # Errors
    /// It is wrong.
    fn from_text(text: &str, reader: &Reader<'_>) -> Result<Self, Wrong>;

    /// What to write instead of a number, if that can be told.
    fn instead_of(number: i64) -> Option<String> {
        let _ = number;
        None
    }
}

/// What is wrong with a value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Wrong {
    /// In one sentence without a full stop.
    pub message: String,
    /// What to write instead.
    pub help: Option<String>,
}

impl Wrong {
    pub(crate) fn new(message: impl Into<String>) -> Self {
        Self { message: message.into(), help: None }
    }

    pub(crate) fn help(self, help: impl Into<String>) -> Self {
        Self { help: Some(help.into()), ..self }
    }
}

impl<T: FromText> Value for T {
    fn kind() -> Kind {
        Kind::Plain(T::EXPECTED.into())
    }

    fn read(node: &Node, reader: &mut Reader<'_>) -> Option<Self> {
        let Some(text) = node.as_text() else {
            let help = match node.what {
                What::Integer(Some(number)) => T::instead_of(number),
                _ => None,
            };
            reader.mismatch(node, T::EXPECTED, help.map(|text| format!("write it as a string: \"{text}\"")));
            return None;
        };
        match T::from_text(&text.value, reader) {
            Ok(value) => Some(value),
            Err(why) => {
                reader.wrong(node.span, Some(text), T::EXPECTED, why);
                None
            }
        }
    }
}

impl<T: Value> Value for Option<T> {
    fn kind() -> Kind {
        T::kind()
    }

    fn read(node: &Node, reader: &mut Reader<'_>) -> Option<Self> {
        T::read(node, reader).map(Some)
    }

    fn unset() -> Option<Self> {
        Some(None)
    }
}

impl<T: Value> Value for At<T> {
    fn kind() -> Kind {
        T::kind()
    }

    fn read(node: &Node, reader: &mut Reader<'_>) -> Option<Self> {
        T::read(node, reader).map(|value| At { value, span: node.span })
    }
}

impl Value for bool {
    fn kind() -> Kind {
        Kind::Plain("true or false".into())
    }

    fn read(node: &Node, reader: &mut Reader<'_>) -> Option<Self> {
        if let What::Boolean(value) = node.what {
            return Some(value);
        }
        let help = match &node.what {
            // What `${..}` stands for is a string always.
            What::Text(text) if text.expanded => match text.value.as_str() {
                "true" => return Some(true),
                "false" => return Some(false),
                _ => {
                    reader.wrong(node.span, Some(text), "true or false", Wrong::new(""));
                    return None;
                }
            },
            What::Text(text) if matches!(text.value.as_str(), "true" | "false") => {
                Some("write it without quotes".to_owned())
            }
            What::Text(text) if matches!(text.value.as_str(), "on" | "yes") => Some("write true".to_owned()),
            What::Text(text) if matches!(text.value.as_str(), "off" | "no") => Some("write false".to_owned()),
            _ => None,
        };
        reader.mismatch(node, "true or false", help);
        None
    }
}
