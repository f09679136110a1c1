//! Fields as they are written into an HTTP/1 message.

use std::iter::FusedIterator;

use crate::headers::{Record, Source};
use crate::{Field, Headers, KnownSet};

/// What [`Headers::lines`] gives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Line<'a> {
    /// One field line or several in a row that stand in the received bytes exactly as they would
    /// be written: name, colon, one space, value, CRLF.
    Received(&'a [u8]),
    /// A field that has yet to be put together.
    Field(Field<'a>),
}

/// Writing, for encoders.
impl Headers {
    /// The fields in order but for those of `leave_out`, as long a piece at a time as may be: most
    /// of a message goes out as it came in, so that most fields need not be looked at one by one.
    #[inline]
    pub fn lines(&self, leave_out: KnownSet) -> Lines<'_> {
        let (records, source) = self.records();
        Lines { records, source, leave_out: leave_out.mask() }
    }

    /// How many bytes all fields take as field lines, with colon, space and CRLF.
    #[inline]
    pub fn wire_len(&self) -> usize {
        self.records().0.iter().map(|record| record.name_len() + record.value_len() + ": \r\n".len()).sum()
    }
}

/// The fields of a [`Headers`] as lines; see [`Headers::lines`].
#[derive(Clone)]
pub struct Lines<'a> {
    records: &'a [Record],
    source: Source<'a>,
    leave_out: u64,
}

impl Lines<'_> {
    #[inline]
    fn leaves_out(&self, record: Record) -> bool {
        self.leave_out >> record.id() & 1 != 0
    }
}

impl<'a> Iterator for Lines<'a> {
    type Item = Line<'a>;

    #[inline]
    fn next(&mut self) -> Option<Line<'a>> {
        loop {
            let (&record, rest) = self.records.split_first()?;
            self.records = rest;
            if self.leaves_out(record) {
                continue;
            }
            let Some((start, mut end)) = self.source.received_line(record) else {
                return Some(Line::Field(self.source.field(record)));
            };
            while let Some((&next, rest)) = self.records.split_first()
                && next.begins_at(end)
                && !self.leaves_out(next)
                && let Some((_, next_end)) = self.source.received_line(next)
            {
                end = next_end;
                self.records = rest;
            }
            return Some(Line::Received(self.source.received(start, end)));
        }
    }
}

impl FusedIterator for Lines<'_> {}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;
    use crate::Known;

    /// Records the fields of `text`, which may be written loosely, as a parser would.
    fn received(text: &'static [u8]) -> Headers {
        let mut headers = Headers::new();
        headers.begin(Bytes::from_static(text));
        let mut start = 0;
        for line in text.split_inclusive(|&byte| byte == b'\n') {
            let colon = start + line.iter().position(|&byte| byte == b':').unwrap();
            let tail = &text[colon + 1..start + line.len()];
            let value = tail.trim_ascii();
            let blanks = tail.len() - tail.trim_ascii_start().len();
            let at = colon + 1 + if value.is_empty() { 0 } else { blanks };
            headers.push_received(Known::classify(&text[start..colon]), start..colon, at..at + value.len());
            start += line.len();
        }
        headers
    }

    fn kinds(headers: &Headers, leave_out: KnownSet) -> Vec<String> {
        let show = |line| match line {
            Line::Received(bytes) => bytes.escape_ascii().to_string(),
            Line::Field(field) => format!("{}={}", field.name, field.value.escape_ascii()),
        };
        headers.lines(leave_out).map(show).collect()
    }

    #[test]
    fn neighbours_come_as_one_piece() {
        let mut headers = received(b"Host: a\r\nAccept: b\r\nX-A: c d\r\n");
        assert_eq!(kinds(&headers, KnownSet::EMPTY), [r"Host: a\r\nAccept: b\r\nX-A: c d\r\n"]);
        let accept = KnownSet::of(&[Known::Accept]);
        assert_eq!(kinds(&headers, accept), [r"Host: a\r\n", r"X-A: c d\r\n"]);
        headers.remove(Known::Host);
        headers.append(Known::Via, "1.1 x").unwrap();
        assert_eq!(kinds(&headers, accept), [r"X-A: c d\r\n", "Via=1.1 x"]);
    }

    #[test]
    fn what_is_not_written_so_is_put_together_anew() {
        let headers =
            received(b"A:tight\r\nB:  wide\r\nC: blank \r\nD:\ttab\r\nE:\r\nF: \r\nG: lf\nH: ok\r\nI: open");
        let expected = ["A=tight", "B=wide", "C=blank", "D=tab", "E=", "F=", "G=lf", r"H: ok\r\n", "I=open"];
        assert_eq!(kinds(&headers, KnownSet::EMPTY), expected);
    }

    #[test]
    fn the_wire_length_counts_every_field() {
        let mut headers = received(b"A:tight\r\nHost: a\r\n");
        headers.append(Known::Via, "1.1 x").unwrap();
        headers.append("X-B", "").unwrap();
        assert_eq!(headers.wire_len(), b"A: tight\r\nHost: a\r\nVia: 1.1 x\r\nX-B: \r\n".len());
    }
}
