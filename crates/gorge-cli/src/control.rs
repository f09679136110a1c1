//! `gorge reload` and `gorge stop`: ask the process that runs, and tell what came of it.

use std::path::{Path, PathBuf};

use gorge::error::Kind;
use gorge::server::PidFile;
use gorge::server::control;
pub(crate) use gorge::server::control::Verb;

use crate::args::ConfigArguments;
use crate::config::{self, Environment, Style};
use crate::failure::Failure;
use crate::run::control_path;
use crate::terminal::say;

/// Has the process that serves this configuration do what `verb` says, and waits for the outcome.
pub(crate) fn ask(verb: Verb, arguments: &ConfigArguments) -> Result<(), Failure> {
    let path = arguments.path();
    let pid_file = pid_file(&path)?;
    let running = PidFile::read(&pid_file).map_err(|error| Failure::refused(&error))?;
    let Some(pid) = running else {
        return Err(not_running(&path, &pid_file));
    };
    let answer = control::ask(control_path(&pid_file), verb).map_err(|error| match error.kind() {
        Kind::ConnectRefused => not_running(&path, &pid_file),
        Kind::AccessDenied => Failure::refused(
            &error.context(format!("process {pid} belongs to another user; ask as that one, or as root")),
        ),
        _ => Failure::refused(&error.context(format!("process {pid}"))),
    })?;
    if answer.ok {
        say(answer.text);
        return Ok(());
    }
    Err(Failure::report(format!("{}\nprocess {pid} goes on with the configuration it has", answer.text)))
}

/// Where the process that serves this configuration has its PID file. That does not depend on the rest
/// of the file, which may be wrong by now: a stop does not care, and what is wrong for a reload is the
/// process's to say, which has another environment than this one.
fn pid_file(path: &Path) -> Result<PathBuf, Failure> {
    let report = match config::read(path, &Environment::process()) {
        Ok(checked) => match checked.config.server.pid_file {
            Some(pid_file) => return Ok(pid_file.0),
            None => {
                return Err(Failure::configuration(format!(
                    "{} sets no pid_file, so the process cannot be found; set `pid_file = \"/run/gorge.pid\"` in \
                     [server], or send it a signal: HUP reloads, TERM stops",
                    path.display()
                )));
            }
        },
        Err(report) => report,
    };
    pid_file_alone(path).ok_or_else(|| Failure::report(report.render(Style::of_stderr())))
}

/// The PID file that a configuration names which cannot be used otherwise.
fn pid_file_alone(path: &Path) -> Option<PathBuf> {
    let text = std::fs::read_to_string(path).ok()?;
    // What is no TOML is left out.
    let (table, _) = toml::de::DeTable::parse_recoverable(&text);
    let pid_file = table.get_ref().get("server")?.get_ref().get("pid_file")?.get_ref().as_str()?;
    let folder = path.parent().unwrap_or(Path::new(""));
    (!pid_file.contains('$')).then(|| folder.join(pid_file))
}

fn not_running(path: &Path, pid_file: &Path) -> Failure {
    Failure::not_running(format!(
        "no process serves {}: nobody holds {}; start one with `gorge run --config {}`",
        path.display(),
        pid_file.display(),
        path.display()
    ))
}
