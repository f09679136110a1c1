//! The admin service: is the process alive, is it ready, and whatever else has a path.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, OnceLock, Weak};
use std::time::Duration;

use gorge_filter::Response;
use gorge_http::{Known, Method, RequestHead, Status};
use gorge_http_server::{RequestBody, Settings, serve};
use gorge_protocols::{Accepted, Handler};
use gorge_runtime::spawn_background;

use crate::core::Core;
use crate::status;

/// How long a connection may wait for its next request.
const KEEP_ALIVE: Duration = Duration::from_secs(10);

type Answer = Arc<dyn Fn(&RequestHead) -> Response + Send + Sync>;

/// Answers requests about the server it belongs to. Give it to [`Service::admin`](crate::Service::admin),
/// and as the handler to the addresses of that service; clones are the same.
///
/// - `/healthz`: 200 as long as the process lives, also while it drains.
/// - `/readyz`: 200 when all services are ready, else 503; as JSON `state` (the
///   [`Phase`](crate::Phase)), `in_flight` and `reasons`.
/// - what [`handle`](Admin::handle) adds.
///
/// Only GET and HEAD are answered, others are 405, other paths 404. It asks nobody who they are: give
/// it an address that only those can reach who may know.
#[derive(Clone)]
pub struct Admin {
    handlers: Arc<HashMap<String, Answer>>,
    in_flight: Option<Arc<dyn Fn() -> usize + Send + Sync>>,
    settings: Arc<Settings>,
    core: Arc<OnceLock<Weak<Core>>>,
}

impl Admin {
    /// The two paths that every server has.
    #[must_use]
    pub fn new() -> Self {
        let settings = Settings { keep_alive: KEEP_ALIVE, ..Settings::default() };
        Admin {
            handlers: Arc::default(),
            in_flight: None,
            settings: Arc::new(settings),
            core: Arc::default(),
        }
    }

    /// Answers GET and HEAD for `path` with what `answer` returns; it must not block. The path is
    /// compared as it stands, without the query.
    #[must_use]
    pub fn handle(
        mut self,
        path: impl Into<String>,
        answer: impl Fn(&RequestHead) -> Response + Send + Sync + 'static,
    ) -> Self {
        Arc::make_mut(&mut self.handlers).insert(path.into(), Arc::new(answer));
        self
    }

    /// Who knows how many exchanges are in flight; else it is the number of open connections.
    #[must_use]
    pub fn in_flight(mut self, count: impl Fn() -> usize + Send + Sync + 'static) -> Self {
        self.in_flight = Some(Arc::new(count));
        self
    }

    pub(crate) fn belongs_to(&self, core: &Arc<Core>) {
        // One admin service of one server; a second server would find it taken, and be reported as
        // the first.
        let _ = self.core.set(Arc::downgrade(core));
    }

    fn answer(&self, head: &RequestHead) -> Response {
        let path = head.uri.path();
        let known = matches!(path, "/healthz" | "/readyz") || self.handlers.contains_key(path);
        if !known {
            return Response::text(Status::NOT_FOUND, "there is nothing at this path\n");
        }
        if head.method != Method::GET && head.method != Method::HEAD {
            let mut refused = Response::text(Status::METHOD_NOT_ALLOWED, "GET or HEAD, please\n");
            // Cannot fail: both are legal in a field.
            let _ = refused.head.headers.insert(Known::Allow, "GET, HEAD");
            return refused;
        }
        let mut response = match path {
            "/healthz" => Response::text(Status::OK, "ok\n"),
            "/readyz" => self.ready(),
            _ => return self.handlers[path](head),
        };
        // As above.
        let _ = response.head.headers.insert(Known::CacheControl, "no-store");
        response
    }

    fn ready(&self) -> Response {
        let Some(core) = self.core.get().and_then(Weak::upgrade) else {
            return Response::json(
                Status::SERVICE_UNAVAILABLE,
                "{\"state\":\"setup\",\"in_flight\":0,\"reasons\":[]}",
            );
        };
        let status = if status::is_ready(&core) { Status::OK } else { Status::SERVICE_UNAVAILABLE };
        Response::json(status, status::json(&core, self.in_flight.as_ref().map(|count| count())))
    }
}

impl Default for Admin {
    fn default() -> Self {
        Self::new()
    }
}

impl Handler for Admin {
    fn serve(&self, connection: Accepted) {
        let admin = self.clone();
        // Not counted: a stop does not wait for who looks on.
        spawn_background(async move {
            let Accepted { transport, permit, .. } = connection;
            let settings = admin.settings.clone();
            let answer = move |head: &RequestHead, _: &mut RequestBody<'_>| {
                let response = admin.answer(head);
                async move { response }
            };
            // A client that broke off is no news here.
            let _ = serve(transport, settings, answer).await;
            drop(permit);
        });
    }
}

impl fmt::Debug for Admin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Admin").field("paths", &self.handlers.keys()).finish_non_exhaustive()
    }
}
