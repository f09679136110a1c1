//! The configuration of the demo: a file as anybody would write it, with other addresses put in.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;

use gorge::protocols::Address;
use gorge::proxy::Format;

use super::origin::{Origins, Temper};
use super::secure::Secure;
use crate::args::AccessLog;
use crate::config::value::LogTarget;
use crate::config::{self, Config, Environment, Style};
use crate::failure::Failure;
use crate::settings::Settings;

const FILE: &str = include_str!("gorge.toml");

/// Where the proxy listens in the file.
const LISTEN: &str = "127.0.0.1:8080";

/// Where the first origin is in the file; the others have the next ports.
const FIRST: u16 = 9001;

/// Where the file has the origins.
pub(super) fn printed_origins() -> Vec<Address> {
    let at = |port| Address::from(SocketAddr::from((Ipv4Addr::LOCALHOST, port)));
    (FIRST..).take(Temper::ALL.len()).map(at).collect()
}

/// The text of the file with these addresses in it.
pub(super) fn text(listen: &Address, origins: &[Address]) -> String {
    let mut text = FILE.replace(&quoted(LISTEN), &quoted(&listen.to_string()));
    for (printed, address) in printed_origins().iter().zip(origins) {
        text = text.replace(&quoted(&printed.to_string()), &quoted(&address.to_string()));
    }
    text
}

/// A string of TOML.
pub(super) fn quoted(text: &str) -> String {
    let mut quoted = String::from("\"");
    for c in text.chars() {
        match c {
            '"' | '\\' => quoted.extend(['\\', c]),
            c if c.is_control() => quoted.push_str(&format!("\\u{:04X}", u32::from(c))),
            c => quoted.push(c),
        }
    }
    quoted + "\""
}

/// What the text says, with what the command line and its variables say put over it.
pub(super) fn config(
    settings: &Settings,
    access_log: Option<&AccessLog>,
    origins: &Origins,
    secure: Option<&Secure>,
) -> Result<Config, Failure> {
    let addresses: Vec<_> = origins.places().map(|(_, address)| address.clone()).collect();
    let mut text = text(&settings.listen, &addresses);
    if let Some(secure) = secure {
        text = secure.put_into(&text);
    }
    let read = config::parse("the demo's gorge.toml", &text, Path::new("."), &Environment::default());
    let mut config = read.map_err(|report| Failure::report(report.render(Style::of_stderr())))?.config;
    let server = &mut config.server;
    server.workers = Some(settings.workers);
    server.max_connections = settings.max_connections;
    server.log_level = settings.log_level.into();
    if let Some(AccessLog(format)) = access_log {
        server.access_log.to = if format.is_some() { LogTarget::Stdout } else { LogTarget::Off };
        server.access_log.format = format.clone().unwrap_or(Format::Combined);
    }
    Ok(config)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::value::ListenAddress;

    #[test]
    fn any_address_can_be_put_in() {
        for listen in ["0.0.0.0:80", "[::1]:8080", "unix:/tmp/a \"b\\.sock", "unix:@demo"] {
            let listen: Address = listen.parse().unwrap();
            let text = text(&listen, &printed_origins());
            let checked = config::parse("demo", &text, Path::new("."), &Environment::default()).unwrap();
            assert_eq!(checked.config.listen[0].address.value, ListenAddress(listen));
            assert!(checked.warnings.is_empty(), "{:?}", checked.warnings);
        }
    }
}
