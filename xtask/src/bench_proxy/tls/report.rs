//! What was measured with TLS, as text: ratios and goals first.

use std::fmt::Write as _;

use super::super::contestants::Kind;
use super::super::process::{LOAD_CORE, PROXY_CORE};
use super::super::report::{
    EQUAL, Goal, IDLE_BYTES, bytes, goal_table, median, micros, sample_table, verdict, without_place,
};
use super::super::{Plan, Sample};
use super::generator::{CIPHER, GROUP, VERSION};
use super::{Comparison, HANDSHAKES, HUGE, Measured, ROWS};
use crate::benchmarks_page::first_line;

/// The section, and the verdict in one line.
pub(in super::super) fn text(machine: &str, plan: &Plan, measured: &Comparison) -> (String, String) {
    let goals = goals(measured);
    let mut text = String::from("## TLS\n\nTLS toward the client, plain HTTP toward the origin.\n\n");
    text.push_str(&ratios(&measured.all));
    text.push_str(&goal_table(&goals));
    for (number, row) in ROWS.iter().enumerate() {
        let taken: Vec<_> = measured.all.iter().filter(|one| !one.samples[number].is_empty()).collect();
        if !taken.is_empty() {
            let rows = taken.iter().map(|one| (one.kind, one.samples[number].as_slice()));
            text.push_str(&sample_table(row.name, rows));
        }
    }
    text.push_str(&memory_table(plan, measured));
    text.push_str(&how(machine, plan, measured));
    (text, verdict(&goals))
}

fn cpu(samples: &[Sample]) -> Option<f64> {
    (!samples.is_empty()).then(|| median(samples, |sample| micros(sample.cpu)))
}

fn find(all: &[Measured], kind: Kind) -> Option<&Measured> {
    all.iter().find(|one| one.kind == kind)
}

/// Gorge's CPU time divided by another's.
fn ratio(all: &[Measured], number: usize, other: Kind) -> Option<f64> {
    let cpu = |kind| cpu(&find(all, kind)?.samples[number]);
    Some(cpu(Kind::Gorge)? / cpu(other)?)
}

/// A factor of one means "no more than", and so allows for what counts as equal; any other is meant as it stands.
fn allowed(most: f64) -> f64 {
    if most == 1.0 { EQUAL } else { most }
}

fn ratios(all: &[Measured]) -> String {
    if find(all, Kind::Gorge).is_none() {
        return String::new();
    }
    let mut text = String::from(
        "CPU time of the proxy per exchange, gorge divided by the other:\n\n| scenario | nginx | haproxy |\n|---|---|---|\n",
    );
    for (number, row) in ROWS.iter().enumerate() {
        let ratio = |kind| ratio(all, number, kind).map(|ratio| (kind, ratio));
        let cell = |kind| match ratio(kind) {
            Some((kind, ratio)) if kind == row.rival && ratio > allowed(row.most) => {
                format!("{ratio:.2} **lost**")
            }
            Some((_, ratio)) => format!("{ratio:.2}"),
            None => "–".to_owned(),
        };
        let _ = writeln!(text, "| {} | {} | {} |", row.name, cell(Kind::Nginx), cell(Kind::Haproxy));
    }
    text.push('\n');
    text
}

fn goals(measured: &Comparison) -> Vec<Goal> {
    let mut goals = Vec::new();
    for (number, row) in ROWS.iter().enumerate() {
        if let Some(ratio) = ratio(&measured.all, number, row.rival) {
            let rival = row.rival.name();
            let words = match row.most {
                1.0 => format!("at most {rival}'s"),
                most => format!("at most {most} times {rival}'s"),
            };
            let what = format!("{}: CPU {words} (ratio {ratio:.2})", row.name);
            goals.push(Goal { what, kept: ratio <= allowed(row.most) });
        }
    }
    let idle = find(&measured.all, Kind::Gorge).and_then(|gorge| gorge.idle);
    if let (Some(idle), Some(bare)) = (idle, measured.bare) {
        let over = idle - bare;
        let what = format!(
            "idle connection: at most {} of memory over what the library takes (is {})",
            bytes(IDLE_BYTES),
            signed_bytes(over)
        );
        goals.push(Goal { what, kept: over <= IDLE_BYTES });
    }
    goals
}

fn signed_bytes(number: f64) -> String {
    let sign = if number < 0.0 { "−" } else { "" };
    format!("{sign}{}", bytes(number.abs()))
}

