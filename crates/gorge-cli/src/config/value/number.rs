//! Numbers.

use gorge::http::Status;

use super::{FromText, Kind, Value, Wrong, Zero};
use crate::config::reader::Reader;
use crate::config::tree::{Node, What};

/// A whole number between bounds. What `${..}` stands for may be one too, as it is a string always.
fn whole(node: &Node, reader: &mut Reader<'_>, least: i64, most: i64, what: &str) -> Option<i64> {
    let number = match &node.what {
        What::Integer(number) => *number,
        What::Text(text) if text.expanded => match text.value.trim().parse() {
            Ok(number) => Some(number),
            Err(_) => {
                reader.wrong(node.span, Some(text), what, Wrong::new(""));
                return None;
            }
        },
        What::Text(text) if text.value.trim().parse::<i64>().is_ok() => {
            reader.mismatch(node, what, Some(format!("write it without quotes: {}", text.value.trim())));
            return None;
        }
        _ => {
            reader.mismatch(node, what, None);
            return None;
        }
    };
    match number {
        Some(number) if (least..=most).contains(&number) => Some(number),
        _ => {
            let wrong = Wrong::new(match number {
                Some(number) if number < least => format!("{number} is too small"),
                Some(number) => format!("{number} is too large"),
                None => "this number is too large".to_owned(),
            });
            let wrong = wrong.help(format!("it may be {what} from {least} to {most}"));
            reader.wrong(node.span, node.as_text(), what, wrong);
            None
        }
    }
}

/// Whole numbers of these types, from zero on.
macro_rules! whole_numbers {
    ($( $Type:ty: $most:expr; )*) => { $(
        impl Value for $Type {
            fn kind() -> Kind {
                Kind::Plain("a whole number".into())
            }

            fn read(node: &Node, reader: &mut Reader<'_>) -> Option<Self> {
                whole(node, reader, 0, $most, "a whole number")?.try_into().ok()
            }
        }

        impl Zero for $Type {
            fn is_zero(&self) -> bool {
                *self == 0
            }
        }
    )* };
}

whole_numbers! {
    u16: i64::from(u16::MAX);
    u32: i64::from(u32::MAX);
    u64: i64::MAX;
    usize: 1 << 30;
}

impl Value for f64 {
    fn kind() -> Kind {
        Kind::Plain("a number".into())
    }

    fn read(node: &Node, reader: &mut Reader<'_>) -> Option<Self> {
        let number = match &node.what {
            What::Float(number) => *number,
            What::Integer(Some(number)) => *number as f64,
            What::Text(text) if text.expanded => text.value.trim().parse().unwrap_or(f64::NAN),
            _ => {
                reader.mismatch(node, "a number", None);
                return None;
            }
        };
        if !number.is_finite() {
            reader.wrong(node.span, node.as_text(), "a number", Wrong::new("this must be a finite number"));
            return None;
        }
        Some(number)
    }
}

/// A TCP port that can be reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Port(
    /// The number, never 0.
    pub u16,
);

impl Value for Port {
    fn kind() -> Kind {
        Kind::Plain("a port".into())
    }

    fn read(node: &Node, reader: &mut Reader<'_>) -> Option<Self> {
        let number = whole(node, reader, 1, i64::from(u16::MAX), "a port")?;
        number.try_into().ok().map(Self)
    }
}

/// A share in hundredths.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Percent(
    /// From 0 to 100.
    pub u32,
);

impl Value for Percent {
    fn kind() -> Kind {
        Kind::Plain("percent, from 0 to 100".into())
    }

    fn read(node: &Node, reader: &mut Reader<'_>) -> Option<Self> {
        whole(node, reader, 0, 100, "a percentage")?.try_into().ok().map(Self)
    }
}

impl Value for Status {
    fn kind() -> Kind {
        Kind::Plain("a status".into())
    }

    fn read(node: &Node, reader: &mut Reader<'_>) -> Option<Self> {
        // 1xx are no answers, and 600 and more no status (RFC 9110 15).
        let code = whole(node, reader, 200, 599, "a status")?;
        u16::try_from(code).ok().and_then(|code| Status::new(code).ok())
    }
}

/// Permissions of a file, in octal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mode(
    /// The bits.
    pub u32,
);

impl FromText for Mode {
    const EXPECTED: &'static str = "permissions in octal, as in \"0660\"";

    fn from_text(text: &str, _: &Reader<'_>) -> Result<Self, Wrong> {
        let octal = text.strip_prefix("0o").unwrap_or(text);
        let digits =
            (3..=4).contains(&octal.len()) && octal.bytes().all(|byte| (b'0'..=b'7').contains(&byte));
        match u32::from_str_radix(octal, 8) {
            Ok(mode) if digits && mode <= 0o777 => Ok(Self(mode)),
            _ => Err(Wrong::new(format!("{text:?} is no permissions of a file"))
                .help("write three octal digits for owner, group and others, as in \"0660\"")),
        }
    }
}
