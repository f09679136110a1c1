//! The wheel itself: deadlines in, tokens out; no clock, no thread, no runtime.

use std::{
    fmt,
    num::NonZeroU32,
    time::{Duration, Instant},
};

/// Resolution of a [`Wheel`]: a deadline is rounded up to the next multiple of it.
pub const TICK: Duration = Duration::from_millis(10);

const TICK_NANOS: u32 = TICK.subsec_nanos();
const TICKS_PER_SECOND: u64 = 100;

/// Each level has 64 slots, so that one word tells which of them are in use.
const SLOT_BITS: u32 = 6;
const SLOTS: usize = 1 << SLOT_BITS;
/// Five levels span 64^5 ticks, about 124 days.
const LEVELS: usize = 5;
/// Deadlines beyond the span wait here and are sorted in each time the top level has turned once.
const OVERFLOW: usize = LEVELS;
const NIL: u32 = u32::MAX;

/// Names one armed deadline of one [`Wheel`].
///
/// A key outlives what it names without harm: once the deadline fired or was cancelled, the key
/// matches nothing, although its place in the wheel is used again.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Key {
    index: u32,
    generation: NonZeroU32,
}

/// A hierarchical timer wheel over tokens of type `T`.
///
/// Time is an argument. [`insert`](Self::insert), [`cancel`](Self::cancel) and
/// [`reset`](Self::reset) take constant time and, once the wheel has seen its largest number of
/// deadlines, no memory; a deadline is moved at most once per level on its way to expiry.
/// What the wheel promises: it never fires early, and a call of [`advance`](Self::advance) made
/// one [`TICK`] after a deadline has fired it.
pub struct Wheel<T> {
    /// Time zero of the ticks.
    origin: Instant,
    /// All ticks up to this one were handed out; entries are placed relative to it.
    elapsed: u64,
    len: usize,
    free: u32,
    nodes: Vec<Node<T>>,
    /// Bit n of word k: slot n of level k is in use. The last word has one slot, the overflow.
    occupied: [u64; LEVELS + 1],
    slots: Box<[Slot]>,
    /// Scratch space in which one slot is put in order.
    order: Vec<u32>,
}

struct Node<T> {
    deadline: Instant,
    tick: u64,
    next: u32,
    prev: u32,
    generation: NonZeroU32,
    slot: u16,
    /// `None` marks a free node.
    token: Option<T>,
}

#[derive(Clone)]
struct Slot {
    head: u32,
    /// No entry of this slot has a lower tick. Cancelling does not raise it, so it may be too low.
    earliest: u64,
}

const EMPTY: Slot = Slot { head: NIL, earliest: u64::MAX };

impl<T> Wheel<T> {
    /// An empty wheel whose time starts at `now`.
    ///
    /// It allocates its slots (about 5 KiB); entries are allocated as they come.
    pub fn new(now: Instant) -> Self {
        Self {
            origin: now,
            elapsed: 0,
            len: 0,
            free: NIL,
            nodes: Vec::new(),
            occupied: [0; LEVELS + 1],
            slots: vec![EMPTY; LEVELS * SLOTS + 1].into_boxed_slice(),
            order: Vec::new(),
        }
    }

    /// Arms `deadline`, to be answered with `token`.
    ///
    /// A deadline in the past fires on the next [`advance`](Self::advance). There is no limit to how
    /// far it may lie ahead.
    ///
    /// # Panics
    /// With 2^32 - 1 deadlines armed at once, which is more than 200 GB of them.
    pub fn insert(&mut self, deadline: Instant, token: T) -> Key {
        let tick = self.tick_after(deadline);
        let index = self.allocate(deadline, tick, token);
        self.link(index);
        self.len += 1;
        Key { index, generation: self.node(index).generation }
    }

    /// Disarms `key` and returns its token; `None` if it fired or was cancelled before.
    ///
    /// The place it took is free for the next [`insert`](Self::insert) at once.
    pub fn cancel(&mut self, key: Key) -> Option<T> {
        self.get(key)?;
        self.unlink(key.index);
        self.release(key.index)
    }