fn memory_table(plan: &Plan, measured: &Comparison) -> String {
    let Some(bare) = measured.bare else { return String::new() };
    let mut text = format!(
        "### Memory\n\n| proxy | per idle connection, {} of them | over the library |\n|---|---|---|\n",
        plan.idle
    );
    for (kind, idle) in measured.all.iter().filter_map(|one| Some((one.kind, one.idle?))) {
        let _ = writeln!(text, "| {} | {} | {} |", kind.name(), bytes(idle), signed_bytes(idle - bare));
    }
    let _ = writeln!(text, "| the library alone | {} | |\n", bytes(bare));
    text
}

fn how(machine: &str, plan: &Plan, measured: &Comparison) -> String {
    let mut text = format!(
        "### How TLS was measured\n\n{machine}\
         - Core {PROXY_CORE}: the proxy under test. Core {LOAD_CORE}: the load (one thread) and the origin (nginx, one worker).\n\
         - {} rounds of {} s each, the contestants in another order each round; medians. CPU is time on a processor of all threads of the proxy (schedstat), divided by the exchanges.\n\
         - All on {}, with the same two certificates, signed by themselves. Every connection: {VERSION}, {CIPHER}, {GROUP}, as the client offers nothing else; bodies and rows without a key in their name with the one of P-256.\n\
         - 1 KiB and 1 MiB: wrk on 64 and 16 connections. 100 MiB: {} connections, bodies in an exact number.\n\
         - Handshakes: {HANDSHAKES} connections side by side, each with one request of 1 KiB and `Connection: close`. Resumed: with a ticket of an earlier connection, each used once; the load ends with an error where a session is not resumed, or is and should not be. Tickets that a full handshake brings: {}.\n\
         - Tuned alike: one worker, upstream connections kept, no access log; tickets on, session caches as each has them by default.\n\
         - Idle: a fresh process, {} connections with one exchange each. The library alone: a program that does nothing but accept on OpenSSL with buffers released (`benches/src/bin/bare_tls.rs`).\n\
         - Versions: {}; {}; {}\n",
        plan.rounds,
        plan.seconds,
        first_line("openssl", &["version"]).split(" (").next().unwrap_or("OpenSSL"),
        HUGE.0,
        tickets(measured),
        plan.idle,
        first_line("nginx", &["-v"]).replace("nginx version: ", ""),
        first_line("haproxy", &["-v"]).split(" - ").next().unwrap_or("HAProxy"),
        first_line("wrk", &["-v"]).split(" Copyright").next().unwrap_or("wrk"),
    );
    if let Some(gorge) = find(&measured.all, Kind::Gorge) {
        let _ = writeln!(text, "- Command: `{}`", without_place(&gorge.command));
    }
    text
}

fn tickets(measured: &Comparison) -> String {
    let each = measured.all.iter().map(|one| format!("{} {}", one.kind.name(), one.facts.tickets));
    each.collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::super::super::load::Outcome;
    use super::super::generator::Facts;
    use super::*;

    fn one(kind: Kind, micros: u64, idle: f64) -> Measured {
        let sample = || {
            let outcome = Outcome { exchanges: 1, per_second: 1.0, p50: Duration::ZERO, p99: Duration::ZERO };
            vec![Sample { cpu: Duration::from_micros(micros), outcome }]
        };
        let samples = ROWS.iter().map(|_| sample()).collect();
        Measured { kind, command: String::new(), facts: Facts::default(), samples, idle: Some(idle) }
    }

    #[test]
    fn each_row_is_lost_to_its_rival_alone() {
        let all =
            vec![one(Kind::Gorge, 104, 9000.0), one(Kind::Nginx, 100, 0.0), one(Kind::Haproxy, 90, 0.0)];
        let table = ratios(&all);
        assert!(table.contains("| 1 KiB, keep-alive | 1.04 | 1.16 |"), "{table}");
        assert!(table.contains("| full handshake, P-256 | 1.04 **lost** | 1.16 |"), "{table}");
        assert!(table.contains("| 1 MiB, keep-alive | 1.04 | 1.16 **lost** |"), "{table}");
        let goals = goals(&Comparison { all, bare: Some(4000.0) });
        let kept: Vec<_> = goals.iter().filter(|goal| goal.kept).map(|goal| goal.what.as_str()).collect();
        assert_eq!(kept, ["1 KiB, keep-alive: CPU at most 1.05 times nginx's (ratio 1.04)"]);
    }

    #[test]
    fn rows_that_were_left_out_are_neither_lost_nor_kept() {
        let mut all = vec![one(Kind::Gorge, 1, 5000.0), one(Kind::Nginx, 1, 0.0)];
        all[0].samples[0].clear();
        let goals = goals(&Comparison { all, bare: Some(4000.0) });
        assert!(goals.iter().all(|goal| !goal.what.contains("1 KiB") && !goal.what.contains("MiB,")));
        assert!(goals.last().unwrap().kept);
    }
}
