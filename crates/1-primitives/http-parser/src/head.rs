//! Reading heads.
//!
//! A head that is whole in the buffer, which nearly all are, takes the fast way:
//! httparse finds its tokens, and one pass over them checks what httparse does
//! not (that each line ends in CRLF and begins where the last one ended),
//! classifies the names and records the fields. Every other head goes byte by
//! byte through [`Scanner`] until its end is there, and then the fast way once.
//! Whatever the fast way refuses, the scanner judges again from the first byte:
//! so the reason and its place are the same for every split of the input.

use std::mem::MaybeUninit;

use bytes::{Buf, Bytes, BytesMut};
use gorge_http::{Form, Headers, Known, Method, RequestHead, ResponseHead, Status, Uri, Version};
use httparse::Header;

use crate::facts::Facts;
use crate::scan::Scanner;
use crate::{Limits, Reason, Reject, RequestFraming, ResponseFraming, framing};

/// Fields up to which the list of tokens lies on the stack.
const ON_STACK: usize = 128;

/// Reads one head after another from a buffer, however its bytes arrive.
///
/// It keeps only how far it got in a head that is not complete, so one per
/// connection and direction serves, and an idle one costs a few words.
#[derive(Debug)]
pub struct HeadParser {
    /// Where the reading of an incomplete head stands.
    scanner: Option<Scanner>,
    /// Bytes of an empty line that stood before this head.
    skipped: usize,
}

impl Default for HeadParser {
    fn default() -> Self {
        HeadParser::new()
    }
}

impl HeadParser {
    /// A parser before the first byte of a head.
    pub const fn new() -> Self {
        HeadParser { scanner: None, skipped: 0 }
    }

    /// Forgets an incomplete head. Needed only if the buffer was changed by someone else.
    pub fn reset(&mut self) {
        *self = HeadParser::new();
    }

    /// Reads a request head from the front of `buf` into `head` and decides its framing.
    ///
    /// `Ok(None)` asks for more bytes behind those in `buf`, which must stay (only one
    /// empty line before the head is taken off at once). On `Ok(Some(..))` the head was
    /// split off `buf` without copying, `head` holds it, and what follows it is left in
    /// `buf`. An absolute target has then replaced the Host field by its authority
    /// (RFC 9112 3.2.2).
    ///
    /// # Errors
    /// The rule the head broke. `buf` and `head` are then of no use, and neither is the
    /// connection, once it was answered with [`Reject::status`].
    pub fn request(
        &mut self,
        buf: &mut BytesMut,
        limits: &Limits,
        head: &mut RequestHead,
    ) -> Result<Option<RequestFraming>, Reject> {
        if self.scanner.is_none() && !self.skip_empty_line(buf)? {
            return Ok(None);
        }
        self.read(buf, limits, Scanner::request, |buf, room| take_request(buf, limits, room, head))
    }

    /// Reads a response head from the front of `buf` into `head` and decides its framing.
    /// `method` is that of the request it answers, for HEAD and CONNECT change where the
    /// response ends.
    ///
    /// Interim heads (1xx) come out one by one like any other. As for the buffer, see
    /// [`request`](HeadParser::request). A Content-Length beside `chunked` was removed
    /// from the fields.
    ///
    /// # Errors
    /// The rule the head broke. `buf` and `head` are then of no use, nor is the connection.
    pub fn response(
        &mut self,
        buf: &mut BytesMut,
        limits: &Limits,
        method: &Method,
        head: &mut ResponseHead,
    ) -> Result<Option<ResponseFraming>, Reject> {
        if buf.is_empty() {
            return Ok(None);
        }
        self.read(buf, limits, Scanner::response, |buf, room| take_response(buf, limits, room, method, head))
    }

