//! What would become of a request: listener, route, filters, upstream.

use std::net::IpAddr;

use bytes::Bytes;
use gorge::http::{Known, Method, RequestHead, Uri, path};
use gorge::protocols::{Address, IpNet};
use gorge::proxy::Route;
use gorge::proxy::filters::Ready;
use gorge::proxy::route::Found;

use crate::args::CheckArguments;
use crate::build::{Around, Generation, TheRoutes, Tickets, logs::Writers};
use crate::config::value::{LogTarget, ServerAddress};
use crate::config::{At, Config, ListenTable, RouteTable, ServerEntry, UpstreamTable};
use crate::failure::Failure;
use crate::terminal::print;

/// The request that is asked about.
struct Asked {
    head: RequestHead,
    host: String,
    port: u16,
    /// In its normal form, or why it has none.
    path: Result<String, String>,
}

/// Builds the configuration as `run` would, opens nothing, and looks up the request.
pub(crate) fn run(arguments: &CheckArguments, config: &Config) -> Result<(), Failure> {
    let asked = Asked::read(arguments)?;
    let mut config = config.clone();
    // Nothing is to be opened that a running process has open.
    config.server.access_log.to = LogTarget::Off;
    config.server.error_log.to = LogTarget::Off;
    let writers = Writers::default();
    let around =
        Around { workers: 1, writers: &writers, before: None, guest: None, tickets: &Tickets::default() };
    let generation = Generation::build(config, &around).map_err(|error| Failure::refused(&error))?;
    print(format_args!("{} {}{}", asked.head.method.as_str(), asked.host, asked.head.uri.path_and_query()));
    let place = listener(&generation.config, &asked);
    let Some(listen) = generation.config.listen.get(place) else {
        print("answer: none, there is no listener");
        return Ok(());
    };
    if let Some(client) = arguments.client
        && !may_ask(&listen.allow, &listen.deny, client)
    {
        print(format_args!("client {client}: its connection is closed by allow and deny of the listener"));
        return Ok(());
    }
    if let Some(answer) = without_route(&asked, listen) {
        print(answer);
        return Ok(());
    }
    match (&asked.path, generation.routes_at(place)) {
        (Ok(path), Some(routes)) => by_route(&asked, path, routes, &generation.config, arguments.client),
        (Err(why), _) => print(format_args!("route: none is asked; answer: 400, {why}")),
        (Ok(_), None) => {}
    }
    Ok(())
}

/// What becomes of requests that no route is asked about.
fn without_route(asked: &Asked, listen: &ListenTable) -> Option<String> {
    let none = "route: none is asked;";
    match (&asked.head.method, &listen.connect) {
        (&Method::TRACE, _) => Some(format!("{none} answer: 405")),
        (&Method::CONNECT, None) => Some(format!("{none} answer: 405, as there is no [listen.connect]")),
        (&Method::CONNECT, Some(table)) => {
            let ports: Vec<_> = table.ports.iter().map(|port| port.value.0.to_string()).collect();
            Some(format!(
                "{none} a tunnel, if [listen.connect] allows it (to the ports {})",
                ports.join(", ")
            ))
        }
        _ => None,
    }
}

/// What becomes of a request by the route that takes it, or because none does.
fn by_route(asked: &Asked, path: &str, routes: &TheRoutes, config: &Config, client: Option<IpAddr>) {
    match routes.router().find(&asked.host, path, &asked.head) {
        Found::Nothing => print("route: none; answer: 404"),
        Found::MethodNotAllowed => {
            let allowed = routes.router().allowed(&asked.host, path, &asked.head);
            let allowed: Vec<_> = allowed.iter().map(Method::as_str).collect();
            print(format_args!("route: none with this method; answer: 405, Allow: {}", allowed.join(", ")));
        }
        Found::Route(number) => {
            let id = gorge::filter::RouteId(u32::try_from(number).unwrap_or(u32::MAX));
            if let Some(route) = routes.get(id) {
                tell(route, number, config, asked, client);
            }
        }
    }
}

fn tell<U>(route: &Route<(), U>, number: usize, config: &Config, asked: &Asked, client: Option<IpAddr>) {
    let table = &config.route[number];
    let conditions = routes_conditions(table);
    print(format_args!("route: {} (number {}), which takes {conditions}", route.name(), number + 1));
    if let Ok(path) = &asked.path
        && path != asked.head.uri.path()
    {
        print(format_args!("path: {path} in its normal form, which is what counts and goes upstream"));
    }
    let filters: Vec<_> = ["RequestId", "ForwardedHeaders"]
        .into_iter()
        .chain(route.filters().iter().map(Ready::name))
        .collect();
    print(format_args!("filters: {}", filters.join(", ")));
    if let Some(client) = client {
        print(access(table, client));
    }
    if let Some(upstream) = &table.upstream {
        let name = &upstream.value.0;
        if let Some((_, table)) = config.upstream.entries.iter().find(|(key, _)| key.value.0 == *name) {
            print(format_args!("upstream: {name}: {}", servers(table)));
        }
    } else if let Some(redirect) = &table.redirect {
        print(format_args!("answer: {} to {}", redirect.status.value.as_u16(), redirect.to.0));
    } else if let Some(respond) = &table.respond {
        print(format_args!("answer: {}", respond.status.as_u16()));
    } else {
        print("answer: 503, maintenance");
    }
}

