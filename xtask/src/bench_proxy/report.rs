//! The measured figures as tables: ratios first, what is lost marked as lost.

use std::fmt::Write as _;
use std::time::Duration;

use super::contestants::Kind;
use super::count::Counts;
use super::process::{LOAD_CORE, PROXY_CORE};
use super::{Measured, Memory, Plan, SCENARIOS, Sample};
use crate::benchmarks_page::first_line;
use crate::workspace;

/// Up to here two figures count as equal.
pub(super) const EQUAL: f64 = 1.03;
/// Memory counts as flat up to here: the buffers of one connection, and what the allocator rounds up.
const FLAT: u64 = 2 << 20;
/// What happens less than once in a hundred exchanges does not belong to the exchange.
const ONCE: f64 = 0.01;
pub(super) const IDLE_BYTES: f64 = 4096.0;

/// One promise, and whether it is kept.
pub(super) struct Goal {
    pub(super) what: String,
    pub(super) kept: bool,
}

/// Numbers of the scenarios in `SCENARIOS`.
const SMALL: usize = 0;
const LARGE: usize = 1;
const FRESH: usize = 2;

impl Measured {
    fn cpu(&self, scenario: usize) -> f64 {
        median(&self.samples[scenario], |sample| micros(sample.cpu))
    }

    fn p99(&self, scenario: usize) -> f64 {
        median(&self.samples[scenario], |sample| micros(sample.outcome.p99))
    }
}

pub(super) fn measured(machine: &str, plan: &Plan, all: &[Measured]) -> (String, String) {
    let mut text = String::from("## The proxy beside others\n\n");
    let goals = goals(all);
    text.push_str(&ratios(all));
    text.push_str(&goal_table(&goals));
    for (number, scenario) in SCENARIOS.iter().enumerate() {
        let rows = all.iter().map(|one| (one.kind, one.samples[number].as_slice()));
        text.push_str(&sample_table(scenario.name, rows));
    }
    text.push_str(&memory_table(plan, all));
    text.push_str(&how(machine, plan, all));
    (text, verdict(&goals))
}

pub(super) fn verdict(goals: &[Goal]) -> String {
    if goals.is_empty() {
        return "gorge did not take part".to_owned();
    }
    let lost: Vec<_> = goals.iter().filter(|goal| !goal.kept).map(|goal| goal.what.as_str()).collect();
    let mut text = format!("{} of {} goals reached", goals.len() - lost.len(), goals.len());
    if !lost.is_empty() {
        let _ = write!(text, "; lost: {}", lost.join("; "));
    }
    text
}

/// Gorge's CPU time divided by each other's.
fn ratios(all: &[Measured]) -> String {
    let Some(gorge) = all.iter().find(|one| one.kind == Kind::Gorge) else { return String::new() };
    let others: Vec<_> = all.iter().filter(|one| one.kind != Kind::Gorge).collect();
    let mut text =
        String::from("CPU time of the proxy per exchange, gorge divided by the other:\n\n| scenario |");
    for other in &others {
        let _ = write!(text, " {} |", other.kind.name());
    }
    let _ = write!(text, "\n|---|{}\n", "---|".repeat(others.len()));
    for (number, scenario) in SCENARIOS.iter().enumerate() {
        let _ = write!(text, "| {} |", scenario.name);
        for other in &others {
            let ratio = gorge.cpu(number) / other.cpu(number);
            // The floor does less than a proxy must, so nothing is lost to it.
            let lost = if ratio > EQUAL && other.kind != Kind::Floor { " **lost**" } else { "" };
            let _ = write!(text, " {ratio:.2}{lost} |");
        }
        text.push('\n');
    }
    text.push('\n');
    text
}

fn goals(all: &[Measured]) -> Vec<Goal> {
    let find = |kind| all.iter().find(|one| one.kind == kind);
    let Some(gorge) = find(Kind::Gorge) else { return Vec::new() };
    let mut goals = Vec::new();
    let mut cpu = |scenario: usize, kind: Kind, factor: f64, words: &str| {
        if let Some(other) = find(kind) {
            let ratio = gorge.cpu(scenario) / other.cpu(scenario);
            let allowed = if factor < 1.0 { factor } else { EQUAL };
            let what =
                format!("{}: CPU {words} {}'s (ratio {ratio:.2})", SCENARIOS[scenario].name, kind.name());
            goals.push(Goal { what, kept: ratio <= allowed });
        }
    };
    cpu(SMALL, Kind::Nginx, 1.0, "at most");
    cpu(SMALL, Kind::Pingora, 0.5, "under half of");
    cpu(LARGE, Kind::Haproxy, 1.0, "at most");
    cpu(FRESH, Kind::Nginx, 1.0, "at most");
    let rivals = all.iter().filter(|one| !matches!(one.kind, Kind::Gorge | Kind::Floor));
    if let Some(best) = rivals.min_by(|a, b| a.p99(SMALL).total_cmp(&b.p99(SMALL))) {
        let ratio = gorge.p99(SMALL) / best.p99(SMALL);
        goals.push(Goal {
            what: format!(
                "{}: p99 no worse than the best, {} (ratio {ratio:.2})",
                SCENARIOS[SMALL].name,
                best.kind.name()
            ),
            kept: ratio <= EQUAL,
        });
    }
    if let Some(memory) = &gorge.memory {
        goals.extend(memory_goals(memory));
    }
    goals
}

