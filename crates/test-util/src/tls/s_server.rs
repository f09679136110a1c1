//! OpenSSL's own server.

use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};

use crate::text_log::TextLog;
use crate::tls::ServerTls;
use crate::tool::{self, TempFolder};

/// An `openssl s_server -www` on an ephemeral port, ended with this value.
///
/// It answers each GET with HTTP/1.0 and a page on the connection: version, ciphers, session, `Reused` or `New`. It
/// serves one connection at a time.
pub struct SServer {
    child: Child,
    addr: SocketAddr,
    out: TextLog,
    _folder: TempFolder,
}

impl SServer {
    /// Starts it; `arguments` are added to its own, `-no_ticket` for instance, or `-status_file FILE`.
    ///
    /// # Panics
    /// When `openssl` is missing or does not listen, as it does with the key of another certificate.
    pub fn start(tls: &ServerTls, arguments: &[&str]) -> Self {
        let folder = TempFolder::new();
        let mut command = command(tls, &folder);
        command.args(arguments).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut child = tool::spawn(&mut command);
        let out = TextLog::new();
        crate::program::collect(child.stdout.take(), &out);
        // Where port 0 was asked for it names the port that it got.
        let line = out.wait_for("ACCEPT ");
        let addr = line.trim_start_matches("ACCEPT ").parse();
        let addr = addr.unwrap_or_else(|e| panic!("no address ({e}): {line}"));
        Self { child, addr, out, _folder: folder }
    }

    /// Where it listens.
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// What it says on its standard output.
    pub fn out(&self) -> &TextLog {
        &self.out
    }
}

impl Drop for SServer {
    fn drop(&mut self) {
        // Already gone is as good.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn command(tls: &ServerTls, folder: &TempFolder) -> Command {
    let files = tls.files(folder);
    let mut command = Command::new("openssl");
    command.args(["s_server", "-accept", "127.0.0.1:0", "-www"]);
    command.arg("-cert").arg(&files.cert).arg("-cert_chain").arg(&files.cert).arg("-key").arg(&files.key);
    let versions = tls.version_range();
    command.args(["-min_protocol", versions.min.setting(), "-max_protocol", versions.max.setting()]);
    if let Some(list) = tls.cipher_list() {
        command.args(["-cipher", &list]);
    }
    if let Some(ca) = files.client_ca {
        let verify = if tls.client_is_required() == Some(true) { "-Verify" } else { "-verify" };
        command.args([verify, "4", "-verify_return_error", "-CAfile"]).arg(ca);
    }
    command
}