    /// Gives `key` a new deadline and keeps its token; false if it fired or was cancelled before.
    pub fn reset(&mut self, key: Key, deadline: Instant) -> bool {
        if self.get(key).is_none() {
            return false;
        }
        let tick = self.tick_after(deadline);
        self.unlink(key.index);
        let node = self.node_mut(key.index);
        node.deadline = deadline;
        node.tick = tick;
        self.link(key.index);
        true
    }

    /// The token of `key`, while it is armed.
    pub fn get(&self, key: Key) -> Option<&T> {
        let node = self.nodes.get(key.index as usize)?;
        if node.generation == key.generation { node.token.as_ref() } else { None }
    }

    /// The token of `key`, to be changed in place, while it is armed.
    pub fn get_mut(&mut self, key: Key) -> Option<&mut T> {
        let node = self.nodes.get_mut(key.index as usize)?;
        if node.generation == key.generation { node.token.as_mut() } else { None }
    }

    /// The deadline of `key` as it was given, while it is armed.
    pub fn deadline(&self, key: Key) -> Option<Instant> {
        self.get(key)?;
        Some(self.node(key.index).deadline)
    }

    /// Moves every token that is due at `now` to the end of `expired`, in the order of their
    /// deadlines (equal ones in no particular order), and returns how many there were.
    ///
    /// `now` may jump forward by any distance: each entry due fires once. A `now` that lies before
    /// an earlier one counts as that earlier one. The cost grows with what is due or changes its
    /// level, not with what is armed.
    pub fn advance(&mut self, now: Instant, expired: &mut Vec<T>) -> usize {
        let now = self.tick_before(now).max(self.elapsed);
        let before = expired.len();
        while let Some((level, slot)) = self.first_slot() {
            let start = self.start_of(level, slot);
            if start > now {
                break;
            }
            // Slots are emptied in the order of time, so nothing is ever placed behind `elapsed`.
            self.elapsed = start;
            let head = self.take_slot(level, slot);
            if level == 0 {
                self.expire(head, expired);
            } else {
                self.cascade(head);
            }
        }
        self.elapsed = now;
        expired.len() - before
    }

    /// When to call [`advance`](Self::advance) next: the earliest deadline, rounded up to the tick in
    /// which it fires. `None` if nothing is armed.
    ///
    /// It is never too late. After a [`cancel`](Self::cancel) it may be too early: where one slot
    /// held several deadlines, the one cancelled may still be the one told.
    pub fn next_deadline(&self) -> Option<Instant> {
        let (level, slot) = self.first_slot()?;
        let tick = self.slots[level * SLOTS + slot].earliest;
        // A time that cannot be represented will not be reached either.
        self.origin.checked_add(span_of(tick))
    }

    /// Number of deadlines armed.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether nothing is armed.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The first tick at which `deadline` has passed.
    fn tick_after(&self, deadline: Instant) -> u64 {
        let span = deadline.saturating_duration_since(self.origin);
        span.as_secs()
            .saturating_mul(TICKS_PER_SECOND)
            .saturating_add(u64::from(span.subsec_nanos().div_ceil(TICK_NANOS)))
    }

    /// The last tick that has begun at `now`.
    fn tick_before(&self, now: Instant) -> u64 {
        let span = now.saturating_duration_since(self.origin);
        span.as_secs()
            .saturating_mul(TICKS_PER_SECOND)
            .saturating_add(u64::from(span.subsec_nanos() / TICK_NANOS))
    }

    /// Where `tick` belongs as seen from `elapsed`: the highest group of bits in which the two differ
    /// is the level. All of a level's entries are therefore earlier than those of the next one, and
    /// within a level no slot lies behind the current one.
    fn place(&self, tick: u64) -> (usize, usize) {
        let tick = tick.max(self.elapsed);
        let differing = (tick ^ self.elapsed) | (SLOTS as u64 - 1);
        let level = (differing.ilog2() / SLOT_BITS) as usize;
        if level >= LEVELS {
            (OVERFLOW, 0)
        } else {
            (level, (tick >> (level as u32 * SLOT_BITS)) as usize & (SLOTS - 1))
        }
    }

    /// The slot in use that comes first in time.
    fn first_slot(&self) -> Option<(usize, usize)> {
        let level = self.occupied.iter().position(|&bits| bits != 0)?;
        Some((level, self.occupied[level].trailing_zeros() as usize))
    }

