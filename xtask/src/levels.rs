//! `cargo xtask levels`: no crate depends on a higher level, and the picture of it in `docs/architecture.md` is true.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use anyhow::{Context, Result, bail};

use crate::shell::Arguments;
use crate::workspace::{self, Package};

const PAGE: &str = "docs/architecture.md";
const BEGIN: &str = "<!-- levels: begin (written by `cargo xtask levels`) -->";
const END: &str = "<!-- levels: end -->";

/// Above the numbered levels: the umbrella, then the program.
const UMBRELLA: u8 = 6;
const PROGRAM: u8 = 7;
/// What is never published may use everything and is used by nothing.
const UNPUBLISHED: u8 = 8;

/// The order within a level, low to high; a crate that is not named stands beside the others.
const ORDER: &[&[&[&str]]] = &[
    &[&["async-io"], &["tls"]],
    &[&["protocols"], &["http-server", "http-client", "quic"], &["upstream"], &["load-balancer"]],
    &[&["proxy"], &["server", "subrequest"]],
];

pub(crate) fn run(mut arguments: Arguments) -> Result<String> {
    let only_check = arguments.flag("--check");
    arguments.finish()?;
    check(only_check)
}

/// Checks every edge; then compares the drawn graph with the page, or writes it there.
pub(crate) fn check(only_check: bool) -> Result<String> {
    let packages = workspace::packages()?;
    let upward = upward_edges(&packages)?;
    for edge in &upward {
        println!("{edge}");
    }
    if !upward.is_empty() {
        bail!("{} edges point upward", upward.len());
    }
    let crates: Vec<_> = packages.iter().filter(|package| package.is_crate()).collect();
    let edges: usize = crates.iter().map(|package| package.dependencies.len()).sum();
    let drift = update_page(&draw(&crates)?, only_check)?;
    if drift && only_check {
        bail!("{PAGE} shows another graph; run `cargo xtask levels`");
    }
    let page = if drift { "written" } else { "up to date" };
    Ok(format!("{} crates, {edges} edges, none upward; the graph in {PAGE} is {page}", crates.len()))
}

fn level(package: &Package) -> Result<u8> {
    let mut parts = package.folder.iter().filter_map(|part| part.to_str());
    if parts.next() != Some("crates") {
        return Ok(UNPUBLISHED);
    }
    let folder = parts.next().unwrap_or_default();
    match folder {
        "gorge" => Ok(UMBRELLA),
        "gorge-cli" => Ok(PROGRAM),
        "test-util" => Ok(UNPUBLISHED),
        _ => folder
            .split_once('-')
            .and_then(|(number, _)| number.parse().ok())
            .with_context(|| format!("{}: the folder names no level", package.folder.display())),
    }
}

/// The place of a crate in its level's order.
fn rank(package: &Package) -> Option<(usize, usize)> {
    ORDER.iter().enumerate().find_map(|(level, groups)| {
        let place = groups.iter().position(|group| group.contains(&package.short_name()))?;
        Some((level, place))
    })
}

fn upward_edges(packages: &[Package]) -> Result<Vec<String>> {
    let by_name: BTreeMap<_, _> = packages.iter().map(|package| (package.name.as_str(), package)).collect();
    let mut upward = Vec::new();
    for package in packages {
        let from = level(package)?;
        for name in &package.dependencies {
            let Some(dependency) = by_name.get(name.as_str()) else { continue };
            let to = level(dependency)?;
            let against_order = match (rank(package), rank(dependency)) {
                (Some((mine, place)), Some((other, above))) => mine == other && above > place,
                _ => false,
            };
            if to > from || (to == UNPUBLISHED && package.is_crate() && from != UNPUBLISHED) {
                upward.push(format!("upward: {} (level {from}) -> {name} (level {to})", package.name));
            } else if against_order {
                upward.push(format!(
                    "upward: {} -> {name} (against the order within level {from})",
                    package.name
                ));
            }
        }
    }
    Ok(upward)
}

/// A picture with the edges that no longer path implies, and below it the whole list.
fn draw(crates: &[&Package]) -> Result<String> {
    let mut levels: BTreeMap<u8, Vec<&Package>> = BTreeMap::new();
    for package in crates {
        levels.entry(level(package)?).or_default().push(package);
    }
    levels.remove(&UNPUBLISHED);
    let direct: BTreeMap<&str, BTreeSet<&str>> = crates
        .iter()
        .map(|package| (package.name.as_str(), package.dependencies.iter().map(String::as_str).collect()))
        .collect();

    let mut text = String::from("```mermaid\ngraph TD\n");
    for (number, members) in levels.iter().rev() {
        writeln!(text, "  subgraph L{number}[\"{}\"]", title(*number, members))?;
        for package in members {
            writeln!(text, "    {}", package.name)?;
        }
        text.push_str("  end\n");
    }
    // The umbrella re-exports every crate, so its edges would only hide the others.
    for (package, dependencies) in direct.iter().filter(|(name, _)| **name != "gorge") {
        for dependency in dependencies.iter().filter(|dependency| !implied(package, dependency, &direct)) {
            writeln!(text, "  {package} --> {dependency}")?;
        }
    }
    text.push_str("```\n\n| level | crate | depends on |\n|---|---|---|\n");
    for (number, members) in levels.iter().rev() {
        for package in members {
            let mut names: Vec<_> = package.dependencies.iter().map(|name| format!("`{name}`")).collect();
            if package.name == "gorge" {
                names = vec!["every crate of levels 0 to 5".to_owned()];
            } else if names.is_empty() {
                names.push("none of ours".to_owned());
            }
            writeln!(text, "| {} | `{}` | {} |", title(*number, members), package.name, names.join(", "))?;
        }
    }
    Ok(text)
}

