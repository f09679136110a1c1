//! OpenSSL's own client.

use std::net::SocketAddr;
use std::process::Command;

use crate::tls::ClientTls;
use crate::tool::{self, Ran, TempFolder};

/// Runs `openssl s_client` against this address, sends the request, and reads until the server closes.
///
/// Its standard output is its report on the connection and, behind it, the answer. An empty request ends the connection
/// right after the handshake, before tickets of TLS 1.3 have come. `arguments` are added: `-status`,
/// `-sess_out FILE`, `-sess_in FILE`, `-groups LIST` and the like. With [`ClientTls::trusting`] a certificate that does
/// not hold ends the handshake.
///
/// # Panics
/// When `openssl` is missing, or runs longer than [`LIMIT`](crate::LIMIT): a server that keeps the connection is to be
/// asked to close it.
pub fn s_client(to: SocketAddr, tls: &ClientTls, request: &str, arguments: &[&str]) -> Ran {
    let folder = TempFolder::new();
    let mut command = command(to, tls, &folder);
    command.args(arguments);
    if !request.is_empty() {
        // Otherwise the end of the input would end the connection before the answer.
        command.arg("-ign_eof");
    }
    tool::run_with_input(&mut command, request.as_bytes())
}

fn command(to: SocketAddr, tls: &ClientTls, folder: &TempFolder) -> Command {
    let mut command = Command::new("openssl");
    command.args(["s_client", "-connect", &to.to_string()]);
    if tls.sends_name {
        command.args(["-servername", &tls.name]);
    } else {
        command.arg("-noservername");
    }
    let versions = tls.version_range();
    command.args(["-min_protocol", versions.min.setting(), "-max_protocol", versions.max.setting()]);
    if !tls.alpn.is_empty() {
        command.args(["-alpn", &tls.alpn.join(",")]);
    }
    if let Some(list) = tls.cipher_list() {
        command.args(["-cipher", &list]);
    }
    let files = tls.files(folder);
    if let Some(ca) = files.ca {
        command.arg("-CAfile").arg(ca).args(["-verify_hostname", &tls.name, "-verify_return_error"]);
    }
    if let Some((cert, key)) = files.identity {
        // The file of the chain twice: the first reads only its first certificate.
        command.arg("-cert").arg(&cert).arg("-cert_chain").arg(&cert).arg("-key").arg(key);
    }
    command
}
