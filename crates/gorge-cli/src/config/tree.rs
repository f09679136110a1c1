//! The file as a tree of values with places, in the order of the file.

use toml::Spanned;
use toml::de::{DeInteger, DeTable, DeValue};

use super::diagnostic::Diagnostic;
use super::span::Span;

/// A value of the file.
#[derive(Clone, Debug)]
pub(crate) struct Node {
    pub(crate) span: Span,
    pub(crate) what: What,
    /// The text of a number or the like that came from a variable of the environment, where nobody
    /// writes quotes: it may be meant as a string.
    pub(crate) unquoted: Option<Box<Text>>,
}

/// What a value is.
#[derive(Clone, Debug)]
pub(crate) enum What {
    Boolean(bool),
    Date,
    Float(f64),
    /// `None` if it has more digits than 64 bits.
    Integer(Option<i64>),
    List(Vec<Node>),
    Table(Vec<Entry>),
    Text(Text),
    /// What it is has been told wrong already.
    Broken,
}

/// A string.
#[derive(Clone, Debug)]
pub(crate) struct Text {
    pub(crate) value: String,
    /// It is not what stands in the file, but what `${..}` in it stood for, and never shown.
    pub(crate) expanded: bool,
}

/// A key and its value.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    pub(crate) key: String,
    pub(crate) span: Span,
    pub(crate) node: Node,
}

impl Node {
    pub(crate) fn new(span: Span, what: What) -> Self {
        Self { span, what, unquoted: None }
    }

    /// The string that it is or may be meant as.
    pub(crate) fn as_text(&self) -> Option<&Text> {
        match &self.what {
            What::Text(text) => Some(text),
            _ => self.unquoted.as_deref(),
        }
    }

    pub(crate) fn text(value: impl Into<String>, span: Span) -> Self {
        Self::new(span, What::Text(Text { value: value.into(), expanded: false }))
    }

    pub(crate) fn table(span: Span) -> Self {
        Self::new(span, What::Table(Vec::new()))
    }

    /// What it is, for messages.
    pub(crate) fn kind(&self) -> &'static str {
        match self.what {
            What::Boolean(_) => "true or false",
            What::Date => "a date",
            What::Float(_) => "a number with a fraction",
            What::Integer(_) => "a number",
            What::List(_) => "a list",
            What::Table(_) => "a table",
            What::Text(_) | What::Broken => "a string",
        }
    }

    /// Its keys, if it is a table.
    pub(crate) fn entries(&self) -> &[Entry] {
        match &self.what {
            What::Table(entries) => entries,
            _ => &[],
        }
    }

    /// Its elements, if it is a list.
    pub(crate) fn list(&self) -> &[Node] {
        match &self.what {
            What::List(nodes) => nodes,
            _ => &[],
        }
    }

    /// The value of a key, if it is a table and has it.
    pub(crate) fn get(&self, key: &str) -> Option<&Node> {
        self.entries().iter().find(|entry| entry.key == key).map(|entry| &entry.node)
    }
}

/// Reads a file, and goes on behind what is wrong with it as far as can be.
pub(crate) fn parse(text: &str) -> (Node, Vec<Diagnostic>) {
    let (table, errors) = DeTable::parse_recoverable(text);
    let span = Span::new(0, 0);
    let root = Node::new(span, self::table(table.get_ref(), 0));
    (root, errors.into_iter().map(|error| syntax(&error, text)).collect())
}

/// Reads one value as it would stand behind `key =`; `None` if it is none.
pub(crate) fn parse_value(text: &str, at: usize) -> Option<Node> {
    DeValue::parse(text).ok().map(|value| node(&value, at))
}

/// A default, which has no place. Each one is read by a test.
pub(crate) fn default(text: &str) -> Node {
    let mut node = parse_value(text, 0).unwrap_or(Node::new(Span::NONE, What::Broken));
    forget_places(&mut node);
    node
}

fn forget_places(node: &mut Node) {
    node.span = Span::NONE;
    match &mut node.what {
        What::List(nodes) => nodes.iter_mut().for_each(forget_places),
        What::Table(entries) => entries.iter_mut().for_each(|entry| {
            entry.span = Span::NONE;
            forget_places(&mut entry.node);
        }),
        _ => {}
    }
}

