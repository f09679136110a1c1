//! Reading structured fields (RFC 9651 4.2).

use std::borrow::Cow;
use std::fmt;

use base64::Engine;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

use super::{
    BareItem, Decimal, Dictionary, InnerList, Item, Map, Member, Parameters, is_key_byte, is_key_start,
    is_token_byte, is_token_start,
};

/// Members of a list or dictionary.
const MAX_MEMBERS: usize = 1024;
/// Items of an inner list, and parameters of one item.
const MAX_INNER: usize = 256;

/// RFC 9651 4.2.7: missing padding and stray bits are no errors.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::Indifferent)
        .with_decode_allow_trailing_bits(true),
);

type Result<T> = std::result::Result<T, InvalidStructure>;

/// Reads an item field.
///
/// # Errors
/// If it is malformed, or there is not exactly one item.
pub fn parse_item<'a>(values: impl IntoIterator<Item = &'a [u8]>) -> Result<Item> {
    whole(values, |parser| parser.item())
}

/// Reads a list field, of which `values` are all field lines. Without any, the list is empty.
///
/// # Errors
/// If it is malformed anywhere, or has more than 1024 members.
pub fn parse_list<'a>(values: impl IntoIterator<Item = &'a [u8]>) -> Result<Vec<Member>> {
    whole(values, |parser| parser.list())
}

/// Reads a dictionary field, of which `values` are all field lines. Without any, it is empty. Of a
/// key that is repeated the last value counts.
///
/// # Errors
/// If it is malformed anywhere, or has more than 1024 members.
pub fn parse_dictionary<'a>(values: impl IntoIterator<Item = &'a [u8]>) -> Result<Dictionary> {
    whole(values, |parser| parser.dictionary())
}

/// The field is malformed, or larger than is supported.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InvalidStructure {
    offset: usize,
}

impl InvalidStructure {
    /// Where it went wrong: bytes into the value, or into all values joined by `", "`.
    pub fn offset(&self) -> usize {
        self.offset
    }
}

impl fmt::Display for InvalidStructure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "malformed structured field at byte {}", self.offset)
    }
}

impl std::error::Error for InvalidStructure {}

/// Runs `parse` over all of the joined values.
fn whole<'a, T>(
    values: impl IntoIterator<Item = &'a [u8]>,
    parse: fn(&mut Parser<'_>) -> Result<T>,
) -> Result<T> {
    let mut joined = Cow::Borrowed(&b""[..]);
    for (index, value) in values.into_iter().enumerate() {
        if index == 0 {
            joined = Cow::Borrowed(value);
        } else {
            let all = joined.to_mut();
            all.extend_from_slice(b", ");
            all.extend_from_slice(value);
        }
    }
    let mut parser = Parser { input: &joined, at: 0 };
    parser.skip(b" ");
    let parsed = parse(&mut parser)?;
    parser.skip(b" ");
    if parser.peek().is_none() { Ok(parsed) } else { parser.fail() }
}

struct Parser<'a> {
    input: &'a [u8],
    at: usize,
}

impl<'a> Parser<'a> {
    fn list(&mut self) -> Result<Vec<Member>> {
        let mut members = Vec::new();
        while self.peek().is_some() {
            if members.len() == MAX_MEMBERS {
                return self.fail();
            }
            members.push(self.member()?);
            if !self.comma()? {
                break;
            }
        }
        Ok(members)
    }

    fn dictionary(&mut self) -> Result<Dictionary> {
        let mut members = Dictionary::new();
        while self.peek().is_some() {
            let key = self.key()?;
            let member = if self.take(b'=') {
                self.member()?
            } else {
                let parameters = self.parameters()?;
                Member::Item(Item { value: BareItem::Boolean(true), parameters })
            };
            self.set(&mut members, key, member, MAX_MEMBERS)?;
            if !self.comma()? {
                break;
            }
        }
        Ok(members)
    }

    /// Between members: true if another must follow.
    fn comma(&mut self) -> Result<bool> {
        self.skip(b" \t");
        if self.peek().is_none() {
            return Ok(false);
        }
        self.expect(b',')?;
        self.skip(b" \t");
        if self.peek().is_none() { self.fail() } else { Ok(true) }
    }

    fn member(&mut self) -> Result<Member> {
        if self.peek() == Some(b'(') {
            self.inner_list().map(Member::InnerList)
        } else {
            self.item().map(Member::Item)
        }
    }

    fn inner_list(&mut self) -> Result<InnerList> {
        self.expect(b'(')?;
        let mut items = Vec::new();
        loop {
            self.skip(b" ");
            if self.take(b')') {
                return Ok(InnerList { items, parameters: self.parameters()? });
            }
            if items.len() == MAX_INNER {
                return self.fail();
            }
            items.push(self.item()?);
            if !matches!(self.peek(), Some(b' ' | b')')) {
                return self.fail();
            }
        }
    }

    fn item(&mut self) -> Result<Item> {
        Ok(Item { value: self.bare_item()?, parameters: self.parameters()? })
    }

    fn parameters(&mut self) -> Result<Parameters> {
        let mut parameters = Parameters::new();
        while self.take(b';') {
            self.skip(b" ");
            let key = self.key()?;
            let value = if self.take(b'=') { self.bare_item()? } else { BareItem::Boolean(true) };
            self.set(&mut parameters, key, value, MAX_INNER)?;
        }
        Ok(parameters)
    }

