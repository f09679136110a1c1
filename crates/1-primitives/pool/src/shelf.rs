//! The idle connections of one worker. Not thread-safe; [`Pool`](crate::Pool) keeps each behind a lock.
//!
//! Connections lie in slots; those of one key form a list, newest first. A group that becomes empty
//! stays for a while, so that a connection that comes and goes does not cost a copy of its key each
//! time; how many may stay is bounded, and [`expire`](Shelf::expire) clears them away.
//!
//! Each group has its own limits and a time before which nothing in it is due. The shelf's is the first
//! of these, so that expiry looks at all groups but goes through few.

use std::{
    collections::HashMap,
    hash::Hash,
    time::{Duration, Instant},
};

use foldhash::fast::RandomState;

use crate::{Entry, Options, Reason, options::passed};

const NIL: u32 = u32::MAX;

/// Empty groups that may stay, per worker.
const MAX_EMPTY: usize = 256;

/// A group's expiry is looked for at most this often: connections overdue are not handed out anyway.
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
    /// When to look for groups that are due; it may be too early, or later than the first by its grain.
    due: Option<Instant>,
    /// When to look for empty groups.
    sweep: Option<Instant>,
    /// Time between two looks for empty groups.
    pause: Duration,
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
    /// No connection of it is due for removal before this; it may be too early.
    due: Option<Instant>,
    /// Those of the latest put.
    options: Options,
}

impl Group {
    fn new(options: Options) -> Self {
        Self { newest: NIL, oldest: NIL, len: 0, stale: false, due: None, options }
    }

