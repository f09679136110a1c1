//! Variables of the environment that set keys: `GORGE__SERVER__GRACE=5s` and a few short ones.

use super::diagnostic::Diagnostic;
use super::environment::Environment;
use super::model::Config;
use super::source::Source;
use super::span::Span;
use super::suggest;
use super::tree::{Entry, Node, Text, What, parse_value};
use super::value::Kind;

/// Those that have a short name, as they did before there was a file.
const SHORT: [(&str, &str); 3] = [
    ("GORGE_LOG_LEVEL", "log_level"),
    ("GORGE_WORKERS", "workers"),
    ("GORGE_MAX_CONNECTIONS", "max_connections"),
];

const PREFIX: &str = "GORGE__";

/// Puts the values of variables in the place of what the file says. An empty variable is as good as
/// none.
pub(crate) fn apply(root: &mut Node, source: &mut Source, environment: &Environment) -> Vec<Diagnostic> {
    let mut mistakes = Vec::new();
    for (name, key) in SHORT {
        if let Ok(value) = environment.get(name)
            && !value.is_empty()
        {
            let span = source.add_variable(name, value);
            let node = node(value, span);
            set(root, &["server", key], node, span);
        }
    }
    for (name, value) in environment.beginning_with(PREFIX) {
        let span = source.add_variable(name, value.unwrap_or_default());
        let Some(value) = value else {
            mistakes.push(Diagnostic::error("its value is no UTF-8").at(span));
            continue;
        };
        if value.is_empty() {
            continue;
        }
        if let Some(short) = other_name(name, value, environment) {
            let mistake = Diagnostic::error(format!("{short} sets the same key, to something else"));
            mistakes.push(mistake.at(span).help("set one of the two"));
            continue;
        }
        match path(root, &name[PREFIX.len()..]) {
            Ok(path) => {
                let path: Vec<_> = path.iter().map(String::as_str).collect();
                set(root, &path, node(value, span), span);
            }
            Err(mistake) => mistakes.push(mistake.at(span)),
        }
    }
    mistakes
}

/// The short name that says something else than the long one.
fn other_name(name: &str, value: &str, environment: &Environment) -> Option<&'static str> {
    let key = name.strip_prefix(PREFIX)?.strip_prefix("SERVER__")?;
    let (short, _) = SHORT.into_iter().find(|(_, known)| known.eq_ignore_ascii_case(key))?;
    let other = environment.get(short).ok()?;
    (!other.is_empty() && other != value).then_some(short)
}

/// A value as TOML has it, or else a string without its quotes.
fn node(value: &str, span: Span) -> Node {
    let mut node = parse_value(value, span.start as usize).unwrap_or_else(|| Node::text(value, span));
    if !matches!(node.what, What::Text(_) | What::List(_) | What::Table(_)) {
        node.unquoted = Some(Box::new(Text { value: value.to_owned(), expanded: false }));
    }
    node.span = span;
    node
}

/// The keys that a name leads through, spelt as the file does.
fn path(root: &Node, name: &str) -> Result<Vec<String>, Diagnostic> {
    let words: Vec<_> = name.split("__").map(str::to_ascii_lowercase).collect();
    let form = "the form is GORGE__TABLE__KEY, as in GORGE__SERVER__GRACE, GORGE__LISTEN__0__ADDRESS or \
                GORGE__UPSTREAM__APP__CONNECT";
    if words.len() < 2 || words.iter().any(String::is_empty) {
        return Err(Diagnostic::error("this names no key").help(form));
    }
    let mut path = Vec::with_capacity(words.len());
    let mut table = Some(Config::declaration());
    let mut at = Some(root);
    let mut words = words.into_iter();
    while let Some(word) = words.next() {
        let key = table.and_then(|table| table.key(&word));
        let Some(key) = key else {
            // Within a table with free names, or unknown: then reading the table tells it.
            if table.is_some() && path.is_empty() {
                let tables = Config::declaration().keys.iter().map(|key| key.name);
                let mistake = Diagnostic::error(format!("there is no table `{word}`"));
                return Err(match suggest::closest(&word, tables.clone()) {
                    Some(near) => mistake.help(format!("did you mean GORGE__{}?", near.to_ascii_uppercase())),
                    None => mistake.help(format!("there are {}", suggest::list(tables, "and"))),
                });
            }
            path.push(word);
            at = None;
            continue;
        };
        path.push(word.clone());
        let kind = (key.kind)();
        at = at.and_then(|node| node.get(key.name));
        table = kind.table();
        match kind {
            Kind::List(_) if table.is_some() => {
                let Some(index) = words.next() else { continue };
                let count = at.map_or(0, |node| node.list().len());
                at = at.and_then(|node| node.list().get(index.parse::<usize>().ok()?));
                match index.parse::<usize>() {
                    Ok(index) if index <= count => path.push(index.to_string()),
                    _ => return Err(no_such_number(&word, &index, count)),
                }
            }
            Kind::Named(..) if table.is_some() => {
                let Some(name) = words.next() else { continue };
                let entries = at.map(Node::entries).unwrap_or_default();
                let plain = |text: &str| text.to_ascii_lowercase().replace(['-', '.'], "_");
                let Some(entry) = entries.iter().find(|entry| plain(&entry.key) == plain(&name)) else {
                    return Err(no_such_name(&word, &name, entries));
                };
                path.push(entry.key.clone());
                at = Some(&entry.node);
            }
            _ => {}
        }
    }
    Ok(path)
}

fn no_such_number(table: &str, index: &str, count: usize) -> Diagnostic {
    let mistake = Diagnostic::error(format!("there is no [[{table}]] with the number {index}"));
    match count {
        0 => mistake.help("the file has none; 0 makes the first"),
        _ => mistake
            .help(format!("they are counted from 0; the last one is {}, {count} makes another", count - 1)),
    }
}

fn no_such_name(table: &str, name: &str, entries: &[Entry]) -> Diagnostic {
    let mistake = Diagnostic::error(format!("the file has no [{table}.{name}]"));
    match entries {
        [] => mistake.help("a variable changes what the file has, and it has none"),
        _ => mistake
            .help(format!("it has {}", suggest::list(entries.iter().map(|entry| entry.key.as_str()), "and"))),
    }
}

/// Sets what stands at the end of the path, and makes what is missing on the way.
fn set(at: &mut Node, path: &[&str], value: Node, span: Span) {
    let Some((first, rest)) = path.split_first() else {
        *at = value;
        return;
    };
    let makes_list =
        |next: Option<&&str>| next.is_some_and(|word| word.bytes().all(|byte| byte.is_ascii_digit()));
    if let (What::List(nodes), Ok(index)) = (&mut at.what, first.parse::<usize>()) {
        if index == nodes.len() {
            nodes.push(Node::table(span));
        }
        if let Some(node) = nodes.get_mut(index) {
            set(node, rest, value, span);
        }
        return;
    }
    if !matches!(at.what, What::Table(_)) {
        // The variable says more than the file did, as in `access_log = "stdout"`.
        *at = Node::table(span);
    }
    let What::Table(entries) = &mut at.what else { return };
    let position = entries.iter().position(|entry| entry.key == *first);
    let position = position.unwrap_or_else(|| {
        let node = match makes_list(rest.first()) {
            true => Node::new(span, What::List(Vec::new())),
            false => Node::table(span),
        };
        entries.push(Entry { key: (*first).to_owned(), span, node });
        entries.len() - 1
    });
    if rest.is_empty() {
        entries[position].span = span;
    }
    set(&mut entries[position].node, rest, value, span);
}
