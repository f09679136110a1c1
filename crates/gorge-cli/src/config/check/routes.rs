//! All routes together: equal ones, and those that are never chosen.
//!
//! A route is chosen by the most specific host, then the longest path, then its conditions. So only
//! routes for the same host and the same path can take all requests of another one away, and of those
//! only such as come before it: that name methods if it does and ask for the same fields.

use std::collections::HashMap;

use gorge::http::Method;
use gorge::proxy::route::{FieldValue, HostPattern, PathPattern};

use crate::config::diagnostic::Diagnostic;
use crate::config::model::{Config, RouteTable};
use crate::config::span::Span;

pub(super) fn check(config: &Config, found: &mut Vec<Diagnostic>) {
    if config.route.is_empty() && !config.place.has("route") {
        let mistake = Diagnostic::warning("there is no [[route]], so every request is answered with 404");
        found.push(mistake.help("add one: [[route]] and below it upstream = \"NAME\""));
    }
    let mut groups: HashMap<Group<'_>, Vec<&RouteTable>> = HashMap::new();
    for route in &config.route {
        let Some(path) = path(route) else { continue };
        let fields = fields(route);
        let mut taken = Vec::new();
        let mut equal = None;
        let hosts: Vec<Option<&HostPattern>> = match route.host.0.as_slice() {
            [] if route.place.has("host") => continue,
            [] => vec![None],
            hosts => hosts.iter().map(|host| Some(&host.value)).collect(),
        };
        for (number, host) in hosts.iter().enumerate() {
            if hosts[..number.min(MANY)].contains(host) {
                continue;
            }
            let group =
                groups.entry(Group { host: *host, path: path.clone(), fields: fields.clone() }).or_default();
            match group.iter().find(|other| same_methods(other, route)) {
                Some(other) => equal = equal.or(Some((*other, *host))),
                None => {
                    taken.extend(takers(group, route).map(|takers| (*host, takers)));
                    group.push(route);
                }
            }
        }
        if let Some((other, host)) = equal {
            found.push(equal_routes(route, other, host));
        } else if taken.len() == hosts.len() {
            found.push(never_chosen(route, &taken[0].1));
        } else {
            found.extend(taken.iter().map(|(host, takers)| host_in_vain(route, *host, takers)));
        }
    }
}

/// Up to so many hosts of a list are looked at for repetition, which is told elsewhere.
const MANY: usize = 100;

/// Routes that differ in nothing but their methods.
#[derive(PartialEq, Eq, Hash)]
struct Group<'a> {
    host: Option<&'a HostPattern>,
    path: PathPattern,
    fields: String,
}

/// The path of a route; `None` if that was not to be read.
fn path(route: &RouteTable) -> Option<PathPattern> {
    match &route.path {
        None if route.place.has("path") => None,
        None => Some(PathPattern::default()),
        Some(table) => match (&table.prefix, &table.exact) {
            (Some(prefix), None) => Some(prefix.value.clone()),
            (None, Some(exact)) => Some(exact.value.0.clone()),
            _ => None,
        },
    }
}

/// What is asked of fields, in a form that is the same whatever the order. No name or value has a line
/// end.
fn fields(route: &RouteTable) -> String {
    let mut all: Vec<_> = route
        .headers
        .entries
        .iter()
        .map(|(name, value)| {
            let name = name.value.0.to_ascii_lowercase();
            match &value.0 {
                FieldValue::Absent => format!("{name} absent"),
                FieldValue::Is(value) => format!("{name} is {value}"),
                FieldValue::Present => format!("{name} present"),
            }
        })
        .collect();
    all.sort_unstable();
    all.join("\n")
}

fn same_methods(one: &RouteTable, other: &RouteTable) -> bool {
    let all_in = |one: &RouteTable, other: &RouteTable| {
        one.methods.iter().all(|method| other.methods.iter().any(|known| known.value == method.value))
    };
    one.methods.is_empty() == other.methods.is_empty() && all_in(one, other) && all_in(other, one)
}

/// Those of `before` that together take every method of a route, one for each.
fn takers<'a>(before: &[&'a RouteTable], route: &RouteTable) -> Option<Vec<&'a RouteTable>> {
    if route.methods.is_empty() {
        return None;
    }
    let takes = |other: &RouteTable, method: &Method| {
        let named = |wanted: &Method| other.methods.iter().any(|known| known.value == *wanted);
        named(method) || (*method == Method::HEAD && named(&Method::GET))
    };
    let taker = |method: &Method| before.iter().copied().find(|other| takes(other, method));
    let mut takers: Vec<&RouteTable> = Vec::new();
    for method in &route.methods {
        let taker = taker(&method.value)?;
        if !takers.iter().any(|known| std::ptr::eq(*known, taker)) {
            takers.push(taker);
        }
    }
    Some(takers)
}

fn equal_routes(route: &RouteTable, other: &RouteTable, host: Option<&HostPattern>) -> Diagnostic {
    let whose = host.map_or(String::new(), |host| format!(" for {host}"));
    Diagnostic::error(format!("two routes take the very same requests{whose}"))
        .label(place(route, host), "this one")
        .label(place(other, host), "the other one")
        .help("give one of them another host, path, methods or headers, or leave one out")
}

fn never_chosen(route: &RouteTable, takers: &[&RouteTable]) -> Diagnostic {
    let mut mistake =
        Diagnostic::warning("this route is never chosen: others before it take all its methods");
    mistake = mistake.label(route.place.key("methods").unwrap_or(route.place.span), "never chosen");
    for taker in takers {
        mistake = mistake.label(taker.place.key("methods").unwrap_or(taker.place.span), "taken here");
    }
    mistake.help("put it before them, or leave it out")
}

fn host_in_vain(route: &RouteTable, host: Option<&HostPattern>, takers: &[&RouteTable]) -> Diagnostic {
    let name = host.map_or(String::new(), HostPattern::to_string);
    let mut mistake = Diagnostic::warning(format!("for {name} this route is never chosen"));
    mistake = mistake.label(place(route, host), "no effect");
    for taker in takers {
        mistake = mistake.label(place(taker, host), "taken here");
    }
    mistake
}

/// Where a route names a host, or else its header.
fn place(route: &RouteTable, host: Option<&HostPattern>) -> Span {
    let named = route.host.0.iter().find(|known| Some(&known.value) == host);
    named.map_or(route.place.span, |host| host.span)
}
