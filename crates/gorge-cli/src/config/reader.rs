//! Walks the tree by the declarations and collects what is wrong.

use std::collections::HashMap;
use std::fmt;
use std::path::{Path, PathBuf};
use std::rc::Rc;

use super::diagnostic::Diagnostic;
use super::span::{Given, Place, Span};
use super::table::{Absent, Key, Table};
use super::tree::{self, Node, Text, What};
use super::unknown;
use super::value::{Kind, Value, Wrong, Zero};

/// Reads values out of the tree and collects what is wrong with them.
pub(crate) struct Reader<'a> {
    /// Against this folder, that of the file, paths are read.
    folder: &'a Path,
    pub(super) mistakes: Vec<Diagnostic>,
    /// What must not be shown, whatever is wrong with it or beside it.
    pub(super) secrets: Vec<Span>,
    /// The header of the table that the walk is in, as in `[upstream.app.pool]`.
    header: Header,
    /// Each default that was needed so far, by its text.
    defaults: HashMap<&'static str, Rc<Node>>,
}

/// The keys that were given in a table.
pub(crate) struct Fields<'n> {
    table: &'static Table,
    span: Span,
    given: Vec<(Given, &'n Node)>,
    /// Keys that unknown ones were probably meant to be.
    meant: Vec<&'static str>,
}

impl<'n> Fields<'n> {
    /// Where they stand.
    pub(crate) fn place(self) -> Place {
        let given = self.given.into_iter().map(|(given, _)| given);
        Place::new(self.span, given.collect(), self.meant)
    }

    fn find(&mut self, name: &str) -> Option<(&mut Given, &'n Node)> {
        self.given.iter_mut().find(|(given, _)| given.name == name).map(|(given, node)| (given, *node))
    }
}

/// For who wrote `[[server]]`.
const HEADER_ONCE: &str = "write its header once, in one pair of brackets";

/// The header of a table.
#[derive(Debug, Default)]
pub(crate) struct Header {
    pub(crate) words: Vec<String>,
    /// It may be given several times, and stands in two pairs of brackets.
    several: bool,
}

impl fmt::Display for Header {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.words.as_slice() {
            [] => f.write_str("the file"),
            words if self.several => write!(f, "[[{}]]", words.join(".")),
            words => write!(f, "[{}]", words.join(".")),
        }
    }
}

impl<'a> Reader<'a> {
    pub(crate) fn new(folder: &'a Path) -> Self {
        Self {
            folder,
            mistakes: Vec::new(),
            secrets: Vec::new(),
            header: Header::default(),
            defaults: HashMap::new(),
        }
    }

    /// Adds what is wrong.
    pub(crate) fn report(&mut self, mistake: Diagnostic) {
        self.mistakes.push(mistake);
    }

    /// A path as it is written in the file, made one from where the program runs.
    pub(crate) fn resolve(&self, path: &str) -> PathBuf {
        self.folder.join(path)
    }

    /// The value is of another type than the key takes.
    pub(crate) fn mismatch(&mut self, node: &Node, expected: &str, help: Option<String>) {
        if matches!(node.what, What::Broken) {
            return;
        }
        let mistake = Diagnostic::error(format!("expected {expected}, found {}", node.kind())).at(node.span);
        self.mistakes.push(Diagnostic { help, ..mistake });
    }

    /// The value is of the right type but wrong in itself. Of what `${..}` stood for nothing is told.
    pub(crate) fn wrong(&mut self, span: Span, text: Option<&Text>, expected: &str, why: Wrong) {
        let mistake = match text {
            Some(text) if text.expanded => {
                Diagnostic::error(format!("what this stands for is not {expected}")).at(span)
            }
            _ => Diagnostic { help: why.help, ..Diagnostic::error(why.message).at(span) },
        };
        self.mistakes.push(mistake);
    }

