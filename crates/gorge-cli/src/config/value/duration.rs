//! Durations: `"250ms"`, `"5s"`, `"1h30m"`.

use std::time::Duration;

use super::{FromText, Wrong, Zero};
use crate::config::reader::Reader;

/// The units, largest first, in milliseconds.
const UNITS: [(&str, u64); 5] = [("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1_000), ("ms", 1)];

/// The longest that is accepted: ten years of 365 days. Longer ones are slips of the hand.
const LONGEST: u64 = 3_650 * 86_400_000;

const EXAMPLES: &str = "write a number and a unit of ms, s, m, h or d, as in \"250ms\", \"5s\" or \"1h30m\"";

impl FromText for Duration {
    const EXPECTED: &'static str = "a duration, as in \"5s\"";

    fn from_text(text: &str, _: &Reader<'_>) -> Result<Self, Wrong> {
        parse(text).map_err(|why| Wrong { message: format!("{text:?} {}", why.message), help: why.help })
    }

    fn instead_of(number: i64) -> Option<String> {
        (number >= 0).then(|| format!("{number}s"))
    }
}

impl Zero for Duration {
    fn is_zero(&self) -> bool {
        Duration::is_zero(self)
    }
}

fn parse(text: &str) -> Result<Duration, Wrong> {
    let mut total: u64 = 0;
    let mut rest = text;
    // Units only get smaller.
    let mut next = 0;
    if text.is_empty() {
        return Err(Wrong::new("is no duration").help(EXAMPLES));
    }
    if !text.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
        return Err(no_duration(text));
    }
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
        let (number, behind) = rest.split_at(digits);
        let end = behind.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(behind.len());
        let (unit, behind) = behind.split_at(end);
        if number.is_empty() {
            return Err(no_duration(text));
        }
        if unit.is_empty() {
            return Err(Wrong::new("has no unit").help(format!("did you mean \"{text}s\"?")));
        }
        let Some(at) = UNITS[next..].iter().position(|(name, _)| *name == unit) else {
            return Err(wrong_unit(unit));
        };
        let (at, size) = (next + at, UNITS[next + at].1);
        total = number
            .parse()
            .ok()
            .and_then(|number: u64| number.checked_mul(size))
            .map_or(u64::MAX, |part| total.saturating_add(part));
        next = at + 1;
        rest = behind;
    }
    if total > LONGEST {
        return Err(Wrong::new("is longer than ten years").help("leave the key out, or give what is meant"));
    }
    Ok(Duration::from_millis(total))
}

/// `1.5s`, `-1s`, `fast`, `5 s`.
fn no_duration(text: &str) -> Wrong {
    if let Some((seconds, _)) =
        text.split_once('s').filter(|(seconds, rest)| rest.is_empty() && seconds.contains('.'))
        && let Ok(seconds) = seconds.parse::<f64>()
        && (0.0..1e9).contains(&seconds)
    {
        return Wrong::new("has a fraction")
            .help(format!("did you mean \"{}ms\"?", (seconds * 1000.0).round()));
    }
    if text.starts_with('-') {
        return Wrong::new("is less than zero").help(EXAMPLES);
    }
    let compact: String = text.chars().filter(|c| !c.is_whitespace()).collect();
    if compact != text && parse(&compact).is_ok() {
        return Wrong::new("has a space in it").help(format!("did you mean \"{compact}\"?"));
    }
    Wrong::new("is no duration").help(EXAMPLES)
}

fn wrong_unit(unit: &str) -> Wrong {
    let meant = match unit.to_ascii_lowercase().as_str() {
        "sec" | "secs" | "second" | "seconds" | "s" => "s",
        "min" | "mins" | "minute" | "minutes" | "m" => "m",
        "hr" | "hour" | "hours" | "h" => "h",
        "day" | "days" | "d" => "d",
        "msec" | "millis" | "milliseconds" | "ms" => "ms",
        _ => return Wrong::new(format!("has an unknown unit `{unit}`")).help(EXAMPLES),
    };
    if UNITS.iter().any(|(name, _)| *name == unit) {
        return Wrong::new("has its units in the wrong order")
            .help("write the largest first, each once, as in \"1h30m\"");
    }
    Wrong::new(format!("has an unknown unit `{unit}`")).help(format!("did you mean `{meant}`?"))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As it is written in the file.
    fn show(duration: Duration) -> String {
        let mut rest = u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
        if rest == 0 {
            return "0s".to_owned();
        }
        let mut text = String::new();
        for (name, size) in UNITS {
            let count = rest / size;
            rest %= size;
            if count > 0 {
                text.push_str(&format!("{count}{name}"));
            }
        }
        text
    }

    #[test]
    fn reads_what_people_write() {
        for (text, millis) in [
            ("250ms", 250),
            ("5s", 5_000),
            ("10m", 600_000),
            ("1h", 3_600_000),
            ("2d", 172_800_000),
            ("1h30m", 5_400_000),
            ("1d2h3m4s5ms", 93_784_005),
            ("0s", 0),
            ("0ms", 0),
            ("3650d", LONGEST),
        ] {
            let duration = parse(text).unwrap();
            assert_eq!(duration, Duration::from_millis(millis), "{text}");
            assert_eq!(parse(&show(duration)).unwrap(), duration, "{text}");
        }
    }

    #[test]
    fn says_what_to_write_instead() {
        for (text, message, help) in [
            ("", "is no duration", "\"250ms\""),
            ("5", "has no unit", "\"5s\""),
            ("1h30", "has no unit", "\"1h30s\""),
            ("1.5s", "has a fraction", "\"1500ms\""),
            ("1,5s", "is no duration", "\"250ms\""),
            ("-5s", "is less than zero", "\"250ms\""),
            ("5 s", "has a space", "\"5s\""),
            ("5sec", "unknown unit `sec`", "did you mean `s`?"),
            ("5S", "unknown unit `S`", "did you mean `s`?"),
            ("1y", "unknown unit `y`", "\"1h30m\""),
            ("30m1h", "wrong order", "\"1h30m\""),
            ("1s1s", "wrong order", "\"1h30m\""),
            ("fast", "is no duration", "\"5s\""),
            ("3651d", "longer than ten years", "leave the key out"),
            ("99999999999999999999999d", "longer than ten years", "leave the key out"),
        ] {
            let wrong = parse(text).unwrap_err();
            assert!(wrong.message.contains(message), "{text}: {wrong:?}");
            assert!(wrong.help.as_ref().unwrap().contains(help), "{text}: {wrong:?}");
        }
    }
}
