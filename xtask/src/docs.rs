//! `cargo xtask docs`: writes the reference pages from what the code declares, or checks them.

use std::fs;

use anyhow::{Context, Result, bail};

use crate::shell::{Arguments, capture, cargo, display};

/// A page, and the example of a package that prints it.
struct Page {
    path: &'static str,
    package: &'static str,
    example: &'static str,
}

const PAGES: &[Page] =
    &[Page { path: "docs/user_guide/reference.md", package: "gorge-cli", example: "reference" }];

pub(crate) fn run(mut arguments: Arguments) -> Result<String> {
    let only_check = arguments.flag("--check");
    arguments.finish()?;
    match only_check {
        true => check(),
        false => write(),
    }
}

fn write() -> Result<String> {
    let mut changed = Vec::new();
    for page in PAGES {
        let text = page.printed()?;
        if page.current() != text {
            fs::write(page.path, text).with_context(|| format!("cannot write {}", page.path))?;
            changed.push(page.path);
        }
    }
    Ok(match changed.as_slice() {
        [] => format!("{} pages, none changed", PAGES.len()),
        changed => format!("written: {}", changed.join(", ")),
    })
}

/// Fails if a page says anything else than the code.
pub(crate) fn check() -> Result<String> {
    for page in PAGES {
        if page.current() != page.printed()? {
            bail!("{} is not what the code declares: run `cargo xtask docs` and commit it", page.path);
        }
    }
    Ok(format!("{} pages say what the code declares", PAGES.len()))
}

impl Page {
    /// What the page says now; empty if there is none.
    fn current(&self) -> String {
        fs::read_to_string(self.path).unwrap_or_default()
    }

    /// What it ought to say.
    fn printed(&self) -> Result<String> {
        let mut command = cargo(["run", "--quiet", "--package", self.package, "--example", self.example]);
        println!("$ {}", display(&command));
        capture(&mut command)
    }
}
