//! `[listen.tls]` and `[upstream.NAME.tls]` into what makes TLS of connections.

use std::sync::Arc;
use std::time::SystemTime;

use gorge::error::{OrErr, Result};
use gorge::server::Listen;
use gorge::tls::{Acceptor, Certificate, Connector, TicketKeys, ocsp};
use parking_lot::Mutex;

use crate::config::{CertificateTable, Config, ListenTlsTable, UpstreamTlsTable};
use crate::tls;

/// The keys of sessions, so that clients go on with those that began before a reload.
#[derive(Default)]
pub(crate) struct Tickets(Mutex<Option<TicketKeys>>);

impl Tickets {
    fn keys(&self) -> Result<TicketKeys> {
        let mut kept = self.0.lock();
        if let Some(keys) = &*kept {
            return Ok(keys.clone());
        }
        let keys = TicketKeys::new()?;
        *kept = Some(keys.clone());
        Ok(keys)
    }
}

/// The certificates of a listener, and the acceptor that shows them: others may take their places, with newer
/// answers of OCSP responders.
pub(crate) struct Shown {
    pub(crate) acceptor: Acceptor,
    all: Mutex<Vec<(CertificateTable, Certificate)>>,
    staples: bool,
}

impl Shown {
    /// Those that are shown now.
    pub(crate) fn certificates(&self) -> Vec<Certificate> {
        self.all.lock().iter().map(|(_, certificate)| certificate.clone()).collect()
    }

    /// Those whose responders are to be asked.
    pub(crate) fn to_staple(&self) -> Vec<Certificate> {
        let all = self.all.lock();
        let asked = all.iter().filter(|(table, _)| self.staples && table.ocsp.is_none());
        asked.map(|(_, certificate)| certificate.clone()).collect()
    }

    /// Those that are shown with an answer out of a file, which nobody renews.
    pub(crate) fn stapled_by_file(&self) -> Vec<Certificate> {
        let all = self.all.lock();
        let stapled = all.iter().filter(|(table, one)| table.ocsp.is_some() && one.staple().is_some());
        stapled.map(|(_, certificate)| certificate.clone()).collect()
    }

    /// Shows this one in place of the same with another answer of its responder, or none.
    pub(crate) fn replace(&self, certificate: &Certificate) -> Result<()> {
        let mut all = self.all.lock();
        let same = all.iter_mut().filter(|(_, one)| one.sha256() == certificate.sha256());
        same.for_each(|(_, one)| one.clone_from(certificate));
        let store = tls::certificates(all.iter().map(|(table, one)| (table, one.clone())));
        self.acceptor.set_certificates(store)
    }

    /// What is known of this certificate by the answer that is shown along with it.
    fn with_answer_of(&self, certificate: &Certificate) -> Option<Certificate> {
        let all = self.all.lock();
        let (_, same) = all.iter().find(|(_, one)| one.sha256() == certificate.sha256())?;
        let staple = same.staple()?;
        (staple.next_update() > SystemTime::now()).then(|| certificate.with_ocsp(staple))
    }
}

/// Connections of a listener speak TLS. Answers that were shown `before` are shown further.
pub(super) fn listen(
    listen: &mut Listen,
    table: &ListenTlsTable,
    tickets: &Tickets,
    before: &[Arc<Shown>],
) -> Result<Arc<Shown>> {
    // Who wants no answers any more wants none of before either.
    let before = if table.ocsp_stapling { before } else { &[] };
    let mut options = tls::server_options(table)?;
    options.ticket_keys = Some(tickets.keys()?);
    let mut all = Vec::new();
    for one in &table.certificates {
        let certificate = tls::read(one).map_err(gorge::error::Error::from).explain_with(|| file(one))?;
        all.push((one.clone(), with_answer(certificate, one, before)));
    }
    let store = tls::certificates(all.iter().map(|(table, one)| (table, one.clone())));
    let acceptor = Acceptor::new(options, store)?;
    listen.tls = Some(acceptor.clone());
    Ok(Arc::new(Shown { acceptor, all: Mutex::new(all), staples: table.ocsp_stapling }))
}

fn file(table: &CertificateTable) -> String {
    format!("certificate {}", table.cert.value.0.display())
}

/// With the answer in its file, or with the one that the responder gave before.
fn with_answer(certificate: Certificate, table: &CertificateTable, before: &[Arc<Shown>]) -> Certificate {
    let Some(file) = &table.ocsp else {
        return before.iter().find_map(|shown| shown.with_answer_of(&certificate)).unwrap_or(certificate);
    };
    // What is wrong with it was told by the check; it is then not shown.
    let answer = std::fs::read(&file.value.0).unwrap_or_default();
    match ocsp::check(&certificate, &answer, SystemTime::now()) {
        Ok(staple) => certificate.with_ocsp(&staple),
        Err(_) => certificate,
    }
}

/// How the servers of an upstream are spoken to.
pub(super) fn connector(table: &UpstreamTlsTable) -> Result<Connector> {
    Connector::new(tls::client_options(table)?)
}

/// The files that TLS reads, and that others may write anew.
pub(crate) fn files(config: &Config) -> Vec<std::path::PathBuf> {
    let mut files = Vec::new();
    for table in config.listen.iter().filter_map(|listen| listen.tls.as_ref()) {
        files.extend(table.client_ca.iter().map(|file| &file.value.0));
        for one in &table.certificates {
            files.extend([&one.cert.value.0, &one.key.value.0]);
            files.extend(one.ocsp.iter().map(|file| &file.value.0));
        }
    }
    for table in config.upstream.entries.iter().filter_map(|(_, upstream)| upstream.tls.as_ref()) {
        let all = [&table.ca, &table.cert, &table.key];
        files.extend(all.into_iter().flatten().map(|file| &file.value.0));
    }
    let mut files: Vec<_> = files.into_iter().cloned().collect();
    files.sort();
    files.dedup();
    files
}
