//! Passwords and tokens, and who has them.

use std::fmt;

use gorge::protocols::Credentials;

use super::collection::FreeName;
use super::{FromText, Kind, Value, Wrong};
use crate::config::reader::Reader;
use crate::config::tree::{Node, What};

/// A password or token. It is never shown, nor the line of the file that it stands in as it is.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// The secret itself, or `{SHA256}` and its hash.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(..)")
    }
}

impl Value for Secret {
    fn kind() -> Kind {
        Kind::Plain("a secret, or \"{SHA256}\" and its hash in hexadecimal".into())
    }

    fn read(node: &Node, reader: &mut Reader<'_>) -> Option<Self> {
        let Some(text) = node.as_text() else {
            // What is broken is only `${..}` so far.
            if !matches!(node.what, What::Broken) {
                reader.secrets.push(node.span);
            }
            reader.mismatch(node, "a string", None);
            return None;
        };
        if !text.expanded {
            reader.secrets.push(node.span);
        }
        match Credentials::bearer([&text.value]) {
            Ok(_) => Some(Self(text.value.clone())),
            Err(why) => {
                let what =
                    "a secret: it must not be empty, and {SHA256} is followed by 64 hexadecimal digits";
                reader.wrong(node.span, Some(text), what, Wrong::new(why.to_string()));
                None
            }
        }
    }
}

/// The name of a user.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct UserName(
    /// As it was written.
    pub String,
);

impl FromText for UserName {
    const EXPECTED: &'static str = "the name of a user";

    fn from_text(text: &str, _: &Reader<'_>) -> Result<Self, Wrong> {
        match Credentials::basic([(text, "x")]) {
            Ok(_) => Ok(Self(text.to_owned())),
            Err(why) => Err(Wrong::new(format!("{text:?}: {why}"))),
        }
    }
}

impl FreeName for UserName {
    const PLACEHOLDER: &'static str = "USER";
}
