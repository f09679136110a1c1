//! `bench-proxy --program`: what `gorge run` with a configuration costs over the bare path of `gorge proxy`, what
//! many routes cost over one, how fast it starts and reloads, and what a reload costs those who are served meanwhile.

mod reload;
mod report;
mod site;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use super::contestants::{self, Built, Kind, Scratch};
use super::count::{self, Counts, Subject};
use super::load::{self, Clients, Load, Script};
use super::process::{self, LOAD_CORE, PROXY_CORE, Process, free_address};
use super::{Plan, Sample};
use crate::shell::capture;
use reload::Longest;
use site::Site;

pub(super) use report::text;

/// The largest configuration.
const MANY: usize = 10_000;
/// Routes of the configurations that are started.
const STARTED: [usize; 3] = [1, 100, MANY];
/// Routes of the configurations that are reloaded.
const RELOADED: [usize; 2] = [1000, MANY];
/// How often what takes a moment only is done.
const TRIES: usize = 11;
/// The configurations of any run are the same.
const SEED: u64 = 1;

/// A program that runs from beginning to end, and takes its turn.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Runner {
    /// `gorge proxy` without an access log.
    Bare,
    /// `gorge proxy` with its combined log.
    BareLogging,
    /// `gorge run` with one route, edits of fields and a JSON log.
    Full,
    /// `gorge run` with one route and nothing else.
    One,
    /// `gorge run` with many routes and nothing else.
    Many,
}

/// What a runner is asked for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Asked {
    /// The same thing always.
    Plain,
    /// One of the many routes always.
    OneRoute,
    /// All of the many routes in turn.
    AllRoutes,
}

/// One row: a runner, and what it is asked for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Row {
    runner: Runner,
    asked: Asked,
}

const ROWS: [Row; 7] = [
    Row { runner: Runner::Bare, asked: Asked::Plain },
    Row { runner: Runner::BareLogging, asked: Asked::Plain },
    Row { runner: Runner::Full, asked: Asked::Plain },
    Row { runner: Runner::One, asked: Asked::OneRoute },
    Row { runner: Runner::Many, asked: Asked::OneRoute },
    Row { runner: Runner::One, asked: Asked::AllRoutes },
    Row { runner: Runner::Many, asked: Asked::AllRoutes },
];

/// All that was measured.
pub(super) struct Measured {
    /// By row, then by round.
    samples: Vec<Vec<Sample>>,
    /// By the numbers of `STARTED`.
    started: Vec<Started>,
    /// How long `gorge check` takes with many routes.
    check: Vec<Duration>,
    /// By the numbers of `RELOADED`.
    reloaded: Vec<Vec<Duration>>,
    longest: Longest,
    counts: Vec<(Subject, Vec<Counts>)>,
}

/// Starts with one configuration.
struct Started {
    /// From the start of the process to the first answer.
    ready: Vec<Duration>,
    /// Resident after that.
    resident: u64,
}

pub(super) fn measure(plan: &Plan, scratch: &Scratch) -> Result<Measured> {
    let counts = [Subject::Proxy, Subject::Program]
        .into_iter()
        .map(|subject| Ok((subject, count::count(scratch, subject)?)))
        .collect::<Result<_>>()?;
    let built = Built::build(&[Kind::Gorge], &[])?;
    process::ensure_cores()?;
    process::pin_self(LOAD_CORE);
    let (_origin, origin) = contestants::start_origin_of_anything(scratch)?;
    let bench = Bench { gorge: built.gorge(), scratch, origin };
    Ok(Measured {
        samples: bench.rounds(plan)?,
        started: STARTED.iter().map(|&routes| bench.starts(routes)).collect::<Result<_>>()?,
        check: bench.checks()?,
        reloaded: RELOADED.iter().map(|&routes| bench.reloads(routes)).collect::<Result<_>>()?,
        longest: bench.longest(plan)?,
        counts,
    })
}

/// `gorge run` with one route, two edits each way and a JSON access log, for whoever counts.
pub(super) fn full(
    gorge: &Path,
    scratch: &Scratch,
    listen: SocketAddr,
    origin: SocketAddr,
) -> Result<Command> {
    Bench { gorge, scratch, origin }.command(Runner::Full, listen)
}

/// What every measurement needs.
struct Bench<'a> {
    gorge: &'a Path,
    scratch: &'a Scratch,
    origin: SocketAddr,
}