/// What the parser says, with its place; and what to write instead where that can be told.
fn syntax(error: &toml::de::Error, text: &str) -> Diagnostic {
    let range = error.span().unwrap_or(text.len()..text.len());
    let span = Span::new(range.start, range.end);
    let there = text.get(range.clone()).unwrap_or_default();
    let message = error.message().trim_end_matches(", expected nothing");
    if message == "duplicate key" {
        return Diagnostic::error(format!("`{there}` is there twice")).at(span).help(
            "a key or table is written once; only [[listen]] and [[route]], in two pairs of brackets, come \
             as often as needed",
        );
    }
    match unquoted_value(text, range.start) {
        Some(value) if message.starts_with("string values must be quoted") => {
            Diagnostic::error("strings need quotes").at(span).help(format!("did you mean \"{value}\"?"))
        }
        Some(value) if message.starts_with("invalid") => {
            let mistake = Diagnostic::error(format!("this is not TOML: {message}")).at(span);
            mistake.help(format!("if it is a string, put it in quotes: \"{value}\""))
        }
        _ => {
            let mistake = Diagnostic::error(format!("this is not TOML: {message}")).at(span);
            match other_form(text, range.start) {
                Some(help) => mistake.help(help),
                None => mistake,
            }
        }
    }
}

/// How TOML says what the line of this byte says in the form of another program's file.
fn other_form(text: &str, at: usize) -> Option<&'static str> {
    let start = text.get(..at)?.rfind('\n').map_or(0, |end| end + 1);
    let line = text.get(start..)?.lines().next()?.trim();
    if line.ends_with('{') {
        return Some(
            "a table begins with its name in brackets, as in [server], and ends where the next begins",
        );
    }
    if line.ends_with(';') {
        return Some("a line is KEY = VALUE, without a semicolon behind it");
    }
    text.get(at..)?.starts_with(':').then_some("write `=` between a key and its value")
}

/// What stands behind `=` in the line of this byte, if it begins neither a string nor a list or table.
fn unquoted_value(text: &str, at: usize) -> Option<&str> {
    let start = text.get(..at)?.rfind('\n').map_or(0, |end| end + 1);
    let line = text.get(start..)?.lines().next()?;
    let (key, value) = line.split_once('=')?;
    let value = value.split('#').next()?.trim();
    let begins = value.starts_with(['"', '\'', '[', '{']);
    let plain = !begins && !value.contains(['"', '\\', '=']) && !value.is_empty();
    (plain && at >= start + key.len()).then_some(value)
}

fn node(value: &Spanned<DeValue<'_>>, at: usize) -> Node {
    let what = match value.get_ref() {
        DeValue::String(value) => What::Text(Text { value: value.clone().into_owned(), expanded: false }),
        DeValue::Integer(number) => What::Integer(integer(number)),
        DeValue::Float(number) => number.as_str().parse().map_or(What::Broken, What::Float),
        DeValue::Boolean(value) => What::Boolean(*value),
        DeValue::Datetime(_) => What::Date,
        DeValue::Array(list) => What::List(list.iter().map(|value| node(value, at)).collect()),
        DeValue::Table(entries) => table(entries, at),
    };
    Node::new(span(value, at), what)
}

fn table(table: &DeTable<'_>, at: usize) -> What {
    let mut entries: Vec<_> = table
        .iter()
        .map(|(key, value)| Entry {
            key: key.get_ref().to_string(),
            span: span(key, at),
            node: node(value, at),
        })
        .collect();
    // The parser sorts them by name.
    entries.sort_by_key(|entry| entry.span);
    What::Table(entries)
}

fn integer(number: &DeInteger<'_>) -> Option<i64> {
    i64::from_str_radix(number.as_str(), number.radix()).ok()
}

fn span<T>(value: &Spanned<T>, at: usize) -> Span {
    let span = value.span();
    Span::new(span.start, span.end).shifted(at)
}
