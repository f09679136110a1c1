//! Lists, tables with free names, and switches.

use std::collections::HashMap;
use std::hash::Hash;

use super::{FromText, Kind, Value};
use crate::config::diagnostic::Diagnostic;
use crate::config::reader::Reader;
use crate::config::span::At;
use crate::config::table::Table;
use crate::config::tree::{Node, What};

impl<T: Value> Value for Vec<T> {
    fn kind() -> Kind {
        Kind::List(Box::new(T::kind()))
    }

    fn read(node: &Node, reader: &mut Reader<'_>) -> Option<Self> {
        match &node.what {
            What::List(nodes) => Some(nodes.iter().filter_map(|node| T::read(node, reader)).collect()),
            What::Table(_) if T::kind().table().is_some() => {
                let help = "this may be given several times: write its header in two pairs of brackets";
                reader.mismatch(node, "a list of tables", Some(help.to_owned()));
                None
            }
            _ => {
                let help =
                    matches!(node.what, What::Text(_)).then(|| "put it in brackets: [\"...\"]".to_owned());
                reader.mismatch(node, "a list", help);
                None
            }
        }
    }

    fn unset() -> Option<Self> {
        Some(Vec::new())
    }
}

/// A list that may be written without brackets if it has one element.
#[derive(Clone, Debug, PartialEq)]
pub struct OneOrMany<T>(
    /// The elements.
    pub Vec<At<T>>,
);

impl<T: Value> Value for OneOrMany<T> {
    fn kind() -> Kind {
        Kind::OneOrMany(Box::new(T::kind()))
    }

    fn read(node: &Node, reader: &mut Reader<'_>) -> Option<Self> {
        match node.what {
            What::List(_) => Vec::read(node, reader).map(Self),
            _ => At::read(node, reader).map(|one| Self(vec![one])),
        }
    }

    fn unset() -> Option<Self> {
        Some(Self(Vec::new()))
    }
}

/// A table whose keys are names of the user's own, in the order of the file.
#[derive(Clone, Debug, PartialEq)]
pub struct Named<K, V> {
    /// Names and values; no name twice.
    pub entries: Vec<(At<K>, V)>,
}

impl<K: PartialEq, V> Named<K, V> {
    /// The value of a name.
    #[must_use]
    pub fn get(&self, name: &K) -> Option<&V> {
        self.entries.iter().find(|(key, _)| key.value == *name).map(|(_, value)| value)
    }
}

/// A name in a table with free names.
pub(crate) trait FreeName: FromText + Eq + Hash + Clone {
    /// What stands for it in headers and on the page.
    const PLACEHOLDER: &'static str;
}

impl<K: FreeName, V: Value> Value for Named<K, V> {
    fn kind() -> Kind {
        Kind::Named(K::PLACEHOLDER, Box::new(V::kind()))
    }

    fn read(node: &Node, reader: &mut Reader<'_>) -> Option<Self> {
        let What::Table(given) = &node.what else {
            reader.mismatch(node, "a table", None);
            return None;
        };
        let mut entries = Vec::with_capacity(given.len());
        let mut seen = HashMap::new();
        for entry in given {
            // Read even if the name is wrong: there may be more to tell, or a secret to hide.
            let value = reader.within(&entry.key, false, |reader| V::read(&entry.node, reader));
            let name = match K::from_text(&entry.key, reader) {
                Ok(name) => name,
                Err(why) => {
                    reader.wrong(entry.span, None, K::EXPECTED, why);
                    continue;
                }
            };
            if let Some(before) = seen.insert(name.clone(), entry.span) {
                let mistake = Diagnostic::error(format!("`{}` is the same name as one above", entry.key));
                reader.report(mistake.at(entry.span).label(before, "the other one"));
                continue;
            }
            if let Some(value) = value {
                entries.push((At { value: name, span: entry.span }, value));
            }
        }
        Some(Self { entries })
    }
}

/// A table that `true` switches on with all its defaults, and `false` or nothing leaves off.
#[derive(Clone, Debug, PartialEq)]
pub struct Toggle<T>(
    /// The table, if it is on.
    pub Option<T>,
);

/// A declared table that can be switched on as a whole.
pub(crate) trait Switch: Value {
    /// Its declaration.
    fn table() -> &'static Table;
}

impl<T: Switch> Value for Toggle<T> {
    fn kind() -> Kind {
        Kind::Toggle(T::table())
    }

    fn read(node: &Node, reader: &mut Reader<'_>) -> Option<Self> {
        match node.what {
            What::Boolean(false) => Some(Self(None)),
            What::Boolean(true) => T::read(&Node::table(node.span), reader).map(|table| Self(Some(table))),
            What::Table(_) => T::read(node, reader).map(|table| Self(Some(table))),
            _ => {
                reader.mismatch(node, "true, false or a table", None);
                None
            }
        }
    }

    fn unset() -> Option<Self> {
        Some(Self(None))
    }
}
