//! How mistakes are shown: by `miette`, with the lines they stand in.

use std::fmt;
use std::io::IsTerminal;

use miette::{GraphicalReportHandler, GraphicalTheme, LabeledSpan, MietteError, MietteSpanContents};
use miette::{SourceCode, SourceSpan, SpanContents};

use super::diagnostic::{Diagnostic, Severity};
use super::source::Source;
use super::span::Span;

/// How messages look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Style {
    /// With colours.
    pub colours: bool,
    /// With lines and arrows that ASCII does not have.
    pub unicode: bool,
}

impl Style {
    /// Without colours and in ASCII: for files, pipes and tests.
    pub const PLAIN: Style = Style { colours: false, unicode: false };

    /// For standard error: colours on a terminal unless `NO_COLOR` is set, ASCII unless the locale is
    /// UTF-8.
    #[must_use]
    pub fn of_stderr() -> Self {
        let set = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
        let terminal = std::io::stderr().is_terminal() && set("TERM").is_none_or(|term| term != "dumb");
        let locale = ["LC_ALL", "LC_CTYPE", "LANG"].into_iter().find_map(set).unwrap_or_default();
        let locale = locale.to_ascii_lowercase();
        let utf8 = locale.contains("utf-8") || locale.contains("utf8");
        Self { colours: terminal && set("NO_COLOR").is_none(), unicode: terminal && utf8 }
    }

    fn theme(self) -> GraphicalTheme {
        match (self.colours, self.unicode) {
            (false, false) => GraphicalTheme::none(),
            (false, true) => GraphicalTheme::unicode_nocolor(),
            (true, false) => GraphicalTheme::ascii(),
            (true, true) => GraphicalTheme::unicode(),
        }
    }
}

/// Columns of a message; what is longer goes on in the next line.
const WIDTH: usize = 100;

pub(super) fn diagnostic(diagnostic: &Diagnostic, source: &Source, style: Style) -> String {
    let handler = GraphicalReportHandler::new_themed(style.theme())
        .with_wrap_lines(false)
        .with_links(false)
        .with_context_lines(CONTEXT);
    let mut text = String::new();
    // Writing into a string does not fail, and every span lies in the text.
    if handler.render_report(&mut text, &Shown::new(diagnostic, source)).is_err() {
        text = diagnostic.message.clone();
    }
    let lines: Vec<_> = text.lines().map(str::trim_end).skip_while(|line| line.is_empty()).collect();
    lines.join("\n") + "\n"
}

/// So many are shown one by one: who has more of them has another file in mind, and a process that
/// is to reload it should not write for minutes.
const SHOWN: usize = 1000;

pub(super) fn all(diagnostics: &[Diagnostic], source: &Source, style: Style) -> String {
    let mut text = String::new();
    for one in diagnostics.iter().take(SHOWN) {
        text.push_str(&diagnostic(one, source, style));
        text.push('\n');
    }
    if let Some(more) = diagnostics.len().checked_sub(SHOWN).filter(|more| *more > 0) {
        text.push_str(&format!("and {more} more\n\n"));
    }
    text
}

/// Breaks a text at blanks. (miette would break within URLs too.)
fn wrapped(text: &str) -> String {
    let mut lines = String::new();
    let mut width = 0;
    for (number, word) in text.split(' ').enumerate() {
        let length = word.chars().count();
        if number > 0 && width + 1 + length > WIDTH {
            lines.push('\n');
            width = 0;
        } else if number > 0 {
            lines.push(' ');
            width += 1;
        }
        lines.push_str(word);
        width += length;
    }
    lines
}

/// `2 errors, 1 warning`.
pub(super) fn tally(errors: usize, warnings: usize) -> String {
    let count = |number: usize, word: &str| match number {
        0 => None,
        1 => Some(format!("1 {word}")),
        _ => Some(format!("{number} {word}s")),
    };
    let parts: Vec<_> = [count(errors, "error"), count(warnings, "warning")].into_iter().flatten().collect();
    if parts.is_empty() { "no mistakes".to_owned() } else { parts.join(", ") }
}

/// A diagnostic as miette wants it.
#[derive(Debug)]
struct Shown<'a> {
    message: String,
    diagnostic: &'a Diagnostic,
    lines: Option<Lines<'a>>,
}

impl<'a> Shown<'a> {
    fn new(diagnostic: &'a Diagnostic, source: &'a Source) -> Self {
        let mut message = diagnostic.message.clone();
        let variable = diagnostic.labels.first().and_then(|label| source.variable(label.span));
        if let Some(name) = variable {
            message = format!("variable {name}: {message}");
        }
        let shows = diagnostic.labels.iter().any(|label| source.line_and_column(label.span).is_some());
        Self { message: wrapped(&message), diagnostic, lines: shows.then_some(Lines(source)) }
    }
}

impl fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Shown<'_> {}

impl miette::Diagnostic for Shown<'_> {
    fn severity(&self) -> Option<miette::Severity> {
        Some(match self.diagnostic.severity {
            Severity::Error => miette::Severity::Error,
            Severity::Warning => miette::Severity::Warning,
        })
    }

    fn help<'b>(&'b self) -> Option<Box<dyn fmt::Display + 'b>> {
        self.diagnostic.help.as_ref().map(|help| Box::new(wrapped(help)) as _)
    }

    fn source_code(&self) -> Option<&dyn SourceCode> {
        self.lines.as_ref().map(|lines| lines as _)
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        let source = self.lines.as_ref()?.0;
        let labels = self.diagnostic.labels.iter().filter_map(move |label| {
            // A variable has no line to show.
            source.line_and_column(label.span)?;
            let (start, len) = (label.span.start as usize, (label.span.end - label.span.start) as usize);
            // Of what goes over several lines the first is enough.
            let line = source.line(source.line_of(start));
            let len = len.min(line.end.saturating_sub(start + 1).max(1));
            let text = (!label.text.is_empty()).then(|| label.text.clone());
            Some(LabeledSpan::new(text, start, len))
        });
        Some(Box::new(labels))
    }
}

/// Gives miette the lines it asks for without reading the whole text for each.
#[derive(Debug)]
struct Lines<'a>(&'a Source);

/// What miette is told to show around a place. It asks for this many lines when it wants to show some,
/// and for none when it only wants to know line and column; a message shows just the lines that it is
/// about.
const CONTEXT: usize = 1;

impl SourceCode for Lines<'_> {
    fn read_span<'a>(
        &'a self,
        span: &SourceSpan,
        before: usize,
        _after: usize,
    ) -> Result<Box<dyn SpanContents<'a> + 'a>, MietteError> {
        let source = self.0;
        let (start, end) = (span.offset(), span.offset() + span.len());
        let place = source.line_and_column(Span::new(start, end)).ok_or(MietteError::OutOfBounds)?;
        let (first, last) = (source.line_of(start), source.line_of(end.saturating_sub(1).max(start)));
        let shown = source.line(first).start..source.line(last).end;
        let column = if before == CONTEXT { 0 } else { place.1 - 1 };
        Ok(Box::new(MietteSpanContents::new_named(
            source.name().to_owned(),
            &source.shown().as_bytes()[shown.clone()],
            (shown.start, shown.len()).into(),
            place.0 - 1,
            column,
            last - first + 1,
        )))
    }
}
