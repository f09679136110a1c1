//! `docs/benchmarks.md`: written by the bench verbs only, each its own section.

use anyhow::{Context, Result};

use crate::shell::{capture, program};

const PAGE: &str = "docs/benchmarks.md";

const INTRODUCTION: &str = "# Benchmarks\n\n\
    Written by `cargo xtask bench-proxy`, alone, with `--tls`, with `--program` and with `--count`, and `cargo xtask bench`; a hand changes nothing here.\n\
    Ratios come first, for times belong to one machine. A ratio is gorge divided by the other: below 1.00 gorge takes less; \
    0.97 to 1.03 counts as equal. What is lost is marked **lost**.\n";

/// One measuring verb's part of the page.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Section {
    Proxy,
    Tls,
    Program,
    Count,
    Crates,
}

impl Section {
    const ALL: [Self; 5] = [Self::Proxy, Self::Tls, Self::Program, Self::Count, Self::Crates];

    fn marker(self) -> &'static str {
        match self {
            Self::Proxy => "<!-- section: bench-proxy -->",
            Self::Tls => "<!-- section: bench-proxy --tls -->",
            Self::Program => "<!-- section: bench-proxy --program -->",
            Self::Count => "<!-- section: bench-proxy --count -->",
            Self::Crates => "<!-- section: bench -->",
        }
    }
}

/// Writes `text` as the content of one section and leaves the others as they are.
pub(crate) fn update(section: Section, text: &str) -> Result<()> {
    let old = std::fs::read_to_string(PAGE).unwrap_or_default();
    let mut page = INTRODUCTION.to_owned();
    for each in Section::ALL {
        let content = if each == section { text } else { content(&old, each) };
        if !content.trim().is_empty() {
            page.push_str(&format!("\n{}\n{}\n", each.marker(), content.trim()));
        }
    }
    std::fs::write(PAGE, page).with_context(|| format!("cannot write {PAGE}"))
}

/// What stands between the section's marker and the next one.
fn content(page: &str, section: Section) -> &str {
    let Some((_, rest)) = page.split_once(section.marker()) else { return "" };
    rest.split("<!-- section:").next().unwrap_or_default()
}

/// The machine and the state of the sources, as a list; to be asked for before the load begins.
pub(crate) fn machine() -> String {
    let processors = read("/proc/cpuinfo");
    let cpu = processors
        .lines()
        .find_map(|line| line.strip_prefix("model name"))
        .map(|rest| rest.trim_start_matches([' ', '\t', ':']).to_owned())
        .unwrap_or_else(|| "unknown processor".to_owned());
    let cores = processors.lines().filter(|line| line.starts_with("processor")).count();
    let memory = read("/proc/meminfo").lines().next().and_then(kib).map_or(0, |kib| kib / 1024 / 1024);
    let kernel = read("/proc/sys/kernel/osrelease");
    let load = read("/proc/loadavg");
    format!(
        "- Machine: {cpu}, {cores} cores, {memory} GiB, Linux {}; load average before the run {}\n\
         - gorge: {}, {}\n- Date: {}\n",
        kernel.trim(),
        load.split(' ').next().unwrap_or("unknown"),
        first_line("git", &["describe", "--always", "--dirty"]),
        first_line("rustc", &["--version"]),
        first_line("date", &["-u", "+%Y-%m-%d %H:%M UTC"]),
    )
}

/// The first line that a program prints, on either channel; nginx uses the second.
pub(crate) fn first_line(name: &str, arguments: &[&str]) -> String {
    let script = r#""$0" "$@" 2>&1 || true"#;
    let mut command = program("sh", ["-c", script, name]);
    let text = capture(command.args(arguments)).unwrap_or_default();
    text.lines().next().unwrap_or("unknown").trim().to_owned()
}

fn read(path: &str) -> String {
    std::fs::read_to_string(path).unwrap_or_default()
}

fn kib(line: &str) -> Option<u64> {
    line.split_whitespace().nth(1)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_section_ends_where_the_next_begins() {
        let page = format!("intro\n{}\none\n{}\ntwo\n", Section::Proxy.marker(), Section::Crates.marker());
        assert_eq!(content(&page, Section::Proxy).trim(), "one");
        assert_eq!(content(&page, Section::Crates).trim(), "two");
        assert_eq!(content(&page, Section::Count), "");
    }
}
