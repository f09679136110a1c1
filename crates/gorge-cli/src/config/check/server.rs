//! `[server]`.

use gorge::proxy::Format;

use super::{networks, without_effect};
use crate::config::diagnostic::Diagnostic;
use crate::config::model::Config;
use crate::config::span::Place;
use crate::config::value::{LogTarget, ServerAddress};

/// Each worker is a thread with a reactor, and takes descriptors for it and for each listener.
const WORKERS_MOST: usize = 1024;

pub(super) fn check(config: &Config, found: &mut Vec<Diagnostic>) {
    let server = &config.server;
    let (access, error) = (&server.access_log, &server.error_log);
    log(&access.place, &access.to, access.format != Format::default(), found);
    log(&error.place, &error.to, false, found);
    if let (LogTarget::File(one), LogTarget::File(other)) = (&access.to, &error.to)
        && one == other
    {
        let mistake = Diagnostic::error("both logs would write into the same file");
        let place = |place: &Place| place.value("to").unwrap_or(place.span);
        found.push(mistake.label(place(&access.place), "access log").label(place(&error.place), "error log"));
    }
    if error.to == LogTarget::Off {
        without_effect(&server.place, "log_level", "the error log is off", found);
    }
    if let Some(workers) = server.workers.filter(|&workers| workers > WORKERS_MOST) {
        let mistake =
            Diagnostic::error(format!("{workers} workers are more than the {WORKERS_MOST} that can be"));
        let mistake = mistake.at(server.place.value("workers").unwrap_or(server.place.span));
        found.push(mistake.help("leave the key out for one per core"));
    }
    let needed = (server.max_connections as u64).saturating_mul(2);
    if server.open_files < needed && server.place.has("open_files") {
        let message = format!(
            "{} open files are enough for about {} connections, and `max_connections` is {}",
            server.open_files,
            server.open_files / 2,
            server.max_connections
        );
        let span = server.place.value("open_files").unwrap_or(server.place.span);
        found.push(Diagnostic::warning(message).at(span).help("a proxied connection takes two"));
    }
    trusted(config, found);
    if !names_are_used(config) {
        without_effect(&server.place, "name_servers", "no server is given by name", found);
    }
}

fn log(place: &Place, to: &LogTarget, formatted: bool, found: &mut Vec<Diagnostic>) {
    match to {
        LogTarget::File(_) => {}
        LogTarget::Off => {
            for key in ["format", "rotate", "keep"].into_iter().filter(|key| formatted || *key != "format") {
                without_effect(place, key, "this log is off", found);
            }
        }
        LogTarget::Stderr | LogTarget::Stdout => {
            for key in ["rotate", "keep"] {
                without_effect(place, key, "only files are rotated", found);
            }
        }
    }
}

fn trusted(config: &Config, found: &mut Vec<Diagnostic>) {
    let trusted = &config.server.trusted_proxies;
    for network in trusted.iter().filter(|network| network.value.prefix_len() == 0) {
        let mistake = Diagnostic::warning("whoever asks is believed, whatever address they claim to have");
        found.push(mistake.at(network.span).help("name the networks of your own proxies only"));
    }
    networks::within_one(trusted, found);
}

/// Whether anybody's address has to be found out.
fn names_are_used(config: &Config) -> bool {
    use gorge::protocols::Address;
    let is_name = |address: &ServerAddress| {
        matches!(address, ServerAddress::Service(_) | ServerAddress::Address(Address::Name(..)))
    };
    let mut servers = config.upstream.entries.iter().flat_map(|(_, upstream)| &upstream.servers);
    servers.any(|server| is_name(&server.value.address.value))
        || config.listen.iter().any(|listen| listen.connect.is_some())
}
