//! `cargo xtask test-matrix`: each crate alone and the umbrella in each supported set of features.

use std::collections::BTreeSet;

use anyhow::{Context, Result};

use crate::needs;
use crate::shell::{Arguments, cargo, execute};
use crate::workspace::{self, Package};

/// The sets of features in which the umbrella is supported.
const UMBRELLA_SETS: &[&[&str]] = &[&[], &["--no-default-features"], &["--features", "full"]];

pub(crate) fn run(arguments: Arguments) -> Result<String> {
    arguments.finish()?;
    needs::bring_all(&[needs::FOR_BUILD, needs::FOR_FULL, needs::FOR_TESTS, needs::FOR_VENDORED]);
    let mut steps = 0;
    for package in workspace::crates()? {
        for set in feature_sets(&package) {
            run_cargo("test", &package.name, &set)?;
            steps += 1;
        }
    }
    needs::bring(needs::FOR_PEERS);
    execute(&mut cargo(["check", "--package", "gorge-benches", "--all-targets"]))?;
    Ok(format!("{steps} combinations of crate and features pass their tests, and the benches compile"))
}

/// The part that every test run does: each crate is checked alone, the umbrella tested in sets that differ.
pub(crate) fn quick() -> Result<()> {
    for package in workspace::crates()? {
        for set in feature_sets(&package) {
            run_cargo("check", &package.name, &set)?;
        }
    }
    Ok(())
}

/// Tests the umbrella in each set of features that is not the same as one before; `full` was tested already.
pub(crate) fn umbrella() -> Result<()> {
    let packages = workspace::crates()?;
    let umbrella =
        packages.iter().find(|package| package.name == "gorge").context("there is no crate `gorge`")?;
    let mut seen = vec![enabled(umbrella, &["--features", "full"])];
    for set in UMBRELLA_SETS {
        let features = enabled(umbrella, set);
        if seen.contains(&features) {
            println!("gorge {}: the same features as a set that was tested", set.join(" "));
            continue;
        }
        run_cargo("test", &umbrella.name, set)?;
        seen.push(features);
    }
    Ok(())
}

/// No, default and all features; once if the crate has none.
fn feature_sets(package: &Package) -> Vec<Vec<&'static str>> {
    if package.features.is_empty() {
        return vec![vec![]];
    }
    vec![vec!["--no-default-features"], vec![], vec!["--all-features"]]
}

fn run_cargo(verb: &str, package: &str, features: &[&str]) -> Result<()> {
    execute(&mut cargo([&[verb, "--quiet", "--package", package], features].concat()))
}

/// The features that `arguments` turn on, those that others bring included; `full` itself does nothing.
fn enabled(package: &Package, arguments: &[&str]) -> BTreeSet<String> {
    let mut open: Vec<&str> = match arguments {
        ["--no-default-features"] => vec![],
        ["--features", more] => vec!["default", *more],
        _ => vec!["default"],
    };
    let mut on = BTreeSet::new();
    while let Some(feature) = open.pop() {
        if on.insert(feature.to_owned()) {
            open.extend(package.features.get(feature).into_iter().flatten().map(String::as_str));
        }
    }
    on.retain(|feature| feature != "default" && feature != "full");
    on
}
