//! Sizes: `"64KiB"`, `"10MB"`; and rates: `"1KiB/s"`.

use super::{FromText, Wrong, Zero};
use crate::config::reader::Reader;

/// A number of bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Size(
    /// The bytes.
    pub u64,
);

/// Bytes per second.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Rate(
    /// The bytes.
    pub u64,
);

const UNITS: [(&str, u64); 9] = [
    ("B", 1),
    ("KiB", 1 << 10),
    ("MiB", 1 << 20),
    ("GiB", 1 << 30),
    ("TiB", 1 << 40),
    ("KB", 1_000),
    ("MB", 1_000_000),
    ("GB", 1_000_000_000),
    ("TB", 1_000_000_000_000),
];

const EXAMPLES: &str =
    "write a whole number and a unit, as in \"512B\", \"64KiB\" (of 1024) or \"10MB\" (of 1000)";

impl FromText for Size {
    const EXPECTED: &'static str = "a size, as in \"64KiB\"";

    fn from_text(text: &str, _: &Reader<'_>) -> Result<Self, Wrong> {
        parse(text).map(Self).map_err(|why| Wrong { message: format!("{text:?} {}", why.message), ..why })
    }

    fn instead_of(number: i64) -> Option<String> {
        u64::try_from(number).ok().map(show)
    }
}

impl FromText for Rate {
    const EXPECTED: &'static str = "bytes per second, as in \"1KiB/s\"";

    fn from_text(text: &str, _: &Reader<'_>) -> Result<Self, Wrong> {
        let Some(size) = text.strip_suffix("/s") else {
            let message = format!("{text:?} is no rate");
            let help = match parse(text) {
                Ok(_) => format!("did you mean \"{text}/s\"?"),
                Err(_) => "write a size per second, as in \"1KiB/s\"".to_owned(),
            };
            return Err(Wrong::new(message).help(help));
        };
        parse(size).map(Self).map_err(|why| Wrong { message: format!("{text:?} {}", why.message), ..why })
    }

    fn instead_of(number: i64) -> Option<String> {
        u64::try_from(number).ok().map(|bytes| format!("{}/s", show(bytes)))
    }
}

impl Zero for Size {
    fn is_zero(&self) -> bool {
        self.0 == 0
    }
}

impl Zero for Rate {
    fn is_zero(&self) -> bool {
        self.0 == 0
    }
}

fn parse(text: &str) -> Result<u64, Wrong> {
    let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    if number.is_empty() || unit.contains(['.', ',']) {
        return Err(Wrong::new("is no size").help(EXAMPLES));
    }
    if unit.is_empty() {
        return Err(Wrong::new("has no unit").help(format!("did you mean \"{text}B\" or \"{text}KiB\"?")));
    }
    let Some((_, size)) = UNITS.iter().find(|(name, _)| *name == unit) else {
        let help = meant(unit.trim()).map(|unit| format!("did you mean \"{number}{unit}\"?"));
        let message = if unit.trim() == unit {
            format!("has an unknown unit `{unit}`")
        } else {
            "has a space in it".into()
        };
        return Err(Wrong::new(message).help(help.unwrap_or_else(|| EXAMPLES.to_owned())));
    };
    let bytes = number.parse().ok().and_then(|number: u64| number.checked_mul(*size));
    bytes.ok_or_else(|| {
        Wrong::new("is more than can be counted").help("leave the key out, or give what is meant")
    })
}

/// The unit of that name, however it is spelt. A letter alone is one of 1024 to most.
fn meant(unit: &str) -> Option<&'static str> {
    let with = |rest: &str| format!("{unit}{rest}");
    let spelt =
        |text: &str| UNITS.iter().find(|(name, _)| name.eq_ignore_ascii_case(text)).map(|(name, _)| *name);
    spelt(unit).or_else(|| spelt(&with("iB"))).or_else(|| spelt(&with("B")))
}

/// As it is written in the file.
pub(crate) fn show(bytes: u64) -> String {
    let fits = |(_, size): &&(&str, u64)| bytes > 0 && bytes.is_multiple_of(*size);
    let (unit, size) = UNITS.iter().filter(fits).max_by_key(|(_, size)| *size).unwrap_or(&UNITS[0]);
    format!("{}{unit}", bytes / size)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_people_write() {
        for (text, bytes) in [
            ("0B", 0),
            ("512B", 512),
            ("64KiB", 65_536),
            ("1MiB", 1_048_576),
            ("10MB", 10_000_000),
            ("1TiB", 1 << 40),
        ] {
            assert_eq!(parse(text).unwrap(), bytes, "{text}");
            assert_eq!(show(bytes), text);
        }
    }

    #[test]
    fn says_what_to_write_instead() {
        for (text, message, help) in [
            ("", "is no size", "\"64KiB\""),
            ("64", "has no unit", "\"64B\" or \"64KiB\""),
            ("64k", "unknown unit `k`", "\"64KiB\""),
            ("64kb", "unknown unit `kb`", "\"64KB\""),
            ("64 KiB", "has a space", "\"64KiB\""),
            ("64Ki", "unknown unit `Ki`", "\"64KiB\""),
            ("1.5MiB", "is no size", "whole number"),
            ("-1B", "is no size", "whole number"),
            ("1XB", "unknown unit `XB`", "\"64KiB\""),
            ("99999999TiB", "more than can be counted", "leave the key out"),
        ] {
            let wrong = parse(text).unwrap_err();
            assert!(wrong.message.contains(message), "{text}: {wrong:?}");
            assert!(wrong.help.as_ref().unwrap().contains(help), "{text}: {wrong:?}");
        }
    }
}
