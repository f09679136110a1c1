//! What passes through the proxy, for whoever watches: one line per exchange, as server-sent events.

use std::collections::{HashMap, VecDeque};
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use bytes::Bytes;
use gorge::error::Result;
use gorge::filter::BodySource;
use gorge::http::Chunk;
use gorge::timeout::{Sleep, sleep};
use parking_lot::Mutex;

/// Lines that are kept for those who are slow to take them. Who is slower than that misses some.
const KEPT: usize = 64;

/// How often a word goes out that means nothing, so that no limit on silence ends the connection.
const QUIET: Duration = Duration::from_secs(15);

/// Lines on their way to all who watch.
#[derive(Default)]
pub(super) struct Feed(Mutex<State>);

#[derive(Default)]
struct State {
    closed: bool,
    /// The newest lines, the last of them number `next - 1`.
    kept: VecDeque<String>,
    next: u64,
    /// Who waits for the next, by number.
    waiting: HashMap<u64, Waker>,
    watchers: u64,
}

impl Feed {
    /// Sends a line.
    pub(super) fn push(&self, line: String) {
        let mut state = self.0.lock();
        if state.kept.len() == KEPT {
            state.kept.pop_front();
        }
        state.kept.push_back(line);
        state.next += 1;
        wake(state.waiting.drain());
    }

    /// Ends all streams, so that nobody has to wait for them.
    pub(super) fn close(&self) {
        let mut state = self.0.lock();
        state.closed = true;
        wake(state.waiting.drain());
    }

    /// All lines from now on, as the body of an answer of type `text/event-stream`.
    pub(super) fn watch(self: &Arc<Self>) -> Watcher {
        let mut state = self.0.lock();
        state.watchers += 1;
        Watcher {
            number: state.watchers,
            seen: state.next,
            begun: false,
            quiet: Box::pin(sleep(QUIET)),
            feed: self.clone(),
        }
    }
}

fn wake(waiting: impl Iterator<Item = (u64, Waker)>) {
    waiting.for_each(|(_, waker)| waker.wake());
}

/// One who watches.
pub(super) struct Watcher {
    number: u64,
    seen: u64,
    begun: bool,
    quiet: Pin<Box<Sleep>>,
    feed: Arc<Feed>,
}

impl Watcher {
    /// What there is to send, or `None` once the feed is closed.
    fn poll_text(&mut self, cx: &mut Context<'_>) -> Poll<Option<String>> {
        if !self.begun {
            self.begun = true;
            // So that a browser has an answer, and knows when to come back after a restart.
            return Poll::Ready(Some("retry: 1000\n\n".to_owned()));
        }
        let mut state = self.feed.0.lock();
        if state.closed {
            return Poll::Ready(None);
        }
        let missing = usize::try_from(state.next - self.seen).unwrap_or(KEPT).min(state.kept.len());
        if missing > 0 {
            let lines = state.kept.iter().skip(state.kept.len() - missing);
            let text = lines.map(|line| format!("data: {line}\n\n")).collect();
            self.seen = state.next;
            return Poll::Ready(Some(text));
        }
        state.waiting.insert(self.number, cx.waker().clone());
        drop(state);
        self.quiet.as_mut().poll(cx).map(|()| Some(":\n\n".to_owned()))
    }
}

impl BodySource for Watcher {
    fn poll_chunk(&mut self, cx: &mut Context<'_>) -> Poll<Result<Chunk>> {
        self.poll_text(cx).map(|text| match text {
            None => Ok(Chunk::End),
            Some(text) => {
                self.quiet.set(sleep(QUIET));
                Ok(Chunk::Data(Bytes::from(text)))
            }
        })
    }
}

impl Drop for Watcher {
    fn drop(&mut self) {
        self.feed.0.lock().waiting.remove(&self.number);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn next(watcher: &mut Watcher) -> Poll<Option<String>> {
        watcher.poll_text(&mut Context::from_waker(Waker::noop()))
    }

    /// Waiting takes a clock, which only a worker has; so lines come before they are asked for here.
    #[test]
    fn who_watches_sees_what_comes_from_then_on() {
        let feed = Arc::new(Feed::default());
        feed.push("before".to_owned());
        let mut watcher = feed.watch();
        assert_eq!(next(&mut watcher), Poll::Ready(Some("retry: 1000\n\n".to_owned())));
        feed.push("one".to_owned());
        feed.push("two".to_owned());
        assert_eq!(next(&mut watcher), Poll::Ready(Some("data: one\n\ndata: two\n\n".to_owned())));
        feed.close();
        assert_eq!(next(&mut watcher), Poll::Ready(None));
    }

    #[test]
    fn who_is_slow_misses_the_oldest() {
        let feed = Arc::new(Feed::default());
        let mut watcher = feed.watch();
        watcher.begun = true;
        (0..KEPT * 3).for_each(|number| feed.push(number.to_string()));
        let Poll::Ready(Some(text)) = next(&mut watcher) else { panic!("nothing came") };
        assert_eq!(text.matches("data: ").count(), KEPT);
        assert!(text.starts_with(&format!("data: {}\n", KEPT * 2)), "{text}");
    }
}
