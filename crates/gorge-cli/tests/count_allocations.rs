//! The feature `count-allocations`: the number of allocations, asked for by signal and told at the end.

#![cfg(feature = "count-allocations")]

mod common;

use std::process::Command;

use common::{gorge, gorge_with};

const WORDS: [&str; 5] = ["proxy", "--to", "127.0.0.1:1", "--listen", "127.0.0.1:0"];

#[test]
fn the_number_comes_by_signal_and_at_the_end() {
    let mut program = gorge_with(&["GORGE_COUNT_ALLOCATIONS=1"], &WORDS);
    program.addr();
    let sent = Command::new("kill").args(["-USR2", &program.id().to_string()]).status().unwrap();
    assert!(sent.success());
    let first = program.err().wait_for("allocations: ");
    program.terminate();
    assert!(program.wait().success());
    let both = program.err().wait_for_count("allocations: ", 2);
    let number = |line: &str| line.trim_start_matches("allocations: ").parse::<u64>().unwrap();
    assert!(number(&first) > 0 && number(&both[1]) >= number(&first), "{both:?}");
}

#[test]
fn without_the_variable_nothing_is_told() {
    let mut program = gorge(&WORDS);
    program.addr();
    program.terminate();
    assert!(program.wait().success());
    program.err().wait_for("stopped");
    assert!(!program.err().text().contains("allocations"));
}
