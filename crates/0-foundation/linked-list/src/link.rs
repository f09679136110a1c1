//! A reference to a node, in four bytes.

use std::num::NonZeroU32;

/// The place of a node plus one, or [`END`](Link::END).
///
/// Never zero, so that the compiler can mark a free slot by a zero where a link would be: a slot then needs no tag.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Link(NonZeroU32);

impl Link {
    /// Beyond the last node, and before the first.
    pub(crate) const END: Link = Link(NonZeroU32::MAX);

    /// How many nodes can be told apart: all places whose link is not `END`.
    pub(crate) const NODES: usize = (u32::MAX - 1) as usize;

    /// The link to a place; `None` if no node can be there.
    pub(crate) fn to(place: usize) -> Option<Link> {
        if place >= Link::NODES {
            return None;
        }
        u32::try_from(place + 1).ok().and_then(NonZeroU32::new).map(Link)
    }

    /// The place in the block; of `END` one that no block reaches.
    pub(crate) fn place(self) -> usize {
        (self.0.get() - 1) as usize
    }

    /// The index that users know the place by.
    pub(crate) fn index(self) -> u32 {
        self.0.get() - 1
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_place_but_the_last_two_numbers_has_a_link() {
        assert_eq!(Link::to(0).unwrap().place(), 0);
        assert_eq!(Link::to(Link::NODES - 1).unwrap().place(), Link::NODES - 1);
        assert_eq!(Link::to(Link::NODES), None);
        assert!(Link::END.place() >= Link::NODES);
    }
}
