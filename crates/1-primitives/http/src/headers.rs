//! The field list of a message.

use std::fmt;
use std::iter::FusedIterator;
use std::ops::Range;

use bytes::Bytes;

use crate::field::{Field, FieldName, InvalidField};
use crate::{Known, KnownSet, grammar};

/// The bit of an offset that says: not in the received bytes, but in the side buffer.
const SIDE: u32 = 1 << 31;
/// The name offset of a field that was added by its [`Known`]: its name is a constant.
const STATIC: u32 = u32::MAX;
/// The largest offset; one less than the mark of static names has.
const MAX_OFFSET: usize = (STATIC & !SIDE) as usize - 1;
/// The id of names that are not known.
const OTHER: u8 = 63;
/// The id of a record about to be swept out.
pub(crate) const DEAD: u8 = 64;
/// A place that does not fit into a byte: the field stands here or later.
const FAR: u8 = u8::MAX;
/// Garbage that edits may leave in the side buffer before it is packed.
const SLACK: usize = 4096;

/// The fields of a message, in order, with the case in which they came, duplicates kept.
///
/// Not a map: one `Bytes` holds the head as it was received, and each field is a record of 16
/// bytes that points into it. Fields added later lie in a side buffer. Looking up a [`Known`] name
/// is a bit test and a look into a table of 64 bytes.
///
/// A legal name and a legal value are all it can hold. [`clear`](Headers::clear) and
/// `clone_from` keep the memory, so that a recycled list allocates nothing.
pub struct Headers {
    records: Vec<Record>,
    received: Bytes,
    side: Vec<u8>,
    /// Which known names are present; bit 63: some name that is not known.
    present: u64,
    /// Where the first field of each id stands, or [`FAR`] if not among the first fields. Means
    /// something only where the bit of the id is set, so clearing a list need not touch it.
    first: [u8; 64],
    /// Bytes of `side` that no record points to any more.
    garbage: usize,
}

/// Where one field lies. Offsets carry [`SIDE`]; `meta` is the length of the name, and in its
/// lowest byte the id.
///
/// As long as a record stands in a [`Headers`], what it points to lies in the received bytes or in
/// the side buffer: it came in so, the received bytes do not change, and the side buffer only
/// grows, until all records go or [`Headers::pack`] moves them.
#[derive(Clone, Copy)]
pub(crate) struct Record {
    name: u32,
    value: u32,
    value_len: u32,
    meta: u32,
}

const _: () = assert!(size_of::<Record>() == 16);

impl Record {
    #[inline]
    pub(crate) fn id(self) -> u8 {
        self.meta as u8
    }

    #[inline]
    pub(crate) fn kill(&mut self) {
        self.meta = self.meta & !0xFF | DEAD as u32;
    }

    #[inline]
    pub(crate) fn name_len(self) -> usize {
        (self.meta >> 8) as usize
    }

    #[inline]
    pub(crate) fn value_len(self) -> usize {
        self.value_len as usize
    }

    /// How much of the side buffer it uses.
    fn side_bytes(self) -> usize {
        let name = if self.name & SIDE != 0 && self.name != STATIC { self.name_len() } else { 0 };
        let value = if self.value & SIDE != 0 { self.value_len as usize } else { 0 };
        name + value
    }
}

/// The bytes that records point into.
#[derive(Clone, Copy)]
pub(crate) struct Source<'a> {
    received: &'a [u8],
    side: &'a [u8],
}