impl Bench<'_> {
    fn site(&self, listen: SocketAddr, routes: usize) -> Site<'static> {
        Site { listen, origin: self.origin, routes, edits: false, log: None, pid_file: None, seed: SEED }
    }

    fn write(&self, name: &str, site: &Site<'_>) -> Result<PathBuf> {
        self.scratch.write(name, &site.text())
    }

    fn on(&self, verb: &str, config: &Path) -> Command {
        let mut command = Command::new(self.gorge);
        command.arg(verb).arg("-c").arg(config);
        command
    }

    fn command(&self, runner: Runner, listen: SocketAddr) -> Result<Command> {
        let log = self.scratch.folder.join("access.log");
        let site = match runner {
            Runner::Bare | Runner::BareLogging => {
                let mut command = contestants::gorge(self.gorge, listen, self.origin);
                command.env("GORGE_WORKERS", "1").env("GORGE_MAX_CONNECTIONS", "12000");
                if runner == Runner::Bare {
                    command.args(["--access-log", "off"]);
                }
                return Ok(command);
            }
            Runner::Full => Site { edits: true, log: Some(&log), ..self.site(listen, 1) },
            Runner::One => self.site(listen, 1),
            Runner::Many => self.site(listen, MANY),
        };
        Ok(self.on("run", &self.write(&format!("{runner:?}.toml"), &site)?))
    }

    fn start(&self, command: &Command, listen: SocketAddr, name: &str) -> Result<Process> {
        let log = self.scratch.folder.join(format!("{name}.out"));
        let mut process = Process::start(command, Some(PROXY_CORE), &log)?;
        process.wait_ready(listen)?;
        Ok(process)
    }

    /// Warms each up, then lets the rows take turns; whoever began a round ends the next.
    fn rounds(&self, plan: &Plan) -> Result<Vec<Vec<Sample>>> {
        let scripts = [Asked::OneRoute, Asked::AllRoutes]
            .into_iter()
            .map(|asked| {
                let text = site::script(MANY, SEED, asked == Asked::AllRoutes);
                Ok((asked, self.scratch.write(&format!("{asked:?}.lua"), &text)?))
            })
            .collect::<Result<Vec<_>>>()?;
        let script = |asked| scripts.iter().find(|(of, _)| *of == asked).map(|(_, path)| path.as_path());
        let mut running = Vec::new();
        for runner in [Runner::Bare, Runner::BareLogging, Runner::Full, Runner::One, Runner::Many] {
            let listen = free_address()?;
            let process = self.start(&self.command(runner, listen)?, listen, &format!("{runner:?}"))?;
            running.push((runner, listen, process));
        }
        let sample = |row: &Row, seconds| {
            let found = running.iter().find(|(runner, ..)| *runner == row.runner);
            let (_, listen, process) = found.context("a row without its runner")?;
            let load = Load { connections: 64, close: false };
            let script = script(row.asked).map_or(Script::None, Script::File);
            super::timed(process, || load::wrk(&super::url(*listen, "/1k"), load, script, seconds))
                .with_context(|| format!("{row:?}"))
        };
        for row in &ROWS {
            sample(row, 1.0)?;
        }
        let mut samples: Vec<_> = ROWS.iter().map(|_| Vec::new()).collect();
        for round in 0..plan.rounds {
            for turn in 0..ROWS.len() {
                let at = (turn + round) % ROWS.len();
                let sample = sample(&ROWS[at], plan.seconds)?;
                let (name, micros) = (report::name(ROWS[at]), sample.cpu.as_secs_f64() * 1e6);
                println!("round {} {name:60} {micros:7.2} us {:8.0}/s", round + 1, sample.outcome.per_second);
                samples[at].push(sample);
            }
        }
        Ok(samples)
    }

    /// Starts a configuration again and again.
    fn starts(&self, routes: usize) -> Result<Started> {
        let mut started = Started { ready: Vec::new(), resident: 0 };
        for _ in 0..TRIES {
            let listen = free_address()?;
            let config = self.write("started.toml", &self.site(listen, routes))?;
            let log = self.scratch.folder.join("started.out");
            let began = Instant::now();
            let process = Process::start(&self.on("run", &config), Some(PROXY_CORE), &log)?;
            first_answer(listen, &process)?;
            started.ready.push(began.elapsed());
            started.resident = process.resident()?;
        }
        Ok(started)
    }

    fn checks(&self) -> Result<Vec<Duration>> {
        let config = self.write("checked.toml", &self.site(free_address()?, MANY))?;
        (0..TRIES).map(|_| time(|| capture(&mut self.on("check", &config)))).collect()
    }
}

/// Waits for the answer to a first request.
fn first_answer(listen: SocketAddr, process: &Process) -> Result<()> {
    let deadline = Instant::now() + Duration::from_secs(15);
    while Clients::open(listen, 1).and_then(|mut clients| clients.exchange(1)).is_err() {
        if Instant::now() > deadline {
            bail!("`{}` gives no answer: {}", process.command, process.output());
        }
        std::thread::sleep(Duration::from_micros(200));
    }
    Ok(())
}

fn time<T>(work: impl FnOnce() -> Result<T>) -> Result<Duration> {
    let began = Instant::now();
    work()?;
    Ok(began.elapsed())
}
