//! The pages lead where they say, and none is forgotten.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().expect("the checkout is there")
}

/// All pages below a folder.
fn pages(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap_or_else(|e| panic!("{}: {e}", folder.display())) {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(pages(&path));
        } else if path.extension().is_some_and(|end| end == "md") {
            found.push(path);
        }
    }
    found
}

/// The text of a page without its code.
fn prose(path: &Path) -> String {
    let text = fs::read_to_string(path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    let mut in_code = false;
    let lines = text.lines().filter(|line| {
        let is_fence = line.starts_with("```");
        in_code ^= is_fence;
        !in_code && !is_fence
    });
    lines.collect::<Vec<_>>().join("\n")
}

/// What the links of a page lead to, those of the web left out.
fn links(path: &Path) -> Vec<String> {
    let text = prose(path);
    let ends = text.split("](").skip(1).filter_map(|rest| rest.split_once(')'));
    let targets = ends.map(|(target, _)| target.to_owned());
    targets.filter(|target| !target.contains("://") && !target.starts_with("mailto:")).collect()
}

/// The anchors that headings make.
fn anchors(path: &Path) -> BTreeSet<String> {
    let text = prose(path);
    let headings = text.lines().filter_map(|line| line.strip_prefix('#'));
    let anchor = |heading: &str| {
        let words = heading.trim_start_matches('#').trim().to_lowercase();
        let kept = words.chars().filter(|c| c.is_alphanumeric() || matches!(c, '-' | '_' | ' '));
        kept.map(|c| if c == ' ' { '-' } else { c }).collect()
    };
    headings.map(anchor).collect()
}

#[test]
fn every_link_leads_somewhere() {
    let root = root();
    let mut all = pages(&root.join("docs"));
    all.extend(["README.md", "CONTRIBUTING.md", "SECURITY.md"].map(|name| root.join(name)));
    let mut broken = Vec::new();
    for page in &all {
        for link in links(page) {
            let (file, anchor) = link.split_once('#').unwrap_or((&link, ""));
            let to = if file.is_empty() { page.clone() } else { page.parent().unwrap().join(file) };
            if !to.exists() || (!anchor.is_empty() && !anchors(&to).contains(anchor)) {
                broken.push(format!("{}: {link}", page.strip_prefix(&root).unwrap().display()));
            }
        }
    }
    assert!(broken.is_empty(), "links to nowhere:\n{}", broken.join("\n"));
}

#[test]
fn the_indexes_name_every_page() {
    let docs = root().join("docs");
    for (index, folder) in [("README.md", "."), ("user_guide/index.md", "user_guide")] {
        let index = docs.join(index);
        let linked: BTreeSet<_> = links(&index)
            .iter()
            .filter_map(|link| index.parent()?.join(link.split('#').next()?).canonicalize().ok())
            .collect();
        for entry in fs::read_dir(docs.join(folder)).unwrap() {
            let page = entry.unwrap().path().canonicalize().unwrap();
            let is_page = page.extension().is_some_and(|end| end == "md");
            if is_page && page != index.canonicalize().unwrap() {
                assert!(linked.contains(&page), "{} does not link {}", index.display(), page.display());
            }
        }
    }
}

#[test]
fn the_quick_start_has_ten_snippets() {
    let text = fs::read_to_string(root().join("docs/quick_start.md")).unwrap();
    let snippets = text.lines().filter(|line| *line == "```rust").count();
    assert_eq!(snippets, 10);
    assert_eq!(text.lines().filter(|line| line.starts_with("## ") && line.contains(". ")).count(), 10);
}

#[test]
fn anchors_are_those_of_the_hosts_of_repositories() {
    let text = std::env::temp_dir().join(format!("gorge-anchors-{}.md", std::process::id()));
    fs::write(&text, "# Kept connections\n\n## Is it alive? Is it overloaded?\n").unwrap();
    let found = anchors(&text);
    fs::remove_file(&text).unwrap();
    let expected = ["kept-connections", "is-it-alive-is-it-overloaded"].map(str::to_owned);
    assert_eq!(found, expected.into_iter().collect());
}