impl<'a> Source<'a> {
    /// # Safety
    /// Offset and length are those of a record of the `Headers` this was taken from, and its name
    /// is no constant.
    #[inline]
    unsafe fn slice(self, offset: u32, len: usize) -> &'a [u8] {
        let from = if offset & SIDE == 0 { self.received } else { self.side };
        let start = (offset & !SIDE) as usize;
        debug_assert!(start + len <= from.len());
        // SAFETY: what a record points to lies in the bytes it points into, see `Record`.
        unsafe { from.get_unchecked(start..start + len) }
    }

    #[inline]
    pub(crate) fn name(self, record: Record) -> &'a [u8] {
        if record.name == STATIC {
            Known::from_id(record.id()).map_or(b"", |known| known.as_str().as_bytes())
        } else {
            // SAFETY: all records that a source is asked for are those of its list.
            unsafe { self.slice(record.name, record.name_len()) }
        }
    }

    #[inline]
    pub(crate) fn value(self, record: Record) -> &'a [u8] {
        // SAFETY: as in `name`.
        unsafe { self.slice(record.value, record.value_len()) }
    }

    #[inline]
    pub(crate) fn field(self, record: Record) -> Field<'a> {
        Field {
            known: Known::from_id(record.id()),
            // SAFETY: names come in by `push_received`, which asserts that they are ASCII, by
            // `push_received_unchecked`, whose caller vouches for it, by `add`, which takes tokens
            // only (ASCII too), or are constants of this crate. The bytes under a record's offsets
            // never change while it stands.
            name: unsafe { std::str::from_utf8_unchecked(self.name(record)) },
            value: self.value(record),
        }
    }
}

/// A name to look for.
#[derive(Clone, Copy)]
enum Needle<'a> {
    Known(Known),
    Other(&'a [u8]),
}

impl<'a> Needle<'a> {
    #[inline]
    fn new(name: &'a impl FieldName) -> Self {
        match name.known() {
            Some(known) => Needle::Known(known),
            None => Needle::Other(name.as_bytes()),
        }
    }

    #[inline]
    fn matches(self, record: Record, source: Source<'_>) -> bool {
        match self {
            Needle::Known(known) => record.id() == known as u8,
            Needle::Other(name) => {
                record.id() == OTHER
                    && record.name_len() == name.len()
                    && source.name(record).eq_ignore_ascii_case(name)
            }
        }
    }

    #[inline]
    fn id(self) -> u8 {
        match self {
            Needle::Known(known) => known as u8,
            Needle::Other(_) => OTHER,
        }
    }
}

/// Reading.
impl Headers {
    /// The longest name a field can have, in bytes: 16 MiB, less one.
    pub const MAX_NAME: usize = (1 << 24) - 1;

    /// An empty list. Allocates nothing.
    pub fn new() -> Self {
        Self::default()
    }

    /// An empty list with room for `fields` fields, and for `bytes` bytes of names and values that
    /// are added rather than received.
    pub fn with_capacity(fields: usize, bytes: usize) -> Self {
        Headers { records: Vec::with_capacity(fields), side: Vec::with_capacity(bytes), ..Self::default() }
    }

    /// How many fields there are, duplicates counted.
    #[inline]
    pub fn len(&self) -> usize {
        self.records.len()
    }

