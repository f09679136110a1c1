//! What was measured of the program, as text: ratios and goals first.

use std::fmt::Write as _;
use std::time::Duration;

use super::super::count::Subject;
use super::super::process::{LOAD_CORE, PROXY_CORE};
use super::super::report::{Goal, bytes, count_goals, count_row, goal_table, median, micros, verdict};
use super::super::{Plan, Sample};
use super::reload::{CLIENTS, WINDOW};
use super::{Asked, MANY, Measured, RELOADED, ROWS, Row, Runner, STARTED, TRIES};

/// CPU over the bare path of `gorge proxy`.
const OVER_BARE: f64 = 1.15;
/// CPU with many routes over CPU with one.
const OVER_ONE: f64 = 1.05;
const READY: Duration = Duration::from_millis(50);
const LOADED: Duration = Duration::from_secs(1);
const RELOAD: Duration = Duration::from_millis(100);
/// The longest exchange with a reload over the longest without.
const LONGER: Duration = Duration::from_millis(10);

/// What a row is called.
pub(super) fn name(row: Row) -> String {
    let what = match row.runner {
        Runner::Bare => "`gorge proxy`, no access log".to_owned(),
        Runner::BareLogging => "`gorge proxy`, combined access log".to_owned(),
        Runner::Full => "`gorge run`, a route, two fields set each way, JSON access log".to_owned(),
        Runner::One => "`gorge run`, 1 route".to_owned(),
        Runner::Many => format!("`gorge run`, {MANY} routes of as many hosts"),
    };
    match row.asked {
        Asked::Plain => what,
        Asked::OneRoute => format!("{what}, one of them asked"),
        Asked::AllRoutes => format!("{what}, all of them asked in turn"),
    }
}

impl Measured {
    fn cpu(&self, row: Row) -> f64 {
        let at = ROWS.iter().position(|other| *other == row);
        at.map_or(f64::NAN, |at| cpu(&self.samples[at]))
    }

    fn ratio(&self, runner: Runner, other: Runner, asked: Asked) -> f64 {
        self.cpu(Row { runner, asked }) / self.cpu(Row { runner: other, asked })
    }
}

fn cpu(samples: &[Sample]) -> f64 {
    median(samples, |sample| micros(sample.cpu))
}

/// The section, and the verdict in one line.
pub(in super::super) fn text(machine: &str, plan: &Plan, measured: &Measured) -> (String, String) {
    let goals = goals(measured);
    let mut text = String::from(
        "## The program\n\nWhat `gorge run` with a configuration costs over the bare path, and many routes over one.\n\n",
    );
    text.push_str(&goal_table(&goals));
    text.push_str(&cpu_table(measured));
    text.push_str(&time_table(measured));
    text.push_str(&count_table(measured));
    text.push_str(&how(machine, plan, measured));
    (text, verdict(&goals))
}

fn goals(measured: &Measured) -> Vec<Goal> {
    let mut goals = Vec::new();
    let mut goal = |what: String, kept| goals.push(Goal { what, kept });
    for (asked, words) in [(Asked::AllRoutes, "all asked in turn"), (Asked::OneRoute, "one of them asked")] {
        let ratio = measured.ratio(Runner::Many, Runner::One, asked);
        let what =
            format!("{MANY} routes, {words}: CPU at most {OVER_ONE} times that of 1 (ratio {ratio:.2})");
        goal(what, ratio <= OVER_ONE);
    }
    for (other, words) in [(Runner::Bare, "without a log"), (Runner::BareLogging, "with its combined log")] {
        let ratio = measured.ratio(Runner::Full, other, Asked::Plain);
        let what = format!(
            "a route, edits and a JSON log: CPU at most {OVER_BARE} times that of the bare path {words} (ratio {ratio:.2})"
        );
        goal(what, ratio <= OVER_BARE);
    }
    for (routes, started) in STARTED.iter().zip(&measured.started) {
        let (ready, most) = (middle(&started.ready), if *routes == MANY { LOADED } else { READY });
        goal(format!("{} ready within {} (is {})", routes_of(*routes), ms(most), ms(ready)), ready <= most);
    }
    let check = middle(&measured.check);
    goal(format!("{MANY} routes checked within {} (is {})", ms(LOADED), ms(check)), check <= LOADED);
    for (routes, times) in RELOADED.iter().zip(&measured.reloaded) {
        let (took, most) = (middle(times), if *routes == MANY { LOADED } else { RELOAD });
        goal(format!("{} reloaded within {} (is {})", routes_of(*routes), ms(most), ms(took)), took <= most);
    }
    let (with, without) = (longest(&measured.longest.with), longest(&measured.longest.without));
    goal(
        format!(
            "longest exchange during a reload of {MANY} routes at most {} over the longest without one ({} and {})",
            ms(LONGER),
            ms(with),
            ms(without)
        ),
        with <= without + LONGER,
    );
    for (subject, all) in &measured.counts {
        for counts in all {
            goals.extend(count_goals(called(*subject), counts));
        }
    }
    goals
}

