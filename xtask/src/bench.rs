//! `cargo xtask bench [FILTER]`: the crates beside their peers, read back from criterion's files.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};
use serde_json::Value;

use crate::benchmarks_page::{self, Section};
use crate::needs;
use crate::shell::{Arguments, cargo, execute};
use crate::workspace;

/// The row that all others of an operation are compared with.
const OURS: &str = "gorge";
/// The highest ratio that keeps the promise; 1.03 where it is only to be as fast.
const EQUAL: f64 = 1.03;
/// Promises other than that, by the begin of `crate: operation` and the begin of the other's name; the first that fits.
const GOALS: &[(&str, &str, f64)] = &[
    ("error: create", "pingora-error", 0.8),
    ("error: wrap", "pingora-error", 0.8),
    ("http: request head", "http", 0.5),
    ("http: append", "http", 0.8),
    ("http: look up", "http", 0.5),
    ("http-parser: a chunk", "memcpy", 1.2),
    ("http-parser: ", "httparse alone", 1.3),
    ("http-parser: ", "httparse + http", 0.6),
    ("timeout: arm and drop", "tokio", 0.1),
];
/// A row below this was removed by the optimiser and says nothing.
const PLAUSIBLE_NANOSECONDS: f64 = 1.0;

/// One operation by one crate.
struct Row {
    /// `crate: operation`
    operation: String,
    who: String,
    nanoseconds: f64,
    allocations: Option<f64>,
}

pub(crate) fn run(mut arguments: Arguments) -> Result<String> {
    let filter = arguments.word();
    arguments.finish()?;
    needs::bring(needs::FOR_PEERS);
    let machine = benchmarks_page::machine();
    let target = workspace::target_folder()?;
    let results = target.join("criterion");
    // What an earlier run left there would pass for this one's.
    if results.exists() {
        std::fs::remove_dir_all(&results).context("cannot remove the results of an earlier run")?;
    }
    let allocations = target.join("bench-allocations.tsv");
    let _ = std::fs::remove_file(&allocations);
    let mut command = cargo(["bench", "--package", "gorge-benches", "--bench", "crates"]);
    command.env("GORGE_BENCH_ALLOCATIONS", &allocations);
    if let Some(filter) = &filter {
        command.args(["--", filter]);
    }
    execute(&mut command)?;

    let rows = read_rows(&results, &read_allocations(&allocations)?)?;
    ensure!(!rows.is_empty(), "no operation was measured; the filter is part of `crate: operation`");
    let (table, verdict) = report(&rows);
    let text = format!(
        "## Each crate beside its peers\n\n{table}\nTimes are medians of one criterion run of all rows; allocations are \
         counted in calls apart from the timed ones.\n\n{machine}"
    );
    println!("\n{text}");
    if let Some(row) = rows.iter().find(|row| row.nanoseconds < PLAUSIBLE_NANOSECONDS) {
        bail!("{} by {} reads {:.2} ns: the optimiser removed it", row.operation, row.who, row.nanoseconds);
    }
    if filter.is_some() {
        return Ok(format!("{verdict} (docs/benchmarks.md left as it was)"));
    }
    benchmarks_page::update(Section::Crates, &text)?;
    Ok(format!("{verdict}; written to docs/benchmarks.md"))
}

type Allocations = BTreeMap<(String, String), f64>;

/// Lines of operation, who, allocations per call.
fn read_allocations(path: &Path) -> Result<Allocations> {
    let text = std::fs::read_to_string(path).context("the bench wrote no allocations")?;
    text.lines()
        .map(|line| {
            let mut parts = line.split('\t');
            let mut next = || parts.next().with_context(|| format!("not a line of allocations: {line}"));
            Ok(((next()?.to_owned(), next()?.to_owned()), next()?.parse()?))
        })
        .collect()
}

/// Criterion keeps a folder per operation, and in it one per row.
fn read_rows(results: &Path, allocations: &Allocations) -> Result<Vec<Row>> {
    let mut rows = Vec::new();
    for folder in folders(results)?.iter().map(|folder| folders(folder)).collect::<Result<Vec<_>>>()?.concat()
    {
        let latest = folder.join("new");
        let Ok(benchmark) = read_json(&latest.join("benchmark.json")) else { continue };
        let estimates = read_json(&latest.join("estimates.json"))?;
        let text = |name: &str| benchmark[name].as_str().map(str::to_owned);
        let (operation, who) =
            text("group_id").zip(text("function_id")).context("a benchmark without a name")?;
        let nanoseconds =
            estimates["median"]["point_estimate"].as_f64().context("a benchmark without a median")?;
        let allocations = allocations.get(&(operation.clone(), who.clone())).copied();
        rows.push(Row { operation, who, nanoseconds, allocations });
    }
    rows.sort_by(|a, b| (&a.operation, a.who != OURS, &a.who).cmp(&(&b.operation, b.who != OURS, &b.who)));
    Ok(rows)
}

