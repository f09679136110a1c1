//! Whatever is done to the list, a naive model agrees.

use std::collections::VecDeque;

use gorge_linked_list::LinkedList;
use proptest::prelude::*;

#[derive(Clone, Debug)]
enum Step {
    PushHead(u8),
    PushTail(u8),
    PopHead,
    PopTail,
    Remove(u32),
    Promote(u32),
    NearHead(u8, usize),
    Clear,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    // Indices reach a little beyond what a list of this length can have.
    let index = prop_oneof![20 => 0..40_u32, 1 => any::<u32>()];
    let step = prop_oneof![
        6 => any::<u8>().prop_map(Step::PushHead),
        6 => any::<u8>().prop_map(Step::PushTail),
        2 => Just(Step::PopHead),
        2 => Just(Step::PopTail),
        6 => index.clone().prop_map(Step::Remove),
        6 => index.prop_map(Step::Promote),
        2 => (any::<u8>(), 0..20_usize).prop_map(|(value, n)| Step::NearHead(value, n)),
        1 => Just(Step::Clear),
    ];
    prop::collection::vec(step, 0..200)
}

/// Index and value, head first.
type Model = VecDeque<(u32, u8)>;

fn find(model: &Model, index: u32) -> Option<usize> {
    model.iter().position(|(known, _)| *known == index)
}

fn apply(step: &Step, list: &mut LinkedList<u8>, model: &mut Model) {
    match *step {
        Step::PushHead(value) => {
            let index = list.push_head(value);
            assert_eq!(find(model, index), None, "an index in use was given out again");
            model.push_front((index, value));
        }
        Step::PushTail(value) => {
            let index = list.push_tail(value);
            assert_eq!(find(model, index), None, "an index in use was given out again");
            model.push_back((index, value));
        }
        Step::PopHead => assert_eq!(list.pop_head(), model.pop_front().map(|node| node.1)),
        Step::PopTail => assert_eq!(list.pop_tail(), model.pop_back().map(|node| node.1)),
        Step::Remove(index) => {
            let removed = find(model, index).and_then(|at| model.remove(at));
            assert_eq!(list.remove(index), removed.map(|node| node.1));
        }
        Step::Promote(index) => {
            let promoted = find(model, index).and_then(|at| model.remove(at));
            assert_eq!(list.promote(index).copied(), promoted.map(|node| node.1));
            promoted.into_iter().for_each(|node| model.push_front(node));
        }
        Step::NearHead(value, n) => {
            assert_eq!(list.exist_near_head(&value, n), model.iter().take(n).any(|node| node.1 == value));
        }
        Step::Clear => {
            list.clear();
            model.clear();
        }
    }
}

fn agree(list: &LinkedList<u8>, model: &Model) {
    assert_eq!(list.len(), model.len());
    assert!(list.iter().eq(model.iter().map(|node| &node.1)));
    assert!(list.iter_rev().eq(model.iter().rev().map(|node| &node.1)));
    assert_eq!(list.peek_head(), model.front().map(|node| &node.1));
    assert_eq!(list.peek_tail(), model.back().map(|node| &node.1));
    assert_eq!(list.head_index(), model.front().map(|node| node.0));
    assert_eq!(list.tail_index(), model.back().map(|node| node.0));
    assert!(model.iter().all(|(index, value)| list.get(*index) == Some(value)));
}

proptest! {
    #[test]
    fn agrees_with_a_naive_model(steps in steps()) {
        let (mut list, mut model) = (LinkedList::new(), Model::new());
        let mut longest = 0;
        for step in &steps {
            apply(step, &mut list, &mut model);
            agree(&list, &model);
            longest = longest.max(list.len());
            // Slots are reused: no index ever exceeds what the longest list needed.
            prop_assert!(model.iter().all(|(index, _)| (*index as usize) < longest));
        }
    }
}
