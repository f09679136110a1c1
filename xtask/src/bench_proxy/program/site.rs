//! What the program is measured with: configurations of any number of routes, and requests for them.

use std::fmt::Write as _;
use std::net::SocketAddr;
use std::path::Path;

/// The words that hosts and paths are made of.
const WORDS: [&str; 16] = [
    "account", "admin", "api", "cart", "feed", "images", "items", "login", "news", "orders", "search",
    "shop", "static", "users", "v1", "v2",
];

/// One configuration.
pub(super) struct Site<'a> {
    pub(super) listen: SocketAddr,
    pub(super) origin: SocketAddr,
    /// The last of them takes what no other does.
    pub(super) routes: usize,
    /// Request and response fields are set, two each.
    pub(super) edits: bool,
    /// Where a JSON access log goes.
    pub(super) log: Option<&'a Path>,
    /// What `gorge reload` finds the process by.
    pub(super) pid_file: Option<&'a Path>,
    /// Others give other hosts and paths.
    pub(super) seed: u64,
}

impl Site<'_> {
    /// As `gorge.toml` has it.
    pub(super) fn text(&self) -> String {
        let mut text = String::from("[server]\nworkers = 1\nmax_connections = 12000\n");
        if let Some(pid_file) = self.pid_file {
            let _ = writeln!(text, "pid_file = \"{}\"", pid_file.display());
        }
        if let Some(log) = self.log {
            let to = log.display();
            let _ = writeln!(text, "access_log = {{ to = \"{to}\", format = \"json\", rotate = \"0B\" }}");
        }
        let (listen, origin) = (self.listen, self.origin);
        let _ = writeln!(text, "\n[[listen]]\naddress = \"{listen}\"");
        let _ = writeln!(text, "\n[upstream.app]\nservers = [\"{origin}\"]");
        for place in places(self.routes.saturating_sub(1), self.seed) {
            let _ = writeln!(text, "\n[[route]]\nhost = \"{}\"\npath = \"{}\"", place.host, place.path);
            self.rest_of_route(&mut text);
        }
        text.push_str("\n[[route]]\n");
        self.rest_of_route(&mut text);
        text
    }

    fn rest_of_route(&self, text: &mut String) {
        text.push_str("upstream = \"app\"\n");
        if self.edits {
            text.push_str(
                "request_headers = { set = { X-Client = \"$client_ip\", X-Proxy = \"gorge\" } }\n\
                 response_headers = { set = { X-Served-By = \"gorge\", X-Path = \"$path\" } }\n",
            );
        }
    }
}

/// What one route takes.
struct Place {
    host: String,
    path: String,
}

impl Place {
    /// Host and path of a request that the route takes.
    fn request(&self) -> (String, String) {
        (self.host.replace('*', "www"), format!("{}/x", self.path))
    }
}

/// Places that differ: the number of each is in its host. Every fifth host is a wildcard; paths have one to four
/// segments.
fn places(count: usize, seed: u64) -> impl Iterator<Item = Place> {
    let mut random = Random(seed);
    (0..count).map(move |number| {
        let wildcard = if random.below(5) == 0 { "*." } else { "" };
        let host = format!("{wildcard}{}-{number}.{}.example", random.word(), random.word());
        let mut path = String::new();
        for _ in 0..=random.below(4) {
            path.push('/');
            path.push_str(random.word());
            if random.below(2) == 0 {
                let _ = write!(path, "-{}", random.below(100));
            }
        }
        Place { host, path }
    })
}

/// A script for wrk that asks every route in turn, in an order that jumps about; with `all` false, always the same one.
pub(super) fn script(routes: usize, seed: u64, all: bool) -> String {
    let mut text = String::from("local requests = {\n");
    let places = places(routes.saturating_sub(1), seed);
    for (host, path) in places.take(if all { routes } else { 1 }).map(|place| place.request()) {
        let _ = writeln!(text, "  \"GET {path} HTTP/1.1\\r\\nHost: {host}\\r\\n\\r\\n\",");
    }
    // A step that shares no factor with their number would reach all; a prime does unless it divides it.
    text.push_str(
        "}\nlocal at = 0\nfunction request()\n  at = (at + 7919) % #requests\n  return requests[at + 1]\nend\n",
    );
    text
}

/// The same numbers everywhere: Knuth's linear congruential generator, of which the upper bits are good.
struct Random(u64);

impl Random {
    fn below(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % end
    }

    fn word(&mut self) -> &'static str {
        WORDS[self.below(WORDS.len())]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn site(routes: usize) -> Site<'static> {
        let listen = "127.0.0.1:1".parse().unwrap();
        let origin = "127.0.0.1:2".parse().unwrap();
        Site { listen, origin, routes, edits: true, log: None, pid_file: None, seed: 1 }
    }

    #[test]
    fn a_site_has_so_many_routes_and_is_always_the_same() {
        for routes in [1, 2, 100] {
            let text = site(routes).text();
            assert_eq!(text.matches("[[route]]").count(), routes);
            assert_eq!(text, site(routes).text());
        }
        assert_ne!(site(100).text(), Site { seed: 2, ..site(100) }.text());
    }

    #[test]
    fn every_route_is_asked() {
        let script = script(100, 1, true);
        for place in places(99, 1) {
            let (host, path) = place.request();
            assert!(script.contains(&format!("GET {path} HTTP/1.1\\r\\nHost: {host}\\r\\n")), "{host}");
        }
    }
}
