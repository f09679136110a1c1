//! The built-in origins: small servers on ephemeral ports of this machine.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use gorge::error::Result;
use gorge::filter::Response;
use gorge::http::{RequestHead, Status};
use gorge::http_server::{self, RequestBody};
use gorge::protocols::{Accepted, Address, Handler, ListenOptions};
use gorge::server::{Config, Server};
use gorge::{runtime, server, timeout};

/// How long the slow one takes.
const SLOW: Duration = Duration::from_millis(300);

/// Which answer of the moody one fails: every third.
const MOOD: u64 = 3;

/// How an origin behaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Temper {
    Moody,
    Slow,
    Swift,
}

impl Temper {
    pub(crate) const ALL: [Self; 3] = [Self::Swift, Self::Slow, Self::Moody];

    fn name(self) -> &'static str {
        match self {
            Self::Moody => "moody",
            Self::Slow => "slow",
            Self::Swift => "swift",
        }
    }

    fn habit(self) -> &'static str {
        match self {
            Self::Moody => "fails every third time with 503",
            Self::Slow => "takes 300 ms",
            Self::Swift => "answers at once",
        }
    }
}

/// An origin that runs until this is dropped.
pub(crate) struct Running {
    pub(crate) address: Address,
    temper: Temper,
    _server: server::Running,
}

impl Running {
    pub(crate) fn name(&self) -> &'static str {
        self.temper.name()
    }

    pub(crate) fn habit(&self) -> &'static str {
        self.temper.habit()
    }
}

/// Starts an origin with one worker, so that it takes little from the proxy.
pub(crate) fn start(temper: Temper) -> Result<Running> {
    let runtime = runtime::Config { workers: 1, name: temper.name().to_owned(), ..Default::default() };
    let mut server = Server::new(Config { runtime, ..Config::default() });
    let any = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    let address = server.listen(&any.into(), &ListenOptions::default())?;
    let origin = Origin { temper, asked: Arc::default(), settings: Arc::default() };
    Ok(Running { address, temper, _server: server.start(origin)? })
}

#[derive(Clone)]
struct Origin {
    temper: Temper,
    asked: Arc<AtomicU64>,
    settings: Arc<http_server::Settings>,
}

impl Handler for Origin {
    fn serve(&self, connection: Accepted) {
        let origin = self.clone();
        runtime::spawn(async move {
            let Accepted { transport, permit, .. } = connection;
            let settings = origin.settings.clone();
            let answer = move |_: &RequestHead, _: &mut RequestBody<'_>| {
                let origin = origin.clone();
                async move { origin.answer().await }
            };
            // A proxy that closes or breaks a connection is no news here.
            let _ = http_server::serve(transport, settings, answer).await;
            drop(permit);
        });
    }
}

impl Origin {
    async fn answer(&self) -> Response {
        let asked = self.asked.fetch_add(1, Ordering::Relaxed) + 1;
        let name = self.temper.name();
        match self.temper {
            Temper::Moody if asked.is_multiple_of(MOOD) => {
                let document = format!("{{\"origin\":\"{name}\",\"asked\":{asked},\"error\":\"not now\"}}\n");
                return Response::json(Status::SERVICE_UNAVAILABLE, document);
            }
            Temper::Slow => timeout::sleep(SLOW).await,
            Temper::Moody | Temper::Swift => {}
        }
        Response::json(Status::OK, format!("{{\"origin\":\"{name}\",\"asked\":{asked}}}\n"))
    }
}
