//! `${NAME}` and `${file:PATH}` in strings.

use std::path::Path;

use super::diagnostic::Diagnostic;
use super::environment::{Environment, NoVariable};
use super::file::bounded;
use super::span::Span;
use super::suggest;
use super::tree::{Node, Text, What};

/// The largest file that may stand for a string, and the most that all of them may come to.
const FILE_MAX: u64 = 1 << 20;
const TOTAL_MAX: usize = 64 << 20;

/// Puts what they stand for in the place of `${..}`, in every string; returns what that was. Paths are
/// read against `folder`.
pub(crate) fn all(
    root: &mut Node,
    environment: &Environment,
    folder: &Path,
    mistakes: &mut Vec<Diagnostic>,
) -> Vec<(Span, String)> {
    let mut expander = Expander { environment, folder, mistakes, put_in: Vec::new(), total: 0 };
    expander.expand(root);
    expander.put_in
}

struct Expander<'a> {
    environment: &'a Environment,
    folder: &'a Path,
    mistakes: &'a mut Vec<Diagnostic>,
    /// What was put in, and where.
    put_in: Vec<(Span, String)>,
    /// How much that is.
    total: usize,
}

impl Expander<'_> {
    /// Expands this string, or every string in this list or table.
    fn expand(&mut self, node: &mut Node) {
        match &mut node.what {
            What::List(nodes) => nodes.iter_mut().for_each(|node| self.expand(node)),
            What::Table(entries) => entries.iter_mut().for_each(|entry| self.expand(&mut entry.node)),
            What::Text(text) if text.value.contains("${") => {
                let expanded = self.text(&text.value, node.span);
                node.what = expanded.map_or(What::Broken, What::Text);
            }
            _ => {}
        }
    }

    fn text(&mut self, text: &str, span: Span) -> Option<Text> {
        let mut value = String::new();
        let (mut rest, mut expanded, mut broken) = (text, false, false);
        while let Some(at) = rest.find("${") {
            let (before, behind) = (&rest[..at], &rest[at + 2..]);
            if let Some(before) = before.strip_suffix('$') {
                // `$${`: the characters themselves.
                value.push_str(before);
                value.push_str("${");
                rest = behind;
                continue;
            }
            value.push_str(before);
            let Some((name, behind)) = behind.split_once('}') else {
                self.mistakes.push(not_closed(span));
                return None;
            };
            match self.meaning(name) {
                Ok(meaning) => value.push_str(&meaning),
                Err(mistake) => {
                    self.mistakes.push(mistake.at(span));
                    broken = true;
                }
            }
            expanded = true;
            rest = behind;
        }
        value.push_str(rest);
        if expanded {
            self.put_in.push((span, value.clone()));
            self.total = self.total.saturating_add(value.len());
            if self.total > TOTAL_MAX {
                let message = format!("what `${{..}}` stands for comes to more than {} MiB", TOTAL_MAX >> 20);
                self.mistakes.push(Diagnostic::error(message).at(span));
                return None;
            }
        }
        (!broken).then_some(Text { value, expanded })
    }

    /// What stands between the braces.
    fn meaning(&self, name: &str) -> Result<String, Diagnostic> {
        if let Some(path) = name.strip_prefix("file:") {
            return self.file(path);
        }
        if name.is_empty() || name.contains(|c: char| !(c.is_ascii_alphanumeric() || c == '_')) {
            let help = "write ${NAME} for a variable, ${file:PATH} for what is in a file, and $${ for the characters ${";
            return Err(Diagnostic::error(format!("`${{{name}}}` is no variable")).help(help));
        }
        self.environment.get(name).map(str::to_owned).map_err(|why| match why {
            NoVariable::NotText => Diagnostic::error(format!("the variable {name} is no UTF-8")),
            NoVariable::Missing => {
                let known = self.environment.beginning_with("").map(|(name, _)| name);
                let help = match suggest::closest(name, known) {
                    Some(other) => format!("did you mean ${{{other}}}?"),
                    None => format!("set it before the start, as in `export {name}=...`; write $${{ for the characters ${{"),
                };
                Diagnostic::error(format!("the variable {name} is not set")).help(help)
            }
        })
    }

    /// What is in a file, without the line end that editors put behind the last line.
    fn file(&self, path: &str) -> Result<String, Diagnostic> {
        let path = self.folder.join(path);
        let refuse = |why: String| Err(Diagnostic::error(format!("the file {} {why}", path.display())));
        let text = match bounded(&path, FILE_MAX) {
            Ok(bytes) => String::from_utf8(bytes),
            Err(why) => return refuse(why),
        };
        let Ok(mut text) = text else { return refuse("is no UTF-8".to_owned()) };
        if text.ends_with('\n') {
            text.pop();
            if text.ends_with('\r') {
                text.pop();
            }
        }
        Ok(text)
    }
}

fn not_closed(span: Span) -> Diagnostic {
    Diagnostic::error("a `}` is missing behind `${`")
        .at(span)
        .help("write ${NAME} or ${file:PATH}, and $${ for the characters ${")
}
