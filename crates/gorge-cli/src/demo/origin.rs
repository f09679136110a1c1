//! The built-in origins: three small servers on this machine.

use std::fmt::Write;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use bytes::Bytes;
use gorge::error::{Error, Kind, OrErr, Result};
use gorge::filter::{Body, Response};
use gorge::http::{Known, RequestHead, Status};
use gorge::http_server::{self, RequestBody};
use gorge::protocols::{Accepted, Address, Handler};
use gorge::server::{self, Config, Listen, Server, Service, Stopped};
use gorge::{runtime, timeout};

use super::feed::Feed;

/// How long the slow one takes.
const SLOW: Duration = Duration::from_millis(300);

/// Which answer of the moody one fails: every third.
const MOOD: u64 = 3;

/// Which of them answered.
const ORIGIN: &str = "X-Demo-Origin";

const PAGE: &str = include_str!("page.html");

/// Where the page tells how it is reached over TLS, if it is.
const OVER_TLS: &str = "<!-- over TLS -->";

/// How an origin behaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Temper {
    Moody,
    Slow,
    Swift,
}

impl Temper {
    /// In the order of their ports.
    pub(super) const ALL: [Self; 3] = [Self::Swift, Self::Slow, Self::Moody];

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Moody => "moody",
            Self::Slow => "slow",
            Self::Swift => "swift",
        }
    }

    pub(super) fn habit(self) -> &'static str {
        match self {
            Self::Moody => "fails every third time with 503",
            Self::Slow => "takes 300 ms",
            Self::Swift => "answers at once",
        }
    }
}

/// All three, bound.
pub(super) struct Origins {
    addresses: Vec<Address>,
    feed: Arc<Feed>,
    over_tls: Arc<OnceLock<String>>,
}

impl Origins {
    /// Binds them to this port and the next two, or each to any that is free for 0. They have one worker,
    /// so that they take little from the proxy.
    ///
    /// # Errors
    /// A port is not to be had.
    pub(super) fn bind(first: u16) -> Result<(Self, Server)> {
        let runtime = runtime::Config { workers: 1, name: "origins".to_owned(), ..Default::default() };
        let mut server = Server::new(Config { runtime, grace: Duration::from_secs(1), ..Config::default() });
        let feed = Arc::new(Feed::default());
        let over_tls = Arc::new(OnceLock::new());
        let mut addresses = Vec::new();
        for (temper, more) in Temper::ALL.into_iter().zip(0..) {
            let port = if first == 0 { 0 } else { first.checked_add(more).ok_or_else(too_high)? };
            let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
            let origin = Origin {
                temper,
                asked: Arc::default(),
                settings: Arc::default(),
                feed: feed.clone(),
                over_tls: over_tls.clone(),
            };
            let mut listen = Listen::new(address.into(), origin);
            listen.options.bind_tries = 1;
            addresses.extend(server.add(Service::new(temper.name()).listen(listen))?);
        }
        Ok((Self { addresses, feed, over_tls }, server))
    }

    /// Who is where.
    pub(super) fn places(&self) -> impl Iterator<Item = (Temper, &Address)> {
        Temper::ALL.into_iter().zip(&self.addresses)
    }

    /// What is watched at `/live`.
    pub(super) fn feed(&self) -> &Arc<Feed> {
        &self.feed
    }

    /// Has the page tell this command, which goes over TLS.
    pub(super) fn tell_over_tls(&self, command: &str) {
        // It is told once.
        let _ = self.over_tls.set(command.to_owned());
    }

    /// Serves beside whatever else this process does, until the returned value is dropped.
    pub(super) fn start(server: Server) -> Result<server::Running> {
        server.launch()
    }

    /// Serves until a signal ends it.
    pub(super) fn serve(&self, mut server: Server, ready: impl FnOnce()) -> Result<Stopped> {
        let feed = self.feed.clone();
        server.on_stop(move |_| feed.close());
        server.serve(|_| ready())
    }
}

