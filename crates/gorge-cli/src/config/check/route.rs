//! `[[route]]`, one by one: what becomes of a request, and options without effect.

use std::collections::HashMap;

use gorge::http::{Headers, Known, Method};
use gorge::proxy::filters::{RequestHeaderEdit, Respond, ResponseHeaderEdit};
use gorge::proxy::route::FieldValue;

use super::{exactly_one, given, networks, upstream, without_effect};
use crate::config::diagnostic::Diagnostic;
use crate::config::file::{RESPONSE_MOST, explain};
use crate::config::model::{
    Config, CorsTable, EditsTable, PathTable, RespondTable, RewriteTable, RouteTable,
};
use crate::config::span::Span;
use crate::config::suggest;
use crate::config::tree::Node;
use crate::config::value::Name;

/// What a route does with a request.
const TARGETS: [&str; 3] = ["upstream", "respond", "redirect"];

pub(super) fn check(config: &Config, root: &Node, found: &mut Vec<Diagnostic>) {
    // Also those that could not be read: they are told already.
    let upstreams = root.get("upstream").map(Node::entries).unwrap_or_default();
    let known: HashMap<_, _> = upstreams.iter().map(|entry| (entry.key.as_str(), entry.span)).collect();
    for route in &config.route {
        target(route, &known, found);
        matching(route, found);
        if let Some(rewrite) = &route.rewrite {
            self::rewrite(rewrite, route, found);
        }
        if let Some(respond) = &route.respond {
            self::respond(respond, found);
        }
        edits(route, found);
        if let Some(cors) = &route.cors.0 {
            self::cors(cors, found);
        }
        if let Some(retry) = &route.retry {
            upstream::retry(retry, found);
        }
        if let Some(auth) = route
            .basic_auth
            .as_ref()
            .filter(|auth| auth.users.entries.is_empty() && auth.place.is_sound("users"))
        {
            let mistake = Diagnostic::error("without users nobody is let in");
            found.push(mistake.at(auth.place.value("users").unwrap_or(auth.place.span)));
        }
        networks::check(&route.place, &route.allow, &route.deny, found);
    }
    names(config, found);
}

/// Where a request goes: exactly one thing, and an upstream that exists.
fn target(route: &RouteTable, known: &HashMap<&str, Span>, found: &mut Vec<Diagnostic>) {
    let place = &route.place;
    let targets = given(place, &TARGETS);
    if targets.is_empty() && route.maintenance.0.is_none() && !TARGETS.iter().any(|key| place.was_meant(key))
    {
        let mistake = Diagnostic::error("this route does not say what becomes of a request").at(place.span);
        let help = "add one of: upstream = \"NAME\" to pass it on, respond = 404 to answer it, redirect = \"https://$host$uri\" to lead elsewhere";
        found.push(mistake.help(help));
    } else if targets.len() > 1 {
        exactly_one(place, &TARGETS, found);
    }
    if let Some(name) = route.upstream.as_ref().filter(|name| !known.contains_key(name.value.0.as_str())) {
        found.push(no_upstream(&name.value, name.span, known));
    }
    if let Some(redirect) = &route.redirect {
        let status = &redirect.status;
        if !matches!(status.value.as_u16(), 301 | 302 | 303 | 307 | 308) {
            let mistake = Diagnostic::error(format!("{} is no redirection", status.value.as_u16()));
            found.push(mistake.at(status.span).help("it may be 301, 302, 303, 307 or 308"));
        }
        if matches!(redirect.to.0.as_str(), "$uri" | "$path" | "$scheme://$host$uri") {
            let mistake = Diagnostic::error("this leads to where the request came from, again and again");
            found.push(mistake.at(redirect.place.value("to").unwrap_or(redirect.place.span)));
        }
    }
    if targets.len() == 1 && !place.has("upstream") {
        let why = format!("only with `upstream` is a request passed on, and here it is `{}`", targets[0]);
        for key in ["rewrite", "request_headers", "timeout", "retry", "websocket"] {
            without_effect(place, key, &why, found);
        }
    }
}

fn no_upstream(name: &Name, span: Span, known: &HashMap<&str, Span>) -> Diagnostic {
    let mistake = Diagnostic::error(format!("there is no upstream `{}`", name.0));
    let mut names: Vec<_> = known.iter().map(|(name, span)| (*span, *name)).collect();
    names.sort_unstable();
    match suggest::closest(&name.0, names.iter().map(|(_, name)| *name)) {
        Some(near) => {
            let mistake = mistake.at(span).help(format!("did you mean \"{near}\"?"));
            mistake.label(known[near], "this one")
        }
        None if names.is_empty() => {
            mistake.at(span).help(format!("add [upstream.{}] with its servers", name.0))
        }
        None if names.len() == 1 => mistake.at(span).help(format!("there is only `{}`", names[0].1)),
        None => {
            const SHOWN: usize = 10;
            let shown = suggest::list(names.iter().take(SHOWN).map(|(_, name)| *name), "and");
            let more = if names.len() > SHOWN { " among others" } else { "" };
            mistake.at(span).help(format!("there are {shown}{more}"))
        }
    }
}

