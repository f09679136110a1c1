//! The idle connections of one worker. Not thread-safe; [`Pool`](crate::Pool) keeps each behind a lock.
//!
//! Connections lie in slots; those of one key form a list, newest first. A group that becomes empty
//! stays for a while, so that a connection that comes and goes does not cost a copy of its key each
//! time; how many may stay is bounded, and [`expire`](Shelf::expire) clears them away.

use std::{
    collections::HashMap,
    hash::Hash,
    time::{Duration, Instant},
};

use foldhash::fast::RandomState;

use crate::{Entry, Options, Reason};

const NIL: u32 = u32::MAX;

/// Empty groups that may stay, per worker.
const MAX_EMPTY: usize = 256;

/// Expiry is looked for at most this often: connections overdue are not handed out anyway.
const MAX_GRAIN: Duration = Duration::from_secs(1);

pub(crate) struct Shelf<K, C> {
    by_key: HashMap<K, u32, RandomState>,
    groups: Vec<Group>,
    free_groups: Vec<u32>,
    /// Groups without a connection that are still in `by_key`.
    empty: usize,
    slots: Vec<Slot<C>>,
    free_slots: Vec<u32>,
    idle: usize,
    /// No connection is due for removal before this; it may be too early.
    due: Option<Instant>,
    /// When to look for empty groups.
    sweep: Option<Instant>,
    /// The latest time that was told; `None` before the first.
    now: Option<Instant>,
    pub(crate) counters: Counters,
}

#[derive(Default)]
pub(crate) struct Counters {
    pub(crate) created: u64,
    pub(crate) hits: u64,
    /// Taken from here by another worker.
    pub(crate) lent: u64,
    /// Misses on this shelf by its own worker, found elsewhere or not.
    pub(crate) misses: u64,
    pub(crate) puts: u64,
    pub(crate) discarded: u64,
    pub(crate) closed: [u64; Reason::COUNT],
}

struct Group {
    newest: u32,
    oldest: u32,
    len: usize,
    /// Empty at the last sweep already.
    stale: bool,
}

const EMPTY: Group = Group { newest: NIL, oldest: NIL, len: 0, stale: false };

struct Slot<C> {
    generation: u32,
    group: u32,
    newer: u32,
    older: u32,
    idle: Option<Idle<C>>,
}

struct Idle<C> {
    entry: Entry<C>,
    since: Instant,
}

/// What [`Shelf::take`] found.
pub(crate) enum Found<C> {
    Hit(Entry<C>),
    /// One that may not be used any more; there may be others behind it.
    Overdue(C),
    Nothing,
}

impl<K: Hash + Eq + Clone, C> Shelf<K, C> {
    pub(crate) fn new() -> Self {
        Self {
            by_key: HashMap::default(),
            groups: Vec::new(),
            free_groups: Vec::new(),
            empty: 0,
            slots: Vec::new(),
            free_slots: Vec::new(),
            idle: 0,
            due: None,
            sweep: None,
            now: None,
            counters: Counters::default(),
        }
    }

    /// Number of connections.
    pub(crate) fn idle(&self) -> usize {
        self.idle
    }

    /// Number of connections of `key`.
    pub(crate) fn count(&self, key: &K) -> usize {
        self.by_key.get(key).map_or(0, |&group| self.groups[group as usize].len)
    }

    /// Adds a connection as the newest of `key` and returns its slot and generation.
    pub(crate) fn insert(&mut self, key: &K, entry: Entry<C>, now: Instant, options: &Options) -> (u32, u32) {
        self.now = Some(now);
        let group = self.group_of(key);
        let index = self.free_slots.pop().unwrap_or_else(|| {
            self.slots.push(Slot { generation: 0, group, newer: NIL, older: NIL, idle: None });
            // Each slot holds an open connection: there are never 2^32 of them.
            (self.slots.len() - 1) as u32
        });
        let list = &mut self.groups[group as usize];
        let slot = &mut self.slots[index as usize];
        slot.group = group;
        slot.newer = NIL;
        slot.older = std::mem::replace(&mut list.newest, index);
        slot.idle = Some(Idle { entry, since: now });
        let (generation, older) = (slot.generation, slot.older);
        match older {
            NIL => list.oldest = index,
            older => self.slots[older as usize].newer = index,
        }
        list.len += 1;
        list.stale = false;
        self.idle += 1;
        self.note_due(group, index, options);
        (index, generation)
    }