fn memory_goals(memory: &Memory) -> Vec<Goal> {
    let mut goals = vec![Goal {
        what: format!("idle connection: at most {} of memory (is {})", bytes(IDLE_BYTES), bytes(memory.idle)),
        kept: memory.idle <= IDLE_BYTES,
    }];
    for (way, rise) in [("upload", memory.up), ("download", memory.down)] {
        goals.push(Goal {
            what: format!("memory flat during a large {way} (rises by {})", bytes(rise as f64)),
            kept: rise <= FLAT,
        });
    }
    goals
}

pub(super) fn goal_table(goals: &[Goal]) -> String {
    let mut text = String::from("| goal | |\n|---|---|\n");
    for goal in goals {
        let _ = writeln!(text, "| {} | {} |", goal.what, if goal.kept { "reached" } else { "**lost**" });
    }
    text.push('\n');
    text
}

/// What each contestant took for one kind of exchange.
pub(super) fn sample_table<'a>(name: &str, rows: impl Iterator<Item = (Kind, &'a [Sample])>) -> String {
    let mut text = format!(
        "### {name}\n\n| proxy | CPU per exchange | (lowest – highest) | exchanges/s | p50 | p99 |\n|---|---|---|---|---|---|\n"
    );
    for (kind, samples) in rows {
        let cpu = sorted(samples, |sample| micros(sample.cpu));
        let _ = writeln!(
            text,
            "| {} | {:.2} µs | {:.2} – {:.2} | {:.0} | {:.2} ms | {:.2} ms |",
            kind.name(),
            median(samples, |sample| micros(sample.cpu)),
            cpu.first().copied().unwrap_or_default(),
            cpu.last().copied().unwrap_or_default(),
            median(samples, |sample| sample.outcome.per_second),
            median(samples, |sample| micros(sample.outcome.p50)) / 1e3,
            median(samples, |sample| micros(sample.outcome.p99)) / 1e3,
        );
    }
    text.push('\n');
    text
}

fn memory_table(plan: &Plan, all: &[Measured]) -> String {
    let size = bytes(plan.transfer as f64);
    let mut text = format!(
        "### Memory\n\n| proxy | resident after all rounds | per idle connection, {} of them | rise during {size} up | rise during {size} down |\n|---|---|---|---|---|\n",
        plan.idle
    );
    for (kind, memory) in all.iter().filter_map(|one| Some((one.kind, one.memory.as_ref()?))) {
        let _ = writeln!(
            text,
            "| {} | {} | {} | {} | {} |",
            kind.name(),
            bytes(memory.resident as f64),
            bytes(memory.idle),
            bytes(memory.up as f64),
            bytes(memory.down as f64),
        );
    }
    text.push('\n');
    text
}

fn how(machine: &str, plan: &Plan, all: &[Measured]) -> String {
    let mut text = format!(
        "### How it was measured\n\n{}\
         - Core {PROXY_CORE}: the proxy under test. Core {LOAD_CORE}: wrk (one thread) and the origin (nginx, one worker, files of 1 KiB and 100 KiB).\n\
         - {} rounds of {} s each, the contestants in another order each round; medians. CPU is time on a processor of all threads of the proxy (schedstat), divided by the exchanges.\n\
         - Tuned alike: one worker, upstream connections kept, no access log, bodies never spooled to disk; nginx with buffers that hold a whole 100 KiB response.\n\
         - `floor` is a bare pump on tokio with httparse and reused buffers that checks nothing: what a proxy cannot well go below.\n\
         - Idle: a fresh process, {} connections with one exchange each. Rise: the highest resident memory during the transfer over that before it.\n\
         - Versions: {}; {}; {}; pingora {}\n\
         - Our profile: release, fat LTO, one codegen unit; the Pingora proxy and the floor are built with the same.\n",
        machine,
        plan.rounds,
        plan.seconds,
        plan.idle,
        first_line("nginx", &["-v"]).replace("nginx version: ", ""),
        first_line("haproxy", &["-v"]).split(" - ").next().unwrap_or("HAProxy"),
        first_line("wrk", &["-v"]).split(" Copyright").next().unwrap_or("wrk"),
        workspace::locked_version("pingora").unwrap_or_else(|| "of unknown version".to_owned()),
    );
    for one in all.iter().filter(|one| one.kind == Kind::Gorge) {
        let _ = writeln!(text, "- Command: `GORGE_WORKERS=1 {}`", without_place(&one.command));
    }
    text
}

/// The command with its programs as names and without the environment, which the text names itself.
pub(super) fn without_place(command: &str) -> String {
    let words = command.split(' ').skip_while(|word| *word != "taskset");
    let names =
        words.map(|word| if word.starts_with('/') { word.rsplit('/').next().unwrap_or(word) } else { word });
    names.collect::<Vec<_>>().join(" ")
}

