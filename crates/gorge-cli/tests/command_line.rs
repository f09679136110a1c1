//! Wrong command lines and variables end at once: the exit code says which, the message what to type instead.

mod common;

use std::path::Path;

use common::{expect_end, gorge, gorge_with};
use gorge_cli::config::{self, Environment, Style};
use gorge_test_util::TempFolder;

#[test]
fn a_wrong_command_line_ends_with_2_and_says_what_to_type() {
    let table: &[(&[&str], &str)] = &[
        (&[], "Usage: gorge"),
        (&["prxy"], "a similar subcommand exists: 'proxy'"),
        (&["-c", "a.toml"], "type `gorge run -c a.toml`"),
        (&["-c", "a.toml", "run"], "behind the verb, as in `gorge run -c a.toml`"),
        (&["-t", "check"], "options stand behind the verb"),
        (&["completions"], "<SHELL>"),
        (&["demo", "--print-config", "--origins", "1"], "cannot be used with"),
        (&["demo", "--origins", "70000"], "70000 is not in 0..=65535"),
        (&["proxy"], "--to <ADDR>"),
        (&["proxy", "--to"], "--to <ADDR>"),
        (&["proxy", "--too", "127.0.0.1:1"], "a similar argument exists: '--to'"),
        (&["proxy", "127.0.0.1:1"], "unexpected argument '127.0.0.1:1'"),
        (&["proxy", "--to", "example.com"], "the port is missing, as in example.com:9001"),
        (&["proxy", "--to", "a.example:80", "--listen", "localhost:8080"], "type 127.0.0.1:8080"),
        (&["proxy", "--to", "localhost:8080"], "in a loop"),
        (&["proxy", "--to", "127.0.0.1"], "the port is missing, as in 127.0.0.1:9001"),
        (&["proxy", "--to", "9001"], "type 127.0.0.1:9001"),
        (&["proxy", "--to", "127.0.0.1:0"], "nobody can be reached at port 0"),
        (&["proxy", "--to", "127.0.0.1:99999"], "not a number from 0 to 65535"),
        (&["proxy", "--to", "http://127.0.0.1:9001/a"], "type http://127.0.0.1:9001"),
        (&["proxy", "--to", "https://app.internal/a"], "type https://app.internal"),
        (&["proxy", "--to", "ftp://app.internal"], "write http:// or https://"),
        (&["proxy", "--to", "https://127.0.0.1:8080"], "in a loop"),
        (&["proxy", "--to", "127.0.0.1:1", "--listen", "https://127.0.0.1:8443"], "type 127.0.0.1:8443"),
        (&["proxy", "--to", "127.0.0.1:1", "--tls-cert", "a.pem"], "--tls-key <FILE>"),
        (&["proxy", "--to", "127.0.0.1:1", "--tls-key", "a.key"], "--tls-cert <FILE>"),
        (&["proxy", "--to", "127.0.0.1:9001/a"], "type 127.0.0.1:9001"),
        (&["proxy", "--to", "/run/app.sock"], "unix:/run/app.sock"),
        (&["proxy", "--to", ""], "write it as in 127.0.0.1:9001"),
        (&["proxy", "--to", "127.0.0.1:1", "--listen", "8080"], "type 127.0.0.1:8080"),
        (&["proxy", "--to", "127.0.0.1:1", "--listen", "*:80"], "0.0.0.0:80"),
        (&["proxy", "--to", "127.0.0.1:1", "--balance", "rr"], "possible values: round_robin, least_conn"),
        (&["proxy", "--to", "127.0.0.1:1", "--access-log", "xml"], "combined, common, json, off"),
        (&["proxy", "--to", "127.0.0.1:1", "--access-log", "jsn"], "did you mean json?"),
        (&["proxy", "--to", "127.0.0.1:1", "--access-log", "$remote_addr"], "did you mean $client_ip?"),
        (&["demo", "--access-log", "of"], "did you mean off?"),
        (&["proxy", "--to", "127.0.0.1:1", "--workers", "0"], "give a whole number from 1 on"),
        (&["proxy", "--to", "127.0.0.1:1", "--max-connections", "-1"], "give a whole number from 1 on"),
        (&["proxy", "--to", "127.0.0.1:1", "--log-level", "loud"], "debug, info, warn, error"),
        (&["proxy", "--to", "127.0.0.1:8080"], "in a loop"),
        (&["proxy", "--to", "127.0.0.1:90", "--listen", "0.0.0.0:90"], "listen elsewhere with --listen"),
        (&["proxy", "--to", "[::1]:90", "--to", "127.0.0.1:1", "--listen", "[::]:90"], "--to [::1]:90"),
        (&["demo", "--listen", "localhost:8080"], "type 127.0.0.1:8080"),
        (&["demo", "--to", "127.0.0.1:1"], "unexpected argument '--to'"),
    ];
    for (words, said) in table {
        println!("gorge {}", words.join(" "));
        expect_end(gorge(words), 2, said);
    }
}

