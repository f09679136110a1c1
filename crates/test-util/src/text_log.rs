//! Lines that a test waits for.

use std::io::{self, Write};
use std::sync::{Arc, Condvar, Mutex};
use std::time::Instant;

use crate::guard::LIMIT;

/// A sink for text, to be handed to whatever writes a log. Clones share their lines.
#[derive(Clone, Debug, Default)]
pub struct TextLog {
    inner: Arc<(Mutex<Vec<u8>>, Condvar)>,
}

impl TextLog {
    /// An empty log.
    pub fn new() -> Self {
        Self::default()
    }

    /// The whole text so far.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.inner.0.lock().unwrap()).into_owned()
    }

    /// The lines that are complete.
    pub fn lines(&self) -> Vec<String> {
        complete_lines(&self.inner.0.lock().unwrap())
    }

    /// Blocks until a complete line holds `part`, and returns the first such line.
    ///
    /// # Panics
    /// After [`LIMIT`], with all lines.
    pub fn wait_for(&self, part: &str) -> String {
        self.wait_for_count(part, 1).remove(0)
    }

    /// Blocks until there are `count` complete lines with `part`, and returns them.
    ///
    /// # Panics
    /// After [`LIMIT`], with all lines.
    pub fn wait_for_count(&self, part: &str, count: usize) -> Vec<String> {
        let deadline = Instant::now() + LIMIT;
        let mut text = self.inner.0.lock().unwrap();
        loop {
            let mut found = complete_lines(&text);
            found.retain(|line| line.contains(part));
            if found.len() >= count {
                return found;
            }
            let now = Instant::now();
            if now >= deadline {
                drop(text);
                let found = found.len();
                panic!("{found} of {count} lines with {part:?} within {LIMIT:?}:\n{}", self.text());
            }
            text = self.inner.1.wait_timeout(text, deadline - now).unwrap().0;
        }
    }
}

fn complete_lines(text: &[u8]) -> Vec<String> {
    let complete = text.iter().rposition(|byte| *byte == b'\n').map_or(0, |end| end + 1);
    String::from_utf8_lossy(&text[..complete]).lines().map(str::to_owned).collect()
}

impl Write for TextLog {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.inner.0.lock().unwrap().extend_from_slice(bytes);
        self.inner.1.notify_all();
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
