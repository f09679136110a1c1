//! Texts with `$names` in them that each request fills in.

use gorge::http::Headers;

use super::{FromText, Wrong};
use crate::config::reader::Reader;
use crate::config::suggest;

/// The value of a field, with `$client_ip`, `$host`, `$path`, `$request_id` and `$scheme` in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FieldTemplate(
    /// As it was written.
    pub String,
);

/// Where a redirection leads, with `$host`, `$path`, `$query`, `$scheme` and `$uri` in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RedirectTemplate(
    /// As it was written.
    pub String,
);

const FIELD_NAMES: [&str; 5] = ["client_ip", "host", "path", "request_id", "scheme"];
const REDIRECT_NAMES: [&str; 5] = ["host", "path", "query", "scheme", "uri"];

/// What other programs call them.
const ELSEWHERE: [(&str, &str); 6] = [
    ("remote_addr", "client_ip"),
    ("request_uri", "uri"),
    ("args", "query"),
    ("query_string", "query"),
    ("http_host", "host"),
    ("http_x_request_id", "request_id"),
];

impl FromText for FieldTemplate {
    const EXPECTED: &'static str = "the value of a field";

    fn from_text(text: &str, _: &Reader<'_>) -> Result<Self, Wrong> {
        check_names(text, &FIELD_NAMES)?;
        check_value(text)?;
        Ok(Self(text.to_owned()))
    }
}

impl FromText for RedirectTemplate {
    const EXPECTED: &'static str = "where to lead, as in \"https://$host$uri\"";

    fn from_text(text: &str, _: &Reader<'_>) -> Result<Self, Wrong> {
        check_names(text, &REDIRECT_NAMES)?;
        check_value(text)?;
        let absolute = text.split_once("://").is_some_and(|(scheme, rest)| {
            !rest.is_empty()
                && (scheme == "$scheme" || scheme.bytes().all(|byte| byte.is_ascii_alphanumeric()))
        });
        if absolute || text.starts_with('/') || text == "$uri" || text == "$path" {
            return Ok(Self(text.to_owned()));
        }
        let message = format!("{text:?} is neither a URL nor a path");
        Err(Wrong::new(message).help(format!("did you mean \"https://{text}\" or \"/{text}\"?")))
    }
}

fn check_value(text: &str) -> Result<(), Wrong> {
    match Headers::new().append("x", text) {
        Ok(()) => Ok(()),
        Err(_) => Err(Wrong::new("a field cannot have a value with such characters in it")
            .help("line ends and control characters are not allowed")),
    }
}

fn check_names(text: &str, known: &[&str]) -> Result<(), Wrong> {
    let mut rest = text;
    while let Some(at) = rest.find('$') {
        rest = &rest[at + 1..];
        if let Some(behind) = rest.strip_prefix('$') {
            rest = behind;
            continue;
        }
        let (name, behind) = match rest.strip_prefix('{') {
            Some(inside) => {
                inside.split_once('}').ok_or_else(|| Wrong::new("a `}` is missing behind `${`"))?
            }
            None => rest.split_at(
                rest.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_')).unwrap_or(rest.len()),
            ),
        };
        rest = behind;
        if known.contains(&name) {
            continue;
        }
        return Err(unknown(name, known));
    }
    Ok(())
}

fn unknown(name: &str, known: &[&str]) -> Wrong {
    let all: Vec<_> = known.iter().map(|name| format!("${name}")).collect();
    let all = format!("there are {}; write $$ for a dollar sign", all.join(", "));
    if name.is_empty() {
        return Wrong::new("a name must follow `$`").help(all);
    }
    let elsewhere = ELSEWHERE.iter().find(|(theirs, _)| *theirs == name).map(|(_, ours)| *ours);
    let meant = elsewhere
        .filter(|ours| known.contains(ours))
        .or_else(|| suggest::closest(name, known.iter().copied()));
    let wrong = Wrong::new(format!("there is no `${name}` here"));
    match meant {
        Some(meant) => wrong.help(format!("did you mean `${meant}`?")),
        None => wrong.help(all),
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    #[test]
    fn names_are_checked() {
        let reader = Reader::new(Path::new(""));
        for text in ["plain", "$client_ip", "a${host}b", "$$5", "$scheme://$host$path", ""] {
            FieldTemplate::from_text(text, &reader).unwrap();
        }
        for (text, hint) in [
            ("$remote_addr", "`$client_ip`"),
            ("$hots", "`$host`"),
            ("${host", "missing"),
            ("5 $", "write $$"),
            ("$unknown_thing", "$request_id"),
        ] {
            let wrong = FieldTemplate::from_text(text, &reader).unwrap_err();
            assert!(format!("{wrong:?}").contains(hint), "{text}: {wrong:?}");
        }
    }

    #[test]
    fn a_redirection_leads_to_a_url_or_a_path() {
        let reader = Reader::new(Path::new(""));
        for text in ["https://$host$uri", "/new$path", "$scheme://www.example/", "$uri", "https://a.example"]
        {
            RedirectTemplate::from_text(text, &reader).unwrap();
        }
        for text in ["www.example", "$host/x", "", "://x", "https://", "https://$request_id"] {
            RedirectTemplate::from_text(text, &reader).unwrap_err();
        }
    }
}
