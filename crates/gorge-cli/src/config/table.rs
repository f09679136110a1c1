//! How a table of the configuration is declared: each key once, with its type, default and text.
//!
//! From the one declaration come the struct that the rest of the program works with, the code that
//! reads it, and the page of the user guide:
//!
//! ```text
//! table! {
//!     /// How long a client may take for what.
//!     pub struct TimeoutsTable {
//!         /// For the head of a request, from its first byte on.
//!         head: Duration = "10s", positive,
//!         /// ..
//!     }
//! }
//! ```
//!
//! The default is written as in the file, and read from there when the key is absent, so that the
//! page cannot tell another one. In its place `unset` stands for a key that has none, `required`
//! for one that must be there.

use super::value::Kind;

/// A table as it is declared.
#[derive(Debug)]
pub struct Table {
    /// What it is for, line by line.
    pub about: &'static [&'static str],
    /// The key that is meant when something else than a table is given.
    pub short: Option<&'static str>,
    /// The keys, in the order of the page.
    pub keys: &'static [Key],
}

impl Table {
    /// The declaration of a key.
    #[must_use]
    pub fn key(&self, name: &str) -> Option<&Key> {
        self.keys.iter().find(|key| key.name == name)
    }
}

/// A key as it is declared.
#[derive(Debug)]
pub struct Key {
    /// Its name.
    pub name: &'static str,
    /// What it does, line by line.
    pub about: &'static [&'static str],
    /// What may be written behind it.
    pub kind: fn() -> Kind,
    /// What holds when it is absent.
    pub default: Absent,
    /// A value to show, as it would be written in the file.
    pub example: Option<&'static str>,
}

/// What holds when a key is absent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Absent {
    /// It must not be.
    Required,
    /// The same as if this were written.
    Toml(&'static str),
    /// Nothing; the text says what that means.
    Unset(&'static str),
}

/// Declares a table; see the head of this file.
///
/// Behind the default may stand `positive` (zero is refused) and `like "VALUE"` (an example for the
/// page, as it would be written in the file). `= unset("MEANING")` says what the absence means.
macro_rules! table {
    (
        $( #[doc = $about:literal] )*
        pub struct $Table:ident $( (short = $short:ident) )? {
            $(
                $( #[doc = $doc:literal] )*
                $key:ident : $Type:ty = $default:tt $( ( $meaning:literal ) )?
                    $( , $option:ident $( $example:literal )? )* ;
            )*
        }
    ) => {
        $( #[doc = $about] )*
        #[derive(Clone, Debug, PartialEq)]
        pub struct $Table {
            /// Where it stands, and which keys were given.
            pub place: $crate::config::span::Place,
            $( $( #[doc = $doc] )* pub $key: $Type, )*
        }

        impl $Table {
            /// The declaration.
            #[must_use]
            pub fn declaration() -> &'static $crate::config::table::Table {
                use $crate::config::table::{Key, Table};
                static KEYS: &[Key] = &[ $( Key {
                    name: stringify!($key),
                    about: &[ $( $doc ),* ],
                    kind: <$Type as $crate::config::value::Value>::kind,
                    default: $crate::config::table::default!($default $( ( $meaning ) )?),
                    example: $crate::config::table::example!($( $option $( $example )? )*),
                } ),* ];
                static TABLE: Table = Table {
                    about: &[ $( $about ),* ],
                    short: $crate::config::table::short!($( $short )?),
                    keys: KEYS,
                };
                &TABLE
            }
        }

        impl $crate::config::value::Value for $Table {
            fn kind() -> $crate::config::value::Kind {
                $crate::config::value::Kind::Table(Self::declaration())
            }

            fn read(
                node: &$crate::config::tree::Node,
                reader: &mut $crate::config::reader::Reader<'_>,
            ) -> Option<Self> {
                let mut fields = reader.table(node, Self::declaration())?;
                $(
                    let $key: Option<$Type> = reader.key(&mut fields, stringify!($key));
                    $( $crate::config::table::check!($option, reader, fields, $key); )*
                )*
                Some(Self { place: fields.place(), $( $key: $key? ),* })
            }
        }
    };
}

/// What stands behind `=` in a declaration.
macro_rules! default {
    (required) => {
        $crate::config::table::Absent::Required
    };
    (unset) => {
        $crate::config::table::Absent::Unset("")
    };
    (unset($meaning:literal)) => {
        $crate::config::table::Absent::Unset($meaning)
    };
    ($toml:tt) => {
        $crate::config::table::Absent::Toml(stringify!($toml))
    };
}

/// The example among the options of a key.
macro_rules! example {
    () => { None };
    (like $example:literal $( $rest:tt )*) => { Some($example) };
    (positive $( $rest:tt )*) => { $crate::config::table::example!($( $rest )*) };
}

/// The key that is meant when no table is given.
macro_rules! short {
    () => {
        None
    };
    ($key:ident) => {
        Some(stringify!($key))
    };
}

/// What is checked of a key beyond its type.
macro_rules! check {
    (positive, $reader:ident, $fields:ident, $key:ident) => {
        $reader.positive(&mut $fields, stringify!($key), $key.as_ref());
    };
    (like, $reader:ident, $fields:ident, $key:ident) => {};
}

pub(crate) use {check, default, example, short, table};
