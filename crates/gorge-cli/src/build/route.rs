//! `[[route]]` into what a request must be like, and what becomes of it.

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;

use gorge::error::{Error, Kind, OrErr, Result};
use gorge::http::{Method, Status};
use gorge::load_balancer::LoadBalancer;
use gorge::protocols::Networks;
use gorge::proxy::filters::{
    AccessList, BasicAuth, BodyLimit, Cors, Maintenance, Redirect, RequestHeaderEdit, Respond,
    ResponseHeaderEdit, Rewrite, SecurityHeaders,
};
use gorge::proxy::route::{FieldPattern, Matching, PathPattern};
use gorge::proxy::{Route, Routes};

use crate::build::networks;
use crate::build::upstream::retry;
use crate::config::value::{FieldMatch, Frame, HeaderName};
use crate::config::{
    At, BasicAuthTable, CorsTable, EditsTable, MaintenanceTable, PathTable, RESPONSE_MOST, RespondTable,
    RewriteTable, RouteTable, SecurityHeadersTable, bounded,
};
use crate::guest::Guest;

/// The balancers by the name of their upstream.
pub(crate) type Upstreams = HashMap<String, Arc<LoadBalancer>>;

/// The routes of a listener.
pub(crate) type TheRoutes = Routes<(), Arc<LoadBalancer>>;

/// One of them.
pub(crate) type TheRoute = Route<(), Arc<LoadBalancer>>;

/// What the routes of one listener have in common.
pub(crate) struct Common<'a> {
    pub(crate) upstreams: &'a Upstreams,
    /// Whose word is taken for the client's address.
    pub(crate) trusted: &'a Networks,
    /// How long bodies may be, unless a route says otherwise.
    pub(crate) body_size: Option<u64>,
    /// Who else has a say in it.
    pub(crate) guest: Option<&'a dyn Guest>,
}

/// The two filters are two types, so that each states its hook, with the same methods.
macro_rules! edits {
    ($edit:expr, $table:expr) => {{
        let (mut edit, table): (_, &EditsTable) = ($edit, $table);
        for name in &table.remove {
            edit = edit.remove(&name.value.0)?;
        }
        for (name, value) in &table.set.entries {
            edit = edit.set(&name.value.0, &value.0)?;
        }
        for (name, value) in &table.add.entries {
            edit = edit.add(&name.value.0, &value.0)?;
        }
        edit
    }};
}

/// Builds all routes.
pub(crate) fn build(tables: &[RouteTable], common: &Common<'_>) -> Result<TheRoutes> {
    let mut routes = Vec::with_capacity(tables.len());
    for (number, table) in tables.iter().enumerate() {
        let name = name(table, number);
        let built = route(name.clone(), table, common).explain_with(|| format!("route {name}"))?;
        routes.push((matching(table), built));
    }
    Routes::new(routes)
}

/// What a route is called in logs.
pub(crate) fn name(table: &RouteTable, number: usize) -> String {
    table.name.as_ref().map_or_else(|| (number + 1).to_string(), |name| name.0.clone())
}

pub(crate) fn matching(table: &RouteTable) -> Matching {
    let field = |(name, value): &(At<HeaderName>, FieldMatch)| FieldPattern {
        name: name.value.0.clone(),
        value: value.0.clone(),
    };
    let mut methods: Vec<_> = table.methods.iter().map(|method| method.value.clone()).collect();
    if table.cors.0.is_some() && !methods.is_empty() && !methods.contains(&Method::OPTIONS) {
        // With that browsers ask whether they may ask.
        methods.push(Method::OPTIONS);
    }
    Matching {
        hosts: table.host.0.iter().map(|host| host.value.clone()).collect(),
        path: table.path.as_ref().map_or_else(PathPattern::default, path),
        methods,
        fields: table.headers.entries.iter().map(field).collect(),
    }
}

fn path(table: &PathTable) -> PathPattern {
    match (&table.prefix, &table.exact) {
        (_, Some(exact)) => exact.value.0.clone(),
        (Some(prefix), None) => prefix.value.clone(),
        (None, None) => PathPattern::default(),
    }
}

/// The filters stand in the order in which a request should meet them: who may ask at all comes
/// first, what changes the request last.
fn route(name: String, table: &RouteTable, common: &Common<'_>) -> Result<TheRoute> {
    let upstream = table.upstream.as_ref().and_then(|name| common.upstreams.get(&name.value.0));
    let mut route = match upstream {
        Some(upstream) => Route::to(name, upstream.clone()),
        None => Route::answered(name),
    };
    if let Some(guest) = common.guest {
        route = guest.extend(route);
    }
    route = route.upgrade(table.websocket);
    if let Some(timeout) = table.timeout {
        route = route.timeout(timeout);
    }
    if let Some(table) = &table.retry {
        route = route.retry(retry(table));
    }
    // Outermost, so that every answer has them, whoever gives it.
    if !is_empty(&table.response_headers) {
        route = route.filter(edits!(ResponseHeaderEdit::new(), &table.response_headers));
    }
    if let Some(table) = &table.security_headers.0 {
        route = route.filter(security_headers(table)?);
    }
    if !table.allow.is_empty() || !table.deny.is_empty() {
        let mut list = AccessList::new().deny(networks(&table.deny)).trust(common.trusted.clone());
        if !table.allow.is_empty() {
            list = list.allow(networks(&table.allow));
        }
        route = route.filter(list);
    }
    if let Some(table) = &table.maintenance.0 {
        route = route.filter(maintenance(table));
    }
    // Before the password: browsers send none with a preflight.
    if let Some(table) = &table.cors.0 {
        route = route.filter(cors(table)?);
    }
    if let Some(table) = &table.basic_auth {
        route = route.filter(basic_auth(table)?);
    }
    if let Some(most) = table.body_size.map(|size| size.0).or(common.body_size) {
        route = route.filter(BodyLimit::new(most));
    }
    if !is_empty(&table.request_headers) {
        route = route.filter(edits!(RequestHeaderEdit::new(), &table.request_headers));
    }
    answer_or_rewrite(route, table)
}

