//! `gorge-linked-list` beside `std::collections::LinkedList` and `dlv-list`; a thousand operations per call.

use std::collections::LinkedList as StdList;

use criterion::Criterion;
use dlv_list::VecList;
use gorge_benches::{OURS, Operation};
use gorge_linked_list::LinkedList;

use crate::scattered;

const NODES: u64 = 1000;

pub(crate) fn bench(criterion: &mut Criterion) {
    ends(criterion);
    middle(criterion);
    Operation::new(criterion, "linked-list", "1000 × iterate")
        .prepared(OURS, ours, |list| list.iter().sum::<u64>())
        .prepared("std", || StdList::from_iter(0..NODES), |list| list.iter().sum::<u64>())
        .prepared("dlv-list", || VecList::from_iter(0..NODES), |list| list.iter().sum::<u64>());
}

fn ends(criterion: &mut Criterion) {
    Operation::new(criterion, "linked-list", "1000 × push head")
        .prepared(
            OURS,
            || LinkedList::with_capacity(NODES as usize),
            |list| {
                (0..NODES).for_each(|value| _ = list.push_head(value));
            },
        )
        .prepared("std", StdList::new, |list| (0..NODES).for_each(|value| list.push_front(value)))
        .prepared(
            "dlv-list",
            || VecList::with_capacity(NODES as usize),
            |list| {
                (0..NODES).for_each(|value| _ = list.push_front(value));
            },
        );

    Operation::new(criterion, "linked-list", "1000 × pop tail")
        .prepared(OURS, ours, |list| (0..NODES).filter_map(|_| list.pop_tail()).sum::<u64>())
        .prepared(
            "std",
            || StdList::from_iter(0..NODES),
            |list| (0..NODES).filter_map(|_| list.pop_back()).sum::<u64>(),
        )
        .prepared(
            "dlv-list",
            || VecList::from_iter(0..NODES),
            |list| (0..NODES).filter_map(|_| list.pop_back()).sum::<u64>(),
        );
}

/// What std's list cannot do but by walking.
fn middle(criterion: &mut Criterion) {
    let order = scattered(1000, NODES);
    Operation::new(criterion, "linked-list", "1000 × promote")
        .prepared(OURS, ours_with_indices, |(list, indices)| {
            for at in &order {
                list.promote(indices[*at as usize]);
            }
        })
        .prepared("dlv-list", dlv_with_indices, |(list, indices)| {
            for at in &order {
                let front = list.front_index().expect("the list is full");
                let index = indices[*at as usize];
                if index != front {
                    list.move_before(index, front);
                }
            }
        });

    Operation::new(criterion, "linked-list", "1000 × remove and push head")
        .prepared(OURS, ours_with_indices, |(list, indices)| {
            for at in &order {
                let value = list.remove(indices[*at as usize]).unwrap_or_default();
                indices[*at as usize] = list.push_head(value);
            }
        })
        .prepared("dlv-list", dlv_with_indices, |(list, indices)| {
            for at in &order {
                let value = list.remove(indices[*at as usize]).unwrap_or_default();
                indices[*at as usize] = list.push_front(value);
            }
        });
}

fn ours() -> LinkedList<u64> {
    ours_with_indices().0
}

fn ours_with_indices() -> (LinkedList<u64>, Vec<u32>) {
    let mut list = LinkedList::with_capacity(NODES as usize);
    let indices = (0..NODES).map(|value| list.push_tail(value)).collect();
    (list, indices)
}

fn dlv_with_indices() -> (VecList<u64>, Vec<dlv_list::Index<u64>>) {
    let mut list = VecList::with_capacity(NODES as usize);
    let indices = (0..NODES).map(|value| list.push_back(value)).collect();
    (list, indices)
}
