//! Keys that are not known here: what was meant, where the key belongs, or that it comes later.

use super::diagnostic::Diagnostic;
use super::model::{Section, sections};
use super::reader::Header;
use super::suggest;
use super::table::Table;
use super::tree::Entry;

/// Keys that later versions will have, by their table.
const LATER: [(&str, &[&str]); 6] = [
    ("", &["cache", "tracing"]),
    ("server", &["upgrade_socket", "user", "group", "working_directory", "max_memory"]),
    ("listen", &["protocols", "h2", "h3"]),
    ("upstream", &["hash", "protocol", "slow_start", "panic_threshold", "health", "outlier"]),
    ("tls", &["acme", "early_data"]),
    ("route", &["grpc_web", "compression", "rate_limit", "cache"]),
];

/// What others call our keys.
const ELSEWHERE: [(&str, &str, &str); 37] = [
    ("tls", "certificate", "certificates"),
    ("tls", "certs", "certificates"),
    ("tls", "insecure", "verify"),
    ("tls", "server_name", "sni"),
    ("tls", "ca_file", "ca"),
    ("certificates", "private_key", "key"),
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
    ("redirect", "code", "status"),
    ("redirect", "url", "to"),
    ("respond", "code", "status"),
    ("respond", "body", "text"),
    ("access_log", "file", "to"),
    ("access_log", "path", "to"),
    ("error_log", "file", "to"),
    ("error_log", "path", "to"),
    ("upstream", "server", "servers"),
    ("upstream", "backends", "servers"),
    ("upstream", "peers", "servers"),
    ("upstream", "targets", "servers"),
    ("upstream", "lb", "balance"),
    ("upstream", "policy", "balance"),
    ("server", "threads", "workers"),
    ("server", "worker_processes", "workers"),
    ("server", "worker_connections", "max_connections"),
];

/// What others have a key for and we do in another way, and how.
const OTHERWISE: [(&str, &str, &str); 18] = [
    ("server", "server_name", "hosts are told apart by `host` of a [[route]]"),
    ("listen", "server_name", "hosts are told apart by `host` of a [[route]]"),
    (
        "listen",
        "ssl",
        "write [listen.tls] below it, with certificates = [{ cert = \"site.pem\", key = \"site.key\" }]",
    ),
    (
        "listen",
        "ssl_certificate",
        "write [listen.tls] below it, with certificates = [{ cert = \"site.pem\", key = \"site.key\" }]",
    ),
    ("tls", "cert", "write certificates = [{ cert = \"site.pem\", key = \"site.key\" }]"),
    (
        "upstream",
        "ssl",
        "write [upstream.NAME.tls] below it; without a key it verifies with the system's CAs",
    ),
    (
        "upstream",
        "keepalive",
        "connections are kept anyway; how many says `max_idle` in [upstream.NAME.pool]",
    ),
    ("upstream", "max_fails", "a failed attempt goes on to another server: see [upstream.NAME.retry]"),
    ("route", "proxy_set_header", "write request_headers = { set = { \"X-Name\" = \"value\" } }"),
    ("route", "add_header", "write response_headers = { add = { \"X-Name\" = \"value\" } }"),
    ("route", "proxy_hide_header", "write response_headers = { remove = [\"X-Name\"] }"),
    (
        "route",
        "proxy_read_timeout",
        "write `first_byte` and `idle_body` into the upstream, or `timeout` here",
    ),
    ("route", "root", "folders are not served; one file is: respond = { file = \"index.html\" }"),
    ("route", "try_files", "folders are not served; one file is: respond = { file = \"index.html\" }"),
    ("route", "error_page", "pages for what a server answers are not there yet"),
    ("error_log", "level", "write `log_level` into [server]"),
    ("basic_auth", "users_file", "such files are not read; write users = { alice = \"${file:alice.pw}\" }"),
    ("basic_auth", "file", "such files are not read; write users = { alice = \"${file:alice.pw}\" }"),
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
        // The second word is a name that the operator gave.
        [first, _] if first == "upstream" => first,
        [.., last] => last,
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
    if let Some((help, ours)) = known_elsewhere(word, name) {
        return (mistake.help(help), ours);
    }
    let homes: Vec<_> = tables.iter().filter(|known| known.table.key(name).is_some()).collect();
    let near = suggest::closest(name, names.clone());
    let help = match (near, homes.as_slice()) {
        // A name that is right somewhere else is no slip of the hand.
        (_, [one]) if one.header == "the file" => {
            return (mistake.help(format!("`{name}` is a table of its own: {}", own_table(name))), None);
        }
        (_, [one]) => return (mistake.help(format!("`{name}` belongs in {}", one.header)), None),
        (Some(near), _) => return (mistake.help(format!("did you mean `{near}`?")), Some(near)),
        (None, []) => match near_elsewhere(name, &tables) {
            Some((near, "the file")) => format!("did you mean the table {}?", own_table(near)),
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

/// What to say about a key of another program, and which of this table's keys it is.
fn known_elsewhere(table: &str, name: &str) -> Option<(String, Option<&'static str>)> {
    let same = |row: &&(&str, &str, &'static str)| row.0 == table && row.1 == name;
    if let Some((.., ours)) = ELSEWHERE.iter().find(same) {
        return Some((format!("did you mean `{ours}`?"), Some(ours)));
    }
    OTHERWISE.iter().find(same).map(|(.., how)| ((*how).to_owned(), None))
}

/// How the header of a table at the top of the file is written.
fn own_table(name: &str) -> String {
    match name {
        "server" => "[server]".to_owned(),
        "upstream" => "[upstream.NAME]".to_owned(),
        _ => format!("[[{name}]]"),
    }
}

/// A key of another table that is close.
fn near_elsewhere<'t>(name: &str, tables: &'t [Section]) -> Option<(&'static str, &'t str)> {
    let keys = tables.iter().flat_map(|known| known.table.keys.iter().map(|key| key.name));
    let near = suggest::closest(name, keys)?;
    let home = tables.iter().find(|known| known.table.keys.iter().any(|key| key.name == near))?;
    let name = home.table.key(near)?.name;
    Some((name, home.header.as_str()))
}
