//! The thread that makes lookups, and what one lookup is.

use std::io;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use gorge_timeout::timeout;
use hickory_resolver::Hosts;
use hickory_resolver::lookup::Lookup;
use hickory_resolver::net::{DnsError, NetError};
use hickory_resolver::proto::op::{Query, ResponseCode};
use hickory_resolver::proto::rr::{Name, RData, RecordType};
use tokio::sync::mpsc;

use super::answer::{Question, RecordKind, Records, Service};
use super::cache::Outcome;
use super::failure::{Failure, Why};
use super::options::ResolverOptions;
use super::resolver::{Job, nothing};
use super::sources::{Servers, Sources};

/// Starts the thread. It ends when the sender is dropped, and takes the lookups that run with it.
pub(crate) fn start(options: ResolverOptions) -> io::Result<mpsc::UnboundedSender<Job>> {
    let (sender, jobs) = mpsc::unbounded_channel();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let work = move || runtime.block_on(serve(jobs, Sources::new(options)));
    thread::Builder::new().name("gorge-names".to_owned()).spawn(work)?;
    Ok(sender)
}

async fn serve(mut jobs: mpsc::UnboundedReceiver<Job>, mut sources: Sources) {
    while let Some(job) = jobs.recv().await {
        let Some(question) = job.question().cloned() else { continue };
        let (hosts, servers) = (sources.hosts(), sources.servers());
        let options = sources.options().clone();
        tokio::spawn(async move {
            let outcome = look_up(&question, hosts.as_deref(), servers, &options).await;
            job.complete(outcome);
        });
    }
}

/// One lookup: the hosts file, then the name servers.
async fn look_up(
    question: &Question,
    hosts: Option<&Hosts>,
    servers: Result<Servers, Arc<str>>,
    options: &ResolverOptions,
) -> Outcome<Records> {
    let Ok(mut name) = Name::from_ascii(&*question.name) else {
        return Err(Failure::not_a_name(&question.name));
    };
    if let Some(outcome) = hosts.and_then(|hosts| in_hosts(question, &name, hosts)) {
        return outcome;
    }
    if question.name.contains('.') && !options.search_names_with_dots {
        name.set_fqdn(true);
    }
    let unanswered = |why: &str| Failure::new(Why::Unanswered, format!("{}: {why}", question.name));
    let Servers { resolver, shown } = servers.map_err(|why| unanswered(&why))?;
    let limit = options.timeout.saturating_mul(options.attempts.clamp(1, u32::MAX as usize) as u32);
    match timeout(limit, resolver.lookup(name, record_type(question.records))).await {
        Ok(Ok(lookup)) => read(question, &lookup),
        Ok(Err(NetError::Dns(error))) => Err(refused(question, &error, &shown)),
        Ok(Err(NetError::Timeout)) | Err(_) => {
            Err(unanswered(&format!("no answer from {shown} within {limit:?}")))
        }
        Ok(Err(error)) => Err(unanswered(&format!("no answer from {shown}: {error}"))),
    }
}

fn record_type(records: RecordKind) -> RecordType {
    match records {
        RecordKind::A => RecordType::A,
        RecordKind::Aaaa => RecordType::AAAA,
        RecordKind::Srv => RecordType::SRV,
    }
}

/// What the hosts file says. A name that is in there for one family has no address of the other.
fn in_hosts(question: &Question, name: &Name, hosts: &Hosts) -> Option<Outcome<Records>> {
    let find = |kind| hosts.lookup_static_host(&Query::query(name.clone(), record_type(kind)));
    match question.records {
        RecordKind::Srv => None,
        wanted => match find(wanted) {
            // The file knows no times to live.
            Some(lookup) => Some(read(question, &lookup).map(|(records, _)| (records, None))),
            None => [RecordKind::A, RecordKind::Aaaa]
                .into_iter()
                .any(|kind| find(kind).is_some())
                .then(|| Err(nothing(&question.name, wanted))),
        },
    }
}

/// The records of the kind that was asked for, with the shortest life of all that led to them.
fn read(question: &Question, lookup: &Lookup) -> Outcome<Records> {
    let answers = lookup.answers();
    let ttl = answers.iter().map(|record| record.ttl).min();
    let ttl = ttl.map(|seconds| Duration::from_secs(seconds.into()));
    let records = match question.records {
        RecordKind::Srv => {
            let services: Arc<[_]> = answers.iter().filter_map(|record| service(&record.data)).collect();
            (!services.is_empty()).then_some(Records::Services(services))
        }
        RecordKind::A | RecordKind::Aaaa => {
            let ips = answers.iter().filter_map(|record| record.data.ip_addr());
            let wanted = ips.filter(|ip| ip.is_ipv4() == (question.records == RecordKind::A));
            let ips: Arc<[_]> = wanted.collect();
            (!ips.is_empty()).then_some(Records::Ips(ips))
        }
    };
    records.map(|records| (records, ttl)).ok_or_else(|| nothing(&question.name, question.records))
}

/// A host of a service; none for the target `.`, which says that there is no such service.
fn service(data: &RData) -> Option<Service> {
    let RData::SRV(srv) = data else { return None };
    if srv.target.is_root() {
        return None;
    }
    let mut host = srv.target.to_ascii().to_ascii_lowercase();
    if host.ends_with('.') {
        host.pop();
    }
    Some(Service { priority: srv.priority, weight: srv.weight, port: srv.port, host: host.into() })
}

/// An answer that is none.
fn refused(question: &Question, error: &DnsError, shown: &str) -> Failure {
    let name = &question.name;
    match error {
        DnsError::NoRecordsFound(none) if none.response_code == ResponseCode::NXDomain => {
            Failure::new(Why::Nothing, format!("{name} does not exist, says the name server ({shown})"))
        }
        DnsError::NoRecordsFound(none) if none.response_code == ResponseCode::NoError => {
            nothing(name, question.records)
        }
        DnsError::ResponseCode(code) => {
            Failure::new(Why::Unanswered, format!("{name}: the name server ({shown}) answered {code}"))
        }
        error => Failure::new(Why::Unanswered, format!("{name}: no answer from {shown}: {error}")),
    }
}