fn too_high() -> Error {
    Error::explain(Kind::BindFailed, "three ports are needed, from this one on")
}

#[derive(Clone)]
struct Origin {
    temper: Temper,
    asked: Arc<AtomicU64>,
    settings: Arc<http_server::Settings>,
    feed: Arc<Feed>,
    over_tls: Arc<OnceLock<String>>,
}

impl Handler for Origin {
    fn serve(&self, connection: Accepted) {
        let origin = self.clone();
        runtime::spawn(async move {
            let Accepted { transport, permit, .. } = connection;
            let settings = origin.settings.clone();
            let answer = move |head: &RequestHead, _: &mut RequestBody<'_>| {
                let origin = origin.clone();
                let head = head.clone();
                async move { origin.answer(&head).await }
            };
            // A proxy that closes or breaks a connection is no news here.
            let _ = http_server::serve(transport, settings, answer).await;
            drop(permit);
        });
    }
}

impl Origin {
    async fn answer(&self, request: &RequestHead) -> Result<Response> {
        let mut response = match request.uri.path() {
            "/" => Response::html(Status::OK, self.page()),
            "/echo" => Response::text(Status::OK, echo(request)),
            "/live" => self.live()?,
            path => self.work(path).await,
        };
        let fields = &mut response.head.headers;
        fields.insert(ORIGIN, self.temper.name()).or_err(Kind::Internal, "set a field")?;
        fields.insert(Known::CacheControl, "no-store").or_err(Kind::Internal, "set a field")?;
        Ok(response)
    }

    fn page(&self) -> Bytes {
        match self.over_tls.get() {
            None => Bytes::from_static(PAGE.as_bytes()),
            Some(command) => {
                let told = format!("<p>The same over TLS: <code>{}</code></p>", escaped(command));
                PAGE.replace(OVER_TLS, &told).into()
            }
        }
    }

    /// What an origin is for.
    async fn work(&self, path: &str) -> Response {
        let asked = self.asked.fetch_add(1, Ordering::Relaxed) + 1;
        let (name, path) = (self.temper.name(), path.replace('\\', "\\\\").replace('"', "\\\""));
        match self.temper {
            Temper::Moody if asked.is_multiple_of(MOOD) => {
                let document = format!("{{\"origin\":\"{name}\",\"asked\":{asked},\"error\":\"not now\"}}\n");
                return Response::json(Status::SERVICE_UNAVAILABLE, document);
            }
            Temper::Slow => timeout::sleep(SLOW).await,
            Temper::Moody | Temper::Swift => {}
        }
        let document = format!("{{\"origin\":\"{name}\",\"path\":\"{path}\",\"asked\":{asked}}}\n");
        Response::json(Status::OK, document)
    }

    /// What passes through the proxy, while it does.
    fn live(&self) -> Result<Response> {
        let mut response = Response::empty(Status::OK);
        let stream = "text/event-stream";
        response.head.headers.insert(Known::ContentType, stream).or_err(Kind::Internal, "set a field")?;
        response.body = Body::Stream(Box::new(self.feed.watch()), None);
        Ok(response)
    }
}

/// Text as HTML has it.
fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

/// The head of a request as it came.
fn echo(request: &RequestHead) -> String {
    let mut text = format!("{} {}\n", request.method.as_str(), request.uri);
    for field in &request.headers {
        // A string takes everything.
        let _ = writeln!(text, "{}: {}", field.name, String::from_utf8_lossy(field.value));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_has_a_place_for_a_command() {
        assert_eq!(PAGE.matches(OVER_TLS).count(), 1);
        assert_eq!(escaped("a '<&>'"), "a '&lt;&amp;&gt;'");
    }

    #[test]
    fn the_page_needs_nothing_from_elsewhere() {
        for outside in ["http://", "https://", "src=", "@import", "url("] {
            assert!(!PAGE.contains(outside), "{outside}");
        }
    }
}
