//! The wheel against a mock clock and against a naive model.

use std::{
    cmp::Reverse,
    collections::{BinaryHeap, HashMap},
    time::{Duration, Instant},
};

use gorge_timeout::{Key, TICK, Wheel};
use proptest::prelude::*;

const DAY: Duration = Duration::from_secs(86_400);

fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

fn advance<T>(wheel: &mut Wheel<T>, now: Instant) -> Vec<T> {
    let mut expired = Vec::new();
    assert_eq!(wheel.advance(now, &mut expired), expired.len());
    expired
}

#[test]
fn fires_within_one_tick_and_never_early() {
    let start = Instant::now();
    for micros in [1, 9_999, 10_000, 10_001, 639_999, 640_000, 640_001, 41_000_000, 2_700_000_000] {
        let mut wheel = Wheel::new(start);
        let deadline = start + Duration::from_micros(micros);
        wheel.insert(deadline, micros);
        let next = wheel.next_deadline().unwrap();
        assert!(next >= deadline && next < deadline + TICK);
        assert_eq!(advance(&mut wheel, deadline - Duration::from_nanos(1)), []);
        assert_eq!(advance(&mut wheel, next - Duration::from_nanos(1)), []);
        assert_eq!(advance(&mut wheel, next), [micros]);
        assert_eq!(wheel.next_deadline(), None);
    }
}

#[test]
fn zero_and_past_deadlines_fire_on_the_next_advance() {
    let start = Instant::now();
    let mut wheel = Wheel::new(start);
    wheel.insert(start, "zero");
    assert_eq!(advance(&mut wheel, start), ["zero"]);

    let later = start + ms(12_345);
    assert_eq!(advance(&mut wheel, later), [""; 0]);
    wheel.insert(later, "now");
    wheel.insert(start, "past");
    wheel.insert(start.checked_sub(DAY).unwrap_or(start), "before the wheel");
    assert!(wheel.next_deadline().unwrap() <= later);
    assert_eq!(advance(&mut wheel, later), ["before the wheel", "past"]);
    assert_eq!(advance(&mut wheel, later + TICK), ["now"]);
}

#[test]
fn a_jump_forward_fires_everything_once_in_order() {
    let start = Instant::now();
    let mut wheel = Wheel::new(start);
    let spans = [5, 3, 90_000_000, 7, 640, 641, 40_960, 3, 2_621_440, 1_000_000_000, 20_000_000_000];
    for span in spans {
        wheel.insert(start + ms(span), span);
    }
    let mut sorted = spans.to_vec();
    sorted.sort_unstable();
    assert_eq!(advance(&mut wheel, start + 1000 * DAY), sorted);
    assert!(wheel.is_empty());
    assert_eq!(advance(&mut wheel, start + 2000 * DAY), []);
}

#[test]
fn a_deadline_beyond_the_span_is_clamped_and_armed_again() {
    let start = Instant::now();
    let mut wheel = Wheel::new(start);
    let century = start + 36_500 * DAY;
    wheel.insert(century, "far");
    assert_eq!(wheel.next_deadline().unwrap().duration_since(start).as_secs(), 36_500 * DAY.as_secs());
    // The wheel's top level turns many times over before that.
    for days in (1..36_500).step_by(30) {
        assert_eq!(advance(&mut wheel, start + days * DAY), [""; 0]);
        assert_eq!(wheel.len(), 1);
    }
    assert_eq!(advance(&mut wheel, century - ms(1)), [""; 0]);
    assert_eq!(advance(&mut wheel, century + TICK), ["far"]);
}

#[test]
fn a_near_deadline_across_the_turn_of_the_top_level_fires_in_time() {
    let start = Instant::now();
    let turn = start + (1 << 30) * TICK;
    let mut wheel = Wheel::new(start);
    advance(&mut wheel, turn - TICK);
    wheel.insert(turn + TICK, 1);
    assert_eq!(wheel.next_deadline(), Some(turn + TICK));
    assert_eq!(advance(&mut wheel, turn), []);
    assert_eq!(advance(&mut wheel, turn + TICK), [1]);
}

