//! Values of which there are few: words.

use gorge::proxy::{Format, Level};

use super::{FromText, Wrong};
use crate::config::reader::Reader;
use crate::config::suggest;

/// Reads words into a type: each word, and those that a later version will know.
macro_rules! words {
    ($Type:ty { $first:literal = $first_value:expr $( , $word:literal = $value:expr )* } later [ $( $later:literal ),* ]) => {
        impl FromText for $Type {
            const EXPECTED: &'static str = concat!("one of \"", $first, "\"" $( , ", \"", $word, "\"" )*);

            fn from_text(text: &str, _: &Reader<'_>) -> Result<Self, Wrong> {
                match text {
                    $first => Ok($first_value),
                    $( $word => Ok($value), )*
                    _ => Err($crate::config::value::choice::unknown(text, &[$first $( , $word )*], &[$( $later ),*])),
                }
            }
        }
    };
}

pub(super) fn unknown(text: &str, words: &[&str], later: &[&str]) -> Wrong {
    let all = suggest::list(words.iter().copied(), "and");
    if later.contains(&text) {
        let message = format!("this version does not have {text:?} yet");
        return Wrong::new(message).help(format!("it has {all}"));
    }
    let wrong = Wrong::new(format!("{text:?} is not known here"));
    match suggest::closest(text, words.iter().copied()) {
        Some(word) => wrong.help(format!("did you mean \"{word}\"?")),
        None => wrong.help(format!("it may be {}", suggest::list(words.iter().copied(), "or"))),
    }
}

pub(super) use words;

/// How the servers of an upstream share the work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Balance {
    /// The one with the fewest exchanges in flight, for its weight.
    LeastConn,
    /// Each in its turn, as often as its weight says.
    RoundRobin,
}

words!(Balance {
    "round_robin" = Balance::RoundRobin,
    "weighted_round_robin" = Balance::RoundRobin,
    "least_conn" = Balance::LeastConn
} later ["p2c_ewma", "random", "ip_hash", "ketama", "maglev"]);

words!(Level {
    "debug" = Level::Debug,
    "info" = Level::Info,
    "warn" = Level::Warn,
    "error" = Level::Error
} later []);

words!(gorge::protocols::Family {
    "ipv4" = gorge::protocols::Family::Ipv4,
    "ipv6" = gorge::protocols::Family::Ipv6,
    "both" = gorge::protocols::Family::Both
} later []);

words!(gorge::upstream::Stale {
    "idempotent" = gorge::upstream::Stale::Idempotent,
    "any" = gorge::upstream::Stale::Any
} later []);

/// The form of the PROXY header that an upstream is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProxyVersion {
    /// One line of text.
    V1,
    /// Binary.
    V2,
}

words!(ProxyVersion { "v1" = ProxyVersion::V1, "v2" = ProxyVersion::V2 } later []);

/// How lines of the error log look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ErrorFormat {
    /// One object per line.
    Json,
    /// For people.
    Text,
}

words!(ErrorFormat { "text" = ErrorFormat::Text, "json" = ErrorFormat::Json } later []);

/// Whether a page may be shown in a frame of another page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Frame {
    /// Nowhere.
    Deny,
    /// In pages of the same origin.
    SameOrigin,
}

words!(Frame { "DENY" = Frame::Deny, "SAMEORIGIN" = Frame::SameOrigin } later []);

/// The `Host` that an upstream is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HostMode {
    /// That of the client.
    Keep,
    /// This one.
    Name(String),
    /// The address of the server that is asked.
    Peer,
}

impl FromText for HostMode {
    const EXPECTED: &'static str = "\"keep\", \"peer\" or a host name";

    fn from_text(text: &str, _: &Reader<'_>) -> Result<Self, Wrong> {
        match text {
            "keep" => Ok(Self::Keep),
            "peer" => Ok(Self::Peer),
            _ => match gorge::http::authority::validate(text.as_bytes()) {
                Ok(authority) if !authority.host().is_empty() => Ok(Self::Name(text.to_owned())),
                _ => Err(Wrong::new(format!("{text:?} is no host name"))
                    .help("write \"keep\" for the client's, \"peer\" for the server's address, or a name")),
            },
        }
    }
}

impl FromText for Format {
    const EXPECTED: &'static str = "\"combined\", \"common\", \"json\" or a template with $names";

    fn from_text(text: &str, _: &Reader<'_>) -> Result<Self, Wrong> {
        text.parse().map_err(|_| match text.contains('$') {
            true => {
                let why = text.parse::<gorge::proxy::log::Template>().err();
                let why =
                    why.and_then(|error| error.contexts().next().map(str::to_owned)).unwrap_or_default();
                Wrong::new(why)
            }
            false => {
                let words = ["combined", "common", "json"];
                let help = match suggest::closest(text, words) {
                    Some(word) => format!("did you mean \"{word}\"?"),
                    None => {
                        "it may be `combined`, `common`, `json` or a template with $names in it".to_owned()
                    }
                };
                Wrong::new(format!("{text:?} is no format of the access log")).help(help)
            }
        })
    }
}
