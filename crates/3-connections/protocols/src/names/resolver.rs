//! The resolver: answers from memory, one lookup per question at a time.

use std::collections::HashMap;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::{Arc, LazyLock, Weak};
use std::time::Instant;

use gorge_error::Result;
use gorge_timeout::clock;
use parking_lot::Mutex;
use tokio::sync::{mpsc, watch};

use super::answer::{Answer, Family, Question, RecordKind, Records, Service, Services};
use super::asker;
use super::cache::{Cache, Found, Known, Outcome};
use super::failure::{Failure, Why};
use super::options::{ResolverOptions, ResolverStats};
use crate::Address;

/// Looks up the addresses of names, and remembers them. A handle: cloning counts a reference, and
/// clones are equal.
///
/// Workers share what is remembered. Lookups run on one thread of the resolver's own, which starts
/// with the first of them and ends with the last handle: one that was begun ends and is remembered
/// even if whoever asked has gone.
#[derive(Clone)]
pub struct Resolver(Arc<Inner>);

struct Inner {
    options: ResolverOptions,
    state: Mutex<State>,
    jobs: Mutex<Option<mpsc::UnboundedSender<Job>>>,
}

struct State {
    cache: Cache<Records>,
    /// One for each lookup that runs.
    lookups: HashMap<Question, watch::Sender<Option<Heard>>>,
}

/// What those who wait for a lookup hear.
type Heard = Result<Known<Records>, Failure>;

impl Resolver {
    /// A resolver of one's own.
    #[must_use]
    pub fn new(options: ResolverOptions) -> Self {
        let state = State { cache: Cache::new(options.clone()), lookups: HashMap::new() };
        Resolver(Arc::new(Inner { options, state: Mutex::new(state), jobs: Mutex::new(None) }))
    }

    /// The one of this process, with [`ResolverOptions::default`].
    #[must_use]
    pub fn shared() -> Self {
        static SHARED: LazyLock<Resolver> = LazyLock::new(|| Resolver::new(ResolverOptions::default()));
        SHARED.clone()
    }

    /// How it asks and remembers.
    #[must_use]
    pub fn options(&self) -> &ResolverOptions {
        &self.0.options
    }

    /// What it has counted.
    #[must_use]
    pub fn stats(&self) -> ResolverStats {
        self.0.state.lock().cache.stats()
    }

    /// The addresses of `name`. An IP address is its own answer, `localhost` and all names below it
    /// are this machine (RFC 6761 6.3); nobody is asked for these.
    ///
    /// # Errors
    /// [`NameNotFound`](gorge_error::Kind::NameNotFound) with the name, and what the name server
    /// answered or how long it did not; [`Overload`](gorge_error::Kind::Overload) if as many lookups
    /// run as answers are kept.
    pub async fn addresses(&self, name: &str, family: Family) -> Result<Answer> {
        self.preferred(name, family).await.map_err(Failure::into_error)
    }

    /// The hosts of a service, as in `_http._tcp.example.com`.
    ///
    /// # Errors
    /// As for [`addresses`](Self::addresses). A service that is said not to exist (RFC 2782, the
    /// target `.`) has no hosts.
    pub async fn services(&self, name: &str) -> Result<Services> {
        let known = self.ask(name, RecordKind::Srv).heard().await.map_err(Failure::into_error)?;
        let services: Arc<[Service]> = match known.records {
            Records::Services(services) => services,
            Records::Ips(_) => Arc::default(),
        };
        let stale = known.trouble.map(|trouble| trouble.text);
        Ok(Services { services, expires: known.expires, stale })
    }

    /// As [`addresses`](Self::addresses).
    pub(super) async fn preferred(&self, name: &str, family: Family) -> Result<Answer, Failure> {
        let (first, second) = match family {
            Family::Both => return self.both(name).await,
            Family::Ipv4 => (RecordKind::A, RecordKind::Aaaa),
            Family::Ipv6 => (RecordKind::Aaaa, RecordKind::A),
        };
        let nothing = match self.ask(name, first).answer().await {
            Err(failure) if failure.why == Why::Nothing => failure,
            heard => return heard,
        };
        match self.ask(name, second).answer().await {
            Err(failure) => Err(more_telling(nothing, failure)),
            heard => heard,
        }
    }

