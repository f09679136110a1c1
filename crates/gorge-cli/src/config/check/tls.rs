//! `[listen.tls]` and `[upstream.NAME.tls]`: certificates that cannot be shown, names that nothing is for, options
//! without effect.

use std::time::{Duration, SystemTime};

use gorge::protocols::Address;
use gorge::tls::{Certificate, CertificateFault, ClientOptions, Connector, Level, Part, Role, Roots, ocsp};

use super::without_effect;
use crate::config::diagnostic::Diagnostic;
use crate::config::file::explain;
use crate::config::model::{CertificateTable, Config, ListenTlsTable, UpstreamTable, UpstreamTlsTable};
use crate::config::span::{At, Place, Span};
use crate::config::value::{FilePath, HostMode, ServerAddress, TlsVersion};
use crate::tls;

/// A ticket of TLS 1.3 is good for no longer (RFC 8446 4.6.1).
const LIFETIME_MOST: Duration = Duration::from_secs(7 * 24 * 60 * 60);

/// More have no place in a file for one responder's answer.
const OCSP_MOST: u64 = 1 << 20;

pub(super) fn check(config: &Config, found: &mut Vec<Diagnostic>) {
    for listen in &config.listen {
        if let Some(table) = &listen.tls {
            server(table, found);
        }
    }
    for (_, upstream) in &config.upstream.entries {
        if let Some(table) = &upstream.tls {
            client(upstream, table, found);
        }
    }
}

/// What both sides may say.
struct Common<'a> {
    place: &'a Place,
    versions: (TlsVersion, TlsVersion),
    ciphers: Option<&'a At<String>>,
    groups: Option<&'a [At<String>]>,
    key_log: Option<&'a At<FilePath>>,
}

impl Common<'_> {
    fn check(&self, found: &mut Vec<Diagnostic>) {
        let place = self.place;
        if self.versions.0 > self.versions.1 {
            let span = place.value("max_version").or_else(|| place.value("min_version"));
            let mistake = Diagnostic::error("`min_version` is above `max_version`, so none is left to speak");
            found.push(mistake.at(span.unwrap_or(place.span)));
        }
        if let Some(ciphers) = self.ciphers {
            let mut options = trial();
            options.ciphers = Some(ciphers.value.clone());
            found.extend(refused(options, ciphers.span));
            if self.versions.0 == TlsVersion::Tls13 {
                without_effect(place, "ciphers", "they are of TLS 1.2, which is not spoken", found);
            }
        }
        if self.groups.is_some_and(<[_]>::is_empty) {
            let mistake = Diagnostic::error("without a group there is no key exchange");
            let mistake = mistake.at(place.value("groups").unwrap_or(place.span));
            found.push(mistake.help("leave the key out for the usual ones"));
        }
        for group in self.groups.unwrap_or_default() {
            let mut options = trial();
            options.groups = Some(vec![group.value.clone()]);
            found.extend(refused(options, group.span));
        }
        if let Some(file) = self.key_log {
            let mistake = Diagnostic::warning("whoever reads this file reads the traffic of all connections");
            found.push(
                mistake.at(file.span).help("leave `key_log` out when you have seen what you looked for"),
            );
        }
    }
}

/// Options that nothing is wrong with, to try one of them.
fn trial() -> ClientOptions {
    let mut options = ClientOptions::default();
    options.verify = false;
    options
}

/// What the library says to it.
fn refused(options: ClientOptions, span: Span) -> Option<Diagnostic> {
    let error = Connector::new(options).err()?;
    let why = error.contexts().next().unwrap_or("the TLS library does not know this").to_owned();
    let (message, help) = match why.split_once("; ") {
        Some((message, help)) => (message.to_owned(), Some(help.to_owned())),
        None => (why, None),
    };
    let mistake = Diagnostic::error(message).at(span);
    Some(match help {
        Some(help) => mistake.help(help),
        None => mistake,
    })
}

fn server(table: &ListenTlsTable, found: &mut Vec<Diagnostic>) {
    let place = &table.place;
    let common = Common {
        place,
        versions: (table.min_version, table.max_version),
        ciphers: table.ciphers.as_ref(),
        groups: table.groups.as_deref(),
        key_log: table.key_log.as_ref(),
    };
    common.check(found);
    if table.certificates.is_empty() && place.is_sound("certificates") {
        let mistake = Diagnostic::error("without a certificate no client can be served");
        let mistake = mistake.at(place.value("certificates").unwrap_or(place.span));
        found.push(mistake.help("write certificates = [{ cert = \"site.pem\", key = \"site.key\" }]"));
    }
    clients(table, found);
    if !table.session_tickets {
        without_effect(place, "session_lifetime", "there are no sessions to go on with", found);
    }
    if table.session_lifetime > LIFETIME_MOST || table.session_lifetime < Duration::from_secs(1) {
        let mistake = Diagnostic::error("a session can be gone on with for 1 s to 7 days");
        found.push(mistake.at(place.value("session_lifetime").unwrap_or(place.span)));
    }
    let mut good = Vec::new();
    for one in &table.certificates {
        match tls::read(one) {
            Ok(certificate) => {
                remarks(&certificate, one.cert.span, Role::Server, found);
                shown(&certificate, one, found);
                readable_by_all(&one.key, found);
                good.push((one, certificate));
            }
            Err(fault) => found.push(unusable(&fault, &one.cert, &one.key)),
        }
    }
    clashes(good, found);
}

