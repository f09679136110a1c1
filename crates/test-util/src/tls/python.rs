//! Python's `ssl` module at either end.

use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use serde_json::{Value, json};

use crate::text_log::TextLog;
use crate::tls::version::Versions;
use crate::tls::{ClientTls, ServerTls, TlsSeen, TlsVersion};
use crate::tool::{self, TempFolder};

const IMPORTS: &str = "import http.server, json, socket, ssl, sys\n";
const SEEN: &str = include_str!("seen.py");
const ORIGIN: &str = include_str!("origin.py");
const VISIT: &str = include_str!("visit.py");

/// An HTTPS origin made of Python's `http.server` and `ssl`, ended with this value. Keeps connections.
pub struct PythonTlsOrigin {
    child: Child,
    addr: SocketAddr,
    out: TextLog,
    _folder: TempFolder,
}

/// One connection of [`python_tls`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PythonTlsVisit {
    /// What the client saw of the connection after the handshake.
    pub seen: TlsSeen,
    /// Everything the server sent, as Latin-1 text.
    pub answer: String,
    /// Whether the server said that it closes (close_notify), and did not just close.
    pub clean_end: bool,
}

impl PythonTlsOrigin {
    /// An origin that answers every GET and POST with what it saw of the connection, to be read by [`TlsSeen::parse`].
    /// It agrees on `http/1.1` with clients that offer it by ALPN.
    ///
    /// # Panics
    /// When Python is missing or does not listen, as it does with the key of another certificate.
    pub fn start(tls: &ServerTls) -> Self {
        Self::run("", tls)
    }

    /// An origin whose class `Handler` the script defines, as [`PythonOrigin`](crate::PythonOrigin)'s.
    /// `self.connection.shutdown(socket.SHUT_RDWR)` ends a connection without close_notify.
    ///
    /// # Panics
    /// As [`PythonTlsOrigin::start`].
    pub fn start_with(script: &str, tls: &ServerTls) -> Self {
        Self::run(script, tls)
    }

    fn run(handler: &str, tls: &ServerTls) -> Self {
        let folder = TempFolder::new();
        let files = tls.files(&folder);
        let mut options = common(tls.version_range(), tls.cipher_list(), files.client_ca.as_deref());
        options["cert"] = path(&files.cert);
        options["key"] = path(&files.key);
        options["alpn"] = json!(["http/1.1"]);
        options["required"] = json!(tls.client_is_required() == Some(true));
        options["script"] = json!(!handler.is_empty());
        let mut command = script(&format!("{IMPORTS}{SEEN}\n{handler}\n{ORIGIN}"), &options);
        let mut child = tool::spawn(command.stdin(Stdio::null()).stdout(Stdio::piped()));
        let out = TextLog::new();
        crate::program::collect(child.stdout.take(), &out);
        let line = out.wait_for("listening on ");
        let addr = crate::program::address_in(&line).unwrap_or_else(|| panic!("no address: {line}"));
        Self { child, addr, out, _folder: folder }
    }

    /// Where it listens.
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// What it says: a line `handshake failed: ...` for each that did.
    pub fn out(&self) -> &TextLog {
        &self.out
    }
}

impl Drop for PythonTlsOrigin {
    fn drop(&mut self) {
        // Already gone is as good.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Connects `visits` times one after the other, each time with the session of the time before, sends the request and
/// reads until the server closes. The error is Python's sentence when a connection or handshake fails.
///
/// # Panics
/// When Python is missing, or runs longer than [`LIMIT`](crate::LIMIT): a server that keeps the connection is to be
/// asked to close it.
pub fn python_tls(
    to: SocketAddr,
    tls: &ClientTls,
    request: &str,
    visits: usize,
) -> Result<Vec<PythonTlsVisit>, String> {
    let folder = TempFolder::new();
    let files = tls.files(&folder);
    let mut options = common(tls.version_range(), tls.cipher_list(), files.ca.as_deref());
    if let Some((cert, key)) = &files.identity {
        options["cert"] = path(cert);
        options["key"] = path(key);
    }
    options["alpn"] = json!(tls.alpn);
    options["name"] = json!(tls.sends_name.then_some(&tls.name));
    options["host"] = json!(to.ip().to_string());
    options["port"] = json!(to.port());
    options["request"] = json!(request);
    options["visits"] = json!(visits);
    let ran = tool::run(&mut script(&format!("{IMPORTS}{SEEN}\n{VISIT}"), &options));
    if !ran.status.success() {
        return Err(ran.stderr.trim().to_owned());
    }
    let reports: Vec<Value> = serde_json::from_str(&ran.stdout).expect("the script prints a list");
    Ok(reports.iter().map(visit).collect())
}

fn visit(report: &Value) -> PythonTlsVisit {
    PythonTlsVisit {
        seen: TlsSeen::read(report),
        answer: report["answer"].as_str().expect("the script's text").to_owned(),
        clean_end: report["clean"].as_bool().expect("the script's truth value"),
    }
}

/// What `limited` in `seen.py` reads.
fn common(versions: Versions, ciphers: Option<String>, ca: Option<&Path>) -> Value {
    let ca = ca.map(path);
    json!({ "min": name(versions.min), "max": name(versions.max), "ciphers": ciphers, "ca": ca, "cert": null })
}

/// The version as Python's enumeration spells it.
fn name(version: TlsVersion) -> String {
    version.setting().replace('.', "_")
}

fn path(path: &Path) -> Value {
    json!(path.display().to_string())
}

/// `-I` keeps the user's paths and variables out, `-W` the warning that old versions are old.
fn script(text: &str, options: &Value) -> Command {
    let mut command = Command::new("python3");
    command.args(["-I", "-W", "ignore", "-c", text, &options.to_string()]);
    command
}
