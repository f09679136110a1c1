//! `[[listen]]`: addresses that exclude each other, doors left open, options without effect.

use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};

use gorge::protocols::Address;

use super::{exactly_one, networks, without_effect};
use crate::config::diagnostic::Diagnostic;
use crate::config::model::{Config, ConnectTable, ListenTable};
use crate::config::span::Span;

/// More cannot be addressed within a head.
const HEAD_MOST: u64 = 16 << 20;

pub(super) fn check(config: &Config, found: &mut Vec<Diagnostic>) {
    if config.listen.is_empty() && config.place.is_sound("listen") {
        let mistake = Diagnostic::error("there is no [[listen]], so nobody could connect");
        found.push(mistake.help("add one: [[listen]] and below it address = \"127.0.0.1:8080\""));
    }
    overlaps(config, found);
    for listen in &config.listen {
        one(listen, config, found);
    }
}

fn one(listen: &ListenTable, config: &Config, found: &mut Vec<Diagnostic>) {
    let place = &listen.place;
    match &listen.address.value.0 {
        Address::Ip(address) => {
            without_effect(place, "mode", "only the file of a Unix socket has permissions", found);
            if !(address.is_ipv6() && address.ip().is_unspecified()) {
                without_effect(place, "ipv6_only", "only [::] would take IPv4 connections too", found);
            }
            if !is_local(address.ip()) {
                open_to_all(listen, config, found);
            }
        }
        address => {
            if matches!(address, Address::Abstract(_)) {
                without_effect(place, "mode", "an abstract socket has no file", found);
            }
            for key in ["ipv6_only", "nodelay", "reuse_port"] {
                without_effect(place, key, "this is a Unix socket", found);
            }
            for key in ["allow", "deny"] {
                without_effect(place, key, "the clients of a Unix socket have no address", found);
            }
        }
    }
    networks::check(place, &listen.allow, &listen.deny, found);
    let limits = &listen.limits;
    if limits.head_size.0 > HEAD_MOST {
        let mistake = Diagnostic::error("a head can have 16 MiB at most");
        found.push(mistake.at(limits.place.value("head_size").unwrap_or(limits.place.span)));
    }
    if limits.uri_size > limits.head_size {
        let span = limits.place.value("uri_size").or_else(|| limits.place.value("head_size"));
        let message = "`uri_size` is larger than `head_size`, which it is part of, and never reached";
        found.push(Diagnostic::warning(message).at(span.unwrap_or(limits.place.span)));
    }
    if let Some(connect) = &listen.connect {
        tunnels(connect, found);
    }
}

/// What everybody who reaches the address could misuse.
fn open_to_all(listen: &ListenTable, config: &Config, found: &mut Vec<Diagnostic>) {
    let place = &listen.place;
    let server = &config.server;
    // `allow` is no help here: it judges whom the header names.
    if listen.proxy_protocol
        && server.trusted_proxies.is_empty()
        && server.place.is_sound("trusted_proxies")
        && let Some(span) = place.key("proxy_protocol")
    {
        let mistake =
            Diagnostic::warning("whoever connects can claim to be anybody, by a PROXY header of their own");
        let help = "say in `trusted_proxies` of [server] where your balancer connects from";
        found.push(mistake.at(span).help(help));
    }
    if listen.allow.is_empty()
        && let Some(connect) = &listen.connect
        && connect.auth.is_none()
    {
        let mistake = Diagnostic::warning("whoever connects can reach other machines through tunnels");
        let mistake = mistake.at(place.key("connect").unwrap_or(place.span));
        found.push(mistake.help("say in `auth` or in `allow` who may"));
    }
}

fn tunnels(connect: &ConnectTable, found: &mut Vec<Diagnostic>) {
    if connect.ports.is_empty() && connect.place.is_sound("ports") {
        let mistake = Diagnostic::error("without a port there are no tunnels");
        let mistake = mistake.at(connect.place.value("ports").unwrap_or(connect.place.span));
        found.push(mistake.help("leave out the whole table for none, or the key for port 443"));
    }
    let Some(auth) = &connect.auth else { return };
    exactly_one(&auth.place, &["basic", "bearer"], found);
    let basic = auth.basic.as_ref().is_some_and(|users| users.entries.is_empty());
    let bearer = auth.bearer.as_ref().is_some_and(Vec::is_empty);
    let empty = [("basic", basic), ("bearer", bearer)].into_iter().filter(|(_, empty)| *empty);
    for (key, _) in empty.filter(|(key, _)| auth.place.is_sound(key)) {
        let mistake = Diagnostic::error(format!("an empty `{key}` lets nobody in"));
        found.push(mistake.at(auth.place.value(key).unwrap_or(auth.place.span)));
    }
}

fn is_local(ip: IpAddr) -> bool {
    ip.to_canonical().is_loopback()
}

/// Addresses of which only one can be listened on.
fn overlaps(config: &Config, found: &mut Vec<Diagnostic>) {
    let mut others: HashMap<&Address, Span> = HashMap::new();
    let mut ports: HashMap<u16, Vec<(SocketAddr, bool, Span)>> = HashMap::new();
    let listens =
        config.listen.iter().map(|listen| (&listen.address.value, listen.address.span, listen.ipv6_only));
    let admin =
        config.server.admin.as_ref().map(|admin| {
            (admin, config.server.place.value("admin").unwrap_or(config.server.place.span), false)
        });
    for (address, span, v6_only) in admin.into_iter().chain(listens) {
        let address = &address.0;
        let Address::Ip(ip) = address else {
            if let Some(before) = others.insert(address, span) {
                found.push(twice(address, span, before));
            }
            continue;
        };
        if ip.port() == 0 {
            continue;
        }
        let same_port = ports.entry(ip.port()).or_default();
        if let Some((before, _, at)) =
            same_port.iter().find(|other| overlap((*ip, v6_only), (other.0, other.1)))
        {
            found.push(if before == ip {
                twice(address, span, *at)
            } else {
                let message = format!("{ip} and {before} overlap, and only one of them can be listened on");
                let mistake = Diagnostic::error(message).at(span).label(*at, "the other one");
                mistake.help(if ip.ip().is_unspecified() || before.ip().is_unspecified() {
                    "the one that means every address takes the connections of the other: leave that out"
                } else {
                    "leave one of them out"
                })
            });
        }
        same_port.push((*ip, v6_only, span));
    }
}

fn twice(address: &Address, span: Span, before: Span) -> Diagnostic {
    let mistake = Diagnostic::error(format!("{address} is listened on twice"));
    mistake.at(span).label(before, "first here")
}

/// Whether one connection could be for both; with each whether its IPv6 wildcard leaves out IPv4.
fn overlap(one: (SocketAddr, bool), other: (SocketAddr, bool)) -> bool {
    let covers = |(wide, v6_only): (SocketAddr, bool), narrow: SocketAddr| {
        wide.ip().is_unspecified() && (wide.is_ipv4() == narrow.is_ipv4() || (wide.is_ipv6() && !v6_only))
    };
    one.0.ip() == other.0.ip() || covers(one, other.0) || covers(other, one.0)
}
