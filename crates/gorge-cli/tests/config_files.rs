//! Configuration files, broken and good. Beside each broken one, `tests/config/broken/NAME.txt` holds what
//! is said about it, word for word. `UPDATE_EXPECTED=1 cargo test -p gorge-cli --test config_files` writes
//! those anew: look at what changed before you keep it.

#[path = "config_keys/mod.rs"]
mod keys;

use std::fs;
use std::path::{Path, PathBuf};

use gorge_cli::config::{self, Environment, Style};

/// The files of a folder, from the crate's own, so that messages are the same everywhere.
fn files(folder: &str) -> Vec<PathBuf> {
    let entries = fs::read_dir(Path::new("tests/config").join(folder)).unwrap();
    let mut files: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
    files.retain(|path| path.extension().is_some_and(|extension| extension == "toml"));
    files.sort();
    keys::hide(folder);
    files
}

/// The variables that the comments at the head of a file name: `# environment: NAME=VALUE`.
fn environment(path: &Path) -> Environment {
    let text = fs::read_to_string(path).unwrap();
    let variables = text.lines().map_while(|line| line.strip_prefix("# environment: "));
    let pairs: Vec<_> = variables.map(|pair| pair.split_once('=').unwrap_or((pair, "x"))).collect();
    pairs.into_iter().collect()
}

/// All that is said about a file; nothing about one that is right.
fn said(path: &Path) -> String {
    match config::read(path, &environment(path)) {
        Ok(checked) => {
            checked.warnings.iter().map(|one| one.render(&checked.source, Style::PLAIN) + "\n").collect()
        }
        Err(report) => report.render(Style::PLAIN),
    }
}

#[test]
fn broken_files_get_the_message_beside_them() {
    let update = std::env::var_os("UPDATE_EXPECTED").is_some();
    let mut wrong = Vec::new();
    let files = files("broken");
    for path in &files {
        let (expected, said) = (path.with_extension("txt"), said(path));
        assert!(!said.is_empty(), "{} gets no message", path.display());
        if update {
            fs::write(&expected, &said).unwrap();
        }
        if fs::read_to_string(&expected).unwrap_or_default() != said {
            wrong.push(format!("{}:\n{said}", path.display()));
        }
    }
    assert!(files.len() >= 60, "{} files", files.len());
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn good_files_get_none() {
    let wrong: String = files("good").iter().map(|path| said(path)).collect();
    assert!(wrong.is_empty(), "{wrong}");
}

#[test]
fn of_very_many_mistakes_a_thousand_are_shown() {
    let folder = gorge_test_util::TempFolder::new();
    let path = folder.path().join("gorge.toml");
    fs::write(&path, format!("[[listen]]\naddress = \"127.0.0.1:0\"\n{}", "[[route]]\n".repeat(2000)))
        .unwrap();
    let said = said(&path);
    assert_eq!(said.lines().filter(|line| line.starts_with("  x ")).count(), 1000);
    assert!(said.contains("\nand 2999 more\n"), "{}", &said[said.len() - 200..]);
    assert!(said.ends_with(": 3999 errors\n"), "{}", &said[said.len() - 200..]);
}

#[test]
fn a_file_to_answer_with_must_fit_into_memory() {
    let folder = gorge_test_util::TempFolder::new();
    let path = folder.path().join("gorge.toml");
    fs::write(&path, "[[listen]]\naddress = \"127.0.0.1:0\"\n[[route]]\nrespond = { file = \"x.html\" }\n")
        .unwrap();
    for (size, fits) in [(16 << 20, true), ((16 << 20) + 1, false), (1 << 40, false)] {
        fs::File::create(folder.path().join("x.html")).unwrap().set_len(size).unwrap();
        let said = said(&path);
        assert_eq!(said.is_empty(), fits, "{said}");
        assert!(fits || said.contains("is larger than 16 MiB"), "{said}");
    }
}

#[test]
fn no_secret_is_told() {
    for path in files("broken") {
        let said = said(&path);
        for secret in ["geheim-7", "geheim-8", "geheim-9", "soon-enough"] {
            assert!(!said.contains(secret), "{}:\n{said}", path.display());
        }
    }
}
