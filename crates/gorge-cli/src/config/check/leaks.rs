//! Routes that guard something for some methods only, so that others walk around them.
//!
//! A route that names methods leaves requests with others to the next route that takes them. That is
//! what one wants of a route that answers GET from elsewhere, and hardly of one that asks for a
//! password.

use gorge::http::{Known, Method, RequestHead};
use gorge::proxy::route::{Found, HostPattern, Matching, PathPattern, Router};

use crate::build::matching;
use crate::config::diagnostic::Diagnostic;
use crate::config::model::{Config, RouteTable};
use crate::config::suggest;

/// What a route may ask for before it lets a request in.
const GUARDS: [&str; 4] = ["allow", "deny", "basic_auth", "maintenance"];

const METHODS: [Method; 5] = [Method::GET, Method::POST, Method::PUT, Method::PATCH, Method::DELETE];

pub(super) fn check(config: &Config, found: &mut Vec<Diagnostic>) {
    let guarded = |route: &&RouteTable| !route.methods.is_empty() && !guards(route).is_empty();
    if !config.route.iter().any(|route| guarded(&route)) {
        return;
    }
    // Equal routes were told before; with them there is no router.
    let Ok(router) = Router::new(config.route.iter().map(matching)) else { return };
    for route in config.route.iter().filter(guarded) {
        let asked = matching(route);
        let around = METHODS.iter().filter(|method| !asked.methods.contains(method));
        let leak = around.filter_map(|method| Some((method, taken_by(&router, &asked, method)?)));
        let open = leak.map(|(method, number)| (method, &config.route[number]));
        let is_open = |other: &RouteTable| other.upstream.is_some() && guards(other).is_empty();
        if let Some((method, other)) = open.into_iter().find(|(_, other)| is_open(other)) {
            found.push(leaks(route, method, other));
        }
    }
}

fn guards(route: &RouteTable) -> Vec<&'static str> {
    super::given(&route.place, &GUARDS)
}

/// The route that takes a request like those of `asked`, but with this method.
fn taken_by(router: &Router, asked: &Matching, method: &Method) -> Option<usize> {
    let host = match asked.hosts.first() {
        Some(HostPattern::Exact(name)) => name.clone(),
        Some(HostPattern::Below(name)) => format!("x.{name}"),
        None => String::new(),
    };
    let path = match &asked.path {
        PathPattern::Exact(path) => path.as_str(),
        PathPattern::Prefix(path) if path.is_empty() => "/",
        PathPattern::Prefix(path) => path.as_str(),
    };
    let mut head = RequestHead::new();
    head.method = method.clone();
    // Names that are no host are told elsewhere.
    let _ = head.headers.insert(Known::Host, &host);
    match router.find(&host, path, &head) {
        Found::Route(number) => Some(number),
        Found::MethodNotAllowed | Found::Nothing => None,
    }
}

fn leaks(route: &RouteTable, method: &Method, other: &RouteTable) -> Diagnostic {
    let guards = guards(route);
    let names = suggest::list(guards.iter().copied(), "and");
    let span = route.place.key("methods").unwrap_or(route.place.span);
    Diagnostic::warning(format!("{} requests for the same walk around {names} of this route", method.as_str()))
        .label(span, "leaves requests with other methods to other routes")
        .label(other.place.span, "takes them")
        .help("leave `methods` out, or add a route for the same host and path without them, such as one with `respond = 405`")
}
