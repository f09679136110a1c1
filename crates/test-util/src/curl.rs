//! curl as a client.

use std::net::SocketAddr;
use std::process::Command;

use crate::tls::{ClientTls, TlsVersion};
use crate::tool::{self, Ran, TempFolder};

/// Runs curl, quiet and without a user's configuration, with these arguments.
///
/// # Panics
/// When curl is missing, or runs longer than [`LIMIT`](crate::LIMIT).
pub fn curl(arguments: &[&str]) -> Ran {
    tool::run(command().args(arguments))
}

/// Runs curl over TLS: `https://NAME:PORT/path` with this address behind the name. `arguments` are added.
///
/// # Panics
/// As [`curl`].
pub fn curl_tls(to: SocketAddr, tls: &ClientTls, path: &str, arguments: &[&str]) -> Ran {
    let folder = TempFolder::new();
    let files = tls.files(&folder);
    let (ip, port) = (to.ip(), to.port());
    let mut command = command();
    match files.ca {
        Some(ca) => command.arg("--cacert").arg(ca),
        None => command.arg("--insecure"),
    };
    if let Some((cert, key)) = files.identity {
        command.arg("--cert").arg(cert).arg("--key").arg(key);
    }
    let versions = tls.version_range();
    command.args([oldest(versions.min), "--tls-max", versions.max.number()]);
    if let Some(list) = tls.cipher_list() {
        command.args(["--ciphers", &list]);
    }
    command.args(protocol(&tls.alpn));
    let host = if tls.sends_name { tls.name.clone() } else { to.ip().to_string() };
    command.args(["--resolve", &format!("{}:{port}:{ip}", tls.name)]);
    tool::run(command.arg(format!("https://{host}:{port}{path}")).args(arguments))
}

fn command() -> Command {
    let mut command = Command::new("curl");
    // --disable has to come first to keep .curlrc out.
    command.args(["--disable", "--silent", "--show-error", "--noproxy", "*"]);
    command
}

fn oldest(version: TlsVersion) -> &'static str {
    match version {
        TlsVersion::V10 => "--tlsv1.0",
        TlsVersion::V11 => "--tlsv1.1",
        TlsVersion::V12 => "--tlsv1.2",
        TlsVersion::V13 => "--tlsv1.3",
    }
}

/// curl offers what its HTTP version needs; left alone, both.
fn protocol(alpn: &[String]) -> Option<&'static str> {
    let has = |name| alpn.iter().any(|protocol| protocol == name);
    match (has("h2"), has("http/1.1")) {
        (true, _) => Some("--http2"),
        (false, true) => Some("--http1.1"),
        (false, false) => None,
    }
}
