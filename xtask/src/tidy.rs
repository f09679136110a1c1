//! `cargo xtask tidy`: what a reader may expect of every crate and module, checked by reading the sources.

use std::path::{Path, PathBuf};

use anyhow::{Result, bail};

use crate::shell::Arguments;
use crate::workspace::{self, Package, root, rust_files};

const LICENSE: &str = "SSPL-1.0";

/// The crates whose speed is promised, and so needs a bench; `bench-proxy` measures what only shows in a whole proxy.
const BENCHED: &[&str] = &[
    "gorge-allocators",
    "gorge-digest",
    "gorge-error",
    "gorge-http",
    "gorge-http-client",
    "gorge-http-parser",
    "gorge-http-server",
    "gorge-linked-list",
    "gorge-load-balancer",
    "gorge-pool",
    "gorge-runtime",
    "gorge-timeout",
    "gorge-upstream",
];

/// Text that has no place in a source file, each with what to do instead. Spelled in halves, for this file is read too.
const FORBIDDEN: &[(&str, &str, &str)] = &[
    ("todo", "!(", "finish it, or leave it out"),
    ("unimplemented", "!(", "finish it, or leave it out"),
    ("dbg", "!(", "remove it"),
    ("TO", "DO", "finish it, or open an issue"),
    ("FIX", "ME", "fix it, or open an issue"),
    ("not yet ", "implemented", "finish it, or leave it out"),
    ("#[ig", "nore]", "say why: #[ignore = \"reason\"]"),
    ("#[allow(dead", "_code)]", "remove what is dead"),
    ("/ro", "ot/", "name no path of one machine"),
    ("/home", "/", "name no path of one machine"),
];

pub(crate) fn run(arguments: Arguments) -> Result<String> {
    arguments.finish()?;
    check()
}

/// Prints one line per finding; fails if there is one.
pub(crate) fn check() -> Result<String> {
    let packages = workspace::packages()?;
    let mut findings = Vec::new();
    let mut files = 0;
    for package in &packages {
        check_package(package, &mut findings);
        for file in rust_files(&package.folder) {
            files += 1;
            check_file(&file, &mut findings);
        }
    }
    check_benches(&packages, &mut findings);
    check_root_files(&mut findings);
    check_dependency_table(&packages, &mut findings);
    for page in pages(&packages) {
        check_links(&page, &mut findings);
    }
    for finding in &findings {
        println!("tidy: {finding}");
    }
    if !findings.is_empty() {
        bail!("{} findings", findings.len());
    }
    Ok(format!("{} packages and {files} files are as they should be", packages.len()))
}

fn check_package(package: &Package, findings: &mut Vec<String>) {
    let folder = package.folder.display();
    if package.license.as_deref() != Some(LICENSE) {
        findings.push(format!(
            "{folder}: Cargo.toml names no license = \"{LICENSE}\" (license.workspace = true)"
        ));
    }
    let manifest = package.read("Cargo.toml").unwrap_or_default();
    if !manifest.contains("[lints]\nworkspace = true") {
        findings.push(format!("{folder}: Cargo.toml does not take the lints of the workspace"));
    }
    if !package.is_crate() {
        return;
    }
    let Some(readme) = package.read("README.md") else {
        findings.push(format!("{folder}: no README.md"));
        return;
    };
    if !package.has_library() {
        return;
    }
    if !readme.contains("```rust") {
        findings.push(format!("{folder}: README.md has no ```rust example"));
    }
    let docs = package.read("src/lib.rs").unwrap_or_default();
    if !docs.contains("include_str!(\"../README.md\")") {
        findings.push(format!("{folder}: lib.rs does not include README.md as the crate's docs"));
    }
}

fn check_file(file: &Path, findings: &mut Vec<String>) {
    let Ok(text) = std::fs::read_to_string(root().join(file)) else {
        findings.push(format!("{}: not readable as UTF-8 text", file.display()));
        return;
    };
    if !begins_with_docs(&text) {
        findings.push(format!("{}: the first line is no `//!` that says what the module is", file.display()));
    }
    for (number, line) in text.lines().enumerate() {
        for (start, end, instead) in FORBIDDEN {
            if line.match_indices(start).any(|(at, _)| line[at + start.len()..].starts_with(end)) {
                findings.push(format!("{}:{}: `{start}{end}`: {instead}", file.display(), number + 1));
            }
        }
    }
    if file.iter().any(|name| name == "tests") {
        for line in without_reason(&text, |line| line.contains(SLEEP)) {
            findings.push(format!(
                "{}:{line}: a test sleeps without a comment why nothing can be waited for",
                file.display()
            ));
        }
    }
    if may_not_panic(file) {
        for line in unexplained_unwraps(&text) {
            let place = format!("{}:{line}", file.display());
            findings.push(format!("{place}: an unwrap or expect without a comment why it cannot fail"));
        }
    }
}

/// What runs in a proxy, unlike tests and what only tests use, where a panic is the message.
fn may_not_panic(file: &Path) -> bool {
    let is = |part: &str| file.iter().any(|name| name == part);
    file.starts_with("crates") && is("src") && !is("test-util") && !file.ends_with("tests.rs")
}

/// An inner doc comment, or an inner attribute that brings the docs, comes before any code.
fn begins_with_docs(text: &str) -> bool {
    text.lines()
        .map(str::trim)
        .find(|line| !line.is_empty() && (!line.starts_with("#![") || line.starts_with("#![doc")))
        .is_some_and(|line| line.starts_with("//!") || line.starts_with("#![doc"))
}

