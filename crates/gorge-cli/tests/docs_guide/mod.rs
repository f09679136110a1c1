//! What runs the examples of the user guide, and compares what comes out with what the page says.
//!
//! Conventions of the pages, so that they read naturally and can still be run:
//!
//! - A block `toml` is a configuration, or a part of one: what is missing for a whole one is added (a
//!   listener at 127.0.0.1:8080, upstreams with a server at 127.0.0.1:9001, a route). It is read by the
//!   real reader, and must give no warning unless it is marked `toml warns`. With `toml wrong` it must be
//!   refused.
//! - A block `console` is run: each line behind `$ ` in a shell, against the program that serves the last
//!   configuration above it. The lines below are what it prints; `...` stands for any text, and alone on
//!   a line for any lines. With `console offline` none runs.
//! - `$ gorge run` starts the program; what it says at its start is compared.
//! - A block `NAME file=PATH` is written to that file first.
//!
//! Ports are not those of the page. Each address to listen on is one of its own within 127.0.0.0/8, each
//! server an origin that answers with what it was asked; what is printed is translated back. A server at
//! a port that ends with 9 refuses connections, one at a port that ends with 8 never answers.

mod compare;
mod page;
mod stage;

use std::path::Path;

use page::{Block, Page};
use stage::Stage;

/// Runs everything that a page shows.
pub(crate) fn run(name: &str) {
    let page = Page::read(&folder().join(name));
    let mut stage = Stage::new(&page);
    for block in &page.blocks {
        match block.language.as_str() {
            "toml" => stage.configure(block),
            "console" => stage.console(block),
            // Those of the crate gorge's documentation tests.
            "rust" => {}
            _ if block.word("file=").is_some() => stage.file(block),
            // What others are configured with, and what a log looks like.
            "caddyfile" | "dockerfile" | "haproxy" | "ini" | "json" | "nginx" | "text" | "yaml" => {
                commands_exist(block);
            }
            other => panic!("{}: nobody runs a block of {other:?}", block.place),
        }
    }
    stage.end();
}

/// The names of all pages.
pub(crate) fn pages() -> Vec<String> {
    let files = std::fs::read_dir(folder()).expect("the guide is part of the repository");
    let mut names: Vec<_> = files.map(|file| file.unwrap().file_name().into_string().unwrap()).collect();
    names.retain(|name| name.ends_with(".md"));
    names.sort();
    names
}

fn folder() -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/user_guide")
}

/// Command lines within files for others are not run, but the program must know their options.
fn commands_exist(block: &Block) {
    for line in block.text.lines() {
        let Some((_, words)) =
            line.split_once("gorge run ").map(|(before, rest)| (before, format!("run {rest}")))
        else {
            continue;
        };
        let help = std::process::Command::new(env!("CARGO_BIN_EXE_gorge")).args(["run", "--help"]).output();
        let help = String::from_utf8(help.expect("the program was built").stdout).unwrap();
        for option in words.split_whitespace().filter(|word| word.starts_with('-')) {
            assert!(help.contains(option), "{}: `gorge run` has no {option}: {line}", block.place);
        }
    }
}
