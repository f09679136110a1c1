//! The list's promises one by one.

use std::collections::HashSet;
use std::rc::Rc;

use gorge_linked_list::LinkedList;
use gorge_test_util::AllocationCounter;

#[global_allocator]
static ALLOCATOR: AllocationCounter = AllocationCounter::new();

fn values(list: &LinkedList<u64>) -> Vec<u64> {
    list.iter().copied().collect()
}

/// From 0 at the head to `n` - 1 at the tail, each at the index of its own number.
fn counting(n: u32) -> LinkedList<u64> {
    let mut list = LinkedList::new();
    for n in 0..n {
        assert_eq!(list.push_tail(u64::from(n)), n);
    }
    list
}

#[test]
fn allocates_nothing_below_capacity() {
    let mut list = LinkedList::with_capacity(100);
    let (made, ()) = ALLOCATOR.of_thread(|| {
        for round in 0..100_u64 {
            let indices: [u32; 100] = std::array::from_fn(|n| match n % 2 {
                0 => list.push_head(round),
                _ => list.push_tail(round),
            });
            list.promote(indices[50]);
            list.remove(indices[10]);
            list.pop_tail();
            match round % 2 {
                0 => list.clear(),
                _ => while list.pop_head().is_some() {},
            }
        }
    });
    assert_eq!((made, list.capacity()), (0, 100));
}

#[test]
fn freed_nodes_are_reused_before_the_block_grows() {
    let mut list = LinkedList::new();
    let first: Vec<u32> = (0..10).map(|n| list.push_tail(n)).collect();
    assert_eq!(first, (0..10).collect::<Vec<u32>>());
    list.remove(3);
    list.remove(7);
    list.pop_head();
    let again: HashSet<u32> = (0..3).map(|n| list.push_head(n)).collect();
    assert_eq!(again, HashSet::from([0, 3, 7]));
    assert_eq!(list.push_tail(0), 10);
}

#[test]
fn free_and_foreign_indices_change_nothing() {
    let mut list = LinkedList::new();
    let (a, b) = (list.push_tail(1), list.push_tail(2));
    list.push_tail(3);
    list.remove(b);
    for index in [b, 3, 1000, u32::MAX - 2, u32::MAX - 1, u32::MAX] {
        assert_eq!((list.remove(index), list.get(index)), (None, None));
        assert_eq!(list.promote(index), None);
        assert_eq!(list.get_mut(index), None);
    }
    assert_eq!((values(&list), list.len()), (vec![1, 3], 2));
    assert_eq!(list.get(a), Some(&1));
}

#[test]
fn an_empty_list_has_nothing_at_its_ends() {
    let mut list = LinkedList::<u64>::default();
    assert_eq!(
        (list.pop_head(), list.pop_tail(), list.head_index(), list.tail_index()),
        (None, None, None, None)
    );
    assert_eq!(
        (list.peek_head(), list.peek_tail(), list.iter().next(), list.iter().next_back()),
        (None, None, None, None)
    );
    list.push_head(1);
    list.clear();
    assert_eq!((list.pop_head(), list.remove(0), list.len()), (None, None, 0));
}

#[test]
fn promotion_moves_any_node_to_the_head() {
    for index in 0..4 {
        let mut list = counting(4);
        *list.promote(index).unwrap() += 10;
        let mut expected: Vec<u64> = (0..4).filter(|n| *n != u64::from(index)).collect();
        expected.insert(0, u64::from(index) + 10);
        assert_eq!(values(&list), expected);
        assert!(list.iter_rev().eq(expected.iter().rev()));
        assert_eq!(list.head_index(), Some(index));
    }
}

#[test]
fn looks_only_near_the_head() {
    let list = counting(10);
    assert!(list.exist_near_head(&2, 3));
    assert!(!list.exist_near_head(&3, 3));
    assert!(list.exist_near_head(&9, usize::MAX));
    assert!(!list.exist_near_head(&0, 0));
}

#[test]
fn walks_from_both_ends_until_they_meet() {
    let list = counting(5);
    let mut iter = list.iter();
    assert_eq!((iter.next(), iter.next_back(), iter.len()), (Some(&0), Some(&4), 3));
    assert!(iter.clone().eq(&[1, 2, 3]));
    assert_eq!((iter.nth(2), iter.next(), iter.next_back()), (Some(&3), None, None));
    assert_eq!(format!("{list:?}"), "[0, 1, 2, 3, 4]");
}

#[test]
fn every_value_is_dropped_once() {
    let value = Rc::new(());
    let mut list = LinkedList::new();
    for _ in 0..10 {
        list.push_head(value.clone());
    }
    drop(list.pop_tail());
    drop(list.remove(4));
    assert_eq!(Rc::strong_count(&value), 9);
    let copy = list.clone();
    assert_eq!(Rc::strong_count(&value), 17);
    list.clear();
    assert_eq!(Rc::strong_count(&value), 9);
    drop((list, copy));
    assert_eq!(Rc::strong_count(&value), 1);
}

#[test]
fn is_as_thread_safe_as_its_values() {
    fn checks<T: Send + Sync>() {}
    checks::<LinkedList<u64>>();
    fn send<T: Send>() {}
    send::<LinkedList<std::cell::Cell<u8>>>();
}
