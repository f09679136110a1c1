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
        self.clock += 1;
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

#[cfg(test)]
mod tests {
    use super::super::answer::RecordKind;
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn question(name: &str) -> Question {
        Question { name: name.into(), records: RecordKind::A }
    }

    fn failure(why: Why) -> Failure {
        Failure::new(why, "why")
    }

    fn known(found: Found<u32>) -> Known<u32> {
        match found {
            Found::Known(known) | Found::Aging(known) => known,
            other => panic!("{other:?}"),
        }
    }

    /// A cache that holds an answer for `ttl` seconds since now.
    fn holding(ttl: u64) -> (Cache<u32>, Question, Instant) {
        let (mut cache, q, now) = (Cache::new(ResolverOptions::default()), question("a"), Instant::now());
        assert_eq!(cache.find(&q, now), Found::Unknown);
        cache.complete(&q, Ok((7, Some(Duration::from_secs(ttl)))), now).unwrap();
        (cache, q, now)
    }

    #[test]
    fn an_answer_serves_for_its_time_to_live() {
        let (mut cache, q, now) = holding(60);
        let found = known(cache.find(&q, now + 53 * SECOND));
        assert_eq!((found.records, found.expires, found.trouble), (7, now + 60 * SECOND, None));
        assert_eq!(cache.find(&q, now + 60 * SECOND), Found::Unknown);
    }

    #[test]
    fn times_to_live_are_clamped() {
        for (ttl, life) in [(0, 1), (86_400, 3600)] {
            let (mut cache, q, now) = holding(ttl);
            assert_eq!(known(cache.find(&q, now)).expires, now + life * SECOND);
        }
        let (mut cache, q, now) = holding(1);
        cache.find(&q, now + SECOND);
        let given = cache.complete(&q, Ok((8, None)), now + SECOND).unwrap();
        assert_eq!(given.expires, now + 301 * SECOND, "unknown");
    }

    #[test]
    fn one_asks_and_the_others_wait() {
        let (mut cache, q, now) =
            (Cache::<u32>::new(ResolverOptions::default()), question("a"), Instant::now());
        assert_eq!(cache.find(&q, now), Found::Unknown);
        assert_eq!(cache.find(&q, now), Found::Asked);
        assert_eq!(cache.find(&question("b"), now), Found::Unknown, "another name");
        assert_eq!(cache.complete(&q, Err(failure(Why::Unanswered)), now), Err(failure(Why::Unanswered)));
        assert_eq!(cache.find(&q, now), Found::Failed(failure(Why::Unanswered)), "for a second");
        assert_eq!(cache.find(&q, now + SECOND), Found::Unknown);
    }

    #[test]
    fn the_last_tenth_of_a_life_has_one_refresh_and_nobody_waits() {
        let (mut cache, q, now) = holding(60);
        let late = now + 55 * SECOND;
        assert!(matches!(cache.find(&q, late), Found::Aging(_)));
        assert!(matches!(cache.find(&q, late), Found::Known(_)), "it is fetched already");
        cache.complete(&q, Ok((8, Some(60 * SECOND))), late).unwrap();
        let found = known(cache.find(&q, now + 60 * SECOND));
        assert_eq!((found.records, found.expires), (8, late + 60 * SECOND));
    }

    #[test]
    fn that_there_is_nothing_is_remembered_and_replaces_an_answer() {
        let (mut cache, q, now) = holding(60);
        let end = now + 60 * SECOND;
        assert_eq!(cache.find(&q, end), Found::Unknown);
        assert_eq!(cache.complete(&q, Err(failure(Why::Nothing)), end), Err(failure(Why::Nothing)));
        assert_eq!(cache.find(&q, end + 29 * SECOND), Found::Failed(failure(Why::Nothing)));
        assert_eq!(cache.find(&q, end + 30 * SECOND), Found::Unknown);
    }

    #[test]
    fn a_failing_refresh_keeps_the_last_good_answer_for_a_day() {
        let (mut cache, q, now) = holding(60);
        let end = now + 60 * SECOND;
        assert_eq!(cache.find(&q, end), Found::Unknown);
        let stale = cache.complete(&q, Err(failure(Why::Unanswered)), end).unwrap();
        assert_eq!((stale.records, stale.expires), (7, end + 30 * SECOND));
        assert_eq!(stale.trouble, Some(failure(Why::Unanswered)));
        assert_eq!(known(cache.find(&q, end + 29 * SECOND)).records, 7);
        let last = end + 86_400 * SECOND;
        assert_eq!(cache.find(&q, last - SECOND), Found::Unknown);
        let stale = cache.complete(&q, Err(failure(Why::Unanswered)), last - SECOND).unwrap();
        assert_eq!(stale.expires, last);
        assert_eq!(cache.find(&q, last), Found::Unknown);
        cache.complete(&q, Err(failure(Why::Unanswered)), last).unwrap_err();
        assert_eq!(cache.stats().stale, 3);
    }

    #[test]
    fn an_answer_that_is_still_good_is_not_called_stale() {
        let (mut cache, q, now) = holding(60);
        let late = now + 55 * SECOND;
        assert!(matches!(cache.find(&q, late), Found::Aging(_)));
        let kept = cache.complete(&q, Err(failure(Why::Unanswered)), late).unwrap();
        assert_eq!((kept.trouble, kept.expires), (None, late + 30 * SECOND));
        assert!(known(cache.find(&q, now + 60 * SECOND)).trouble.is_some());
    }

    #[test]
    fn every_answer_given_out_has_the_next_turn() {
        let (mut cache, q, now) = holding(1);
        let turns = [0, 0, 0].map(|_| known(cache.find(&q, now)).turn);
        assert_eq!(turns, [1, 2, 3]);
        cache.find(&q, now + SECOND);
        assert_eq!(cache.complete(&q, Ok((8, None)), now + SECOND).unwrap().turn, 4);
    }

    #[test]
    fn as_many_lookups_run_as_answers_are_kept() {
        let options = ResolverOptions { capacity: 2, ..ResolverOptions::default() };
        let (mut cache, now) = (Cache::<u32>::new(options), Instant::now());
        assert_eq!(cache.find(&question("a"), now), Found::Unknown);
        assert_eq!(cache.find(&question("b"), now), Found::Unknown);
        assert_eq!(cache.find(&question("c"), now), Found::Full);
        cache.complete(&question("a"), Ok((1, None)), now).unwrap();
        assert_eq!(cache.find(&question("c"), now), Found::Unknown);
    }

    #[test]
    fn the_answer_not_used_for_longest_leaves() {
        let options = ResolverOptions { capacity: 2, ..ResolverOptions::default() };
        let (mut cache, now) = (Cache::new(options), Instant::now());
        for name in ["a", "b", "a", "c"] {
            if cache.find(&question(name), now) == Found::Unknown {
                cache.complete(&question(name), Ok((1, None)), now).unwrap();
            }
        }
        assert_eq!(cache.stats().entries, 2);
        assert_eq!(known(cache.find(&question("a"), now)).records, 1);
        assert_eq!(cache.find(&question("b"), now), Found::Unknown);
    }
}