/// Asking clients for certificates.
fn clients(table: &ListenTlsTable, found: &mut Vec<Diagnostic>) {
    let place = &table.place;
    let Some(file) = &table.client_ca else {
        if let Some(key) = place.key("client_auth") {
            let mistake =
                Diagnostic::error("`client_auth` without `client_ca`: whose certificates are good?");
            found.push(mistake.at(key).help("write client_ca = \"clients.pem\""));
        }
        without_effect(place, "client_depth", "clients are not asked for certificates", found);
        return;
    };
    found.extend(roots(file));
}

/// CA certificates that cannot be used.
fn roots(file: &At<FilePath>) -> Option<Diagnostic> {
    let error = Roots::read(&file.value.0).err()?;
    let mistake = Diagnostic::error(words(&error)).at(file.span);
    Some(mistake.help("it takes certificates in PEM, each between -----BEGIN CERTIFICATE----- and its end"))
}

/// What the library says, without what another one would say otherwise.
fn words(error: &gorge::error::Error) -> String {
    error.contexts().collect::<Vec<_>>().join(": ")
}

/// What a certificate is shown for, and with.
fn shown(certificate: &Certificate, table: &CertificateTable, found: &mut Vec<Diagnostic>) {
    for name in &table.names {
        let text = name.value.to_string();
        if !certificate.names().iter().any(|own| covers(own, &text)) {
            let message = format!("the certificate is not for {text}, and clients will refuse it there");
            let names = match certificate.names() {
                [] => "no name".to_owned(),
                names => names.join(", "),
            };
            found.push(Diagnostic::warning(message).at(name.span).help(format!("it is for {names}")));
        }
    }
    let Some(file) = &table.ocsp else { return };
    let path = &file.value.0;
    let answer = match std::fs::metadata(path) {
        Ok(data) if data.len() > OCSP_MOST => Err("is larger than 1 MiB".to_owned()),
        _ => std::fs::read(path).map_err(|error| format!("cannot be read: {}", explain(&error))),
    };
    match answer {
        Err(why) => {
            found.push(Diagnostic::error(format!("the file {} {why}", path.display())).at(file.span));
        }
        Ok(answer) => {
            if let Err(fault) = ocsp::check(certificate, &answer, SystemTime::now()) {
                let message = format!("this answer of a responder is not shown: {fault}");
                found.push(Diagnostic::warning(message).at(file.span));
            }
        }
    }
}

/// Whether what a certificate is for has this name, or this pattern of names, in it.
fn covers(own: &str, name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    match own.strip_prefix("*.") {
        Some(rest) => name == own || name.split_once('.').is_some_and(|(_, below)| below == rest),
        None => own == name,
    }
}

/// Certificates that are never shown for a name, for another is there first.
fn clashes(good: Vec<(&CertificateTable, Certificate)>, found: &mut Vec<Diagnostic>) {
    let spans: Vec<_> = good.iter().map(|(table, one)| (one.sha256(), table.cert.span)).collect();
    let span = |one: &Certificate| {
        spans.iter().find(|(sha256, _)| *sha256 == one.sha256()).map_or(Span::NONE, |(_, span)| *span)
    };
    let mut told: Vec<(Span, Span)> = Vec::new();
    for clash in tls::certificates(good).clashes() {
        let (out, shown) = (span(&clash.left_out), span(&clash.shown));
        // Once for each pair, however many names they share.
        if told.contains(&(out, shown)) {
            continue;
        }
        told.push((out, shown));
        let what = clash.name.as_deref().unwrap_or("clients that ask for no name");
        let message =
            format!("this certificate is never shown for {what}: another with such a key is there first");
        let mistake = Diagnostic::warning(message).at(out).label(shown, "this one is shown");
        found
            .push(mistake.help("for one name there may be one with an RSA key beside one with an ECDSA key"));
    }
}

fn remarks(certificate: &Certificate, span: Span, role: Role, found: &mut Vec<Diagnostic>) {
    let all = certificate.remarks(SystemTime::now(), role);
    let grave = all.iter().filter(|remark| remark.level() == Level::Warning);
    found.extend(grave.map(|remark| Diagnostic::warning(remark.to_string()).at(span)));
}