    /// Reads what stands below a name of a table.
    pub(crate) fn within<T>(&mut self, name: &str, several: bool, read: impl FnOnce(&mut Self) -> T) -> T {
        self.header.words.push(name.to_owned());
        let outer = std::mem::replace(&mut self.header.several, several);
        let value = read(self);
        self.header.several = outer;
        self.header.words.pop();
        value
    }

    /// The keys given in a table, each known one; the others are told.
    pub(crate) fn table<'n>(&mut self, node: &'n Node, table: &'static Table) -> Option<Fields<'n>> {
        let mut given = Vec::new();
        let new = |name, key, node: &Node| Given { name, key, value: node.span, changed: true, sound: true };
        let mut meant = Vec::new();
        match (&node.what, table.short) {
            (What::Broken, _) => return None,
            (What::Table(entries), _) => {
                for entry in entries {
                    match table.key(&entry.key) {
                        Some(key) => given.push((new(key.name, entry.span, &entry.node), &entry.node)),
                        None => {
                            let (mistake, key) = unknown::key(entry, table, &self.header);
                            self.mistakes.push(mistake);
                            meant.extend(key);
                        }
                    }
                }
            }
            (_, Some(short)) => given.push((new(short, node.span, node), node)),
            (_, None) => {
                let help = matches!(&node.what, What::List(nodes) if nodes.iter().all(|node| !node.entries().is_empty()));
                self.mismatch(node, "a table", help.then(|| HEADER_ONCE.to_owned()));
                return None;
            }
        }
        Some(Fields { table, span: node.span, given, meant })
    }

    /// The value of a key: as given, or its default. A wrong one is told and replaced by the default,
    /// so that the rest can be read; `None` if it has none.
    pub(crate) fn key<T: Value + PartialEq>(
        &mut self,
        fields: &mut Fields<'_>,
        name: &'static str,
    ) -> Option<T> {
        // Both come out of the same declaration.
        let key = fields.table.key(name)?;
        let span = fields.span;
        let Some((given, node)) = fields.find(name) else {
            if key.default == Absent::Required && !fields.meant.contains(&name) {
                self.missing(span, key);
            }
            return self.default(key);
        };
        let several = matches!(T::kind(), Kind::List(_));
        let before = self.mistakes.len();
        let value = self.within(name, several, |reader| T::read(node, reader));
        let default = self.default(key);
        given.changed = value != default;
        given.sound = value.is_some() && self.mistakes.len() == before;
        value.or(default)
    }

    fn default<T: Value>(&mut self, key: &'static Key) -> Option<T> {
        match key.default {
            Absent::Required => None,
            Absent::Unset(_) => T::unset(),
            Absent::Toml(text) => {
                let parsed = || Rc::new(tree::default(text));
                let node = self.defaults.entry(text).or_insert_with(parsed).clone();
                T::read(&node, self)
            }
        }
    }

    fn missing(&mut self, table: Span, key: &Key) {
        let help = match key.example {
            Some(example) => format!("add it, as in `{} = {example}`", key.name),
            None => format!("add it: {}", (key.kind)().phrase()),
        };
        let mistake = Diagnostic::error(format!("the key `{}` is missing", key.name)).at(table).help(help);
        self.mistakes.push(mistake);
    }

    /// Tells that a value is zero, where that makes no sense.
    pub(crate) fn positive<T: Zero>(
        &mut self,
        fields: &mut Fields<'_>,
        name: &'static str,
        value: Option<&T>,
    ) {
        if let (Some((_, node)), Some(value)) = (fields.find(name), value)
            && value.is_zero()
        {
            let mistake = Diagnostic::error(format!("`{name}` must be more than zero")).at(node.span);
            let default = fields.table.key(name).map(|key| key.default);
            let help = match default {
                Some(Absent::Toml(text)) => format!("leave the key out for the default, {text}"),
                Some(Absent::Unset(meaning)) if !meaning.is_empty() => {
                    format!("leave the key out for: {meaning}")
                }
                _ => "leave the key out".to_owned(),
            };
            self.mistakes.push(mistake.help(help));
        }
    }
}