/// What a route asks of a request.
fn matching(route: &RouteTable, found: &mut Vec<Diagnostic>) {
    if let Some(PathTable { place, .. }) = route.path.as_ref() {
        exactly_one(place, &["prefix", "exact"], found);
    }
    if route.place.has("host") && route.host.0.is_empty() && route.place.is_sound("host") {
        let mistake = Diagnostic::error("an empty `host` takes no request");
        let mistake = mistake.at(route.place.value("host").unwrap_or(route.place.span));
        found.push(mistake.help("leave the key out for any host"));
    }
    if route.place.has("methods") && route.methods.is_empty() && route.place.is_sound("methods") {
        let mistake = Diagnostic::error("an empty `methods` takes no request");
        let mistake = mistake.at(route.place.value("methods").unwrap_or(route.place.span));
        found.push(mistake.help("leave the key out for any method"));
    }
    for (name, value) in &route.headers.entries {
        field_of_the_connection(&name.value.0, &value.0, name.span, found);
    }
    repeated(route.host.0.iter().map(|host| (&host.value, host.span)), found);
    repeated(route.methods.iter().map(|method| (&method.value, method.span)), found);
    for method in &route.methods {
        if method.value == Method::CONNECT {
            let mistake = Diagnostic::warning("CONNECT never reaches a route").at(method.span);
            found.push(mistake.help("tunnels are allowed by [listen.connect]"));
        }
    }
}

/// Tells of a field that is gone before a route is chosen, as it belongs to the connection
/// (RFC 9110 7.6.1).
fn field_of_the_connection(name: &str, value: &FieldValue, span: Span, found: &mut Vec<Diagnostic>) {
    // The one value of TE that stays.
    let probe = if let FieldValue::Is(value) = value { value } else { "trailers" };
    let mut headers = Headers::new();
    if headers.append(name, probe).is_err() {
        return;
    }
    headers.remove_hop_by_hop();
    if headers.contains(name) {
        return;
    }
    let so = if *value == FieldValue::Absent { "has no effect" } else { "is never met" };
    let message =
        format!("`{name}` belongs to the connection and is no field of a request: this condition {so}");
    let help = match Known::classify(name.as_bytes()) {
        Some(Known::Upgrade) => "a WebSocket has the fields `Sec-WebSocket-*`, which stay",
        _ => "name another field, or leave it out",
    };
    found.push(Diagnostic::warning(message).at(span).help(help));
}