pub(super) fn counts(machine: &str, all: &[Counts]) -> (String, String) {
    let mut goals = Vec::new();
    let mut text = String::from(
        "## What one exchange costs, counted\n\n`gorge proxy` with its default settings, 1 KiB responses, after warm-up.\n\n\
         | connections | data calls on sockets | epoll_wait | heap allocations | writes of the log |\n|---|---|---|---|---|\n",
    );
    for one in all {
        let _ = writeln!(text, "{}", count_row(one));
        goals.extend(count_goals("", one));
    }
    text.push('\n');
    text.push_str(&goal_table(&goals));
    for one in all {
        let calls: Vec<_> = one
            .calls
            .iter()
            .filter(|(_, times)| *times >= 0.0005)
            .map(|(name, times)| format!("{name} {times:.3}"))
            .collect();
        let _ = writeln!(
            text,
            "- All calls per exchange at {} connections: {}",
            one.connections,
            calls.join(", ")
        );
    }
    let _ = write!(
        text,
        "- System calls by `strace -f -c`, attached to the warm program while an exact number of exchanges is made; \
         allocations by a counting allocator, as the difference between a run and one with twice as many exchanges. What \
         belongs to no single exchange, a batch of log lines or a tick of a clock, shows as a fraction.\n{machine}"
    );
    (text, verdict(&goals))
}

pub(super) fn count_row(one: &Counts) -> String {
    let Counts { connections, data, waits, allocations, log, .. } = one;
    format!("| {connections} | {data:.3} | {waits:.3} | {allocations:.3} | {log:.3} |")
}

/// `whose` begins each of them.
pub(super) fn count_goals(whose: &str, one: &Counts) -> Vec<Goal> {
    let (at, most) = match one.connections {
        1 => ("with 1 connection".to_owned(), 2.0),
        many => (format!("with {many} connections"), 1.0),
    };
    let mut goals = Vec::new();
    let mut goal = |what: String, kept| goals.push(Goal { what: format!("{whose}{what}"), kept });
    goal(format!("at most 4 data calls {at} (is {:.3})", one.data), one.data <= 4.0 + ONCE);
    goal(format!("epoll_wait at most {most} times {at} (is {:.3})", one.waits), one.waits <= most + ONCE);
    goal(format!("no allocation {at} (is {:.3})", one.allocations), one.allocations <= ONCE);
    goals
}

fn sorted<T>(list: &[T], value: impl Fn(&T) -> f64) -> Vec<f64> {
    let mut values: Vec<f64> = list.iter().map(value).collect();
    values.sort_by(f64::total_cmp);
    values
}

pub(super) fn median(samples: &[Sample], value: impl Fn(&Sample) -> f64) -> f64 {
    let values = sorted(samples, value);
    match values.len() {
        0 => 0.0,
        n if n % 2 == 1 => values[n / 2],
        n => f64::midpoint(values[n / 2 - 1], values[n / 2]),
    }
}

pub(super) fn micros(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1e6
}

pub(super) fn bytes(number: f64) -> String {
    const KIB: f64 = 1024.0;
    if number >= KIB * KIB * KIB {
        format!("{:.0} GiB", number / KIB / KIB / KIB)
    } else if number >= KIB * KIB {
        format!("{:.1} MiB", number / KIB / KIB)
    } else {
        format!("{:.1} KiB", number / KIB)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bench_proxy::load::Outcome;

    fn one(kind: Kind, micros: u64, idle: f64) -> Measured {
        let sample = || {
            let latency = Duration::from_micros(micros * 100);
            let outcome = Outcome { exchanges: 1000, per_second: 1.0, p50: latency, p99: latency };
            vec![Sample { cpu: Duration::from_micros(micros), outcome }]
        };
        let samples = [sample(), sample(), sample()];
        let memory = Some(Memory { resident: 0, idle, up: 0, down: 3 << 20 });
        Measured { kind, command: String::new(), samples, memory }
    }

    #[test]
    fn what_is_lost_is_marked_and_named_in_the_verdict() {
        let all = [one(Kind::Gorge, 12, 5000.0), one(Kind::Nginx, 10, 0.0), one(Kind::Pingora, 30, 0.0)];
        assert!(ratios(&all).contains("| 1.20 **lost** | 0.40 |"));
        let goals = goals(&all);
        let lost: Vec<_> = goals.iter().filter(|goal| !goal.kept).map(|goal| goal.what.as_str()).collect();
        assert_eq!(lost.len(), 5, "{lost:?}");
        assert!(verdict(&goals).starts_with("2 of 7 goals reached; lost: "));
    }

    #[test]
    fn a_command_is_shown_without_the_places_of_one_machine() {
        let command = "A=1 taskset -c 0 /some/target/release/gorge proxy --to 127.0.0.1:1";
        assert_eq!(without_place(command), "taskset -c 0 gorge proxy --to 127.0.0.1:1");
    }

    #[test]
    fn nothing_is_lost_to_the_floor() {
        let all = [one(Kind::Gorge, 12, 0.0), one(Kind::Floor, 9, 0.0)];
        assert!(ratios(&all).contains("| 1.33 |"));
    }
}
