//! The retry rules of one upstream with their budget, a clock and a bit of chance.

use std::cell::Cell;
use std::sync::LazyLock;
use std::sync::atomic::{AtomicUsize, Ordering};

use gorge_error::Error;
use gorge_filter::{Exchange, Retry};
use gorge_http::Status;
use gorge_timeout::clock;

use super::{RetryBudget, RetryPolicy, Situation, jitter};

/// The [`RetryPolicy`] of one upstream and the [`RetryBudget`] that all its exchanges share.
#[derive(Debug)]
pub struct Retries {
    policy: RetryPolicy,
    budget: Option<RetryBudget>,
}

impl Retries {
    /// These rules, with a budget not yet used.
    #[must_use]
    pub fn new(policy: RetryPolicy) -> Self {
        let budget = policy.budget.map(RetryBudget::new);
        Self { policy, budget }
    }

    /// The default rules, shared by all upstreams of the process that have none of their own.
    #[must_use]
    pub fn shared() -> &'static Self {
        static SHARED: LazyLock<Retries> = LazyLock::new(Retries::default);
        &SHARED
    }

    /// The rules.
    #[must_use]
    pub fn policy(&self) -> &RetryPolicy {
        &self.policy
    }

    /// The budget, if there is one.
    #[must_use]
    pub fn budget(&self) -> Option<&RetryBudget> {
        self.budget.as_ref()
    }

    /// Counts an exchange: the budget is a share of these. To be called once for each, by its
    /// driver.
    pub fn begin_exchange(&self) {
        if let Some(budget) = &self.budget {
            budget.exchange(shard(), clock::now());
        }
    }

    /// What follows the failure `e` of the last attempt. `another` says whether there is a peer not
    /// yet tried.
    pub fn on_failure<C>(&self, x: &Exchange<C>, e: &Error, another: impl FnOnce() -> bool) -> Retry {
        self.decide(x, another, |now| self.policy.on_failure(now, e, jitter::random()))
    }

    /// What follows an answer with this status.
    pub fn on_status<C>(&self, x: &Exchange<C>, status: Status, another: impl FnOnce() -> bool) -> Retry {
        // Almost every answer ends here.
        if !self.policy.statuses.contains(&status) && status != Status::MISDIRECTED_REQUEST {
            return Retry::GiveUp;
        }
        self.decide(x, another, |now| self.policy.on_status(now, status, jitter::random()))
    }

    fn decide<C>(
        &self,
        x: &Exchange<C>,
        another: impl FnOnce() -> bool,
        rule: impl FnOnce(&Situation<'_>) -> Retry,
    ) -> Retry {
        let situation = Situation {
            attempts: x.attempts(),
            idempotent: x.req.method.is_idempotent(),
            answered: x.facts.status.is_some(),
            another: another(),
        };
        let retry = rule(&situation);
        let affordable = || self.budget.as_ref().is_none_or(|budget| budget.withdraw(clock::now()));
        if retry != Retry::GiveUp && affordable() { retry } else { Retry::GiveUp }
    }
}

impl Default for Retries {
    fn default() -> Self {
        Self::new(RetryPolicy::default())
    }
}

/// A number of this thread's own. Threads and not workers are told apart, so that it does not
/// matter how the workers run.
fn shard() -> usize {
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    thread_local! {
        static MINE: Cell<usize> = Cell::new(NEXT.fetch_add(1, Ordering::Relaxed));
    }
    MINE.get()
}