    /// Those that stay until then need not be looked at before.
    fn grain(&self, now: Instant) -> Option<Instant> {
        now.checked_add(MAX_GRAIN.min(self.options.idle / 64))
    }
}

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
    pub(crate) fn new(pause: Duration) -> Self {
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
            pause,
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
        let group = self.group_of(key, now, options);
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
        self.note_due(group, index);
        (index, generation)
    }

    /// Gives `key` other limits, if it is known.
    pub(crate) fn limit(&mut self, key: &K, now: Instant, options: &Options) {
        if let Some(&group) = self.by_key.get(key)
            && self.groups[group as usize].options != *options
        {
            self.change(group, now, options);
        }
    }

    /// The connection of a stay that has not ended.
    pub(crate) fn peek(&mut self, slot: u32, generation: u32) -> Option<&mut C> {
        let slot = self.slots.get_mut(slot as usize).filter(|slot| slot.generation == generation)?;
        slot.idle.as_mut().map(|idle| &mut idle.entry.conn)
    }

    /// Ends a stay, unless it has ended before.
    pub(crate) fn close(&mut self, slot: u32, generation: u32, reason: Reason) -> Option<C> {
        self.peek(slot, generation)?;
        self.close_slot(slot, reason)
    }

    /// Removes the oldest connection of the group in which `slot` lies if the group is too large.
    pub(crate) fn evict_beside(&mut self, slot: u32) -> Option<C> {
        let group = &self.groups[self.slots[slot as usize].group as usize];
        if group.len <= group.options.max_idle {
            return None;
        }
        self.close_slot(group.oldest, Reason::Evicted)
    }

    /// Takes out the newest connection of `key`.
    pub(crate) fn take(&mut self, key: &K, now: Instant) -> Found<C> {
        self.now = Some(now);
        let Some(&group) = self.by_key.get(key) else { return Found::Nothing };
        let Group { newest, ref options, .. } = self.groups[group as usize];
        let Some(idle) = self.slots.get(newest as usize).and_then(|slot| slot.idle.as_ref()) else {
            return Found::Nothing;
        };
        // The newest is the last one to be kept beyond its idle time.
        let overdue = idle.overdue(now, options.min_idle > 0, options);
        let Some(mut entry) = self.remove(newest) else { return Found::Nothing };
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
    pub(crate) fn expire(&mut self, now: Instant) -> Vec<C> {
        self.now = Some(now);
        let mut overdue = Vec::new();
        if self.due.is_some_and(|due| due <= now) {
            self.due = None;
            for index in 0..self.groups.len() {
                if self.groups[index].due.is_some_and(|due| due <= now) {
                    self.expire_group(index, now, &mut overdue);
                }
                // Not again at once for the next one, which may be due a moment later.
                let group = &self.groups[index];
                self.due = earlier(self.due, group.due.max(group.due.and(group.grain(now))));
            }
        }
        if self.sweep.is_some_and(|sweep| sweep <= now) {
            self.sweep(false);
        }
        overdue
    }

    /// When to look for connections that are due. A put makes it earlier or leaves it.
    pub(crate) fn due(&self) -> Option<Instant> {
        self.due
    }

    /// When [`expire`](Self::expire) has something to do.
    pub(crate) fn next_expiry(&self) -> Option<Instant> {
        match (self.due, self.sweep) {
            (Some(due), Some(sweep)) => Some(due.min(sweep)),
            (due, sweep) => due.or(sweep),
        }
    }

    /// Removes all connections of `key`.
    pub(crate) fn remove_all(&mut self, key: &K) -> Vec<C> {
        let mut removed = Vec::new();
        if let Some(&group) = self.by_key.get(key) {
            while self.groups[group as usize].len > 0 {
                let newest = self.groups[group as usize].newest;
                removed.extend(self.close_slot(newest, Reason::Drained));
            }
        }
        removed
    }

    /// Removes everything, the keys too.
    pub(crate) fn drain(&mut self) -> Vec<C> {
        let mut removed = Vec::new();
        for slot in 0..self.slots.len() as u32 {
            removed.extend(self.close_slot(slot, Reason::Drained));
        }
        self.sweep(true);
        self.by_key.shrink_to_fit();
        self.due = None;
        removed
    }

    /// The group of `key`, with these limits from now on.
    fn group_of(&mut self, key: &K, now: Instant, options: &Options) -> u32 {
        if let Some(&number) = self.by_key.get(key) {
            let group = &self.groups[number as usize];
            if group.len == 0 {
                self.empty -= 1;
            }
            if group.options != *options {
                self.change(number, now, options);
            }
            return number;
        }
        let fresh = Group::new(*options);
        let group = if let Some(free) = self.free_groups.pop() {
            self.groups[free as usize] = fresh;
            free
        } else {
            self.groups.push(fresh);
            // A group holds a connection or is one of few that are empty.
            (self.groups.len() - 1) as u32
        };
        self.by_key.insert(key.clone(), group);
        group
    }

    /// Gives a group other limits, by which any of its connections may be overdue.
    ///
    /// Which and when is left to the next [`expire`](Self::expire): two that share a key but not its limits
    /// do not go through the group at each put.
    #[cold]
    fn change(&mut self, group: u32, now: Instant, options: &Options) {
        let group = &mut self.groups[group as usize];
        group.options = *options;
        if group.len > 0 {
            let soon = group.grain(now);
            group.due = earlier(group.due, soon);
            self.due = earlier(self.due, soon);
        }
    }

    /// Takes account of a new connection in `due`.
    fn note_due(&mut self, number: u32, index: u32) {
        let group = &self.groups[number as usize];
        let options = &group.options;
        let due_of = |slot: u32, warm| {
            let idle = self.slots[slot as usize].idle.as_ref();
            idle.and_then(|idle| idle.due(warm, options))
        };
        let mut due = due_of(index, group.len <= options.min_idle);
        if options.min_idle > 0 && group.len > options.min_idle {
            // The new one took the place of an older one among those that are kept warm.
            due = earlier(due, due_of(group.oldest, false));
        }
        // Else the shelf's is early enough for the group already.
        if let Some(due) = due
            && group.due.is_none_or(|before| due < before)
        {
            self.groups[number as usize].due = Some(due);
            self.due = earlier(self.due, Some(due));
        }
    }

    /// Removes what is overdue from a group, and finds out when the next one will be.
    fn expire_group(&mut self, number: usize, now: Instant, overdue: &mut Vec<C>) {
        let Group { options, oldest: mut index, .. } = self.groups[number];
        let mut due = None;
        while index != NIL {
            let slot = &self.slots[index as usize];
            let newer = slot.newer;
            let len = self.groups[number].len;
            let warm = len <= options.min_idle;
            if let Some(idle) = &slot.idle {
                let surplus = (len > options.max_idle).then_some(Reason::Evicted);
                match idle.overdue(now, warm, &options).or(surplus) {
                    Some(reason) => overdue.extend(self.close_slot(index, reason)),
                    None => due = earlier(due, idle.due(warm, &options)),
                }
            }
            index = newer;
        }
        self.groups[number].due = due;
    }

    fn close_slot(&mut self, slot: u32, reason: Reason) -> Option<C> {
        let entry = self.remove(slot)?;
        self.counters.closed[reason.index()] += 1;
        Some(entry.conn)
    }

    /// Takes a connection out of its slot and of its group's list.
    fn remove(&mut self, index: u32) -> Option<Entry<C>> {
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
            self.note_empty();
        }
        Some(idle.entry)
    }

    fn note_empty(&mut self) {
        self.empty += 1;
        if self.empty > MAX_EMPTY {
            self.sweep(true);
        } else if self.sweep.is_none() {
            self.sweep = self.next_sweep();
        }
    }

    fn next_sweep(&self) -> Option<Instant> {
        self.now?.checked_add(self.pause)
    }

    /// Forgets the empty groups: all, or those that were empty at the last sweep already.
    fn sweep(&mut self, all: bool) {
        let Self { by_key, groups, free_groups, empty, .. } = self;
        by_key.retain(|_, number| {
            let group = &mut groups[*number as usize];
            if group.len > 0 {
                return true;
            }
            if all || group.stale {
                group.due = None;
                free_groups.push(*number);
                *empty -= 1;
                return false;
            }
            group.stale = true;
            true
        });
        self.sweep = if self.empty > 0 { self.next_sweep() } else { None };
    }
}

impl<C> Idle<C> {
    /// Why this connection may not be used at `now`. A `warm` one has no idle time.
    fn overdue(&self, now: Instant, warm: bool, options: &Options) -> Option<Reason> {
        let idle = !warm && passed(self.since, options.idle, now);
        options.forbid(&self.entry, now).or(idle.then_some(Reason::Idle))
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