#[test]
fn a_clock_that_runs_backwards_does_nothing() {
    let start = Instant::now();
    let mut wheel = Wheel::new(start);
    advance(&mut wheel, start + ms(1000));
    wheel.insert(start + ms(900), 1);
    wheel.insert(start + ms(1100), 2);
    assert_eq!(advance(&mut wheel, start), [1]);
    assert_eq!(advance(&mut wheel, start), []);
    assert_eq!(advance(&mut wheel, start + ms(1100)), [2]);
}

#[test]
fn a_key_matches_nothing_after_it_fired_or_was_cancelled() {
    let start = Instant::now();
    let mut wheel = Wheel::new(start);
    let first = wheel.insert(start + ms(50), 'a');
    assert_eq!(wheel.get(first), Some(&'a'));
    assert_eq!(wheel.deadline(first), Some(start + ms(50)));
    assert_eq!(wheel.cancel(first), Some('a'));
    // Takes the same place.
    let second = wheel.insert(start + ms(50), 'b');
    assert_ne!(first, second);
    assert_eq!(wheel.cancel(first), None);
    assert!(!wheel.reset(first, start));
    assert_eq!((wheel.get(first), wheel.deadline(first)), (None, None));
    assert_eq!(wheel.get_mut(first), None);
    *wheel.get_mut(second).unwrap() = 'c';
    assert_eq!(advance(&mut wheel, start + ms(50)), ['c']);
    assert_eq!(wheel.cancel(second), None);
}

#[test]
fn a_reset_keeps_the_token_and_moves_the_deadline_both_ways() {
    let start = Instant::now();
    let mut wheel = Wheel::new(start);
    let (early, late) = (wheel.insert(start + ms(100), 1), wheel.insert(start + ms(100), 2));
    assert!(wheel.reset(early, start + ms(20)) && wheel.reset(late, start + DAY));
    assert_eq!(wheel.next_deadline(), Some(start + ms(20)));
    assert_eq!(advance(&mut wheel, start + ms(100)), [1]);
    assert_eq!(wheel.next_deadline(), Some(start + DAY));
    assert_eq!(advance(&mut wheel, start + DAY), [2]);
}

#[test]
fn the_next_deadline_forgets_what_was_cancelled_alone_in_its_slot() {
    let start = Instant::now();
    let mut wheel = Wheel::new(start);
    wheel.insert(start + ms(5000), ());
    let key = wheel.insert(start + ms(100), ());
    assert_eq!(wheel.next_deadline(), Some(start + ms(100)));
    wheel.cancel(key);
    assert_eq!(wheel.next_deadline(), Some(start + ms(5000)));
}

#[test]
fn a_million_deadlines_fire_in_order() {
    let start = Instant::now();
    let mut wheel = Wheel::new(start);
    let mut keys = Vec::new();
    // A full cycle of a linear congruence: every value below 2^20 once, scattered.
    let mut x = 1u64;
    for _ in 0..1 << 20 {
        x = (x * 5 + 12_345) & ((1 << 20) - 1);
        keys.push((x, wheel.insert(start + ms(x), x)));
    }
    for (_, key) in keys.iter().filter(|(x, _)| x % 4 == 0) {
        assert!(wheel.cancel(*key).is_some());
    }
    let mut expired = Vec::new();
    let mut now = start;
    while let Some(next) = wheel.next_deadline() {
        let before = expired.len();
        now = now.max(next);
        wheel.advance(now, &mut expired);
        let not_early = |&x: &u64| start + ms(x) <= now && start + ms(x) + TICK > now;
        assert!(expired[before..].iter().all(not_early));
    }
    let expected: Vec<u64> = (0..1 << 20).filter(|x| x % 4 != 0).collect();
    assert!(expired == expected, "not every deadline fired in order");
    assert!(wheel.is_empty());
}

#[derive(Clone, Debug)]
enum Step {
    Insert(Duration),
    Past(Duration),
    Cancel(usize),
    Reset(usize, Duration),
    Advance(Duration),
    Jump,
}

