//! What `[listen.tls]` and `[upstream.NAME.tls]` say, in the words of the library: for those who check it and for those
//! who build from it.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use gorge::error::{OrErr, Result};
use gorge::protocols::Address;
use gorge::tls::{
    Certificate, CertificateFault, Certificates, ClientAuth, ClientOptions, KeyLog, Part, Roots,
    ServerOptions, Sni, Version,
};

use crate::config::value::{ClientAuthMode, HostMode, ServerAddress, TlsVersion};
use crate::config::{At, CertificateTable, ListenTlsTable, UpstreamTable, UpstreamTlsTable};

/// The certificate of a table.
pub(crate) fn read(table: &CertificateTable) -> std::result::Result<Certificate, CertificateFault> {
    Certificate::read(&table.cert.value.0, &table.key.value.0)
}

/// What is wrong with a certificate, with the file that is to blame.
pub(crate) fn why_unusable(fault: &CertificateFault, cert: &Path, key: &Path) -> String {
    let file = if fault.part() == Part::Key { key } else { cert };
    match fault {
        // Names it already.
        CertificateFault::Unreadable { .. } => fault.to_string(),
        _ => format!("{}: {fault}", file.display()),
    }
}

/// Whether others than its owner and group could take a private key.
pub(crate) fn is_readable_by_all(key: &Path) -> bool {
    let data = std::fs::metadata(key);
    data.is_ok_and(|data| data.is_file() && data.permissions().mode() & 0o004 != 0)
}

/// What a listener is told, but for what outlives a reload.
pub(crate) fn server_options(table: &ListenTlsTable) -> Result<ServerOptions> {
    let mut options = ServerOptions::default();
    options.min_version = version(table.min_version);
    options.max_version = version(table.max_version);
    options.ciphers = table.ciphers.as_ref().map(|ciphers| ciphers.value.clone());
    options.groups = groups(&table.groups);
    if let Some(file) = &table.client_ca {
        let roots = Roots::read(&file.value.0)?;
        options.client_auth = match table.client_auth.as_ref().map(|mode| mode.value) {
            None | Some(ClientAuthMode::Required) => ClientAuth::Required(roots),
            Some(ClientAuthMode::Optional) => ClientAuth::Optional(roots),
        };
    }
    options.client_depth = table.client_depth;
    options.session_tickets = table.session_tickets;
    options.session_lifetime = table.session_lifetime;
    options.handshake_timeout = table.handshake_timeout;
    options.key_log = table.key_log.as_ref().map(|file| KeyLog::open(&file.value.0)).transpose()?;
    Ok(options)
}

/// The certificates of a listener, each with its table, by the names that they are shown for.
pub(crate) fn certificates<'a>(
    all: impl IntoIterator<Item = (&'a CertificateTable, Certificate)>,
) -> Certificates {
    all.into_iter().fold(Certificates::new(), |store, (table, certificate)| {
        let store = match table.default {
            Some(true) => store.with_default(certificate.clone()),
            _ => store,
        };
        if table.names.is_empty() {
            return store.with(certificate);
        }
        let names: Vec<_> = table.names.iter().map(|name| name.value.to_string()).collect();
        store.with_names(vec![certificate], names.iter().map(String::as_str))
    })
}

/// How the servers of an upstream are spoken to.
pub(crate) fn client_options(table: &UpstreamTlsTable) -> Result<ClientOptions> {
    let mut options = ClientOptions::default();
    options.verify = table.verify;
    options.verify_host = table.verify_host;
    if let Some(file) = &table.ca {
        options.roots = Roots::read(&file.value.0)?;
    }
    options.sni = Sni::Same;
    options.alternative_name = table.alternative_name.as_ref().map(|name| name.value.clone());
    if let (Some(cert), Some(key)) = (&table.cert, &table.key) {
        let certificate = Certificate::read(&cert.value.0, &key.value.0)
            .explain_with(|| format!("certificate {}", cert.value.0.display()))?;
        options.certificate = Some(certificate);
    }
    options.min_version = version(table.min_version);
    options.max_version = version(table.max_version);
    options.ciphers = table.ciphers.as_ref().map(|ciphers| ciphers.value.clone());
    options.groups = groups(&table.groups);
    options.key_log = table.key_log.as_ref().map(|file| KeyLog::open(&file.value.0)).transpose()?;
    Ok(options)
}

/// Whom a server of an upstream is asked to be.
pub(crate) fn name(table: &UpstreamTable, tls: &UpstreamTlsTable, server: &ServerAddress) -> String {
    if let Some(sni) = &tls.sni {
        return sni.value.clone();
    }
    match server {
        ServerAddress::Address(Address::Name(host, _)) => return host.to_string(),
        // `_https._tcp.app.internal` is the service of `app.internal`.
        ServerAddress::Service(name) => return name.splitn(3, '.').last().unwrap_or(name).to_owned(),
        ServerAddress::Address(_) => {}
    }
    if let HostMode::Name(host) = &table.host
        && let Ok(authority) = gorge::http::authority::validate(host.as_bytes())
    {
        return authority.host().trim_start_matches('[').trim_end_matches(']').to_owned();
    }
    match server {
        ServerAddress::Address(Address::Ip(address)) => address.ip().to_string(),
        _ => "localhost".to_owned(),
    }
}

fn groups(groups: &Option<Vec<At<String>>>) -> Option<Vec<String>> {
    groups.as_ref().map(|groups| groups.iter().map(|group| group.value.clone()).collect())
}

fn version(version: TlsVersion) -> Version {
    match version {
        TlsVersion::Tls12 => Version::Tls12,
        TlsVersion::Tls13 => Version::Tls13,
    }
}
