//! `gorge completions` and `gorge man`.

mod common;

use std::io::Write;
use std::process::{Command, Stdio};

use common::{GORGE, expect_end, gorge};

const VERBS: [&str; 8] = ["proxy", "run", "check", "reload", "stop", "demo", "completions", "man"];

fn output(words: &[&str]) -> String {
    let ran = Command::new(GORGE).args(words).output().unwrap();
    assert!(ran.status.success(), "{words:?}: {}", String::from_utf8_lossy(&ran.stderr));
    String::from_utf8(ran.stdout).unwrap()
}

/// Gives `text` to a program; `None` if this machine does not have it.
fn pipe(text: &str, program: &str, words: &[&str]) -> Option<(bool, String)> {
    let mut command = Command::new(program);
    command.args(words).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().ok()?;
    // Written by another thread, as both pipes may be full.
    let mut input = child.stdin.take()?;
    let text = text.to_owned();
    let writer = std::thread::spawn(move || input.write_all(text.as_bytes()));
    let ran = child.wait_with_output().unwrap();
    writer.join().unwrap().unwrap();
    let said = [ran.stdout, ran.stderr].concat();
    Some((ran.status.success(), String::from_utf8_lossy(&said).into_owned()))
}

#[test]
fn every_shell_has_completions_with_every_verb() {
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        let text = output(&["completions", shell]);
        for verb in VERBS {
            assert!(text.contains(verb), "{shell} lacks {verb}");
        }
        assert!(text.contains("access-log"), "{shell} lacks --access-log");
    }
    expect_end(gorge(&["completions", "tcsh"]), 2, "possible values: bash, elvish, fish, powershell, zsh");
    expect_end(gorge(&["completions", "bahs"]), 2, "a similar value exists: 'bash'");
}

#[test]
fn bash_understands_and_completes() {
    let text = output(&["completions", "bash"]);
    let script = format!(
        "{text}\nCOMP_WORDS=(gorge pr); COMP_CWORD=1; _gorge gorge pr gorge; echo \"verb: ${{COMPREPLY[*]}}\"\n\
         COMP_WORDS=(gorge proxy --acc); COMP_CWORD=2; _gorge gorge --acc proxy; echo \"option: ${{COMPREPLY[*]}}\"\n"
    );
    let (fine, said) = pipe(&script, "bash", &["--norc"]).expect("bash runs the tools of this project, too");
    assert!(fine, "{said}");
    assert!(said.contains("verb: proxy\n") && said.contains("option: --access-log\n"), "{said}");
}

#[test]
fn other_shells_understand_theirs() {
    for (shell, words) in [("zsh", &["-n"][..]), ("fish", &["--no-execute"])] {
        let text = output(&["completions", shell]);
        if let Some((fine, said)) = pipe(&text, shell, words) {
            assert!(fine, "{shell}: {said}");
        }
    }
}

#[test]
fn the_manual_page_has_every_verb_and_its_options() {
    let page = output(&["man"]);
    assert!(page.contains(".TH gorge 1") && page.contains(".SH NAME"), "{page}");
    for verb in VERBS {
        let heading = format!(".SH \"GORGE {}\"\n.SS SYNOPSIS", verb.to_uppercase());
        assert!(page.contains(&heading), "{heading}");
    }
    for heading in ["SIGNALS", "ENVIRONMENT", "\"EXIT STATUS\"", "FILES"] {
        assert!(page.contains(&format!(".SH {heading}\n")), "{heading}");
    }
    // What begins with a dot and is no order of man(7) would be lost.
    let known = [".SH", ".SS", ".TH", ".TP", ".br", ".RS", ".RE", ".ie", ".el", ".ds", ".PP", ".IP", ".B"];
    for line in page.lines().filter(|line| line.starts_with(['.', '\''])) {
        assert!(known.contains(&line.split(' ').next().unwrap()), "{line}");
    }
    // Where there is man(1), it shows all that and complains of nothing.
    if let Some((fine, said)) = pipe(&page, "man", &["--warnings", "-l", "-"]) {
        assert!(fine && !said.contains("warning"), "{said}");
        let said: String = said.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(said.contains("--to <ADDR>") && said.contains("EXIT STATUS"), "{said}");
    }
}
