//! Names, texts and files.

use std::path::PathBuf;

use gorge::http::Headers;

use super::collection::FreeName;
use super::{FromText, Wrong};
use crate::config::reader::Reader;

impl FromText for String {
    const EXPECTED: &'static str = "a text";

    fn from_text(text: &str, _: &Reader<'_>) -> Result<Self, Wrong> {
        Ok(text.to_owned())
    }
}

/// A name of the user's own, for an upstream or a route.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Name(
    /// Letters, digits, `-`, `_`, `.`.
    pub String,
);

impl FromText for Name {
    const EXPECTED: &'static str = "a name of letters, digits, `-`, `_` and `.`";

    fn from_text(text: &str, _: &Reader<'_>) -> Result<Self, Wrong> {
        let legal = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
        if text.is_empty() || !text.chars().all(legal) {
            let plain: String = text.chars().map(|c| if legal(c) { c } else { '-' }).collect();
            let wrong =
                Wrong::new(format!("{text:?} is no name: letters, digits, `-`, `_` and `.` make one"));
            return Err(if plain.is_empty() {
                wrong
            } else {
                wrong.help(format!("did you mean \"{plain}\"?"))
            });
        }
        Ok(Self(text.to_owned()))
    }
}

impl FreeName for Name {
    const PLACEHOLDER: &'static str = "NAME";
}

/// A word as HTTP has it (RFC 9110 5.6.2).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Token(
    /// The word.
    pub String,
);

impl FromText for Token {
    const EXPECTED: &'static str = "a word, as in \"gorge\"";

    fn from_text(text: &str, _: &Reader<'_>) -> Result<Self, Wrong> {
        // A field's name is such a word too.
        match Headers::new().append(text, "") {
            Ok(()) => Ok(Self(text.to_owned())),
            Err(_) => Err(Wrong::new(format!("{text:?} is no word: letters, digits and hyphens make one"))),
        }
    }
}

/// The value of a field, taken as it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FieldText(
    /// The value.
    pub String,
);

impl FromText for FieldText {
    const EXPECTED: &'static str = "the value of a field";

    fn from_text(text: &str, _: &Reader<'_>) -> Result<Self, Wrong> {
        match Headers::new().append("x", text) {
            Ok(()) => Ok(Self(text.to_owned())),
            Err(_) => Err(Wrong::new("a field cannot have a value with such characters in it")
                .help("line ends and control characters are not allowed")),
        }
    }
}

/// The path of a file. If it does not begin with a slash, it is that of the configuration's folder.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct FilePath(
    /// As the system is asked for it.
    pub PathBuf,
);

impl FromText for FilePath {
    const EXPECTED: &'static str = "the path of a file";

    fn from_text(text: &str, reader: &Reader<'_>) -> Result<Self, Wrong> {
        if text.is_empty() || text.contains('\0') {
            return Err(Wrong::new(format!("{text:?} is no path of a file")));
        }
        Ok(Self(reader.resolve(text)))
    }
}

/// Where the lines of a log go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LogTarget {
    /// Into this file.
    File(PathBuf),
    /// Nowhere.
    Off,
    /// To standard error.
    Stderr,
    /// To standard output.
    Stdout,
}

impl FromText for LogTarget {
    const EXPECTED: &'static str = "\"stdout\", \"stderr\", \"off\" or the path of a file";

    fn from_text(text: &str, reader: &Reader<'_>) -> Result<Self, Wrong> {
        match text {
            "off" => Ok(Self::Off),
            "stderr" => Ok(Self::Stderr),
            "stdout" => Ok(Self::Stdout),
            "combined" | "common" | "json" | "text" => {
                Err(Wrong::new(format!("{text:?} is a format, and no place")).help(format!(
                    "write {{ to = \"stdout\", format = \"{text}\" }}; \"./{text}\" is a file of that name"
                )))
            }
            _ => FilePath::from_text(text, reader).map(|path| Self::File(path.0)),
        }
    }
}