    /// Whether there is no field.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.records.is_empty()
    }

    /// The value of the first field of that name.
    #[inline]
    pub fn get(&self, name: impl FieldName) -> Option<&[u8]> {
        let at = self.position(Needle::new(&name))?;
        Some(self.source().value(self.records[at]))
    }

    /// The value of the first field of that name, if it is UTF-8.
    #[inline]
    pub fn get_str(&self, name: impl FieldName) -> Option<&str> {
        std::str::from_utf8(self.get(name)?).ok()
    }

    /// The values of all fields of that name, in order.
    #[inline]
    pub fn get_all<N: FieldName>(&self, name: N) -> Values<'_, N> {
        let records = match self.start(Needle::new(&name)) {
            Some(start) => &self.records[start..],
            None => &[],
        };
        Values { records: records.iter(), source: self.source(), name }
    }

    /// Whether a field of that name is there.
    #[inline]
    pub fn contains(&self, name: impl FieldName) -> bool {
        match Needle::new(&name) {
            Needle::Known(known) => self.present & known.bit() != 0,
            other => self.position(other).is_some(),
        }
    }

    /// How many fields of that name there are.
    #[inline]
    pub fn count(&self, name: impl FieldName) -> usize {
        self.get_all(name).count()
    }

    /// All fields in order.
    #[inline]
    pub fn iter(&self) -> Iter<'_> {
        Iter { records: self.records.iter(), source: self.source() }
    }

    /// The fields whose name is one of `names`, in order. If none is there, that costs one look.
    #[inline]
    pub fn iter_known(&self, names: KnownSet) -> IterKnown<'_> {
        let wanted = names.mask() & self.present;
        let start = self.first_of(wanted).unwrap_or(self.records.len());
        IterKnown { records: self.records[start..].iter(), source: self.source(), wanted }
    }

    /// All fields but those of `names`, in order: for encoders, which have their own words for some.
    #[inline]
    pub fn iter_without(&self, names: KnownSet) -> IterKnown<'_> {
        IterKnown { records: self.records.iter(), source: self.source(), wanted: !names.mask() }
    }

    /// How many bytes all fields take as field lines (RFC 9112 5), with colon, space and CRLF.
    #[inline]
    pub fn wire_len(&self) -> usize {
        self.records.iter().map(|record| record.name_len() + record.value_len() + ": \r\n".len()).sum()
    }

    #[inline]
    fn source(&self) -> Source<'_> {
        Source { received: &self.received, side: &self.side }
    }

    #[inline]
    fn position(&self, needle: Needle<'_>) -> Option<usize> {
        let start = self.start(needle)?;
        match needle {
            Needle::Known(_) if start < FAR as usize => Some(start),
            _ => self.search(start, needle),
        }
    }

    /// Apart, so that the look-up of a well-known name stays small enough to be inlined.
    #[inline(never)]
    fn search(&self, start: usize, needle: Needle<'_>) -> Option<usize> {
        let source = self.source();
        let found = |&record: &Record| needle.matches(record, source);
        Some(start + self.records[start..].iter().position(found)?)
    }

    /// Before which place no field of that name stands; `None` if there is none at all.
    #[inline]
    fn start(&self, needle: Needle<'_>) -> Option<usize> {
        let id = needle.id();
        (self.present & 1 << id != 0).then(|| self.first[id as usize] as usize)
    }

    /// The known names that are present, one bit each.
    #[inline]
    pub(crate) fn present(&self) -> u64 {
        self.present
    }
}

/// Editing.
impl Headers {
    /// Removes all fields and lets go of the received bytes, but keeps the memory for the next
    /// message.
    #[inline]
    pub fn clear(&mut self) {
        self.records.clear();
        self.side.clear();
        self.received = Bytes::new();
        self.present = 0;
        self.garbage = 0;
    }

    /// Adds a field at the end. Blanks around the value are left off.
    ///
    /// # Errors
    /// If the name is no token, the value has a control byte, or either is too large; then nothing
    /// has changed.
    #[inline]
    pub fn append(&mut self, name: impl FieldName, value: impl AsRef<[u8]>) -> Result<(), InvalidField> {
        let record = self.add(&name, value.as_ref())?;
        self.push(record);
        Ok(())
    }

    /// Replaces all fields of that name by one, at the place of the first; adds it at the end if
    /// there was none.
    ///
    /// # Errors
    /// As [`append`](Headers::append).
    pub fn insert(&mut self, name: impl FieldName, value: impl AsRef<[u8]>) -> Result<(), InvalidField> {
        let record = self.add(&name, value.as_ref())?;
        let needle = Needle::new(&name);
        match self.position(needle) {
            None => self.push(record),
            Some(at) => {
                self.garbage += self.records[at].side_bytes();
                self.records[at] = record;
                if self.drop_after(at + 1, needle) == 0 {
                    self.pack_if_wasteful();
                }
            }
        }
        Ok(())
    }