fn answer_or_rewrite(mut route: TheRoute, table: &RouteTable) -> Result<TheRoute> {
    if let Some(redirect) = &table.redirect {
        return Ok(route.filter(Redirect::new(redirect.status.value, &redirect.to.0)?));
    }
    if let Some(table) = &table.respond {
        return Ok(route.filter(respond(table)?));
    }
    if let Some(rewrite) = &table.rewrite
        && let Some(filter) = self::rewrite(rewrite, table)?
    {
        route = route.filter(filter);
    }
    Ok(route)
}

fn is_empty(edits: &EditsTable) -> bool {
    edits.set.entries.is_empty() && edits.add.entries.is_empty() && edits.remove.is_empty()
}

fn security_headers(table: &SecurityHeadersTable) -> Result<SecurityHeaders> {
    let frame = match table.frame {
        Frame::Deny => "DENY",
        Frame::SameOrigin => "SAMEORIGIN",
    };
    SecurityHeaders::new()
        .hsts(table.hsts)
        .frame_options(Some(frame))?
        .referrer_policy(Some(&table.referrer.0))?
        .content_security_policy(table.csp.as_ref().map(|csp| csp.0.as_str()))
}

fn maintenance(table: &MaintenanceTable) -> Maintenance {
    let mut filter = Maintenance::new();
    if let Some(after) = table.retry_after {
        filter = filter.retry_after(after);
    }
    if let Some(text) = &table.text {
        filter = filter.text(text.as_str());
    }
    filter
}

fn cors(table: &CorsTable) -> Result<Cors> {
    let any = table.origins.iter().any(|origin| origin.value.0 == "*");
    let mut cors = match any {
        true => Cors::any_origin(),
        false => Cors::origins(table.origins.iter().map(|origin| &*origin.value.0))?,
    };
    cors = cors.methods(table.methods.iter().map(|method| method.value.as_str()))?;
    if !table.headers.is_empty() {
        cors = cors.headers(table.headers.iter().map(|name| &*name.value.0))?;
    }
    if !table.expose.is_empty() {
        cors = cors.expose(table.expose.iter().map(|name| &*name.value.0))?;
    }
    cors = cors.max_age(table.max_age);
    if table.credentials { cors.credentials() } else { Ok(cors) }
}

fn basic_auth(table: &BasicAuthTable) -> Result<BasicAuth> {
    let users = table.users.entries.iter().map(|(name, secret)| (&*name.value.0, secret.reveal()));
    BasicAuth::new(&table.realm.0, users)
}

fn respond(table: &RespondTable) -> Result<Respond> {
    let status = table.status;
    let mut respond = match (&table.text, &table.html, &table.json, &table.file) {
        (Some(text), ..) => Respond::text(status, text.as_str())?,
        (_, Some(html), ..) => Respond::html(status, html.as_str())?,
        (_, _, Some(json), _) => Respond::json(status, json.as_str())?,
        (.., Some(file)) => from_file(status, &file.value.0)?,
        _ => Respond::empty(status)?,
    };
    for (name, value) in &table.headers.entries {
        respond = respond.field(&name.value.0, &value.0)?;
    }
    Ok(respond)
}

fn from_file(status: Status, file: &Path) -> Result<Respond> {
    let body = bounded(file, RESPONSE_MOST).map_err(|why| {
        Error::explain(Kind::File, format!("the file {} {why}", file.display())).into_internal()
    })?;
    Respond::bytes(status, content_type(file), body)
}

/// The type of a file by its name; there are few that one answers with from memory.
fn content_type(file: &Path) -> &'static str {
    match file.extension().and_then(|extension| extension.to_str()) {
        Some("html" | "htm") => "text/html; charset=utf-8",
        Some("txt") => "text/plain; charset=utf-8",
        Some("css") => "text/css; charset=utf-8",
        Some("js" | "mjs") => "text/javascript; charset=utf-8",
        Some("json") => "application/json",
        Some("xml") => "application/xml",
        Some("svg") => "image/svg+xml",
        Some("png") => "image/png",
        Some("jpg" | "jpeg") => "image/jpeg",
        Some("gif") => "image/gif",
        Some("webp") => "image/webp",
        Some("ico") => "image/x-icon",
        Some("pdf") => "application/pdf",
        _ => "application/octet-stream",
    }
}

fn rewrite(table: &RewriteTable, route: &RouteTable) -> Result<Option<Rewrite>> {
    let matched = match route.path.as_ref().map(path) {
        Some(PathPattern::Prefix(path) | PathPattern::Exact(path)) => path,
        None => String::new(),
    };
    let matched = if matched.is_empty() { "/" } else { &matched };
    match (&table.path, &table.prefix) {
        (Some(path), _) => Rewrite::path(&path.0).map(Some),
        (None, Some(prefix)) => Rewrite::replace_prefix(matched, &prefix.0).map(Some),
        (None, None) if table.strip => Rewrite::strip_prefix(matched).map(Some),
        (None, None) => Ok(None),
    }
}
