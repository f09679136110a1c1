//! `[listen.tls]` into what makes TLS of connections.

use gorge::error::{OrErr, Result};
use gorge::server::Listen;
use gorge::tls::{Acceptor, Certificate, Certificates, ServerOptions, TicketKeys, Version};
use parking_lot::Mutex;

use crate::config::value::TlsVersion;
use crate::config::{CertificateTable, ListenTlsTable};

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

/// Connections of a listener speak TLS.
pub(super) fn listen(listen: &mut Listen, table: &ListenTlsTable, tickets: &Tickets) -> Result<()> {
    listen.tls = Some(acceptor(table, tickets.keys()?)?);
    Ok(())
}

fn acceptor(table: &ListenTlsTable, tickets: TicketKeys) -> Result<Acceptor> {
    let mut options = ServerOptions::default();
    options.min_version = version(table.min_version);
    options.max_version = version(table.max_version);
    options.ciphers.clone_from(&table.ciphers);
    options.groups =
        table.groups.as_ref().map(|groups| groups.iter().map(|group| group.value.clone()).collect());
    options.session_tickets = table.session_tickets;
    options.session_lifetime = table.session_lifetime;
    options.ticket_keys = Some(tickets);
    options.handshake_timeout = table.handshake_timeout;
    Acceptor::new(options, certificates(&table.certificates)?)
}

fn version(version: TlsVersion) -> Version {
    match version {
        TlsVersion::Tls12 => Version::Tls12,
        TlsVersion::Tls13 => Version::Tls13,
    }
}

/// The default comes first.
fn certificates(tables: &[CertificateTable]) -> Result<Certificates> {
    let is_default = |table: &&CertificateTable| table.default == Some(true);
    let (first, others): (Vec<_>, Vec<_>) = tables.iter().partition(is_default);
    first.into_iter().chain(others).try_fold(Certificates::new(), |all, table| {
        let (cert, key) = (&table.cert.value.0, &table.key.value.0);
        let certificate =
            Certificate::read(cert, key).explain_with(|| format!("certificate {}", cert.display()))?;
        if table.names.is_empty() {
            return Ok(all.with(certificate));
        }
        let names: Vec<_> = table.names.iter().map(|name| name.value.to_string()).collect();
        Ok(all.with_names(vec![certificate], names.iter().map(String::as_str)))
    })
}