    fn set<V>(&self, map: &mut Map<V>, key: &str, value: V, max: usize) -> Result<()> {
        if map.insert(key, value).is_none() && map.len() > max {
            return self.fail();
        }
        Ok(())
    }

    fn key(&mut self) -> Result<&'a str> {
        if self.peek().is_some_and(is_key_start) { self.text_while(is_key_byte) } else { self.fail() }
    }

    fn bare_item(&mut self) -> Result<BareItem> {
        match self.peek() {
            Some(b'"') => self.string().map(BareItem::String),
            Some(b'-' | b'0'..=b'9') => self.number(),
            Some(b':') => self.byte_sequence().map(BareItem::ByteSequence),
            Some(b'?') => self.boolean().map(BareItem::Boolean),
            Some(b'@') => self.date().map(BareItem::Date),
            Some(b'%') => self.display_string().map(BareItem::DisplayString),
            Some(byte) if is_token_start(byte) => {
                Ok(BareItem::Token(self.text_while(is_token_byte)?.to_owned()))
            }
            _ => self.fail(),
        }
    }

    fn number(&mut self) -> Result<BareItem> {
        let negative = self.take(b'-');
        let sign = if negative { -1 } else { 1 };
        let (whole, digits) = self.digits(15)?;
        if !self.take(b'.') {
            return Ok(BareItem::Integer(sign * whole));
        }
        if digits > 12 {
            return self.fail();
        }
        let (fraction, digits) = self.digits(3)?;
        // `digits` is 1 to 3.
        let fraction = fraction * [100, 10, 1][digits - 1];
        Ok(BareItem::Decimal(Decimal::from_thousandths(sign * (whole * 1000 + fraction))))
    }

    /// At least one and at most `max` (up to 15) digits: their value and their number.
    fn digits(&mut self, max: usize) -> Result<(i64, usize)> {
        let mut value = 0;
        let mut count = 0;
        while let Some(digit @ b'0'..=b'9') = self.peek() {
            if count == max {
                return self.fail();
            }
            value = value * 10 + i64::from(digit - b'0');
            count += 1;
            self.at += 1;
        }
        if count == 0 { self.fail() } else { Ok((value, count)) }
    }

    fn string(&mut self) -> Result<String> {
        self.expect(b'"')?;
        let mut text = String::new();
        loop {
            match self.next()? {
                b'"' => return Ok(text),
                b'\\' => match self.next()? {
                    byte @ (b'"' | b'\\') => text.push(char::from(byte)),
                    _ => return self.fail(),
                },
                byte @ 0x20..=0x7E => text.push(char::from(byte)),
                _ => return self.fail(),
            }
        }
    }

    fn byte_sequence(&mut self) -> Result<Vec<u8>> {
        self.expect(b':')?;
        let rest = &self.input[self.at..];
        let Some(end) = memchr::memchr(b':', rest) else {
            return self.fail();
        };
        let decoded = BASE64.decode(&rest[..end]).or_else(|_| self.fail())?;
        self.at += end + 1;
        Ok(decoded)
    }

    fn boolean(&mut self) -> Result<bool> {
        self.expect(b'?')?;
        match self.next()? {
            b'0' => Ok(false),
            b'1' => Ok(true),
            _ => self.fail(),
        }
    }

    fn date(&mut self) -> Result<i64> {
        self.expect(b'@')?;
        match self.number()? {
            BareItem::Integer(seconds) => Ok(seconds),
            _ => self.fail(),
        }
    }

    fn display_string(&mut self) -> Result<String> {
        self.expect(b'%')?;
        self.expect(b'"')?;
        let mut bytes = Vec::new();
        loop {
            match self.next()? {
                b'"' => return String::from_utf8(bytes).or_else(|_| self.fail()),
                b'%' => bytes.push(self.hex_digit()? << 4 | self.hex_digit()?),
                byte @ 0x20..=0x7E => bytes.push(byte),
                _ => return self.fail(),
            }
        }
    }

    /// In lower case only.
    fn hex_digit(&mut self) -> Result<u8> {
        match self.next()? {
            digit @ b'0'..=b'9' => Ok(digit - b'0'),
            digit @ b'a'..=b'f' => Ok(digit - b'a' + 10),
            _ => self.fail(),
        }
    }

    fn text_while(&mut self, belongs: fn(u8) -> bool) -> Result<&'a str> {
        let start = self.at;
        while self.peek().is_some_and(belongs) {
            self.at += 1;
        }
        // Keys and tokens are ASCII, so this does not fail.
        std::str::from_utf8(&self.input[start..self.at]).or_else(|_| self.fail())
    }

    fn skip(&mut self, what: &[u8]) {
        while self.peek().is_some_and(|byte| what.contains(&byte)) {
            self.at += 1;
        }
    }

    fn peek(&self) -> Option<u8> {
        self.input.get(self.at).copied()
    }

    fn next(&mut self) -> Result<u8> {
        let byte = self.peek().map_or_else(|| self.fail(), Ok)?;
        self.at += 1;
        Ok(byte)
    }

    fn take(&mut self, byte: u8) -> bool {
        let found = self.peek() == Some(byte);
        self.at += usize::from(found);
        found
    }

    fn expect(&mut self, byte: u8) -> Result<()> {
        if self.take(byte) { Ok(()) } else { self.fail() }
    }

    fn fail<T>(&self) -> Result<T> {
        Err(InvalidStructure { offset: self.at })
    }
}
