//! What is wrong with a configuration as a whole.

use super::diagnostic::Diagnostic;
use super::model::Config;
use super::tree::Node;

/// Checks what was read. If something could not be read, what depends on all of it is left out.
pub(crate) fn all(_config: &Config, _root: &Node, _complete: bool) -> Vec<Diagnostic> {
    Vec::new()
}
