//! Finds the route for a request among any number of them.

use gorge_error::Result;
use gorge_http::{Method, RequestHead};

use super::index::{Candidate, Index};
use super::matching::{LONGEST_HOST, Matching};

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
    index: Index,
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
        let routes: Vec<_> = routes.into_iter().collect();
        Ok(Self { index: Index::new(&routes)?, routes })
    }

    /// The route that takes this request. `path` is in [normal form](gorge_http::path), `host` may
    /// have a port.
    #[must_use]
    pub fn find(&self, host: &str, path: &str, head: &RequestHead) -> Found {
        let mut best = Found::Nothing;
        self.look(host, path, |Candidate { number, asks_more }| {
            let taken = if asks_more {
                let matching = &self.routes[number];
                if !matching.takes_fields(head) {
                    return false;
                }
                matching.takes_method(&head.method)
            } else {
                true
            };
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
        self.look(host, path, |candidate| {
            let matching = &self.routes[candidate.number];
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
    fn look(&self, host: &str, path: &str, mut take: impl FnMut(Candidate) -> bool) {
        let mut take = |paths| self.index.look(paths, path, &mut take);
        let mut buffer = [0; LONGEST_HOST + 1];
        if let Some(host) = bare_host(host, &mut buffer) {
            if self.index.host(false, host).is_some_and(&mut take) {
                return;
            }
            let mut rest = host;
            while let Some((_, parent)) = rest.split_once('.') {
                if self.index.host(true, parent).is_some_and(&mut take) {
                    return;
                }
                rest = parent;
            }
        }
        if let Some(any) = self.index.any() {
            take(any);
        }
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

#[cfg(test)]
mod tests {
    use std::cmp::Reverse;

    use super::super::matching::{HostPattern, PathPattern};
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

    /// The rule as one would read it aloud: look at every route, keep the best.
    fn look_at_all(routes: &[Matching], host: &str, path: &str) -> Found {
        let of_host = |pattern: &HostPattern| match pattern {
            HostPattern::Exact(name) => (name == host).then_some((2, 0)),
            HostPattern::Below(name) => {
                host.strip_suffix(name.as_str())?.ends_with('.').then_some((1, name.len()))
            }
        };
        let of_path = |pattern: &PathPattern| match pattern {
            PathPattern::Exact(whole) => (whole == path).then_some((whole.len(), true)),
            PathPattern::Prefix(above) => {
                let rest = path.strip_prefix(above.as_str())?;
                (rest.is_empty() || rest.starts_with('/')).then_some((above.len(), false))
            }
        };
        let taking = routes.iter().enumerate().filter_map(|(number, matching)| {
            let host = match matching.hosts.is_empty() {
                true => (0, 0),
                false => matching.hosts.iter().filter_map(of_host).max()?,
            };
            Some(((host, of_path(&matching.path)?, Reverse(number)), number))
        });
        taking.max().map_or(Found::Nothing, |(_, number)| Found::Route(number))
    }

    #[test]
    fn finds_the_same_as_whoever_looks_at_every_route() {
        let mut seed = 1_u64;
        let mut random = move |below: u64| {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            (seed >> 33) % below
        };
        let name = |n| ["a", "b", "a-b"][n as usize];
        let mut found = 0;
        for _ in 0..200 {
            let mut some = |separator: &str, most| {
                (0..random(most)).map(|_| name(random(3))).collect::<Vec<_>>().join(separator)
            };
            let mut routes = Vec::<Matching>::new();
            for number in 0..40 {
                let host = match (some(".", 4), number % 3) {
                    (host, _) if host.is_empty() => String::new(),
                    (host, 0) => format!("*.{host}"),
                    (host, _) => host,
                };
                let path = format!("{}/{}", if number % 5 == 0 { "=" } else { "" }, some("/", 5));
                let hosts: &[&str] = if host.is_empty() { &[] } else { &[&host] };
                let matching = matching(hosts, &path, &[]);
                if !routes.contains(&matching) {
                    routes.push(matching);
                }
            }
            let router = Router::new(routes.clone()).unwrap();
            for _ in 0..50 {
                let (host, path) = (some(".", 5), format!("/{}", some("/", 6)));
                let expected = look_at_all(&routes, &host, &path);
                assert_eq!(find(&router, &host, &path), expected, "{host}{path} {routes:?}");
                found += usize::from(expected != Found::Nothing);
            }
        }
        assert!(found > 5000, "{found} of 10000 requests had a route");
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