    /// Takes off the one empty line that may stand before a request line (RFC 9112 2.2).
    /// False if more bytes are needed to tell.
    fn skip_empty_line(&mut self, buf: &mut BytesMut) -> Result<bool, Reject> {
        if buf.first() == Some(&b'\r') && self.skipped == 0 {
            match buf.get(1) {
                None => return Ok(false),
                Some(b'\n') => {
                    buf.advance(2);
                    self.skipped = 2;
                }
                Some(_) => return Err(Reject::new(Reason::BareCr, 0)),
            }
        }
        Ok(!buf.is_empty())
    }

    /// The fast way, or the scanner and then the fast way. `take` gives `None` and leaves
    /// the buffer alone if it sees no complete and correct head.
    fn read<F>(
        &mut self,
        buf: &mut BytesMut,
        limits: &Limits,
        fresh: impl FnOnce() -> Scanner,
        mut take: impl FnMut(&mut BytesMut, usize) -> Option<Result<F, Reject>>,
    ) -> Result<Option<F>, Reject> {
        let skipped = self.skipped;
        let room = limits.head.saturating_sub(skipped);
        let mut taken = match self.scanner {
            None => take(buf, room),
            Some(_) => None,
        };
        if taken.is_none() {
            let scanner = self.scanner.get_or_insert_with(fresh);
            let window = &buf[..buf.len().min(room)];
            match scanner.feed(window, limits).map_err(|reject| reject.shifted(skipped))? {
                Some(_) => taken = take(buf, room),
                None if buf.len() >= room => {
                    return Err(Reject::new(Reason::HeadTooLarge, limits.head));
                }
                None => return Ok(None),
            }
        }
        self.reset();
        // The scanner's idea of a head is the stricter one, so the default is a safety net.
        taken
            .unwrap_or(Err(Reject::new(Reason::HeadInvalid, 0)))
            .map(Some)
            .map_err(|reject| reject.shifted(skipped))
    }
}

/// Takes a complete request head off `buf`; `None` if there is none, or one that needs a
/// closer look.
fn take_request(
    buf: &mut BytesMut,
    limits: &Limits,
    room: usize,
    head: &mut RequestHead,
) -> Option<Result<RequestFraming, Reject>> {
    with_slots(limits.fields, buf.len(), |slots| {
        // SAFETY: the head split off below is kept alive by `head.headers` or `received`, the
        // rest by `buf`; nothing is written to either before this closure returns.
        let bytes = unsafe { detached(buf) };
        let mut parsed = httparse::Request::new(&mut []);
        let end = match parsed.parse_with_uninit_headers(bytes, slots) {
            Ok(httparse::Status::Complete(end)) if end <= room => end,
            _ => return None,
        };
        let (method, target) = (parsed.method?, parsed.path?);
        let target_at = method.len() + 1;
        let line_end = target_at + target.len() + " HTTP/1.1".len();
        // httparse skips any number of empty lines and takes a bare LF for a line end.
        if place(bytes, method.as_bytes()) != 0
            || place(bytes, target.as_bytes()) != target_at
            || !bytes[line_end..].starts_with(b"\r\n")
            || target.len() > limits.uri
        {
            return None;
        }
        head.version = version(parsed.version);
        let received = buf.split_to(end).freeze();
        let target = target_at..target_at + target.len();
        let start = match start_request(head, &received, method, target) {
            Ok(()) => line_end + 2,
            Err(reject) => return Some(Err(scanned(Scanner::request(), bytes, end, limits, reject))),
        };
        head.headers.begin(received);
        Some(
            finish_request(bytes, start..end, parsed.headers, limits, head)
                .map_err(|reject| scanned(Scanner::request(), bytes, end, limits, reject)),
        )
    })
}

/// Sets method and target.
fn start_request(
    head: &mut RequestHead,
    received: &Bytes,
    method: &str,
    target: std::ops::Range<usize>,
) -> Result<(), Reject> {
    // A recycled head mostly has the right one already.
    if head.method.as_str() != method {
        head.method = Method::from_received(received.slice(..method.len()))
            .map_err(|_| Reject::new(Reason::MethodInvalid, 0))?;
    }
    let at = target.start;
    head.uri = Uri::parse(&head.method, received.slice(target))
        .map_err(|_| Reject::new(Reason::TargetInvalid, at))?;
    Ok(())
}

