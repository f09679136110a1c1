//! What is remembered of names, and who asks next. It sees no socket and no clock.

use std::collections::{HashMap, HashSet};
use std::time::{Duration, Instant};

use super::answer::Question;
use super::failure::{Failure, Why};
use super::options::{ResolverOptions, ResolverStats};

/// The part of a life after which an answer is fetched anew while it still serves: the last tenth.
const LAST_PART: u32 = 10;

/// Answers by question, each kept for its time, and the lookups that run.
pub(crate) struct Cache<R> {
    options: ResolverOptions,
    entries: HashMap<Question, Entry<R>>,
    asking: HashSet<Question>,
    /// Counts uses, to find the answer that was not used for longest.
    clock: u64,
    stats: ResolverStats,
}

struct Entry<R> {
    held: Held<R>,
    used: u64,
    /// How often it was given out; kept over answers, so that turns go on.
    turn: usize,
}

enum Held<R> {
    Good(Good<R>),
    Bad { failure: Failure, expires: Instant },
}

struct Good<R> {
    records: R,
    /// The end of its life. Behind it the answer is stale.
    end: Instant,
    /// When it is fetched anew while it serves.
    refresh: Instant,
    /// When it does not serve any more without another lookup: `end`, or later after a failed one.
    expires: Instant,
    /// Why the last lookup brought nothing newer.
    trouble: Option<Failure>,
}

/// An answer as it is given out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Known<R> {
    pub(crate) records: R,
    pub(crate) expires: Instant,
    pub(crate) turn: usize,
    /// Set if the answer is stale.
    pub(crate) trouble: Option<Failure>,
}

/// What there is for a question.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Found<R> {
    /// An answer.
    Known(Known<R>),
    /// An answer near its end. The caller must look it up, but nobody waits.
    Aging(Known<R>),
    /// It is known that there is nothing.
    Failed(Failure),
    /// Somebody looks it up already.
    Asked,
    /// The caller must look it up.
    Unknown,
    /// Too many lookups run.
    Full,
}

/// What a lookup brought: records and their time to live, if it has been told.
pub(crate) type Outcome<R> = Result<(R, Option<Duration>), Failure>;

impl<R: Clone> Cache<R> {
    pub(crate) fn new(options: ResolverOptions) -> Self {
        Cache {
            options,
            entries: HashMap::new(),
            asking: HashSet::new(),
            clock: 0,
            stats: ResolverStats::default(),
        }
    }

    pub(crate) fn stats(&self) -> ResolverStats {
        ResolverStats { entries: self.entries.len(), ..self.stats }
    }

    /// What is known. After [`Found::Unknown`] and [`Found::Aging`] a lookup counts as running until
    /// [`complete`](Self::complete) is called.
    pub(crate) fn find(&mut self, question: &Question, now: Instant) -> Found<R> {
        self.clock += 1;
        let idle = !self.asking.contains(question);
        let room = self.asking.len() < self.options.capacity.max(1);
        if let Some(entry) = self.entries.get_mut(question) {
            entry.used = self.clock;
            if let Some(found) = entry.give(now, idle && room) {
                self.stats.hits += 1;
                if let Found::Known(known) | Found::Aging(known) = &found {
                    self.stats.stale += u64::from(known.trouble.is_some());
                }
                if let Found::Aging(_) = found {
                    self.asking.insert(question.clone());
                }
                return found;
            }
        }
        self.stats.misses += 1;
        if !idle {
            return Found::Asked;
        }
        if !room {
            return Found::Full;
        }
        self.asking.insert(question.clone());
        Found::Unknown
    }

    /// Takes in what a lookup brought, and says what those who wait for it get.
    pub(crate) fn complete(
        &mut self,
        question: &Question,
        outcome: Outcome<R>,
        now: Instant,
    ) -> Result<Known<R>, Failure> {
        self.asking.remove(question);
        self.stats.lookups += 1;
        let before = self.entries.get(question);
        let (turn, used) = before.map_or((0, self.clock), |entry| (entry.turn, entry.used));
        let held = match outcome {
            Ok((records, ttl)) => Held::Good(self.good(records, ttl, now)),
            Err(failure) => {
                self.stats.failures += u64::from(failure.why != Why::Nothing);
                self.without_answer(question, failure, now)
            }
        };
        let mut entry = Entry { held, used, turn };
        let given = entry.result(now);
        if let Ok(known) = &given {
            self.stats.stale += u64::from(known.trouble.is_some());
        }
        self.entries.insert(question.clone(), entry);
        self.make_room();
        given
    }

    fn good(&self, records: R, ttl: Option<Duration>, now: Instant) -> Good<R> {
        let ttl = ttl.unwrap_or(self.options.unknown_ttl);
        let ttl = ttl.max(self.options.min_ttl).min(self.options.max_ttl);
        let end = now + ttl;
        Good { records, end, refresh: end - ttl / LAST_PART, expires: end, trouble: None }
    }

    /// What is held after a lookup that failed: the answer from before, as long as it may serve.
    fn without_answer(&mut self, question: &Question, failure: Failure, now: Instant) -> Held<R> {
        if failure.why == Why::Nothing {
            return Held::Bad { failure, expires: now + self.options.negative };
        }
        if let Some(Entry { held: Held::Good(good), .. }) = self.entries.remove(question) {
            let last = good.end + self.options.max_stale;
            if now < last {
                let next = (now + self.options.negative).min(last);
                return Held::Good(Good { refresh: next, expires: next, trouble: Some(failure), ..good });
            }
        }
        Held::Bad { failure, expires: now + self.options.min_ttl }
    }

    fn make_room(&mut self) {
        while self.entries.len() > self.options.capacity.max(1) {
            let oldest = self.entries.iter().min_by_key(|(_, entry)| entry.used);
            let Some(question) = oldest.map(|(question, _)| question.clone()) else { return };
            self.entries.remove(&question);
        }
    }
}

impl<R: Clone> Entry<R> {
    /// What it says at `now`, if that is still valid.
    fn give(&mut self, now: Instant, may_refresh: bool) -> Option<Found<R>> {
        match &self.held {
            Held::Good(good) if now < good.expires => {
                let aging = now >= good.refresh && may_refresh;
                let known = good.known(self.turn, now);
                self.turn = self.turn.wrapping_add(1);
                Some(if aging { Found::Aging(known) } else { Found::Known(known) })
            }
            Held::Bad { failure, expires } if now < *expires => Some(Found::Failed(failure.clone())),
            _ => None,
        }
    }

    /// The same, right after a lookup.
    fn result(&mut self, now: Instant) -> Result<Known<R>, Failure> {
        match &self.held {
            Held::Good(good) => {
                let known = good.known(self.turn, now);
                self.turn = self.turn.wrapping_add(1);
                Ok(known)
            }
            Held::Bad { failure, .. } => Err(failure.clone()),
        }
    }
}

impl<R: Clone> Good<R> {
    fn known(&self, turn: usize, now: Instant) -> Known<R> {
        let stale = now >= self.end;
        Known {
            records: self.records.clone(),
            expires: self.expires,
            turn,
            trouble: self.trouble.clone().filter(|_| stale),
        }
    }
}
