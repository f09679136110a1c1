//! What is wrong with a configuration, each mistake with its places and what to write instead.

use std::fmt;

use super::render::{self, Style};
use super::source::Source;
use super::span::Span;

/// How grave it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Severity {
    /// The configuration cannot be used.
    Error,
    /// It can, but hardly does what was meant.
    Warning,
}

/// One thing that is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    /// How grave it is.
    pub severity: Severity,
    /// What is wrong, in one sentence without a full stop.
    pub message: String,
    /// Where; the first is the place itself, the others explain it.
    pub labels: Vec<Label>,
    /// What to do about it.
    pub help: Option<String>,
}

/// A place and what is to be said about it; the text may be empty.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Label {
    /// The place.
    pub span: Span,
    /// What stands there.
    pub text: String,
}

impl Diagnostic {
    /// The configuration cannot be used.
    #[must_use]
    pub fn error(message: impl Into<String>) -> Self {
        Self { severity: Severity::Error, message: message.into(), labels: Vec::new(), help: None }
    }

    /// The configuration can be used, but hardly does what was meant.
    #[must_use]
    pub fn warning(message: impl Into<String>) -> Self {
        Self { severity: Severity::Warning, ..Self::error(message) }
    }

    /// Points at a place.
    #[must_use]
    pub fn at(self, span: Span) -> Self {
        self.label(span, "")
    }

    /// Points at a place and says something about it.
    #[must_use]
    pub fn label(mut self, span: Span, text: impl Into<String>) -> Self {
        if span.is_some() {
            self.labels.push(Label { span, text: text.into() });
        }
        self
    }

    /// Says what to do about it.
    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// Whether it keeps the configuration from being used.
    #[must_use]
    pub fn is_error(&self) -> bool {
        self.severity == Severity::Error
    }

    /// Puts other words in the place of some, wherever they are told.
    pub(crate) fn replace(&mut self, from: &str, to: &str) {
        let texts = self.labels.iter_mut().map(|label| &mut label.text);
        for text in texts.chain([&mut self.message]).chain(&mut self.help) {
            if text.contains(from) {
                *text = text.replace(from, to);
            }
        }
    }

    /// As it is shown to people: message, file, line, column, the lines themselves, and the help.
    #[must_use]
    pub fn render(&self, source: &Source, style: Style) -> String {
        render::diagnostic(self, source, style)
    }
}

/// Everything that is wrong with a configuration that cannot be used.
#[derive(Clone, Debug)]
pub struct Report {
    /// The text it was read from; without text if the file could not be read.
    pub source: Box<Source>,
    /// Errors and warnings, in the order of their places; at least one error.
    pub diagnostics: Vec<Diagnostic>,
}

impl Report {
    pub(crate) fn new(source: Source, mut diagnostics: Vec<Diagnostic>) -> Self {
        sort(&mut diagnostics);
        Self { source: Box::new(source), diagnostics }
    }

    /// How many errors there are.
    #[must_use]
    pub fn errors(&self) -> usize {
        self.diagnostics.iter().filter(|diagnostic| diagnostic.is_error()).count()
    }

    /// As it is shown to people: one after the other, and how many there are.
    #[must_use]
    pub fn render(&self, style: Style) -> String {
        let warnings = self.diagnostics.len() - self.errors();
        let mut text = render::all(&self.diagnostics, &self.source, style);
        text.push_str(&format!("{}: {}\n", self.source.name(), render::tally(self.errors(), warnings)));
        text
    }
}

/// As plain text.
impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.render(Style::PLAIN))
    }
}

impl std::error::Error for Report {}

/// By place; those without one come first.
pub(crate) fn sort(diagnostics: &mut [Diagnostic]) {
    diagnostics.sort_by_key(|diagnostic| diagnostic.labels.first().map(|label| label.span));
}