    /// Removes all fields of that name and tells how many there were.
    pub fn remove(&mut self, name: impl FieldName) -> usize {
        match Needle::new(&name) {
            Needle::Known(known) => self.remove_known(known.bit()),
            other => self.position(other).map_or(0, |at| self.drop_after(at, other)),
        }
    }

    /// Keeps only the fields for which `keep` is true.
    pub fn retain(&mut self, mut keep: impl FnMut(Field<'_>) -> bool) {
        let source = Source { received: &self.received, side: &self.side };
        for record in &mut self.records {
            if !keep(source.field(*record)) {
                record.kill();
            }
        }
        self.sweep();
    }

    /// Removes from `start` on what `needle` names.
    fn drop_after(&mut self, start: usize, needle: Needle<'_>) -> usize {
        let source = Source { received: &self.received, side: &self.side };
        let mut killed = 0;
        for record in &mut self.records[start..] {
            if needle.matches(*record, source) {
                record.kill();
                killed += 1;
            }
        }
        if killed > 0 {
            self.sweep();
        }
        killed
    }

    /// The records together with what they point into, to mark some as dead. Call
    /// [`sweep`](Headers::sweep) after it.
    pub(crate) fn records_mut(&mut self) -> (&mut [Record], Source<'_>) {
        (&mut self.records, Source { received: &self.received, side: &self.side })
    }

    /// Removes all fields whose name is in `names`, a mask of known ones, and tells how many there
    /// were. What stands before the first of them is not touched. No record may be dead.
    pub(crate) fn remove_known(&mut self, names: u64) -> usize {
        let doomed = names & self.present;
        let Some(start) = self.first_of(doomed) else { return 0 };
        let (records, first) = (self.records.as_mut_slice(), &mut self.first);
        let (mut kept, mut garbage) = (start, 0);
        for at in start..records.len() {
            let record = records[at];
            let id = record.id() as usize % first.len();
            if doomed >> id & 1 != 0 {
                garbage += record.side_bytes();
                continue;
            }
            // All fields of a name go or none does: so a first one stays one, at another place.
            if first[id] == near(at) {
                first[id] = near(kept);
            }
            records[kept] = record;
            kept += 1;
        }
        let removed = records.len() - kept;
        self.records.truncate(kept);
        self.garbage += garbage;
        self.present &= !doomed;
        self.pack_if_wasteful();
        removed
    }

    /// Before which place none of `names` stands, of which all are present; `None` if `names` is
    /// empty.
    #[inline]
    pub(crate) fn first_of(&self, names: u64) -> Option<usize> {
        let mut left = names;
        let mut start = None;
        while left != 0 {
            let place = self.first[left.trailing_zeros() as usize] as usize;
            start = Some(start.map_or(place, |start: usize| start.min(place)));
            left &= left - 1;
        }
        start
    }

    /// Takes the dead records out.
    pub(crate) fn sweep(&mut self) {
        self.present = 0;
        let mut kept = 0;
        for at in 0..self.records.len() {
            let record = self.records[at];
            if record.id() == DEAD {
                self.garbage += record.side_bytes();
            } else {
                self.note(record.id(), kept);
                self.records[kept] = record;
                kept += 1;
            }
        }
        self.records.truncate(kept);
        self.pack_if_wasteful();
    }

    #[inline]
    fn push(&mut self, record: Record) {
        self.note(record.id(), self.records.len());
        self.records.push(record);
    }

    /// Takes down that a field of that id stands at `place`, if it is the first.
    #[inline]
    fn note(&mut self, id: u8, place: usize) {
        let bit = 1 << id;
        if self.present & bit == 0 {
            self.present |= bit;
            self.first[id as usize] = near(place);
        }
    }

    /// Judges a field and copies it into the side buffer.
    #[inline]
    fn add(&mut self, name: &impl FieldName, value: &[u8]) -> Result<Record, InvalidField> {
        let value = grammar::trim(value);
        if !grammar::is_value(value) {
            return Err(InvalidField::Value);
        }
        let canonical = name.canonical();
        let bytes = name.as_bytes();
        if canonical.is_none() && !grammar::is_token(bytes) {
            return Err(InvalidField::Name);
        }
        let end = self.side.len().saturating_add(bytes.len()).saturating_add(value.len());
        if bytes.len() > Headers::MAX_NAME || end > MAX_OFFSET {
            return Err(InvalidField::TooLarge);
        }
        // The casts are good: all is below `MAX_OFFSET` now.
        let name = match canonical {
            Some(_) => STATIC,
            None => self.copy(bytes),
        };
        let id = canonical.or_else(|| Known::classify(bytes)).map_or(OTHER, |known| known as u8);
        let meta = (bytes.len() as u32) << 8 | id as u32;
        Ok(Record { name, value: self.copy(value), value_len: value.len() as u32, meta })
    }

    #[inline]
    fn copy(&mut self, bytes: &[u8]) -> u32 {
        let offset = self.side.len() as u32 | SIDE;
        self.side.extend_from_slice(bytes);
        offset
    }

    /// Edits in a loop must not make the side buffer grow without end.
    fn pack_if_wasteful(&mut self) {
        if self.garbage > SLACK && self.garbage > self.side.len() / 2 {
            self.pack();
        }
    }

    #[cold]
    fn pack(&mut self) {
        let live = self.side.len().saturating_sub(self.garbage);
        let old = std::mem::replace(&mut self.side, Vec::with_capacity(live + SLACK));
        let source = Source { received: &[], side: &old };
        for at in 0..self.records.len() {
            let mut record = self.records[at];
            if record.name & SIDE != 0 && record.name != STATIC {
                record.name = self.copy(source.name(record));
            }
            if record.value & SIDE != 0 {
                record.value = self.copy(source.value(record));
            }
            self.records[at] = record;
        }
        self.garbage = 0;
    }
}

/// Filling, for parsers.
impl Headers {
    /// Empties the list and takes the bytes of a received head, into which
    /// [`push_received`](Headers::push_received) then points.
    ///
    /// # Panics
    /// If `received` has 2 GiB or more.
    #[inline]
    pub fn begin(&mut self, received: Bytes) {
        assert!(received.len() <= MAX_OFFSET);
        self.records.clear();
        self.side.clear();
        self.received = received;
        self.present = 0;
        self.garbage = 0;
    }

