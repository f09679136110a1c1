//! Texts that the library's filters understand, which are asked whether they do.

use gorge::error::Error;
use gorge::http::Status;
use gorge::proxy::filters::{BasicAuth, Cors, Redirect, ResponseHeaderEdit};

use super::{FromText, Wrong};
use crate::config::reader::Reader;

/// The value of a field, with `$client_ip`, `$host` and the like in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FieldTemplate(
    /// As it was written.
    pub String,
);

impl FromText for FieldTemplate {
    const EXPECTED: &'static str = "the value of a field";

    fn from_text(text: &str, _: &Reader<'_>) -> Result<Self, Wrong> {
        // That of a response knows all names; whether those of a request suffice is seen with the route.
        match ResponseHeaderEdit::new().set("X-Any", text) {
            Ok(_) => Ok(Self(text.to_owned())),
            Err(error) => Err(refused(&error, text)),
        }
    }
}

/// Where a redirection leads, with `$host`, `$uri` and the like in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RedirectTemplate(
    /// As it was written.
    pub String,
);

impl FromText for RedirectTemplate {
    const EXPECTED: &'static str = "where to lead, as in \"https://$host$uri\"";

    fn from_text(text: &str, _: &Reader<'_>) -> Result<Self, Wrong> {
        match Redirect::new(Status::FOUND, text) {
            Ok(_) => Ok(Self(text.to_owned())),
            Err(error) => Err(refused(&error, text)),
        }
    }
}

/// Which pages may ask: an origin (RFC 6454), all below one, or `*`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Origin(
    /// As it was written.
    pub String,
);

impl FromText for Origin {
    const EXPECTED: &'static str = "an origin, as in \"https://a.example\", or \"*\"";

    fn from_text(text: &str, _: &Reader<'_>) -> Result<Self, Wrong> {
        let meant =
            |origin: &str| Cors::origins([origin]).is_ok().then(|| format!("did you mean \"{origin}\"?"));
        match Cors::origins([text]) {
            Ok(_) => Ok(Self(text.to_owned())),
            Err(error) => {
                let authority = text.split_once("://").and_then(|(scheme, rest)| {
                    Some(format!("{scheme}://{}", rest.split(['/', '?', '#']).next()?))
                });
                let help = meant(&authority.unwrap_or_else(|| format!("https://{text}")));
                Err(Wrong { help, ..refused(&error, text) })
            }
        }
    }
}

/// What a browser shows when it asks for name and password.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Realm(
    /// As it was written.
    pub String,
);

impl FromText for Realm {
    const EXPECTED: &'static str = "a text of ASCII characters";

    fn from_text(text: &str, _: &Reader<'_>) -> Result<Self, Wrong> {
        match BasicAuth::new(text, [("any", "any")]) {
            Ok(_) => Ok(Self(text.to_owned())),
            Err(error) => Err(refused(&error, text)),
        }
    }
}

/// What others call the names.
const ELSEWHERE: [(&str, &str); 7] = [
    ("args", "query"),
    ("http_host", "authority"),
    ("is_args", "query"),
    ("query_string", "query"),
    ("remote_addr", "client_ip"),
    ("request_method", "method"),
    ("request_uri", "uri"),
];

/// What the library says, and what was meant if other programs have a name for it.
fn refused(error: &Error, text: &str) -> Wrong {
    let message = error.contexts().next().unwrap_or("this cannot be used");
    let wrong = Wrong::new(message.trim_start_matches("the value for X-Any: "));
    let theirs =
        ELSEWHERE.iter().find(|(theirs, _)| wrong.message.contains(&format!("there is no ${theirs};")));
    match theirs {
        Some(("is_args", _)) => wrong.help("write the question mark itself, as in \"/new?$query\""),
        Some((_, ours)) => wrong.help(format!("did you mean `${ours}`?")),
        None if text.starts_with("www.") => wrong.help(format!("did you mean \"https://{text}\"?")),
        None => wrong,
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    fn message<T: FromText>(text: &str) -> String {
        let read = T::from_text(text, &Reader::new(Path::new("")));
        read.map_or_else(
            |wrong| format!("{} {}", wrong.message, wrong.help.unwrap_or_default()),
            |_| String::new(),
        )
    }

    #[test]
    fn other_programs_names_are_translated() {
        assert_eq!(message::<FieldTemplate>("$client_ip at $host, 5 $$"), "");
        assert!(message::<FieldTemplate>("$remote_addr").contains("did you mean `$client_ip`?"));
        assert!(message::<FieldTemplate>("$hots").contains("there is no $hots"));
        assert_eq!(message::<RedirectTemplate>("https://$host$uri"), "");
        assert!(message::<RedirectTemplate>("https://$host$request_uri").contains("did you mean `$uri`?"));
        assert!(
            message::<RedirectTemplate>("www.example/").contains("did you mean \"https://www.example/\"?")
        );
    }

    #[test]
    fn an_origin_is_no_url() {
        for text in ["*", "https://a.example", "http://localhost:3000"] {
            assert_eq!(message::<Origin>(text), "", "{text}");
        }
        assert!(message::<Origin>("https://a.example/shop").contains("did you mean \"https://a.example\"?"));
        assert!(message::<Origin>("a.example").contains("did you mean \"https://a.example\"?"));
    }
}
