//! `gorge.toml`: from the file to values that the rest of the program works with, and every mistake on
//! the way with its place.
//!
//! - [`read`] reads the file once it holds still, [`parse`] a text that is there already.
//! - `toml` parses it; `tree` keeps what comes out, in the order of the file and with places.
//! - `expand` puts in what `${..}` stands for, `overrides` what the environment says.
//! - `model` declares every table and key once, by the macro of `table`; [`value`] knows what may
//!   stand behind a key; `reader` walks the tree by the declarations. [`reference`](mod@reference) writes the page
//!   of the user guide from the same.
//! - `check` looks at what was read as a whole: routes that nothing reaches, options without effect.
//! - `diagnostic` is one mistake; `render` shows it.

mod check;
mod diagnostic;
mod environment;
mod expand;
mod file;
mod model;
mod overrides;
mod reader;
pub mod reference;
mod render;
mod source;
mod span;
pub(crate) mod suggest;
mod table;
mod tree;
mod unknown;
pub mod value;

use std::collections::{HashMap, HashSet};
use std::path::Path;

pub use diagnostic::{Diagnostic, Label, Report, Severity};
pub use environment::Environment;
pub use model::*;
pub use render::Style;
pub use source::Source;
pub use span::{At, Place, Span};
pub use table::{Absent, Key, Table};

pub(crate) use file::{RESPONSE_MOST, bounded};
use reader::Reader;
use value::Value;

/// A configuration that can be used.
#[derive(Clone, Debug)]
pub struct Checked {
    /// What it says.
    pub config: Config,
    /// What hardly does what was meant.
    pub warnings: Vec<Diagnostic>,
    /// The text it was read from.
    pub source: Source,
}

/// Reads a configuration file and checks it. Nothing else on the machine is asked or changed but the
/// files that the configuration names.
///
/// # Errors
/// Everything that is wrong, in one report.
pub fn read(path: &Path, environment: &Environment) -> Result<Checked, Report> {
    let name = path.display().to_string();
    let text = match file::read(path) {
        Ok(text) => text,
        Err(why) => {
            let mistake = Diagnostic::error(format!("{name}: {}", why.message));
            let mistake = Diagnostic { help: why.help.map(str::to_owned), ..mistake };
            return Err(Report::new(Source::new(name, ""), vec![mistake]));
        }
    };
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    parse(&name, &text, folder, environment)
}

/// The same for the text of a file of this name; paths in it are read against `folder`.
///
/// # Errors
/// Everything that is wrong, in one report.
pub fn parse(name: &str, text: &str, folder: &Path, environment: &Environment) -> Result<Checked, Report> {
    let mut source = Source::new(name, text);
    let (mut root, mut mistakes) = tree::parse(text);
    let is_toml = mistakes.is_empty();
    let broken = one_per_line(&mut mistakes, &source);
    mistakes.extend(overrides::apply(&mut root, &mut source, environment));
    let put_in = expand::all(&mut root, environment, folder, &mut mistakes);

    let mut reader = Reader::new(folder);
    let config = Config::read(&root, &mut reader);
    source.hide(&reader.secrets);
    // Behind a mistake of the parser the rest of a line is guesswork.
    let sound = |mistake: &Diagnostic| line_of(mistake, &source).is_none_or(|line| !broken.contains(&line));
    mistakes.extend(reader.mistakes.into_iter().filter(sound));
    if let Some(config) = &config
        && is_toml
    {
        let complete = mistakes.is_empty();
        mistakes.extend(check::all(config, &root, complete));
    }
    keep_secret(&mut mistakes, &put_in, &source);
    match config {
        Some(config) if !mistakes.iter().any(Diagnostic::is_error) => {
            diagnostic::sort(&mut mistakes);
            Ok(Checked { config, warnings: mistakes, source })
        }
        _ => Err(Report::new(source, mistakes)),
    }
}

/// Leaves only the first mistake of each line, from which the others follow; returns those lines.
fn one_per_line(mistakes: &mut Vec<Diagnostic>, source: &Source) -> HashSet<usize> {
    let mut lines = HashSet::new();
    diagnostic::sort(mistakes);
    mistakes.retain(|mistake| line_of(mistake, source).is_none_or(|line| lines.insert(line)));
    lines
}

/// Takes what `${..}` stood for out of the messages about its line, should one tell it.
fn keep_secret(mistakes: &mut [Diagnostic], put_in: &[(Span, String)], source: &Source) {
    // Shorter ones are no secrets, but parts of ordinary words.
    const SHORTEST: usize = 4;
    let line = |span: Span| source.line_and_column(span).map(|(line, _)| line);
    let mut lines: HashMap<usize, Vec<&(Span, String)>> = HashMap::new();
    for secret in put_in.iter().filter(|(_, value)| value.len() >= SHORTEST) {
        if let Some(line) = line(secret.0) {
            lines.entry(line).or_default().push(secret);
        }
    }
    for mistake in mistakes {
        let spans: Vec<_> = mistake.labels.iter().filter_map(|label| line(label.span)).collect();
        for (span, value) in spans.iter().filter_map(|line| lines.get(line)).flatten() {
            let written = source.slice(*span).trim_matches(['"', '\'']);
            mistake.replace(value, written);
            mistake.replace(&value.escape_debug().to_string(), written);
        }
    }
}

fn line_of(mistake: &Diagnostic, source: &Source) -> Option<usize> {
    let (line, _) = source.line_and_column(mistake.labels.first()?.span)?;
    Some(line)
}