fn called(subject: Subject) -> &'static str {
    match subject {
        Subject::Proxy => "`gorge proxy`: ",
        Subject::Program => "`gorge run`: ",
    }
}

fn cpu_table(measured: &Measured) -> String {
    let mut text = String::from(
        "### CPU per exchange\n\n| what | CPU | (lowest – highest) | exchanges/s |\n|---|---|---|---|\n",
    );
    for (row, samples) in ROWS.iter().zip(&measured.samples) {
        let each = || samples.iter().map(|sample| micros(sample.cpu));
        let _ = writeln!(
            text,
            "| {} | {:.2} µs | {:.2} – {:.2} | {:.0} |",
            name(*row),
            cpu(samples),
            each().fold(f64::INFINITY, f64::min),
            each().fold(0.0, f64::max),
            median(samples, |sample| sample.outcome.per_second),
        );
    }
    text.push('\n');
    text
}

fn time_table(measured: &Measured) -> String {
    let mut text = String::from(
        "### Start, check and reload\n\n| what | time | (shortest – longest) | resident |\n|---|---|---|---|\n",
    );
    let mut row = |what: String, times: &[Duration], resident: &str| {
        let shortest = times.iter().min().copied().unwrap_or_default();
        let _ = writeln!(
            text,
            "| {what} | {} | {} – {} | {resident} |",
            ms(middle(times)),
            ms(shortest),
            ms(longest(times))
        );
    };
    for (routes, started) in STARTED.iter().zip(&measured.started) {
        let resident = bytes(started.resident as f64);
        row(format!("start to first answer, {}", routes_of(*routes)), &started.ready, &resident);
    }
    row(format!("`gorge check`, {}", routes_of(MANY)), &measured.check, "");
    for (routes, times) in RELOADED.iter().zip(&measured.reloaded) {
        row(format!("`gorge reload`, {}", routes_of(*routes)), times, "");
    }
    row(format!("longest exchange of {} s, no reload", WINDOW.as_secs()), &measured.longest.without, "");
    let what = format!("longest exchange of {} s, reload of {}", WINDOW.as_secs(), routes_of(MANY));
    row(what, &measured.longest.with, "");
    text.push('\n');
    text
}

fn count_table(measured: &Measured) -> String {
    let mut text = String::from(
        "### Counted\n\n| what | connections | data calls on sockets | epoll_wait | heap allocations | writes of the log |\n\
         |---|---|---|---|---|---|\n",
    );
    for (subject, all) in &measured.counts {
        for counts in all {
            let _ = writeln!(text, "| {} {}", called(*subject).trim_end_matches(": "), count_row(counts));
        }
    }
    text.push('\n');
    text
}

