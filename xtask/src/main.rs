//! `cargo xtask <verb>`: one module per verb, each of which prints what it runs and ends with one line of verdict.

mod bench;
mod bench_proxy;
mod benchmarks_page;
mod demo;
mod docs;
mod doctor;
mod levels;
mod missing_patch;
mod needs;
mod shell;
mod test;
mod test_matrix;
mod tidy;
mod tls_modes;
mod wheels;
mod workspace;

use std::process::ExitCode;
use std::time::Instant;

use shell::Arguments;

struct Verb {
    name: &'static str,
    usage: &'static str,
    about: &'static str,
    run: fn(Arguments) -> anyhow::Result<String>,
}

/// Every verb; the help text is printed from here.
const VERBS: &[Verb] = &[
    Verb {
        name: "demo",
        usage: "demo",
        about: "bring what the build needs, build the program with `full`, run `gorge demo`",
        run: demo::run,
    },
    Verb {
        name: "test",
        usage: "test [CRATE | tls | quiche]",
        about: "format, lints, levels, tidy, docs, every test, the quick matrix; or one crate alone; or what speaks TLS, \
                on the system's OpenSSL (tls) or on BoringSSL (quiche)",
        run: test::run,
    },
    Verb {
        name: "test-matrix",
        usage: "test-matrix",
        about: "build and test each crate and each supported set of features",
        run: test_matrix::run,
    },
    Verb {
        name: "levels",
        usage: "levels [--check]",
        about: "print each upward edge; draw the graph of crates into docs/architecture.md, or check it",
        run: levels::run,
    },
    Verb {
        name: "tidy",
        usage: "tidy",
        about: "README, docs, example, bench of each crate; first line of each module; forbidden patterns",
        run: tidy::run,
    },
    Verb {
        name: "docs",
        usage: "docs [--check]",
        about: "write the reference pages from what the code declares, or check that they say it",
        run: docs::run,
    },
    Verb {
        name: "doctor",
        usage: "doctor",
        about: "what is missing on this machine for which verb, and the command that installs it",
        run: doctor::run,
    },
    Verb {
        name: "bench",
        usage: "bench [FILTER]",
        about: "the crates beside their peers' crates; results into docs/benchmarks.md",
        run: bench::run,
    },
    Verb {
        name: "bench-proxy",
        usage: bench_proxy::USAGE,
        about: "the proxy beside nginx, HAProxy, Pingora and the floor; results into docs/benchmarks.md",
        run: bench_proxy::run,
    },
];

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    let name = arguments.next().unwrap_or_default();
    if matches!(name.as_str(), "" | "help" | "-h" | "--help") {
        print!("{}", help());
        return if name.is_empty() { ExitCode::from(2) } else { ExitCode::SUCCESS };
    }
    let Some(verb) = VERBS.iter().find(|verb| verb.name == name) else {
        eprint!("xtask: there is no verb `{name}`\n\n{}", help());
        return ExitCode::from(2);
    };
    if let Err(error) = std::env::set_current_dir(workspace::root()) {
        eprintln!("xtask: cannot enter the workspace: {error}");
        return ExitCode::FAILURE;
    }
    let started = Instant::now();
    let result = (verb.run)(Arguments::new(verb.usage, arguments));
    let took = shell::human_seconds(started.elapsed());
    match result {
        Ok(verdict) => {
            println!("xtask {name}: ok ({took}): {verdict}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            println!("xtask {name}: FAILED ({took}): {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn help() -> String {
    let mut text = String::from("usage: cargo xtask <verb>\n\n");
    for verb in VERBS {
        text.push_str(&format!("  {}\n      {}\n", verb.usage, verb.about));
    }
    text
}
