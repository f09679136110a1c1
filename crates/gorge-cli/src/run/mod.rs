//! `gorge run`: serves what a configuration file says, and goes with it when it changes.

mod bind;
pub(crate) mod names;
mod reload;
#[cfg_attr(not(feature = "openssl"), path = "no_staples.rs")]
mod staples;
mod watch;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use gorge::proxy::Level;
use gorge::server::{self, Admin, Phase, PidFile, Server, Service};

use crate::args::ConfigArguments;
use crate::build::logs::Writers;
use crate::build::{Around, Generation, Tickets};
use crate::config::{self, Checked, Config, Environment, ServerTable, Style};
use crate::failure::Failure;
use crate::guest::Guest;
use crate::process;
use crate::terminal::say;
use reload::State;
pub(crate) use watch::Watch;

/// Serves until a signal, or `gorge stop`, has stopped it.
pub(crate) fn run(arguments: &ConfigArguments) -> Result<(), Failure> {
    let path = arguments.path();
    let watch = Watch::new(&path);
    let checked = read(&path)?;
    serve(checked.config, Some((path, watch)), None)
}

/// Reads a configuration; warnings are told, mistakes end the program.
pub(crate) fn read(path: &Path) -> Result<Checked, Failure> {
    let style = Style::of_stderr();
    let checked = config::read(path, &Environment::process())
        .map_err(|report| Failure::report(report.render(style)))?;
    for warning in &checked.warnings {
        say(warning.render(&checked.source, style).trim_end());
    }
    Ok(checked)
}

/// Where the control socket is, for a process with this PID file.
pub(crate) fn control_path(pid_file: &Path) -> PathBuf {
    pid_file.with_extension("control")
}

/// Serves a configuration that was read from a file; without one there is nothing to reload.
pub(crate) fn serve(
    config: Config,
    file: Option<(PathBuf, Watch)>,
    guest: Option<Arc<dyn Guest>>,
) -> Result<(), Failure> {
    let (path, watch) = file.unzip();
    let table = config.server.clone();
    let open_files = process::raise_limit(table.max_connections, table.open_files, "max_connections");
    let runtime = runtime(&table);
    let workers = runtime.workers;
    let mut server = Server::new(server::Config {
        runtime,
        max_connections: table.max_connections,
        grace: table.grace,
        drain_delay: table.drain_delay,
        ..server::Config::default()
    });
    hold_pid_file(&mut server, &table)?;
    let writers = Arc::new(Writers::default());
    let tickets = Tickets::default();
    let around =
        Around { workers, writers: &writers, before: None, guest: guest.as_deref(), tickets: &tickets };
    let mut generation = Generation::build(config, &around).map_err(|error| Failure::refused(&error))?;
    generation.forget_routes();
    if let Some(warning) = open_files {
        generation.logs.error.note(Level::Warn, warning);
    }
    generation.commit(None).map_err(|error| Failure::refused(&error))?;
    let admin = Admin::new();
    let (addresses, admin_at) = bind::all(&mut server, &generation, &admin, path.is_some())?;
    let state = Arc::new(State::new(path, workers, writers.clone(), tickets, admin, generation));
    hook(&mut server, &state, table.drain_delay);
    let daily = state.clone();
    server.add(watch_certificates(daily)).map_err(|error| Failure::refused(&error))?;
    if let Some(guest) = guest.clone() {
        server.on_stop(move |_| guest.stopping());
    }
    let stopped = server.serve(|_| {
        for address in &addresses {
            state.log().note(Level::Info, format_args!("listening on {address}"));
        }
        state.tell_of_certificates(true);
        for address in &admin_at {
            state.log().note(Level::Info, format_args!("admin at {address}"));
        }
        if let Some(guest) = &guest {
            guest.greet(&addresses);
        }
        state.watch(watch);
    });
    let stopped = stopped.map_err(|error| Failure::refused(&error))?;
    state.log().note(Level::Info, process::last_words(&stopped));
    process::flush(writers.all());
    Ok(())
}

/// Looks each day whether a certificate is about to expire.
fn watch_certificates(state: Arc<State>) -> Service {
    Service::background("certificates", move |context| {
        let state = state.clone();
        async move {
            while context.pause(DAY).await {
                state.tell_of_certificates(false);
            }
            Ok(())
        }
    })
}

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

fn runtime(table: &ServerTable) -> gorge::runtime::Config {
    let default = gorge::runtime::Config::default();
    gorge::runtime::Config {
        workers: table.workers.unwrap_or(default.workers),
        work_stealing: table.work_stealing,
        ..default
    }
}

/// The PID file, so that no second process serves the same, and the control socket beside it.
fn hold_pid_file(server: &mut Server, table: &ServerTable) -> Result<(), Failure> {
    let Some(path) = &table.pid_file else { return Ok(()) };
    let pid_file = PidFile::create(&path.0).map_err(|error| Failure::refused(&error))?;
    server.pid_file(pid_file);
    server.control(control_path(&path.0)).map_err(|error| Failure::refused(&error))
}

fn hook(server: &mut Server, state: &Arc<State>, delay: Duration) {
    let first = state.clone();
    server.on_start(move |running| {
        first.start_names(running);
        Ok(())
    });
    if state.has_file() {
        let again = state.clone();
        server.on_reload(move |running| again.reload(running));
    }
    let reopening = state.clone();
    server.on_reopen(move || reopening.reopen());
    let failing = state.clone();
    server.on_failure(move |failure| {
        let text = format!(
            "the service {} died: {}; it starts again in {:?}",
            failure.service, failure.reason, failure.again_in
        );
        failing.log().note(Level::Error, text);
    });
    let refusing = state.clone();
    server.on_refusal(move |refusal| refusing.log().refused(refusal));
    let phases = state.clone();
    server.on_phase(move |phase| {
        if phase == Phase::Draining {
            phases.tell_of_stop(delay);
        }
    });
}
