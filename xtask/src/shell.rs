//! Running other programs: every command is printed before it starts.

use std::ffi::OsStr;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

/// The words that follow a verb.
pub(crate) struct Arguments {
    usage: &'static str,
    words: Vec<String>,
}

impl Arguments {
    pub(crate) fn new(usage: &'static str, words: impl Iterator<Item = String>) -> Self {
        Self { usage, words: words.collect() }
    }

    /// Takes `--name` out; true if it was there.
    pub(crate) fn flag(&mut self, name: &str) -> bool {
        let before = self.words.len();
        self.words.retain(|word| word != name);
        self.words.len() != before
    }

    /// Takes `--name VALUE` out.
    pub(crate) fn value(&mut self, name: &str) -> Result<Option<String>> {
        let Some(at) = self.words.iter().position(|word| word == name) else {
            return Ok(None);
        };
        if at + 1 >= self.words.len() {
            bail!("{name} needs a value; usage: cargo xtask {}", self.usage);
        }
        self.words.remove(at);
        Ok(Some(self.words.remove(at)))
    }

    /// Takes the next word that is not an option.
    pub(crate) fn word(&mut self) -> Option<String> {
        let at = self.words.iter().position(|word| !word.starts_with('-'))?;
        Some(self.words.remove(at))
    }

    /// Refuses what nobody took.
    pub(crate) fn finish(self) -> Result<()> {
        match self.words.first() {
            None => Ok(()),
            Some(word) => bail!("`{word}` is not understood; usage: cargo xtask {}", self.usage),
        }
    }
}

/// A `cargo` of the toolchain that runs this program.
pub(crate) fn cargo<I, S>(arguments: I) -> Command
where
    I: IntoIterator<Item = S>,
    S: AsRef<OsStr>,
{
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.args(arguments).stdin(Stdio::null());
    command
}

/// Any other program.
pub(crate) fn program<I, S>(name: &str, arguments: I) -> Command
where
    I: IntoIterator<Item = S>,
    S: AsRef<OsStr>,
{
    let mut command = Command::new(name);
    command.args(arguments).stdin(Stdio::null());
    command
}

/// How long one command may take; what hangs must not hang whoever waits for the verdict.
const PATIENCE: Duration = Duration::from_secs(30 * 60);
const POLL: Duration = Duration::from_millis(20);

/// Prints the command, runs it with this program's output, and fails unless it exits with 0 in time.
pub(crate) fn execute(command: &mut Command) -> Result<()> {
    run(command, Some(Instant::now() + PATIENCE))
}

/// The same for a command that runs until someone ends it.
pub(crate) fn attend(command: &mut Command) -> Result<()> {
    run(command, None)
}

fn run(command: &mut Command, deadline: Option<Instant>) -> Result<()> {
    println!("$ {}", display(command));
    let mut child = command.spawn().with_context(|| format!("cannot start `{}`", display(command)))?;
    let status = loop {
        if let Some(status) = child.try_wait()? {
            break status;
        }
        if deadline.is_some_and(|deadline| Instant::now() > deadline) {
            end_family(child.id());
            child.wait()?;
            bail!("`{}` hangs: ended after {}", display(command), human_seconds(PATIENCE));
        }
        std::thread::sleep(POLL);
    };
    if !status.success() {
        bail!("`{}` ended with {status}", display(command));
    }
    Ok(())
}

/// Ends a process and what it has started, the youngest first.
fn end_family(id: u32) {
    for id in family(id).into_iter().rev() {
        // SAFETY: kill takes plain numbers. The ids were read just now, of a process that is ours and not waited for.
        unsafe { libc::kill(id as libc::pid_t, libc::SIGKILL) };
    }
}

/// A process and all that it has started, by id.
pub(crate) fn family(id: u32) -> Vec<u32> {
    let mut family = vec![id];
    let mut at = 0;
    while at < family.len() {
        for task in tasks(family[at]) {
            let children = std::fs::read_to_string(task.join("children")).unwrap_or_default();
            family.extend(children.split_whitespace().filter_map(|id| id.parse::<u32>().ok()));
        }
        at += 1;
    }
    family
}