    /// The first tick of a slot in use.
    fn start_of(&self, level: usize, slot: usize) -> u64 {
        let shift = level as u32 * SLOT_BITS;
        if level == OVERFLOW {
            return (self.elapsed | ((1 << shift) - 1)).saturating_add(1);
        }
        let turn = !((1u64 << (shift + SLOT_BITS)) - 1);
        (self.elapsed & turn) | ((slot as u64) << shift)
    }

    /// Empties a slot and returns its first node.
    fn take_slot(&mut self, level: usize, slot: usize) -> u32 {
        self.occupied[level] &= !(1 << slot);
        std::mem::replace(&mut self.slots[level * SLOTS + slot], EMPTY).head
    }

    /// Hands out a list of entries that are all due.
    fn expire(&mut self, head: u32, expired: &mut Vec<T>) {
        let mut order = std::mem::take(&mut self.order);
        let mut index = head;
        while index != NIL {
            order.push(index);
            index = self.node(index).next;
        }
        if order.len() > 1 {
            order.sort_unstable_by_key(|&index| self.node(index).deadline);
        }
        for index in order.drain(..) {
            expired.extend(self.release(index));
        }
        self.order = order;
    }

    /// Places a list of entries anew, lower down.
    fn cascade(&mut self, head: u32) {
        let mut index = head;
        while index != NIL {
            let next = self.node(index).next;
            self.link(index);
            index = next;
        }
    }

    fn link(&mut self, index: u32) {
        let tick = self.node(index).tick;
        let (level, bit) = self.place(tick);
        let number = level * SLOTS + bit;
        self.occupied[level] |= 1 << bit;
        let slot = &mut self.slots[number];
        let head = std::mem::replace(&mut slot.head, index);
        slot.earliest = slot.earliest.min(tick);
        let node = self.node_mut(index);
        node.slot = number as u16;
        node.prev = NIL;
        node.next = head;
        if head != NIL {
            self.node_mut(head).prev = index;
        }
    }

    fn unlink(&mut self, index: u32) {
        let node = self.node(index);
        let (prev, next, number) = (node.prev, node.next, node.slot as usize);
        if next != NIL {
            self.node_mut(next).prev = prev;
        }
        if prev != NIL {
            self.node_mut(prev).next = next;
        } else if next != NIL {
            self.slots[number].head = next;
        } else {
            self.take_slot(number / SLOTS, number % SLOTS);
        }
    }

    fn allocate(&mut self, deadline: Instant, tick: u64, token: T) -> u32 {
        if self.free != NIL {
            let index = self.free;
            let node = self.node_mut(index);
            node.deadline = deadline;
            node.tick = tick;
            node.token = Some(token);
            self.free = node.next;
            return index;
        }
        assert!(self.nodes.len() < NIL as usize, "too many deadlines for one wheel");
        let index = self.nodes.len() as u32;
        self.nodes.push(Node {
            deadline,
            tick,
            next: NIL,
            prev: NIL,
            generation: NonZeroU32::MIN,
            slot: 0,
            token: Some(token),
        });
        index
    }

    /// Puts an unlinked node on the free list; from now on its key matches nothing.
    fn release(&mut self, index: u32) -> Option<T> {
        let free = self.free;
        let node = self.node_mut(index);
        node.generation = node.generation.checked_add(1).unwrap_or(NonZeroU32::MIN);
        node.next = free;
        let token = node.token.take();
        self.free = index;
        self.len -= 1;
        token
    }

    fn node(&self, index: u32) -> &Node<T> {
        &self.nodes[index as usize]
    }

    fn node_mut(&mut self, index: u32) -> &mut Node<T> {
        &mut self.nodes[index as usize]
    }
}

impl<T> fmt::Debug for Wheel<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Wheel")
            .field("len", &self.len)
            .field("next_deadline", &self.next_deadline())
            .finish_non_exhaustive()
    }
}

fn span_of(ticks: u64) -> Duration {
    Duration::new(ticks / TICKS_PER_SECOND, (ticks % TICKS_PER_SECOND) as u32 * TICK_NANOS)
}
