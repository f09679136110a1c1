//! Programs under measurement: started on one core, read through `/proc`, ended with their starter.

use std::fs::File;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};

use crate::shell::{display, family, program, tasks};

/// The core of the proxy under test; load and origin have the other.
pub(crate) const PROXY_CORE: usize = 0;
pub(crate) const LOAD_CORE: usize = 1;

const READY_WITHIN: Duration = Duration::from_secs(15);
const ENDS_WITHIN: Duration = Duration::from_secs(10);
const POLL: Duration = Duration::from_millis(10);

/// A running program; dropping it ends it.
pub(crate) struct Process {
    child: Child,
    /// The command as one would type it.
    pub(crate) command: String,
    log: PathBuf,
}

impl Process {
    /// Starts `command` on one core, or on all for `None`, with its output in the file `log`.
    pub(crate) fn start(command: &Command, core: Option<usize>, log: &Path) -> Result<Self> {
        let mut command = match core {
            Some(core) => on_core(core, command),
            None => copy(command),
        };
        let out = File::create(log).with_context(|| format!("cannot write {}", log.display()))?;
        command.stdout(out.try_clone()?).stderr(out).stdin(Stdio::null());
        end_with_starter(&mut command);
        let text = display(&command);
        println!("$ {text}");
        let child = command.spawn().with_context(|| format!("cannot start `{text}`"))?;
        Ok(Self { child, command: text, log: log.to_owned() })
    }

    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// Waits until `address` takes connections.
    pub(crate) fn wait_ready(&mut self, address: SocketAddr) -> Result<()> {
        let deadline = Instant::now() + READY_WITHIN;
        while TcpStream::connect(address).is_err() {
            if let Some(status) = self.child.try_wait()? {
                bail!("`{}` ended with {status}: {}", self.command, self.output());
            }
            if Instant::now() > deadline {
                bail!(
                    "`{}` does not listen on {address} after {READY_WITHIN:?}: {}",
                    self.command,
                    self.output()
                );
            }
            sleep(POLL);
        }
        Ok(())
    }

    /// Asks it to end, waits, and returns all it printed.
    pub(crate) fn stop(mut self, signal: libc::c_int) -> Result<String> {
        self.end(signal);
        Ok(self.output())
    }

    /// What it printed so far.
    pub(crate) fn output(&self) -> String {
        std::fs::read_to_string(&self.log).unwrap_or_default()
    }

    /// CPU time of all its threads and children until now.
    pub(crate) fn cpu(&self) -> Duration {
        let mut total = 0;
        for id in family(self.id()) {
            for task in tasks(id) {
                // The first number is the time on a processor, in nanoseconds. A thread may have ended meanwhile.
                let text = std::fs::read_to_string(task.join("schedstat")).unwrap_or_default();
                total += text.split(' ').next().and_then(|number| number.parse::<u64>().ok()).unwrap_or(0);
            }
        }
        Duration::from_nanos(total)
    }

    /// Resident memory of it and its children, in bytes.
    pub(crate) fn resident(&self) -> Result<u64> {
        let mut total = 0;
        for id in family(self.id()) {
            let status = std::fs::read_to_string(format!("/proc/{id}/status"))
                .with_context(|| format!("`{}` is gone: {}", self.command, self.output()))?;
            let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap_or("0 kB");
            let kib: u64 = line.trim().trim_end_matches(" kB").parse().context("VmRSS is no number")?;
            total += kib * 1024;
        }
        Ok(total)
    }

    fn end(&mut self, signal: libc::c_int) {
        // SAFETY: kill takes plain numbers; the child was not waited for yet, so its id is still its own.
        unsafe { libc::kill(self.child.id() as libc::pid_t, signal) };
        let deadline = Instant::now() + ENDS_WITHIN;
        while matches!(self.child.try_wait(), Ok(None)) {
            if Instant::now() > deadline {
                let _ = self.child.kill();
                let _ = self.child.wait();
                return;
            }
            sleep(POLL);
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        if matches!(self.child.try_wait(), Ok(None)) {
            self.end(libc::SIGTERM);
        }
    }
}

/// The same command held to one core.
pub(crate) fn on_core(core: usize, command: &Command) -> Command {
    let mut pinned = program("taskset", ["-c", &core.to_string()]);
    pinned.arg(command.get_program()).args(command.get_args());
    copy_environment(command, &mut pinned);
    pinned
}

fn copy(command: &Command) -> Command {
    let mut same = Command::new(command.get_program());
    same.args(command.get_args());
    copy_environment(command, &mut same);
    same
}

fn copy_environment(from: &Command, to: &mut Command) {
    for (name, value) in from.get_envs() {
        match value {
            Some(value) => to.env(name, value),
            None => to.env_remove(name),
        };
    }
}

/// The kernel ends the program when this one ends, however that comes about.
pub(crate) fn end_with_starter(command: &mut Command) {
    // SAFETY: between fork and exec only one system call is made, which is async-signal-safe.
    unsafe {
        command.pre_exec(|| {
            libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGTERM);
            Ok(())
        });
    }
}

/// Refuses to go on where there is no core for each.
pub(crate) fn ensure_cores() -> Result<()> {
    let cores = std::thread::available_parallelism()?.get();
    ensure!(cores > LOAD_CORE, "two cores are needed, one for the proxy and one for the load");
    Ok(())
}

/// Holds this program, its threads to come and the programs it starts to one core.
pub(crate) fn pin_self(core: usize) {
    // SAFETY: the set is plain data that lives through both calls; zero is a valid empty set.
    unsafe {
        let mut set: libc::cpu_set_t = std::mem::zeroed();
        libc::CPU_SET(core, &mut set);
        libc::sched_setaffinity(0, size_of::<libc::cpu_set_t>(), &raw const set);
    }
}

/// Raises the limit of open files, for this program and all it starts.
pub(crate) fn raise_open_files(wanted: u64) -> Result<()> {
    // SAFETY: the struct is plain data that lives through both calls.
    let failed = unsafe {
        let mut limit: libc::rlimit = std::mem::zeroed();
        libc::getrlimit(libc::RLIMIT_NOFILE, &raw mut limit);
        limit.rlim_cur = limit.rlim_cur.max(wanted);
        limit.rlim_max = limit.rlim_max.max(wanted);
        libc::setrlimit(libc::RLIMIT_NOFILE, &raw const limit) != 0
    };
    if failed {
        bail!(
            "cannot raise the limit of open files to {wanted}; type `ulimit -Hn` to see the highest allowed"
        );
    }
    Ok(())
}

/// A port that nobody listens on now.
pub(crate) fn free_address() -> Result<SocketAddr> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?)
}
