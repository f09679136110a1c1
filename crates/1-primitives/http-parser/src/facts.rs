//! What the fields say about framing and the connection, gathered while they are read.

use std::ops::Range;
use std::time::Duration;

use gorge_http::{Known, KnownSet, Version, authority};

use crate::{Expect, Reason, Reject};

/// Gathered from one head, field by field. Offsets are those of the values.
#[derive(Debug)]
pub(crate) struct Facts {
    /// Content-Length and where it stands.
    pub(crate) length: Option<(u64, usize)>,
    /// Where `Transfer-Encoding: chunked` stands.
    pub(crate) chunked: Option<usize>,
    pub(crate) host: Option<Range<usize>>,
    pub(crate) expect: Expect,
    pub(crate) has_upgrade: bool,
    pub(crate) names_upgrade: bool,
    pub(crate) keep_alive_timeout: Option<Duration>,
    pub(crate) keep_alive_max: Option<u32>,
    close: bool,
    keep_alive: bool,
}

impl Facts {
    /// The names it looks at.
    pub(crate) const CONCERNED: KnownSet = KnownSet::of(&[
        Known::Connection,
        Known::ContentLength,
        Known::Expect,
        Known::Host,
        Known::KeepAlive,
        Known::TransferEncoding,
        Known::Upgrade,
    ]);

    pub(crate) const fn new() -> Self {
        Facts {
            length: None,
            chunked: None,
            host: None,
            expect: Expect::None,
            has_upgrade: false,
            names_upgrade: false,
            keep_alive_timeout: None,
            keep_alive_max: None,
            close: false,
            keep_alive: false,
        }
    }

    /// Takes in a field of a request.
    pub(crate) fn note_request(
        &mut self,
        known: Option<Known>,
        value: &[u8],
        at: usize,
    ) -> Result<(), Reject> {
        match known {
            Some(Known::Host) => self.host(value, at),
            Some(Known::Expect) => {
                // A repeated one is a list, of which we understand no more than its parts.
                let continues = self.expect == Expect::None && value.eq_ignore_ascii_case(b"100-continue");
                self.expect = if continues { Expect::Continue } else { Expect::Unknown };
                Ok(())
            }
            _ => self.note(known, value, at),
        }
    }

    /// Takes in a field of a response.
    pub(crate) fn note_response(
        &mut self,
        known: Option<Known>,
        value: &[u8],
        at: usize,
    ) -> Result<(), Reject> {
        match known {
            Some(Known::KeepAlive) => {
                self.keep_alive_parameters(value);
                Ok(())
            }
            _ => self.note(known, value, at),
        }
    }

    /// Takes in a field of either direction.
    #[inline]
    fn note(&mut self, known: Option<Known>, value: &[u8], at: usize) -> Result<(), Reject> {
        match known {
            Some(Known::Connection) => self.connection(value),
            Some(Known::ContentLength) => self.content_length(value, at)?,
            Some(Known::TransferEncoding) => self.transfer_encoding(value, at)?,
            Some(Known::Upgrade) => self.has_upgrade = true,
            _ => {}
        }
        Ok(())
    }

    /// Whether the connection outlives the message, as far as its sender is concerned (RFC
    /// 9112 9.3).
    pub(crate) fn persists(&self, version: Version) -> bool {
        !self.close && (version == Version::Http11 || self.keep_alive)
    }

    fn host(&mut self, value: &[u8], at: usize) -> Result<(), Reject> {
        if self.host.is_some() {
            return Err(Reject::new(Reason::HostRepeated, at));
        }
        if value.is_empty() || authority::validate(value).is_err() {
            return Err(Reject::new(Reason::HostInvalid, at));
        }
        self.host = Some(at..at + value.len());
        Ok(())
    }

    #[inline]
    fn connection(&mut self, value: &[u8]) {
        // Nearly all say just this.
        if value == b"keep-alive" {
            self.keep_alive = true;
        } else {
            self.connection_options(value);
        }
    }

    #[inline(never)]
    fn connection_options(&mut self, value: &[u8]) {
        for option in members(value) {
            if option.eq_ignore_ascii_case(b"close") {
                self.close = true;
            } else if option.eq_ignore_ascii_case(b"keep-alive") {
                self.keep_alive = true;
            } else if option.eq_ignore_ascii_case(b"upgrade") {
                self.names_upgrade = true;
            }
        }
    }

