//! The page of the user guide that lists every key, written from the declarations.

use super::model::{Section, sections};
use super::table::{Absent, Key};
use super::value::Kind;

const HEAD: &str = "# Reference of `gorge.toml`

<!-- Written by `cargo xtask docs` from the declarations in crates/gorge-cli/src/config/model: edit those. -->

Every table and key, with what holds when it is left out. An unknown key is an error, and `gorge check` tells
every mistake at once.

- **Durations** are strings: `\"250ms\"`, `\"5s\"`, `\"10m\"`, `\"1h30m\"`, `\"2d\"`.
- **Sizes** are strings: `\"512B\"`, `\"64KiB\"` (of 1024), `\"10MB\"` (of 1000).
- **Every string** may hold `${NAME}`, a variable of the environment, and `${file:PATH}`, what is in a file without the
  line end behind it. A variable that is not set and a file that cannot be read are errors; `$${` stands for the
  characters `${`. Where a number or true or false is expected, a string that consists of these is taken too. What
  they stand for is never shown in a message.
- **Paths** of files that do not begin with a slash are read against the folder of the configuration file.
- **Variables** come before the file: `GORGE_LOG_LEVEL`, `GORGE_WORKERS`, `GORGE_MAX_CONNECTIONS`, and for every key
  `GORGE__TABLE__KEY`, as in `GORGE__SERVER__GRACE=5s`, `GORGE__LISTEN__0__ADDRESS=127.0.0.1:8080` (`[[listen]]` and
  `[[route]]` by number, from 0), `GORGE__UPSTREAM__APP__CONNECT=1s` (of `[upstream.app]`; `-` and `.` of a name are
  written `_`). The value is written as in the file, without the quotes of a string. An empty variable is as good as
  none, and one that names no key is an error.

A small file:

```toml
[[listen]]
address = \"127.0.0.1:8080\"

[upstream.app]
servers = [\"127.0.0.1:9001\", \"127.0.0.1:9002\"]

[[route]]
upstream = \"app\"
```
";

/// The page, as Markdown.
#[must_use]
pub fn page() -> String {
    let mut page = HEAD.to_owned();
    let sections = sections();
    page.push_str("\n| table | for |\n|---|---|\n");
    for section in &sections[1..] {
        let about = sentence(section.table.about);
        page.push_str(&format!("| {} | {} |\n", link(&section.header), cell(&about)));
    }
    for (number, section) in sections.iter().enumerate().skip(1) {
        let same = |other: &&Section| std::ptr::eq(other.table, section.table);
        page.push_str(&format!("\n## `{}`\n\n", section.header));
        match sections[..number].iter().find(same) {
            Some(before) => page.push_str(&format!("The keys of {}.\n", link(&before.header))),
            None => write_section(section, &mut page),
        }
    }
    page
}

fn write_section(section: &Section, page: &mut String) {
    page.push_str(&format!("{}\n", join(section.table.about)));
    if let Some(short) = section.table.short {
        page.push_str(&format!("\nA value that is no table stands for `{short}` alone.\n"));
    }
    page.push_str("\n| key | value | default | what it does |\n|---|---|---|---|\n");
    for key in section.table.keys {
        let row = [format!("`{}`", key.name), value(section, key), default(key), join(key.about)];
        page.push_str(&format!("| {} |\n", row.map(|text| cell(&text)).join(" | ")));
    }
    page.push_str(&format!("\n```toml\n{}```\n", example(section)));
}

/// What may be written, with a link to the table if it may be one.
fn value(section: &Section, key: &Key) -> String {
    let kind = (key.kind)();
    let phrase = kind.phrase();
    if kind.table().is_none() {
        return phrase;
    }
    let inner = section.header.trim_matches(['[', ']']);
    let header = match kind {
        Kind::List(_) => format!("[[{inner}.{}]]", key.name),
        _ => format!("[{inner}.{}]", key.name),
    };
    format!("{phrase}: {}", link(&header))
}

fn default(key: &Key) -> String {
    match key.default {
        Absent::Required => "required".to_owned(),
        Absent::Toml("{}") => "its defaults".to_owned(),
        Absent::Toml(text) => format!("`{text}`"),
        Absent::Unset("") => "unset".to_owned(),
        Absent::Unset(meaning) => meaning.to_owned(),
    }
}

/// Every key of a table, with its example or else its default.
#[must_use]
pub fn example(section: &Section) -> String {
    let mut text = format!("{}\n", section.header);
    for key in section.table.keys {
        let value = match (key.example, key.default) {
            (Some(example), _) => example,
            (None, Absent::Toml(default)) if default != "{}" => default,
            _ => continue,
        };
        text.push_str(&format!("{} = {value}\n", key.name));
    }
    text
}

/// Lines of documentation as one.
fn join(lines: &[&str]) -> String {
    lines.iter().map(|line| line.trim()).collect::<Vec<_>>().join(" ")
}

/// The first sentence of a documentation.
fn sentence(lines: &[&str]) -> String {
    let text = join(lines);
    text.split_once(". ").map_or(text.clone(), |(first, _)| format!("{first}."))
}

fn cell(text: &str) -> String {
    text.replace('|', "\\|")
}

/// To the section of that header, as GitHub names it.
fn link(header: &str) -> String {
    let anchor: String =
        header.chars().filter(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-')).collect();
    format!("[`{header}`](#{})", anchor.to_ascii_lowercase())
}
