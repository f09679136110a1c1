//! What the declarations say, held against what the reader does: each default means the same written out
//! as left out, and each example can be used.

#[path = "config_keys/mod.rs"]
mod keys;

use std::path::Path;

use gorge_cli::config::{self, Absent, Checked, Environment, Section, sections};

const LISTEN: &str = "[[listen]]\naddress = \"127.0.0.1:8080\"\n";
const UPSTREAM: &str = "[upstream.NAME]\nservers = [\"db.internal:9001\", \"app.internal:9001\"]\n";
const ROUTE: &str = "[[route]]\nupstream = \"NAME\"\n";

/// A file with one table of each kind, in which `lines` stand below the section's own header.
fn file(section: &Section, lines: &str) -> String {
    let header = section.header.as_str();
    let mut text = if header == "[server]" { format!("{header}\n{lines}") } else { String::new() };
    for (of, table) in [("listen", LISTEN), ("upstream", UPSTREAM), ("route", ROUTE)] {
        text.push_str(&table_with(of, table, header, lines));
    }
    if header.starts_with("[server.") {
        text.push_str(&format!("{header}\n{lines}"));
    }
    text.replace("NAME", "app")
}

/// One of the three, with the lines in it or in a table below it if the header is of that.
fn table_with(of: &str, table: &str, header: &str, lines: &str) -> String {
    let own = table.lines().next().unwrap();
    // What the lines give again must not be there twice.
    let gives = |key: &str| lines.lines().any(|line| line.starts_with(key));
    if header == own {
        let others = table.lines().filter(|line| !line.split_once(" = ").is_some_and(|(key, _)| gives(key)));
        let others =
            others.filter(|line| !(line.starts_with("upstream") && (gives("respond") || gives("redirect"))));
        return others.map(|line| format!("{line}\n")).collect::<String>() + lines;
    }
    let inner = header.trim_matches(['[', ']']);
    if !inner.starts_with(&format!("{of}.")) {
        return table.to_owned();
    }
    let answers = ["route.respond", "route.redirect"].contains(&inner);
    let given = match inner {
        // Not beside a second list of servers.
        "upstream.NAME.servers" => format!("{own}\n"),
        // Nor beside an upstream, which another route uses then.
        _ if answers => format!("{own}\npath = \"/other\"\nupstream = \"NAME\"\n{own}\n"),
        _ => table.to_owned(),
    };
    given + &format!("{header}\n{lines}")
}

fn read(text: &str) -> Checked {
    keys::hide("good");
    let environment: Environment = [("TOKEN", "secret")].into_iter().collect();
    config::parse("gorge.toml", text, Path::new("tests/config/good"), &environment)
        .unwrap_or_else(|report| panic!("{text}\n{report}"))
}

/// The required keys of a table, but this one.
fn required(section: &Section, but: &str) -> String {
    let keys = section.table.keys.iter().filter(|key| key.default == Absent::Required && key.name != but);
    keys.map(|key| format!("{} = {}\n", key.name, key.example.unwrap())).collect()
}

#[test]
fn a_default_means_the_same_written_out_as_left_out() {
    let mut keys = 0;
    for section in sections().into_iter().skip(1) {
        let mut written = required(&section, "");
        if ["[route.path]", "[route.rewrite]", "[listen.connect.auth]"].contains(&section.header.as_str()) {
            // They have no default as a whole: one of several keys must be given.
            continue;
        }
        for key in section.table.keys {
            if let Absent::Toml(default) = key.default
                && default != "{}"
            {
                written.push_str(&format!("{} = {default}\n", key.name));
                keys += 1;
            }
        }
        let (with, without) =
            (read(&file(&section, &written)), read(&file(&section, &required(&section, ""))));
        assert_eq!(with.config, without.config, "{}", section.header);
        assert!(with.warnings.is_empty(), "{}: {:#?}", section.header, with.warnings);
    }
    assert!(keys > 50, "{keys} keys");
}

/// What some keys need beside them.
fn beside(section: &Section, key: &str) -> &'static str {
    match (section.header.as_str(), key) {
        ("[listen.tls]", "client_auth") => "client_ca = \"clients.pem\"\n",
        ("[upstream.NAME.tls]", "cert") => "key = \"client.key\"\n",
        ("[upstream.NAME.tls]", "key") => "cert = \"client.pem\"\n",
        _ => "",
    }
}

#[test]
fn every_example_can_be_used() {
    let mut examples = 0;
    for section in sections().into_iter().skip(1) {
        for key in section.table.keys {
            let Some(example) = key.example else { continue };
            let lines = required(&section, key.name)
                + &format!("{} = {example}\n{}", key.name, beside(&section, key.name));
            read(&file(&section, &lines));
            examples += 1;
        }
    }
    assert!(examples > 40, "{examples} examples");
}

#[test]
fn every_key_is_told_of() {
    for section in sections() {
        assert!(!section.table.about.is_empty(), "{}", section.header);
        for key in section.table.keys {
            let about = key.about.join(" ");
            assert!(about.trim_end().ends_with(['.', '`', ')']), "{} {}: {about}", section.header, key.name);
        }
    }
}