    /// Adds a field of which name and value stand in the received bytes. Copies and allocates
    /// nothing, but for the growth of the list itself.
    ///
    /// The caller has judged them: the name is a token that [`Known::classify`] takes for `known`,
    /// the value has no illegal byte and no blanks around it.
    ///
    /// # Panics
    /// If a range does not lie in the received bytes, or the name is not ASCII or has 16 MiB.
    #[inline]
    pub fn push_received(&mut self, known: Option<Known>, name: Range<usize>, value: Range<usize>) {
        assert!(self.received.get(value.clone()).is_some(), "the value is out of range");
        let bytes = &self.received[name.clone()];
        assert!(is_ascii(bytes) && bytes.len() <= Headers::MAX_NAME);
        // SAFETY: both ranges and the name have just been checked.
        unsafe { self.push_received_unchecked(known, name, value) }
    }

    /// As [`push_received`](Headers::push_received), for a parser that can prove what that one
    /// checks.
    ///
    /// # Safety
    /// Both ranges lie in the received bytes, and the name is ASCII and no longer than
    /// [`MAX_NAME`](Headers::MAX_NAME).
    #[inline]
    pub unsafe fn push_received_unchecked(
        &mut self,
        known: Option<Known>,
        name: Range<usize>,
        value: Range<usize>,
    ) {
        debug_assert!(grammar::is_token(&self.received[name.clone()]));
        debug_assert!(Known::classify(&self.received[name.clone()]) == known);
        debug_assert!(grammar::is_value(&self.received[value.clone()]));
        let id = known.map_or(OTHER, |known| known as u8);
        // The casts are good: `begin` has bounded the length of the received bytes.
        self.push(Record {
            name: name.start as u32,
            value: value.start as u32,
            value_len: (value.end - value.start) as u32,
            meta: ((name.end - name.start) as u32) << 8 | id as u32,
        });
    }
}

/// A place as [`Headers::first`] has it.
#[inline]
fn near(place: usize) -> u8 {
    place.min(FAR as usize) as u8
}

/// As `<[u8]>::is_ascii`, for the short strings that names are.
#[inline]
fn is_ascii(bytes: &[u8]) -> bool {
    let (words, rest) = bytes.as_chunks::<8>();
    let mut all = rest.iter().fold(0, |all, &byte| all | byte) as u64;
    for word in words {
        all |= u64::from_ne_bytes(*word);
    }
    all & 0x8080_8080_8080_8080 == 0
}

impl Default for Headers {
    fn default() -> Self {
        Headers {
            records: Vec::new(),
            received: Bytes::new(),
            side: Vec::new(),
            present: 0,
            first: [0; 64],
            garbage: 0,
        }
    }
}

impl Clone for Headers {
    fn clone(&self) -> Self {
        Headers {
            records: self.records.clone(),
            received: self.received.clone(),
            side: self.side.clone(),
            present: self.present,
            first: self.first,
            garbage: self.garbage,
        }
    }

