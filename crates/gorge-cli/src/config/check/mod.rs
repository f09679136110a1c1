//! What is wrong with a configuration as a whole.

mod leaks;
mod listen;
mod networks;
mod route;
mod routes;
mod server;
#[cfg_attr(not(feature = "openssl"), path = "no_tls.rs")]
mod tls;
mod upstream;

use super::diagnostic::Diagnostic;
use super::model::Config;
use super::span::Place;
use super::tree::Node;

/// Checks what was read. What is wrong in itself was told before; what depends on all of the file is left
/// out unless it is `complete`, for it would tell of what only follows from the other mistakes.
pub(crate) fn all(config: &Config, root: &Node, complete: bool) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    server::check(config, &mut found);
    listen::check(config, &mut found);
    upstream::check(config, &mut found);
    tls::check(config, &mut found);
    route::check(config, root, &mut found);
    routes::check(config, &mut found);
    if complete && !found.iter().any(Diagnostic::is_error) {
        upstream::unused(config, &mut found);
        leaks::check(config, &mut found);
    }
    found
}

/// A key that was given, says something else than the default, and changes nothing.
fn without_effect(place: &Place, key: &str, why: &str, found: &mut Vec<Diagnostic>) {
    if let Some(span) = place.changed(key) {
        found.push(Diagnostic::warning(format!("`{key}` has no effect: {why}")).at(span));
    }
}

/// Which of these keys were given.
fn given<'k>(place: &Place, keys: &[&'k str]) -> Vec<&'k str> {
    keys.iter().copied().filter(|key| place.has(key)).collect()
}

/// Tells of keys that exclude each other: exactly one must be given.
fn exactly_one(place: &Place, keys: &[&str], found: &mut Vec<Diagnostic>) {
    let names = super::suggest::list(keys.iter().copied(), "and");
    match *given(place, keys) {
        [] => found.push(Diagnostic::error(format!("one of {names} is needed here")).at(place.span)),
        [_] => {}
        [first, ref rest @ ..] => {
            let mut mistake = Diagnostic::error(format!("only one of {names} can be given"));
            // Both were found just now.
            for key in [first].into_iter().chain(rest.iter().copied()).filter_map(|key| place.key(key)) {
                mistake = mistake.at(key);
            }
            found.push(mistake);
        }
    }
}