const SLEEP: &str = concat!("thread::", "sleep");

/// How many lines above a call its reason may stand.
const REASON_WITHIN: usize = 5;

/// Lines of code that unwrap with no comment on the line or just above it; unit tests, which come last, are free.
fn unexplained_unwraps(text: &str) -> Vec<usize> {
    let test = |line: &&str| line.starts_with("#[cfg(test)]") || line.starts_with("#[cfg(all(test");
    let code: String = text.lines().take_while(|line| !test(line)).map(|line| format!("{line}\n")).collect();
    without_reason(&code, |line| {
        line.contains(concat!(".unwr", "ap()")) || line.contains(concat!(".exp", "ect(\""))
    })
}

/// Numbers of the lines that need a reason and have no comment on them or just above.
fn without_reason(text: &str, needs_one: impl Fn(&str) -> bool) -> Vec<usize> {
    let lines: Vec<&str> = text.lines().map(str::trim).collect();
    let explained = |at: usize| {
        let above = &lines[at.saturating_sub(REASON_WITHIN)..at];
        lines[at].contains("// ") || above.iter().any(|line| line.starts_with("// "))
    };
    let asks = |at: &usize| needs_one(lines[*at]) && !lines[*at].starts_with("//");
    (0..lines.len()).filter(asks).filter(|at| !explained(*at)).map(|at| at + 1).collect()
}

fn check_benches(packages: &[Package], findings: &mut Vec<String>) {
    let benches: String = rust_files(Path::new("benches"))
        .iter()
        .filter_map(|file| std::fs::read_to_string(root().join(file)).ok())
        .collect();
    for name in BENCHED {
        let exists = packages.iter().any(|package| package.name == *name);
        if exists && !benches.contains(&name.replace('-', "_")) {
            findings.push(format!("benches: none for {name}, whose speed is promised"));
        }
    }
}

fn check_root_files(findings: &mut Vec<String>) {
    for file in ["README.md", "LICENSE", "CHANGELOG.md", "CONTRIBUTING.md", "SECURITY.md", "deny.toml"] {
        if !root().join(file).is_file() {
            findings.push(format!("{file}: missing"));
        }
    }
    let license = std::fs::read_to_string(root().join("LICENSE")).unwrap_or_default();
    if !license.contains("Server Side Public License") || !license.contains("END OF TERMS AND CONDITIONS") {
        findings.push(format!("LICENSE: not the full text of {LICENSE}"));
    }
}

/// The README names every library that crates use.
fn check_dependency_table(packages: &[Package], findings: &mut Vec<String>) {
    let readme = std::fs::read_to_string(root().join("README.md")).unwrap_or_default();
    for package in packages.iter().filter(|package| package.is_crate()) {
        for name in &package.third_party {
            if !readme.contains(&format!("`{name}`")) {
                findings.push(format!(
                    "README.md: its table of dependencies lacks `{name}`, used by {}",
                    package.name
                ));
            }
        }
    }
}

/// The pages at the root and in `docs`, and each package's README, relative to the root.
fn pages(packages: &[Package]) -> Vec<PathBuf> {
    let folders = ["", "docs"].map(PathBuf::from);
    let entries = folders.iter().flat_map(|folder| {
        let entries = std::fs::read_dir(root().join(folder)).into_iter().flatten().flatten();
        entries.map(move |entry| folder.join(entry.file_name()))
    });
    let readmes = packages.iter().map(|package| package.folder.join("README.md"));
    let mut pages: Vec<_> =
        entries.chain(readmes).filter(|path| path.extension().is_some_and(|it| it == "md")).collect();
    pages.sort();
    pages
}

/// A link to a file leads to one. What begins with a scheme or an anchor, or names an item of Rust, is not asked.
fn check_links(page: &Path, findings: &mut Vec<String>) {
    let Ok(text) = std::fs::read_to_string(root().join(page)) else { return };
    let folder = page.parent().unwrap_or(Path::new(""));
    for link in text.split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
        let file = link.split('#').next().unwrap_or_default();
        let asked = !file.is_empty() && !file.contains("://") && (file.contains('/') || file.contains('.'));
        if asked && !root().join(folder).join(file).exists() {
            findings.push(format!("{}: a link to `{link}` leads nowhere", page.display()));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn docs_may_follow_attributes_but_not_code() {
        assert!(begins_with_docs("#![cfg(loom)]\n//! What it is.\nuse x;\n"));
        assert!(begins_with_docs("#![doc = include_str!(\"../README.md\")]\n"));
        assert!(!begins_with_docs("use x;\n//! Late.\n"));
        assert!(!begins_with_docs("// A comment.\nfn x() {}\n"));
    }

    #[test]
    fn an_unwrap_needs_a_reason_outside_of_tests() {
        let bare = "fn f() {\n    x.unwrap();\n}\n";
        assert_eq!(unexplained_unwraps(bare), [2]);
        let explained = "fn f() {\n    // Filled two lines above.\n    x.unwrap();\n}\n";
        assert!(unexplained_unwraps(explained).is_empty());
        let test = "#[cfg(test)]\nmod tests { fn f() { x.unwrap(); } }\n";
        assert!(unexplained_unwraps(test).is_empty());
    }
}