    /// The connection of a stay that has not ended.
    pub(crate) fn peek(&mut self, slot: u32, generation: u32) -> Option<&mut C> {
        let slot = self.slots.get_mut(slot as usize).filter(|slot| slot.generation == generation)?;
        slot.idle.as_mut().map(|idle| &mut idle.entry.conn)
    }

    /// Ends a stay, unless it has ended before.
    pub(crate) fn close(
        &mut self,
        slot: u32,
        generation: u32,
        reason: Reason,
        options: &Options,
    ) -> Option<C> {
        self.peek(slot, generation)?;
        self.close_slot(slot, reason, options)
    }

    /// Removes the oldest connection of the group in which `slot` lies if the group is too large.
    pub(crate) fn evict_beside(&mut self, slot: u32, options: &Options) -> Option<C> {
        let group = &self.groups[self.slots[slot as usize].group as usize];
        if group.len <= options.max_idle {
            return None;
        }
        self.close_slot(group.oldest, Reason::Evicted, options)
    }

    /// Takes out the newest connection of `key`.
    pub(crate) fn take(&mut self, key: &K, now: Instant, options: &Options) -> Found<C> {
        self.now = Some(now);
        let Some(&group) = self.by_key.get(key) else { return Found::Nothing };
        let newest = self.groups[group as usize].newest;
        let Some(idle) = self.slots.get(newest as usize).and_then(|slot| slot.idle.as_ref()) else {
            return Found::Nothing;
        };
        // The newest is the last one to be kept beyond its idle time.
        let overdue = idle.overdue(now, options.min_idle > 0, options);
        let Some(mut entry) = self.remove(newest, options) else { return Found::Nothing };
        match overdue {
            Some(reason) => {
                self.counters.closed[reason.index()] += 1;
                Found::Overdue(entry.conn)
            }
            None => {
                entry.uses = entry.uses.saturating_add(1);
                Found::Hit(entry)
            }
        }
    }

    /// Removes all connections that are overdue at `now`, and groups that were empty for long.
    pub(crate) fn expire(&mut self, now: Instant, options: &Options) -> Vec<C> {
        self.now = Some(now);
        let mut overdue = Vec::new();
        if self.due.is_some_and(|due| due <= now) {
            self.due = None;
            for group in 0..self.groups.len() {
                self.expire_group(group, now, options, &mut overdue);
            }
            // Not again at once for the next one, which may be due a moment later.
            let grain = MAX_GRAIN.min(options.idle / 64);
            self.due = self.due.max(self.due.and(now.checked_add(grain)));
        }
        if self.sweep.is_some_and(|sweep| sweep <= now) {
            self.sweep(false, options);
        }
        overdue
    }

    /// When [`expire`](Self::expire) has something to do.
    pub(crate) fn next_expiry(&self) -> Option<Instant> {
        match (self.due, self.sweep) {
            (Some(due), Some(sweep)) => Some(due.min(sweep)),
            (due, sweep) => due.or(sweep),
        }
    }

    /// Removes all connections of `key`.
    pub(crate) fn remove_all(&mut self, key: &K, options: &Options) -> Vec<C> {
        let mut removed = Vec::new();
        if let Some(&group) = self.by_key.get(key) {
            while self.groups[group as usize].len > 0 {
                let newest = self.groups[group as usize].newest;
                removed.extend(self.close_slot(newest, Reason::Drained, options));
            }
        }
        removed
    }

    /// Removes everything, the keys too.
    pub(crate) fn drain(&mut self, options: &Options) -> Vec<C> {
        let mut removed = Vec::new();
        for slot in 0..self.slots.len() as u32 {
            removed.extend(self.close_slot(slot, Reason::Drained, options));
        }
        self.sweep(true, options);
        self.by_key.shrink_to_fit();
        self.due = None;
        removed
    }

    fn group_of(&mut self, key: &K) -> u32 {
        if let Some(&group) = self.by_key.get(key) {
            if self.groups[group as usize].len == 0 {
                self.empty -= 1;
            }
            return group;
        }
        let group = self.free_groups.pop().unwrap_or_else(|| {
            self.groups.push(EMPTY);
            // A group holds a connection or is one of few that are empty.
            (self.groups.len() - 1) as u32
        });
        self.by_key.insert(key.clone(), group);
        group
    }