fn folders(of: &Path) -> Result<Vec<PathBuf>> {
    let entries = std::fs::read_dir(of).with_context(|| format!("cannot read {}", of.display()))?;
    Ok(entries.flatten().map(|entry| entry.path()).filter(|path| path.is_dir()).collect())
}

fn read_json(path: &Path) -> Result<Value> {
    let text = std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
    Ok(serde_json::from_str(&text)?)
}

/// One line per peer and operation, ratio first; and what is lost.
fn report(rows: &[Row]) -> (String, String) {
    let mut table = String::from(
        "| crate: operation | against | ratio | at most | gorge | the other | allocations, gorge | the other |\n|---|---|---|---|---|---|---|---|\n",
    );
    let (mut compared, mut lost) = (0, Vec::new());
    for ours in rows.iter().filter(|row| row.who == OURS) {
        let others: Vec<_> =
            rows.iter().filter(|row| row.operation == ours.operation && row.who != OURS).collect();
        if others.is_empty() {
            let (time, count) = (time(ours.nanoseconds), allocations(ours));
            let _ = writeln!(table, "| {} | – | – | – | {time} | – | {count} | – |", ours.operation);
        }
        for other in others {
            let ratio = ours.nanoseconds / other.nanoseconds;
            compared += 1;
            let goal = goal(&ours.operation, &other.who);
            let mark = if ratio > goal { " **lost**" } else { "" };
            if ratio > goal {
                lost.push(format!("{} against {} ({ratio:.2}, goal {goal:.2})", ours.operation, other.who));
            }
            let _ = writeln!(
                table,
                "| {} | {} | {ratio:.2}{mark} | {goal:.2} | {} | {} | {} | {} |",
                ours.operation,
                other.who,
                time(ours.nanoseconds),
                time(other.nanoseconds),
                allocations(ours),
                allocations(other),
            );
        }
    }
    let mut verdict = format!("{} of {compared} comparisons keep their promise", compared - lost.len());
    if !lost.is_empty() {
        let _ = write!(verdict, "; lost: {}", lost.join("; "));
    }
    (table, verdict)
}

fn goal(operation: &str, against: &str) -> f64 {
    let fits = |goal: &&(&str, &str, f64)| operation.starts_with(goal.0) && against.starts_with(goal.1);
    GOALS.iter().find(fits).map_or(EQUAL, |goal| goal.2)
}

fn time(nanoseconds: f64) -> String {
    if nanoseconds >= 10_000.0 {
        format!("{:.1} µs", nanoseconds / 1000.0)
    } else {
        format!("{nanoseconds:.1} ns")
    }
}

fn allocations(row: &Row) -> String {
    row.allocations.map_or("–".to_owned(), |count| {
        let text = format!("{count:.3}");
        text.trim_end_matches('0').trim_end_matches('.').to_owned()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(operation: &str, who: &str, nanoseconds: f64) -> Row {
        Row { operation: operation.to_owned(), who: who.to_owned(), nanoseconds, allocations: Some(0.0) }
    }

    #[test]
    fn a_row_that_is_lost_says_so() {
        let rows = [row("pool: get", OURS, 20.0), row("pool: get", "theirs", 10.0), row("x: y", OURS, 5.0)];
        let (table, verdict) = report(&rows);
        assert!(
            table.contains("| pool: get | theirs | 2.00 **lost** | 1.03 | 20.0 ns | 10.0 ns | 0 | 0 |"),
            "{table}"
        );
        assert!(table.contains("| x: y | – | – | – | 5.0 ns | – | 0 | – |"), "{table}");
        assert_eq!(goal("http-parser: request", "httparse alone"), 1.3);
        assert_eq!(
            verdict,
            "0 of 1 comparisons keep their promise; lost: pool: get against theirs (2.00, goal 1.03)"
        );
    }
}