/// Host, path, methods and fields of a route, as one would say them.
fn routes_conditions(table: &RouteTable) -> String {
    let hosts: Vec<_> = table.host.0.iter().map(|host| host.value.to_string()).collect();
    let mut text = if hosts.is_empty() { "any host".to_owned() } else { hosts.join(" or ") };
    match &table.path {
        Some(path) => match (&path.prefix, &path.exact) {
            (_, Some(exact)) => text.push_str(&format!(", the path {}", exact.value.0)),
            (Some(prefix), None) => text.push_str(&format!(", paths below {}", prefix.value)),
            (None, None) => text.push_str(", any path"),
        },
        None => text.push_str(", any path"),
    }
    if !table.methods.is_empty() {
        let methods: Vec<_> = table.methods.iter().map(|method| method.value.as_str()).collect();
        text.push_str(&format!(", {}", methods.join(" or ")));
    }
    for (name, _) in &table.headers.entries {
        text.push_str(&format!(", by the field {}", name.value.0));
    }
    text
}

fn access(table: &RouteTable, client: IpAddr) -> String {
    match may_ask(&table.allow, &table.deny, client) {
        true => format!("client {client}: may ask"),
        false => format!("client {client}: refused with 403 by allow and deny"),
    }
}

fn may_ask(allow: &[At<IpNet>], deny: &[At<IpNet>], client: IpAddr) -> bool {
    let listed = |list: &[At<IpNet>]| list.iter().any(|net| net.value.contains(&client));
    !listed(deny) && (allow.is_empty() || listed(allow))
}

fn servers(table: &UpstreamTable) -> String {
    let server = |server: &At<ServerEntry>| {
        let entry = &server.value;
        let address = match &entry.address.value {
            ServerAddress::Address(address) => address.to_string(),
            ServerAddress::Service(name) => format!("srv:{name}"),
        };
        let weight = if entry.weight == 1 { String::new() } else { format!(" weight {}", entry.weight) };
        let backup = if entry.backup { " backup" } else { "" };
        format!("{address}{weight}{backup}")
    };
    table.servers.iter().map(server).collect::<Vec<_>>().join(", ")
}

/// Says which listener such a request comes to, as far as the URL tells, and returns its place: the
/// first one, if it comes to none.
fn listener(config: &Config, asked: &Asked) -> usize {
    let takes = |listen: &ListenTable| matches!(&listen.address.value.0, Address::Ip(addr) if addr.port() == asked.port);
    let shown = |listen: &ListenTable| listen.address.value.0.to_string();
    let found: Vec<_> = config.listen.iter().filter(|listen| takes(listen)).map(shown).collect();
    if found.is_empty() {
        let all: Vec<_> = config.listen.iter().map(shown).collect();
        print(format_args!("listener: none at port {} (there is {})", asked.port, all.join(", ")));
    } else {
        print(format_args!("listener: {}", found.join(" or ")));
    }
    config.listen.iter().position(takes).unwrap_or(0)
}

impl Asked {
    fn read(arguments: &CheckArguments) -> Result<Self, Failure> {
        let url = arguments.explain.as_deref().unwrap_or_default();
        let wrong = |why: &str| {
            Failure::usage(format!("--explain {url}: {why}; write it as in http://shop.example/path"))
        };
        let url_text = if url.contains("://") { url.to_owned() } else { format!("http://{url}") };
        let method = Method::from_bytes(arguments.method.as_bytes())
            .map_err(|_| Failure::usage(format!("--method {}: no method", arguments.method)))?;
        // A URL may end behind its authority, a request target may not.
        let behind = url_text.find("://").map_or(0, |at| at + 3);
        let url_text = match url_text[behind..].find(['/', '?']) {
            Some(at) if url_text.as_bytes()[behind + at] == b'?' => {
                let (head, query) = url_text.split_at(behind + at);
                format!("{head}/{query}")
            }
            Some(_) => url_text,
            None => format!("{url_text}/"),
        };
        let uri =
            Uri::parse(&Method::GET, Bytes::from(url_text)).map_err(|error| wrong(&error.to_string()))?;
        let host = uri.authority().unwrap_or_default().to_owned();
        let default_port = if uri.scheme() == Some("https") { 443 } else { 80 };
        let port = uri.port().unwrap_or(default_port);
        let mut normal = String::new();
        let path = match path::normalize(uri.path(), &mut normal) {
            Ok(_) => Ok(normal),
            Err(error) => Err(error.to_string()),
        };
        let mut head = RequestHead::new();
        head.method = method;
        head.uri = uri;
        let field = |error: gorge::http::InvalidField| Failure::usage(format!("--header: {error}"));
        head.headers.insert(Known::Host, &host).map_err(field)?;
        for line in &arguments.header {
            let (name, value) = line
                .split_once(':')
                .ok_or_else(|| Failure::usage(format!("--header {line}: write it as in \"X-Beta: 1\"")))?;
            head.headers.append(name.trim(), value.trim()).map_err(field)?;
        }
        Ok(Self { head, host, port, path })
    }
}
