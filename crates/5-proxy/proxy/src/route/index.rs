//! Hosts and paths, packed.
//!
//! Of many thousand routes an exchange needs one, and finds nothing of it in the caches of the processor: what it looks
//! at costs more than what it does. So all that is known of a host lies side by side in one block of bytes, its name,
//! its paths and the numbers of their routes, and a slot by the hash of the name says where.

use std::cmp::{Ordering, Reverse};
use std::collections::BTreeMap;
use std::hash::BuildHasher;

use foldhash::fast::RandomState;
use gorge_error::{Error, Kind, Result};

use super::matching::{HostPattern, LONGEST_HOST, Matching, PathPattern};

/// Finds the candidates for host and path.
///
/// A block is
/// - the length of the name, whether the block is for what lies below the name, the name;
/// - how many paths there are, and a [`Path`] for each, in the order of their segments;
/// - for each path the numbers of the candidates, best first, and the path.
#[derive(Debug, Default)]
pub(super) struct Index {
    bytes: Vec<u8>,
    /// Where the block of a name is, by the lower bits of its hash; a power of two of them, at least one empty.
    slots: Box<[Slot]>,
    hasher: RandomState,
    /// The paths of any host.
    any: Option<Paths>,
}

#[derive(Clone, Copy, Debug)]
struct Slot {
    /// The upper bits of the hash, so that other blocks need not be looked at.
    tag: u32,
    block: u32,
}

/// In place of a block, and of a path.
const NONE: u32 = u32::MAX;

/// Where the paths of a host begin.
#[derive(Clone, Copy, Debug)]
pub(super) struct Paths(usize);

/// A path of a host. Places are counted from the beginning of all blocks.
struct Path {
    text: u32,
    len: u32,
    /// The number of the longest path that this one lies below.
    above: u32,
    /// The candidates for exactly this path, and behind them those for it and what lies below it.
    exact: u32,
    prefix: u32,
    end: u32,
}

/// A route that may be the one.
#[derive(Clone, Copy, Debug)]
pub(super) struct Candidate {
    pub(super) number: usize,
    /// Whether it asks for more than host and path.
    pub(super) asks_more: bool,
}

impl Index {
    /// The index over these routes.
    pub(super) fn new(routes: &[Matching]) -> Result<Self> {
        let mut hosts: BTreeMap<Option<&HostPattern>, Vec<usize>> = BTreeMap::new();
        for (number, matching) in routes.iter().enumerate() {
            if matching.hosts.is_empty() {
                hosts.entry(None).or_default().push(number);
            }
            for host in &matching.hosts {
                let numbers = hosts.entry(Some(host)).or_default();
                if numbers.last() != Some(&number) {
                    numbers.push(number);
                }
            }
        }
        let mut index = Self::default();
        let mut blocks = Vec::with_capacity(hosts.len());
        for (host, numbers) in hosts {
            let block = small(index.bytes.len())?;
            match host {
                None => index.any = Some(Paths(index.bytes.len())),
                Some(host) => {
                    let (name, below) = name(host)?;
                    index.bytes.extend([name.len() as u8, u8::from(below)]);
                    index.bytes.extend(name.as_bytes());
                    blocks.push((index.hash(below, name.as_bytes()), block));
                }
            }
            index.add_paths(numbers, routes)?;
        }
        index.slots = slots(&blocks);
        Ok(index)
    }

    /// Adds the paths of a host, given its routes.
    fn add_paths(&mut self, mut numbers: Vec<usize>, routes: &[Matching]) -> Result<()> {
        let path = |number: usize| split(&routes[number].path);
        numbers.sort_by(|&a, &b| {
            let rank = |number: usize| (path(number).1, Reverse(routes[number].conditions()));
            by_segments(path(a).0.as_bytes(), path(b).0.as_bytes()).then_with(|| rank(a).cmp(&rank(b)))
        });
        let lists: Vec<_> = numbers.chunk_by(|&a, &b| path(a).0 == path(b).0).collect();
        self.put(lists.len())?;
        let behind = self.bytes.len() + lists.len() * Path::SIZE;
        let mut rest = Vec::new();
        // The paths that the one at hand may lie below, the longest last.
        let mut over = Vec::<(usize, &str)>::new();
        for (place, list) in lists.into_iter().enumerate() {
            let text = path(list[0]).0;
            let (exact, prefix) = list.split_at(list.partition_point(|&number| !path(number).1));
            refuse_same(exact, routes)?;
            refuse_same(prefix, routes)?;
            over.retain(|(_, other)| lies_in(text.as_bytes(), other.as_bytes()));
            let above = over.last().map_or(NONE as usize, |(place, _)| *place);
            over.push((place, text));
            let start = behind + rest.len();
            for &number in list {
                rest.extend(Candidate::of(number, routes).pack()?);
            }
            let (from, end) = (start + exact.len() * WORD, behind + rest.len());
            for word in [end, text.len(), above, start, from, end] {
                self.put(word)?;
            }
            rest.extend(text.as_bytes());
        }
        self.bytes.extend(rest);
        Ok(())
    }

    fn put(&mut self, word: usize) -> Result<()> {
        self.bytes.extend(small(word)?.to_le_bytes());
        Ok(())
    }

    fn hash(&self, below: bool, name: &[u8]) -> u64 {
        self.hasher.hash_one((below, name))
    }

    /// The paths of any host.
    pub(super) fn any(&self) -> Option<Paths> {
        self.any
    }

