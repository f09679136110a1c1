//! One slot of the block: a node of the list, or one of the list of free slots.

use crate::link::Link;

/// A value and its neighbours.
#[derive(Clone)]
pub(crate) struct Node<T> {
    /// Towards the head.
    pub(crate) prev: Link,
    /// Towards the tail.
    pub(crate) next: Link,
    pub(crate) value: T,
}

/// As large as a node: a link is never zero, and that one number is left to say "free".
#[derive(Clone)]
pub(crate) enum Slot<T> {
    Used(Node<T>),
    /// Links to the next free slot.
    Free(Link),
}

impl<T> Slot<T> {
    pub(crate) fn node(&self) -> Option<&Node<T>> {
        match self {
            Slot::Used(node) => Some(node),
            Slot::Free(_) => None,
        }
    }

    pub(crate) fn node_mut(&mut self) -> Option<&mut Node<T>> {
        match self {
            Slot::Used(node) => Some(node),
            Slot::Free(_) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_node_costs_eight_bytes_beside_its_value() {
        assert_eq!(size_of::<Slot<()>>(), 8);
        assert_eq!(size_of::<Slot<u32>>(), 12);
        assert_eq!(size_of::<Slot<u64>>(), 16);
        assert_eq!(size_of::<Slot<[u64; 3]>>(), 32);
        assert_eq!(size_of::<Slot<Box<str>>>(), 24);
    }
}