fn how(machine: &str, plan: &Plan, measured: &Measured) -> String {
    format!(
        "### How the program was measured\n\n{machine}\
         - Core {PROXY_CORE}: the program under test, one worker. Core {LOAD_CORE}: wrk (one thread, 64 keep-alive connections) and the origin (nginx, 1 KiB for any path).\n\
         - CPU: {rounds} rounds of {seconds} s each, the rows in another order each round; medians. It is the time on a processor of all threads, that of the log too, divided by the exchanges. Rows that are compared get the very same requests.\n\
         - The routes: hosts (a fifth of them wildcards) and paths of one to four segments from a generator with a fixed seed, the last route takes what no other does. To ask all in turn is the worst case: nothing of a route is in a cache of the processor when its turn comes again.\n\
         - \"A route, edits\": one route, two request and two response fields set, of each two one from a template; the log goes to a file.\n\
         - Start, check, reload: {TRIES} times each, the middle one; a start ends with the first answer, a reload with that of `gorge reload`, which is on the core of the load and reads a file that has changed.\n\
         - Longest exchange: {windows} windows without and as many with a reload in turn, {CLIENTS} clients that ask without a pause, {exchanges} exchanges in all. The reload has the same core as the exchanges.\n\
         - Counted as in the section below.\n",
        rounds = plan.rounds,
        seconds = plan.seconds,
        windows = measured.longest.with.len(),
        exchanges = measured.longest.exchanges,
    )
}

fn routes_of(number: usize) -> String {
    if number == 1 { "1 route".to_owned() } else { format!("{number} routes") }
}

fn middle(times: &[Duration]) -> Duration {
    let mut times = times.to_vec();
    times.sort();
    times.get(times.len() / 2).copied().unwrap_or_default()
}

fn longest(times: &[Duration]) -> Duration {
    times.iter().max().copied().unwrap_or_default()
}

fn ms(time: Duration) -> String {
    format!("{:.1} ms", time.as_secs_f64() * 1e3)
}

#[cfg(test)]
mod tests {
    use super::super::super::load::Outcome;
    use super::super::Started;
    use super::super::reload::Longest;
    use super::*;

    /// All rows take 10 µs, and all else a millisecond, unless the test says otherwise.
    fn measured() -> Measured {
        let time = Duration::from_millis(1);
        let outcome = Outcome { exchanges: 1, per_second: 1.0, p50: time, p99: time };
        let sample = || vec![Sample { cpu: Duration::from_micros(10), outcome: outcome.clone() }];
        Measured {
            samples: ROWS.iter().map(|_| sample()).collect(),
            started: STARTED.iter().map(|_| Started { ready: vec![time], resident: 0 }).collect(),
            check: vec![time],
            reloaded: RELOADED.iter().map(|_| vec![time]).collect(),
            longest: Longest { without: vec![time], with: vec![time], exchanges: 2 },
            counts: Vec::new(),
        }
    }

    #[test]
    fn all_is_reached_if_nothing_costs_anything() {
        let goals = goals(&measured());
        assert_eq!(goals.len(), 11);
        assert!(goals.iter().all(|goal| goal.kept));
    }

    #[test]
    fn what_is_lost_is_told() {
        let mut measured = measured();
        let at = |row: Row| ROWS.iter().position(|other| *other == row).unwrap();
        let (many, full) = (
            at(Row { runner: Runner::Many, asked: Asked::AllRoutes }),
            at(Row { runner: Runner::Full, asked: Asked::Plain }),
        );
        measured.samples[many][0].cpu = Duration::from_nanos(10_600);
        measured.samples[full][0].cpu = Duration::from_nanos(11_600);
        measured.started[1].ready = vec![Duration::from_millis(51)];
        measured.reloaded[0] = vec![Duration::from_millis(101)];
        measured.longest.with = vec![Duration::from_millis(12)];
        let goals = goals(&measured);
        let lost: Vec<_> = goals.iter().filter(|goal| !goal.kept).map(|goal| goal.what.as_str()).collect();
        assert_eq!(lost.len(), 6, "{lost:?}");
        assert!(lost[0].contains("(ratio 1.06)") && lost[1].contains("(ratio 1.16)"), "{lost:?}");
    }
}
