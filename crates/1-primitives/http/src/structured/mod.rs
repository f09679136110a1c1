//! Structured fields: items, lists and dictionaries (RFC 9651).
//!
//! Parsing is strict, as the RFC demands: a field that is malformed anywhere counts as absent. It
//! stops at the sizes that the RFC wants supported at least: 1024 members, 256 items in an inner
//! list, 256 parameters.
//!
//! ```
//! use gorge_http::structured::{self, BareItem};
//! use gorge_http::{Headers, Known};
//!
//! let mut headers = Headers::new();
//! headers.append(Known::Priority, "u=1, i")?;
//!
//! let mut priority = structured::parse_dictionary(headers.get_all(Known::Priority))?;
//! let urgency = priority.get("u").and_then(|member| member.bare()?.as_integer());
//! assert_eq!(urgency, Some(1));
//!
//! priority.insert("u", BareItem::Integer(5));
//! assert_eq!(structured::write_dictionary(&priority)?, "u=5, i");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod parse;
mod write;

pub use parse::{InvalidStructure, parse_dictionary, parse_item, parse_list};
pub use write::{Unwritable, write_dictionary, write_item, write_list};

/// A value without parameters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BareItem {
    /// `?1`, `?0`
    Boolean(bool),
    /// `:cHJldGVuZA==:`
    ByteSequence(Vec<u8>),
    /// `@1659578233`: seconds since 1970
    Date(i64),
    /// `4.5`
    Decimal(Decimal),
    /// `%"f%c3%bcr"`: any Unicode text
    DisplayString(String),
    /// `42`, of at most 15 digits
    Integer(i64),
    /// `"hello"`, printable ASCII
    String(String),
    /// `text/html`
    Token(String),
}

impl BareItem {
    /// The value of a `Boolean`.
    pub fn as_boolean(&self) -> Option<bool> {
        if let BareItem::Boolean(value) = self { Some(*value) } else { None }
    }

    /// The bytes of a `ByteSequence`.
    pub fn as_bytes(&self) -> Option<&[u8]> {
        if let BareItem::ByteSequence(value) = self { Some(value) } else { None }
    }

    /// The value of an `Integer`.
    pub fn as_integer(&self) -> Option<i64> {
        if let BareItem::Integer(value) = self { Some(*value) } else { None }
    }

    /// The text of a `DisplayString`, `String` or `Token`.
    pub fn as_text(&self) -> Option<&str> {
        match self {
            BareItem::DisplayString(text) | BareItem::String(text) | BareItem::Token(text) => Some(text),
            _ => None,
        }
    }
}

/// A number with up to three decimals, held in thousandths.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Decimal(i64);

impl Decimal {
    /// The number of so many thousandths: 4500 is `4.5`.
    pub const fn from_thousandths(thousandths: i64) -> Decimal {
        Decimal(thousandths)
    }

    /// The number in thousandths.
    pub const fn thousandths(self) -> i64 {
        self.0
    }
}

/// A value with parameters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Item {
    /// The value.
    pub value: BareItem,
    /// What stands behind it: `;a=1;b`.
    pub parameters: Parameters,
}

impl From<BareItem> for Item {
    fn from(value: BareItem) -> Self {
        Item { value, parameters: Parameters::default() }
    }
}

/// Items in parentheses, with parameters for all of them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct InnerList {
    /// The items.
    pub items: Vec<Item>,
    /// What stands behind the closing parenthesis.
    pub parameters: Parameters,
}

/// An element of a list, or a value of a dictionary.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Member {
    /// Items in parentheses.
    InnerList(InnerList),
    /// One item.
    Item(Item),
}

impl Member {
    /// The value if it is one item; its parameters aside.
    pub fn bare(&self) -> Option<&BareItem> {
        if let Member::Item(item) = self { Some(&item.value) } else { None }
    }

    /// The parameters.
    pub fn parameters(&self) -> &Parameters {
        match self {
            Member::InnerList(list) => &list.parameters,
            Member::Item(item) => &item.parameters,
        }
    }
}

impl From<BareItem> for Member {
    fn from(value: BareItem) -> Self {
        Member::Item(value.into())
    }
}

/// The parameters of an item or inner list.
pub type Parameters = Map<BareItem>;
/// A dictionary field.
pub type Dictionary = Map<Member>;

/// Values by key, in order. A key is there once; setting it again keeps its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Map<V>(Vec<(String, V)>);

impl<V> Map<V> {
    /// Nothing.
    pub const fn new() -> Self {
        Map(Vec::new())
    }

    /// The value of a key.
    pub fn get(&self, key: &str) -> Option<&V> {
        self.0.iter().find(|(found, _)| found == key).map(|(_, value)| value)
    }

    /// Sets the value of a key, and returns the old one. Whether the key is legal shows when it is
    /// written: lower-case letters, digits and `_-.*`, first a letter or an asterisk.
    pub fn insert(&mut self, key: impl Into<String>, value: impl Into<V>) -> Option<V> {
        let (key, value) = (key.into(), value.into());
        match self.0.iter_mut().find(|(found, _)| *found == key) {
            Some((_, old)) => Some(std::mem::replace(old, value)),
            None => {
                self.0.push((key, value));
                None
            }
        }
    }

    /// Removes a key and returns its value.
    pub fn remove(&mut self, key: &str) -> Option<V> {
        let at = self.0.iter().position(|(found, _)| found == key)?;
        Some(self.0.remove(at).1)
    }

    /// Keys and values in order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&str, &V)> {
        self.0.iter().map(|(key, value)| (key.as_str(), value))
    }

    /// How many keys there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is no key.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl<V> Default for Map<V> {
    fn default() -> Self {
        Map::new()
    }
}

fn is_key_start(byte: u8) -> bool {
    byte.is_ascii_lowercase() || byte == b'*'
}

fn is_key_byte(byte: u8) -> bool {
    is_key_start(byte) || byte.is_ascii_digit() || matches!(byte, b'_' | b'-' | b'.')
}

fn is_token_start(byte: u8) -> bool {
    byte.is_ascii_alphabetic() || byte == b'*'
}

fn is_token_byte(byte: u8) -> bool {
    crate::grammar::is_token_byte(byte) || matches!(byte, b':' | b'/')
}
