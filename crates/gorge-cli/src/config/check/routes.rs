//! All routes together: equal ones, and those that are never chosen.
//!
//! A route is chosen by the most specific host, then the longest path, then its conditions. So only
//! routes for the same host and the same path can take all requests of another one away, and of those
//! only such as come before it: that name methods if it does and ask for the same fields.

use std::collections::{HashMap, HashSet};

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
    let mut groups: HashMap<Group<'_>, Taken<'_>> = HashMap::new();
    for route in &config.route {
        if ["host", "path", "methods", "headers"].iter().any(|key| !route.place.is_sound(key)) {
            continue;
        }
        let Some(path) = path(route) else { continue };
        let fields = fields(route);
        let mut taken = Vec::new();
        let mut equal = None;
        let hosts: Vec<Option<&HostPattern>> = match route.host.0.as_slice() {
            [] if route.place.has("host") => continue,
            [] => vec![None],
            hosts => hosts.iter().map(|host| Some(&host.value)).collect(),
        };
        let mut seen = HashSet::new();
        for host in &hosts {
            // Repetition is told elsewhere.
            if !seen.insert(host) {
                continue;
            }
            let group =
                groups.entry(Group { host: *host, path: path.clone(), fields: fields.clone() }).or_default();
            match group.equal(route) {
                Some(other) => equal = equal.or(Some((other, *host))),
                None => {
                    taken.extend(group.takers(route).map(|takers| (*host, takers)));
                    group.add(route);
                }
            }
        }
        if let Some((other, host)) = equal {
            found.push(equal_routes(route, other, host));
        } else if taken.len() == seen.len() {
            found.push(never_chosen(route, &taken[0].1));
        } else {
            found.extend(taken.iter().map(|(host, takers)| host_in_vain(route, *host, takers)));
        }
    }
}

/// Routes that differ in nothing but their methods.
#[derive(PartialEq, Eq, Hash)]
struct Group<'a> {
    host: Option<&'a HostPattern>,
    path: PathPattern,
    fields: String,
}

/// The path of a route; `None` if that was told wrong.
fn path(route: &RouteTable) -> Option<PathPattern> {
    match &route.path {
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

/// The routes of a group so far, by what they take.
#[derive(Default)]
struct Taken<'a> {
    /// By all their methods, sorted; none: every method.
    sets: HashMap<Vec<&'a str>, &'a RouteTable>,
    /// The first one that names a method.
    methods: HashMap<&'a str, &'a RouteTable>,
}

impl<'a> Taken<'a> {
    fn set(route: &'a RouteTable) -> Vec<&'a str> {
        let mut methods: Vec<_> = route.methods.iter().map(|method| method.value.as_str()).collect();
        if route.cors.0.is_some() && !methods.is_empty() {
            // With that browsers ask whether they may ask.
            methods.push(Method::OPTIONS.as_str());
        }
        methods.sort_unstable();
        methods.dedup();
        methods
    }

    /// The one that takes the very same requests.
    fn equal(&self, route: &'a RouteTable) -> Option<&'a RouteTable> {
        self.sets.get(&Self::set(route)).copied()
    }

    fn add(&mut self, route: &'a RouteTable) {
        let methods = Self::set(route);
        for method in &methods {
            self.methods.entry(method).or_insert(route);
        }
        self.sets.insert(methods, route);
    }

    /// Those that together take every method of a route, each once.
    fn takers(&self, route: &'a RouteTable) -> Option<Vec<&'a RouteTable>> {
        if route.methods.is_empty() {
            return None;
        }
        let mut takers: Vec<&RouteTable> = Vec::new();
        for name in Self::set(route) {
            // GET includes HEAD.
            let get = || self.methods.get("GET").filter(|_| name == "HEAD");
            let taker = *self.methods.get(name).or_else(get)?;
            if !takers.iter().any(|known| std::ptr::eq(*known, taker)) {
                takers.push(taker);
            }
        }
        Some(takers)
    }
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