    async fn both(&self, name: &str) -> Result<Answer, Failure> {
        // Both lookups run from here on.
        let (six, four) = (self.ask(name, RecordKind::Aaaa), self.ask(name, RecordKind::A));
        match (six.answer().await, four.answer().await) {
            (Ok(six), Ok(four)) => Ok(six.and(&four)),
            (Ok(answer), Err(_)) | (Err(_), Ok(answer)) => Ok(answer),
            (Err(six), Err(four)) => Err(more_telling(four, six)),
        }
    }

    /// Begins to find out; what is known already is there at once.
    pub(crate) fn ask(&self, name: &str, records: RecordKind) -> Pending {
        let now = clock::now();
        let own = || self.without_asking(name, records, now);
        let name = match Address::host(name, 0) {
            Ok(Address::Name(name, _)) => name,
            Ok(_) => return Pending::Heard(own().unwrap_or_else(|| Err(nothing(name, records)))),
            Err(_) => return Pending::Heard(Err(Failure::not_a_name(name))),
        };
        match self.without_asking(&name, records, now) {
            Some(heard) => Pending::Heard(heard),
            None => self.find(Question { name, records }, now),
        }
    }

    /// The answers that need no name server.
    fn without_asking(&self, name: &str, records: RecordKind, now: Instant) -> Option<Heard> {
        let bare = name.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(name);
        let ip = match bare.parse::<IpAddr>() {
            Ok(ip) => ip,
            Err(_) if !is_localhost(name) => return None,
            Err(_) if records == RecordKind::Aaaa => Ipv6Addr::LOCALHOST.into(),
            Err(_) => Ipv4Addr::LOCALHOST.into(),
        };
        let kind = if ip.is_ipv4() { RecordKind::A } else { RecordKind::Aaaa };
        if kind != records {
            return Some(Err(nothing(name, records)));
        }
        let expires = now + self.0.options.unknown_ttl;
        Some(Ok(Known { records: Records::Ips([ip].into()), expires, turn: 0, trouble: None }))
    }

    fn find(&self, question: Question, now: Instant) -> Pending {
        let mut state = self.0.state.lock();
        let (pending, job) = match state.cache.find(&question, now) {
            Found::Known(known) => return Pending::Heard(Ok(known)),
            Found::Failed(failure) => return Pending::Heard(Err(failure)),
            Found::Full => return Pending::Heard(Err(Failure::busy(&question.name))),
            Found::Asked => return Pending::wait(&state, &question),
            Found::Aging(known) => {
                state.lookups.insert(question.clone(), watch::Sender::new(None));
                (Pending::Heard(Ok(known)), question)
            }
            Found::Unknown => {
                state.lookups.insert(question.clone(), watch::Sender::new(None));
                (Pending::wait(&state, &question), question)
            }
        };
        drop(state);
        self.0.send(Job { resolver: Arc::downgrade(&self.0), question: Some(job) });
        pending
    }
}

impl Inner {
    /// Gives a lookup to the thread that makes them. If there is none and none can be had, the job
    /// is dropped, which frees those who wait for it.
    fn send(&self, job: Job) {
        let mut jobs = self.jobs.lock();
        let unsent = match &*jobs {
            Some(sender) => match sender.send(job) {
                Ok(()) => return,
                Err(mpsc::error::SendError(job)) => job,
            },
            None => job,
        };
        if let Ok(sender) = asker::start(self.options.clone()) {
            let _ = sender.send(unsent);
            *jobs = Some(sender);
        }
    }

    fn complete(&self, question: &Question, outcome: Outcome<Records>) {
        let mut state = self.state.lock();
        let heard = state.cache.complete(question, outcome, clock::now());
        if let Some(waiting) = state.lookups.remove(question) {
            waiting.send_replace(Some(heard));
        }
    }
}

/// A lookup to be made. However it ends, those who wait hear of it.
pub(crate) struct Job {
    resolver: Weak<Inner>,
    /// Taken by `complete`.
    question: Option<Question>,
}

impl Job {
    pub(crate) fn question(&self) -> Option<&Question> {
        self.question.as_ref()
    }

    pub(crate) fn complete(mut self, outcome: Outcome<Records>) {
        self.finish(|_| outcome);
    }

    fn finish(&mut self, outcome: impl FnOnce(&Question) -> Outcome<Records>) {
        if let Some(question) = self.question.take()
            && let Some(resolver) = self.resolver.upgrade()
        {
            resolver.complete(&question, outcome(&question));
        }
    }
}

impl Drop for Job {
    fn drop(&mut self) {
        self.finish(|question| Err(Failure::abandoned(&question.name)));
    }
}

