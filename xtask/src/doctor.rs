//! `cargo xtask doctor`: what is missing here, for which verb, and the command that installs it. Installs nothing.

use anyhow::Result;

use crate::needs::{self, Need};
use crate::shell::{Arguments, capture, find_program, program};

const GROUPS: &[(&str, &[Need])] = &[
    ("a plain build", needs::FOR_BUILD),
    ("demo, test, test-matrix", needs::FOR_FULL),
    ("test, test-matrix", needs::FOR_TESTS),
    ("test-matrix", needs::FOR_VENDORED),
    ("bench-proxy", needs::FOR_BENCH_PROXY),
    ("bench, bench-proxy (peers)", needs::FOR_PEERS),
];

pub(crate) fn run(arguments: Arguments) -> Result<String> {
    arguments.finish()?;
    for component in ["rustfmt", "cargo-clippy"] {
        match find_program(component) {
            Some(path) => println!("  found    {component}: {}", path.display()),
            None => println!("  MISSING  {component}: rustup component add rustfmt clippy"),
        }
    }
    if let Ok(version) = capture(&mut program("rustc", ["--version"])) {
        println!("  found    {}", version.trim());
    }
    let mut missing_groups = Vec::new();
    for (verbs, needs) in GROUPS {
        println!("for {verbs}:");
        for need in *needs {
            match need.find() {
                Some(place) => println!("  found    {}: {place}", need.name()),
                None => println!("  MISSING  {}: {}", need.name(), need.what_for),
            }
        }
        let missing = needs::missing(&[needs]);
        if !missing.is_empty() {
            println!("  install: {}", needs::install_command(&missing));
            missing_groups.push(*verbs);
        }
    }
    if missing_groups.is_empty() {
        return Ok("nothing is missing".to_owned());
    }
    Ok(format!("something is missing for: {}", missing_groups.join("; ")))
}
