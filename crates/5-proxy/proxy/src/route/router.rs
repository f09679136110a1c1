//! Finds the route for a request among any number of them.

use std::collections::HashMap;

use foldhash::fast::RandomState;
use gorge_error::{Error, Kind, Result};
use gorge_http::{Method, RequestHead};
use smallvec::SmallVec;

use super::matching::{HostPattern, LONGEST_HOST, Matching, PathPattern};

/// Finds the route for a request among any number of them: by host, path, method and fields.
///
/// Of all routes that take the request it is the one with the most specific host (by name, then the
/// longest wildcard, then any), of those the one with the longest path (a path alone before the
/// same path as a prefix), of those one that names methods, of those the one that names most fields,
/// of those the first. Finding it takes a time that grows with the length of host and path, and not
/// with the number of routes.
#[derive(Debug)]
pub struct Router {
    /// What each route asks for, by its number.
    routes: Vec<Matching>,
    exact: HashMap<String, Paths, RandomState>,
    below: HashMap<String, Paths, RandomState>,
    any: Paths,
}

/// What a router found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Found {
    /// The number of the route.
    Route(usize),
    /// Routes take such a request, but none with its method.
    MethodNotAllowed,
    /// No route takes it.
    Nothing,
}

impl Router {
    /// A router over these routes, numbered in their order from 0.
    ///
    /// # Errors
    /// Two routes take the very same requests; the message names both numbers.
    pub fn new(routes: impl IntoIterator<Item = Matching>) -> Result<Self> {
        let mut router = Self {
            routes: Vec::new(),
            exact: HashMap::default(),
            below: HashMap::default(),
            any: Paths::new(),
        };
        for (number, matching) in routes.into_iter().enumerate() {
            router.add(number, matching)?;
        }
        Ok(router)
    }

    fn add(&mut self, number: usize, matching: Matching) -> Result<()> {
        self.routes.push(matching);
        let Self { routes, exact, below, any } = self;
        let matching = &routes[number];
        for (place, host) in matching.hosts.iter().enumerate() {
            if matching.hosts[..place].contains(host) {
                continue;
            }
            let paths = match host {
                HostPattern::Exact(name) => exact.entry(name.clone()),
                HostPattern::Below(name) => below.entry(name.clone()),
            };
            paths.or_insert_with(Paths::new).add(number, matching, routes)?;
        }
        if matching.hosts.is_empty() {
            any.add(number, matching, routes)?;
        }
        Ok(())
    }

    /// The route that takes this request. `path` is in [normal form](gorge_http::path), `host` may
    /// have a port.
    #[must_use]
    pub fn find(&self, host: &str, path: &str, head: &RequestHead) -> Found {
        let mut best = Found::Nothing;
        self.look(host, path, |number| {
            let matching = &self.routes[number];
            if !matching.takes_fields(head) {
                return false;
            }
            let taken = matching.takes_method(&head.method);
            best = if taken { Found::Route(number) } else { Found::MethodNotAllowed };
            taken
        });
        best
    }

    /// The methods with which a request would be taken, once [`find`](Self::find) has said that its own
    /// is not allowed.
    #[must_use]
    pub fn allowed(&self, host: &str, path: &str, head: &RequestHead) -> Vec<Method> {
        let mut allowed = Vec::new();
        self.look(host, path, |number| {
            let matching = &self.routes[number];
            if matching.takes_fields(head) {
                for method in &matching.methods {
                    if !allowed.contains(method) {
                        allowed.push(method.clone());
                    }
                    if *method == Method::GET && !allowed.contains(&Method::HEAD) {
                        allowed.push(Method::HEAD);
                    }
                }
            }
            false
        });
        allowed
    }

    /// What a route asks for.
    #[must_use]
    pub fn matching(&self, number: usize) -> Option<&Matching> {
        self.routes.get(number)
    }

