//! Addresses as people type them, and what to type instead.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use gorge::protocols::{Address, InvalidAddress};

/// Where to listen.
pub(crate) fn listen(text: &str) -> Result<Address, String> {
    read(text, Use::Listen)
}

/// Where an origin is, as a file has it.
pub(crate) fn to(text: &str) -> Result<Address, String> {
    read(text, Use::To)
}

fn read(text: &str, used: Use) -> Result<Address, String> {
    match (text.parse().map_err(|mistake| explain(text, mistake, used))?, used) {
        (Address::Name(host, port), Use::Listen) => Err(not_to_listen_on(&host, port)),
        (Address::Ip(addr), Use::To) if addr.port() == 0 => Err(port_zero(&host(addr))),
        (Address::Name(host, 0), Use::To) => Err(port_zero(&host)),
        (address, _) => Ok(address),
    }
}

/// Whether what is sent to `to` arrives at `listen`, as far as that can be told without asking the
/// system for its addresses.
pub(crate) fn reaches(to: &Address, listen: &Address) -> bool {
    match (to, listen) {
        // Port 0 becomes a port that is free, which no origin's is.
        (Address::Ip(to), Address::Ip(listen)) => {
            let here = |ip: IpAddr| ip.is_loopback() || ip.is_unspecified();
            let (target, ours) = (to.ip().to_canonical(), listen.ip().to_canonical());
            let same = target == ours
                || (ours.is_unspecified() && here(target))
                || (target.is_unspecified() && here(ours));
            to.port() == listen.port() && same
        }
        (Address::Name(host, port), Address::Ip(listen)) => {
            let here = listen.ip().to_canonical().is_loopback() || listen.ip().is_unspecified();
            is_localhost(host) && *port == listen.port() && here
        }
        (to, listen) => to == listen,
    }
}

/// Whether a name always means this machine (RFC 6761 6.3).
fn is_localhost(host: &str) -> bool {
    let host = host.strip_suffix('.').unwrap_or(host);
    host == "localhost" || host.ends_with(".localhost")
}

fn port_zero(host: &str) -> String {
    format!("nobody can be reached at port 0; give the origin's port, as in {host}:9001")
}

/// `example.com:8080`, which names whoever has that name.
fn not_to_listen_on(host: &str, port: u16) -> String {
    if is_localhost(host) {
        return format!("a proxy listens on IP addresses, not on names; type 127.0.0.1:{port}");
    }
    format!(
        "a proxy listens on IP addresses, not on names; type 127.0.0.1:{port} for this machine alone, \
         or 0.0.0.0:{port} for all"
    )
}

/// What an address is for: the examples differ.
#[derive(Clone, Copy)]
enum Use {
    Listen,
    To,
}

impl Use {
    fn port(self) -> u16 {
        match self {
            Self::Listen => 8080,
            Self::To => 9001,
        }
    }

    fn example(self) -> SocketAddr {
        (Ipv4Addr::LOCALHOST, self.port()).into()
    }
}

/// What is wrong with `text`, and what to type instead.
fn explain(text: &str, mistake: InvalidAddress, used: Use) -> String {
    if text.starts_with("unix:") || text.is_empty() {
        return format!("{mistake}; write it as in {} or unix:/run/gorge.sock", used.example());
    }
    if let Some((scheme, rest)) = text.split_once("://") {
        return without_scheme(scheme, rest, used);
    }
    if let Some((authority, path)) = text.split_once('/') {
        return without_path(authority, path, used);
    }
    if let Some(port) = port_alone(text) {
        return port_needs_host(text, port, used);
    }
    match mistake {
        InvalidAddress::NoPort => without_port(text, used),
        InvalidAddress::NotAnAddress => neither(text, used),
        _ => format!("{mistake}; write it as in {}", used.example()),
    }
}

/// `http://127.0.0.1:9001/path`.
fn without_scheme(scheme: &str, rest: &str, used: Use) -> String {
    let (port, how) = match (scheme.eq_ignore_ascii_case("https"), used) {
        (false, _) => (80, ""),
        (true, Use::Listen) => (443, ", with a certificate beside it"),
        (true, Use::To) => (443, ", with a table [upstream.NAME.tls]"),
    };
    let authority = rest.split('/').next().unwrap_or_default();
    let default = format!("{authority}:{port}");
    match [authority, &default].into_iter().find(|text| read(text, used).is_ok()) {
        Some(address) => format!("an address has no `{scheme}://` before it; type {address}{how}"),
        None => {
            let mistake = read(authority, used).err().unwrap_or_default();
            format!("an address has no `{scheme}://` before it, and {mistake}")
        }
    }
}

/// `127.0.0.1:9001/path`, or a file.
fn without_path(authority: &str, path: &str, used: Use) -> String {
    if read(authority, used).is_ok() {
        return format!("an address has no path behind it; type {authority}");
    }
    if authority.is_empty() || authority.starts_with('.') {
        let slash = if authority.is_empty() { "" } else { authority };
        return format!("a Unix socket is written unix:{slash}/{path}");
    }
    format!("neither an IP address with a port nor unix:/path; write it as in {}", used.example())
}

/// The port of `8080`, `:8080` or `*:8080`.
fn port_alone(text: &str) -> Option<u16> {
    let digits = text.strip_prefix('*').unwrap_or(text);
    digits.strip_prefix(':').unwrap_or(digits).parse().ok()
}

fn port_needs_host(text: &str, port: u16, used: Use) -> String {
    match used {
        Use::Listen if text.starts_with('*') => {
            format!("every address of this machine is written 0.0.0.0:{port}, or [::]:{port} with IPv6")
        }
        Use::Listen => format!(
            "the IP address is missing; type 127.0.0.1:{port} for this machine alone, or 0.0.0.0:{port} for all"
        ),
        Use::To => format!("the IP address is missing; type 127.0.0.1:{port} for a port of this machine"),
    }
}

