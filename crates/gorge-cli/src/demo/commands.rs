//! What the demo tells to try: command lines to copy, each with what to look at.

use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::Path;

use gorge::protocols::Address;

use super::origin::Origins;
use crate::terminal::say;

/// Options and target of curl, and what is to be seen. `URL` stands for where the proxy is.
const COMMANDS: &[(&str, &[(&str, &str)])] = &[
    (
        "one path, three origins",
        &[
            ("-i URL/api/hello", "X-Demo-Tried: who was asked, and what came of it"),
            ("-s 'URL/api/hello?[1-9]'", "nine answers; what moody fails, another gives"),
            ("-i -d x URL/api/hello", "a POST is not repeated: a 503 in nine"),
        ],
    ),
    (
        "other routes",
        &[
            ("-s -H 'X-Beta: 1' URL/api/hello", "by a field: always swift"),
            ("-s -H 'Host: api.example' URL/hello", "by host; the origin sees /api/hello"),
            ("-s -H 'Cookie: a=b' URL/echo", "what arrives there: X-Client and X-Request-Id, no Cookie"),
            ("-i URL/old", "301 to /api/hello"),
            ("-s URL/up", "the proxy answers by itself"),
        ],
    ),
    (
        "refusals, with the reason in Proxy-Status",
        &[
            ("-i URL/private", "401, a password is asked for"),
            ("-s -u alice:wonderland URL/private", "with it: swift answers"),
            ("-i URL/denied", "403, from this address nobody may"),
            ("-i -H 'Accept: application/json' URL/closed", "503 with Retry-After, told in JSON"),
            ("-i URL/hurry", "504, slow has 100 ms and takes 300"),
            ("-i URL/upload", "405, Allow says which methods are"),
            ("-i -d 'more than sixteen bytes' URL/upload", "413, a longer body than the route takes"),
        ],
    ),
];

/// Says which origins there are.
pub(super) fn tell_origins(head: &str, origins: &Origins) {
    say(head);
    for (temper, address) in origins.places() {
        say(format_args!("  {:<8}{:<18}{}", temper.name(), address.to_string(), temper.habit()));
    }
}

/// Says what to try, of a proxy at this address.
pub(super) fn tell(address: &Address) {
    let (curl, url) = reach(address);
    say(format_args!("\nopen {url}/ in a browser, and see there what these do:"));
    for (head, commands) in COMMANDS {
        say(format_args!("\n  # {head}"));
        let lines: Vec<_> = commands
            .iter()
            .map(|(words, look)| (format!("{curl} {}", words.replace("URL", &url)), look))
            .collect();
        let width = lines.iter().map(|(line, _)| line.len()).max().unwrap_or_default();
        for (line, look) in lines {
            say(format_args!("  {line:width$}  # {look}"));
        }
    }
}

/// Says what to try over TLS, at the second address.
pub(super) fn tell_of_tls(clear: &Address, secure: &Address, certificate: &Path) {
    let (Address::Ip(clear), Address::Ip(secure)) = (clear, secure) else { return };
    let url = format!("https://{}", reachable(*secure));
    let trusting = trusting(certificate);
    say("\n  # over TLS, with a certificate made on the spot");
    let lines = [
        (format!("{trusting} -i {url}/api/hello"), "the same, and nobody on the way reads it"),
        (format!("{trusting} -s {url}/echo"), "the origin is told: X-Forwarded-Proto: https"),
        (format!("curl -s http://{}/", reachable(*secure)), "400, this port speaks HTTPS"),
        (format!("curl -s http://{}/up", reachable(*clear)), "the other port goes on in the clear"),
    ];
    let width = lines.iter().map(|(line, _)| line.len()).max().unwrap_or_default();
    for (line, look) in lines {
        say(format_args!("  {line:width$}  # {look}"));
    }
}

/// What the page tells of TLS at this address.
pub(super) fn over_tls(secure: &Address, certificate: &Path) -> Option<String> {
    let Address::Ip(secure) = secure else { return None };
    Some(format!("{} -i https://{}/api/hello", trusting(certificate), reachable(*secure)))
}

/// A client that takes this certificate for good.
fn trusting(certificate: &Path) -> String {
    format!("curl --cacert '{}'", certificate.display())
}

/// Says where all this comes from.
pub(super) fn tell_of_file() {
    say("\nthe configuration behind all this: gorge demo --print-config\n");
}

/// The command and the URL by which an address is reached.
fn reach(address: &Address) -> (String, String) {
    match address {
        Address::Ip(addr) => ("curl".to_owned(), format!("http://{}", reachable(*addr))),
        // Nobody listens on a name, but it would be reached like this.
        Address::Name(..) => ("curl".to_owned(), format!("http://{address}")),
        Address::Unix(path) => (format!("curl --unix-socket '{}'", path.display()), "http://demo".to_owned()),
        Address::Abstract(name) => {
            (format!("curl --abstract-unix-socket '{}'", name.escape_ascii()), "http://demo".to_owned())
        }
    }
}

/// An address to type into a browser: the one that means every address is none.
fn reachable(mut addr: SocketAddr) -> SocketAddr {
    match addr {
        SocketAddr::V4(v4) if v4.ip().is_unspecified() => addr.set_ip(Ipv4Addr::LOCALHOST.into()),
        SocketAddr::V6(v6) if v6.ip().is_unspecified() => addr.set_ip(Ipv6Addr::LOCALHOST.into()),
        _ => {}
    }
    addr
}