/// The fault, where the file that has it is named.
fn unusable(fault: &CertificateFault, cert: &At<FilePath>, key: &At<FilePath>) -> Diagnostic {
    let file = if fault.part() == Part::Key { key } else { cert };
    Diagnostic::error(tls::why_unusable(fault, &cert.value.0, &key.value.0)).at(file.span)
}

/// A private key that others could take.
fn readable_by_all(key: &At<FilePath>, found: &mut Vec<Diagnostic>) {
    if tls::is_readable_by_all(&key.value.0) {
        let path = key.value.0.display();
        let mistake =
            Diagnostic::warning(format!("everybody on this machine may read the private key {path}"));
        found.push(mistake.at(key.span).help(format!("chmod 600 {path}")));
    }
}

fn client(upstream: &UpstreamTable, table: &UpstreamTlsTable, found: &mut Vec<Diagnostic>) {
    let place = &table.place;
    let common = Common {
        place,
        versions: (table.min_version, table.max_version),
        ciphers: table.ciphers.as_ref(),
        groups: table.groups.as_deref(),
        key_log: table.key_log.as_ref(),
    };
    common.check(found);
    verification(table, found);
    match (&table.cert, &table.key) {
        (Some(cert), Some(key)) => match Certificate::read(&cert.value.0, &key.value.0) {
            Ok(certificate) => {
                remarks(&certificate, cert.span, Role::Client, found);
                readable_by_all(key, found);
            }
            Err(fault) => found.push(unusable(&fault, cert, key)),
        },
        (Some(cert), None) if place.is_sound("key") => {
            found.push(
                Diagnostic::error("`cert` without `key`: a certificate is shown with its private key")
                    .at(cert.span),
            );
        }
        (None, Some(key)) if place.is_sound("cert") => {
            found.push(Diagnostic::error("`key` without `cert`: whose key is it?").at(key.span));
        }
        _ => {}
    }
    for name in [&table.sni, &table.alternative_name].into_iter().flatten() {
        let known = Connector::new(trial()).is_ok_and(|connector| connector.to(&name.value).check().is_ok());
        if !known {
            let message = format!("{:?} is neither a host name nor an IP address", name.value);
            found.push(Diagnostic::error(message).at(name.span));
        }
    }
    names(upstream, table, found);
}

fn verification(table: &UpstreamTlsTable, found: &mut Vec<Diagnostic>) {
    let place = &table.place;
    if !table.verify {
        let mistake =
            Diagnostic::warning("nobody knows who is at the other end: its certificate is not verified");
        let mistake = mistake.at(place.key("verify").unwrap_or(place.span));
        found.push(mistake.help("for a CA of your own write ca = \"ca.pem\""));
        for key in ["verify_host", "ca", "alternative_name"] {
            without_effect(place, key, "nothing is verified", found);
        }
        return;
    }
    if !table.verify_host {
        let mistake = Diagnostic::warning(
            "whoever has a certificate of a trusted CA, for whatever name, is taken for the server",
        );
        let mistake = mistake.at(place.key("verify_host").unwrap_or(place.span));
        found.push(mistake.help("say in `sni` or `alternative_name` which name it has"));
        without_effect(place, "alternative_name", "names are not verified", found);
    }
    match &table.ca {
        Some(file) => found.extend(roots(file)),
        None => {
            if let Err(error) = Roots::System.count() {
                let mistake = Diagnostic::error(words(&error)).at(place.span);
                found.push(mistake.help("install the package ca-certificates, or say in `ca` whom to trust"));
            }
        }
    }
}

/// Servers of which nobody says what they are called.
fn names(upstream: &UpstreamTable, table: &UpstreamTlsTable, found: &mut Vec<Diagnostic>) {
    let named = table.sni.is_some() || matches!(upstream.host, HostMode::Name(_));
    if named || !table.verify || !table.verify_host || !upstream.place.is_sound("servers") {
        return;
    }
    for server in &upstream.servers {
        let address = &server.value.address;
        match &address.value {
            ServerAddress::Address(Address::Ip(ip)) => {
                let ip = ip.ip();
                let message = format!(
                    "the certificate of this server must be for {ip} itself, and few are for an address"
                );
                let mistake = Diagnostic::warning(message).at(address.span);
                found.push(mistake.help("say in `sni` which name it is for"));
            }
            ServerAddress::Address(Address::Unix(_) | Address::Abstract(_)) => {
                let mistake = Diagnostic::error("which name is the certificate of this server for?");
                found.push(mistake.at(address.span).help("say it in `sni`"));
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::covers;

    #[test]
    fn a_wildcard_covers_one_label() {
        for (own, name, is) in [
            ("a.example", "a.example", true),
            ("a.example", "A.example", true),
            ("*.a.example", "b.a.example", true),
            ("*.a.example", "*.a.example", true),
            ("*.a.example", "a.example", false),
            ("*.a.example", "c.b.a.example", false),
            ("b.a.example", "*.a.example", false),
        ] {
            assert_eq!(covers(own, name), is, "{own} {name}");
        }
    }
}