    /// The paths of this host, or of all below it.
    pub(super) fn host(&self, below: bool, name: &str) -> Option<Paths> {
        let name = name.as_bytes();
        let mask = self.slots.len().checked_sub(1)?;
        let hash = self.hash(below, name);
        let mut at = hash as usize & mask;
        loop {
            let slot = self.slots[at];
            if slot.block == NONE {
                return None;
            }
            if slot.tag == tag(hash) {
                let block = &self.bytes[slot.block as usize..];
                let own = &block[2..2 + usize::from(block[0])];
                if own == name && block[1] == u8::from(below) {
                    return Some(Paths(slot.block as usize + 2 + own.len()));
                }
            }
            at = (at + 1) & mask;
        }
    }

    /// Shows the candidates for `path` to `take`, best first. True: one was taken.
    pub(super) fn look(&self, paths: Paths, path: &str, take: &mut impl FnMut(Candidate) -> bool) -> bool {
        // `*` is below every path that takes all.
        let path = if path.starts_with('/') { path.as_bytes() } else { b"" };
        // All that it lies in are among the last one that does not come behind it, and those above that.
        let (mut from, mut to) = (0, self.word(paths.0));
        while from < to {
            let middle = from.midpoint(to);
            match by_segments(self.text(&self.path(paths, middle)), path) {
                Ordering::Greater => to = middle,
                _ => from = middle + 1,
            }
        }
        let mut at = from.checked_sub(1).unwrap_or(NONE);
        while at != NONE {
            let other = self.path(paths, at);
            if lies_in(path, self.text(&other)) {
                let first = if other.len as usize == path.len() { other.exact } else { other.prefix };
                let candidates = &self.bytes[first as usize..other.end as usize];
                if candidates.chunks_exact(WORD).any(|word| take(Candidate::unpack(word))) {
                    return true;
                }
            }
            at = other.above;
        }
        false
    }

    fn path(&self, paths: Paths, number: u32) -> Path {
        let at = paths.0 + WORD + number as usize * Path::SIZE;
        let word = |place: usize| self.word(at + place * WORD);
        Path { text: word(0), len: word(1), above: word(2), exact: word(3), prefix: word(4), end: word(5) }
    }

    fn text(&self, path: &Path) -> &[u8] {
        &self.bytes[path.text as usize..][..path.len as usize]
    }

    fn word(&self, at: usize) -> u32 {
        word(&self.bytes[at..at + WORD])
    }
}

const WORD: usize = size_of::<u32>();

impl Path {
    const SIZE: usize = 6 * WORD;
}

impl Candidate {
    fn of(number: usize, routes: &[Matching]) -> Self {
        Self { number, asks_more: routes[number].conditions() != Matching::default().conditions() }
    }

    fn pack(self) -> Result<[u8; WORD]> {
        Ok(small(self.number * 2 + usize::from(self.asks_more))?.to_le_bytes())
    }

    fn unpack(bytes: &[u8]) -> Self {
        let word = word(bytes);
        Self { number: (word / 2) as usize, asks_more: word % 2 == 1 }
    }
}

fn word(bytes: &[u8]) -> u32 {
    bytes.first_chunk().map_or(0, |bytes| u32::from_le_bytes(*bytes))
}

/// So much that a block is found at the second look or so.
fn slots(blocks: &[(u64, u32)]) -> Box<[Slot]> {
    let mut slots = vec![Slot { tag: 0, block: NONE }; (blocks.len() * 4 / 3 + 1).next_power_of_two()];
    for &(hash, block) in blocks {
        let mut at = hash as usize % slots.len();
        while slots[at].block != NONE {
            at = (at + 1) % slots.len();
        }
        slots[at] = Slot { tag: tag(hash), block };
    }
    slots.into()
}

fn tag(hash: u64) -> u32 {
    (hash >> 32) as u32
}

/// A place, or a number. All blocks together have less than 4 GiB.
fn small(n: usize) -> Result<u32> {
    match u32::try_from(n) {
        Ok(n) => Ok(n),
        Err(_) => Err(Error::explain(Kind::Configuration, "there are too many routes").into_internal()),
    }
}

/// The name of a host, and whether what lies below it is meant.
fn name(host: &HostPattern) -> Result<(&str, bool)> {
    let (name, below) = match host {
        HostPattern::Exact(name) => (name, false),
        HostPattern::Below(name) => (name, true),
    };
    if name.len() > LONGEST_HOST {
        let context = format!("the host {name:?} is longer than {LONGEST_HOST} characters");
        return Err(Error::explain(Kind::Configuration, context).into_internal());
    }
    Ok((name, below))
}

/// The text of a path, and whether what lies below it belongs to it.
fn split(path: &PathPattern) -> (&str, bool) {
    match path {
        PathPattern::Exact(path) => (path, false),
        PathPattern::Prefix(path) => (path, true),
    }
}

/// The order in which what lies below a path follows it at once: by segments, as if the slash came before
/// all other characters.
fn by_segments(a: &[u8], b: &[u8]) -> Ordering {
    match a.iter().zip(b).find(|(a, b)| a != b) {
        None => a.len().cmp(&b.len()),
        Some((b'/', _)) => Ordering::Less,
        Some((_, b'/')) => Ordering::Greater,
        Some((a, b)) => a.cmp(b),
    }
}

/// Whether `path` is `above` or lies below it.
fn lies_in(path: &[u8], above: &[u8]) -> bool {
    path.strip_prefix(above).is_some_and(|rest| rest.is_empty() || rest[0] == b'/')
}

fn refuse_same(numbers: &[usize], routes: &[Matching]) -> Result<()> {
    for (place, &number) in numbers.iter().enumerate() {
        let same = |&&other: &&usize| routes[other].same_conditions(&routes[number]);
        if let Some(&other) = numbers[..place].iter().find(same) {
            let (first, second) = (number.min(other) + 1, number.max(other) + 1);
            let context = format!("the routes number {first} and {second} take the same requests");
            return Err(Error::explain(Kind::Configuration, context).into_internal());
        }
    }
    Ok(())
}
