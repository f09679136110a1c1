//! What the demo adds to its routes: a field that shows who was asked, and a line for those who watch.

use std::sync::Arc;

use gorge::digest::PeerAddr;
use gorge::error::{Kind, OrErr, Result};
use gorge::filter::{Attempt, Exchange, Filter, Hooks, Outcome};
use gorge::http::{ResponseHead, Status};

use super::feed::Feed;
use super::origin::Origins;

/// Everyone who was asked, in order, each with what came of it.
const TRIED: &str = "X-Demo-Tried";

/// What the page's own requests have, which it shows by itself.
const PAGE: &str = "X-Demo-Page";

/// The filter for one route.
pub(super) struct Tried {
    route: String,
    names: Vec<(PeerAddr, &'static str)>,
    feed: Arc<Feed>,
}

impl Tried {
    pub(super) fn new(route: &str, origins: &Origins) -> Self {
        let names = origins.places().map(|(temper, address)| (PeerAddr::from(address), temper.name()));
        Self { route: route.to_owned(), names: names.collect(), feed: origins.feed().clone() }
    }

    fn name(&self, attempt: &Attempt) -> &'static str {
        let known = self.names.iter().find(|(address, _)| *address == attempt.address);
        known.map_or("unknown", |(_, name)| name)
    }

    /// `moody 503, swift 200`.
    fn tried(&self, x: &Exchange, status: Status) -> String {
        let outcome = |attempt: &Attempt| match attempt.failure {
            None => status.as_u16().to_string(),
            Some(Kind::Rejected(status)) => status.to_string(),
            Some(kind) => kind.name().replace('_', " "),
        };
        let one = |attempt| format!("{} {}", self.name(attempt), outcome(attempt));
        x.attempts().iter().map(one).collect::<Vec<_>>().join(", ")
    }
}

impl Filter for Tried {
    const HOOKS: Hooks = Hooks::RESPONSE.and(Hooks::END);

    async fn on_response(&self, x: &mut Exchange, head: &mut ResponseHead) -> Result<()> {
        if x.attempts().last().is_none() {
            return Ok(());
        }
        let tried = self.tried(x, head.status);
        head.headers.insert(TRIED, tried).or_err(Kind::Internal, "set a field")
    }

    /// Neither methods nor targets hold tabs or line ends.
    fn on_end(&self, x: &Exchange, end: &Outcome) {
        if x.req.headers.get(PAGE).is_some() {
            return;
        }
        let duration = x.facts.timing.duration().unwrap_or_default();
        self.feed.push(format!(
            "{}\t{}\t{}\t{}\t{:.1}\t{}\t{}",
            x.req.method.as_str(),
            x.target().path_and_query(),
            end.status.as_u16(),
            self.tried(x, end.status),
            duration.as_secs_f64() * 1000.0,
            self.route,
            end.error.as_ref().map_or("", |error| error.kind().name()),
        ));
    }
}
