//! Hosts and paths in a few flat tables.
//!
//! Of many thousand routes an exchange needs one, and finds little of it in the caches of the processor. What is
//! looked at on the way is therefore packed: a slot and a host by the hash of its name, then the name and the paths
//! of that host side by side, then the numbers of the routes.

use std::cmp::{Ordering, Reverse};
use std::collections::BTreeMap;
use std::hash::BuildHasher;
use std::num::TryFromIntError;
use std::ops::Range;

use foldhash::fast::RandomState;
use gorge_error::{Error, Kind, OrErr, Result};

use super::matching::{HostPattern, Matching, PathPattern};

/// Finds the candidates for host and path.
#[derive(Debug, Default)]
pub(super) struct Index {
    /// The name of each host, and behind it its paths.
    text: String,
    /// Where the host of a hash is, by its lower bits; a power of two of them, at least one empty.
    slots: Box<[Slot]>,
    hosts: Vec<Host>,
    paths: Vec<Path>,
    candidates: Vec<Candidate>,
    hasher: RandomState,
    /// The paths of any host.
    any: Paths,
}

#[derive(Clone, Copy, Debug)]
struct Slot {
    /// The upper bits of the hash, so that other hosts need not be looked at.
    tag: u32,
    host: u32,
}

const NONE: u32 = u32::MAX;
const EMPTY: Slot = Slot { tag: 0, host: NONE };

#[derive(Debug)]
struct Host {
    /// Where the name begins in the text.
    name: u32,
    paths: Paths,
    len: u8,
    /// Of all hosts below it, and not of itself.
    below: bool,
}

/// The paths of one host, in the order of their segments: what lies below a path follows it.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Paths {
    first: u32,
    end: u32,
}

#[derive(Debug)]
struct Path {
    /// Where it begins in the text.
    text: u32,
    len: u32,
    /// The longest path that this one lies below, among those of the host.
    above: u32,
    /// The candidates for exactly this path, and behind them those for it and what lies below it.
    exact: u32,
    prefix: u32,
    end: u32,
}

