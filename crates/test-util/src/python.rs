//! Python's own HTTP modules as client and origin.

use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};

use crate::text_log::TextLog;
use crate::tool::{self, Ran};

/// Runs a script with `python3 -c`; `arguments` are its `sys.argv[1:]`.
///
/// # Panics
/// When Python is missing, or the script runs longer than [`LIMIT`](crate::LIMIT).
pub fn python(script: &str, arguments: &[&str]) -> Ran {
    // -I keeps the user's paths and variables out.
    tool::run(Command::new("python3").args(["-I", "-c", script]).args(arguments))
}

/// An origin made of Python's `http.server`, ended with this value.
pub struct PythonOrigin {
    child: Child,
    addr: SocketAddr,
}

/// Serves `Handler`, which the script before it defines, and says where.
const SERVE: &str = "
import http.server
server = http.server.ThreadingHTTPServer(('127.0.0.1', 0), Handler)
print('listening on 127.0.0.1:%d' % server.server_port, flush=True)
server.serve_forever()
";

impl PythonOrigin {
    /// Starts a server whose class `Handler` the script defines, as a subclass of
    /// `http.server.BaseHTTPRequestHandler`.
    ///
    /// # Panics
    /// When Python is missing or the script fails before it listens.
    pub fn start(script: &str) -> Self {
        let script = format!("import http.server\n{script}\n{SERVE}");
        let mut command = Command::new("python3");
        command.args(["-I", "-c", &script]).stdin(Stdio::null()).stdout(Stdio::piped());
        let mut child = tool::spawn(&mut command);
        let log = TextLog::new();
        crate::program::collect(child.stdout.take(), &log);
        let line = log.wait_for("listening on ");
        let addr = crate::program::address_in(&line).unwrap_or_else(|| panic!("no address: {line}"));
        Self { child, addr }
    }

    /// Where it listens.
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }
}

impl Drop for PythonOrigin {
    fn drop(&mut self) {
        // Already gone is as good.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
