//! Groups for the key exchange, by the same names with both libraries.

use std::sync::OnceLock;

use gorge_error::Result;
use openssl::ssl::{SslContext, SslContextBuilder, SslMethod};

use crate::options::{because, library, wrong};

/// The first one that both sides know is used. The first is safe from quantum computers too; a library that
/// lacks it does without.
const DEFAULT: [&str; 4] = ["X25519MLKEM768", "X25519", "P-256", "P-384"];

/// Names, and others for the same, of the groups that either library may know.
const NAMES: [(&str, &[&str]); 14] = [
    ("X25519MLKEM768", &[]),
    ("SecP256r1MLKEM768", &[]),
    ("SecP384r1MLKEM1024", &[]),
    ("X25519", &["curve25519"]),
    ("X448", &[]),
    ("P-256", &["P256", "secp256r1", "prime256v1"]),
    ("P-384", &["P384", "secp384r1"]),
    ("P-521", &["P521", "secp521r1"]),
    ("brainpoolP256r1tls13", &[]),
    ("brainpoolP384r1tls13", &[]),
    ("brainpoolP512r1tls13", &[]),
    ("ffdhe2048", &[]),
    ("ffdhe3072", &[]),
    ("ffdhe4096", &[]),
];

/// Those that the TLS library of this program knows, by the names that options take.
pub(crate) fn known() -> &'static [&'static str] {
    static KNOWN: OnceLock<Vec<&str>> = OnceLock::new();
    KNOWN.get_or_init(|| NAMES.iter().map(|(name, _)| *name).filter(|name| is_known(name)).collect())
}

fn is_known(name: &str) -> bool {
    SslContext::builder(SslMethod::tls()).is_ok_and(|mut context| context.set_groups_list(name).is_ok())
}

/// The name that the library knows it by.
fn find(asked: &str) -> Result<&'static str> {
    let is_it = |name: &&str| {
        let others = NAMES.iter().find(|(other, _)| other == name).map_or(&[][..], |(_, others)| others);
        std::iter::once(*name).chain(others.iter().copied()).any(|name| name.eq_ignore_ascii_case(asked))
    };
    known().iter().copied().find(is_it).ok_or_else(|| {
        let known = known().join(", ");
        wrong(format!("the TLS library knows no group {asked:?} for the key exchange; it knows {known}"))
    })
}

/// Offers these groups in this order, or the default ones.
pub(crate) fn apply(context: &mut SslContextBuilder, groups: Option<&[String]>) -> Result<()> {
    let Some(asked) = groups else {
        let list: Vec<_> = DEFAULT.into_iter().filter(|name| known().contains(name)).collect();
        return context.set_groups_list(&list.join(":")).map_err(library);
    };
    if asked.is_empty() {
        return Err(wrong("a list of groups for the key exchange has at least one"));
    }
    let mut list: Vec<&str> = Vec::new();
    for asked in asked {
        let name = find(asked)?;
        // The libraries differ over a group that is named twice.
        if !list.contains(&name) {
            list.push(name);
        }
    }
    let list = list.join(":");
    context
        .set_groups_list(&list)
        .map_err(|error| because(format!("the TLS library takes no groups {list}"), error))
}
