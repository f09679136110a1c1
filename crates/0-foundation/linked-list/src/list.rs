//! The list.

use std::fmt;
use std::mem;

use crate::iter::Iter;
use crate::link::Link;
use crate::slot::{Node, Slot};

/// A doubly linked list over one growable block of nodes, addressed by index.
///
/// An index is good from the push that returned it until its node is removed or popped, or the list cleared; after that
/// it may come to mean another node. Every operation but [`clear`](LinkedList::clear) and iteration takes constant time.
#[derive(Clone)]
pub struct LinkedList<T> {
    slots: Vec<Slot<T>>,
    head: Link,
    tail: Link,
    /// The slot freed last.
    free: Link,
    len: usize,
}

impl<T> LinkedList<T> {
    /// An empty list, without memory.
    pub const fn new() -> Self {
        LinkedList { slots: Vec::new(), head: Link::END, tail: Link::END, free: Link::END, len: 0 }
    }

    /// An empty list with room for so many nodes: below that nothing allocates.
    pub fn with_capacity(nodes: usize) -> Self {
        LinkedList { slots: Vec::with_capacity(nodes), ..LinkedList::new() }
    }

    /// How many nodes the list has.
    pub const fn len(&self) -> usize {
        self.len
    }

    /// Whether the list has no node.
    pub const fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// How many nodes there is room for.
    pub const fn capacity(&self) -> usize {
        self.slots.capacity()
    }

    /// Adds a value at the head, and returns its index.
    ///
    /// # Panics
    /// If the list has 2³² − 2 nodes already (32 GiB of them at the very least).
    pub fn push_head(&mut self, value: T) -> u32 {
        let link = self.place(Node { prev: Link::END, next: self.head, value });
        self.set_prev(self.head, link);
        self.head = link;
        link.index()
    }

    /// Adds a value at the tail, and returns its index.
    ///
    /// # Panics
    /// If the list has 2³² − 2 nodes already (32 GiB of them at the very least).
    pub fn push_tail(&mut self, value: T) -> u32 {
        let link = self.place(Node { prev: self.tail, next: Link::END, value });
        self.set_next(self.tail, link);
        self.tail = link;
        link.index()
    }

    /// Takes the value at the head.
    pub fn pop_head(&mut self) -> Option<T> {
        self.take(self.head)
    }

    /// Takes the value at the tail.
    pub fn pop_tail(&mut self) -> Option<T> {
        self.take(self.tail)
    }

    /// The value at the head.
    pub fn peek_head(&self) -> Option<&T> {
        self.value(self.head)
    }

    /// The value at the tail.
    pub fn peek_tail(&self) -> Option<&T> {
        self.value(self.tail)
    }

    /// The index of the head.
    pub fn head_index(&self) -> Option<u32> {
        (!self.is_empty()).then(|| self.head.index())
    }

    /// The index of the tail.
    pub fn tail_index(&self) -> Option<u32> {
        (!self.is_empty()).then(|| self.tail.index())
    }

    /// The value at this index.
    pub fn get(&self, index: u32) -> Option<&T> {
        self.value(Link::to(index as usize)?)
    }

    /// The value at this index, to be changed.
    pub fn get_mut(&mut self, index: u32) -> Option<&mut T> {
        self.slots.get_mut(index as usize)?.node_mut().map(|node| &mut node.value)
    }

    /// Takes the value at this index out of the list. A free index changes nothing.
    pub fn remove(&mut self, index: u32) -> Option<T> {
        self.take(Link::to(index as usize)?)
    }

    /// Moves the node at this index to the head, where it keeps its index. A free index changes nothing.
    pub fn promote(&mut self, index: u32) -> Option<&mut T> {
        let link = Link::to(index as usize)?;
        let old_head = self.head;
        if link != old_head {
            let node = self.slots.get_mut(link.place())?.node_mut()?;
            let prev = mem::replace(&mut node.prev, Link::END);
            let next = mem::replace(&mut node.next, old_head);
            self.join(prev, next);
            self.set_prev(old_head, link);
            self.head = link;
        }
        self.get_mut(index)
    }

    /// Whether one of the first `n` nodes from the head has this value.
    pub fn exist_near_head(&self, value: &T, n: usize) -> bool
    where
        T: PartialEq,
    {
        self.iter().take(n).any(|near| near == value)
    }

    /// Drops all values; the memory is kept.
    pub fn clear(&mut self) {
        // The list is empty before the first value is dropped, should that panic.
        let mut slots = mem::take(self).slots;
        slots.clear();
        self.slots = slots;
    }

    /// The values from head to tail. Can be walked from both ends.
    pub fn iter(&self) -> Iter<'_, T> {
        Iter::new(&self.slots, self.head, self.tail, self.len)
    }

    /// The values from tail to head.
    pub fn iter_rev(&self) -> std::iter::Rev<Iter<'_, T>> {
        self.iter().rev()
    }

    fn value(&self, link: Link) -> Option<&T> {
        self.slots.get(link.place())?.node().map(|node| &node.value)
    }

    /// Puts a node into a free slot, or a new one if there is none. Its neighbours do not know it yet.
    fn place(&mut self, node: Node<T>) -> Link {
        let link = match self.slots.get_mut(self.free.place()) {
            Some(slot) => {
                let link = self.free;
                // The free list holds free slots only.
                if let Slot::Free(next) = mem::replace(slot, Slot::Used(node)) {
                    self.free = next;
                }
                link
            }
            None => self.grow(node),
        };
        self.len += 1;
        link
    }

    fn grow(&mut self, node: Node<T>) -> Link {
        let Some(link) = Link::to(self.slots.len()) else {
            panic!("a linked list holds at most {} nodes", Link::NODES);
        };
        self.slots.push(Slot::Used(node));
        link
    }

    /// Takes a node out, joins its neighbours and frees its slot. `END` and free slots change nothing.
    fn take(&mut self, link: Link) -> Option<T> {
        let slot = self.slots.get_mut(link.place())?;
        slot.node()?;
        let Slot::Used(node) = mem::replace(slot, Slot::Free(self.free)) else { return None };
        self.free = link;
        self.len -= 1;
        self.join(node.prev, node.next);
        Some(node.value)
    }

    /// Makes the two the neighbours of each other.
    fn join(&mut self, prev: Link, next: Link) {
        self.set_next(prev, next);
        self.set_prev(next, prev);
    }

    /// Tells a node its next one; before the first node that is the head.
    fn set_next(&mut self, link: Link, next: Link) {
        match self.slots.get_mut(link.place()).and_then(Slot::node_mut) {
            Some(node) => node.next = next,
            None => self.head = next,
        }
    }

    /// Tells a node its previous one; beyond the last node that is the tail.
    fn set_prev(&mut self, link: Link, prev: Link) {
        match self.slots.get_mut(link.place()).and_then(Slot::node_mut) {
            Some(node) => node.prev = prev,
            None => self.tail = prev,
        }
    }
}

impl<T> Default for LinkedList<T> {
    fn default() -> Self {
        LinkedList::new()
    }
}

impl<T: fmt::Debug> fmt::Debug for LinkedList<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self).finish()
    }
}

impl<'a, T> IntoIterator for &'a LinkedList<T> {
    type Item = &'a T;
    type IntoIter = Iter<'a, T>;

    fn into_iter(self) -> Iter<'a, T> {
        self.iter()
    }
}
