//! One name at one time: what it brings, beside what it brought before.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use gorge_error::Error;
use gorge_protocols::{Family, Resolver, Services};
use gorge_timeout::clock;

use super::entry::What;
use super::join::join_all;
use super::places::{Place, Target, places};

/// Hosts of one service that are asked for.
const MOST_TARGETS: usize = 128;

/// The pause after a failure.
const RETRY: Duration = Duration::from_secs(5);

/// What is known of a name. What a lookup failed for is what it was before.
#[derive(Clone, Debug, Default)]
pub(super) struct Known {
    targets: Vec<Target>,
    ips: HashMap<Arc<str>, Arc<[IpAddr]>>,
    pub(super) places: Vec<Place>,
    /// Why part of it is not the newest, or missing.
    pub(super) trouble: Option<String>,
}

/// What is gathered while a name is resolved.
struct Round {
    due: Instant,
    trouble: Option<String>,
}

/// Asks for a name. Returns when to ask again, too.
pub(super) async fn resolve(
    what: &What,
    before: &Known,
    resolver: &Resolver,
    family: Family,
) -> (Known, Instant) {
    // Far, and replaced by whatever is asked for first.
    let mut round = Round { due: clock::now() + super::IDLE_PAUSE, trouble: None };
    let targets = match what {
        What::Host(host, port) => {
            vec![Target { host: host.clone(), port: *port, weight: None, backup: false }]
        }
        What::Service(name) => match resolver.services(name).await {
            Ok(services) => {
                round.heard(services.expires, services.stale.as_deref());
                targets(&services)
            }
            Err(error) => {
                round.failed(&error);
                before.targets.clone()
            }
        },
    };
    let answers = join_all(targets.iter().map(|target| resolver.addresses(&target.host, family))).await;
    let mut ips = HashMap::new();
    for (target, answer) in targets.iter().zip(answers) {
        match answer {
            Ok(answer) => {
                round.heard(answer.expires, answer.stale.as_deref());
                ips.insert(target.host.clone(), answer.ips);
            }
            Err(error) => {
                round.failed(&error);
                if let Some(last_good) = before.ips.get(&target.host) {
                    ips.insert(target.host.clone(), last_good.clone());
                }
            }
        }
    }
    let none = || Arc::from([]);
    let found: Vec<_> = targets
        .iter()
        .map(|target| (target.clone(), ips.get(&target.host).cloned().unwrap_or_else(none)))
        .collect();
    let mut places = places(&found);
    if places.is_empty() {
        places.clone_from(&before.places);
    }
    (Known { targets, ips, places, trouble: round.trouble }, round.due)
}

impl Round {
    fn heard(&mut self, expires: Instant, stale: Option<&str>) {
        self.due = self.due.min(expires);
        if let Some(why) = stale {
            self.trouble.get_or_insert_with(|| why.to_owned());
        }
    }

    fn failed(&mut self, error: &Error) {
        self.due = self.due.min(clock::now() + RETRY);
        self.trouble.get_or_insert_with(|| error.contexts().collect::<Vec<_>>().join(": "));
    }
}

/// The hosts to ask for, those of the lowest priority first.
fn targets(services: &Services) -> Vec<Target> {
    let mut services: Vec<_> = services.services.iter().collect();
    services.sort_by_key(|service| service.priority);
    let first = services.first().map(|service| service.priority);
    let target = |service: &&gorge_protocols::Service| Target {
        host: service.host.clone(),
        port: service.port,
        weight: Some(service.weight),
        backup: Some(service.priority) != first,
    };
    services.iter().take(MOST_TARGETS).map(target).collect()
}