    fn content_length(&mut self, value: &[u8], at: usize) -> Result<(), Reject> {
        if self.length.is_some() {
            return Err(Reject::new(Reason::ContentLengthRepeated, at));
        }
        match decimal(value) {
            Ok(length) => self.length = Some((length, at)),
            Err(reason) => return Err(Reject::new(reason, at)),
        }
        Ok(())
    }

    fn transfer_encoding(&mut self, value: &[u8], at: usize) -> Result<(), Reject> {
        if self.chunked.is_some() {
            return Err(Reject::new(Reason::TransferEncodingRepeated, at));
        }
        if !value.eq_ignore_ascii_case(b"chunked") {
            return Err(Reject::new(coding_fault(value), at));
        }
        self.chunked = Some(at);
        Ok(())
    }

    // Kept apart, for few messages have it and it would crowd the others.
    #[inline(never)]
    fn keep_alive_parameters(&mut self, value: &[u8]) {
        for parameter in members(value) {
            let mut sides = parameter.splitn(2, |&byte| byte == b'=');
            let name = sides.next().unwrap_or_default().trim_ascii();
            let Ok(number) = decimal(sides.next().unwrap_or_default().trim_ascii()) else {
                continue;
            };
            // Cut to a range in which adding it to a clock cannot overflow.
            let number = u32::try_from(number).unwrap_or(u32::MAX);
            if name.eq_ignore_ascii_case(b"timeout") {
                self.keep_alive_timeout = Some(Duration::from_secs(number.into()));
            } else if name.eq_ignore_ascii_case(b"max") {
                self.keep_alive_max = Some(number);
            }
        }
    }
}

/// The members of a comma list without the blanks around them.
fn members(value: &[u8]) -> impl Iterator<Item = &[u8]> {
    value.split(|&byte| byte == b',').map(<[u8]>::trim_ascii)
}

/// Digits and nothing else.
#[inline]
fn decimal(value: &[u8]) -> Result<u64, Reason> {
    // Nineteen digits cannot overflow.
    if value.is_empty() || value.len() > 19 {
        return long_decimal(value);
    }
    let mut number: u64 = 0;
    for digit in value {
        if !digit.is_ascii_digit() {
            return Err(not_decimal(value));
        }
        number = number * 10 + u64::from(digit - b'0');
    }
    Ok(number)
}

/// The same for a value of any length.
#[cold]
fn long_decimal(value: &[u8]) -> Result<u64, Reason> {
    if value.is_empty() || !value.iter().all(u8::is_ascii_digit) {
        return Err(not_decimal(value));
    }
    let add = |number: u64, digit: &u8| number.checked_mul(10)?.checked_add(u64::from(digit - b'0'));
    value.iter().try_fold(0, add).ok_or(Reason::ContentLengthOverflow)
}

/// Why `value`, which is not digits only, is no decimal number.
#[cold]
fn not_decimal(value: &[u8]) -> Reason {
    if value.is_empty() {
        Reason::ContentLengthEmpty
    } else if value.contains(&b',') {
        Reason::ContentLengthListed
    } else {
        Reason::ContentLengthInvalid
    }
}

/// Why a Transfer-Encoding that is not `chunked` alone is refused: 501 if it would be right
/// with a decoder we do not have (registered codings, then `chunked`), else 400.
fn coding_fault(value: &[u8]) -> Reason {
    const REGISTERED: [&[u8]; 5] = [b"compress", b"deflate", b"gzip", b"x-compress", b"x-gzip"];
    let Some(comma) = value.iter().rposition(|&byte| byte == b',') else {
        return Reason::TransferEncodingInvalid;
    };
    let last = &value[comma + 1..];
    let registered = members(&value[..comma])
        .all(|coding| REGISTERED.iter().any(|name| name.eq_ignore_ascii_case(coding)));
    if registered && last.trim_ascii().eq_ignore_ascii_case(b"chunked") {
        Reason::TransferCodingUnsupported
    } else {
        Reason::TransferEncodingInvalid
    }
}