/// A route that may be the one.
#[derive(Clone, Copy, Debug)]
pub(super) struct Candidate {
    pub(super) number: u32,
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
                let routes = hosts.entry(Some(host)).or_default();
                if routes.last() != Some(&number) {
                    routes.push(number);
                }
            }
        }
        let mut index = Self::default();
        for (host, numbers) in hosts {
            index.add(host, numbers, routes)?;
        }
        index.fill_slots();
        Ok(index)
    }

    fn add(
        &mut self,
        host: Option<&HostPattern>,
        mut numbers: Vec<usize>,
        routes: &[Matching],
    ) -> Result<()> {
        let name = self.text.len();
        let (text, below) = match host {
            None => ("", false),
            Some(HostPattern::Exact(text)) => (text.as_str(), false),
            Some(HostPattern::Below(text)) => (text.as_str(), true),
        };
        self.text.push_str(text);
        numbers.sort_by(|&a, &b| {
            let of = |number: usize| (split(&routes[number].path).1, Reverse(routes[number].conditions()));
            by_segments(split(&routes[a].path).0, split(&routes[b].path).0).then_with(|| of(a).cmp(&of(b)))
        });
        let first = self.paths.len();
        for same in numbers.chunk_by(|&a, &b| split(&routes[a].path).0 == split(&routes[b].path).0) {
            self.add_path(first, same, routes)?;
        }
        let small = |n: usize| small(n);
        let paths = Paths { first: small(first)?, end: small(self.paths.len())? };
        match host {
            None => self.any = paths,
            // A pattern is no longer than a name can be.
            Some(_) => {
                let len = u8::try_from(text.len()).or_err(Kind::Configuration, "a host is too long")?;
                self.hosts.push(Host { name: small(name)?, paths, len, below });
            }
        }
        Ok(())
    }

    /// Adds the routes of one path, best first, to the host whose paths begin with `first`.
    fn add_path(&mut self, first: usize, numbers: &[usize], routes: &[Matching]) -> Result<()> {
        let path = split(&routes[numbers[0]].path).0;
        let exacts = numbers.partition_point(|&number| !split(&routes[number].path).1);
        for alike in [&numbers[..exacts], &numbers[exacts..]] {
            refuse_same(alike, routes)?;
        }
        let mut above = self.paths[first..].len().checked_sub(1);
        while let Some(at) = above
            && !lies_in(path, self.text_of(&self.paths[first + at]))
        {
            above = self.above(first + at);
        }
        let exact = self.candidates.len();
        for &number in numbers {
            let asks_more = routes[number].conditions() != Matching::default().conditions();
            self.candidates.push(Candidate { number: small(number)?, asks_more });
        }
        self.paths.push(Path {
            text: small(self.text.len())?,
            len: small(path.len())?,
            above: above.map_or(Ok(NONE), small)?,
            exact: small(exact)?,
            prefix: small(exact + exacts)?,
            end: small(self.candidates.len())?,
        });
        self.text.push_str(path);
        Ok(())
    }

    fn fill_slots(&mut self) {
        let mut slots = vec![EMPTY; (2 * self.hosts.len()).next_power_of_two()];
        for (number, host) in self.hosts.iter().enumerate() {
            let hash = self.hash(host.below, self.name_of(host));
            let mut at = hash as usize % slots.len();
            while slots[at].host != NONE {
                at = (at + 1) % slots.len();
            }
            // Cannot overflow: each host has paths, and their number was found small enough.
            slots[at] = Slot { tag: (hash >> 32) as u32, host: number as u32 };
        }
        self.slots = slots.into();
    }

    fn hash(&self, below: bool, name: &str) -> u64 {
        self.hasher.hash_one((below, name))
    }

    fn name_of(&self, host: &Host) -> &str {
        &self.text[host.name as usize..][..host.len.into()]
    }

    fn text_of(&self, path: &Path) -> &str {
        &self.text[path.text as usize..][..path.len as usize]
    }

    fn above(&self, path: usize) -> Option<usize> {
        let above = self.paths[path].above;
        (above != NONE).then_some(above as usize)
    }

    /// The paths of any host.
    pub(super) fn any(&self) -> Paths {
        self.any
    }

    /// The paths of this host, or of all below it.
    pub(super) fn host(&self, below: bool, name: &str) -> Option<Paths> {
        let hash = self.hash(below, name);
        let mask = self.slots.len().checked_sub(1)?;
        let mut at = hash as usize & mask;
        loop {
            let slot = self.slots[at];
            if slot.host == NONE {
                return None;
            }
            if slot.tag == (hash >> 32) as u32 {
                let host = &self.hosts[slot.host as usize];
                if host.below == below && self.name_of(host) == name {
                    return Some(host.paths);
                }
            }
            at = (at + 1) & mask;
        }
    }

    /// Shows the candidates for `path` to `take`, best first. True: one was taken.
    pub(super) fn look(&self, paths: Paths, path: &str, take: &mut impl FnMut(Candidate) -> bool) -> bool {
        // `*` is below every path that takes all.
        let path = if path.starts_with('/') { path } else { "" };
        let list = &self.paths[paths.range()];
        // All that `path` lies in are among the last one not behind it and those above that.
        let behind = list.partition_point(|other| by_segments(self.text_of(other), path).is_le());
        let mut at = behind.checked_sub(1);
        while let Some(place) = at {
            let other = &list[place];
            if lies_in(path, self.text_of(other)) {
                let from = if other.len as usize == path.len() { other.exact } else { other.prefix };
                let candidates = &self.candidates[from as usize..other.end as usize];
                if candidates.iter().any(|&candidate| take(candidate)) {
                    return true;
                }
            }
            at = (other.above != NONE).then_some(other.above as usize);
        }
        false
    }
}

impl Paths {
    fn range(self) -> Range<usize> {
        self.first as usize..self.end as usize
    }
}

fn small(n: usize) -> Result<u32> {
    let too_much =
        |_: TryFromIntError| Error::explain(Kind::Configuration, "too many routes").into_internal();
    u32::try_from(n).map_err(too_much)
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
fn by_segments(a: &str, b: &str) -> Ordering {
    let (a, b) = (a.as_bytes(), b.as_bytes());
    match a.iter().zip(b).find(|(a, b)| a != b) {
        None => a.len().cmp(&b.len()),
        Some((b'/', _)) => Ordering::Less,
        Some((_, b'/')) => Ordering::Greater,
        Some((a, b)) => a.cmp(b),
    }
}

/// Whether `path` is `above` or lies below it.
fn lies_in(path: &str, above: &str) -> bool {
    path.strip_prefix(above).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
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