    /// Keeps the memory of `self`.
    fn clone_from(&mut self, other: &Self) {
        self.records.clone_from(&other.records);
        self.received.clone_from(&other.received);
        self.side.clone_from(&other.side);
        self.present = other.present;
        self.first = other.first;
        self.garbage = other.garbage;
    }
}

impl fmt::Debug for Headers {
    /// One field after another; values of credentials and cookies are left out.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self).finish()
    }
}

impl PartialEq for Headers {
    /// Same fields in the same order; names compare without case.
    fn eq(&self, other: &Self) -> bool {
        self.len() == other.len()
            && self.iter().zip(other).all(|(a, b)| a.name.eq_ignore_ascii_case(b.name) && a.value == b.value)
    }
}

impl Eq for Headers {}

impl<'a> IntoIterator for &'a Headers {
    type Item = Field<'a>;
    type IntoIter = Iter<'a>;
    fn into_iter(self) -> Iter<'a> {
        self.iter()
    }
}

/// All fields of a [`Headers`], in order.
#[derive(Clone)]
pub struct Iter<'a> {
    records: std::slice::Iter<'a, Record>,
    source: Source<'a>,
}

impl<'a> Iterator for Iter<'a> {
    type Item = Field<'a>;

    #[inline]
    fn next(&mut self) -> Option<Field<'a>> {
        self.records.next().map(|&record| self.source.field(record))
    }

    #[inline]
    fn size_hint(&self) -> (usize, Option<usize>) {
        self.records.size_hint()
    }
}

impl DoubleEndedIterator for Iter<'_> {
    #[inline]
    fn next_back(&mut self) -> Option<Self::Item> {
        self.records.next_back().map(|&record| self.source.field(record))
    }
}

impl ExactSizeIterator for Iter<'_> {}
impl FusedIterator for Iter<'_> {}

/// Some fields of a [`Headers`], in order; see [`Headers::iter_known`] and
/// [`Headers::iter_without`].
#[derive(Clone)]
pub struct IterKnown<'a> {
    records: std::slice::Iter<'a, Record>,
    source: Source<'a>,
    wanted: u64,
}

impl<'a> Iterator for IterKnown<'a> {
    type Item = Field<'a>;

    #[inline]
    fn next(&mut self) -> Option<Field<'a>> {
        let wanted = self.wanted;
        self.records.find(|record| wanted >> record.id() & 1 != 0).map(|&record| self.source.field(record))
    }
}

