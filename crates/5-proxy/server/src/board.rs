//! Which service is how far, for those that wait for it and for the admin service.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU64, Ordering};

use gorge_runtime::Trigger;
use parking_lot::Mutex;
use tokio::sync::watch;

use crate::Phase;
use crate::service::Work;

/// Where a service is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum State {
    /// It waits for those it comes after.
    Waiting,
    /// It has begun, and is not ready.
    Starting,
    /// It is ready, or has ended well.
    Ready,
    /// It died, and will be started again.
    Failed,
}

/// All services, and the phase of the whole.
pub(crate) struct Board {
    pub(crate) posts: Vec<Arc<Post>>,
    phase: AtomicU8,
    news: News,
}

/// Wakes all who wait for something on the board.
type News = Arc<watch::Sender<()>>;

/// One service as the others see it.
pub(crate) struct Post {
    pub(crate) name: Arc<str>,
    pub(crate) after: Vec<usize>,
    pub(crate) work: Option<Work>,
    pub(crate) announces: bool,
    /// Whether its connections are those of the admin service.
    pub(crate) admin: bool,
    /// How many workers serve its sockets.
    pub(crate) seated: usize,
    /// Tells the work to end.
    pub(crate) trigger: Trigger,
    state: AtomicU8,
    working: AtomicBool,
    pub(crate) deaths: AtomicU64,
    last: Mutex<Option<String>>,
    news: News,
}

impl Board {
    pub(crate) fn new(posts: impl FnOnce(&News) -> Vec<Post>) -> Self {
        let news = Arc::new(watch::Sender::new(()));
        let posts = posts(&news).into_iter().map(Arc::new).collect();
        Board { posts, phase: AtomicU8::new(Phase::Setup as u8), news }
    }

    pub(crate) fn phase(&self) -> Phase {
        Phase::of(self.phase.load(Ordering::SeqCst))
    }

    /// Goes on to `phase`; false if it was reached already.
    pub(crate) fn advance(&self, phase: Phase) -> bool {
        let before = self.phase.fetch_max(phase as u8, Ordering::SeqCst);
        before < phase as u8
    }

    pub(crate) fn ready(&self) -> bool {
        self.posts.iter().all(|post| post.state() == State::Ready)
    }

    /// Whether all that `post` comes after are ready.
    pub(crate) fn may_start(&self, post: &Post) -> bool {
        post.after.iter().all(|index| self.posts[*index].state() == State::Ready)
    }

    pub(crate) fn find(&self, name: &str) -> Option<usize> {
        self.posts.iter().position(|post| &*post.name == name)
    }

    /// Why the server is not ready, in words; empty if it is.
    pub(crate) fn reasons(&self) -> Vec<String> {
        let waits_for = |post: &Post| {
            let open = post.after.iter().map(|index| &self.posts[*index]);
            let open = open.filter(|other| other.state() != State::Ready);
            open.map(|other| other.name.as_ref()).collect::<Vec<_>>().join(" and ")
        };
        let reason = |post: &Arc<Post>| match post.state() {
            State::Ready => None,
            State::Waiting => Some(format!("{} waits for {}", post.name, waits_for(post))),
            State::Starting => Some(format!("{} is starting", post.name)),
            State::Failed => {
                let last = post.last.lock();
                Some(format!("{} failed: {}", post.name, last.as_deref().unwrap_or("no reason")))
            }
        };
        self.posts.iter().filter_map(reason).collect()
    }

    /// Waits until `done` says so, asking again with each news.
    pub(crate) async fn until(&self, done: impl Fn() -> bool) {
        let mut news = self.news.subscribe();
        // An error would mean that the board is gone, and it is borrowed here.
        while !done() && news.changed().await.is_ok() {}
    }
}

impl Post {
    pub(crate) fn new(name: Arc<str>, news: &News) -> Self {
        Post {
            name,
            after: Vec::new(),
            work: None,
            announces: false,
            admin: false,
            seated: 1,
            trigger: Trigger::new(1),
            state: AtomicU8::new(State::Waiting as u8),
            working: AtomicBool::new(false),
            deaths: AtomicU64::new(0),
            last: Mutex::new(None),
            news: news.clone(),
        }
    }

    pub(crate) fn state(&self) -> State {
        const ALL: [State; 4] = [State::Waiting, State::Starting, State::Ready, State::Failed];
        ALL[usize::from(self.state.load(Ordering::SeqCst)) % ALL.len()]
    }

    fn set(&self, state: State) {
        self.state.store(state as u8, Ordering::SeqCst);
        self.tell();
    }

    /// Somebody who waits should look again.
    pub(crate) fn tell(&self) {
        self.news.send_replace(());
    }

    pub(crate) fn starting(&self) {
        self.set(State::Starting);
    }

    pub(crate) fn ready(&self) {
        self.set(State::Ready);
    }

    pub(crate) fn failed(&self, why: String) {
        *self.last.lock() = Some(why);
        self.deaths.fetch_add(1, Ordering::Relaxed);
        self.set(State::Failed);
    }

    /// The last death, in words.
    pub(crate) fn last_failure(&self) -> Option<String> {
        self.last.lock().clone()
    }

    pub(crate) fn working(&self) -> bool {
        self.working.load(Ordering::SeqCst)
    }

    pub(crate) fn set_working(&self, working: bool) {
        self.working.store(working, Ordering::SeqCst);
        self.tell();
    }
}

/// What is known of a service.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ServiceStatus {
    /// Where it is in its life.
    pub state: State,
    /// How often it died.
    pub deaths: u64,
    /// Why it died the last time.
    pub last_failure: Option<String>,
}

impl From<&Post> for ServiceStatus {
    fn from(post: &Post) -> Self {
        ServiceStatus {
            state: post.state(),
            deaths: post.deaths.load(Ordering::Relaxed),
            last_failure: post.last_failure(),
        }
    }
}
