//! `bench-proxy --tls`: gorge beside nginx and HAProxy with TLS toward the client and plain HTTP toward the origin.
//!
//! All run on the system's OpenSSL, have the same certificates, and agree with the client on TLS 1.3 with one cipher
//! and one group, as the client offers nothing else.

mod contestants;
mod generator;
mod report;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result, ensure};

use super::contestants::{Built, Kind, Scratch, start_origin};
use super::load::{self, Load, Script};
use super::process::{self, LOAD_CORE, PROXY_CORE, Process, free_address};
use super::{Plan, Sample, timed};
use crate::needs;
use crate::shell::program;
use contestants::{Key, Keys, Running};
use generator::{Facts, Generator};

pub(super) use report::text;

/// Gorge first, then in the order in which the tables show them.
const CONTESTANTS: [Kind; 3] = [Kind::Gorge, Kind::Nginx, Kind::Haproxy];

/// Connections that make handshakes side by side.
const HANDSHAKES: usize = 64;
/// Connections on which bodies of 100 MiB come, and how many on each in a second of the plan.
const HUGE: (usize, f64) = (2, 4.0);
/// Idle connections that come and go before memory is looked at.
const WARM_IDLE: usize = 64;

/// What is asked for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum What {
    /// A file on so many connections that stay, by wrk.
    KeepAlive(&'static str, usize),
    /// A new connection for each request, with the certificate sent and signed with.
    Full(Key),
    /// A new connection for each request that continues the session of an earlier one.
    Resumed(Key),
    /// Bodies of 100 MiB, so few in a run that their number must be exact.
    Huge,
}

/// One table, and the most that gorge may take of what one of the others takes.
struct Row {
    name: &'static str,
    what: What,
    rival: Kind,
    most: f64,
}

const ROWS: [Row; 7] = [
    Row { name: "1 KiB, keep-alive", what: What::KeepAlive("/1k", 64), rival: Kind::Nginx, most: 1.05 },
    Row { name: "full handshake, P-256", what: What::Full(Key::P256), rival: Kind::Nginx, most: 1.0 },
    Row { name: "full handshake, RSA 2048", what: What::Full(Key::Rsa2048), rival: Kind::Nginx, most: 1.0 },
    Row { name: "resumed handshake, P-256", what: What::Resumed(Key::P256), rival: Kind::Nginx, most: 1.0 },
    Row {
        name: "resumed handshake, RSA 2048",
        what: What::Resumed(Key::Rsa2048),
        rival: Kind::Nginx,
        most: 1.0,
    },
    Row { name: "1 MiB, keep-alive", what: What::KeepAlive("/1m", 16), rival: Kind::Haproxy, most: 1.0 },
    Row { name: "100 MiB, keep-alive", what: What::Huge, rival: Kind::Haproxy, most: 1.0 },
];

/// The name by which `--row` finds the measurement of memory.
const IDLE: &str = "idle connections";

/// All that was measured of one contestant.
struct Measured {
    kind: Kind,
    command: String,
    /// What was agreed.
    facts: Facts,
    /// By row of `ROWS`, then by round; empty where the row was not asked for.
    samples: Vec<Vec<Sample>>,
    /// What each idle connection adds to its memory.
    idle: Option<f64>,
}

/// The whole comparison.
pub(super) struct Comparison {
    all: Vec<Measured>,
    /// What an idle connection adds where there is nothing but the library.
    bare: Option<f64>,
}

/// `row` leaves out what does not have the text in its name.
pub(super) fn measure(
    plan: &Plan,
    only: &[Kind],
    row: Option<&str>,
    scratch: &Scratch,
) -> Result<Comparison> {
    let chosen: Vec<Kind> = CONTESTANTS.into_iter().filter(|kind| only.contains(kind)).collect();
    ensure!(!chosen.is_empty(), "with TLS there are gorge, nginx and haproxy");
    let wanted = |name: &str| row.is_none_or(|text| name.contains(text));
    let any = wanted(IDLE) || ROWS.iter().any(|row| wanted(row.name));
    ensure!(any, "no row has `{}` in its name", row.unwrap_or_default());
    needs::bring(needs::FOR_PEERS);
    let built = Built::build(&chosen, &["tls_load", "bare_tls"])?;
    process::ensure_cores()?;
    process::pin_self(LOAD_CORE);
    contestants::write_bodies(scratch)?;
    let (_origin, origin) = start_origin(scratch)?;
    let offer = generator::write_offer(scratch)?;
    let bench = Bench { built: &built, scratch, keys: Keys::make(scratch)?, origin, offer };
    let mut all = Vec::new();
    for (running, facts, samples) in bench.rounds(plan, &chosen, &wanted)? {
        let Running { kind, process, .. } = running;
        all.push(Measured { kind, command: process.command.clone(), facts, samples, idle: None });
    }
    let mut bare = None;
    if wanted(IDLE) {
        bare = Some(bench.bare(plan)?);
        for one in &mut all {
            one.idle = Some(bench.idle(plan, one.kind)?);
        }
    }
    Ok(Comparison { all, bare })
}