#[test]
fn a_wrong_variable_ends_with_1_and_is_named() {
    for (variable, said) in [
        ("GORGE_LISTEN=localhost:8080", "the variable GORGE_LISTEN"),
        ("GORGE_LOG_LEVEL=loud", "use debug, info, warn or error"),
        ("GORGE_MAX_CONNECTIONS=many", "the variable GORGE_MAX_CONNECTIONS"),
        ("GORGE_WORKERS=0", "give a whole number from 1 on"),
    ] {
        println!("{variable}");
        expect_end(gorge_with(&[variable], &["proxy", "--to", "127.0.0.1:1"]), 1, said);
    }
}

#[test]
fn the_command_line_comes_before_the_environment() {
    let variables = ["GORGE_LISTEN=nowhere", "GORGE_WORKERS=none", "GORGE_LOG_LEVEL="];
    let words = ["proxy", "--to", "127.0.0.1:1", "--listen", "127.0.0.1:0", "--workers", "1"];
    let mut program = gorge_with(&variables, &words);
    program.addr();
    program.terminate();
    assert!(program.wait().success());
}

#[test]
fn the_environment_comes_before_the_defaults() {
    let program = gorge_with(&["GORGE_LISTEN=127.0.0.1:0"], &["proxy", "--to", "127.0.0.1:1"]);
    assert_ne!(program.addr().port(), 0);
}

#[test]
fn help_and_version_are_no_mistakes() {
    for (words, said) in [
        (&["--help"][..], "demo"),
        (&["proxy", "--help"], "--access-log"),
        (&["demo", "-h"], "--listen"),
        (&["--version"], "features: "),
        (&["--version"], "TLS: "),
        (&["-V"], "gorge 0."),
    ] {
        let mut program = gorge(words);
        program.out().wait_for(said);
        assert!(program.wait().success(), "{words:?}");
    }
}

#[test]
fn t_is_how_other_programs_spell_check() {
    let folder = TempFolder::new();
    let file = folder.path().join("gorge.toml");
    let name = file.display().to_string();
    let words: [&[&str]; 3] = [&["-t", "-c", &name], &["-tc", &name], &["check", "--config", &name]];
    for words in words {
        std::fs::write(&file, "[[listen]]\naddress = \"127.0.0.1:0\"\n[[route]]\nrespond = 204\n").unwrap();
        let mut program = gorge(words);
        assert_eq!(program.wait().code(), Some(0), "{words:?}: {}", program.err().text());
        program.out().wait_for("no mistakes");
        std::fs::write(&file, "[[listen]]\naddres = \"127.0.0.1:0\"\n").unwrap();
        expect_end(gorge(words), 1, "address");
    }
}

#[test]
fn the_files_that_the_readmes_show_are_right() {
    for readme in [include_str!("../README.md"), include_str!("../../../README.md")] {
        let (_, rest) = readme.split_once("```toml\n").unwrap();
        let (text, _) = rest.split_once("```").unwrap();
        let read = config::parse("gorge.toml", text, Path::new("."), &Environment::default());
        let checked = read.unwrap_or_else(|report| panic!("{}", report.render(Style::PLAIN)));
        assert!(checked.warnings.is_empty(), "{:?}", checked.warnings);
    }
}
