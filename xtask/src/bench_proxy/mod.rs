//! `cargo xtask bench-proxy`: gorge beside nginx, HAProxy, a Pingora proxy and the floor.
//!
//! The proxy under test has one core to itself, load and origin the other. All contestants run from beginning to end
//! and take turns, in another order each round; the tables show medians. As the core of the load is the ceiling of
//! what can be sent, the first figure is the CPU time of the proxy per exchange.
//!
//! `--tls` does the same over TLS; `--count` and `--program` measure other things and leave the others out.

mod contestants;
mod count;
mod load;
mod process;
mod program;
mod report;
mod tls;
mod transfer;

use std::net::SocketAddr;
use std::time::Duration;

use anyhow::{Context, Result};

use crate::benchmarks_page::{self, Section};
use crate::needs;
use crate::shell::Arguments;
use contestants::{Built, CONNECTIONS, Contestant, Kind, Scratch};
use count::Subject;
use load::{Clients, Load, Outcome, Script};
use process::{LOAD_CORE, Process};
use transfer::Way;

pub(crate) const USAGE: &str =
    "bench-proxy [--quick] [--count | --program | --tls [--row TEXT]] [--only NAME,NAME...]";

/// For each program: one descriptor per connection, and what it needs beside them.
const OPEN_FILES: usize = CONNECTIONS + 2000;

/// A kind of exchange that is timed.
struct Scenario {
    name: &'static str,
    path: &'static str,
    load: Load,
}

const SCENARIOS: [Scenario; 3] = [
    Scenario { name: "1 KiB, keep-alive", path: "/1k", load: Load { connections: 64, close: false } },
    Scenario { name: "100 KiB, keep-alive", path: "/100k", load: Load { connections: 64, close: false } },
    Scenario { name: "1 KiB, new connection each", path: "/1k", load: Load { connections: 64, close: true } },
];

/// How long and how often.
struct Plan {
    rounds: usize,
    seconds: f64,
    idle: usize,
    transfer: u64,
}

const FULL: Plan = Plan { rounds: 7, seconds: 3.0, idle: 10_000, transfer: 2 << 30 };
const QUICK: Plan = Plan { rounds: 3, seconds: 1.0, idle: 2000, transfer: 256 << 20 };

/// One run of one contestant in one scenario.
struct Sample {
    cpu: Duration,
    outcome: Outcome,
}

/// All that was measured of one contestant.
struct Measured {
    kind: Kind,
    command: String,
    /// By scenario, then by round.
    samples: [Vec<Sample>; SCENARIOS.len()],
    /// `None` for the floor, which moves no request bodies.
    memory: Option<Memory>,
}

struct Memory {
    /// Resident after all rounds.
    resident: u64,
    /// Resident per idle connection.
    idle: f64,
    /// How far it rose during a large upload and download.
    up: u64,
    down: u64,
}

pub(crate) fn run(mut arguments: Arguments) -> Result<String> {
    let quick = arguments.flag("--quick");
    let only_count = arguments.flag("--count");
    let only_program = arguments.flag("--program");
    let only_tls = arguments.flag("--tls");
    let only = arguments.value("--only")?;
    let row = if only_tls { arguments.value("--row")? } else { None };
    arguments.finish()?;
    let chosen = match &only {
        None => Kind::ALL.to_vec(),
        Some(names) => names.split(',').map(Kind::of).collect::<Result<Vec<_>>>()?,
    };
    let plan = if quick { QUICK } else { FULL };
    needs::bring(needs::FOR_BENCH_PROXY);
    process::raise_open_files(OPEN_FILES as u64)?;
    let machine = benchmarks_page::machine();
    let scratch = Scratch::new()?;
    let (section, text, verdict) = if only_count {
        let counts = count::count(&scratch, Subject::Proxy)?;
        let (text, verdict) = report::counts(&machine, &counts);
        (Section::Count, text, verdict)
    } else if only_program {
        let (text, verdict) = program::text(&machine, &plan, &program::measure(&plan, &scratch)?);
        (Section::Program, text, verdict)
    } else if only_tls {
        let measured = tls::measure(&plan, &chosen, row.as_deref(), &scratch)?;
        let (text, verdict) = tls::text(&machine, &plan, &measured);
        (Section::Tls, text, verdict)
    } else {
        let measured = measure(&plan, &chosen, &scratch)?;
        let (text, verdict) = report::measured(&machine, &plan, &measured);
        (Section::Proxy, text, verdict)
    };
    println!("\n{text}");
    // Figures that are worth keeping come from a whole run of all contestants.
    if quick || only.is_some() || row.is_some() {
        return Ok(format!("{verdict} (docs/benchmarks.md left as it was)"));
    }
    benchmarks_page::update(section, &text)?;
    Ok(format!("{verdict}; written to docs/benchmarks.md"))
}