/// What every measurement needs.
struct Bench<'a> {
    built: &'a Built,
    scratch: &'a Scratch,
    keys: Keys,
    origin: SocketAddr,
    /// What wrk is told to offer.
    offer: PathBuf,
}

type Taken = (Running, Facts, Vec<Vec<Sample>>);

impl Bench<'_> {
    /// Lets the contestants take turns; whoever began a round ends the next.
    fn rounds(&self, plan: &Plan, chosen: &[Kind], wanted: &dyn Fn(&str) -> bool) -> Result<Vec<Taken>> {
        let mut all = Vec::new();
        for kind in chosen {
            let running = self.start(*kind)?;
            let facts = self.look(&running)?;
            println!("{}: {facts}", kind.name());
            all.push((running, facts, ROWS.iter().map(|_| Vec::new()).collect::<Vec<_>>()));
        }
        let rows: Vec<_> = ROWS.iter().enumerate().filter(|(_, row)| wanted(row.name)).collect();
        for (_, row) in &rows {
            for (running, ..) in &all {
                self.sample(running, row, 1.0)?;
            }
        }
        for round in 0..plan.rounds {
            for (number, row) in &rows {
                for turn in 0..all.len() {
                    let at = (turn + round) % all.len();
                    let (running, _, samples) = &mut all[at];
                    let sample = self.sample(running, row, plan.seconds)?;
                    println!(
                        "round {} {:28} {:8} {:9.2} us {:8.0}/s p99 {:?}",
                        round + 1,
                        row.name,
                        running.kind.name(),
                        sample.cpu.as_secs_f64() * 1e6,
                        sample.outcome.per_second,
                        sample.outcome.p99,
                    );
                    samples[*number].push(sample);
                }
            }
        }
        Ok(all)
    }

    /// What a contestant agrees on with each of its certificates; they differ in nothing but the key.
    fn look(&self, running: &Running) -> Result<Facts> {
        let mut last = None;
        for key in Key::ALL {
            let generator = self.generator(running.addresses.of(key), &["idle", "1"])?;
            let facts = generator.facts.clone();
            facts.check(key).with_context(|| running.kind.name())?;
            last = Some(facts);
        }
        last.context("no key")
    }

    fn sample(&self, running: &Running, row: &Row, seconds: f64) -> Result<Sample> {
        self.take(running, row.what, seconds)
            .with_context(|| format!("{}, {}", running.kind.name(), row.name))
    }

    fn take(&self, running: &Running, what: What, seconds: f64) -> Result<Sample> {
        let (kind, key, most) = match what {
            What::KeepAlive(path, connections) => {
                let url = format!("https://{}{path}", running.addresses.of(Key::P256));
                let load = Load { connections, close: false };
                let mut wrk = program("wrk", [] as [&str; 0]);
                wrk.env("OPENSSL_CONF", &self.offer);
                return timed(&running.process, || load::wrk_by(wrk, &url, load, Script::None, seconds));
            }
            What::Full(key) => ("full", key, seconds),
            What::Resumed(key) => ("resumed", key, seconds),
            What::Huge => {
                let (connections, times) = (HUGE.0.to_string(), (HUGE.1 * seconds).ceil().to_string());
                let words = ["bodies", &connections, &times, contestants::HUGE_PATH];
                let generator = self.generator(running.addresses.of(Key::P256), &words)?;
                return timed(&running.process, || generator.run());
            }
        };
        let words = [kind, &HANDSHAKES.to_string(), &most.to_string()];
        let generator = self.generator(running.addresses.of(key), &words)?;
        generator.facts.check(key)?;
        timed(&running.process, || generator.run())
    }

    fn generator(&self, address: SocketAddr, words: &[&str]) -> Result<Generator> {
        Generator::start(&self.built.tool("tls_load"), address, words)
    }

    /// What each of many idle connections adds to a fresh process.
    fn idle(&self, plan: &Plan, kind: Kind) -> Result<f64> {
        let running = self.start(kind)?;
        let address = running.addresses.of(Key::P256);
        self.growth(plan, address, &running.process).with_context(|| kind.name())
    }

    /// The same where the library is alone.
    fn bare(&self, plan: &Plan) -> Result<f64> {
        let address = free_address()?;
        let identity = self.keys.of(Key::P256);
        let mut command = Command::new(self.built.tool("bare_tls"));
        command.arg(address.to_string()).arg(&identity.certificate).arg(&identity.key);
        let log = self.scratch.folder.join("bare.log");
        let mut process = Process::start(&command, Some(PROXY_CORE), &log)?;
        process.wait_ready(address)?;
        self.growth(plan, address, &process).context("the library alone")
    }

    fn growth(&self, plan: &Plan, address: SocketAddr, process: &Process) -> Result<f64> {
        // What the first connections bring for good is not counted against the others.
        drop(self.generator(address, &["idle", &WARM_IDLE.to_string()])?);
        let before = process.resident()?;
        let idle = self.generator(address, &["idle", &plan.idle.to_string()])?;
        let after = process.resident()?;
        drop(idle);
        Ok(after.saturating_sub(before) as f64 / plan.idle as f64)
    }
}