/// Records the fields and decides.
fn finish_request(
    bytes: &[u8],
    lines: std::ops::Range<usize>,
    fields: &[Header<'_>],
    limits: &Limits,
    head: &mut RequestHead,
) -> Result<RequestFraming, Reject> {
    let end = lines.end;
    let mut facts = Facts::new();
    record(bytes, lines, fields, &mut head.headers)?;
    for field in head.headers.iter_known(Facts::CONCERNED) {
        facts.note_request(field.known, field.value, place(bytes, field.value))?;
    }
    let framing = framing::of_request(&facts, &head.method, head.version, limits, end)?;
    if head.uri.form() == Form::Absolute {
        let authority = head.uri.authority().unwrap_or_default();
        let same = facts.host.is_some_and(|host| bytes[host] == *authority.as_bytes());
        if !same {
            // Cannot fail: an authority that passed is a legal value and shorter than the head.
            head.headers.insert(Known::Host, authority).map_err(|_| Reject::new(Reason::HostInvalid, 0))?;
        }
    }
    Ok(framing)
}

/// Takes a complete response head off `buf`; `None` as in [`take_request`].
fn take_response(
    buf: &mut BytesMut,
    limits: &Limits,
    room: usize,
    method: &Method,
    head: &mut ResponseHead,
) -> Option<Result<ResponseFraming, Reject>> {
    const CODE_END: usize = "HTTP/1.1 200".len();
    with_slots(limits.fields, buf.len(), |slots| {
        // SAFETY: the head split off below is kept alive by `head.headers` or `received`, the
        // rest by `buf`; nothing is written to either before this closure returns.
        let bytes = unsafe { detached(buf) };
        let mut parsed = httparse::Response::new(&mut []);
        let end = match httparse::ParserConfig::default().parse_response_with_uninit_headers(
            &mut parsed,
            bytes,
            slots,
        ) {
            Ok(httparse::Status::Complete(end)) if end <= room => end,
            _ => return None,
        };
        // httparse gives no phrase if there is none or one with obs-text.
        let line_end = match parsed.reason {
            Some(reason) if place(bytes, reason.as_bytes()) == CODE_END + 1 => CODE_END + 1 + reason.len(),
            _ => CODE_END + bytes[CODE_END..end].iter().position(|&byte| byte == b'\r')?,
        };
        if !bytes.starts_with(b"HTTP/1.") || !bytes[line_end..].starts_with(b"\r\n") {
            return None;
        }
        head.version = version(parsed.version);
        head.status = Status::new(parsed.code?).ok()?;
        let received = buf.split_to(end).freeze();
        let phrase = (CODE_END + 1).min(line_end)..line_end;
        let own = &bytes[phrase.clone()] != head.status.reason().as_bytes();
        let reason = if own { received.slice(phrase) } else { Bytes::new() };
        head.headers.begin(received);
        let framing = match head.set_reason(reason) {
            Ok(()) => finish_response(bytes, line_end + 2..end, parsed.headers, limits, method, head),
            Err(_) => Err(Reject::new(Reason::ControlByte, line_end)),
        };
        Some(framing.map_err(|reject| scanned(Scanner::response(), bytes, end, limits, reject)))
    })
}

/// Records the fields and decides.
fn finish_response(
    bytes: &[u8],
    lines: std::ops::Range<usize>,
    fields: &[Header<'_>],
    limits: &Limits,
    method: &Method,
    head: &mut ResponseHead,
) -> Result<ResponseFraming, Reject> {
    let mut facts = Facts::new();
    record(bytes, lines, fields, &mut head.headers)?;
    for field in head.headers.iter_known(Facts::CONCERNED) {
        facts.note_response(field.known, field.value, place(bytes, field.value))?;
    }
    let framing = framing::of_response(&facts, head.status, method, head.version, limits)?;
    if facts.chunked.is_some() && facts.length.is_some() {
        head.headers.remove(Known::ContentLength);
    }
    Ok(framing)
}

/// The one pass over the fields: each line begins where the last one ended and ends in
/// CRLF, each name is classified, each field recorded.
fn record(
    bytes: &[u8],
    lines: std::ops::Range<usize>,
    fields: &[Header<'_>],
    headers: &mut Headers,
) -> Result<(), Reject> {
    let bytes = &bytes[..lines.end];
    // The scanner finds out what is wrong; this only says where to begin.
    let suspect = |line| Reject::new(Reason::HeadInvalid, line);
    let mut line = lines.start;
    for field in fields {
        let name = line..line + field.name.len();
        let start = place(bytes, field.value);
        let value = start..start.wrapping_add(field.value.len());
        if place(bytes, field.name.as_bytes()) != line
            || name.end > start
            || field.name.len() > Headers::MAX_NAME
        {
            return Err(suspect(line));
        }
        line = after_line(bytes, value.end).ok_or(suspect(line))?;
        let known = Known::classify(field.name.as_bytes());
        // SAFETY: the name stands before the value, and the value before the CRLF that `after_line`
        // found in `bytes`, which is all that `headers` has received. A name is a token for
        // httparse.
        unsafe { headers.push_received_unchecked(known, name, value) };
    }
    if line + 2 == lines.end && bytes[line..].starts_with(b"\r\n") { Ok(()) } else { Err(suspect(line)) }
}

/// Where the line that ends after the blanks at `at` ends, if in CRLF.
#[inline]
fn after_line(bytes: &[u8], at: usize) -> Option<usize> {
    if bytes.get(at..)?.starts_with(b"\r\n") { Some(at + 2) } else { after_blanks(bytes, at) }
}

/// The same if there may be blanks.
#[cold]
fn after_blanks(bytes: &[u8], mut at: usize) -> Option<usize> {
    while let Some(b' ' | b'\t') = bytes.get(at) {
        at += 1;
    }
    bytes.get(at..)?.starts_with(b"\r\n").then_some(at + 2)
}

/// What the scanner says of a head that the fast way refused. A fault of syntax comes
/// first, wherever it stands; only else `otherwise` holds.
#[cold]
fn scanned(mut scanner: Scanner, bytes: &[u8], end: usize, limits: &Limits, otherwise: Reject) -> Reject {
    scanner.feed(&bytes[..end], limits).err().unwrap_or(otherwise)
}

/// Where in `bytes` its part `part` begins.
#[inline]
fn place(bytes: &[u8], part: &[u8]) -> usize {
    part.as_ptr().addr().wrapping_sub(bytes.as_ptr().addr())
}

/// The bytes of `buf` under a lifetime of their own, so that the head can be split off
/// `buf` while the tokens found in it are still in hand.
///
/// # Safety
/// The caller neither drops nor writes to what it splits off, nor to `buf`, as long as
/// the slice is used.
#[inline]
unsafe fn detached<'a>(buf: &BytesMut) -> &'a [u8] {
    // SAFETY: pointer and length are those of one initialised allocation. Splitting and
    // freezing move neither its bytes nor write to them, and by the contract above it
    // stays alive and unchanged.
    unsafe { std::slice::from_raw_parts(buf.as_ptr(), buf.len()) }
}

fn version(minor: Option<u8>) -> Version {
    if minor == Some(0) { Version::Http10 } else { Version::Http11 }
}

/// Calls `parse` with room for the `fields` fields that `len` bytes may have, on the stack if they
/// are not unusually many.
#[inline]
fn with_slots<'b, R>(
    fields: usize,
    len: usize,
    parse: impl FnOnce(&mut [MaybeUninit<Header<'b>>]) -> R,
) -> R {
    if fields <= ON_STACK {
        parse(&mut [const { MaybeUninit::uninit() }; ON_STACK][..fields])
    } else {
        // The shortest field line, `a:` and CRLF, has four bytes.
        let mut slots = Vec::new();
        slots.resize_with(fields.min(len / 4 + 1), MaybeUninit::uninit);
        parse(&mut slots)
    }
}