fn measure(plan: &Plan, chosen: &[Kind], scratch: &Scratch) -> Result<Vec<Measured>> {
    needs::bring(needs::FOR_PEERS);
    let built = Built::build(chosen, &[])?;
    process::ensure_cores()?;
    process::pin_self(LOAD_CORE);
    let (_origin, origin) = contestants::start_origin(scratch)?;
    let running: Vec<Contestant> = chosen
        .iter()
        .map(|kind| contestants::start(*kind, &built, scratch, origin))
        .collect::<Result<_>>()?;
    let samples = rounds(plan, &running)?;
    let sink = transfer::start_origin()?;
    running
        .into_iter()
        .zip(samples)
        .map(|(contestant, samples)| {
            let (kind, command) = (contestant.kind, contestant.process.command.clone());
            let resident = contestant.process.resident()?;
            drop(contestant);
            if kind == Kind::Floor {
                return Ok(Measured { kind, command, samples, memory: None });
            }
            let idle = idle_memory(plan, kind, &built, scratch, origin)?;
            let up = transfer_growth(plan, kind, &built, scratch, sink, Way::Up)?;
            let down = transfer_growth(plan, kind, &built, scratch, sink, Way::Down)?;
            Ok(Measured { kind, command, samples, memory: Some(Memory { resident, idle, up, down }) })
        })
        .collect()
}

type Samples = [Vec<Sample>; SCENARIOS.len()];

/// Warms each up, then lets them take turns; whoever began a round ends the next.
fn rounds(plan: &Plan, running: &[Contestant]) -> Result<Vec<Samples>> {
    let mut samples: Vec<Samples> = running.iter().map(|_| Samples::default()).collect();
    for contestant in running {
        for scenario in &SCENARIOS {
            sample(contestant, scenario, 1.0)?;
        }
    }
    for round in 0..plan.rounds {
        for (number, scenario) in SCENARIOS.iter().enumerate() {
            for turn in 0..running.len() {
                let at = (turn + round) % running.len();
                let sample = sample(&running[at], scenario, plan.seconds)?;
                println!(
                    "round {} {:28} {:8} {:7.2} us {:8.0}/s p99 {:?}",
                    round + 1,
                    scenario.name,
                    running[at].kind.name(),
                    sample.cpu.as_secs_f64() * 1e6,
                    sample.outcome.per_second,
                    sample.outcome.p99,
                );
                samples[at][number].push(sample);
            }
        }
    }
    Ok(samples)
}

fn url(address: SocketAddr, path: &str) -> String {
    format!("http://{address}{path}")
}

fn sample(contestant: &Contestant, scenario: &Scenario, seconds: f64) -> Result<Sample> {
    let Scenario { name, path, load } = *scenario;
    timed(&contestant.process, || load::wrk(&url(contestant.address, path), load, Script::None, seconds))
        .with_context(|| format!("{}, {name}", contestant.kind.name()))
}

/// What `process` takes for the exchanges that `load` makes.
fn timed(process: &Process, load: impl FnOnce() -> Result<Outcome>) -> Result<Sample> {
    let before = process.cpu();
    let outcome = load()?;
    let used = process.cpu().saturating_sub(before);
    let cpu = used.div_f64(outcome.exchanges as f64);
    Ok(Sample { cpu, outcome })
}

/// What each of many idle keep-alive connections adds to a fresh process.
fn idle_memory(plan: &Plan, kind: Kind, built: &Built, scratch: &Scratch, origin: SocketAddr) -> Result<f64> {
    let contestant = contestants::start(kind, built, scratch, origin)?;
    // What the first exchanges bring for good is not counted against the connections.
    Clients::open(contestant.address, 64)?.exchange(10)?;
    let before = contestant.process.resident()?;
    let idle = load::idle(contestant.address, plan.idle)
        .with_context(|| format!("{} with {} idle connections", kind.name(), plan.idle))?;
    let after = contestant.process.resident()?;
    drop(idle);
    Ok(after.saturating_sub(before) as f64 / plan.idle as f64)
}

fn transfer_growth(
    plan: &Plan,
    kind: Kind,
    built: &Built,
    scratch: &Scratch,
    origin: SocketAddr,
    way: Way,
) -> Result<u64> {
    let contestant = contestants::start(kind, built, scratch, origin)?;
    let proxy: &Process = &contestant.process;
    transfer::growth(proxy, contestant.address, way, plan.transfer)
        .with_context(|| format!("{}, {} MiB {way:?}", kind.name(), plan.transfer >> 20))
}