    /// Shows the routes for host and path to `take`, best first, until it takes one.
    fn look(&self, host: &str, path: &str, mut take: impl FnMut(usize) -> bool) {
        let mut buffer = [0; LONGEST_HOST + 1];
        let host = bare_host(host, &mut buffer);
        if let Some(host) = host {
            if !self.exact.is_empty()
                && let Some(paths) = self.exact.get(host)
                && paths.look(path, &mut take)
            {
                return;
            }
            let mut rest = host;
            while !self.below.is_empty()
                && let Some((_, parent)) = rest.split_once('.')
            {
                if let Some(paths) = self.below.get(parent)
                    && paths.look(path, &mut take)
                {
                    return;
                }
                rest = parent;
            }
        }
        self.any.look(path, &mut take);
    }
}

/// A host without port and final dot, in lower case. `None`: longer than any host can be.
fn bare_host<'b>(host: &str, buffer: &'b mut [u8; LONGEST_HOST + 1]) -> Option<&'b str> {
    let end = match host.strip_prefix('[') {
        Some(rest) => rest.find(']').map_or(host.len(), |at| at + 2),
        None => host.find(':').unwrap_or(host.len()),
    };
    let name = &host.as_bytes()[..end];
    let name = name.strip_suffix(b".").unwrap_or(name);
    let lower = buffer.get_mut(..name.len())?;
    lower.copy_from_slice(name);
    lower.make_ascii_lowercase();
    str::from_utf8(lower).ok()
}

/// The paths of one host, as a tree of segments: looking one up reads it once.
#[derive(Debug)]
struct Paths {
    nodes: Vec<Node>,
}

#[derive(Debug, Default)]
struct Node {
    below: HashMap<String, usize, RandomState>,
    /// Routes for exactly this path, and for it and what lies below it, best first.
    exact: Vec<usize>,
    prefix: Vec<usize>,
}

impl Paths {
    fn new() -> Self {
        Self { nodes: vec![Node::default()] }
    }

    fn add(&mut self, number: usize, matching: &Matching, routes: &[Matching]) -> Result<()> {
        let (path, exact) = match &matching.path {
            PathPattern::Exact(path) => (path.as_str(), true),
            PathPattern::Prefix(path) => (path.as_str(), false),
        };
        let mut at = 0;
        for segment in segments(path) {
            at = match self.nodes[at].below.get(segment) {
                Some(&below) => below,
                None => {
                    let below = self.nodes.len();
                    self.nodes[at].below.insert(segment.to_owned(), below);
                    self.nodes.push(Node::default());
                    below
                }
            };
        }
        let node = &mut self.nodes[at];
        let list = if exact { &mut node.exact } else { &mut node.prefix };
        if let Some(same) = list.iter().find(|&&other| routes[other].same_conditions(matching)) {
            let context = format!("the routes number {} and {} take the same requests", same + 1, number + 1);
            return Err(Error::explain(Kind::Configuration, context).into_internal());
        }
        let place = list.partition_point(|&other| routes[other].conditions() >= matching.conditions());
        list.insert(place, number);
        Ok(())
    }

    /// Shows the routes for `path` to `take`, longest first. True: one was taken.
    fn look(&self, path: &str, take: &mut impl FnMut(usize) -> bool) -> bool {
        let mut passed = SmallVec::<[usize; 16]>::new();
        let mut at = 0;
        let mut rest = segments(path);
        passed.push(at);
        let whole = loop {
            let Some(segment) = rest.next() else { break true };
            match self.nodes[at].below.get(segment) {
                Some(&below) => at = below,
                None => break false,
            }
            passed.push(at);
        };
        if whole && self.nodes[at].exact.iter().any(|&number| take(number)) {
            return true;
        }
        passed.iter().rev().any(|&at| self.nodes[at].prefix.iter().any(|&number| take(number)))
    }
}

