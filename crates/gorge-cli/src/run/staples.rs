//! Answers of OCSP responders, fetched before clients ask for them and renewed before they are out of date.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use gorge::error::{Error, Kind, OrErr, Result};
use gorge::http::{Known, Method, RequestHead, Status, Uri};
use gorge::http_client::Client;
use gorge::proxy::Level;
use gorge::runtime::{Handle, Task};
use gorge::timeout::sleep;
use gorge::tls::Certificate;
use gorge::tls::ocsp::{Refresh, Request, Staple, Step};

use crate::build::{Shown, logs::Log};

/// The longest time without a look at the clock, which somebody may have set.
const LOOK: Duration = Duration::from_secs(60 * 60);

/// The tasks of one configuration, one for each certificate. They end with this value.
#[derive(Default)]
pub(crate) struct Staples(Vec<Task<()>>);

impl Staples {
    /// Begins to ask; nobody waits for the answers.
    pub(crate) fn start(all: &[Arc<Shown>], log: &Log, workers: &Handle) -> Self {
        let client = Arc::new(Client::default());
        let now = SystemTime::now();
        let asked = all.iter().flat_map(|shown| {
            let certificates = shown.to_staple().into_iter();
            certificates.filter_map(move |one| Some((shown.clone(), Refresh::new(&one, now)?)))
        });
        let tasks = asked.enumerate().map(|(place, (shown, refresh))| {
            let work = Work { shown, refresh, log: log.clone(), client: client.clone(), troubled: false };
            workers.spawn_background_on(place, work.run())
        });
        let given = all
            .iter()
            .flat_map(|shown| shown.stapled_by_file().into_iter().map(move |one| (shown.clone(), one)));
        let given = given.enumerate().map(|(place, (shown, one))| {
            workers.spawn_background_on(place, withdraw_in_time(shown, one, log.clone()))
        });
        Self(tasks.chain(given).collect())
    }
}

impl Drop for Staples {
    fn drop(&mut self) {
        self.0.iter().for_each(Task::abort);
    }
}

/// One certificate, and where it is shown.
struct Work {
    shown: Arc<Shown>,
    refresh: Refresh,
    log: Log,
    client: Arc<Client>,
    /// That there is no answer was told.
    troubled: bool,
}

impl Work {
    async fn run(mut self) {
        loop {
            match self.refresh.next(SystemTime::now()) {
                Step::Wait(pause) => sleep(pause).await,
                Step::Withdraw => {
                    let bare = self.refresh.bare().clone();
                    self.show(&bare);
                }
                Step::Fetch => match self.fetch().await {
                    Ok(certificate) => {
                        self.show(&certificate);
                        self.recovered();
                    }
                    Err(error) => self.failed(&error),
                },
            }
        }
    }

    /// The certificate with a new answer.
    async fn fetch(&mut self) -> Result<Certificate> {
        let answer = match ask(&self.client, self.refresh.request()).await {
            Ok(answer) => answer,
            Err(error) => {
                self.refresh.failed(SystemTime::now());
                return Err(error);
            }
        };
        let taken = self.refresh.answered(&answer, SystemTime::now());
        taken.map_err(|fault| Error::explain(Kind::CertificateInvalid, fault.to_string()))
    }

    fn show(&self, certificate: &Certificate) {
        if let Err(error) = self.shown.replace(certificate) {
            self.log.note(Level::Error, format_args!("{}: {error:#}", self.who()));
        }
    }

    fn who(&self) -> String {
        who(self.refresh.bare())
    }

    fn failed(&mut self, error: &Error) {
        if !std::mem::replace(&mut self.troubled, true) {
            let url = &self.refresh.request().url;
            let text = format!(
                "{}: no good answer from its OCSP responder {url}, it goes on without: {error:#}",
                self.who()
            );
            self.log.note(Level::Warn, text);
        }
    }

    fn recovered(&mut self) {
        if std::mem::take(&mut self.troubled) {
            self.log.note(Level::Info, format_args!("{}: its OCSP responder answers again", self.who()));
        }
    }
}

/// An answer out of a file is shown until it is out of date: a client that is shown an old one refuses, while most
/// are content without.
async fn withdraw_in_time(shown: Arc<Shown>, certificate: Certificate, log: Log) {
    let Some(until) = certificate.staple().map(Staple::next_update) else { return };
    while let Some(pause) = pause(until, SystemTime::now()) {
        sleep(pause).await;
    }
    let who = who(&certificate);
    match shown.replace(&certificate.without_ocsp()) {
        Ok(()) => {
            let text = "the answer of a responder in `ocsp` is out of date, it goes on without; write a newer one \
                        and reload";
            log.note(Level::Warn, format_args!("{who}: {text}"));
        }
        Err(error) => log.note(Level::Error, format_args!("{who}: {error:#}")),
    }
}

/// How long to wait before looking at the clock again. `None` when the time has come.
fn pause(until: SystemTime, now: SystemTime) -> Option<Duration> {
    let left = until.duration_since(now).unwrap_or_default();
    (!left.is_zero()).then(|| left.min(LOOK))
}

fn who(certificate: &Certificate) -> String {
    format!("certificate for {}", certificate.names().first().map_or("nobody", String::as_str))
}

/// By POST, as RFC 6960 A.1 has it.
async fn ask(client: &Client, request: &Request) -> Result<Vec<u8>> {
    let url = request.url.clone().into_bytes().into();
    let uri = Uri::parse(&Method::POST, url).or_err(Kind::Configuration, "the address of the responder")?;
    let mut head = RequestHead { method: Method::POST, uri, ..RequestHead::new() };
    head.headers.insert(Known::ContentType, Request::CONTENT_TYPE).or_err(Kind::Internal, "a field")?;
    let answer = client.request(&head, request.body.clone()).await?;
    match answer.head.status {
        Status::OK => Ok(answer.body.to_vec()),
        other => Err(Error::explain(Kind::HeadInvalid, format!("it answers with {other}")).into_upstream()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_clock_is_looked_at_each_hour_until_the_time_has_come() {
        let now = SystemTime::now();
        let minute = Duration::from_secs(60);
        assert_eq!(pause(now + 90 * minute, now), Some(LOOK));
        assert_eq!(pause(now + minute, now), Some(minute));
        assert_eq!(pause(now, now), None);
        assert_eq!(pause(now - minute, now), None);
    }
}