/// `127.0.0.1` or `example.com`.
fn without_port(text: &str, used: Use) -> String {
    let with_port = match (Address::host(text, used.port()), used) {
        (Ok(Address::Name(host, port)), Use::Listen) => return not_to_listen_on(&host, port),
        (Ok(address), _) => address,
        (Err(_), _) => used.example().into(),
    };
    format!("the port is missing, as in {with_port}")
}

/// `1.2.3:80`, `höhle.example:80`, or something else again.
fn neither(text: &str, used: Use) -> String {
    let form = match used {
        Use::Listen => "an IP address",
        Use::To => "an IP address or a name",
    };
    let message = format!("neither {form} with a port nor unix:/path; write it as in {}", used.example());
    let name = text.rsplit_once(':').map_or(text, |(name, _)| name);
    let foreign = !name.is_ascii() && name.chars().all(|c| c.is_alphanumeric() || matches!(c, '.' | '-'));
    match used {
        Use::To if foreign => {
            format!("{message}; a name with other letters is written as DNS has it, xn--...")
        }
        _ => message,
    }
}

fn host(addr: SocketAddr) -> String {
    // An IPv6 address needs its brackets.
    let text = addr.to_string();
    text.rsplit_once(':').map_or(text.clone(), |(host, _)| host.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn says_what_to_type_instead() {
        for (text, hint) in [
            ("example.com", "as in example.com:9001"),
            ("example.com:0", "as in example.com:9001"),
            ("example.com:http", "from 0 to 65535"),
            ("höhle.example:80", "xn--"),
            ("1.2.3:80", "as in 127.0.0.1:9001"),
            ("http://127.0.0.1:9001", "type 127.0.0.1:9001"),
            ("http://127.0.0.1:9001/shop?a=b", "type 127.0.0.1:9001"),
            ("http://127.0.0.1", "type 127.0.0.1:80"),
            ("http://[::1]", "type [::1]:80"),
            ("http://localhost:3000/", "type localhost:3000"),
            ("http://example.com", "type example.com:80"),
            ("example.com:80/shop", "type example.com:80"),
            ("https://127.0.0.1", "type 127.0.0.1:443, with a table [upstream.NAME.tls]"),
            ("127.0.0.1:9001/shop", "type 127.0.0.1:9001"),
            ("/run/app.sock", "unix:/run/app.sock"),
            ("./app.sock", "unix:./app.sock"),
            ("127.0.0.1", "as in 127.0.0.1:9001"),
            ("::1", "as in [::1]:9001"),
            ("[::1]", "as in [::1]:9001"),
            ("2001:db8::1:zz:80", "brackets"),
            ("9001", "type 127.0.0.1:9001"),
            (":9001", "type 127.0.0.1:9001"),
            ("127.0.0.1:0", "as in 127.0.0.1:9001"),
            ("[::1]:0", "as in [::1]:9001"),
            ("127.0.0.1:http", "as in 127.0.0.1:9001"),
            ("127.0.0.1:99999", "from 0 to 65535"),
            ("what is this", "as in 127.0.0.1:9001"),
            ("", "as in 127.0.0.1:9001"),
            ("unix:", "unix:/run/gorge.sock"),
        ] {
            let message = to(text).unwrap_err();
            assert!(message.contains(hint), "{text:?}: {message}");
        }
        assert!(listen(":8080").unwrap_err().contains("0.0.0.0:8080"));
        assert!(listen("*:8080").unwrap_err().contains("0.0.0.0:8080"));
        assert!(listen("localhost:8080").unwrap_err().contains("type 127.0.0.1:8080"));
        assert!(listen("example.com:8080").unwrap_err().contains("0.0.0.0:8080"));
        assert!(listen("http://localhost:8080").unwrap_err().contains("type 127.0.0.1:8080"));
        assert!(listen("https://127.0.0.1:8443").unwrap_err().contains("with a certificate"));
        assert!(listen("example.com").unwrap_err().contains("0.0.0.0:8080"));
    }

    #[test]
    fn an_origin_may_have_a_name() {
        for text in ["example.com:80", "localhost:3000", "app_1.internal:9001"] {
            assert_eq!(to(text).unwrap().to_string(), text);
        }
    }

    #[test]
    fn a_loop_is_seen_where_it_can_be() {
        for (to, listen, loops) in [
            ("127.0.0.1:80", "127.0.0.1:80", true),
            ("127.0.0.1:80", "0.0.0.0:80", true),
            ("0.0.0.0:80", "127.0.0.1:80", true),
            ("[::1]:80", "[::]:80", true),
            ("127.0.0.1:80", "[::]:80", true),
            ("[::ffff:127.0.0.1]:80", "127.0.0.1:80", true),
            ("unix:/a", "unix:/a", true),
            ("localhost:80", "127.0.0.1:80", true),
            ("localhost:80", "[::]:80", true),
            ("localhost:81", "127.0.0.1:80", false),
            ("localhost:80", "192.0.2.1:80", false),
            ("example.com:80", "127.0.0.1:80", false),
            ("127.0.0.1:81", "127.0.0.1:80", false),
            ("127.0.0.2:80", "127.0.0.1:80", false),
            ("192.0.2.1:80", "0.0.0.0:80", false),
            ("unix:/a", "127.0.0.1:80", false),
        ] {
            assert_eq!(reaches(&to.parse().unwrap(), &listen.parse().unwrap()), loops, "{to} {listen}");
        }
    }
}