    /// Takes account of a new connection in `due`.
    fn note_due(&mut self, group: u32, index: u32, options: &Options) {
        let group = &self.groups[group as usize];
        let mut due = self.due;
        let mut note = |slot: u32, warm| {
            let idle = self.slots[slot as usize].idle.as_ref();
            due = earlier(due, idle.and_then(|idle| idle.due(warm, options)));
        };
        note(index, group.len <= options.min_idle);
        if options.min_idle > 0 && group.len > options.min_idle {
            // The new one took the place of an older one among those that are kept warm.
            note(group.oldest, false);
        }
        self.due = due;
    }

    fn expire_group(&mut self, group: usize, now: Instant, options: &Options, overdue: &mut Vec<C>) {
        let mut index = self.groups[group].oldest;
        while index != NIL {
            let slot = &self.slots[index as usize];
            let newer = slot.newer;
            let warm = self.groups[group].len <= options.min_idle;
            if let Some(idle) = &slot.idle {
                match idle.overdue(now, warm, options) {
                    Some(reason) => overdue.extend(self.close_slot(index, reason, options)),
                    None => self.due = earlier(self.due, idle.due(warm, options)),
                }
            }
            index = newer;
        }
    }

    fn close_slot(&mut self, slot: u32, reason: Reason, options: &Options) -> Option<C> {
        let entry = self.remove(slot, options)?;
        self.counters.closed[reason.index()] += 1;
        Some(entry.conn)
    }

    /// Takes a connection out of its slot and of its group's list.
    fn remove(&mut self, index: u32, options: &Options) -> Option<Entry<C>> {
        let slot = &mut self.slots[index as usize];
        let idle = slot.idle.take()?;
        slot.generation = slot.generation.wrapping_add(1);
        let (number, newer, older) = (slot.group, slot.newer, slot.older);
        let group = &mut self.groups[number as usize];
        match newer {
            NIL => group.newest = older,
            newer => self.slots[newer as usize].older = older,
        }
        match older {
            NIL => group.oldest = newer,
            older => self.slots[older as usize].newer = newer,
        }
        group.len -= 1;
        self.free_slots.push(index);
        self.idle -= 1;
        if self.groups[number as usize].len == 0 {
            self.note_empty(options);
        }
        Some(idle.entry)
    }

    fn note_empty(&mut self, options: &Options) {
        self.empty += 1;
        if self.empty > MAX_EMPTY {
            self.sweep(true, options);
        } else if self.sweep.is_none() {
            self.sweep = self.next_sweep(options);
        }
    }

    fn next_sweep(&self, options: &Options) -> Option<Instant> {
        self.now?.checked_add(options.idle)
    }

    /// Forgets the empty groups: all, or those that were empty at the last sweep already.
    fn sweep(&mut self, all: bool, options: &Options) {
        let Self { by_key, groups, free_groups, empty, .. } = self;
        by_key.retain(|_, number| {
            let group = &mut groups[*number as usize];
            if group.len > 0 {
                return true;
            }
            if all || group.stale {
                *group = EMPTY;
                free_groups.push(*number);
                *empty -= 1;
                return false;
            }
            group.stale = true;
            true
        });
        self.sweep = if self.empty > 0 { self.next_sweep(options) } else { None };
    }
}

impl<C> Idle<C> {
    /// Why this connection may not be used at `now`. A `warm` one has no idle time.
    fn overdue(&self, now: Instant, warm: bool, options: &Options) -> Option<Reason> {
        let passed = |since: Instant, limit: Duration| now.saturating_duration_since(since) >= limit;
        if self.entry.expires.is_some_and(|expires| expires <= now) {
            Some(Reason::KeepAlive)
        } else if options.max_age.is_some_and(|limit| passed(self.entry.created, limit)) {
            Some(Reason::Age)
        } else if !warm && passed(self.since, options.idle) {
            Some(Reason::Idle)
        } else {
            None
        }
    }

    /// When it becomes overdue.
    fn due(&self, warm: bool, options: &Options) -> Option<Instant> {
        let idle = if warm { None } else { self.since.checked_add(options.idle) };
        let age = options.max_age.and_then(|limit| self.entry.created.checked_add(limit));
        earlier(self.entry.expires, earlier(idle, age))
    }
}

/// The earlier of two times, where `None` is never.
fn earlier(one: Option<Instant>, other: Option<Instant>) -> Option<Instant> {
    match (one, other) {
        (Some(one), Some(other)) => Some(one.min(other)),
        (one, other) => one.or(other),
    }
}
