//! Keys that are not known here: what was meant, where the key belongs, or that it comes later.

use super::diagnostic::Diagnostic;
use super::model::{Section, sections};
use super::reader::Header;
use super::suggest;
use super::table::Table;
use super::tree::Entry;

/// Keys that later versions will have, by their table.
const LATER: [(&str, &[&str]); 5] = [
    ("", &["cache", "tracing"]),
    ("server", &["upgrade_socket", "user", "group", "working_directory", "max_memory"]),
    ("listen", &["protocols", "tls", "h2", "h3"]),
    ("upstream", &["hash", "protocol", "slow_start", "panic_threshold", "tls", "health", "outlier"]),
    ("route", &["grpc_web", "compression", "rate_limit", "cache"]),
];

/// What others call our keys.
const ELSEWHERE: [(&str, &str, &str); 22] = [
    ("listen", "bind", "address"),
    ("listen", "listen", "address"),
    ("listen", "port", "address"),
    ("listen", "addr", "address"),
    ("route", "server_name", "host"),
    ("route", "domain", "host"),
    ("route", "location", "path"),
    ("route", "prefix", "path"),
    ("route", "proxy_pass", "upstream"),
    ("route", "backend", "upstream"),
    ("route", "service", "upstream"),
    ("route", "return", "respond"),
    ("route", "auth", "basic_auth"),
    ("route", "client_max_body_size", "body_size"),
    ("upstream", "backends", "servers"),
    ("upstream", "peers", "servers"),
    ("upstream", "targets", "servers"),
    ("upstream", "lb", "balance"),
    ("upstream", "policy", "balance"),
    ("server", "threads", "workers"),
    ("server", "worker_processes", "workers"),
    ("server", "worker_connections", "max_connections"),
];

/// What to say about a key that this table does not have, and which of its keys it was probably meant to be.
pub(crate) fn key(
    entry: &Entry,
    table: &'static Table,
    header: &Header,
) -> (Diagnostic, Option<&'static str>) {
    let name = entry.key.as_str();
    let word = match header.words.as_slice() {
        [] => "",
        [one] => one,
        [first, _] if first == "upstream" => first,
        _ => "none of these",
    };
    let tables = sections();
    if LATER.iter().any(|(table, keys)| *table == word && keys.contains(&name)) {
        let what = if word.is_empty() { "the table" } else { "the key" };
        let mistake =
            Diagnostic::error(format!("this version does not have {what} `{name}` of {header} yet"))
                .at(entry.span)
                .help("leave it out; the change log says what each version brings");
        return (mistake, None);
    }
    let mistake = Diagnostic::error(format!("{header} has no key `{name}`")).at(entry.span);
    let names = table.keys.iter().map(|key| key.name);
    let theirs = ELSEWHERE.iter().find(|(table, theirs, _)| *table == word && *theirs == name);
    if let Some((.., ours)) = theirs {
        return (mistake.help(format!("did you mean `{ours}`?")), Some(ours));
    }
    let homes: Vec<_> = tables.iter().filter(|known| known.table.key(name).is_some()).collect();
    let near = suggest::closest(name, names.clone());
    let help = match (near, homes.as_slice()) {
        // A name that is right somewhere else is no slip of the hand.
        (_, [one]) => return (mistake.help(format!("`{name}` belongs in {}", one.header)), None),
        (Some(near), _) => return (mistake.help(format!("did you mean `{near}`?")), Some(near)),
        (None, []) => match near_elsewhere(name, &tables) {
            Some((near, header)) => format!("did you mean `{near}`? That belongs in {header}"),
            None => format!("it has {}", suggest::list(names, "and")),
        },
        (None, several) => {
            let headers = several.iter().map(|known| known.header.as_str());
            format!("`{name}` is a key of {}", suggest::list(headers, "and").replace('`', ""))
        }
    };
    (mistake.help(help), None)
}

/// A key of another table that is close.
fn near_elsewhere<'t>(name: &str, tables: &'t [Section]) -> Option<(&'static str, &'t str)> {
    let keys = tables.iter().flat_map(|known| known.table.keys.iter().map(|key| key.name));
    let near = suggest::closest(name, keys)?;
    let home = tables.iter().find(|known| known.table.keys.iter().any(|key| key.name == near))?;
    let name = home.table.key(near)?.name;
    Some((name, home.header.as_str()))
}