/// An answer, now or soon.
pub(crate) enum Pending {
    Heard(Heard),
    Waiting { name: Arc<str>, lookup: watch::Receiver<Option<Heard>> },
}

impl Pending {
    fn wait(state: &State, question: &Question) -> Self {
        let name = question.name.clone();
        match state.lookups.get(question) {
            Some(lookup) => Pending::Waiting { name, lookup: lookup.subscribe() },
            None => Pending::Heard(Err(Failure::abandoned(&name))),
        }
    }

    pub(crate) async fn heard(self) -> Heard {
        match self {
            Pending::Heard(heard) => heard,
            Pending::Waiting { name, mut lookup } => match lookup.wait_for(Option::is_some).await {
                Ok(heard) => heard.clone().unwrap_or_else(|| Err(Failure::abandoned(&name))),
                Err(_) => Err(Failure::abandoned(&name)),
            },
        }
    }

    pub(crate) async fn answer(self) -> Result<Answer, Failure> {
        let known = self.heard().await?;
        let ips = match known.records {
            Records::Ips(ips) => ips,
            Records::Services(_) => Arc::default(),
        };
        let stale = known.trouble.map(|trouble| trouble.text);
        Ok(Answer { ips, expires: known.expires, turn: known.turn, stale })
    }
}

impl Answer {
    fn and(self, other: &Answer) -> Answer {
        Answer {
            ips: self.ips.iter().chain(other.ips.iter()).copied().collect(),
            expires: self.expires.min(other.expires),
            turn: self.turn,
            stale: self.stale.or_else(|| other.stale.clone()),
        }
    }
}

/// Whether a name always means this machine (RFC 6761 6.3).
fn is_localhost(name: &str) -> bool {
    let name = name.strip_suffix('.').unwrap_or(name);
    name == "localhost" || name.ends_with(".localhost")
}

pub(super) fn nothing(name: &str, records: RecordKind) -> Failure {
    Failure::new(Why::Nothing, format!("{name} has no {}", records.name()))
}

/// Of two failures for one name the one to report: rather that nobody answers than that there is
/// nothing, and rather the first.
pub(super) fn more_telling(first: Failure, second: Failure) -> Failure {
    if first.why == Why::Nothing && second.why != Why::Nothing { second } else { first }
}

impl PartialEq for Resolver {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl Eq for Resolver {}

impl Hash for Resolver {
    fn hash<H: Hasher>(&self, state: &mut H) {
        Arc::as_ptr(&self.0).hash(state);
    }
}

impl fmt::Debug for Resolver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Resolver").field("stats", &self.stats()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run<T>(test: impl Future<Output = T>) -> T {
        tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(test)
    }

    /// A resolver whose lookups are made by the test.
    fn resolver() -> (Resolver, mpsc::UnboundedReceiver<Job>) {
        let options = ResolverOptions { servers: Some(Vec::new()), hosts_file: false, ..Default::default() };
        let resolver = Resolver::new(options);
        let (sender, jobs) = mpsc::unbounded_channel();
        *resolver.0.jobs.lock() = Some(sender);
        (resolver, jobs)
    }

    #[test]
    fn a_lookup_whose_task_dies_frees_those_who_wait() {
        run(async {
            let (resolver, mut jobs) = resolver();
            let waiting = [0; 3].map(|_| resolver.ask("a.example", RecordKind::A));
            drop(jobs.recv().await);
            for pending in waiting {
                assert_eq!(pending.heard().await.unwrap_err(), Failure::abandoned("a.example"));
            }
            assert!(jobs.try_recv().is_err(), "one lookup for all");
            assert!(resolver.0.state.lock().lookups.is_empty());
        });
    }

    #[test]
    fn lookups_that_nobody_took_are_given_to_a_new_thread() {
        run(async {
            let (resolver, jobs) = resolver();
            let first = resolver.ask("a.example", RecordKind::A);
            drop(jobs);
            assert_eq!(first.heard().await.unwrap_err(), Failure::abandoned("a.example"));
            let second = resolver.ask("b.example", RecordKind::A).heard().await.unwrap_err();
            assert!(second.text.contains("no name server is known"), "{second:?}");
        });
    }

    #[test]
    fn a_job_outlives_its_resolver() {
        run(async {
            let (resolver, mut jobs) = resolver();
            let pending = resolver.ask("a.example", RecordKind::A);
            let job = jobs.recv().await.unwrap();
            drop(resolver);
            job.complete(Err(Failure::abandoned("a.example")));
            pending.heard().await.unwrap_err();
        });
    }
}
