//! A built program, run as a user runs it.

use std::io::{Read, Write};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread;

use crate::text_log::TextLog;
use crate::tool;

/// A running program, killed with this value.
pub struct Program {
    child: Child,
    out: TextLog,
    err: TextLog,
    both: TextLog,
}

impl Program {
    /// Starts the program at `path` and reads its output.
    ///
    /// # Panics
    /// When it cannot be started.
    pub fn start(path: impl AsRef<Path>, arguments: &[&str]) -> Self {
        let mut command = Command::new(path.as_ref());
        command.args(arguments).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = tool::spawn(&mut command);
        let (out, err, both) = (TextLog::new(), TextLog::new(), TextLog::new());
        collect_both(child.stdout.take(), &out, &both);
        collect_both(child.stderr.take(), &err, &both);
        Self { child, out, err, both }
    }

    /// The address in the first line that says `listening on ADDR`, on either stream.
    ///
    /// # Panics
    /// When no such line comes.
    pub fn addr(&self) -> SocketAddr {
        let line = self.both.wait_for("listening on ");
        address_in(&line).unwrap_or_else(|| panic!("no address: {line}"))
    }

    /// Its standard output.
    pub fn out(&self) -> &TextLog {
        &self.out
    }

    /// Its standard error.
    pub fn err(&self) -> &TextLog {
        &self.err
    }

    /// Its process id.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Sends TERM, which asks for a graceful stop.
    pub fn terminate(&self) {
        tool::signal(self.child.id(), libc::SIGTERM);
    }

    /// Sends INT, as Ctrl-C does.
    pub fn interrupt(&self) {
        tool::signal(self.child.id(), libc::SIGINT);
    }

    /// Sends HUP, which asks for a reload.
    pub fn hang_up(&self) {
        tool::signal(self.child.id(), libc::SIGHUP);
    }

    /// Sends USR1, which asks for log files to be opened anew.
    pub fn reopen_logs(&self) {
        tool::signal(self.child.id(), libc::SIGUSR1);
    }

    /// Waits for its end.
    ///
    /// # Panics
    /// When it still runs after [`LIMIT`](crate::LIMIT); it is killed then.
    pub fn wait(&mut self) -> ExitStatus {
        let ended = tool::wait_or_kill(&mut self.child);
        ended.unwrap_or_else(|| panic!("still running; it said:\n{}", self.both.text()))
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        // Already gone is as good.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Copies a stream into a log, line for line as it comes.
pub(crate) fn collect(from: Option<impl Read + Send + 'static>, into: &TextLog) {
    collect_both(from, into, &TextLog::new());
}

fn collect_both(from: Option<impl Read + Send + 'static>, one: &TextLog, other: &TextLog) {
    let Some(mut from) = from else { return };
    let (mut one, mut other) = (one.clone(), other.clone());
    thread::spawn(move || {
        let mut block = [0; 4096];
        while let Ok(count @ 1..) = from.read(&mut block) {
            // A log in memory takes everything.
            let _ = one.write_all(&block[..count]);
            let _ = other.write_all(&block[..count]);
        }
    });
}

/// The address behind the words `listening on `.
pub(crate) fn address_in(line: &str) -> Option<SocketAddr> {
    let (_, rest) = line.split_once("listening on ")?;
    let word = rest.split_whitespace().next()?;
    word.trim_start_matches("http://").trim_end_matches(['.', ',', ';', '/']).parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_a_program_says_and_stops_it() {
        let script = "echo listening on 127.0.0.1:81; echo oops >&2; exec sleep 60";
        let mut program = Program::start("sh", &["-c", script]);
        assert_eq!(program.addr(), "127.0.0.1:81".parse().unwrap());
        program.err().wait_for("oops");
        program.terminate();
        assert!(!program.wait().success());
    }

    #[test]
    fn finds_the_address_in_a_sentence() {
        assert_eq!(
            address_in("gorge: listening on http://127.0.0.1:80/, 2 workers"),
            "127.0.0.1:80".parse().ok()
        );
        assert_eq!(address_in("listening on [::1]:80"), "[::1]:80".parse().ok());
    }
}