/// The level's folder, or what stands above the levels.
fn title(number: u8, members: &[&Package]) -> String {
    match number {
        UMBRELLA => "umbrella".to_owned(),
        PROGRAM => "program".to_owned(),
        _ => {
            let folder = members.first().and_then(|package| package.folder.iter().nth(1));
            folder.map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
        }
    }
}

/// True if `to` can be reached from `from` over another of its dependencies.
fn implied<'a>(from: &str, to: &str, direct: &BTreeMap<&'a str, BTreeSet<&'a str>>) -> bool {
    let mut seen = BTreeSet::new();
    let mut open: Vec<&str> = direct[from].iter().copied().filter(|name| *name != to).collect();
    while let Some(name) = open.pop() {
        if name == to {
            return true;
        }
        if seen.insert(name) {
            open.extend(direct.get(name).into_iter().flatten());
        }
    }
    false
}

/// Puts `graph` between the markers of the page; true if that changes the page.
fn update_page(graph: &str, only_check: bool) -> Result<bool> {
    let text = std::fs::read_to_string(PAGE).with_context(|| format!("cannot read {PAGE}"))?;
    let (before, rest) = text.split_once(BEGIN).with_context(|| format!("{PAGE} has no line `{BEGIN}`"))?;
    let (_, after) = rest.split_once(END).with_context(|| format!("{PAGE} has no line `{END}`"))?;
    let new = format!("{before}{BEGIN}\n{graph}{END}{after}");
    let drift = new != text;
    if drift && !only_check {
        std::fs::write(PAGE, new).with_context(|| format!("cannot write {PAGE}"))?;
    }
    Ok(drift)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn package(folder: &str, name: &str, dependencies: &[&str]) -> Package {
        Package {
            name: name.to_owned(),
            folder: folder.into(),
            license: None,
            features: BTreeMap::new(),
            dependencies: dependencies.iter().map(|name| (*name).to_owned()).collect(),
            third_party: Vec::new(),
            targets: Vec::new(),
        }
    }

    #[test]
    fn names_an_edge_to_a_higher_level() {
        let packages =
            [package("crates/0-foundation/a", "a", &["b"]), package("crates/1-primitives/b", "b", &[])];
        assert_eq!(upward_edges(&packages).unwrap(), ["upward: a (level 0) -> b (level 1)"]);
    }

    #[test]
    fn names_an_edge_against_the_order_within_a_level() {
        let packages = [
            package("crates/3-connections/protocols", "gorge-protocols", &["gorge-upstream"]),
            package("crates/3-connections/upstream", "gorge-upstream", &[]),
        ];
        let edges = upward_edges(&packages).unwrap();
        assert_eq!(edges, ["upward: gorge-protocols -> gorge-upstream (against the order within level 3)"]);
    }

    #[test]
    fn no_published_crate_uses_an_unpublished_one() {
        let packages = [
            package("crates/gorge-cli", "gorge-cli", &["gorge-test-util"]),
            package("crates/test-util", "gorge-test-util", &[]),
        ];
        assert_eq!(upward_edges(&packages).unwrap().len(), 1);
    }

    #[test]
    fn lower_and_equal_levels_are_free() {
        let packages = [
            package("crates/1-primitives/b", "b", &["a", "c"]),
            package("crates/0-foundation/a", "a", &[]),
            package("crates/1-primitives/c", "c", &[]),
        ];
        assert!(upward_edges(&packages).unwrap().is_empty());
    }

    #[test]
    fn the_picture_leaves_out_edges_that_a_longer_path_implies() {
        let (a, b, c) = (
            package("crates/0-foundation/a", "a", &[]),
            package("crates/1-primitives/b", "b", &["a"]),
            package("crates/2-transport/c", "c", &["a", "b"]),
        );
        let text = draw(&[&a, &b, &c]).unwrap();
        assert!(text.contains("c --> b") && text.contains("b --> a"));
        assert!(!text.contains("c --> a"));
        assert!(text.contains("| 2-transport | `c` | `a`, `b` |"));
    }
}
