//! Walking the list.

use std::iter::FusedIterator;

use crate::link::Link;
use crate::slot::Slot;

/// The values of a list from head to tail, or from tail to head by `rev()`.
#[derive(Clone)]
pub struct Iter<'a, T> {
    slots: &'a [Slot<T>],
    front: Link,
    back: Link,
    left: usize,
}

impl<'a, T> Iter<'a, T> {
    pub(crate) fn new(slots: &'a [Slot<T>], front: Link, back: Link, left: usize) -> Self {
        Iter { slots, front, back, left }
    }
}

impl<'a, T> Iterator for Iter<'a, T> {
    type Item = &'a T;

    fn next(&mut self) -> Option<&'a T> {
        self.left = self.left.checked_sub(1)?;
        let node = self.slots.get(self.front.place())?.node()?;
        self.front = node.next;
        Some(&node.value)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.left, Some(self.left))
    }
}

impl<T> DoubleEndedIterator for Iter<'_, T> {
    fn next_back(&mut self) -> Option<Self::Item> {
        self.left = self.left.checked_sub(1)?;
        let node = self.slots.get(self.back.place())?.node()?;
        self.back = node.prev;
        Some(&node.value)
    }
}

impl<T> ExactSizeIterator for Iter<'_, T> {}

impl<T> FusedIterator for Iter<'_, T> {}
