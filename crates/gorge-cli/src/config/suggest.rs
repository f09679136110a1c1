//! What was perhaps meant.

/// The known name that a mistyped one is closest to, if it is close.
///
/// Upper and lower case, `-` and `_` are the same here; of two that are equally close the first counts.
pub(crate) fn closest<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let plain = |text: &str| text.to_ascii_lowercase().replace('-', "_");
    let name = plain(name);
    if !(SHORTEST..=LONGEST).contains(&name.len()) {
        return None;
    }
    // One wrong character in three is a slip of the hand; more is another word, unless one goes on where
    // the other ends.
    let most = name.chars().count() / 3;
    let distance = |other: &str| {
        let other = plain(other);
        let goes_on = other.len() >= SHORTEST && (other.starts_with(&name) || name.starts_with(&other));
        let far_off = other.len().abs_diff(name.len()) > most;
        match (goes_on, far_off) {
            (true, true) => most,
            (false, true) => usize::MAX,
            _ => strsim::damerau_levenshtein(&name, &other),
        }
    };
    let best =
        known.into_iter().map(|other| (distance(other), other)).min_by_key(|(distance, _)| *distance)?;
    (best.0 <= most).then_some(best.1)
}

/// Of shorter ones every other is a slip away.
const SHORTEST: usize = 2;

/// No key is that long, and comparing takes a time that grows with the square.
const LONGEST: usize = 64;

/// `a`, `b` and `c`.
pub(crate) fn list<'a>(names: impl IntoIterator<Item = &'a str>, last: &str) -> String {
    let names: Vec<_> = names.into_iter().map(|name| format!("`{name}`")).collect();
    match names.split_last() {
        None => String::new(),
        Some((only, [])) => only.clone(),
        Some((end, rest)) => format!("{} {last} {end}", rest.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slips_are_seen_and_other_words_are_not() {
        let known = ["address", "backlog", "allow", "deny", "mode", "host"];
        for (typed, meant) in [
            ("adress", Some("address")),
            ("Address", Some("address")),
            ("backlgo", Some("backlog")),
            ("hosts", Some("host")),
            ("back", Some("backlog")),
            ("ho", Some("host")),
            ("h", None),
            ("bind", None),
            ("", None),
            ("weight", None),
        ] {
            assert_eq!(closest(typed, known), meant, "{typed}");
        }
        assert_eq!(closest(&"a".repeat(100_000), known), None);
    }
}
