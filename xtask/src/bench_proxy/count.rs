//! `bench-proxy --count`: what one exchange costs in system calls and heap allocations. Counted, so the machine's speed
//! and its other work do not matter.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use super::contestants::{self, Scratch};
use super::load::Clients;
use super::process::{Process, free_address};
use super::program;
use crate::shell::{cargo, execute, program};
use crate::workspace;

/// The calls that move bytes of sockets. Rust's plain `read` and `write` are of files and events: the log, whose lines
/// of many exchanges go out in one call, and wake-ups.
const DATA: &[&str] = &["readv", "writev", "recvfrom", "sendto", "recvmsg", "sendmsg", "sendfile", "splice"];
const LOG: &[&str] = &["write"];
const WAITS: &[&str] = &["epoll_wait", "epoll_pwait", "epoll_pwait2"];

/// Few enough per connection that no limit of requests per connection is met.
const ROUNDS: usize = 450;
/// So many connections one after the other make enough exchanges even where only one is open.
const REPEATS: usize = 10;

/// What the program prints as it ends when it was built to count.
const ALLOCATIONS: &str = "allocations:";

/// What is counted.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Subject {
    /// `gorge proxy` with its defaults.
    Proxy,
    /// `gorge run` with a route, edits of fields and a JSON access log.
    Program,
}

pub(crate) struct Counts {
    pub(crate) connections: usize,
    pub(crate) data: f64,
    pub(crate) log: f64,
    pub(crate) waits: f64,
    /// Every call and how often it is made per exchange, the most frequent first.
    pub(crate) calls: Vec<(String, f64)>,
    pub(crate) allocations: f64,
}

pub(crate) fn count(scratch: &Scratch, subject: Subject) -> Result<Vec<Counts>> {
    let gorge = build("gorge-plain", &[])?;
    let counting = build("gorge-counting", &["--features", "count-allocations"])?;
    let (_origin, origin) = contestants::start_origin(scratch)?;
    let plain = Counted { gorge, subject, scratch, origin };
    let counting = Counted { gorge: counting, ..plain.clone() };
    [1, 64]
        .into_iter()
        .map(|connections| {
            let calls = plain.system_calls(connections)?;
            let sum = |names: &[&str]| {
                calls.iter().filter(|call| names.contains(&call.0.as_str())).map(|call| call.1).sum()
            };
            let (data, log, waits) = (sum(DATA), sum(LOG), sum(WAITS));
            Ok(Counts {
                connections,
                data,
                log,
                waits,
                calls,
                allocations: counting.allocations(connections)?,
            })
        })
        .collect()
}

/// Builds the program and puts it aside under another name, as both forms have the same.
fn build(name: &str, features: &[&str]) -> Result<PathBuf> {
    execute(cargo(["build", "--release", "--package", "gorge-cli"]).args(features))?;
    let release = workspace::target_folder()?.join("release");
    std::fs::copy(release.join("gorge"), release.join(name)).context("cannot copy the program")?;
    Ok(release.join(name))
}

/// A program under count.
#[derive(Clone)]
struct Counted<'a> {
    gorge: PathBuf,
    subject: Subject,
    scratch: &'a Scratch,
    origin: SocketAddr,
}

impl Counted<'_> {
    fn start(&self) -> Result<(Process, SocketAddr)> {
        let address = free_address()?;
        let mut command = match self.subject {
            Subject::Proxy => contestants::gorge(&self.gorge, address, self.origin),
            Subject::Program => program::full(&self.gorge, self.scratch, address, self.origin)?,
        };
        command.env("GORGE_COUNT_ALLOCATIONS", "1");
        let mut process = Process::start(&command, None, &self.scratch.folder.join("counted.log"))?;
        process.wait_ready(address)?;
        Ok((process, address))
    }

    /// Attaches strace to the warm program while nothing but exchanges happens.
    fn system_calls(&self, connections: usize) -> Result<Vec<(String, f64)>> {
        let (proxy, address) = self.start()?;
        let mut clients = Clients::open(address, connections)?;
        clients.exchange(ROUNDS / 5)?;
        let table = self.scratch.folder.join("strace.txt");
        let mut command = program("strace", ["-f", "-c", "-p", &proxy.id().to_string(), "-o"]);
        let tracer = Process::start(command.arg(&table), None, &self.scratch.folder.join("strace.log"))?;
        wait_until(|| tracer.output().contains("attached"), "strace did not attach", &tracer)?;
        clients.exchange(ROUNDS)?;
        tracer.stop(libc::SIGINT)?;
        let text = std::fs::read_to_string(&table).context("strace wrote no table")?;
        let exchanges = (connections * ROUNDS) as f64;
        let mut calls: Vec<_> =
            parse_table(&text).into_iter().map(|(name, calls)| (name, calls as f64 / exchanges)).collect();
        calls.sort_by(|a, b| b.1.total_cmp(&a.1));
        Ok(calls)
    }

    /// Two runs that differ only in the number of exchanges: what start, warm-up and end allocate falls out.
    fn allocations(&self, connections: usize) -> Result<f64> {
        let once = self.allocated(connections, ROUNDS)?;
        let twice = self.allocated(connections, ROUNDS * 2)?;
        // Buffers of the log may differ by a few between two runs, either way.
        Ok(twice.saturating_sub(once) as f64 / (connections * ROUNDS * REPEATS) as f64)
    }

    fn allocated(&self, connections: usize, rounds: usize) -> Result<u64> {
        let (proxy, address) = self.start()?;
        for _ in 0..REPEATS {
            Clients::open(address, connections)?.exchange(rounds)?;
        }
        let output = proxy.stop(libc::SIGTERM)?;
        output
            .lines()
            .find_map(|line| line.trim().strip_prefix(ALLOCATIONS))
            .and_then(|number| number.trim().parse().ok())
            .with_context(|| format!("the program printed no `{ALLOCATIONS} N` as it ended: {output}"))
    }
}

fn wait_until(mut holds: impl FnMut() -> bool, otherwise: &str, process: &Process) -> Result<()> {
    let deadline = Instant::now() + Duration::from_secs(10);
    while !holds() {
        if Instant::now() > deadline {
            bail!("{otherwise}: {}", process.output());
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    Ok(())
}

/// The columns are: % time, seconds, usecs/call, calls, errors (may be blank), name.
fn parse_table(text: &str) -> BTreeMap<String, u64> {
    text.lines()
        .map(|line| line.split_whitespace().collect::<Vec<_>>())
        .filter(|words| words.len() >= 5 && words[0].parse::<f64>().is_ok())
        .filter_map(|words| Some(((*words.last()?).to_owned(), words[3].parse().ok()?)))
        .filter(|(name, _)| name != "total")
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_the_table_of_strace() {
        let text = "% time     seconds  usecs/call     calls    errors syscall\n\
            ------ ----------- ----------- --------- --------- ----------------\n \
            61.11    0.000011           0        40           sendto\n \
            38.89    0.000007           0        41         3 recvfrom\n\
            ------ ----------- ----------- --------- --------- ----------------\n\
            100.00    0.000018           0        81         3 total\n";
        let calls = parse_table(text);
        assert_eq!(
            calls.into_iter().collect::<Vec<_>>(),
            [("recvfrom".to_owned(), 41), ("sendto".to_owned(), 40)]
        );
    }
}
