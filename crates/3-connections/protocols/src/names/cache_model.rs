//! The cache beside a model that is slow and plain: lists, and every rule written out once more.

use std::time::{Duration, Instant};

use proptest::collection::vec;
use proptest::prelude::*;

use super::answer::{Question, RecordKind};
use super::cache::{Cache, Found, Known, Outcome};
use super::failure::{Failure, Why};
use super::options::ResolverOptions;

const CAPACITY: usize = 3;

#[derive(Clone, Debug)]
enum Step {
    Find(u8),
    Complete(u8, Brought),
    Wait(u64),
}

#[derive(Clone, Debug)]
enum Brought {
    Answer(u64),
    Nothing,
    Silence,
}

/// Times in milliseconds since the start.
#[derive(Default)]
struct Model {
    now: u64,
    running: Vec<u8>,
    /// The one used last stands last.
    slots: Vec<Slot>,
    answers: u32,
}

struct Slot {
    question: u8,
    /// The number of the answer, and its end; `None` if there is none.
    answer: Option<(u32, u64)>,
    refresh: u64,
    expires: u64,
    /// Why there is none.
    failed: Why,
    turn: usize,
}

#[derive(Debug, PartialEq)]
enum Seen {
    Answer { number: u32, turn: usize, stale: bool, expires: u64, fetch: bool },
    Failed(Why),
    Asked,
    Unknown,
    Full,
}

impl Model {
    fn find(&mut self, question: u8) -> Seen {
        let idle = !self.running.contains(&question);
        let room = self.running.len() < CAPACITY;
        if let Some(at) = self.slots.iter().position(|slot| slot.question == question) {
            self.slots[at..].rotate_left(1);
            let last = self.slots.len() - 1;
            let slot = &mut self.slots[last];
            if self.now < slot.expires {
                let Some((number, end)) = slot.answer else { return Seen::Failed(slot.failed) };
                let fetch = self.now >= slot.refresh && idle && room;
                if fetch {
                    self.running.push(question);
                }
                slot.turn += 1;
                let (turn, stale) = (slot.turn - 1, self.now >= end);
                return Seen::Answer { number, turn, stale, expires: slot.expires, fetch };
            }
        }
        if !idle {
            Seen::Asked
        } else if !room {
            Seen::Full
        } else {
            self.running.push(question);
            Seen::Unknown
        }
    }

    /// `None` if no lookup runs.
    fn complete(&mut self, question: u8, brought: &Brought) -> Option<Seen> {
        let running = self.running.iter().position(|other| *other == question)?;
        self.running.remove(running);
        let at = match self.slots.iter().position(|slot| slot.question == question) {
            Some(at) => at,
            None => {
                if self.slots.len() == CAPACITY {
                    self.slots.remove(0);
                }
                let slot =
                    Slot { question, answer: None, refresh: 0, expires: 0, failed: Why::Nothing, turn: 0 };
                self.slots.push(slot);
                self.slots.len() - 1
            }
        };
        let (now, slot) = (self.now, &mut self.slots[at]);
        match brought {
            Brought::Answer(seconds) => {
                self.answers += 1;
                let life = (*seconds).clamp(1, 3600) * 1000;
                slot.answer = Some((self.answers, now + life));
                (slot.expires, slot.refresh) = (now + life, now + life - life / 10);
            }
            Brought::Nothing => {
                slot.answer = None;
                (slot.expires, slot.failed) = (now + 30_000, Why::Nothing);
            }
            Brought::Silence => match slot.answer {
                Some((_, end)) if now < end + 86_400_000 => {
                    slot.expires = (now + 30_000).min(end + 86_400_000);
                    slot.refresh = slot.expires;
                }
                _ => {
                    slot.answer = None;
                    (slot.expires, slot.failed) = (now + 1000, Why::Unanswered);
                }
            },
        }
        Some(match slot.answer {
            None => Seen::Failed(slot.failed),
            Some((number, end)) => {
                slot.turn += 1;
                let (turn, stale) = (slot.turn - 1, now >= end);
                Seen::Answer { number, turn, stale, expires: slot.expires, fetch: false }
            }
        })
    }
}

fn question(number: u8) -> Question {
    Question { name: format!("host{number}").into(), records: RecordKind::A }
}

fn answer(known: Known<u32>, start: Instant, fetch: bool) -> Seen {
    let expires = known.expires.duration_since(start).as_millis() as u64;
    let (number, turn) = (known.records, known.turn);
    Seen::Answer { number, turn, stale: known.trouble.is_some(), expires, fetch }
}

fn seen(found: Found<u32>, start: Instant) -> Seen {
    match found {
        Found::Known(known) => answer(known, start, false),
        Found::Aging(known) => answer(known, start, true),
        Found::Failed(failure) => Seen::Failed(failure.why),
        Found::Asked => Seen::Asked,
        Found::Unknown => Seen::Unknown,
        Found::Full => Seen::Full,
    }
}

fn outcome(brought: &Brought, number: u32) -> Outcome<u32> {
    match brought {
        Brought::Answer(seconds) => Ok((number, Some(Duration::from_secs(*seconds)))),
        Brought::Nothing => Err(Failure::new(Why::Nothing, "nothing")),
        Brought::Silence => Err(Failure::new(Why::Unanswered, "silence")),
    }
}

fn step() -> impl Strategy<Value = Step> {
    let brought = prop_oneof![
        3 => (0..5000_u64).prop_map(Brought::Answer),
        1 => Just(Brought::Nothing),
        2 => Just(Brought::Silence),
    ];
    // Hours and days are as likely as fractions of a second.
    let wait = (0..28_u32, 0..1000_u64).prop_map(|(power, part)| (1 << power) * (1000 + part) / 1000);
    prop_oneof![
        4 => (0..5_u8).prop_map(Step::Find),
        3 => (0..5_u8, brought).prop_map(|(question, brought)| Step::Complete(question, brought)),
        2 => wait.prop_map(Step::Wait),
    ]
}

proptest! {
    #[test]
    fn the_cache_agrees_with_a_plain_model(steps in vec(step(), 1..200)) {
        let start = Instant::now();
        let mut cache = Cache::new(ResolverOptions { capacity: CAPACITY, ..ResolverOptions::default() });
        let mut model = Model::default();
        for step in steps {
            let now = start + Duration::from_millis(model.now);
            match step {
                Step::Wait(time) => model.now += time,
                Step::Find(number) => {
                    prop_assert_eq!(seen(cache.find(&question(number), now), start), model.find(number));
                }
                Step::Complete(number, brought) => {
                    if let Some(expected) = model.complete(number, &brought) {
                        let brought = outcome(&brought, model.answers);
                        let given = match cache.complete(&question(number), brought, now) {
                            Ok(known) => answer(known, start, false),
                            Err(failure) => Seen::Failed(failure.why),
                        };
                        prop_assert_eq!(given, expected);
                    }
                }
            }
            prop_assert_eq!(cache.stats().entries, model.slots.len());
        }
    }
}
