//! The text that a configuration was read from: the file, and behind it the variables that override it.

use std::fmt;
use std::ops::Range;

use super::span::Span;

/// The text that a configuration was read from, for messages that show it.
///
/// The file comes first. Each variable of the environment that sets a key stands behind it, so that one
/// [`Span`] says for every value where it came from.
#[derive(Clone)]
pub struct Source {
    name: String,
    text: String,
    /// Length of the file's part.
    file: usize,
    /// Where each line of the file begins.
    lines: Vec<usize>,
    variables: Vec<Variable>,
    /// The file's part, without what must not be shown.
    shown: String,
}

/// A variable of the environment that sets a key.
#[derive(Clone, Debug)]
struct Variable {
    name: String,
    value: Range<usize>,
}

/// The name alone: the text has secrets in it.
impl fmt::Debug for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Source").field(&self.name).finish()
    }
}

impl Source {
    pub(crate) fn new(name: impl Into<String>, text: impl Into<String>) -> Self {
        let text = text.into();
        let ends = text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n').map(|(at, _)| at + 1);
        let lines = std::iter::once(0).chain(ends).collect();
        let file = text.len();
        let mut source =
            Self { name: name.into(), text, file, lines, variables: Vec::new(), shown: String::new() };
        source.hide(&[]);
        source
    }

    /// The file's name, as it was given.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What is in the file.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text[..self.file]
    }

    /// Adds a variable of the environment and returns where its value stands.
    pub(crate) fn add_variable(&mut self, name: &str, value: &str) -> Span {
        // Two spans of different variables never touch.
        self.text.push('\n');
        let start = self.text.len();
        self.text.push_str(value);
        self.variables.push(Variable { name: name.to_owned(), value: start..self.text.len() });
        Span::new(start, self.text.len())
    }

    /// The text of a span; of a default it is empty.
    #[must_use]
    pub fn slice(&self, span: Span) -> &str {
        self.text.get(span.start as usize..span.end as usize).unwrap_or_default()
    }

    /// The variable that set a value, if it did not come from the file.
    #[must_use]
    pub fn variable(&self, span: Span) -> Option<&str> {
        let at = span.start as usize;
        let found =
            self.variables.iter().find(|variable| variable.value.start <= at && at <= variable.value.end);
        found.map(|variable| variable.name.as_str())
    }

    /// Line and column of a place in the file, both from 1 on; columns count characters.
    #[must_use]
    pub fn line_and_column(&self, span: Span) -> Option<(usize, usize)> {
        let at = span.start as usize;
        if at > self.file {
            return None;
        }
        let line = self.line_of(at);
        let before = self.text.get(self.lines[line]..at).unwrap_or_default();
        Some((line + 1, before.chars().count() + 1))
    }

    /// The number of the line at this byte, from 0 on.
    pub(super) fn line_of(&self, at: usize) -> usize {
        self.lines.partition_point(|start| *start <= at).saturating_sub(1)
    }

    /// Where a line begins and where the next one does.
    pub(super) fn line(&self, number: usize) -> Range<usize> {
        let start = self.lines.get(number).copied().unwrap_or(self.file);
        start..self.lines.get(number + 1).copied().unwrap_or(self.file)
    }

    /// From now on what stands there is hidden when its line is shown, and control characters too,
    /// which would reach a terminal.
    pub(crate) fn hide(&mut self, secrets: &[Span]) {
        let mut shown: Vec<u8> =
            self.text().bytes().map(|byte| if harmless(byte) { byte } else { b'?' }).collect();
        for secret in secrets {
            let end = (secret.end as usize).min(shown.len());
            let start = (secret.start as usize).min(end);
            shown[start..end].fill(b'*');
        }
        self.shown = String::from_utf8_lossy(&shown).into_owned();
    }

    /// The file as it may be shown: byte for byte as long as the [text](Self::text).
    pub(super) fn shown(&self) -> &str {
        &self.shown
    }
}

/// Whether a terminal only prints it, or begins a new line.
fn harmless(byte: u8) -> bool {
    !byte.is_ascii_control() || matches!(byte, b'\n' | b'\r' | b'\t')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_counted_from_one() {
        let source = Source::new("a.toml", "one\nzwölf = 12\n");
        let at = |start| source.line_and_column(Span::new(start, start + 1));
        assert_eq!(at(0), Some((1, 1)));
        assert_eq!(at(4), Some((2, 1)));
        assert_eq!(at(source.text().find("12").unwrap()), Some((2, 9)));
        assert_eq!(at(source.text().len()), Some((3, 1)));
        assert_eq!(at(100), None);
        assert_eq!(source.line_and_column(Span::NONE), None);
    }

    #[test]
    fn a_variable_is_known_by_its_place() {
        let mut source = Source::new("a.toml", "a = 1");
        let first = source.add_variable("A", "12");
        let empty = source.add_variable("B", "");
        assert_eq!((source.slice(first), source.slice(empty)), ("12", ""));
        assert_eq!((source.variable(first), source.variable(empty)), (Some("A"), Some("B")));
        assert_eq!(source.variable(Span::new(0, 1)), None);
        assert_eq!(source.line_and_column(first), None);
        assert_eq!(source.text(), "a = 1");
    }
}
