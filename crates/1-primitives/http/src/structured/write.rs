//! Writing structured fields (RFC 9651 4.1).

use std::fmt::{self, Write};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::{
    BareItem, Decimal, Dictionary, InnerList, Item, Member, Parameters, is_key_byte, is_key_start,
    is_token_byte, is_token_start,
};

/// The largest integer: fifteen digits.
const MAX_INTEGER: i64 = 999_999_999_999_999;

type Result<T> = std::result::Result<T, Unwritable>;

/// The value of an item field.
///
/// # Errors
/// If something in it cannot be written.
pub fn write_item(item: &Item) -> Result<String> {
    let mut out = String::new();
    push_item(&mut out, item)?;
    Ok(out)
}

/// The value of a list field. That of an empty list is empty: leave out the field then.
///
/// # Errors
/// If something in it cannot be written.
pub fn write_list(members: &[Member]) -> Result<String> {
    let mut out = String::new();
    for (index, member) in members.iter().enumerate() {
        if index > 0 {
            out.push_str(", ");
        }
        push_member(&mut out, member)?;
    }
    Ok(out)
}

/// The value of a dictionary field. That of an empty one is empty: leave out the field then.
///
/// # Errors
/// If something in it cannot be written.
pub fn write_dictionary(members: &Dictionary) -> Result<String> {
    let mut out = String::new();
    for (key, member) in members.iter() {
        if !out.is_empty() {
            out.push_str(", ");
        }
        push_key(&mut out, key)?;
        match member {
            Member::Item(Item { value: BareItem::Boolean(true), parameters }) => {
                push_parameters(&mut out, parameters)?;
            }
            member => {
                out.push('=');
                push_member(&mut out, member)?;
            }
        }
    }
    Ok(out)
}

/// A value that the format has no way to write: a key or token with a byte it may not have, a
/// string that is not printable ASCII, a number with too many digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unwritable;

impl fmt::Display for Unwritable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("value that no structured field can hold")
    }
}

impl std::error::Error for Unwritable {}

fn push_member(out: &mut String, member: &Member) -> Result<()> {
    match member {
        Member::InnerList(list) => push_inner_list(out, list),
        Member::Item(item) => push_item(out, item),
    }
}

fn push_inner_list(out: &mut String, list: &InnerList) -> Result<()> {
    out.push('(');
    for (index, item) in list.items.iter().enumerate() {
        if index > 0 {
            out.push(' ');
        }
        push_item(out, item)?;
    }
    out.push(')');
    push_parameters(out, &list.parameters)
}

fn push_item(out: &mut String, item: &Item) -> Result<()> {
    push_bare_item(out, &item.value)?;
    push_parameters(out, &item.parameters)
}

fn push_parameters(out: &mut String, parameters: &Parameters) -> Result<()> {
    for (key, value) in parameters.iter() {
        out.push(';');
        push_key(out, key)?;
        if *value != BareItem::Boolean(true) {
            out.push('=');
            push_bare_item(out, value)?;
        }
    }
    Ok(())
}

fn push_key(out: &mut String, key: &str) -> Result<()> {
    push_checked(out, key, is_key_start, is_key_byte)
}

/// Appends `text` if its first byte and all others are of their kind.
fn push_checked(
    out: &mut String,
    text: &str,
    begins: fn(u8) -> bool,
    continues: fn(u8) -> bool,
) -> Result<()> {
    let starts_well = text.bytes().next().is_some_and(begins);
    if !starts_well || !text.bytes().all(continues) {
        return Err(Unwritable);
    }
    out.push_str(text);
    Ok(())
}

fn push_bare_item(out: &mut String, value: &BareItem) -> Result<()> {
    match value {
        BareItem::Boolean(value) => out.push_str(if *value { "?1" } else { "?0" }),
        BareItem::ByteSequence(bytes) => {
            out.push(':');
            STANDARD.encode_string(bytes, out);
            out.push(':');
        }
        BareItem::Date(seconds) => {
            out.push('@');
            push_integer(out, *seconds)?;
        }
        BareItem::Decimal(decimal) => push_decimal(out, *decimal)?,
        BareItem::DisplayString(text) => push_display_string(out, text),
        BareItem::Integer(integer) => push_integer(out, *integer)?,
        BareItem::String(text) => push_string(out, text)?,
        BareItem::Token(token) => push_checked(out, token, is_token_start, is_token_byte)?,
    }
    Ok(())
}

fn push_integer(out: &mut String, integer: i64) -> Result<()> {
    if !(-MAX_INTEGER..=MAX_INTEGER).contains(&integer) {
        return Err(Unwritable);
    }
    // A string takes whatever is written to it.
    let _ = write!(out, "{integer}");
    Ok(())
}

fn push_decimal(out: &mut String, decimal: Decimal) -> Result<()> {
    // Twelve digits and three decimals are the fifteen digits of an integer.
    if !(-MAX_INTEGER..=MAX_INTEGER).contains(&decimal.thousandths()) {
        return Err(Unwritable);
    }
    let sign = if decimal.thousandths() < 0 { "-" } else { "" };
    let thousandths = decimal.thousandths().unsigned_abs();
    // A string takes whatever is written to it.
    let _ = write!(out, "{sign}{}.{:03}", thousandths / 1000, thousandths % 1000);
    // One decimal stays, even if it is a zero.
    for _ in 0..2 {
        if out.ends_with('0') {
            out.pop();
        }
    }
    Ok(())
}

fn push_string(out: &mut String, text: &str) -> Result<()> {
    out.push('"');
    for byte in text.bytes() {
        match byte {
            b'"' | b'\\' => out.push('\\'),
            0x20..=0x7E => {}
            _ => return Err(Unwritable),
        }
        out.push(char::from(byte));
    }
    out.push('"');
    Ok(())
}

fn push_display_string(out: &mut String, text: &str) {
    out.push_str("%\"");
    for byte in text.bytes() {
        if matches!(byte, 0x20..=0x7E) && byte != b'%' && byte != b'"' {
            out.push(char::from(byte));
        } else {
            // A string takes whatever is written to it.
            let _ = write!(out, "%{byte:02x}");
        }
    }
    out.push('"');
}
