//! Programs that others wrote.

use std::ffi::OsStr;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc;
use std::thread::{self, JoinHandle};
use std::{fs, process};

use crate::guard::LIMIT;

/// What a foreign program left behind.
#[derive(Clone, Debug)]
pub struct Ran {
    /// How it ended.
    pub status: ExitStatus,
    /// Its standard output.
    pub stdout: String,
    /// Its standard error.
    pub stderr: String,
}

impl Ran {
    /// The standard output of a program that succeeded.
    ///
    /// # Panics
    /// When it did not, with what it said.
    #[track_caller]
    pub fn succeeded(self) -> String {
        assert!(self.status.success(), "{}:\n{}{}", self.status, self.stdout, self.stderr);
        self.stdout
    }
}

/// A new folder that goes away with this value.
pub struct TempFolder {
    path: PathBuf,
}

impl TempFolder {
    /// Makes one.
    ///
    /// # Panics
    /// When the folder for temporary files is not writable.
    #[allow(clippy::new_without_default, reason = "it makes a folder, which a default should not")]
    pub fn new() -> Self {
        static NEXT: AtomicUsize = AtomicUsize::new(0);
        let name = format!("gorge-test-{}-{}", process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        let path = std::env::temp_dir().join(name);
        fs::create_dir_all(&path).unwrap_or_else(|e| panic!("make {}: {e}", path.display()));
        Self { path }
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Writes a file in it and returns its path.
    ///
    /// # Panics
    /// When the file cannot be written.
    pub fn write(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path.join(name);
        fs::write(&path, content).unwrap_or_else(|e| panic!("write {}: {e}", path.display()));
        path
    }
}

impl Drop for TempFolder {
    fn drop(&mut self) {
        // Best effort: the folder is temporary by its place already.
        let _ = fs::remove_dir_all(&self.path);
    }
}

/// Starts a program.
///
/// # Panics
/// When it is not installed, naming the command that says how to get it.
pub(crate) fn spawn(command: &mut Command) -> Child {
    let name = command.get_program().to_owned();
    command.spawn().unwrap_or_else(|e| panic!("{}", missing(&name, &e)))
}

fn missing(name: &OsStr, e: &io::Error) -> String {
    let name = name.display();
    format!("{name} cannot be started ({e}); `cargo xtask doctor` says how to install what the tests need")
}

/// Runs a program to its end, without input.
///
/// # Panics
/// When it is missing, or runs longer than [`LIMIT`].
pub(crate) fn run(command: &mut Command) -> Ran {
    finish(spawn(piped(command).stdin(Stdio::null())), command)
}

/// The same, with this input.
///
/// # Panics
/// As [`run`].
pub(crate) fn run_with_input(command: &mut Command, input: &[u8]) -> Ran {
    let mut child = spawn(piped(command).stdin(Stdio::piped()));
    let (into, input) = (child.stdin.take(), input.to_vec());
    // A thread of its own: a program that answers before it has read all would otherwise stand still.
    thread::spawn(move || into.map(|mut into| into.write_all(&input)));
    finish(child, command)
}

fn piped(command: &mut Command) -> &mut Command {
    command.stdout(Stdio::piped()).stderr(Stdio::piped())
}

fn finish(mut child: Child, command: &Command) -> Ran {
    let (stdout, stderr) = (read_all(child.stdout.take()), read_all(child.stderr.take()));
    let status = wait_or_kill(&mut child);
    let ran = |status| Ran { status, stdout: text(stdout), stderr: text(stderr) };
    ran(status.unwrap_or_else(|| panic!("{command:?} still ran after {LIMIT:?}")))
}

fn read_all(from: Option<impl Read + Send + 'static>) -> JoinHandle<Vec<u8>> {
    thread::spawn(move || {
        let mut bytes = Vec::new();
        if let Some(mut from) = from {
            // What a broken pipe cuts off shows in the status.
            let _ = from.read_to_end(&mut bytes);
        }
        bytes
    })
}

fn text(reader: JoinHandle<Vec<u8>>) -> String {
    String::from_utf8_lossy(&reader.join().expect("reading a pipe does not panic")).into_owned()
}

/// Waits for a child to end, and kills it when it has not after [`LIMIT`]: then there is no status.
pub(crate) fn wait_or_kill(child: &mut Child) -> Option<ExitStatus> {
    let id = child.id();
    let (done, ended) = mpsc::channel();
    thread::spawn(move || {
        await_end(id);
        // Nobody listens any more after the limit.
        let _ = done.send(());
    });
    let in_time = ended.recv_timeout(LIMIT).is_ok();
    if !in_time {
        // Already gone is as good.
        let _ = child.kill();
    }
    child.wait().ok().filter(|_| in_time)
}

/// Blocks until a child has ended and leaves it to be waited for, so that its id stays its own.
fn await_end(id: u32) {
    let mut info = std::mem::MaybeUninit::<libc::siginfo_t>::uninit();
    // SAFETY: the kernel writes the record into memory that is ours and large enough; it is not read.
    unsafe { libc::waitid(libc::P_PID, id, info.as_mut_ptr(), libc::WEXITED | libc::WNOWAIT) };
}

/// Sends a signal to one process that this crate started and has not yet waited for.
pub(crate) fn signal(id: u32, signal: libc::c_int) {
    let id = libc::pid_t::try_from(id).expect("the kernel hands out positive ids");
    // SAFETY: kill takes plain numbers and touches no memory of ours; `id` is a child not yet waited for, so it
    // cannot have been given to another process.
    unsafe { libc::kill(id, signal) };
}