fn span() -> impl Strategy<Value = Duration> {
    prop_oneof![
        (0..30_000u64).prop_map(Duration::from_micros),
        (0..2_000u64).prop_map(Duration::from_millis),
        (0..200_000u64).prop_map(Duration::from_millis),
        (0..40_000_000u64).prop_map(Duration::from_secs),
        Just(Duration::ZERO),
        Just(Duration::from_secs(u64::from(u32::MAX))),
    ]
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        6 => span().prop_map(Step::Insert),
        1 => span().prop_map(Step::Past),
        2 => any::<usize>().prop_map(Step::Cancel),
        2 => (any::<usize>(), span()).prop_map(|(which, span)| Step::Reset(which, span)),
        4 => span().prop_map(Step::Advance),
        4 => Just(Step::Jump),
    ]
}

/// The naive model: a heap of deadlines; what was cancelled or moved is skipped when it comes up.
#[derive(Default)]
struct Model {
    heap: BinaryHeap<Reverse<(Instant, usize)>>,
    armed: HashMap<usize, (Key, Instant)>,
}

impl Model {
    fn arm(&mut self, token: usize, key: Key, deadline: Instant) {
        self.heap.push(Reverse((deadline, token)));
        self.armed.insert(token, (key, deadline));
    }

    fn due(&mut self, now: Instant) -> Vec<Instant> {
        let mut due = Vec::new();
        while let Some(&Reverse((deadline, token))) = self.heap.peek() {
            if deadline > now {
                break;
            }
            self.heap.pop();
            if self.armed.get(&token).is_some_and(|armed| armed.1 == deadline) {
                self.armed.remove(&token);
                due.push(deadline);
            }
        }
        due
    }

    fn pick(&self, which: usize) -> Option<(usize, Key)> {
        let mut tokens: Vec<_> = self.armed.keys().copied().collect();
        tokens.sort_unstable();
        let token = *tokens.get(which.checked_rem(tokens.len())?)?;
        Some((token, self.armed[&token].0))
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn behaves_like_a_heap(steps in prop::collection::vec(step(), 1..120)) {
        let start = Instant::now();
        let mut wheel = Wheel::new(start);
        let mut model = Model::default();
        let mut deadlines = Vec::new();
        let mut now = start;
        for step in steps {
            match step {
                Step::Insert(span) => {
                    let deadline = now + span;
                    let key = wheel.insert(deadline, deadlines.len());
                    model.arm(deadlines.len(), key, deadline);
                    deadlines.push(deadline);
                }
                Step::Past(span) => {
                    let deadline = now.checked_sub(span).unwrap_or(now);
                    let key = wheel.insert(deadline, deadlines.len());
                    model.arm(deadlines.len(), key, deadline);
                    deadlines.push(deadline);
                }
                Step::Cancel(which) => {
                    if let Some((token, key)) = model.pick(which) {
                        model.armed.remove(&token);
                        prop_assert_eq!(wheel.cancel(key), Some(token));
                        prop_assert_eq!(wheel.cancel(key), None);
                    }
                }
                Step::Reset(which, span) => {
                    if let Some((token, key)) = model.pick(which) {
                        let deadline = now + span;
                        prop_assert!(wheel.reset(key, deadline));
                        model.arm(token, key, deadline);
                        deadlines[token] = deadline;
                    }
                }
                Step::Advance(span) => now += span,
                Step::Jump => now = wheel.next_deadline().unwrap_or(now).max(now),
            }
            // Ticks count from `start`: what the wheel may fire is what was due when this one began.
            let begun = start + Duration::from_millis((now - start).as_millis() as u64 / 10 * 10);
            let expected = model.due(begun);
            let mut expired = Vec::new();
            wheel.advance(now, &mut expired);
            let expired: Vec<_> = expired.into_iter().map(|token| deadlines[token]).collect();
            prop_assert_eq!(expired, expected);
            prop_assert_eq!(wheel.len(), model.armed.len());
            let earliest = model.armed.values().map(|armed| armed.1).min();
            match (wheel.next_deadline(), earliest) {
                (Some(next), Some(earliest)) => prop_assert!(next < earliest + TICK),
                (next, earliest) => prop_assert_eq!(next.is_some(), earliest.is_some()),
            }
        }
    }
}
