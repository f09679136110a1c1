//! The blocks of a page.

use std::path::Path;

/// A page of the guide, as far as it can be run.
pub(super) struct Page {
    pub(super) name: String,
    pub(super) blocks: Vec<Block>,
}

/// What stands between two fences.
pub(super) struct Block {
    pub(super) language: String,
    words: Vec<String>,
    pub(super) text: String,
    /// File and line, for messages.
    pub(super) place: String,
}

impl Page {
    pub(super) fn read(path: &Path) -> Self {
        let text = std::fs::read_to_string(path).unwrap_or_else(|e| panic!("read {}: {e}", path.display()));
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        let mut blocks = Vec::new();
        let mut open: Option<Block> = None;
        for (number, line) in text.lines().enumerate() {
            match (&mut open, line.strip_prefix("```")) {
                (None, Some(info)) => {
                    let mut words = info.split_whitespace().map(str::to_owned);
                    let place = format!("{name}:{}", number + 1);
                    let language = words.next().unwrap_or_else(|| panic!("{place}: a block of what?"));
                    open = Some(Block { language, words: words.collect(), text: String::new(), place });
                }
                (None, None) => {}
                (Some(_), Some("")) => blocks.extend(open.take()),
                (Some(block), _) => {
                    block.text.push_str(line);
                    block.text.push('\n');
                }
            }
        }
        assert!(open.is_none(), "{name}: the last block has no end");
        Self { name, blocks }
    }
}

impl Block {
    /// Whether it is marked with this word.
    pub(super) fn is(&self, word: &str) -> bool {
        self.words.iter().any(|known| known == word)
    }

    /// What follows `prefix` in one of the words.
    pub(super) fn word(&self, prefix: &str) -> Option<&str> {
        self.words.iter().find_map(|word| word.strip_prefix(prefix))
    }

    /// Each command with what it is to print.
    pub(super) fn commands(&self) -> Vec<(String, Vec<&str>)> {
        let mut commands: Vec<(String, Vec<&str>)> = Vec::new();
        let mut goes_on = false;
        for line in self.text.lines() {
            if goes_on {
                let (command, _) = commands.last_mut().unwrap();
                command.push('\n');
                command.push_str(line);
            } else if let Some(command) = line.strip_prefix("$ ") {
                commands.push((command.to_owned(), Vec::new()));
            } else {
                let last = commands.last_mut().unwrap_or_else(|| panic!("{}: no command yet", self.place));
                last.1.push(line);
                continue;
            }
            goes_on = line.ends_with('\\');
        }
        assert!(!commands.is_empty(), "{}: no command", self.place);
        commands
    }
}
