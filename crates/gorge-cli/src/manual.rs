//! `gorge completions` and `gorge man`: made from the definition of the command line.

use std::io::{self, Write};

use clap::{Command, CommandFactory};
use clap_mangen::Man;

use crate::args::{Arguments, CompletionsArguments};
use crate::failure::Failure;

/// What belongs to no verb.
const REST: &str = include_str!("manual.roff");

/// Prints the completions for a shell.
pub(crate) fn completions(arguments: &CompletionsArguments) -> Result<(), Failure> {
    let mut text = Vec::new();
    clap_complete::generate(arguments.shell, &mut Arguments::command(), "gorge", &mut text);
    print(&text)
}

/// Prints the manual page, with all verbs in it.
pub(crate) fn page() -> Result<(), Failure> {
    let text = render().map_err(|error| Failure::configuration(format!("no manual page: {error}")))?;
    print(&text)
}

/// Whoever reads it may have seen enough, as `head` does.
fn print(text: &[u8]) -> Result<(), Failure> {
    match io::stdout().lock().write_all(text) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            Err(Failure::configuration(format!("it cannot be written: {error}")))
        }
        _ => Ok(()),
    }
}

fn render() -> io::Result<Vec<u8>> {
    let mut command = Arguments::command();
    command.build();
    let mut page = Vec::new();
    let whole = Man::new(command.clone())
        .section("1")
        .source(concat!("gorge ", env!("CARGO_PKG_VERSION")))
        .manual("gorge");
    whole.render_title(&mut page)?;
    whole.render_name_section(&mut page)?;
    whole.render_synopsis_section(&mut page)?;
    whole.render_description_section(&mut page)?;
    whole.render_options_section(&mut page)?;
    for verb in command.get_subcommands() {
        page.extend(of_verb(verb)?);
    }
    page.extend(REST.as_bytes());
    Ok(page)
}

/// A section for a verb, and in it what would be sections of a page of its own.
fn of_verb(verb: &Command) -> io::Result<Vec<u8>> {
    let mut section = Vec::new();
    let page = Man::new(verb.clone());
    page.render_synopsis_section(&mut section)?;
    page.render_description_section(&mut section)?;
    page.render_options_section(&mut section)?;
    // Every piece that is rendered defines the apostrophe anew; once is enough.
    let defines = |line: &&str| line.starts_with(".ie ") || line.starts_with(".el ");
    let section = String::from_utf8_lossy(&section);
    let section: String =
        section.lines().filter(|line| !defines(line)).map(|line| format!("{line}\n")).collect();
    let section = section.replace(".SH ", ".SS ");
    let notes = verb.get_after_help().map(|notes| notes_of(&notes.to_string())).unwrap_or_default();
    let name = verb.get_name().to_uppercase();
    Ok(format!(".SH \"GORGE {name}\"\n{section}{notes}").into_bytes())
}

/// What stands below the options in the help, line by line.
fn notes_of(text: &str) -> String {
    let lines: Vec<_> = text.lines().map(|line| line.replace('\\', "\\\\").replace('-', "\\-")).collect();
    // A line that begins with a dot or a quote would be an order to the formatter.
    format!(".SS NOTES\n\\&{}\n", lines.join("\n.br\n\\&"))
}