/// The threads of a process, as folders below `/proc`; none if it has ended.
pub(crate) fn tasks(id: u32) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(format!("/proc/{id}/task"));
    entries.map(|entries| entries.flatten().map(|entry| entry.path()).collect()).unwrap_or_default()
}

/// Runs the command quietly and returns what it printed.
pub(crate) fn capture(command: &mut Command) -> Result<String> {
    let output = command.output().with_context(|| format!("cannot start `{}`", display(command)))?;
    if !output.status.success() {
        bail!(
            "`{}` ended with {}: {}",
            display(command),
            output.status,
            String::from_utf8_lossy(&output.stderr).trim()
        );
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// The command as one would type it, its own environment first.
pub(crate) fn display(command: &Command) -> String {
    let mut text = String::new();
    for (name, value) in command.get_envs() {
        if let Some(value) = value {
            text.push_str(&format!("{}={} ", name.to_string_lossy(), quote(value)));
        }
    }
    let name = PathBuf::from(command.get_program());
    let name = name.file_name().unwrap_or(command.get_program());
    text.push_str(&quote(name));
    for argument in command.get_args() {
        text.push(' ');
        text.push_str(&quote(argument));
    }
    text
}

fn quote(word: &OsStr) -> String {
    let word = word.to_string_lossy();
    if word.is_empty() || word.contains(|c: char| c.is_whitespace() || "'\"$*;&|<>()".contains(c)) {
        format!("'{}'", word.replace('\'', "'\\''"))
    } else {
        word.into_owned()
    }
}

/// Where `name` stands on the search path; the system's own folders count too, as `sbin` is not on every user's path.
pub(crate) fn find_program(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path)
        .chain(["/usr/sbin", "/usr/local/sbin", "/sbin"].map(PathBuf::from))
        .map(|folder| folder.join(name))
        .find(|candidate| candidate.is_file())
}

pub(crate) fn human_seconds(duration: Duration) -> String {
    let seconds = duration.as_secs();
    if seconds >= 60 {
        format!("{} min {} s", seconds / 60, seconds % 60)
    } else {
        format!("{:.1} s", duration.as_secs_f64())
    }
}

/// From here on Ctrl-C ends the programs that run, not this one, so that it can still say how they ended.
pub(crate) fn outlive_interrupts() {
    extern "C" fn nothing(_: libc::c_int) {}
    let handler = nothing as extern "C" fn(libc::c_int);
    // SAFETY: the handler does nothing, which is safe at any point. Unlike SIG_IGN it is not inherited by programs
    // started later.
    unsafe { libc::signal(libc::SIGINT, handler as libc::sighandler_t) };
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_family_is_ended_with_its_head() {
        let mut child = program("sh", ["-c", "sleep 600; true"]).spawn().unwrap();
        while family(child.id()).len() < 2 {
            std::thread::yield_now();
        }
        let all = family(child.id());
        end_family(child.id());
        child.wait().unwrap();
        // Nobody here can wait for the grandchild, but it comes to its end by itself.
        let stat = || std::fs::read_to_string(format!("/proc/{}/stat", all[1])).unwrap_or_default();
        let runs = |stat: String| !(stat.is_empty() || stat.contains(") Z ") || stat.contains(") X "));
        while runs(stat()) {
            std::thread::yield_now();
        }
    }

    #[test]
    fn what_a_verb_does_not_know_is_refused() {
        let words = |text: &str| Arguments::new("test [CRATE]", text.split(' ').map(str::to_owned));
        let mut arguments = words("--quick pool --only a,b");
        assert!(arguments.flag("--quick") && !arguments.flag("--quick"));
        assert_eq!(arguments.value("--only").unwrap().as_deref(), Some("a,b"));
        assert_eq!(arguments.word().as_deref(), Some("pool"));
        assert!(arguments.finish().is_ok());
        assert!(words("--qiuck").finish().is_err());
        assert!(words("--only").value("--only").is_err());
    }
}