impl FusedIterator for IterKnown<'_> {}

/// The values of all fields of one name, in order.
#[derive(Clone)]
pub struct Values<'a, N> {
    records: std::slice::Iter<'a, Record>,
    source: Source<'a>,
    name: N,
}

impl<'a, N: FieldName> Iterator for Values<'a, N> {
    type Item = &'a [u8];

    #[inline]
    fn next(&mut self) -> Option<&'a [u8]> {
        let needle = Needle::new(&self.name);
        let source = self.source;
        self.records.find(|&&record| needle.matches(record, source)).map(|&record| source.value(record))
    }
}

impl<N: FieldName> FusedIterator for Values<'_, N> {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn edits_in_a_loop_do_not_grow_the_side_buffer() {
        let mut headers = Headers::new();
        headers.append("X-Other", "stays").unwrap();
        headers.append(Known::Via, "stays too").unwrap();
        for _ in 0..10_000 {
            headers.insert("X-Edited", [b'v'; 100]).unwrap();
            headers.append("X-Removed", [b'w'; 100]).unwrap();
            assert_eq!(headers.remove("x-removed"), 1);
        }
        assert!(headers.side.len() < 4 * SLACK);
        assert_eq!(headers.get("x-other"), Some(&b"stays"[..]));
        assert_eq!(headers.get(Known::Via), Some(&b"stays too"[..]));
        assert_eq!(headers.get("x-edited"), Some(&[b'v'; 100][..]));
    }

    #[test]
    fn fields_past_the_reach_of_a_byte_are_found() {
        let mut headers = Headers::new();
        for index in 0..600 {
            match index {
                254 => headers.append(Known::Age, "254"),
                255 => headers.append(Known::Date, "255"),
                400 => headers.append(Known::Via, "400"),
                500 => headers.append("X-A", "500"),
                _ => headers.append(Known::Cookie, "c"),
            }
            .unwrap();
        }
        let found = |headers: &Headers| {
            [headers.get_str(Known::Age), headers.get_str(Known::Date)]
                .into_iter()
                .chain([headers.get_str(Known::Via), headers.get_str("x-a")])
                .map(|value| value.map(str::to_owned))
                .collect::<Vec<_>>()
        };
        let all = ["254", "255", "400", "500"].map(|value| Some(value.to_owned()));
        assert_eq!(found(&headers), all);
        assert_eq!(headers.count(Known::Via), 1);
        assert_eq!(headers.remove(Known::Cookie), 596);
        assert_eq!(found(&headers), all);
    }

    #[test]
    fn some_names_are_found_in_order_wherever_they_stand() {
        let mut headers = Headers::new();
        let names = KnownSet::of(&[Known::Via, Known::Age]);
        assert_eq!(headers.iter_known(names).count(), 0);
        for index in 0..300 {
            headers.append(if index % 100 == 50 { Known::Via } else { Known::Cookie }, "v").unwrap();
        }
        headers.append(Known::Age, "1").unwrap();
        headers.append("X-Other", "1").unwrap();
        let found = |names| headers.iter_known(names).map(|field| field.name).collect::<Vec<_>>();
        assert_eq!(found(names), ["Via", "Via", "Via", "Age"]);
        assert_eq!(found(KnownSet::of(&[Known::Age, Known::Date])), ["Age"]);
        assert!(found(KnownSet::EMPTY).is_empty());
    }

    #[test]
    fn the_mask_follows_every_edit() {
        let mut headers = Headers::new();
        headers.append(Known::Host, "a").unwrap();
        headers.append("x-a", "b").unwrap();
        assert_eq!(headers.present, Known::Host.bit() | 1 << OTHER);
        headers.remove("HOST");
        assert_eq!(headers.present, 1 << OTHER);
        headers.retain(|_| false);
        assert_eq!(headers.present, 0);
    }
}