/// Tells of what stands in a list twice.
fn repeated<'a, T: std::hash::Hash + Eq + 'a>(
    list: impl Iterator<Item = (&'a T, Span)>,
    found: &mut Vec<Diagnostic>,
) {
    let mut seen: HashMap<&T, Span> = HashMap::new();
    for (value, span) in list {
        if let Some(before) = seen.insert(value, span) {
            found.push(
                Diagnostic::warning("this is in the list already").label(span, "again").label(before, "here"),
            );
        }
    }
}

fn rewrite(rewrite: &RewriteTable, route: &RouteTable, found: &mut Vec<Diagnostic>) {
    exactly_one(&rewrite.place, &["prefix", "path", "strip"], found);
    if rewrite.place.has("strip") && !rewrite.strip {
        without_effect(&rewrite.place, "strip", "it is false", found);
    }
    if route.path.is_none() && rewrite.strip {
        without_effect(&rewrite.place, "strip", "the route has no `path` that could be taken away", found);
    }
}

fn respond(respond: &RespondTable, found: &mut Vec<Diagnostic>) {
    const BODIES: [&str; 4] = ["text", "html", "json", "file"];
    let bodies = given(&respond.place, &BODIES);
    if bodies.len() > 1 {
        exactly_one(&respond.place, &BODIES, found);
    }
    if let Some(key) = bodies.first().and_then(|key| respond.place.key(key))
        && let Err(error) = Respond::text(respond.status, "x")
    {
        found.push(refused(&error, key));
    }
    if let Some(file) = &respond.file {
        let path = &file.value.0;
        let why = match std::fs::metadata(path) {
            Ok(metadata) if !metadata.is_file() => Some("cannot be read: it is no ordinary file".to_owned()),
            Ok(metadata) if metadata.len() > RESPONSE_MOST => {
                Some(format!("is larger than {} MiB, and answers are kept in memory", RESPONSE_MOST >> 20))
            }
            Ok(_) => {
                std::fs::File::open(path).err().map(|error| format!("cannot be read: {}", explain(&error)))
            }
            Err(error) => Some(format!("cannot be read: {}", explain(&error))),
        };
        if let Some(why) = why {
            let mistake = Diagnostic::error(format!("the file {} {why}", path.display()));
            found.push(mistake.at(file.span));
        }
    }
    for (name, value) in &respond.headers.entries {
        let field = Respond::empty(respond.status).and_then(|answer| answer.field(&name.value.0, &value.0));
        found.extend(field.err().map(|error| refused(&error, name.span)));
    }
}

/// What the library says about a field that cannot be edited so.
fn refused(error: &gorge::error::Error, span: Span) -> Diagnostic {
    Diagnostic::error(error.contexts().next().unwrap_or("this field cannot be changed").to_owned()).at(span)
}

fn edits(route: &RouteTable, found: &mut Vec<Diagnostic>) {
    let request = &route.request_headers;
    for (set, name, value) in changes(request) {
        let edit = RequestHeaderEdit::new();
        let edited = if set { edit.set(&name.value.0, value) } else { edit.add(&name.value.0, value) };
        found.extend(edited.err().map(|error| refused(&error, name.span)));
    }
    for name in &request.remove {
        let edited = RequestHeaderEdit::new().remove(&name.value.0);
        found.extend(edited.err().map(|error| refused(&error, name.span)));
    }
    let response = &route.response_headers;
    for (set, name, value) in changes(response) {
        let edit = ResponseHeaderEdit::new();
        let edited = if set { edit.set(&name.value.0, value) } else { edit.add(&name.value.0, value) };
        found.extend(edited.err().map(|error| refused(&error, name.span)));
    }
    for name in &response.remove {
        let edited = ResponseHeaderEdit::new().remove(&name.value.0);
        found.extend(edited.err().map(|error| refused(&error, name.span)));
    }
    for edits in [request, response] {
        for name in &edits.remove {
            if let Some((set, _)) = edits.set.entries.iter().find(|(set, _)| set.value == name.value) {
                let mistake =
                    Diagnostic::warning(format!("`{}` is set, so removing it changes nothing", name.value.0));
                found.push(mistake.label(name.span, "removed").label(set.span, "set"));
            }
        }
    }
}

/// What is set (true) or added, name and value.
fn changes(
    edits: &EditsTable,
) -> impl Iterator<Item = (bool, &crate::config::At<crate::config::value::HeaderName>, &str)> {
    let set = edits.set.entries.iter().map(|(name, value)| (true, name, value.0.as_str()));
    set.chain(edits.add.entries.iter().map(|(name, value)| (false, name, value.0.as_str())))
}

fn cors(cors: &CorsTable, found: &mut Vec<Diagnostic>) {
    let any = cors.origins.iter().find(|origin| origin.value.0 == "*");
    if cors.origins.is_empty() && cors.place.is_sound("origins") {
        let mistake = Diagnostic::error("without an origin no page may ask");
        let mistake = mistake.at(cors.place.value("origins").unwrap_or(cors.place.span));
        found.push(mistake.help("name some, or leave out `cors`"));
    }
    if let (true, Some(any)) = (cors.credentials, any) {
        let mistake =
            Diagnostic::error("cookies for pages of any origin would give every page what the user may see");
        let mistake = mistake.at(cors.place.key("credentials").unwrap_or(cors.place.span));
        found.push(mistake.label(any.span, "any origin").help("name the origins that may send them"));
    }
    if let Some(any) = any.filter(|_| cors.origins.len() > 1) {
        let mistake = Diagnostic::warning("\"*\" means every origin, so the others have no effect");
        found.push(mistake.at(any.span));
    }
}

/// Two routes of the same name could not be told apart in logs.
fn names(config: &Config, found: &mut Vec<Diagnostic>) {
    let mut seen: HashMap<&Name, Span> = HashMap::new();
    for route in &config.route {
        let Some(name) = &route.name else { continue };
        let span = route.place.value("name").unwrap_or(route.place.span);
        if let Some(before) = seen.insert(name, span) {
            let mistake = Diagnostic::error(format!("two routes have the name `{}`", name.0));
            found.push(mistake.at(span).label(before, "the other one"));
        }
    }
}
