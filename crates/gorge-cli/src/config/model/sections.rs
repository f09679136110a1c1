//! Every table with the header that it stands below.

use super::Config;
use crate::config::table::Table;
use crate::config::value::Kind;

/// A table and its header.
#[derive(Clone, Debug)]
pub struct Section {
    /// The header as it is written in a file, `NAME` for a name of the user's own; `the file` for what
    /// stands before any header.
    pub header: String,
    /// The declaration.
    pub table: &'static Table,
}

/// Every table, in the order of the page: the file itself, then each followed by those within it.
#[must_use]
pub fn sections() -> Vec<Section> {
    let root = Config::declaration();
    let mut found = vec![Section { header: "the file".to_owned(), table: root }];
    below(root, "", &mut found);
    found
}

fn below(table: &'static Table, path: &str, found: &mut Vec<Section>) {
    for key in table.keys {
        let kind = (key.kind)();
        let Some(table) = kind.table() else { continue };
        let dot = if path.is_empty() { "" } else { "." };
        let path = match &kind {
            Kind::Named(name, _) => format!("{path}{dot}{}.{name}", key.name),
            _ => format!("{path}{dot}{}", key.name),
        };
        let header = match &kind {
            Kind::List(_) => format!("[[{path}]]"),
            _ => format!("[{path}]"),
        };
        found.push(Section { header, table });
        below(table, &path, found);
    }
}