/// `/a/b` has the segments `a` and `b`, `/a/` has `a` and an empty one, the root has none as a prefix
/// and one, empty, as a path.
fn segments(path: &str) -> impl Iterator<Item = &str> {
    path.strip_prefix('/').into_iter().flat_map(|rest| rest.split('/'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matching(hosts: &[&str], path: &str, methods: &[Method]) -> Matching {
        let path = match path.strip_prefix('=') {
            Some(path) => PathPattern::exact(path).unwrap(),
            None => PathPattern::prefix(path).unwrap(),
        };
        let hosts = hosts.iter().map(|host| host.parse().unwrap()).collect();
        Matching { hosts, path, methods: methods.to_vec(), fields: Vec::new() }
    }

    fn find(router: &Router, host: &str, path: &str) -> Found {
        router.find(host, path, &RequestHead::new())
    }

    #[test]
    fn the_most_specific_host_comes_first_then_the_longest_path() {
        let router = Router::new([
            matching(&[], "/", &[]),
            matching(&["shop.example"], "/", &[]),
            matching(&["*.example"], "/", &[]),
            matching(&["*.shop.example"], "/deep", &[]),
            matching(&[], "/api/v1", &[]),
            matching(&["shop.example"], "/api", &[]),
            matching(&["shop.example"], "=/", &[]),
        ])
        .unwrap();
        for (host, path, route) in [
            ("other", "/", 0),
            ("shop.example", "/", 6),
            ("SHOP.example.:8080", "/x", 1),
            ("a.shop.example", "/deep/x", 3),
            ("a.shop.example", "/x", 2),
            ("shop.example", "/api/v1", 5),
            ("example", "/api/v1/x", 4),
            ("example", "/api", 0),
            ("shop.example", "/api/", 5),
            ("shop.example", "/apix", 1),
            ("[::1]:80", "/", 0),
            ("", "/", 0),
        ] {
            assert_eq!(find(&router, host, path), Found::Route(route), "{host}{path}");
        }
    }

    #[test]
    fn a_route_that_does_not_match_leaves_the_request_to_the_next() {
        let router = Router::new([
            matching(&["a.example"], "/api", &[Method::POST]),
            matching(&["a.example"], "/", &[Method::GET]),
            matching(&["a.example"], "/api", &[Method::PUT]),
        ])
        .unwrap();
        let mut head = RequestHead::new();
        assert_eq!(router.find("a.example", "/api", &head), Found::Route(1));
        head.method = Method::HEAD;
        assert_eq!(router.find("a.example", "/api", &head), Found::Route(1));
        head.method = Method::PUT;
        assert_eq!(router.find("a.example", "/api", &head), Found::Route(2));
        assert_eq!(router.find("a.example", "/x", &head), Found::MethodNotAllowed);
        assert_eq!(router.allowed("a.example", "/x", &head), [Method::GET, Method::HEAD]);
        assert_eq!(router.find("b.example", "/x", &head), Found::Nothing);
    }

    #[test]
    fn fields_decide_between_routes_for_the_same() {
        use super::super::matching::{FieldPattern, FieldValue};
        let field = |name: &str, value| FieldPattern { name: name.into(), value };
        let mut beta = matching(&[], "/", &[]);
        beta.fields = vec![field("X-Beta", FieldValue::Is("1".into()))];
        let mut none = matching(&[], "/", &[]);
        none.fields = vec![field("X-Beta", FieldValue::Absent), field("X-Other", FieldValue::Present)];
        let router = Router::new([matching(&[], "/", &[]), beta, none]).unwrap();
        let mut head = RequestHead::new();
        assert_eq!(router.find("", "/", &head), Found::Route(0));
        head.headers.append("x-other", "").unwrap();
        assert_eq!(router.find("", "/", &head), Found::Route(2));
        head.headers.append("x-beta", "2").unwrap();
        assert_eq!(router.find("", "/", &head), Found::Route(0));
        head.headers.append("x-beta", "1").unwrap();
        assert_eq!(router.find("", "/", &head), Found::Route(1));
    }

    #[test]
    fn two_routes_for_the_same_requests_are_refused() {
        let same = [
            matching(&["a.example", "b.example"], "/x/", &[Method::GET, Method::PUT]),
            matching(&["b.example"], "/x", &[Method::PUT, Method::GET]),
        ];
        let message = Router::new(same).unwrap_err().to_string();
        assert!(message.contains("number 1 and 2"), "{message}");
    }

    #[test]
    fn a_host_of_any_length_is_looked_up_without_harm() {
        let router = Router::new([matching(&["*.example"], "/", &[]), matching(&[], "/", &[])]).unwrap();
        for host in
            ["a.".repeat(40_000) + "example", ".".repeat(300), "[".into(), ":".into(), "\u{e9}".into()]
        {
            let _ = find(&router, &host, &"/".repeat(16_384));
        }
    }
}
