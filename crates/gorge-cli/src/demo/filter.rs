//! What the demo adds to a proxy: its page, and fields that show who was asked.

use bytes::Bytes;
use gorge::digest::PeerAddr;
use gorge::error::{Kind, OrErr, Result};
use gorge::filter::{Attempt, Exchange, Filter, Flow, Hooks, Response};
use gorge::http::{Known, ResponseHead, Status};

use super::origin::Running;

const PAGE: &str = include_str!("page.html");

/// Which origin answered.
const ORIGIN: &str = "X-Demo-Origin";

/// Everyone who was asked, in order, each with what came of it.
const TRIED: &str = "X-Demo-Tried";

/// Answers `/` with the page, lets `/api/` through, and says on the way back what happened there.
pub(super) struct Demo {
    names: Vec<(PeerAddr, &'static str)>,
}

impl Demo {
    pub(super) fn new(origins: &[Running]) -> Self {
        Self {
            names: origins.iter().map(|origin| (PeerAddr::from(&origin.address), origin.name())).collect(),
        }
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

impl Filter for Demo {
    const HOOKS: Hooks = Hooks::REQUEST.and(Hooks::RESPONSE);

    async fn on_request(&self, x: &mut Exchange) -> Result<Flow> {
        let path = x.req.uri.path();
        if path.starts_with("/api/") {
            return Ok(Flow::Continue);
        }
        if path == "/" {
            let mut page = Response::html(Status::OK, Bytes::from_static(PAGE.as_bytes()));
            let headers = &mut page.head.headers;
            headers.insert(Known::CacheControl, "no-store").or_err(Kind::Internal, "set a field")?;
            return Ok(Flow::Respond(page));
        }
        let hint = "There is a page at /, and the origins answer below /api/, as in /api/hello.\n";
        Ok(Flow::Respond(Response::text(Status::NOT_FOUND, hint)))
    }

    async fn on_response(&self, x: &mut Exchange, head: &mut ResponseHead) -> Result<()> {
        let Some(last) = x.attempts().last() else { return Ok(()) };
        let set = |head: &mut ResponseHead, name: &str, value: &str| {
            head.headers.insert(name, value).or_err(Kind::Internal, "set a field")
        };
        set(head, ORIGIN, self.name(last))?;
        set(head, TRIED, &self.tried(x, head.status))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_needs_nothing_from_elsewhere() {
        for outside in ["http://", "https://", "src=", "@import", "url("] {
            assert!(!PAGE.contains(outside), "{outside}");
        }
    }
}
